"""Llama: the Transformer as it is built since 2023, with four parts changed.

    norm(x) = x / sqrt(mean(x^2) + eps) * g                    RMSNorm: no mean, no shift
    q_t, k_t = R_t norm(Wq x_t), R_t norm(Wk x_t)              QK-norm, then rotary positions
    y_t = sum over s <= t of softmax_s(q_t . k_s / sqrt(C / H)) v_s
    x <- x + Wo attention(norm(x))
    x <- x + W2 (silu(W1 norm(x)) * W3 norm(x))                SwiGLU: one half gates the other

R_t turns each pair of channels by an angle that grows with t, each pair at a speed of its own, so that
q_t . k_s depends on t - s and not on where in the line they are: there is no table of positions, and no
longest line. QK-norm keeps the scores from growing without bound. There are no biases. State: the keys,
already turned, and the values so far.

After Touvron et al., "LLaMA" (2023), arXiv:2302.13971; Zhang, Sennrich, "Root Mean Square Layer
Normalization" (2019), arXiv:1910.07467; Su et al., "RoFormer" (2021), arXiv:2104.09864; Shazeer, "GLU
Variants Improve Transformer" (2020), arXiv:2002.05202; Henry et al., "Query-Key Normalization for
Transformers" (2020), arXiv:2010.04245.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check

EPS = 1e-6

SLOWEST = 10_000.0  # about how many times slower than the fastest pair of channels the slowest one turns


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a Llama."""

    n_layer: int = knob(3, "how many blocks")
    n_head: int = knob(4, "attention heads in each block; each must have an even number of channels")
    n_embd: int = knob(96, "channels of the embedding and of every block")
    dropout: float = knob(0.1, "share of channels zeroed in training, after the embedding and in each block")

    def __post_init__(self) -> None:
        check(self)
        if self.n_embd % (2 * self.n_head):
            raise ValueError(f"n_embd must be a multiple of 2 n_head, {2 * self.n_head}, not {self.n_embd}")


def angles(start: int, T: int, D: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cos and sin, (T, 1, D) each, of t times the speed of each pair (i, i + D / 2), t from start on."""
    speed = SLOWEST ** (-torch.arange(D // 2, device=device) / (D // 2))
    angle = torch.outer(torch.arange(start, start + T, device=device), speed.repeat(2))[:, None]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (a, b) of channels: (a cos - b sin, b cos + a sin). x: (B, T, H, D)."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class RMSNorm(nn.Module):
    """Gives each row a mean square of 1, then scales each channel. 16 bits are too few for the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * (x.square().mean(-1, keepdim=True) + EPS).rsqrt() * self.weight


class Block(nn.Module):
    """Attention, then a gated two-layer network, each added to what came in."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        C, H = config.n_embd, config.n_head
        hidden = 8 * math.ceil(C / 3)  # 8/3 C: as many weights as the two matrices of 4 C of GPT
        self.n_head = H
        self.norm1 = RMSNorm(C)
        self.q, self.k, self.v = (nn.Linear(C, C, bias=False) for _ in range(3))
        self.q_norm, self.k_norm = RMSNorm(C // H), RMSNorm(C // H)
        self.out = nn.Linear(C, C, bias=False)
        self.norm2 = RMSNorm(C)
        self.gate, self.up = (nn.Linear(C, hidden, bias=False) for _ in range(2))
        self.proj = nn.Linear(hidden, C, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x: (B, T, C); turn: cos and sin; past: () or keys and values so far, (B, S, H, D). Returns x and both."""
        heads = (*x.shape[:2], self.n_head, x.shape[2] // self.n_head)
        h = self.norm1(x)
        q = rotate(self.q_norm(self.q(h).view(heads)), *turn)  # (B, T, H, D)
        k = rotate(self.k_norm(self.k(h).view(heads)), *turn)
        v = self.v(h).view(heads)
        if past:
            k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)  # (B, S + T, H, D)
        x = x + self.dropout(self.out(attention(q, k, v).flatten(2)))
        h = self.norm2(x)
        return x + self.dropout(self.proj(F.silu(self.gate(h)) * self.up(h))), (k, v)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of the last T of S positions. q: (B, T, H, D), k and v: (B, S, H, D). Returns q's shape."""
    T, S = q.shape[1], k.shape[1]
    mask = torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T) if 1 < T < S else None
    q, k, v = (x.transpose(1, 2) for x in (q, k.to(q.dtype), v.to(q.dtype)))  # (B, H, T or S, D)
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=bool(T == S)).transpose(1, 2)


class Llama(Model):
    """Embedding, blocks, logits."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.head_size = config.n_embd // config.n_head
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2 and "labels" not in name:
                added = name.endswith(("out.weight", "proj.weight"))  # less with depth, or the sum would grow
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layer) if added else 0.02)
        nn.init.normal_(self.embedding.weight, std=1.0)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        state = state or ()  # keys and values of block 0, of block 1, ...
        turn = angles(state[0].shape[1] if state else 0, idx.shape[1], self.head_size, idx.device)
        x = self.dropout(self.embedding(idx))  # (B, T, C)
        new: tuple[Tensor, ...] = ()
        for i, block in enumerate(self.blocks):
            x, past = block(x, turn, state[2 * i : 2 * i + 2])
            new += past
        return self.head(self.norm(x)), new
