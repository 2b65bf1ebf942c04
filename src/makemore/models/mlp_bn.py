"""Deeper MLP: several tanh layers that train because each is normalised over the batch.

    a = W x
    â = (a - mean(a)) / sqrt(var(a) + eps)   mean and variance over all positions of the batch
    h = tanh(g â + b)

Weights are initialised as Kaiming et al. advise (std = 5/3 / sqrt(inputs) for tanh), so that activations
neither die nor saturate; BatchNorm holds them there. It needs no bias before it, since it subtracts the mean.
In eval mode, running averages kept during training replace those of the batch. Padding is left out of both. A
batch must hold lines of all lengths: if all had one length, the batch's mean would reveal where they end,
which helps in training but is missing in eval mode.

After Ioffe, Szegedy, "Batch Normalization" (2015), arXiv:1502.03167; He, Zhang, Ren, Sun, "Delving Deep
into Rectifiers" (2015), arXiv:1502.01852.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from makemore.models.base import Model, ModelConfig, knob
from makemore.models.embedding import Embedding
from makemore.models.limits import check


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of an MLPBatchNorm."""

    context: int = knob(8, "how many characters back it sees")
    n_embd: int = knob(24, "channels of a character's embedding")
    n_embd2: int = knob(200, "channels of each hidden layer")
    n_layer: int = knob(2, "how many hidden layers")
    dropout: float = knob(0.1, "share of the last hidden layer's channels set to zero in training")

    def __post_init__(self) -> None:
        check(self)


class BatchNorm(nn.Module):
    """Normalises each channel over the real positions of the batch; keeps running averages for later."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.momentum, self.eps = 0.01, 1e-5
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """x: (R, C), one row for each real position."""
        x = x.float()  # 16 bits are too few for sums over a batch
        if self.training:
            mean = x.mean(0)  # (C,)
            var = (x - mean).square().mean(0)  # (C,)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * (len(x) / max(1, len(x) - 1)), self.momentum)  # unbiased
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) * (var + self.eps).rsqrt() * self.gain + self.bias


class MLPBatchNorm(Model):
    """Embedding of a window, then layers of linear, BatchNorm, tanh, then logits."""

    config_class = Config
    mixes_lines = True

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.context = config.context
        self.embedding = Embedding(vocab_size, config.n_embd, config.labels)
        sizes = [config.context * config.n_embd] + [config.n_embd2] * config.n_layer
        self.fcs = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in pairwise(sizes))
        self.norms = nn.ModuleList(BatchNorm(config.n_embd2) for _ in range(config.n_layer))
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.n_embd2, vocab_size)
        for fc in self.fcs.parameters():
            nn.init.kaiming_normal_(fc, nonlinearity="tanh")
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        # the boundary is only at position 0, so one anywhere later is padding
        real = (
            idx % self.embedding.num_embeddings != 0
            if self.training
            else torch.ones_like(idx, dtype=torch.bool)
        )  # (B, T)
        real[:, 0] = True
        at = real.flatten().nonzero()[:, 0]  # (R,) where the real positions are among the B T
        past = idx.new_zeros(idx.shape[0], self.context - 1) if state is None else state[0]  # (B, n - 1)
        idx = torch.cat([past, idx], 1)  # (B, n - 1 + T)
        windows = idx.unfold(1, self.context, 1).flatten(0, 1)  # (B T, n)
        h = self.embedding(windows[at]).flatten(1)  # (R, n C)
        for fc, norm in zip(self.fcs, self.norms, strict=True):
            h = torch.tanh(norm(fc(h)))  # (R, C2)
        h = self.head(self.dropout(h))  # (R, V)
        logits = (
            h.new_zeros(real.numel(), h.shape[1]).index_copy(0, at, h).unflatten(0, real.shape)
        )  # (B, T, V)
        return logits, (idx[:, idx.shape[1] - self.context + 1 :],)
