"""What tells whether a bug of the museum is mended: one function for each file, by its name."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from makemore.course import expect, expect_close, expect_number, expect_tensor, names


def keepdim(answers: Any) -> None:
    counts = torch.tensor([[6, 2, 0], [3, 9, 1], [1, 1, 2]])
    p = answers.probabilities(counts)
    expect_tensor(p, (3, 3), "probabilities")
    expect(
        not torch.allclose(p.sum(0), torch.ones(3), atol=1e-5),
        "now the columns sum to 1; row a is what follows a, so the rows should",
    )
    expect_close(
        p.sum(1),
        torch.ones(3),
        "the rows still do not sum to 1: what shape has the sum, and how is it broadcast?",
    )
    expect_close(
        p[0], torch.tensor([7, 3, 1]) / 11, "the rows sum to 1, but are not the counts raised by 1 any more"
    )


def no_boundary(answers: Any) -> None:
    got = answers.pairs(["emma", "jo"])
    expect(isinstance(got, list), f"pairs returned {type(got).__name__}; a list of pairs is wanted")
    got = [tuple(pair) for pair in got]
    expect((".", "e") in got, "nothing says that emma begins with e: put the boundary before every name")
    expect(("a", ".") in got, "nothing says that emma ends with a: put the boundary after every name")
    expect(
        ("a", "j") not in got, "the end of emma runs into the beginning of jo; each name is a line of its own"
    )
    expect(
        (".", ".") not in got, "a boundary follows a boundary: an empty line was counted between the names"
    )
    right = [*zip(".emma", "emma."), *zip(".jo", "jo.", strict=True)]
    expect(
        got == right or Counter(got) != Counter(right),
        f"all pairs are there, but not in order: {right} is wanted, not {got}",
    )
    expect(got == right, f"pairs of emma and jo should be {right}, not {got}")


def batchnorm_mode(answers: Any) -> None:
    model = answers.a_model()
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    asked, others = torch.tensor([[5, 13, 13]]), torch.randint(27, (2, 15, 3))
    both = [answers.predict(model, torch.cat([asked, each])) for each in others]
    for got in both:
        expect_tensor(got, (16, 27), "predict")
    a, b = both[0][0], both[1][0]
    expect_close(
        a,
        b,
        "the context still gets other probabilities among other contexts: whose mean normalises it, the batch's?",
    )
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    expect(
        not changed,
        f"asking changed the model itself ({', '.join(changed)}): switch to eval mode before the call",
    )
    expect(
        model.training,
        "the model was in training mode and is left in eval mode: whoever goes on training now learns by the running "
        "statistics. Leave it in the mode it was in",
    )
    model.eval()
    answers.predict(model, asked)
    expect(not model.training, "the model was in eval mode and is left in training mode; leave it as it was")
    expect_close(a.sum(), 1.0, "what is returned should be probabilities, which sum to 1")
    reference = answers.a_model().eval()
    expect_close(
        a, reference(asked)[0].softmax(-1), "these are not the probabilities by the running statistics", 1e-4
    )


def batchnorm_3d(answers: Any) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(4, 5, 3, generator=generator) * torch.tensor([1.0, 2.0, 3.0]) + 1
    gain, bias = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.0, 1.0, -1.0])
    got = answers.batch_norm(x, gain, bias)
    expect_tensor(got, (4, 5, 3), "batch_norm of (B, T, C)")
    plain = answers.batch_norm(x, torch.ones(3), torch.zeros(3))
    rows = plain.mean(1)
    expect(
        rows.abs().max() > 1e-4,
        "now every line has mean 0 by itself: the mean is over the positions only, and should be over the batch too",
    )
    expect(
        plain.mean(2).abs().max() > 1e-4,
        "every position has mean 0 over its channels: that is LayerNorm; each channel needs a mean of its own",
    )
    expect_close(
        plain.mean((0, 1)),
        torch.zeros(3),
        "a channel's mean over lines and positions is not 0: over which dimensions were the statistics taken?",
        1e-4,
    )
    expect(
        plain.mean(0).abs().max() > 1e-3,
        "each position still has statistics of its own: take them over the lines and the positions",
    )
    right = gain * (x - x.mean((0, 1))) / (x.var((0, 1), unbiased=False) + 1e-5).sqrt() + bias
    expect_close(got, right, "mean 0, but not variance 1 before gain and bias are applied")
    flat = answers.batch_norm(x[:, 0], gain, bias)
    right = gain * (x[:, 0] - x[:, 0].mean(0)) / (x[:, 0].var(0, unbiased=False) + 1e-5).sqrt() + bias
    expect_close(flat, right, "(B, T, C) is right, but (B, C) no longer is")


def rnn_start_state(answers: Any) -> None:
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    cell = nn.RNNCell(4, 5)
    inputs, start = torch.randn(2, 6, 4, generator=generator), torch.randn(2, 5, generator=generator)
    kept = start.clone()
    got = answers.run_through(cell, start, inputs)
    expect_tensor(got, (2, 6, 5), "run_through")
    expect(torch.equal(start, kept), "the start state that was given was changed; work on a name of your own")
    other = inputs.clone()
    other[:, 0] += 1
    changed = (answers.run_through(cell, start, other) - got).abs().amax((0, 2)) > 1e-6
    expect(
        changed[1:].any(),
        "no state after the first knows the first character: each must start from the one before",
    )
    expect(
        changed.all(),
        "the first character does not reach every later state: each must start from the one just before",
    )
    late = inputs.clone()
    late[:, -1] += 1
    early = (answers.run_through(cell, start, late) - got)[:, :-1].abs().max()
    expect(early < 1e-6, "a later character changes an earlier state")
    state, right = start, []
    for t in range(6):
        state = cell(inputs[:, t], state)
        right.append(state)
    expect_close(got, torch.stack(right, 1), "states depend on the past, but are not cell(x_t, state before)")


def empty_split(answers: Any) -> None:
    for n in [*range(2, 41), 20_000]:
        lines = [f"line {i}" for i in range(n)]
        got = answers.split(lines, 1)
        expect(
            isinstance(got, (tuple, list)) and len(got) == 2, "split should return two lists, (train, test)"
        )
        train, test = got
        expect(train, f"of {n} lines none is left to train on")
        expect(test, f"of {n} lines none is left to test with")
        expect(not set(train) & set(test), f"of {n} lines some are on both sides")
        expect(sorted([*train, *test]) == sorted(lines), f"of {n} lines {len(train) + len(test)} come out")
        expect(
            n < 10 or len(test) == min(1000, n // 10),
            f"{len(test)} of {n} lines are to test with; a tenth, 1,000 at most, is wanted",
        )
        expect(len(test) <= max(1, n // 10), f"{len(test)} of {n} lines are to test with, more than a tenth")
    expect(
        answers.split(lines, 1)[1] == test and answers.split(lines, 2)[1] != test,
        "the same seed should give the same split, another seed another",
    )


def mean_of_means(answers: Any) -> None:
    nll = torch.tensor([[1.0, 2.0, 3.0], [5.0, 9.0, 9.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    one = expect_number(answers.loss([(nll, mask)]), "loss")
    expect(
        abs(one - 11 / 6) > 1e-5,
        "padding is counted as if it were tokens without loss: divide by the number of tokens",
    )
    expect(
        abs(one - 3.5) > 1e-5,
        "this is the mean over lines; a long line has more tokens and should count more",
    )
    expect(abs(one - 29 / 6) > 1e-5, "the loss at padding is in the mean; the mask is to keep it out")
    expect(abs(one - 11 / 4) < 1e-5, f"tokens with losses 1, 2, 3 and 5 have the mean 2.75, not {one:.4f}")
    two = expect_number(answers.loss([(nll[:1], mask[:1]), (nll[1:, :1], mask[1:, :1])]), "loss")
    expect(
        abs(two - 3.5) > 1e-5,
        "each batch counts the same, however many tokens it has: add up sums and counts, and divide in the end",
    )
    expect(abs(two - 11 / 4) < 1e-5, f"the same four tokens in two batches get {two:.4f} instead of 2.75")
    generator = torch.Generator().manual_seed(7)
    batches, tokens = [], []
    for B, T in ((5, 7), (1, 3), (8, 11), (2, 2)):
        nll = torch.rand(B, T, generator=generator) * 4
        lengths = torch.randint(1, T + 1, (B,), generator=generator)
        batches.append((nll, (torch.arange(T) < lengths[:, None]).float()))
        for line, n in zip(nll.tolist(), lengths.tolist(), strict=True):
            tokens += line[:n]
    got, right = expect_number(answers.loss(batches), "loss"), sum(tokens) / len(tokens)
    expect(
        abs(got - right) < 1e-4,
        f"four batches with {len(tokens)} tokens in all, drawn at random, have the mean {right:.4f}, not {got:.4f}",
    )


def top_k(answers: Any) -> None:
    logits = torch.tensor([[5.0, 4.0, 3.0, 2.0], [0.0, 1.0, 2.0, 3.0], [-9.0, -7.0, -6.0, -8.0]])
    before = logits.clone()
    try:
        many = answers.top_k(logits, 9)
    except RuntimeError as error:
        expect(False, f"k above the vocabulary's size still dies: {str(error)[:60]}")
    expect(torch.equal(logits, before), "the logits that were given were changed")
    expect_tensor(many, (3, 4), "top_k, k above the vocabulary's size,")
    expect_close(many, logits, "k above the vocabulary's size should leave every logit as it is")
    got = answers.top_k(logits, 2)
    expect_tensor(got, (3, 4), "top_k")
    left = got.isfinite().sum(1).tolist()
    expect(left == [2, 2, 2], f"with k = 2 the rows have {left} left; each row has a k-th largest of its own")
    right = logits.masked_fill(~torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]]).bool(), -torch.inf)
    expect(torch.equal(got, right), "two are left in every row, but not its two largest, unchanged")
    expect(answers.top_k(logits, 1).isfinite().sum() == 3, "with k = 1 one should be left in every row")


def leaking_split(answers: Any) -> None:
    words = names()
    side = answers.sides(words)
    expect(isinstance(side, list), f"sides returned {type(side).__name__}; a list is wanted")
    expect(
        len(side) == len(words),
        f"{len(side)} sides for {len(words)} lines; every line wants one, repeated ones too",
    )
    expect(
        set(side) == {"train", "test"},
        f'only "train" and "test" are wanted, and both; got {sorted(set(side))}',
    )
    expect(side == list(answers.sides(words)), "a second call gives other sides")
    both = {w for w, s in zip(words, side) if s == "train"} & {w for w, s in zip(words, side) if s == "test"}
    expect(not both, f"{len(both)} lines are on both sides, {', '.join(sorted(both)[:3])} for example")
    share = side.count("test") / len(side)
    expect(0.05 < share < 0.15, f"{share:.0%} of the lines are to test with; about a tenth is wanted")
    test = {w for w, s in zip(words, side) if s == "test"}
    features: dict[str, Callable[[str], Any]] = {
        "first letter": lambda w: w[0],
        "last letter": lambda w: w[-1],
        "length": len,
    }
    for what, of in features.items():
        every, there = Counter(map(of, set(words))), Counter(map(of, test))
        shares = sorted((there[value] / n, value) for value, n in every.items() if n >= 200)
        for share, value in (shares[-1], shares[0]):  # the two ends
            expect(
                0 < share < 0.4,
                f"of the {every[value]} names with the {what} {value!r} {share:.0%} are to test with, of all names about "
                "a tenth: that tests another language than was trained. A line's side should depend on all of it, as if "
                "by chance",
            )


def zero_grad(answers: Any) -> None:
    w = torch.tensor([2.0, -4.0], requires_grad=True)
    losses = answers.descend(w, lambda x: (x**2).sum(), 5, 0.1)
    expect(isinstance(losses, list), f"descend returned {type(losses).__name__}; a list of losses is wanted")
    expect(len(losses) == 5, f"5 steps should give 5 losses, not {len(losses)}")
    losses = [expect_number(each, "descend, a loss,") for each in losses]
    expect_close(losses[0], 20.0, "the first loss should be that before the first step")
    expect(
        not torch.equal(w.detach(), torch.tensor([2.0, -4.0])),
        "the weights that were given did not change: is the step taken in place, and with a gradient that is not zero?",
    )
    right = [20 * 0.64**i for i in range(5)]
    expect_close(
        losses, right, f"in a bowl each step should leave 0.64 of the loss; losses were {[round(x, 2) for x in losses]}. "
        "Which gradients is a step made of?"
    )  # fmt: skip
    again = answers.descend(w, lambda x: (x**2).sum(), 1, 0.1)
    expect_close(again, [right[-1] * 0.64], "a second call goes on with a gradient of the first")
    expect_close(
        w.detach(),
        torch.tensor([2.0, -4.0]) * 0.8**6,
        "the second call took a step with an old gradient in it",
    )
    generator = torch.Generator().manual_seed(10)
    start, target = torch.randn(2, 3, 4, generator=generator)

    def valley(x: torch.Tensor) -> torch.Tensor:
        return ((x - target) ** 4).sum() + (x[0] * x[1]).sum().cos()

    w, place, right = start.clone().requires_grad_(), start.clone(), []
    for _ in range(4):
        place.requires_grad_()
        loss = valley(place)
        (gradient,) = torch.autograd.grad(loss, place)
        place = (place - 0.01 * gradient).detach()
        right.append(loss.item())
    message = "in a bowl it is right, for another loss_of and weights (3, 4) it is not: is the gradient that of loss_of?"
    expect_close(answers.descend(w, valley, 4, 0.01), right, message, 1e-4)
    expect_close(w.detach(), place, message, 1e-4)


def mask_after_softmax(answers: Any) -> None:
    generator = torch.Generator().manual_seed(5)
    q, k, v = torch.randn(3, 2, 6, 4, generator=generator)
    got = answers.attend(q, k, v)
    expect_tensor(got, (2, 6, 4), "attend")
    expect(
        not got.isnan().any(),
        "nan: a position that may look at nothing at all; each may look at itself and what is before",
    )
    ones = answers.attend(q, k, torch.ones_like(v))
    expect_close(
        ones,
        torch.ones_like(v),
        "the weights do not sum to 1: when is the future taken out, before the softmax or after?",
    )
    later_k, later_v = k.clone(), v.clone()
    later_k[:, -1] += 1
    later_v[:, -1] += 1
    early = (answers.attend(q, later_k, later_v) - got)[:, :-1].abs().max()
    expect(
        early < 1e-6,
        "the last position still changes earlier ones: what does a score of 0 become in a softmax?",
    )
    expect_close(
        got, F.scaled_dot_product_attention(q, k, v, is_causal=True), "the future is out, but the weights are not "
        "softmax(q . k / sqrt(C)) of what is left", 1e-4
    )  # fmt: skip


CHECKS = {
    "drunk_samples": keepdim,
    "endless_names": no_boundary,
    "the_swing": zero_grad,
    "short_lists": empty_split,
    "too_good": leaking_split,
    "who_else_asks": batchnorm_mode,
    "jumping_statistics": batchnorm_3d,
    "no_better_than_pairs": rnn_start_state,
    "loss_by_batch_size": mean_of_means,
    "weak_beginnings": mask_after_softmax,
    "wild_rows": top_k,
}
