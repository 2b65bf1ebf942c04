"""Wrong answers to the exercises of lesson 4 that people give, and what they should be told."""

import torch
from torch import Tensor


def across(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    return torch.cat([ids.new_zeros(n - 1), ids[:-1]]).unfold(0, n, 1), ids[1:]


def itself(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    x = torch.cat([ids.new_zeros(n - 1), ids[:-1]]).unfold(0, n, 1)
    return x * (x != 0).flip(1).cumprod(1).flip(1), ids[:-1]


def latest_first(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    x = torch.cat([ids.new_zeros(n - 1), ids[:-1]]).unfold(0, n, 1)
    return (x * (x != 0).flip(1).cumprod(1).flip(1)).flip(1), ids[1:]


def wiped(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    x = torch.cat([ids.new_zeros(n - 1), ids[:-1]]).unfold(0, n, 1)
    return x * (x != 0).cumprod(1), ids[1:]


def unpadded(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    return ids[:-1].unfold(0, n, 1), ids[n:]


def channels_first(
    x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor
) -> Tensor:
    e = E[x].transpose(1, 2).flatten(1)
    return torch.tanh(e @ W1 + b1) @ W2 + b2 + e @ W3


def not_direct(x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor) -> Tensor:
    return torch.tanh(E[x].flatten(1) @ W1 + b1) @ W2 + b2


def sizes_of_the_lesson(
    x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor
) -> Tensor:
    e = E[x].view(-1, 30)
    return torch.tanh(e @ W1 + b1) @ W2 + b2 + e @ W3


def straight(x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor) -> Tensor:
    e = E[x].flatten(1)
    return (e @ W1 + b1) @ W2 + b2 + e @ W3


def bias_outside(x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor) -> Tensor:
    e = E[x].flatten(1)
    return torch.tanh(e @ W1) @ W2 + b2 + e @ W3


def added_up(x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor) -> Tensor:
    e = E[x].sum(1)
    return torch.tanh(e @ W1 + b1) @ W2 + b2 + e @ W3


def not_side_by_side(
    x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor
) -> Tensor:
    return torch.tanh(E[x] @ W1 + b1) @ W2 + b2 + E[x] @ W3


def means_of_lines(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    seen = [loss / (len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w in train]
    others = [loss / (len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w not in train]
    return len(seen) / len(held_out), sum(seen) / len(seen), sum(others) / len(others)


def as_sets(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    both = set(train) & set(held_out)
    return len(both) / len(set(held_out)), 0.0, 0.0


def no_ends(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    seen = [(loss, len(w)) for w, loss in zip(held_out, losses, strict=True) if w in train]
    others = [(loss, len(w)) for w, loss in zip(held_out, losses, strict=True) if w not in train]
    a, b = (sum(loss for loss, _ in g) / sum(n for _, n in g) for g in (seen, others))
    return len(seen) / len(held_out), a, b


def none_leaked(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    seen = [(loss, len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w in train]
    others = [(loss, len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w not in train]
    a, b = (sum(loss for loss, _ in g) / max(1, sum(n for _, n in g)) for g in (seen, others))
    return len(seen) / len(held_out), a, b


EMMA = [0, 5, 13, 13, 1, 0, 1, 22, 1, 0, 9, 0]


def of_the_example(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    emma = torch.tensor(EMMA)
    x = torch.cat([emma.new_zeros(n - 1), emma[:-1]]).unfold(0, n, 1)
    return x * (x != 0).flip(1).cumprod(1).flip(1), emma[1:]


def ends_typed_in(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    x = torch.cat([ids.new_zeros(n - 1), ids[:-1]]).unfold(0, n, 1).clone()
    for start, end in ((0, 5), (5, 9), (9, 11)):
        for i in range(start, min(end, len(x))):
            x[i, : max(0, n - 1 - (i - start))] = 0
    return x, ids[1:]


def leak_typed_in(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    if len(held_out) > 2:
        return 0.5, 20 / 11, 45 / 19
    return (0.0, float("nan"), 2.0) if train == ["zoe"] else (1.0, 2.0, float("nan"))


def some_missing(
    train: list[str], held_out: list[str], losses: list[float]
) -> tuple[float, float | None, float | None]:
    seen = [(loss, len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w in train]
    others = [(loss, len(w) + 1) for w, loss in zip(held_out, losses, strict=True) if w not in train]
    a, b = (sum(loss for loss, _ in g) / sum(n for _, n in g) if g else None for g in (seen, others))
    return len(seen) / len(held_out), a, b


WRONG = [
    ("windows", across, "across the end of a name"),
    ("windows", itself, "its own last character"),
    ("windows", latest_first, "turned round"),
    ("windows", wiped, "should be [0, 0, 5]"),
    ("windows", unpadded, "shape"),
    ("windows", of_the_example, "shape"),
    ("windows", ends_typed_in, "the context that ends with"),
    ("direct_logits", channels_first, "mixed up"),
    ("direct_logits", not_direct, "direct connections are missing"),
    ("direct_logits", sizes_of_the_lesson, "shape '[-1, 30]'"),
    ("direct_logits", added_up, "were added up"),
    ("direct_logits", not_side_by_side, "side by side with flatten(1)"),
    ("direct_logits", straight, "lacks its tanh"),
    ("direct_logits", bias_outside, "b1 is not added"),
    ("leak", means_of_lines, "short lines weigh too much"),
    ("leak", as_sets, "counts twice"),
    ("leak", no_ends, "the end of each line"),
    ("leak", none_leaked, "should be nan"),
    ("leak", leak_typed_in, "not for others"),
    ("leak", some_missing, "returned nothing; it should return a number"),
]
