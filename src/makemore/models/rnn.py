"""Recurrent networks: a state is carried along the line and changed by each character.

RNN     h_t = tanh(W x_t + U h_{t-1} + b)
GRU     r = sigmoid(W_r x_t + U_r h_{t-1} + b_r)                 what to read of the state
        z = sigmoid(W_z x_t + U_z h_{t-1} + b_z)                 what to keep of it
        n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + c_n))        what to write
        h_t = (1 - z) * n + z * h_{t-1}
LSTM    i = sigmoid(W_i x_t + U_i h_{t-1} + b_i)                 how much to write
        f = sigmoid(W_f x_t + U_f h_{t-1} + b_f)                 how much to keep
        o = sigmoid(W_o x_t + U_o h_{t-1} + b_o)                 how much to show
        g = tanh(W_g x_t + U_g h_{t-1} + b_g)                    what to write
        c_t = f * c_{t-1} + i * g                                the memory: added to, never squashed
        h_t = o * tanh(c_t)

then p(. | x_0 .. x_t) = softmax(O h_t + b). (torch keeps two biases where one would do.) The GRU applies its
reset gate r after the product with U_n, as torch does, and not before it as in the paper: the same size,
about the same quality, and one matrix product fewer in sequence. `step` of each class is the equation;
`forward` runs torch's fused form of it.

After Mikolov et al., "Recurrent neural network based language model" (2010); Graves, "Generating
Sequences With Recurrent Neural Networks" (2013), arXiv:1308.0850; Cho et al., "Learning Phrase
Representations using RNN Encoder-Decoder" (2014), arXiv:1406.1078.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check

_DROPOUT = "share of the embedding's and the hidden state's channels set to zero in training"


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a GRU or LSTM."""

    n_embd: int = knob(64, "channels of a character's embedding")
    n_embd2: int = knob(256, "channels of the hidden state")
    dropout: float = knob(0.25, _DROPOUT)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class PlainConfig(Config):
    """The knobs of an RNN: those of the others."""

    dropout: float = knob(0.1, _DROPOUT)  # it memorises less than the others


class Recurrent(Model, ABC):
    """Embedding, one recurrent layer, logits; the subclass chooses the cell."""

    config_class: ClassVar[type[Config]] = Config
    fused: ClassVar[Any]  # torch gives the cells' weights no types
    n_state: ClassVar[int] = 1

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        self.cell: Any = self.fused(config.n_embd, config.n_embd2, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.n_embd2, vocab_size)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.orthogonal_(self.cell.weight_hh_l0)  # keeps the norm of the state from step to step
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def start(self, e: Tensor) -> tuple[Tensor, ...]:
        """The state before a line: zeros, (B, C2) each."""
        return tuple(e.new_zeros(e.shape[0], self.cell.hidden_size) for _ in range(self.n_state))

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        h, last = self.hidden(idx, state)
        return self.head(self.dropout(h)), last

    def hidden(self, idx: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The hidden state after each character, (B, T, C2), and the state after the last."""
        e = self.dropout(self.embedding(idx))  # (B, T, C)
        state = tuple(s[None] for s in state or self.start(e))  # torch wants (layers, B, C2)
        h, last = self.cell(e, state if self.n_state > 1 else state[0])  # (B, T, C2)
        return h, tuple(s[0] for s in (last if self.n_state > 1 else (last,)))

    def written_out(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What `forward` computes, one character after another with the cell's own equations."""
        e = self.dropout(self.embedding(idx))  # (B, T, C)
        state = state or self.start(e)
        hs = []
        for t in range(idx.shape[1]):
            state = self.step(e[:, t], state)
            hs.append(state[0])
        return self.head(self.dropout(torch.stack(hs, 1))), state

    @abstractmethod
    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One character. x: (B, C); state: (B, C2) each, the hidden state first. Returns the next state."""

    def parts(self, x: Tensor, h: Tensor, n: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """W x + b and U h + c, cut into the cell's n gates: (B, C2) each."""
        wx = x @ self.cell.weight_ih_l0.T + self.cell.bias_ih_l0  # (B, n C2)
        uh = h @ self.cell.weight_hh_l0.T + self.cell.bias_hh_l0  # (B, n C2)
        return wx.chunk(n, 1), uh.chunk(n, 1)


class RNN(Recurrent):
    """The plain recurrence."""

    config_class = PlainConfig
    fused = nn.RNN

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (wx,), (uh,) = self.parts(x, state[0], 1)
        return (torch.tanh(wx + uh),)


class GRU(Recurrent):
    """Two gates that choose which part of the state to read and which to keep."""

    fused = nn.GRU

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h,) = state
        (wr, wz, wn), (ur, uz, un) = self.parts(x, h, 3)
        r = torch.sigmoid(wr + ur)
        z = torch.sigmoid(wz + uz)
        n = torch.tanh(wn + r * un)
        return ((1 - z) * n + z * h,)


class LSTM(Recurrent):
    """Three gates around a memory that is only added to."""

    fused = nn.LSTM
    n_state = 2

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c = state
        wx, uh = self.parts(x, h, 4)
        i, f, g, o = (w + u for w, u in zip(wx, uh, strict=True))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
