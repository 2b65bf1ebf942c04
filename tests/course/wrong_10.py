"""Wrong answers to the exercises of lesson 10 that people give, and what they should be told."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _seen(T: int, window: int) -> Tensor:
    return torch.ones(T, T, dtype=torch.bool).tril().triu(1 - window)


def mask_after_softmax(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
    return weights.masked_fill(~_seen(q.shape[1], window), 0.0) @ v


def unscaled(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    return (q @ k.mT).masked_fill(~_seen(q.shape[1], window), -math.inf).softmax(-1) @ v


def one_more(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return scores.masked_fill(~_seen(q.shape[1], window + 1), -math.inf).softmax(-1) @ v


def no_window(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return scores.masked_fill(~_seen(q.shape[1], q.shape[1]), -math.inf).softmax(-1) @ v


def not_itself(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    T = q.shape[1]
    seen = torch.ones(T, T, dtype=torch.bool).tril(-1).triu(-window)
    return scores.masked_fill(~seen, -math.inf).softmax(-1) @ v


def wrong_dimension(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return scores.masked_fill(~_seen(q.shape[1], window), -math.inf).softmax(1) @ v


def _in_a_loop(q: Tensor, k: Tensor, v: Tensor, window: int, dim: int) -> Tensor:
    outputs = []
    for t in range(q.shape[1]):
        seen = slice(max(0, t + 1 - window), t + 1)
        scores = q[:, [t]] @ k[:, seen].mT / math.sqrt(q.shape[-1])  # (B, 1, S)
        outputs.append(scores.softmax(dim) @ v[:, seen])
    return torch.cat(outputs, 1)


def loop_over_lines(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    return _in_a_loop(q, k, v, window, 0)


def loop_over_the_query(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    return _in_a_loop(q, k, v, window, 1)


def over_lines(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return scores.masked_fill(~_seen(q.shape[1], window), -math.inf).softmax(0) @ v


def four_typed_in(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    return (q @ k.mT / 4).masked_fill(~_seen(q.shape[1], window), -math.inf).softmax(-1) @ v


Past = tuple[Tensor, Tensor]


def _look(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    scores = (keys @ q[:, :, None])[..., 0] / math.sqrt(q.shape[1])
    return (scores.softmax(-1)[:, None] @ values)[:, 0]


def _joined(k: Tensor, v: Tensor, past: Past | None) -> Past:
    if past is None:
        return k[:, None], v[:, None]
    return torch.cat([past[0], k[:, None]], 1), torch.cat([past[1], v[:, None]], 1)


def grows(q: Tensor, k: Tensor, v: Tensor, past: Past | None, window: int) -> tuple[Tensor, Past]:
    keys, values = _joined(k, v, past)
    return _look(q, keys[:, -window:], values[:, -window:]), (keys, values)


def drops_too_late(q: Tensor, k: Tensor, v: Tensor, past: Past | None, window: int) -> tuple[Tensor, Past]:
    keys, values = _joined(k, v, past)
    return _look(q, keys, values), (keys[:, -window:], values[:, -window:])


def keeps_the_first(q: Tensor, k: Tensor, v: Tensor, past: Past | None, window: int) -> tuple[Tensor, Past]:
    keys, values = _joined(k, v, past)
    keys, values = keys[:, :window], values[:, :window]
    return _look(q, keys, values), (keys, values)


def blind_to_itself(q: Tensor, k: Tensor, v: Tensor, past: Past | None, window: int) -> tuple[Tensor, Past]:
    keys, values = _joined(k, v, past)
    keys, values = keys[:, -window:], values[:, -window:]
    if keys.shape[1] == 1:
        return v, (keys, values)
    return _look(q, keys[:, :-1], values[:, :-1]), (keys, values)


def two_typed_in(q: Tensor, k: Tensor, v: Tensor, past: Past | None, window: int) -> tuple[Tensor, Past]:
    keys, values = _joined(k, v, past)
    keys, values = keys[:, -window:], values[:, -window:]
    return _look(q * math.sqrt(q.shape[1]) / 2, keys, values), (keys, values)


def turned_round(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    T, before = idx.shape[1], forward(idx)
    rows = []
    for s in range(T):
        moved = torch.zeros(T, dtype=torch.bool)
        for other in range(1, V):
            changed = idx.clone()
            changed[:, s] = (idx[:, s] + other) % V
            moved |= ((forward(changed) - before).abs() > 1e-6).any(2).any(0)
        rows.append(moved)
    return torch.stack(rows)


def to_zero(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    before, columns = forward(idx), []
    for s in range(idx.shape[1]):
        changed = idx.clone()
        changed[:, s] = 0
        columns.append(((forward(changed) - before).abs() > 1e-6).any(2).any(0))
    return torch.stack(columns, 1)


def first_line_only(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    before, T = forward(idx), idx.shape[1]
    depends = torch.zeros(T, T, dtype=torch.bool)
    for s in range(T):
        for other in range(1, V):
            changed = idx.clone()
            changed[:, s] = (idx[:, s] + other) % V
            depends[:, s] |= ((forward(changed) - before)[0].abs() > 1e-6).any(1)
    return depends


def piles_up(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    before, T = forward(idx), idx.shape[1]
    depends = torch.zeros(T, T, dtype=torch.bool)
    changed = idx.clone()
    for s in range(T):
        for _ in range(1, V):
            changed[:, s] = (changed[:, s] + 1) % V
            depends[:, s] |= ((forward(changed) - before).abs() > 1e-6).any(2).any(0)
    return depends


def in_place(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    before, T = forward(idx), idx.shape[1]
    depends = torch.zeros(T, T, dtype=torch.bool)
    for s in range(T):
        for _ in range(1, V):
            idx[:, s] = (idx[:, s] + 1) % V
            depends[:, s] |= ((forward(idx) - before).abs() > 1e-6).any(2).any(0)
    return depends


WRONG = [
    ("window_attention", mask_after_softmax, "after the softmax"),
    ("window_attention", unscaled, "not divided"),
    ("window_attention", one_more, "one place too many"),
    ("window_attention", no_window, "all of the past"),
    ("window_attention", not_itself, "at least itself"),
    ("window_attention", wrong_dimension, "over the queries"),
    ("window_attention", loop_over_lines, "over the lines of the batch"),
    ("window_attention", loop_over_the_query, "one entry only"),
    ("window_attention", over_lines, "over the lines of the batch"),
    ("window_attention", four_typed_in, "whatever it is"),
    ("window_step", grows, "grows for ever"),
    ("window_step", drops_too_late, "before attending"),
    ("window_step", keeps_the_first, "the oldest should go"),
    ("window_step", blind_to_itself, "does not see itself"),
    ("window_step", two_typed_in, "D = 10"),
    ("influence", turned_round, "turned round"),
    ("influence", to_zero, "was missed"),
    ("influence", first_line_only, "was missed"),
    ("influence", piles_up, "one place changed at a time"),
    ("influence", in_place, "idx was changed"),
]
