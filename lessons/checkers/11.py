"""What grades the exercises of lesson 11."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.course import Wrong, expect, expect_close, expect_number, expect_tensor, explaining


def bag_of_words(answers: Any) -> None:
    for V, C, T, layers in ((7, 4, 6, 2), (5, 3, 9, 3)):
        with explaining({"Module.__init__": _NO_SUPER}):
            try:
                model, other = (answers.bag_of_words(V, C, T, layers) for _ in range(2))
            except AttributeError as error:
                if "Module.__init__" in str(error):
                    raise Wrong(_NO_SUPER) from error
                raise
        expect(not isinstance(model, type), "the class itself was returned; return an object of it, with ()")
        expect(isinstance(model, nn.Module), f"a module is wanted, not {type(model).__name__}")
        _check_parts(model, V, C, T, layers)
        _check_logits(model, other, V, T)


_NO_SUPER = (
    "an attribute was assigned before the module was ready: the first line of __init__ should be super().__init__(), "
    "which makes the lists in which the module notes its parameters"
)


def _check_parts(model: nn.Module, V: int, C: int, T: int, layers: int) -> None:
    for name in ("embedding", "gain", "average", "layers", "head"):
        expect(hasattr(model, name), f"the module has no attribute {name}")
    state, parameters, buffers = (
        model.state_dict(),
        dict(model.named_parameters()),
        dict(model.named_buffers()),
    )
    expect(
        not isinstance(model.layers, list | tuple),
        "layers is a plain list, and a module does not look into lists: its weights are neither trained nor saved. "
        "Use nn.ModuleList",
    )
    expect(
        "average" not in parameters, "average is a parameter, so it would be trained; it should be a buffer"
    )
    expect(
        "average" in buffers,
        "average is a plain attribute: it would stay behind when the module is moved, and it is not in the state dict. "
        'Use self.register_buffer("average", ...)',
    )
    expect("average" in state, "average is a buffer that is not saved; register it without persistent=False")
    expect(
        "gain" in parameters,
        "gain is not among the parameters, so no optimiser would train it; wrap the tensor in nn.Parameter",
    )
    expect_tensor(model.gain, (C,), "gain: bag_of_words")
    expect(torch.equal(model.gain.detach(), torch.ones(C)), "gain should be all ones at the start")
    expect_tensor(model.average, (T, T), "average: bag_of_words")
    A = torch.ones(T, T).tril()
    expect(
        not torch.allclose(model.average, A / T) and not torch.allclose(model.average, A),
        "the rows of average should sum to 1: row t has 1 / (t + 1) in each of its first t + 1 places",
    )
    expect_close(model.average, A / A.sum(1, keepdim=True), "average is not the matrix of the exercise")
    names = ["embedding.weight", "gain", "average", "head.weight", "head.bias"]
    names += [f"layers.{i}.{what}" for i in range(layers) for what in ("weight", "bias")]
    more, less = sorted(set(state) - set(names)), sorted(set(names) - set(state))
    expect(not less, f"the state dict lacks {', '.join(less)}")
    expect(not more, f"the state dict has {', '.join(more)} as well, which should not be there")
    right = V * C + C + layers * (C * C + C) + C * V + V
    found = sum(p.numel() for p in model.parameters() if p.requires_grad)
    expect(found == right, f"{found} numbers would be trained, not {right}")


def _check_logits(model: nn.Module, other: nn.Module, V: int, T: int) -> None:
    g = torch.Generator().manual_seed(V)
    w = {name: torch.randn(x.shape, generator=g) for name, x in model.state_dict().items()}
    A = torch.ones(T, T).tril()
    w["average"] = A / A.sum(1, keepdim=True)
    model.load_state_dict(w)
    for t in (T, T - 2, 1):
        idx = torch.randint(0, V, (3, t), generator=g)
        with explaining(
            {"must match the size": f"ids (3, {t}) are shorter than T = {T}: take average[:t, :t] with t = ids.shape[1]",
             "size mismatch": f"ids (3, {t}) are shorter than T = {T}: take average[:t, :t] with t = ids.shape[1]",
             "Expected size for": f"ids (3, {t}) are shorter than T = {T}: take average[:t, :t] with t = ids.shape[1]"}
        ):  # fmt: skip
            got = model(idx)
        expect_tensor(got, (3, t, V), "the module")
        e = w["embedding.weight"][idx]
        u = w["gain"] * e + w["average"][:t, :t] @ e
        replaced = u
        for name in [name for name in w if name.startswith("layers.") and name.endswith("weight")]:
            bias = w[name.replace("weight", "bias")]
            u = u + torch.tanh(u @ w[name].T + bias)
            replaced = torch.tanh(replaced @ w[name].T + bias)
        right, without = (x @ w["head.weight"].T + w["head.bias"] for x in (u, replaced))
        expect(
            not torch.allclose(got, without, atol=1e-4),
            "each layer replaces u; it should be added to it, u = u + tanh(layer(u))",
        )
        expect_close(got, right, "the logits are not what the exercise says", 1e-4)
    other.load_state_dict(model.state_dict())
    expect(
        torch.equal(other(idx), got),
        "a second module that has loaded the state dict of the first gives other logits: something is not in it",
    )
    try:
        wide = model.double()(idx)
    except RuntimeError as error:
        raise Wrong(
            f"after model.double() it stops: {error}; a tensor was left behind, which only a buffer prevents"
        ) from None
    expect_close(wide, got, "after model.double() the logits are others", 1e-4)


def padded(answers: Any) -> None:
    emma, jo, none = torch.tensor([5, 13, 13, 1]), torch.tensor([10, 15]), torch.tensor([], dtype=torch.int64)
    g = torch.Generator().manual_seed(5)
    drawn = [torch.randint(1, 27, (length,), generator=g) for length in (3, 8, 1, 5)]
    for lines in ([emma, jo], [jo], [none, emma, jo], drawn):
        before = [line.clone() for line in lines]
        with explaining(
            {"expand": "the lines do not fit into one tensor: each row is filled up to the length of the longest",
             "stack expects each": "the lines are of unequal length and cannot be stacked: fill them up first"}
        ):  # fmt: skip
            got = answers.padded(list(lines))
        expect(isinstance(got, tuple | list) and len(got) == 2, "two tensors are wanted: inputs and targets")
        x, y = got
        B, T = len(lines), max(map(len, lines)) + 1
        shown = [line.tolist() for line in lines]
        expect(
            not isinstance(x, Tensor) or x.shape != (B, T - 1),
            f"the inputs have {T - 1} places; the start is one more, and a line of n characters has n + 1 targets, its "
            "end among them",
        )
        for part, what in ((x, "inputs"), (y, "targets")):
            expect_tensor(part, (B, T), f"the {what} of {shown}: padded")
            expect(part.dtype == torch.int64, f"the {what} should be int64: they are ids, not {part.dtype}")
        right_x, right_y = torch.zeros(B, T, dtype=torch.int64), torch.full((B, T), -1)
        for row, line in enumerate(lines):
            right_x[row, 1 : len(line) + 1] = line
            right_y[row, : len(line)] = line
            right_y[row, len(line)] = 0
        _explain_padding(x, y, right_x, right_y, shown)
        expect(all(map(torch.equal, before, lines)), "a line that was given was changed; work on new tensors")


def _explain_padding(x: Tensor, y: Tensor, right_x: Tensor, right_y: Tensor, shown: list) -> None:
    after = right_y == -1
    zeros = right_y.masked_fill(after, 0)
    expect(
        not after.any() or not torch.equal(y, zeros),
        "targets are padded with 0, which is the end: the model would be trained to predict ends after the end; use -1",
    )
    no_end = torch.where((right_y == 0) & (right_x.roll(-1, 1) == 0), -1, right_y)
    expect(
        not torch.equal(y, no_end),
        "the end of each line is missing among the targets: after its last id comes 0",
    )
    expect(
        not torch.equal(y, right_x.masked_fill(after, -1)) and not torch.equal(y, right_x),
        "the target of each place is its own input; it should be what comes next",
    )
    expect(
        not (x == -1).any(),
        "inputs are padded with -1, and an embedding has no row -1; use 0, since what is there does not matter",
    )
    expect_close(x, right_x, f"the inputs of {shown} should be {right_x.tolist()}, not {x.tolist()}")
    expect_close(y, right_y, f"the targets of {shown} should be {right_y.tolist()}, not {y.tolist()}")


class _Net(nn.Module):
    """A network that differs between training and use, without randomness."""

    def __init__(self, V: int, seed: int) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.embedding, self.fc = nn.Embedding(V, 6), nn.Linear(6, 8)
        self.norm, self.head = nn.BatchNorm1d(8, momentum=0.3), nn.Linear(8, V)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=g))
        self.graphs = 0  # how often it was called with gradients in use

    def forward(self, idx: Tensor) -> Tensor:
        h = self.fc(self.embedding(idx))  # (B, T, 8)
        self.graphs += not self.training and torch.is_grad_enabled()
        return self.head(torch.tanh(self.norm(h.flatten(0, 1)).view(h.shape)))


def _reference(
    model: nn.Module, batches: list, held_out: list, rate: float, decay: float, forget: str = ""
) -> float:
    """The right answer, or that of someone who forgets one thing."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    on_vectors = decay if forget == "groups" else 0.0
    groups = [
        {"params": matrices, "weight_decay": 0.0 if forget == "decay" else decay},
        {"params": vectors, "weight_decay": on_vectors},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # left over from something else
    model.train(forget != "train")
    ignore = -100 if forget == "ignore" else -1
    for x, y in batches:
        y = y.clamp(min=0) if forget == "ignore" else y
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=ignore)
        if forget not in ("zero_grad", "leftover"):
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if forget == "leftover":
            optimizer.zero_grad()
    model.train(forget == "eval")
    sums, counts = [], []
    with torch.no_grad():
        for x, y in held_out:
            sums.append(
                F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=-1, reduction="sum").item()
            )
            counts.append(int((y != -1).sum()))
    if forget == "tokens":
        return sum(a / b for a, b in zip(sums, counts, strict=True)) / len(sums)
    return sum(sums) / sum(counts)


_FORGOTTEN = {
    "zero_grad": "the gradients of all steps so far are added up: call optimizer.zero_grad() before loss.backward()",
    "leftover": "gradients that were there before the first step went into it: call optimizer.zero_grad() before the "
    "first loss.backward(), not only after each step",
    "train": "the model came in eval mode and was trained in it: call model.train() before the loop",
    "groups": "vectors (biases, gains) were decayed too: put parameters of fewer than two dimensions into a group with "
    "weight_decay 0",
    "decay": "no weight was decayed: parameters of two or more dimensions get weight_decay=decay",
}  # fmt: skip


def train_and_score(answers: Any) -> None:
    for seed, V, mode in ((1, 6, False), (2, 9, True)):
        g = torch.Generator().manual_seed(seed)

        def lines(B: int, T: int, V: int = V, g: torch.Generator = g) -> tuple[Tensor, Tensor]:
            x, y = (torch.randint(0, V, (B, T), generator=g) for _ in range(2))
            lengths = torch.randint(1, T + 1, (B, 1), generator=g)
            return x, y.masked_fill(torch.arange(T) >= lengths, -1)

        batches, held_out = [lines(8, 5) for _ in range(6)], [lines(4, 6), lines(9, 2), lines(2, 7)]
        model = _Net(V, seed).train(mode)
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)  # left over from something else
        models = {forget: copy.deepcopy(model) for forget in ("", *_FORGOTTEN, "eval", "ignore", "tokens")}
        wanted = {
            forget: _reference(each, batches, held_out, 0.05, 0.5, forget) for forget, each in models.items()
        }
        got = answers.train_and_score(model, batches, held_out, 0.05, 0.5)
        got = expect_number(got, "train_and_score")
        for forget, message in _FORGOTTEN.items():
            expect(not _alike(model, models[forget]), message)
        expect(
            not _alike(model, models["ignore"]),
            "padding was trained on, as if the end were to be predicted there: give cross_entropy ignore_index=-1",
        )
        expect(
            _alike(model, models[""]), "the weights after training are not what AdamW makes of these batches"
        )
        for forget, message in (
            ("eval", "the held-out loss was measured in training mode: call model.eval() first"),
            ("tokens", "this is the mean of the batches' means, in which small batches weigh too much: add up the losses "
             "of all targets, and divide by their number"),
        ):  # fmt: skip
            expect(not math.isclose(got, wanted[forget], rel_tol=1e-4), message)
        expect_close(got, wanted[""], f"the held-out loss is {wanted['']:.4f}, not {got:.4f}", 1e-4)
        expect(model.graphs == 0, "gradients were prepared while measuring: measure under torch.no_grad()")


def _alike(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.allclose(x, y, atol=1e-4) for x, y in zip(a.parameters(), b.parameters(), strict=True))


CHECKS = {"bag_of_words": bag_of_words, "padded": padded, "train_and_score": train_and_score}
