"""Solutions of lesson 18's exercises."""

import math

import torch
from torch import Tensor


def merge(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == tuple(pair):
            out.append(new)
            i += 2  # both are used up
        else:
            out.append(ids[i])
            i += 1
    return out


def per_character(nats_per_token: float, pieces: list[list[str]]) -> float:
    tokens = sum(len(line) + 1 for line in pieces)
    characters = sum(len("".join(line)) + 1 for line in pieces)
    return nats_per_token * tokens / characters / math.log(2)


def rungs(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    order = sorted(nll, key=lambda name: nll[name].sum().item())  # all have the same tokens
    rows = []
    for name, below in zip(order, [*order[1:], None]):
        verdict = "last"
        if below is not None:
            difference = nll[below] - nll[name]  # (M,): the same lines, so one minus the other
            means = difference[chosen].sum(1) / tokens[chosen].sum(1)  # (R,)
            low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=means.dtype))
            verdict = "real" if low > 0 or high < 0 else "tie"
        rows.append((name, (nll[name].sum() / tokens.sum()).item(), verdict))
    return rows
