"""The first layer of most models: ids to vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Embedding(nn.Embedding):
    """A vector for each character; if lines have labels, that of the line's label is added.

        e = E[x mod V] + L[x div V]

    An id is V times the label plus the character. Label 0 is that of lines that have none. The vectors of
    labels start at zero, so that a label means only what is learned of it.

    Args:
        vocab_size: V.
        channels: C.
        labels: L, the number of labels.

    """

    def __init__(self, vocab_size: int, channels: int, labels: int = 0) -> None:
        super().__init__(vocab_size, channels)
        start = torch.zeros(labels + 1, channels)
        self.labels = nn.Embedding.from_pretrained(start, freeze=False) if labels else None

    def forward(self, idx: Tensor) -> Tensor:
        """Return the vectors (..., C) of ids (...)."""
        if self.labels is None:
            return super().forward(idx)
        of_label: Tensor = self.labels(idx // self.num_embeddings)
        return super().forward(idx % self.num_embeddings) + of_label
