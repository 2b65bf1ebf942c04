"""Transformer: every position looks back at all earlier ones and takes what it needs.

    q_t, k_t, v_t = Wq x_t, Wk x_t, Wv x_t                     for each of H heads
    y_t = sum over s <= t of softmax_s(q_t . k_s / sqrt(C / H)) v_s
    x <- x + Wo attention(LayerNorm(x))
    x <- x + W2 GELU(W1 LayerNorm(x))                          n_layer times both

The query says what a position looks for, the key what it offers, the value what it gives. The form is
GPT's: causal, LayerNorm before each part, learned positions. State: the keys and values so far, so that
a new character costs one row of attention and nothing is computed again.

After Vaswani et al., "Attention Is All You Need" (2017), arXiv:1706.03762; Radford et al., "Language
Models are Unsupervised Multitask Learners" (2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a Transformer."""

    n_layer: int = knob(4, "how many blocks")
    n_head: int = knob(4, "attention heads in each block; must divide n_embd")
    n_embd: int = knob(64, "channels of the embedding and of every block")
    dropout: float = knob(0.1, "share of channels zeroed in training, after the embedding and in each block")
    block_size: int = knob(0, "positions it can tell apart; 0 takes the longest line and its boundary")
    gelu_tanh: bool = field(default=False, kw_only=True)
    """Whether GELU is GPT-2's approximation by tanh. Not a knob: models imported from the original have it."""

    def __post_init__(self) -> None:
        check(self)
        if self.n_embd % self.n_head:
            raise ValueError(f"n_head must divide n_embd, and {self.n_head} does not divide {self.n_embd}")


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, written out. q: (B, T, H, D), k and v: (B, S, H, D) with S >= T. Returns q's shape.

    The T queries are the last T of the S positions. The model runs two faster forms of it: torch's fused one
    for whole lines, and `step_attention`.
    """
    return (attention_shares(q, k) @ v.transpose(1, 2)).transpose(1, 2)


def attention_shares(q: Tensor, k: Tensor) -> Tensor:
    """(B, H, T, S): how much of each of the S values every query takes; the shares sum to 1."""
    q, k = q.transpose(1, 2), k.transpose(1, 2)  # (B, H, T or S, D)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, S)
    return scores.masked_fill(~causal_mask(q, k), -math.inf).softmax(-1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same, by torch's fused form, which on a CPU is faster in 32 bits than in 16."""
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, H, T or S, D)
    T, S = q.shape[2], k.shape[2]
    mask = causal_mask(q, k) if 1 < T < S else None
    if q.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            y = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), mask, is_causal=T == S)
    else:
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=T == S)
    return y.transpose(1, 2)


def step_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same for one query per line, T = 1, for which the fused form takes twice as long on a CPU."""
    scores = (q * k).sum(-1, keepdim=True) / math.sqrt(q.shape[-1])  # (B, S, H, 1)
    return (scores.softmax(1) * v).sum(1, keepdim=True)


def causal_mask(q: Tensor, k: Tensor) -> Tensor:
    """(T, S) bool: whether query t may see key s, the queries being the last of the positions."""
    T, S = q.shape[-2], k.shape[-2]
    return torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)


class Block(nn.Module):
    """Attention, then a two-layer network, each added to what came in."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        C = config.n_embd
        self.n_head = config.n_head
        self.norm1 = nn.LayerNorm(C)
        self.qkv = nn.Linear(C, 3 * C)
        self.out = nn.Linear(C, C)
        self.norm2 = nn.LayerNorm(C)
        self.fc = nn.Linear(C, 4 * C)
        self.proj = nn.Linear(4 * C, C)
        self.approximate = "tanh" if config.gelu_tanh else "none"
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, past: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x: (B, T, C); past: () or the keys and values so far, (B, S, H, D) each. Returns x and both."""
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.n_head, C // self.n_head).unbind(2)
        if past:
            k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)  # (B, S + T, H, D)
        y = step_attention(q, k, v) if past and T == 1 and B > 1 else causal_attention(q, k, v)
        y = y.reshape(B, T, C)  # the heads side by side again
        x = x + self.dropout(self.out(y))
        x = x + self.dropout(self.proj(F.gelu(self.fc(self.norm2(x)), approximate=self.approximate)))
        return x, (k, v)


class Transformer(Model):
    """Embedding of character and position, blocks, logits."""

    config_class = Config

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        if config.block_size < 1:
            raise ValueError("block_size must be 1 or more; build() takes it from the longest line")
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.positions = nn.Embedding(config.block_size, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size, bias=False)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2 and "labels" not in name:
                # GPT-2's: what is added to the stream shrinks with depth, so that the sum does not grow
                added = name.endswith(("out.weight", "proj.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layer) if added else 0.02)
        # larger than GPT-2's 0.02; else it takes hundreds of steps to tell characters and positions apart
        nn.init.normal_(self.embedding.weight, std=1.0)
        nn.init.normal_(self.positions.weight, std=0.5)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        state = state or ()  # keys and values of block 0, of block 1, ...
        start = state[0].shape[1] if state else 0
        positions = self.positions.weight[start : start + idx.shape[1]]  # (T, C)
        if len(positions) < idx.shape[1]:  # longer than any line in training: the rest share the last one
            position = torch.arange(start, start + idx.shape[1], device=idx.device)
            positions = self.positions(position.clamp(max=self.positions.num_embeddings - 1))
        x = self.dropout(self.embedding(idx) + positions)  # (B, T, C)
        new: tuple[Tensor, ...] = ()
        for i, block in enumerate(self.blocks):
            x, past = block(x, state[2 * i : 2 * i + 2])
            new += past
        return self.head(self.norm(x)), new
