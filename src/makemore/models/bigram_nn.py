"""Bigram as a neural network: the same table, learned by gradient descent instead of counted.

    p(. | a) = softmax(onehot(a) W)

One linear layer without a bias, and no hidden layer. Multiplying a one-hot vector with W picks a row of W, so
that row holds the logits of what follows the character: log counts, up to a constant. Trained to convergence,
it equals the count table; weight decay on W has the effect of smoothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.models.base import Model, ModelConfig


@dataclass(frozen=True)
class Config(ModelConfig):
    """A bigram network has no knobs."""


class BigramNN(Model):
    """One row of logits for every character."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(vocab_size, vocab_size))  # (V, V)
        rows = torch.zeros(config.labels + 1, vocab_size)  # each label adds a row of its own
        self.labels = nn.Embedding.from_pretrained(rows, freeze=False) if config.labels else None

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        V = len(self.weight)
        logits = F.embedding(idx % V, self.weight)  # (B, T, V): the row of each character
        return (logits if self.labels is None else logits + self.labels(idx // V)), ()

    def written_out(self, idx: Tensor) -> Tensor:
        """The same logits, computed as in the equation; `forward` skips the multiplications by zero."""
        onehot = F.one_hot(idx, self.weight.shape[0]).to(self.weight.dtype)  # (B, T, V)
        return onehot @ self.weight  # (B, T, V)
