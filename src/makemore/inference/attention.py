"""Models that look back at all earlier characters: bow, which averages them, and the Transformer."""

from __future__ import annotations

import math

import numpy as np

from makemore.inference.base import GELU, GELU_TANH, Array, Inference, State, gelu, softmax


class BagOfWords(Inference):
    """u = e + mean of all e so far; logits of u + W2 tanh(W1 u).

    State: (B, C) the sum of the embeddings so far, and (B, 1) how many.
    """

    knobs = ("n_embd", "n_embd2", "dropout")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.fc, self.proj, self.head = self.linear("fc"), self.linear("proj"), self.linear("head")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        e = self.embedding(ids)  # (B, C)
        total, count = state or (np.zeros_like(e), np.zeros_like(e[:, :1]))
        total, count = total + e, count + 1
        u = e + total / count
        return self.head(u + self.proj(np.tanh(self.fc(u)))), (total, count)


class Transformer(Inference):
    """Attention over the keys and values so far, then a two-layer network, in each block.

    State: of each block the keys and the values, (B, S, H, D), S characters so far.
    """

    knobs = ("n_layer", "n_head", "n_embd", "dropout", "block_size", "gelu_tanh")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.positions = self.weights["positions.weight"]  # (block_size, C)
        self.blocks = [
            (
                self.layer_norm(f"{at}.norm1"),
                self.linear(f"{at}.qkv"),
                self.linear(f"{at}.out"),
                self.layer_norm(f"{at}.norm2"),
                self.linear(f"{at}.fc"),
                self.linear(f"{at}.proj"),
            )
            for at in (f"blocks.{i}" for i in range(int(self.config["n_layer"])))
        ]
        self.norm, self.head = self.layer_norm("norm"), self.linear("head", bias=False)
        self.gelu = GELU_TANH if self.config.get("gelu_tanh") else GELU

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        x = self.embedding(ids)  # (B, C)
        (B, C), H = x.shape, int(self.config["n_head"])
        none = np.zeros((B, 0, H, C // H), x.dtype)
        state = state or (none,) * (2 * len(self.blocks))
        position = min(state[0].shape[1], len(self.positions) - 1)  # those beyond share the last one
        x = x + self.positions[position]
        new: State = ()
        for i, (norm1, qkv, out, norm2, fc, proj) in enumerate(self.blocks):
            q, k, v = qkv(norm1(x)).reshape(B, 3, 1, H, C // H).swapaxes(0, 1)  # (B, 1, H, D) each
            keys = np.concatenate([state[2 * i], k], 1)  # (B, S, H, D)
            values = np.concatenate([state[2 * i + 1], v], 1)
            shares, y = attend(q, keys, values)
            self.note("attention", shares)
            x += out(y.reshape(B, C))  # the heads side by side again
            x += proj(gelu(fc(norm2(x)), self.gelu))
            new += (keys, values)
        return self.head(self.norm(x)), new


def attend(q: Array, keys: Array, values: Array) -> tuple[Array, Array]:
    """Return the share of each value, (B, S, H), and the sums of the shared values, (B, H, D).

    Args:
        q: The queries of one position, (B, 1, H, D).
        keys: The keys of all positions so far, (B, S, H, D).
        values: Their values, likewise.

    """
    scores = np.einsum("bthd,bshd->bsh", q, keys)
    scores /= np.float32(math.sqrt(q.shape[-1]))
    shares = softmax(scores, 1)
    return shares, np.einsum("bsh,bshd->bhd", shares, values)
