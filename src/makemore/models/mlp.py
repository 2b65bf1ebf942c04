"""MLP: a window of the last few characters, embedded, through one hidden layer.

    e_t = [C(x_{t-n+1}); ...; C(x_t)]        the embeddings of the window, side by side
    h_t = tanh(W1 e_t + b1)
    p(. | window) = softmax(W2 h_t + b2)

Similar characters get similar embeddings, so what is learned about one context carries over to others, which
a table of counts cannot do. Before the start of the line the window is filled with boundaries.

After Bengio, Ducharme, Vincent, Jauvin, "A Neural Probabilistic Language Model", JMLR 3 (2003).
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
    """The knobs of an MLP."""

    context: int = knob(8, "how many characters back it sees")
    n_embd: int = knob(24, "channels of a character's embedding")
    n_embd2: int = knob(256, "channels of the hidden layer")
    dropout: float = knob(0.1, "share of the hidden channels set to zero in training")

    def __post_init__(self) -> None:
        check(self)


class MLP(Model):
    """Embedding of a window, tanh layer, logits."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.context = config.context
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.fc = nn.Linear(config.context * config.n_embd, config.n_embd2)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.n_embd2, vocab_size)
        # Kaiming: keeps the tanh in its steep part at the start; small logits: all characters alike
        nn.init.kaiming_normal_(self.fc.weight, nonlinearity="tanh")
        nn.init.zeros_(self.fc.bias)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        past = idx.new_zeros(idx.shape[0], self.context - 1) if state is None else state[0]  # (B, n - 1)
        idx = torch.cat([past, idx], 1)  # (B, n - 1 + T)
        windows = idx.unfold(1, self.context, 1)  # (B, T, n): the n characters up to each position
        e = self.embedding(windows).flatten(2)  # (B, T, n C)
        h = self.dropout(torch.tanh(self.fc(e)))  # (B, T, C2)
        return self.head(h), (idx[:, idx.shape[1] - self.context + 1 :],)
