"""Causal bag of words: the past as an average, its order forgotten.

    m_t = (e(x_0) + ... + e(x_t)) / (t + 1)
    u_t = e(x_t) + m_t
    h_t = u_t + W2 tanh(W1 u_t + b1) + b2
    p(. | x_0 .. x_t) = softmax(W h_t + b)

The average is attention whose weights are all equal: the step before the Transformer, which learns them. The
model can tell how far along the line it is from the share of the boundary in the average.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a BagOfWords."""

    n_embd: int = knob(64, "channels of a character's embedding")
    n_embd2: int = knob(256, "channels of the hidden layer")
    dropout: float = knob(0.0, "share of the hidden channels set to zero in training")

    def __post_init__(self) -> None:
        check(self)


class BagOfWords(Model):
    """The last character and the average of all so far, through one hidden layer."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.fc = nn.Linear(config.n_embd, config.n_embd2)
        self.proj = nn.Linear(config.n_embd2, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.n_embd, vocab_size)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        B, T = idx.shape
        e = self.embedding(idx)  # (B, T, C)
        if state is None:
            state = (e.new_zeros(B, e.shape[-1]), e.new_zeros(B, 1))
        total, count = state  # (B, C) sum of the embeddings so far, (B, 1) how many
        totals = total[:, None] + e.cumsum(1)  # (B, T, C)
        counts = count + torch.arange(1, T + 1, device=idx.device)  # (B, T)
        u = e + totals / counts[..., None]  # (B, T, C)
        h = u + self.proj(self.dropout(torch.tanh(self.fc(u))))  # (B, T, C)
        return self.head(h), (totals[:, -1], counts[:, -1:])
