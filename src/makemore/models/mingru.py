"""minGRU: a recurrent network whose gates do not look at the past, so that all steps can be taken at once.

    z_t = sigmoid(Wz x_t)                                      how much to write
    h_t = (1 - z_t) * h_{t-1} + z_t * (W x_t)                  what to write
    x <- x + P h,  x <- x + W2 GELU(W1 norm(x))                n_layer times both, on normalised inputs

A GRU computes z_t from h_{t-1}, so it must go from character to character. Here each step is a linear map
h -> a h + b whose a and b are known beforehand, and two such maps in a row are one again: first (a1, b1),
then (a2, b2) gives (a1 a2, a2 b1 + b2). So a line of T characters takes log2 T rounds, in each of which
every position joins its map with that of the position 1, 2, 4, ... before it: a parallel scan. State-space
models such as Mamba are built on the same scan. A GPU computes each round at once. A CPU would only do log2 T
times the work, so there the maps follow one another; all products of matrices are done before, so that takes
little time. What one layer cannot do for want of looking back, several layers can. State: each layer's h.

After Feng et al., "Were RNNs All We Needed?" (2024), arXiv:2410.01201; Hillis, Steele, "Data Parallel
Algorithms" (1986); Gu, Dao, "Mamba" (2023), arXiv:2312.00752.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a MinGRU."""

    n_layer: int = knob(3, "how many layers")
    n_embd: int = knob(96, "channels of the embedding and of every layer")
    n_embd2: int = knob(192, "channels of each hidden state")
    dropout: float = knob(0.1, "share of channels zeroed in training, after the embedding and in each layer")

    def __post_init__(self) -> None:
        check(self)


def in_turn(a: Tensor, b: Tensor) -> Tensor:
    """All h_t = a_t h_{t-1} + b_t, one after another, with h = 0 before the first: (B, T, C) each."""
    h, hs = torch.zeros_like(b[:, 0]), []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = a_t * h + b_t  # (B, C)
        hs.append(h)
    return torch.stack(hs, 1)


def scan(a: Tensor, b: Tensor) -> Tensor:
    """The same in log2 T rounds."""
    reach = 1
    while reach < a.shape[1]:  # position t has joined the maps of t - reach + 1 ... t
        b = torch.cat([b[:, :reach], b[:, reach:] + a[:, reach:] * b[:, :-reach]], 1)
        a = torch.cat([a[:, :reach], a[:, reach:] * a[:, :-reach]], 1)
        reach *= 2
    return b


class Layer(nn.Module):
    """A minGRU, then a two-layer network, each added to what came in."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        C, C2 = config.n_embd, config.n_embd2
        self.norm1 = nn.LayerNorm(C)
        self.gate = nn.Linear(C, C2)
        self.write = nn.Linear(C, C2)
        self.out = nn.Linear(C2, C)
        self.norm2 = nn.LayerNorm(C)
        self.fc = nn.Linear(C, 2 * C)
        self.proj = nn.Linear(2 * C, C)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """x: (B, T, C); past: (B, C2), h before it, if any. Returns the output and the last h."""
        u = self.norm1(x)
        z = torch.sigmoid(self.gate(u)).float()  # (B, T, C2)
        keep, written = 1 - z, z * self.write(u).float()
        if past is not None:  # it comes in at the first step
            written = torch.cat([written[:, :1] + keep[:, :1] * past[:, None], written[:, 1:]], 1)
        h = (in_turn if x.device.type == "cpu" else scan)(keep, written)  # (B, T, C2)
        x = x + self.dropout(self.out(h))
        x = x + self.dropout(self.proj(F.gelu(self.fc(self.norm2(x)))))
        return x, h[:, -1]


class MinGRU(Model):
    """Embedding, layers, logits."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size)
        nn.init.normal_(self.embedding.weight, std=1.0)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = self.dropout(self.embedding(idx))  # (B, T, C)
        new: tuple[Tensor, ...] = ()
        for layer, past in zip(self.layers, state or [None] * len(self.layers), strict=True):
            x, last = layer(x, past)
            new += (last,)
        return self.head(self.norm(x)), new
