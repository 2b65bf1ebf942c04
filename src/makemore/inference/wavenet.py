"""wavenet: dilated causal convolutions, each of which remembers its last d inputs.

State: for each layer, (B, d, C), the inputs that the next characters will need.
"""

from __future__ import annotations

import numpy as np

from makemore.inference.base import Array, Inference, State, sigmoid


class WaveNet(Inference):
    """x <- x + P (tanh(a^f) * sigmoid(a^g)), a = W [norm(x)_{t-d}; norm(x)_t] + b, once for each layer."""

    knobs = ("n_layer", "n_embd", "dropout")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.blocks = [
            (self.layer_norm(f"{at}.norm"), self.linear(f"{at}.conv"), self.linear(f"{at}.proj"))
            for at in (f"blocks.{i}" for i in range(int(self.config["n_layer"])))
        ]
        self.norm = self.layer_norm("norm")
        self.head = self.linear("head")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        x = self.embedding(ids)  # (B, C)
        if state is None:
            state = tuple(np.zeros((len(x), 2**i, x.shape[1]), x.dtype) for i in range(len(self.blocks)))
        pasts = []
        for (norm, conv, proj), past in zip(self.blocks, state, strict=True):
            now = norm(x)  # (B, C)
            a = conv(np.concatenate([past[:, 0], now], 1))  # (B, 2 C): d characters ago, and now
            filtered, gate = np.split(a, 2, 1)
            gate = sigmoid(gate)
            self.note("gate", gate)
            x = x + proj(np.tanh(filtered) * gate)
            pasts.append(np.concatenate([past[:, 1:], now[:, None]], 1))
        return self.head(self.norm(x)), tuple(pasts)
