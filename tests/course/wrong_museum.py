"""Mends of the museum's bugs that are none, and what is said of them. Each function has the name of what it mends."""

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = name
    return function


def _descend(zero: str) -> Callable[..., list[float]]:
    def descend(weights: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, rate: float) -> list[float]:
        losses = []
        weights.grad = None
        for _ in range(steps):
            loss = loss_of(weights)
            loss.backward()
            if zero == "too early":
                weights.grad.zero_()
            with torch.no_grad():
                weights -= rate * weights.grad
            losses.append(loss.item())
        return losses

    return descend


def _rebound(weights: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, rate: float) -> list[float]:
    losses = []
    for _ in range(steps):
        weights = weights.detach().requires_grad_()
        loss = loss_of(weights)
        loss.backward()
        weights = weights - rate * weights.grad
        losses.append(loss.item())
    return losses


def _bowls_only(weights: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, rate: float) -> list[float]:
    losses = []
    for _ in range(steps):
        losses.append(loss_of(weights).item())
        with torch.no_grad():
            weights *= 0.8
    return losses


def _predict_no_grad(model: nn.Module, contexts: Tensor) -> Tensor:
    with torch.no_grad():
        return model(contexts).softmax(-1)


def _predict_and_stay(model: nn.Module, contexts: Tensor) -> Tensor:
    model.eval()
    return model(contexts).softmax(-1).detach()


def _predict_and_train(model: nn.Module, contexts: Tensor) -> Tensor:
    p = _predict_and_stay(model, contexts)
    model.train()
    return p


def _predict_one_by_one_again(model: nn.Module, contexts: Tensor) -> Tensor:
    """Normalised by a batch of its own: no more other contexts, but the running mean moves."""
    return torch.cat([model(context.repeat(2, 1)).softmax(-1)[:1].detach() for context in contexts])


def _batch_norm(over: Any) -> Callable[..., Tensor]:
    def batch_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        mean, variance = x.mean(over, keepdim=True), x.var(over, keepdim=True, unbiased=False)
        return gain * (x - mean) / (variance + 1e-5).sqrt() + bias

    return batch_norm


def _first_state(cell: nn.Module, start: Tensor, inputs: Tensor) -> Tensor:
    states = [cell(inputs[:, 0], start)]
    for t in range(1, inputs.shape[1]):
        states.append(cell(inputs[:, t], states[0]))
    return torch.stack(states, 1)


def _in_place(cell: nn.Module, start: Tensor, inputs: Tensor) -> Tensor:
    states = []
    with torch.no_grad():
        for t in range(inputs.shape[1]):
            start[:] = cell(inputs[:, t], start)
            states.append(start.clone())
    return torch.stack(states, 1)


def _never_more_than_half(cell: nn.Module, start: Tensor, inputs: Tensor) -> Tensor:
    states, last = [], start
    for t in range(inputs.shape[1]):
        states.append(cell(inputs[:, t], last))
        last = states[-2] if len(states) > 1 else start
    return torch.stack(states, 1)


def _split(n_of: Callable[[int], int], front: bool) -> Callable[..., tuple[list[str], list[str]]]:
    def split(lines: list[str], seed: int) -> tuple[list[str], list[str]]:
        shuffled = lines.copy()
        random.Random(seed).shuffle(shuffled)
        n = n_of(len(lines))
        return (shuffled[n:] if front else shuffled[: len(lines) - n]), shuffled[len(lines) - n :]

    return split


def _attend(masked: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return masked(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v

    return attend


def _renormalised_attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1).tril()
    return weights / weights.sum(-1, keepdim=True) @ v


def _renormalised_top_k(logits: Tensor, k: int) -> Tensor:
    best, _ = torch.topk(logits, min(k, logits.shape[1]))
    return logits.masked_fill(logits < best[-1, -1], -torch.inf)


def _top_k_per_row_only(logits: Tensor, k: int) -> Tensor:
    best, _ = torch.topk(logits, k)
    return logits.masked_fill(logits < best[:, [-1]], -torch.inf)


def _top_1(logits: Tensor, k: int) -> Tensor:
    best, _ = torch.topk(logits, min(k, logits.shape[1]))
    left = logits.masked_fill(logits < best[:, [0]], -torch.inf)
    return logits if k > logits.shape[1] else left


def _sorted_sides(lines: list[str]) -> list[str]:
    limit = sorted(lines)[int(len(lines) * 0.9)]
    return ["test" if line >= limit else "train" for line in lines]


def _sides(is_test: Callable[[str], bool]) -> Callable[[list[str]], list[str]]:
    return lambda lines: ["test" if is_test(line) else "train" for line in lines]


def _unique_sides(lines: list[str]) -> list[str]:
    generator = random.Random(42)
    return ["test" if generator.random() < 0.1 else "train" for _ in set(lines)]


def _future(T: int, diagonal: int) -> Tensor:
    return torch.ones(T, T, dtype=torch.bool).triu(diagonal)


RIGHT = [("weak_beginnings", "attend", _renormalised_attend)]
"""Mends that are not those of the solutions, and right all the same."""

WRONG = [
    (file, _named(name, function), words)
    for file, name, function, words in [
        ("drunk_samples", "probabilities", lambda c: (c + 1.0) / (c + 1.0).sum(0), "columns sum to 1"),
        ("drunk_samples", "probabilities", lambda c: (c + 1.0) / (c + 1.0).sum(), "do not sum to 1"),
        ("drunk_samples", "probabilities", lambda c: c / c.sum(1, keepdim=True), "raised by 1"),
        ("endless_names", "pairs", lambda ws: [p for w in ws for p in zip("." + w, w, strict=False)], "ends with a"),
        ("endless_names", "pairs", lambda ws: [*zip("." + ".".join(ws), ".".join(ws) + ".", strict=True)][:0], "begins with e"),
        ("endless_names", "pairs", lambda ws: [p for w in ws for p in zip(f"..{w}", f".{w}.", strict=True)], "follows a boundary"),
        ("endless_names", "pairs", lambda ws: [p for w in ws for p in zip(f".{w}", f"{w}.", strict=True)][::-1], "not in order"),
        ("who_else_asks", "predict", _predict_and_stay, "left in eval mode"),
        ("who_else_asks", "predict", _predict_and_train, "left in training mode"),
        ("who_else_asks", "predict", _predict_no_grad, "among other contexts"),
        ("who_else_asks", "predict", _predict_one_by_one_again, "changed the model itself"),
        ("jumping_statistics", "batch_norm", _batch_norm(1), "every line has mean 0"),
        ("jumping_statistics", "batch_norm", _batch_norm(-1), "LayerNorm"),
        ("no_better_than_pairs", "run_through", _never_more_than_half, "every later state"),
        ("no_better_than_pairs", "run_through", _in_place, "was changed"),
        ("no_better_than_pairs", "run_through", _first_state, "not cell(x_t"),
        ("short_lists", "split", _split(lambda n: min(1000, int(n * 0.1)), False), "none is left to test"),
        ("short_lists", "split", _split(lambda n: min(1000, max(1, n // 2)), False), "a tenth"),
        ("short_lists", "split", _split(lambda n: min(1000, max(1, n // 10)), True), "both sides"),
        ("loss_by_batch_size", "loss", lambda bs: sum((x * m).sum() / m.sum() for x, m in bs) / len(bs), "however many tokens"),
        ("loss_by_batch_size", "loss", lambda bs: sum((x * m).sum() for x, m in bs) / sum(m.numel() for _, m in bs), "padding is counted"),
        ("loss_by_batch_size", "loss", lambda bs: 2.75, "drawn at random"),
        ("loss_by_batch_size", "loss", lambda bs: None, "loss"),
        ("wild_rows", "top_k", _top_k_per_row_only, "still dies"),
        ("wild_rows", "top_k", _renormalised_top_k, "k-th largest of its own"),
        ("wild_rows", "top_k", _top_1, "[1, 1, 1]"),
        ("too_good", "sides", _sorted_sides, "first letter"),
        ("too_good", "sides", _sides(lambda line: len(line) == 4), "the length 4"),
        ("too_good", "sides", _sides(lambda line: line[-1] in "yh"), "the last letter"),
        ("too_good", "sides", _unique_sides, "repeated ones too"),
        ("the_swing", "descend", _descend("once"), "Which gradients"),
        ("the_swing", "descend", _descend("too early"), "did not change"),
        ("the_swing", "descend", _rebound, "did not change"),
        ("the_swing", "descend", _bowls_only, "another loss_of"),
        ("weak_beginnings", "attend", _attend(lambda s: s.masked_fill(_future(s.shape[1], 1), 0.0)), "a score of 0"),
        ("weak_beginnings", "attend", _attend(lambda s: s.masked_fill(_future(s.shape[1], 0), -torch.inf)), "nan"),
        ("weak_beginnings", "attend", _attend(lambda s: s), "still changes earlier"),
    ]
]  # fmt: skip
