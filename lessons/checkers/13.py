"""What grades the exercises of lesson 13."""

import math
from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_tensor


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), atol=1e-3, rtol=1e-3)


def rms_norm(answers: Any) -> None:
    g = torch.Generator().manual_seed(1)
    for shape in ((2, 3, 8), (5, 4)):
        x, gain = torch.randn(shape, generator=g) * 3 + 1, torch.rand(shape[-1], generator=g) + 0.5
        before = x.clone()
        got = answers.rms_norm(x, gain)
        expect_tensor(got, shape, "rms_norm")
        expect(torch.equal(x, before), "the tensor x that was given was changed; work on a new one")
        size = x.square().mean(-1, keepdim=True)
        centred = x - x.mean(-1, keepdim=True)
        for var in (centred.square().mean(-1, keepdim=True), x.var(-1, keepdim=True)):
            expect(
                not _alike(got, centred / var.sqrt() * gain) and not _alike(got, x / var.sqrt() * gain),
                "the mean is subtracted, as LayerNorm does. RMSNorm takes the mean of the squares of x itself",
            )
        expect(
            not _alike(got, x / x.square().sum(-1, keepdim=True).sqrt() * gain),
            "this divides by the length of the vector, the root of the *sum* of squares; RMSNorm takes their mean",
        )
        expect(
            not _alike(got, x / size * gain), "the square root is missing: this divides by the mean square"
        )
        expect(not _alike(got, x / size.sqrt()), "the gain is missing: each channel is multiplied by its own")
        expect(
            not _alike(got, x / x.square().mean().sqrt() * gain),
            "there is one size for all vectors here; every vector, along the last dimension, has its own",
        )
        expect_close(got, x / (size + 1e-6).sqrt() * gain, "this is not what the formula says", 1e-4)
    zeros = answers.rms_norm(torch.zeros(2, 4), torch.ones(4))
    expect(not zeros.isnan().any(), "a vector of zeros gives 0 / 0 = nan: add epsilon under the root")
    small = torch.full((1, 4), 1e-3)
    expect_close(
        answers.rms_norm(small, torch.ones(4), 1e-6),
        small / math.sqrt(2e-6),
        "small vectors come out with a wrong size: epsilon is added to the mean square, before the root is taken",
        1e-3,
    )
    for scale in (1000.0, 1e-4):
        x = (torch.randn(3, 16, generator=g) * scale).half()
        gain = torch.rand(16, generator=g) + 0.5
        got = answers.rms_norm(x, gain, 1e-12)
        expect_tensor(got, (3, 16), "rms_norm")
        wide = x.double()
        right = wide / (wide.square().mean(-1, keepdim=True) + 1e-12).sqrt() * gain
        size = f"about {scale:g}"
        expect(
            _alike(got, right.half()),
            f"for 16-bit numbers of {size} the result is wrong: in 16 bits their squares "
            + ("are infinite" if scale > 1 else "are 0")
            + ". Square them in 32 bits (x.float())",
        )
        expect(got.dtype == torch.float16, f"x is float16, and the result should be too, not {got.dtype}")


def _turn(x: Tensor, start: int, step: float = 1, sign: float = 1, neighbours: bool = False) -> Tensor:
    T, D = x.shape
    speed = 10000.0 ** (-torch.arange(D // 2) / (D // 2))
    angle = sign * (start + step * torch.arange(T))[:, None] * speed
    cos, sin = angle.cos(), angle.sin()
    if neighbours:
        a, b = x[:, ::2], x[:, 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(1)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def rotary_scores(answers: Any) -> None:
    g = torch.Generator().manual_seed(2)
    for S, T, D in ((0, 4, 4), (5, 1, 8), (3, 4, 6)):
        q, k = torch.randn(2, T, D, generator=g)
        raw = torch.randn(S, D, generator=g)
        past = _turn(raw, 0)
        got = answers.rotary_scores(q, k, past)
        at = f" (S = {S}, T = {T}, D = {D})"
        expect(
            isinstance(got, tuple) and len(got) == 2,
            "rotary_scores should return two tensors, scores and keys",
        )
        scores, keys = got
        expect_tensor(scores, (T, S + T), f"rotary_scores, first part{at},")
        expect_tensor(keys, (S + T, D), f"rotary_scores, second part{at},")
        right_keys = torch.cat([past, _turn(k, S)])
        if S:
            expect(
                not _alike(keys, torch.cat([past, _turn(k, 0)])),
                f"the new keys are turned as if they stood at place 0; they stand at the places S to S + T - 1{at}",
            )
            expect(
                not _alike(keys, _turn(torch.cat([past, k]), 0)),
                f"the keys of the past are turned a second time; they were turned when they were new{at}",
            )
        expect(
            not _alike(keys, torch.cat([past, _turn(k, S, neighbours=True)])),
            f"the pairs are neighbours, the channels 0 and 1, 2 and 3; here channel i goes with channel i + D / 2{at}",
        )
        expect(
            not _alike(keys, torch.cat([past, _turn(k, S, sign=-1)])),
            f"the turn goes the wrong way round{at}",
        )
        expect(not _alike(keys, torch.cat([past, k])), f"the new keys are returned without being turned{at}")
        expect_close(keys, right_keys, f"the keys are not the past and the new ones, turned{at}", 1e-4)
        dots = _turn(q, S) @ right_keys.T
        future = torch.ones(T, S + T, dtype=torch.bool).triu(S + 1)
        seen = torch.where(future, torch.zeros(()), scores)
        expect(
            not seen.isinf().any(),
            f"a key that the query may see has the score -inf{at}: query t is at place S + t",
        )
        expect(
            not _alike(seen, dots.masked_fill(future, 0.0)) or D == 1,
            f"the division by the square root of D is missing{at}",
        )
        if S:
            expect(
                not _alike(seen, (_turn(q, 0) @ right_keys.T / math.sqrt(D)).masked_fill(future, 0.0)),
                f"the queries are turned as if they stood at place 0; they stand at the places S to S + T - 1{at}",
            )
        expect(
            not _alike(seen, (q @ right_keys.T / math.sqrt(D)).masked_fill(future, 0.0)) or (S, T) == (0, 1),
            f"the queries are not turned, only the keys{at}",
        )
        expect_close(
            seen, (dots / math.sqrt(D)).masked_fill(future, 0.0), f"the scores are not right{at}", 1e-4
        )
        expect(
            bool((scores[future] == -math.inf).all()),
            f"a query sees the future: where the key comes after the query, the score should be -inf{at}",
        )


def _grouped(q: Tensor, k: Tensor, v: Tensor, scale: float, causal: bool, heads: list[int]) -> Tensor:
    k, v = k[:, :, heads], v[:, :, heads]
    scores = torch.einsum("bthd,bshd->bhts", q, k) * scale
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -math.inf)
    return torch.einsum("bhts,bshd->bthd", scores.softmax(-1), v)


def grouped_attention(answers: Any) -> None:
    g = torch.Generator().manual_seed(3)
    for H, G in ((4, 2), (3, 3), (6, 2), (4, 1)):
        B, T, D = 2, 5, 4
        q = torch.randn(B, T, H, D, generator=g)
        k, v = torch.randn(2, B, T, G, D, generator=g)
        got = answers.grouped_attention(q, k, v)
        at = f" (H = {H}, G = {G})"
        expect_tensor(got, (B, T, H, D), f"grouped_attention{at}")
        scale = 1 / math.sqrt(D)
        heads = [h // (H // G) for h in range(H)]
        other = [h % G for h in range(H)]
        if heads != other:
            expect(
                not _alike(got, _grouped(q, k, v, scale, True, other)),
                f"the heads of keys are copied as 0, 1, 0, 1; the first H / G heads of queries share head 0, so they "
                f"should be 0, 0, 1, 1 (repeat_interleave){at}",
            )
        expect(
            not _alike(got, _grouped(q, k, v, scale, False, heads)),
            f"places see the future: where the key comes after the query, the score should be -inf{at}",
        )
        expect(
            not _alike(got, _grouped(q, k, v, 1, True, heads)),
            f"the division by the square root of D is missing{at}",
        )
        expect(
            not _alike(got, _grouped(q, k, v, 1 / math.sqrt(H * D), True, heads)),
            f"the scores are divided by the square root of H D; D is the size of one head{at}",
        )
        expect_close(
            got,
            _grouped(q, k, v, scale, True, heads),
            f"the result is not the weighted sum it should be{at}",
            1e-4,
        )


CHECKS = {"rms_norm": rms_norm, "rotary_scores": rotary_scores, "grouped_attention": grouped_attention}
