"""Wrong answers to the exercises of lesson 13, and words of the message that each should get."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def layer_norm(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return F.layer_norm(x.float(), x.shape[-1:], gain, None, epsilon).to(x.dtype)


def root_of_sum(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return x / (x.square().sum(-1, keepdim=True) + epsilon).sqrt() * gain


def without_gain(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt()


def without_root(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + epsilon) * gain


def outside_the_root(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True).sqrt() + epsilon) * gain


def in_16_bits(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    return (x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt() * gain).to(x.dtype)


def stays_wide(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    wide = x.float()
    return wide / (wide.square().mean(-1, keepdim=True) + epsilon).sqrt() * gain


def _turn(x: Tensor, start: int) -> Tensor:
    T, D = x.shape
    angle = torch.arange(start, start + T)[:, None] * 10000.0 ** (-torch.arange(D // 2) / (D // 2))
    a, b = x.chunk(2, -1)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def _masked(scores: Tensor, S: int) -> Tensor:
    return scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(S + 1), -math.inf)


def from_place_0(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = torch.cat([past, _turn(k, 0)])
    return _masked(_turn(q, 0) @ keys.T / math.sqrt(q.shape[1]), len(past)), keys


def turned_twice(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = _turn(torch.cat([past, k]), 0)
    return _masked(_turn(q, len(past)) @ keys.T / math.sqrt(q.shape[1]), len(past)), keys


def queries_at_0(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = torch.cat([past, _turn(k, len(past))])
    return _masked(_turn(q, 0) @ keys.T / math.sqrt(q.shape[1]), len(past)), keys


def neighbours(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    def turn(x: Tensor) -> Tensor:
        halves = torch.cat([x[:, ::2], x[:, 1::2]], 1)
        a, b = _turn(halves, len(past)).chunk(2, -1)
        return torch.stack([a, b], -1).flatten(1)

    keys = torch.cat([past, turn(k)])
    return _masked(turn(q) @ keys.T / math.sqrt(q.shape[1]), len(past)), keys


def sees_the_future(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = torch.cat([past, _turn(k, len(past))])
    return _turn(q, len(past)) @ keys.T / math.sqrt(q.shape[1]), keys


def mask_of_the_new(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = torch.cat([past, _turn(k, len(past))])
    return _masked(_turn(q, len(past)) @ keys.T / math.sqrt(q.shape[1]), 0), keys


def not_divided(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    keys = torch.cat([past, _turn(k, len(past))])
    return _masked(_turn(q, len(past)) @ keys.T, len(past)), keys


def _attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = True, divisor: float = 0.0) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    scale = 1 / (divisor or math.sqrt(q.shape[-1]))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale).transpose(1, 2)


def copied_in_turn(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    times = q.shape[2] // k.shape[2]
    return _attend(q, k.repeat(1, 1, times, 1), v.repeat(1, 1, times, 1))


def all_places(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    times = q.shape[2] // k.shape[2]
    return _attend(q, k.repeat_interleave(times, 2), v.repeat_interleave(times, 2), causal=False)


def no_root(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    times = q.shape[2] // k.shape[2]
    return _attend(q, k.repeat_interleave(times, 2), v.repeat_interleave(times, 2), divisor=1.0)


def root_of_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    times = q.shape[2] // k.shape[2]
    divisor = math.sqrt(q.shape[2] * q.shape[3])
    return _attend(q, k.repeat_interleave(times, 2), v.repeat_interleave(times, 2), divisor=divisor)


WRONG = [
    ("rms_norm", layer_norm, "as LayerNorm does"),
    ("rms_norm", root_of_sum, "*sum* of squares"),
    ("rms_norm", without_gain, "gain is missing"),
    ("rms_norm", without_root, "square root is missing"),
    ("rms_norm", outside_the_root, "before the root"),
    ("rms_norm", in_16_bits, "in 32 bits"),
    ("rms_norm", stays_wide, "should be too"),
    ("rotary_scores", from_place_0, "new keys are turned as if"),
    ("rotary_scores", turned_twice, "second time"),
    ("rotary_scores", queries_at_0, "queries are turned as if"),
    ("rotary_scores", neighbours, "neighbours"),
    ("rotary_scores", sees_the_future, "sees the future"),
    ("rotary_scores", mask_of_the_new, "query t is at place S + t"),
    ("rotary_scores", not_divided, "square root of D is missing"),
    ("grouped_attention", copied_in_turn, "repeat_interleave"),
    ("grouped_attention", all_places, "see the future"),
    ("grouped_attention", no_root, "square root of D is missing"),
    ("grouped_attention", root_of_all, "size of one head"),
]
