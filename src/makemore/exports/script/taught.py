"""What training minimises where an n-gram teaches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from makemore.exports.script.base import Model
from makemore.exports.script.chosen import TEACHER


def objective(model: Model, lines: list[str], ids: dict[str, int]) -> Callable[..., Tensor]:
    """Return the loss: what a 6-gram of the lines predicts, with Kneser-Ney counts, is a share of the targets."""
    texts, after = [f"\n{line}\n" for line in lines], defaultdict[str, list[tuple[int, int]]](list)
    counts = Counter(text[max(0, t - 5) : t + 1] for text in texts for t in range(1, len(text)))
    for k in range(6, 1, -1):  # of shorter strings, only those that are new in longer ones
        counts.update([string[1:] for string in counts if len(string) == k])
    for string, n in counts.items():
        after[string[:-1]].append((ids[string[-1]], n))

    @lru_cache(50_000_000 // len(ids))
    def p(context: str) -> Tensor:  # (count(c, w) - D + (all D) p(w | c less a character)) / count(c), (V,)
        shorter = p(context[1:]) if context else torch.full((len(ids),), 1 / len(ids))
        if context not in after:
            return shorter
        at, n = torch.tensor(after[context]).unbind(1)
        taken = torch.tensor([0.0, 0.7, 1.1, 1.4])[n.clamp(max=3)]  # D
        return (shorter * taken.sum()).index_add(0, at, n - taken) / n.sum()

    def loss(some: list[str], logits: Tensor, targets: Tensor) -> Tensor:
        contexts = [[f"\n{line}"[max(0, t - 4) : t + 1] for t in range(len(line) + 1)] for line in some]
        expected = pad_sequence([torch.stack([*map(p, each)]) for each in contexts], True)
        soft = (expected * logits.log_softmax(-1)).sum(-1)[targets >= 0]
        return (1 - TEACHER) * F.cross_entropy(logits.mT, targets, ignore_index=-1) - TEACHER * soft.mean()

    return loss
