"""What grades the exercises of lesson 10."""

import math
from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_tensor


def _seen(T: int, window: int) -> Tensor:
    back = torch.arange(T)[:, None] - torch.arange(T)
    return (back >= 0) & (back < window)


def _right(q: Tensor, k: Tensor, v: Tensor, window: int, scale: float | None = None) -> Tensor:
    scores = q @ k.mT / (math.sqrt(q.shape[-1]) if scale is None else scale)
    return scores.masked_fill(~_seen(q.shape[1], window), -math.inf).softmax(-1) @ v


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.float(), b.float(), atol=1e-5)


def _three(seed: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(3)]


def window_attention(answers: Any) -> None:
    q, k, v = _three(1, 2, 7, 16)
    copies = [x.clone() for x in (q, k, v)]
    got = answers.window_attention(q, k, v, 3)
    expect_tensor(got, (2, 7, 16), "window_attention")
    expect(
        all(torch.equal(a, b) for a, b in zip((q, k, v), copies, strict=True)),
        "q, k or v was changed; work on new tensors",
    )
    scores = (q @ k.mT / 4).masked_fill(~_seen(7, 3), -math.inf)
    expect(
        not got.isnan().all() and not _close(got, scores.softmax(0).nan_to_num() @ v),
        "the softmax runs over the lines of the batch (dimension 0), so the lines mix; the weights of one place over "
        "the keys that it sees should sum to 1: the last dimension",
    )
    expect(
        not _close(got, _seen(7, 3).float() @ v),
        "every weight is 1: the softmax runs over a dimension that has one entry only; it should run over the keys",
    )
    expect(
        not got.isnan().any(),
        "there are nan: some place sees nothing at all, and a softmax over nothing but -inf is 0 / 0. "
        "Every place sees at least itself",
    )
    everything = torch.ones(7, 7)
    for scale, said in ((1.0, "are not divided"), (16.0, "are divided by D; it is the square root of D")):
        expect(
            not _close(got, _right(q, k, v, 3, scale)),
            f"the scores {said}" + (" by the square root of D" if scale == 1 else ""),
        )
    unmasked = (q @ k.mT / 4).softmax(-1)
    late = unmasked * _seen(7, 3)
    expect(
        not _close(got, late @ v),
        "the mask comes after the softmax, so the weights of a place do not sum to 1; set the scores to -inf before",
    )
    expect(not _close(got, unmasked @ v), "every place sees all others, later ones too: is there a mask?")
    before = (q @ k.mT / 4).masked_fill(~_seen(7, 3), -math.inf)
    over_queries = before.softmax(-2).nan_to_num() @ v
    expect(
        not _close(got, over_queries),
        "the softmax runs over the queries; the weights of one query over all keys should sum to 1: the last dimension",
    )
    expect(
        not _close(got, _right(q, k, v, 7)),
        "every place sees all of the past; with a window of 3 place 6 should see places 4, 5 and 6 only",
    )
    expect(
        not _close(got, _right(q, k, v, 4)),
        "one place too many is seen: a window of 3 is the place itself and 2 before it",
    )
    expect(
        not _close(got, _right(q, k, v, 2)),
        "one place too few is seen: a window of 3 is the place itself and 2 before it",
    )
    symmetric = (q @ k.mT / 4).masked_fill(~(_seen(7, 3) | _seen(7, 3).T), -math.inf).softmax(-1) @ v
    expect(not _close(got, symmetric), "later places are seen: the window reaches back only, not forward")
    expect_close(
        got, _right(q, k, v, 3), "with a window of 3 some outputs are not the weighted sum they should be"
    )
    expect_close(
        answers.window_attention(q, k, v, 1), v, "with a window of 1 a place sees itself: the output is v"
    )
    whole = (q @ k.mT / 4).masked_fill(everything.triu(1) > 0, -math.inf).softmax(-1) @ v
    for window in (7, 20):
        expect_close(
            answers.window_attention(q, k, v, window),
            whole,
            f"a window of {window} over 7 places is the ordinary causal attention",
        )
    for D in (1, 5, 36):
        q, k, v = _three(D, 3, 9, D)
        expect_close(
            answers.window_attention(q, k, v, 4),
            _right(q, k, v, 4),
            f"right for D = 16, but not for (3, 9, {D}): are the scores divided by the square root of D, whatever it is?",
        )


def window_step(answers: Any) -> None:
    for window, D in ((1, 4), (2, 4), (4, 4), (20, 4), (3, 10)):
        q, k, v = _three(2, 3, 9, D)
        right, past = _right(q, k, v, window), None
        for t in range(9):
            given = None if past is None else tuple(x.clone() for x in past)
            result = answers.window_step(q[:, t], k[:, t], v[:, t], past, window)
            expect(
                isinstance(result, (tuple, list)) and len(result) == 2,
                "window_step should return two things: the output, and the pair of keys and values",
            )
            if past is not None:
                unchanged = all(torch.equal(a, b) for a, b in zip(past, given, strict=True))
                expect(unchanged, "the past that was given was changed; return a new one")
            y, past = result
            expect_tensor(y, (3, D), "window_step")
            expect(
                isinstance(past, (tuple, list)) and len(past) == 2,
                "the new past should be a pair: keys and values",
            )
            S = min(window, t + 1)
            for x, what, source in zip(past, ("keys", "values"), (k, v), strict=True):
                expect(isinstance(x, Tensor) and x.ndim == 3, f"the {what} of the past should be (B, S, D)")
                expect(
                    x.shape[1] <= window,
                    f"with a window of {window} the past holds {x.shape[1]} places: drop the oldest, or it grows for ever",
                )
                expect(
                    x.shape[1] == S,
                    f"at place {t} with a window of {window} the past should hold {S} places, not {x.shape[1]}: "
                    "the new one belongs to it",
                )
                first = source[:, :S]
                expect(
                    t + 1 == S or not _close(x, first),
                    f"the {what} of the first places are kept and the new ones dropped; the oldest should go",
                )
                expect(
                    _close(x, source[:, t + 1 - S : t + 1]),
                    f"at place {t} with a window of {window} the {what} are not those of the last {S} places, oldest first",
                )
            if t and not _close(y, right[:, t]):
                if S > 1:
                    without = _attend_one(q[:, t], k[:, t - S + 1 : t], v[:, t - S + 1 : t])
                    expect(
                        not _close(y, without),
                        "the new place does not see itself: add its key first, then attend",
                    )
                more = _attend_one(q[:, t], k[:, max(0, t - S) : t + 1], v[:, max(0, t - S) : t + 1])
                expect(
                    not _close(y, more),
                    "one place too many is seen: drop the oldest before attending, not after",
                )
            expect_close(
                y,
                right[:, t],
                f"place {t} with a window of {window} and D = {D} is not what window_attention should give there",
            )


def _attend_one(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = (k * q[:, None]).sum(-1) / math.sqrt(q.shape[-1])
    return (scores.softmax(-1)[..., None] * v).sum(1)


def influence(answers: Any) -> None:
    V, T = 5, 6
    generator = torch.Generator().manual_seed(3)
    table = torch.randn(V, V, generator=generator)
    idx = torch.tensor([[0, 3, 1, 4, 2, 1], [0, 2, 2, 1, 0, 0]])
    back = torch.arange(T)[:, None] - torch.arange(T)

    def mixed(weights: Tensor) -> Any:
        return lambda ids: weights @ table[ids]  # (T, T) @ (B, T, V)

    def odd(ids: Tensor) -> Tensor:  # tells only 4 from the others
        return mixed((back == 0).float())((ids == 4).long())

    def second(ids: Tensor) -> Tensor:  # the second line alone listens, to the first place
        out = table[ids].clone()
        out[1] += table[ids[1, 0]]
        return out

    causal = back >= 0
    models = [
        (mixed(causal / causal.sum(1, keepdim=True)), causal, "an average of the past"),
        (mixed(((back == 0) | (back == 2)).float()), (back == 0) | (back == 2), "itself and two back"),
        (mixed((back == -1).float()), back == -1, "the next character"),
        (mixed(torch.full((T, T), 1 / T)), torch.ones(T, T, dtype=torch.bool), "an average of all places"),
        (mixed((back == 0) * 1e-3), back == 0, "itself, with small logits"),
        (odd, back == 0, "whether the character itself is number 4"),
        (second, (back == 0) | (torch.arange(T) == 0), "itself and, in the second line, the first place"),
    ]
    before = idx.clone()
    for forward, right, what in models:
        got = answers.influence(forward, idx.clone(), V)
        expect_tensor(got, (T, T), "influence")
        expect(got.dtype == torch.bool, f"the table should hold True and False, not {got.dtype}")
        given = idx.clone()
        answers.influence(forward, given, V)
        expect(torch.equal(given, before), "idx was changed; change a clone of it")
        expect(
            torch.equal(got, right) or not torch.equal(got, right.T),
            "the table is turned round: [t, s] has the output first and the input that was changed second",
        )
        missed = (right & ~got).nonzero().tolist()
        extra = (got & ~right).nonzero().tolist()
        at = f"for a model that sees {what}"
        if missed:
            t, s = missed[0]
            expect(
                False,
                f"{at}, that output {t} depends on input {s} was missed: are all lines, all logits and all replacements "
                "looked at, and is the replacement always another id than before?",
            )
        if extra:
            t, s = extra[0]
            expect(
                False,
                f"{at}, output {t} is said to depend on input {s}, and does not: is one place changed at a time, "
                "starting from idx each time?",
            )


CHECKS = {
    "window_attention": window_attention,
    "window_step": window_step,
    "influence": influence,
}
