"""Solutions of lesson 5's exercises."""

import torch
from torch import Tensor


def back_off(counts: Tensor, shorter: Tensor, D: float) -> Tensor:
    total, seen = counts.sum(), counts > 0
    if total == 0:
        return shorter.clone()
    if seen.all():
        return counts / total
    freed = D * seen.sum() / total
    unseen = torch.where(seen, 0.0, shorter)
    return torch.where(seen, (counts - D) / total, freed * unseen / unseen.sum())


def continuations(counts: dict[str, Tensor], context: str) -> Tensor:
    found = torch.zeros(len(next(iter(counts.values()))))
    for longer, row in counts.items():
        if len(longer) == len(context) + 1 and longer[1:] == context:
            found += row > 0  # this character before is one more, for each letter that followed
    return found


def left_out(counts: Tensor, shorter: Tensor, D: float) -> Tensor:
    found = torch.zeros(len(counts))
    for w in range(len(counts)):
        if counts[w] > 0:
            left = counts.clone()
            left[w] -= 1
            total = left.sum()
            if total == 0:
                found[w] = shorter[w]
            else:
                kept = (left[w] - D).clamp(min=0)
                found[w] = (kept + D * (left > 0).sum() * shorter[w]) / total
    return found
