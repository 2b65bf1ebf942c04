"""Wrong answers to the exercises of lesson 12 that people give, and what they should be told."""

import math
import statistics

import torch
from torch import Tensor


def future(losses: list[float], patience: int) -> tuple[int, int]:
    lowest = min(range(len(losses)), key=losses.__getitem__)
    return lowest, min(lowest + patience, len(losses) - 1)


def keeps_last(losses: list[float], patience: int) -> tuple[int, int]:
    best = 0
    for i, loss in enumerate(losses):
        if loss < losses[best]:
            best = i
        if i - best == patience:
            return i, i
    return len(losses) - 1, len(losses) - 1


def never_resets(losses: list[float], patience: int) -> tuple[int, int]:
    kept = stale = 0
    for i, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = i
        elif i:
            stale += 1
        if stale == patience:
            return kept, i
    return kept, len(losses) - 1


def equal_is_lower(losses: list[float], patience: int) -> tuple[int, int]:
    kept = 0
    for i, loss in enumerate(losses):
        if loss <= losses[kept]:
            kept = i
        if i - kept == patience:
            return kept, i
    return kept, len(losses) - 1


def one_too_many(losses: list[float], patience: int) -> tuple[int, int]:
    kept = 0
    for i, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = i
        if i - kept > patience:
            return kept, i
    return kept, len(losses) - 1


def nothing_kept(losses: list[float], patience: int) -> tuple:
    return None, len(losses) - 1


def mean_first(w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple) -> tuple:
    m = betas[1] * m + (1 - betas[1]) * g
    return (1 - rate * decay) * w - rate * torch.sign(betas[0] * m + (1 - betas[0]) * g), m


def coupled(w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple) -> tuple:
    mixed = betas[0] * m + (1 - betas[0]) * g
    return w - rate * torch.sign(mixed + decay * w), betas[1] * m + (1 - betas[1]) * g


def no_sign(w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple) -> tuple:
    mixed = betas[0] * m + (1 - betas[0]) * g
    return (1 - rate * decay) * w - rate * mixed, betas[1] * m + (1 - betas[1]) * g


def in_place(w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple) -> tuple:
    direction = torch.sign(betas[0] * m + (1 - betas[0]) * g)
    w *= 1 - rate * decay
    w -= rate * direction
    return w, m.lerp_(g, 1 - betas[1])


def turned(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    mean, half, said = paired(changed, base, student, statistics.stdev)
    return mean, half, said


def paired(base: list[float], changed: list[float], student: dict[int, float], spread) -> tuple:
    d = [b - a for a, b in zip(base, changed, strict=True)]
    mean, half = statistics.fmean(d), student[len(d)] * spread(d) / math.sqrt(len(d))
    return mean, half, "within the spread" if abs(mean) <= half else "better" if mean < 0 else "worse"


def by_n(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    return paired(base, changed, student, statistics.pstdev)


def many(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    return paired(base, changed, dict.fromkeys(student, 1.96), statistics.stdev)


def unpaired(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    n = len(base)
    mean = statistics.fmean(changed) - statistics.fmean(base)
    half = student[n] * math.sqrt((statistics.variance(base) + statistics.variance(changed)) / n)
    return mean, half, "within the spread" if abs(mean) <= half else "better" if mean < 0 else "worse"


def no_root(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    return paired(base, changed, student, lambda d: statistics.stdev(d) * math.sqrt(len(d)))


def by_sign(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    mean, half, _ = paired(base, changed, student, statistics.stdev)
    return mean, half, "better" if mean < 0 else "worse"


def no_half(base: list[float], changed: list[float], student: dict[int, float]) -> tuple:
    mean, _, said = paired(base, changed, student, statistics.stdev)
    return mean, None, said


WRONG = [
    ("early_stopping", future, "future"),
    ("early_stopping", keeps_last, "weights of the end"),
    ("early_stopping", never_resets, "start again"),
    ("early_stopping", equal_is_lower, "no lower"),
    ("early_stopping", one_too_many, "training ends at evaluation"),
    ("early_stopping", nothing_kept, "whole number"),
    ("lion_step", mean_first, "after the old one was used"),
    ("lion_step", coupled, "through the sign"),
    ("lion_step", no_sign, "its sign alone"),
    ("lion_step", in_place, "was changed"),
    ("effect", turned, "sign is turned"),
    ("effect", by_n, "n - 1"),
    ("effect", many, "1.96"),
    ("effect", unpaired, "not paired"),
    ("effect", no_root, "s / √n"),
    ("effect", by_sign, "within the spread"),
    ("effect", no_half, "effect, half,"),
]
