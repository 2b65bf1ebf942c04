"""How much of a context's probability goes to characters that it has not been seen with: fitted to the lines."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from makemore.counting.smoothing import formulas
from makemore.counting.strings import Array
from makemore.exports.script.base import State
from makemore.exports.script.counts import count


def discounts_of(ids: Array, counted: tuple[list[Array], ...], of: Array, shape: Tensor | None) -> Tensor:
    """Return a and three D of each length, (n, 4), under which characters are likeliest if their lines are left out.

    counted: what `count` returns. of: (V,), the kind of each character. shape: the discounts of the n-gram that counts kinds.
    """
    places, copies = some_places(ids)
    levels = left_out(counted, of, places, copies)
    if shape is not None:
        K = int(of.max()) + 1
        each = left_out(count(of[ids], 4, K, True), np.zeros(K, int), places, copies)
        p = torch.full((len(places),), 1 / K, dtype=torch.float64)
        for level, discounts in zip(each, shape, strict=True):
            p = probability(level, discounts, p)
        levels[0] = (*levels[0][:3], p)  # what the kind leaves to the empty context
    base = torch.from_numpy(1 / np.bincount(of)[of[ids[places]]])
    return likeliest(levels, base, np.stack([*map(formulas, counted[1])]))


def some_places(ids: Array) -> tuple[Array, Array]:
    """Return places in lines (M,) of about 30,000 characters, and how often the line of each occurs."""
    line, starts = np.cumsum(ids == 0) - (ids == 0), np.append(0, np.flatnonzero(ids == 0)[:-1] + 1)
    place, mixed = np.arange(len(ids)) - starts[line], ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    powers = np.cumprod(np.full(place.max() + 1, 0xD1342543DE82EF95, np.uint64))
    hashes = np.add.reduceat((mixed ^ mixed >> np.uint64(31)) * powers[place], starts)
    _, number, copies = np.unique(hashes, return_inverse=True, return_counts=True)
    n = max(1, len(starts) * 30_000 // max(30_000, len(ids) + 1))
    places = np.flatnonzero(np.isin(line, np.argsort(hashes, kind="stable")[:n]))
    return places, copies[number][line[places]]


def left_out(counted: tuple[list[Array], ...], kinds: Array, places: Array, lost: Array) -> list[State]:
    """Return what is left of the counts at some places (N,) without their lines, for contexts of 0, 1, ... characters.

    The count of the character there (N,); the total of its context (N,); how many characters follow it once, twice,
    and more often (3, N); and a factor of the probability. lost: how often each line was counted.
    """
    (strings, counts, ends), V, found = counted, len(kinds), list[State]()
    for k in range(len(strings) - 1, -1, -1):
        child, of = ends[k][places], strings[k] // V if k else kinds[strings[k]]
        n, seen = int(of.max(initial=0)) + 2, child >= 0
        context = np.where(seen, np.append(of, 0)[child], n - 1)
        count = np.where(seen, np.append(counts[k], 0)[child], 0)
        left = np.where(seen, np.maximum(count - lost, 0), 0)
        total = np.bincount(of, counts[k], n)[context] - (count - left)
        times = [np.bincount(of, np.minimum(counts[k], 3) == i, n)[context] for i in (1, 2, 3)]
        times = [x + (np.minimum(left, 3) == i) - (np.minimum(count, 3) == i) for i, x in enumerate(times, 1)]
        found.append((*map(torch.from_numpy, (left, total, np.stack(times))), torch.ones(len(places))))
        lost = np.where(seen, left == 0, lost)  # a string that is gone is one fewer before the shorter one
    return found[::-1]


def probability(level: State, discounts: Tensor, shorter: Tensor) -> Tensor:
    """Return p of the characters that were left out, (N,), given those in the shorter contexts."""
    (count, total, times, weight), a, D = level, discounts[0], discounts[1:]
    taken = torch.cat([D.new_zeros(1), D])[count.clamp(max=3)]
    return weight * (count - taken + (a + D @ times) * shorter) / (total + a)


def likeliest(levels: list[State], base: Tensor, usual: Array) -> Tensor:
    """Return a and three D of each length, (n, 4), under which what was left out is likeliest; the prior's are usual."""
    most, D = torch.tensor([1.0, 2.0, 3.0]).double(), torch.from_numpy(usual)
    start = torch.cat([torch.full((len(D), 1), 0.1).double().log(), (D / (most - D)).log()], 1)
    at = start.clone().requires_grad_()
    adam = torch.optim.Adam([at], betas=(0.9, 0.9), eps=1e-12)
    for step in range(120):
        p = base
        for level, each in zip(levels, at, strict=True):
            p = probability(level, torch.cat([each[:1].exp(), most * each[1:].sigmoid()]), p)
        adam.zero_grad()
        (((at - start) / 2.0).square().sum() / 2 - p.log().sum()).backward()
        adam.param_groups[0]["lr"] = 0.15 * (1 - step / 120)
        adam.step()
    return torch.cat([at[:, :1].exp(), most * at[:, 1:].sigmoid()], 1).detach()
