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


class Teacher:
    """A 6-gram: p(w | c) = (count(c, w) - D + (all D) p(w | c less a character)) / count(c), Kneser-Ney counts."""

    def __init__(self, lines: list[str], ids: dict[str, int]) -> None:
        texts = [f"\n{line}\n" for line in lines]
        counts = Counter(text[max(0, t - 5) : t + 1] for text in texts for t in range(1, len(text)))
        for k in range(6, 1, -1):  # of shorter strings, only those that are new in longer ones
            counts.update([string[1:] for string in counts if len(string) == k])
        self.V, self.after = len(ids), defaultdict[str, list[tuple[int, int]]](list)
        for string, n in counts.items():
            self.after[string[:-1]].append((ids[string[-1]], n))
        self.p: Callable[[str], Tensor] = lru_cache(50_000_000 // self.V)(self.predict)

    def predict(self, context: str) -> Tensor:
        """Return the probability of every character (V,) after a context."""
        p: Tensor = self.p(context[1:]) if context else torch.full((self.V,), 1 / self.V)
        if context not in self.after:
            return p
        at, n = torch.tensor(self.after[context]).unbind(1)
        taken = torch.tensor([0.0, 0.7, 1.1, 1.4])[n.clamp(max=3)]  # D
        return (p * taken.sum()).index_add(0, at, n - taken) / n.sum()

    def loss(self, lines: list[str], logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of logits (B, T, V): what the n-gram predicts is a share of the targets."""
        contexts = [[f"\n{line}"[max(0, t - 4) : t + 1] for t in range(len(line) + 1)] for line in lines]
        expected = pad_sequence([torch.stack([*map(self.p, each)]) for each in contexts], True)
        soft = (expected * logits.log_softmax(-1)).sum(-1)[targets >= 0]
        return (1 - TEACHER) * F.cross_entropy(logits.mT, targets, ignore_index=-1) - TEACHER * soft.mean()


def objective(model: Model, lines: list[str], ids: dict[str, int]) -> Callable[..., Tensor]:
    return Teacher(lines, ids).loss
