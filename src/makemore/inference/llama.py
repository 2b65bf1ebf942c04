"""llama: RMSNorm, rotary positions, QK-norm, SwiGLU. The equations are in makemore/models/llama.py.

State: of each block the keys, already turned, and the values, (B, S, H, D), S characters so far.
"""

from __future__ import annotations

import numpy as np

from makemore.inference.attention import attend
from makemore.inference.base import Array, Inference, Layer, State, sigmoid


class Llama(Inference):
    """Attention over the keys and values so far, then a gated two-layer network, in each block."""

    knobs = ("n_layer", "n_head", "n_embd", "dropout")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        n = int(self.config["n_layer"])
        self.norms = [[self.rms_norm(f"blocks.{i}.{name}") for name in self.NORMS] for i in range(n)]
        self.layers = [
            [self.linear(f"blocks.{i}.{name}", bias=False) for name in self.LAYERS] for i in range(n)
        ]
        self.norm, self.head = self.rms_norm("norm"), self.linear("head", bias=False)

    NORMS = ("norm1", "q_norm", "k_norm", "norm2")
    LAYERS = ("q", "k", "v", "out", "gate", "up", "proj")

    def rms_norm(self, name: str) -> Layer:
        """Return a layer that gives each row a mean square of 1, then scales it: (..., C)."""
        gain = self.weights[f"{name}.weight"]
        mean = np.full((len(gain), 1), 1 / len(gain), np.float32)
        return lambda x: x / np.sqrt((x * x) @ mean + np.float32(1e-6)) * gain

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        x = self.embedding(ids)  # (B, C)
        (B, C), H = x.shape, int(self.config["n_head"])
        none = np.zeros((B, 0, H, C // H), x.dtype)
        state = state or (none,) * (2 * len(self.layers))
        t = state[0].shape[1]
        new: State = ()
        for i, ((norm1, q_norm, k_norm, norm2), layers) in enumerate(
            zip(self.norms, self.layers, strict=True)
        ):
            wq, wk, wv, out, gate, up, proj = layers
            h = norm1(x)
            q, k, v = (w(h).reshape(B, 1, H, C // H) for w in (wq, wk, wv))  # (B, 1, H, D) each
            q, k = rotate(q_norm(q), t), rotate(k_norm(k), t)
            keys = np.concatenate([state[2 * i], k], 1)  # (B, S, H, D)
            values = np.concatenate([state[2 * i + 1], v], 1)
            shares, y = attend(q, keys, values)
            self.note("attention", shares)
            x = x + out(y.reshape(B, C))
            h = norm2(x)
            g = gate(h)
            x = x + proj(g * sigmoid(g) * up(h))
            new += (keys, values)
        return self.head(self.norm(x)), new


def rotate(x: Array, t: int) -> Array:
    """Turn the pairs (i, i + D / 2) of channels by t times the pair's speed: (B, 1, H, D)."""
    half = x.shape[-1] // 2
    angle = t * 10_000.0 ** (-np.arange(half) / half)  # (D / 2,)
    sin, cos = np.sin(angle).astype(x.dtype), np.cos(angle).astype(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)
