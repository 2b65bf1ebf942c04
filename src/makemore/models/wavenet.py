"""WaveNet: causal convolutions whose reach doubles from layer to layer.

    a_t = W0 norm(x)_{t-d} + W1 norm(x)_t + b           d = 1, 2, 4, ... : the layer's dilation
    x_t <- x_t + P (tanh(a_t^f) * sigmoid(a_t^g))       two halves of a: what to say, and how loud

The window doubles with every layer (2, 4, 8, 16 characters), like a binary tree that fuses pairs, then pairs
of pairs, and so on. All positions are computed at once, so no branch is computed twice. Zeros stand for the
characters before the line. The paper has skip connections to the output and no LayerNorm.

After van den Oord et al., "WaveNet: A Generative Model for Raw Audio" (2016), arXiv:1609.03499.
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
    """The knobs of a WaveNet."""

    n_layer: int = knob(4, "how many convolutions; the context is 2 to the power of it")
    n_embd: int = knob(96, "channels of the embedding and of every layer")
    dropout: float = knob(0.15, "share of each layer's output set to zero in training")

    def __post_init__(self) -> None:
        check(self, n_layer=12)


class Block(nn.Module):
    """One dilated convolution of two taps, gated, added to what came in."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(channels)
        self.conv = nn.Linear(2 * channels, 2 * channels)  # W0 and W1 side by side
        self.proj = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x: (B, T, C); past: (B, d, C), the d inputs before it. Returns the output and the next past."""
        inputs = torch.cat([past, self.norm(x)], 1)  # (B, d + T, C)
        taps = torch.cat([inputs[:, : x.shape[1]], inputs[:, self.dilation :]], 2)  # (B, T, 2 C)
        filtered, gate = self.conv(taps).chunk(2, 2)  # (B, T, C) each
        x = x + self.dropout(self.proj(torch.tanh(filtered) * torch.sigmoid(gate)))  # (B, T, C)
        return x, inputs[:, x.shape[1] :]


class WaveNet(Model):
    """Embedding, dilated blocks, logits."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.blocks = nn.ModuleList(Block(config.n_embd, 2**i, config.dropout) for i in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size)
        nn.init.normal_(self.embedding.weight, std=1.0)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = self.embedding(idx)  # (B, T, C)
        if state is None:
            state = tuple(x.new_zeros(x.shape[0], block.dilation, x.shape[2]) for block in self.blocks)
        pasts = []
        for block, past in zip(self.blocks, state, strict=True):
            x, past = block(x, past)
            pasts.append(past)
        return self.head(self.norm(x)), tuple(pasts)
