"""Bigram: the next character depends on the last one only, and the model is a table of counts.

    p(b | a) = (count(a, b) + s) / (sum over c of count(a, c) + s V)

If lines have labels, the pairs of each label are counted apart, and each row of a label's table starts as if
OWN characters had been seen in it, distributed as they are over the lines of all labels.

s is the smoothing: as if every pair had been seen s times more than it was. With s = 0 a pair that was
never seen is impossible, and one such pair makes the loss of a held-out set infinite.

After A. A. Markov, "An example of statistical investigation of the text Eugene Onegin" (1913).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from makemore.counting.smoothing import OWN
from makemore.models.base import Model, ModelConfig, knob
from makemore.models.limits import check


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a Bigram."""

    smoothing: float = knob(0.1, "added to the count of every pair of characters")

    def __post_init__(self) -> None:
        check(self)


class Bigram(Model):
    """A table of how often each character followed each other one."""

    config_class = Config
    counting = True

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.smoothing, self.V = config.smoothing, vocab_size
        # float64 counts exactly up to 2**53; a Parameter, since counting is how this model learns
        counts = torch.zeros((config.labels + 1) * vocab_size, vocab_size, dtype=torch.float64)
        self.counts = nn.Parameter(
            counts, requires_grad=False
        )  # (V, V): row a, column b; or V rows for each label

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        pairs = tokens[:-1] * self.V + tokens[1:] % self.V  # (M - 1,) each pair as one number
        self.counts.copy_(torch.bincount(pairs, minlength=self.counts.numel()).view_as(self.counts))

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        different, which = idx.unique(return_inverse=True)  # (D,), (B, T): each row is computed once
        labelled = len(self.counts) > self.V
        every = self.counts.view(-1, self.V, self.V).sum(0) if labelled else self.counts  # (V, V)
        counts = every[different % self.V] + self.smoothing  # (D, V)
        total = counts.sum(-1, keepdim=True)  # (D, 1)
        p = torch.where(total > 0, counts / total, 1 / counts.shape[-1])  # uniform if never seen
        if labelled:
            own = self.counts[different]
            p = (own + OWN * p) / (own.sum(-1, keepdim=True) + OWN)
        return p.log().float()[which], ()  # (B, T, V)
