"""What grades the exercises of lesson 7."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from makemore.course import by_hand, expect, expect_close, expect_tensor


def close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-7, atol=1e-9)


def padded_cross_entropy_backward(answers: Any) -> None:
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(3, 4, 6, generator=generator, dtype=torch.float64)
    targets = torch.tensor([[1, 0, -1, -1], [5, 2, 3, 0], [4, 4, 0, -1]])
    given = logits.clone(), targets.clone()
    with by_hand(), torch.no_grad():
        got = answers.padded_cross_entropy_backward(logits, targets)
    expect_tensor(got, (3, 4, 6), "padded_cross_entropy_backward")
    expect(
        torch.equal(logits, given[0]) and torch.equal(targets, given[1]),
        "an argument was changed; work on a new tensor (softmax makes one, and clamp without _ too)",
    )
    leaf = logits.clone().requires_grad_()
    loss = F.cross_entropy(leaf.view(12, 6), targets.view(12), ignore_index=-1)
    loss.backward()
    right, real = leaf.grad, targets >= 0
    expect(got.isfinite().all(), "some entries are not finite")
    expect(not close(got, -right), "the sign is turned: it is what the model said minus what was so")
    expect(
        (got[~real] == 0).all(),
        "rows at padding are not 0: what stands there is not counted, so the loss does not depend on it "
        "(and an index of -1 means the last character to torch)",
    )
    softmax = logits.softmax(-1) * real[..., None]
    expect(
        not any(close(got, softmax / n) for n in (1, 9, 12)),
        "this is the softmax alone; 1 is still to be taken off at the target",
    )
    expect(
        not close(got, right * 9 / 12),
        "divided by all B T positions; the mean is over the real positions only, which are fewer",
    )
    expect(
        not close(got, right * 9),
        "this is the gradient of the sum; the loss is the mean: divide by the real positions",
    )
    expect(not close(got, right * 9 / 3), "divided by the B lines; the mean is over the real positions")
    per_line = right * 9 / real.sum(1)[:, None, None]
    expect(
        not (close(got, per_line) or close(got, per_line / 3)),
        "each line is divided by its own length; the mean is over the real positions of the whole batch",
    )
    expect(
        close(got, right),
        "the gradient differs from autograd's: it should be (softmax - one-hot) / real positions",
    )
    with by_hand(), torch.no_grad():
        large = answers.padded_cross_entropy_backward(500 * logits, targets)
    expect(
        isinstance(large, Tensor) and large.isfinite().all(),
        "with logits of some 1000 exp overflows; take the largest of each row off first, or use softmax",
    )
    other = torch.tensor([[2, -1]])
    with by_hand(), torch.no_grad():
        got = answers.padded_cross_entropy_backward(logits[:1, :2], other)
    leaf = logits[:1, :2].clone().requires_grad_()
    F.cross_entropy(leaf.view(2, 6), other.view(2), ignore_index=-1).backward()
    expect_tensor(got, (1, 2, 6), "padded_cross_entropy_backward")
    expect(
        close(got, leaf.grad),
        "right for one batch and not for another: is the number of real positions counted anew?",
    )
    B, T, V = 2, 7, 5
    for scale in (1.0, 10.0):
        logits = scale * torch.randn(B, T, V, generator=generator, dtype=torch.float64)
        targets = torch.randint(-1, V, (B, T), generator=generator)
        targets[0, 0] = 1
        with by_hand(), torch.no_grad():
            got = answers.padded_cross_entropy_backward(logits.clone(), targets.clone())
        expect_tensor(got, (B, T, V), f"for B, T, V = {B}, {T}, {V} padded_cross_entropy_backward")
        n = sum(target >= 0 for line in targets.tolist() for target in line)
        right = torch.zeros(B, T, V, dtype=torch.float64)
        for i in range(B):
            for j in range(T):
                if (target := int(targets[i, j])) >= 0:
                    raised = [math.exp(z) for z in logits[i, j].tolist()]
                    for k in range(V):
                        right[i, j, k] = (raised[k] / sum(raised) - (k == target)) / n
        expect(
            close(got, right),
            f"right for V = 6 and not for B, T, V = {B}, {T}, {V}, of which {n} are real: is a number typed in?",
        )


def layer_norm_backward(answers: Any) -> None:
    generator = torch.Generator().manual_seed(6)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    # square at first: shapes do not give anything away
    for N, C, eps in ((5, 5, 1e-5), (5, 5, 0.5), (3, 7, 0.1), (8, 3, 1e-3)):
        x, gain, dy = 2 * normal(N, C) + 1, normal(C) + 1, normal(N, C)
        with by_hand(), torch.no_grad():
            got = answers.layer_norm_backward(x.clone(), gain.clone(), dy.clone(), eps)
        expect(isinstance(got, tuple | list) and len(got) == 3, "three tensors are wanted: dx, dgain, dbias")
        dx, dgain, dbias = got
        for name, value, shape in (("dx", dx, (N, C)), ("dgain", dgain, (C,)), ("dbias", dbias, (C,))):
            expect_tensor(value, shape, f"layer_norm_backward as {name}")
        leaf, g, b = (t.clone().requires_grad_() for t in (x, gain, torch.zeros_like(gain)))
        (F.layer_norm(leaf, (C,), g, b, eps) * dy).sum().backward()

        expect(
            not close(dbias, dy.sum(1)), "dbias is summed over the channels; bias was broadcast over the rows"
        )
        expect_close(
            dbias, b.grad, "dbias: bias was broadcast over the rows, so dy is summed over them", 1e-8
        )
        mean, var = x.mean(1, keepdim=True), x.var(1, correction=0, keepdim=True)
        norm = (x - mean) / (var + eps).sqrt()
        columns = (x - x.mean(0)) / (x.var(0, correction=0) + eps).sqrt()
        expect(
            not close(dgain, (dy * columns).sum(0)),
            "dgain: each column is normalised, as in BatchNorm; LayerNorm has a mean and a variance for each row",
        )
        expect(not close(dgain, (dy * x).sum(0)), "dgain: the gain multiplied the normalised x, not x itself")
        unbiased = (x - mean) / (x.var(1, keepdim=True) + eps).sqrt()
        expect(
            not close(dgain, (dy * unbiased).sum(0)),
            "dgain: this variance divides by C - 1 (torch's var does unless told correction=0); it should divide by C",
        )
        expect_close(dgain, g.grad, "dgain: it is dy times the normalised x, summed over the rows", 1e-8)

        inv = (var + eps).rsqrt()
        pushed = dy * gain
        expect(
            not close(dx, inv * pushed),
            "dx: mean and variance are treated as constants; they depend on x too, and each is a path to add",
        )
        expect(
            not close(dx, inv * (pushed - pushed.mean(1, keepdim=True))),
            "dx: the path through the variance is missing",
        )
        expect(
            not close(dx, inv * (pushed - norm * (pushed * norm).mean(1, keepdim=True))),
            "dx: the path through the mean is missing",
        )
        late = inv * (dy - dy.mean(1, keepdim=True) - norm * (dy * norm).mean(1, keepdim=True))
        expect(
            not (close(dx, late) or close(dx, gain * late)),
            "dx: the gain differs from channel to channel, so it must be inside the means: begin with dy * gain",
        )
        across = inv * (pushed - pushed.mean(0) - norm * (pushed * norm).mean(0))
        expect(
            not close(dx, across),
            "dx: the means are over the rows, as in BatchNorm; here they are over the channels",
        )
        expect(
            not close(
                dx, inv * (pushed - pushed.sum(1, keepdim=True) - norm * (pushed * norm).sum(1, keepdim=True))
            ),
            "dx: sums where means are wanted",
        )
        expect_close(
            dx.sum(1),
            torch.zeros(N),
            f"dx: its rows should sum to 0, since LayerNorm undoes a shift of a row; for x ({N}, {C}) they do not",
            1e-8,
        )
        expect_close(
            dx,
            leaf.grad,
            f"dx differs from autograd's (eps = {eps}, x ({N}, {C})); derive it step by step as BatchNorm in the lesson, along rows",
            1e-8,
        )


def wrong_gradients(answers: Any) -> None:
    generator = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    x, parameters = 2 * normal(4, 3), {"W": normal(3, 2), "b": normal(2), "scale": normal(1)}

    def first_loss(p: dict[str, Tensor]) -> Tensor:
        return (((x @ p["W"] + p["b"]).sin() * p["scale"]) ** 2).sum()

    loss: Callable[[dict[str, Tensor]], Tensor] = first_loss

    def loss_at(p: dict[str, Tensor]) -> float:
        with torch.no_grad():
            return loss(p).item()

    leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    loss(leaves).backward()
    right: dict[str, Any] = {name: leaf.grad for name, leaf in leaves.items()}

    def said(claimed: dict[str, Tensor], tolerance: float = 1e-6) -> list[str]:
        before = {name: p.clone() for name, p in parameters.items()}
        got = answers.wrong_gradients(
            loss_at, parameters, {k: v.clone() for k, v in claimed.items()}, tolerance
        )
        for name, p in parameters.items():
            same = torch.allclose(p, before[name], rtol=0, atol=1e-9)
            parameters[name] = before[name]
            expect(same, f"{name} has other values than before; put each entry back, or nudge a clone")
        expect(isinstance(got, list), f"a list of names is wanted, not {type(got).__name__}")
        return got

    for tolerance in (1e-6, 1e-7):
        got = said(right, tolerance)
        expect(
            got == [],
            f"all gradients are right to {tolerance:.0e}, and you name {', '.join(map(str, got))}: is the step taken to "
            "both sides, (up - down) / (2 step), and neither far longer nor far shorter than 1e-5?",
        )

    def off(name: str, i: int, by: float) -> dict[str, Tensor]:
        claimed = {k: v.clone() for k, v in right.items()}
        claimed[name].view(-1)[i] += by
        return claimed

    expect(said(off("W", 0, 0.1)) == ["W"], "entry 0 of W is too large by 0.1, and only W should be named")
    expect(
        said(off("W", 5, 0.1)) == ["W"],
        "the last entry of W is wrong and it is not named: is every entry looked at?",
    )
    expect(
        said(off("b", 1, -0.1)) == ["b"],
        "an entry of b is too small by 0.1, and that is not found: compare the absolute difference",
    )
    expect(
        said(off("scale", 0, 1e-4)) == ["scale"],
        "scale is off by 1e-4 and tolerance is 1e-6: it should be named",
    )
    expect(
        said(off("scale", 0, 1e-4), 1e-2) == [],
        "scale is off by 1e-4 and tolerance is 1e-2: that is right enough",
    )
    balanced = off("W", 1, 0.1)
    balanced["W"].view(-1)[4] -= 0.1
    expect(
        said(balanced) == ["W"],
        "two errors in W that cancel in the sum are not found: look at each entry by itself",
    )
    both = {**off("W", 2, 0.1), "scale": -right["scale"]}
    expect(
        said(both) == ["W", "scale"],
        "W and scale are wrong, and both should be named, in the order of parameters",
    )
    row = {**right, "b": right["b"][None]}
    expect(
        said(row) == ["b"],
        "b has the right numbers in the wrong shape, (1, 2) instead of (2,): subtracting broadcasts, so compare shapes",
    )
    try:
        got = said({**right, "W": right["W"].T})
    except RuntimeError:
        got = []
    expect(
        got == ["W"],
        "the gradient of W is transposed, (2, 3) instead of (3, 2): compare shapes before subtracting",
    )

    for shapes in ({"E": (2, 4), "g": (4,)}, {"a": (3,), "K": (2, 3), "c": (1, 2), "d": (2,)}):
        parameters = {name: normal(*shape) for name, shape in shapes.items()}
        points = {name: normal(*shape) for name, shape in shapes.items()}

        def other_loss(p: dict[str, Tensor], points: dict[str, Tensor] = points) -> Tensor:
            return torch.stack([(p[name].tanh() * c).sum() for name, c in points.items()]).sum() ** 2

        loss = other_loss
        leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        loss(leaves).backward()
        right = {name: leaf.grad for name, leaf in leaves.items()}
        for _ in range(3):
            claimed = {name: gradient.clone() for name, gradient in right.items()}
            wrong = [name for name in shapes if torch.rand(1, generator=generator) < 0.5]
            for name in wrong:
                i = int(torch.randint(claimed[name].numel(), (1,), generator=generator))
                claimed[name].view(-1)[i] += 0.01
            got = said(claimed)
            expect(
                got == wrong,
                f"for another loss, with the parameters {', '.join(shapes)}, the wrong ones are {wrong}, not {got}",
            )


CHECKS = {
    "padded_cross_entropy_backward": padded_cross_entropy_backward,
    "layer_norm_backward": layer_norm_backward,
    "wrong_gradients": wrong_gradients,
}
