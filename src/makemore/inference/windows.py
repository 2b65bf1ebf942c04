"""Models that see a window of the last characters: mlp and mlp_bn.

State: (B, n - 1), the characters of the window but the newest.
"""

from __future__ import annotations

import numpy as np

from makemore.inference.base import Array, Inference, Layer, State


class MLP(Inference):
    """h = tanh(W1 [C(x_{t-n+1}); ...; C(x_t)] + b1), logits W2 h + b2."""

    knobs: tuple[str, ...] = ("context", "n_embd", "n_embd2", "dropout")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.hidden = [self.linear("fc")]
        self.head = self.linear("head")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        past = np.zeros((len(ids), int(self.config["context"]) - 1), ids.dtype) if state is None else state[0]
        window = np.concatenate([past, ids[:, None]], 1)  # (B, n)
        h = self.embedding(window).reshape(len(ids), -1)  # (B, n C)
        for layer in self.hidden:
            h = np.tanh(layer(h))  # (B, C2)
            self.note("hidden", h)
        return self.head(h), (window[:, 1:],)


class MLPBatchNorm(MLP):
    """The same with several layers. After training, BatchNorm is a scale and a shift: part of the layer."""

    knobs = (*MLP.knobs, "n_layer")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.hidden = [self.normalised(i) for i in range(int(self.config["n_layer"]))]
        self.head = self.linear("head")

    def normalised(self, i: int) -> Layer:
        """Return layer i and its BatchNorm as one linear layer."""
        names = ("gain", "bias", "running_mean", "running_var")
        gain, bias, mean, var = (self.weights[f"norms.{i}.{name}"] for name in names)  # (C2,) each
        scale = gain / np.sqrt(var + np.float32(1e-5))
        W, b = self.matrix(f"fcs.{i}") * scale, bias - mean * scale
        return lambda x: x @ W + b
