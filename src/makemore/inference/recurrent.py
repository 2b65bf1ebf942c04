"""Recurrent models: rnn, gru, lstm and mingru. The equations are in makemore/models/rnn.py and mingru.py.

State: (B, C2), the hidden state; for the LSTM also its memory; of minGRU one for each layer.
"""

from __future__ import annotations

import numpy as np

from makemore.inference.base import Array, Inference, State, gelu, log_softmax, sigmoid, softplus
from makemore.inference.counts import NGram


class RNN(Inference):
    """h <- tanh(W x + U h + b)."""

    knobs: tuple[str, ...] = ("n_embd", "n_embd2", "dropout")

    gates: tuple[int, ...] = (0,)
    """The order in which the gates are wanted, of those in torch's weights."""
    n_state = 1

    def prepare(self) -> None:
        U = self.sorted("cell.weight_hh_l0")  # (gates C2, C2)
        self.U = np.ascontiguousarray(U.T)
        self.b = self.sorted("cell.bias_hh_l0")
        self.wx = self.embedded(self.sorted("cell.weight_ih_l0").T, self.sorted("cell.bias_ih_l0"))  # W x + b
        self.head = self.linear("head")

    def sorted(self, name: str) -> Array:
        """Return weights or biases with their gates in order."""
        parts = np.split(self.weights[name], len(self.gates))
        return np.concatenate([parts[i] for i in self.gates])

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        if state is None:
            state = (np.zeros((len(ids), self.U.shape[0]), self.U.dtype),) * self.n_state
        uh = state[0] @ self.U
        uh += self.b
        state = self.cell(self.wx(ids), uh, state)
        return self.head(state[0]), state

    def cell(self, wx: Array, uh: Array, state: State) -> State:
        """Return the next state from W x + b and U h + b, (B, gates C2), and the state."""
        h = np.tanh(wx + uh)
        self.note("hidden", h)
        return (h,)


class GRU(RNN):
    """Gates r and z; h <- (1 - z) n + z h with n = tanh(W x + r * U h)."""

    gates = (0, 1, 2)  # r, z, n

    def cell(self, wx: Array, uh: Array, state: State) -> State:
        (h,) = state
        C = h.shape[1]
        gates = sigmoid(wx[:, : 2 * C] + uh[:, : 2 * C])
        r, z = gates[:, :C], gates[:, C:]
        n = np.tanh(wx[:, 2 * C :] + r * uh[:, 2 * C :])
        self.note("r", r)
        self.note("z", z)
        return (n + z * (h - n),)


class LSTM(RNN):
    """Gates i, f and o; c <- f c + i g and h <- o tanh(c)."""

    gates = (0, 1, 3, 2)  # i, f, o, g: one sigmoid serves three
    n_state = 2

    def cell(self, wx: Array, uh: Array, state: State) -> State:
        h, c = state
        C = h.shape[1]
        a = wx + uh  # (B, 4 C)
        gates = sigmoid(a[:, : 3 * C])
        i, f, o = gates[:, :C], gates[:, C : 2 * C], gates[:, 2 * C :]
        for name, gate in (("i", i), ("f", f), ("o", o)):
            self.note(name, gate)
        c = f * c + i * np.tanh(a[:, 3 * C :])
        return o * np.tanh(c), c


class Mixture(LSTM):
    """softmax(u log p_lstm + v log p_ngram), u and v positive. State: the LSTM's, then the n-gram's."""

    knobs = ("n_embd", "n_embd2", "dropout", "order")

    def prepare(self) -> None:
        super().prepare()
        names = [name for name in self.weights if name.startswith("ngram.")]
        weights = {name.removeprefix("ngram."): self.weights[name] for name in names}
        self.ngram = NGram(self.V, {**self.config}, weights)
        self.trust = self.linear("trust")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        logits, last = super().step(ids, state and state[: self.n_state])
        logq, counted = self.ngram.step(ids, state and state[self.n_state :])
        sure = np.stack([-(np.exp(logq) * logq).sum(1), logq.max(1)], 1)  # (B, 2)
        trust = softplus(self.trust(np.concatenate([last[0], sure.astype(np.float32)], 1)))  # (B, 2)
        self.note("trust", trust)
        return trust[:, :1] * log_softmax(logits) + trust[:, 1:] * logq, (*last, *counted)


class MinGRU(Inference):
    """h <- (1 - z) h + z (W u) in each layer, then a two-layer network."""

    knobs = ("n_layer", "n_embd", "n_embd2", "dropout")

    def prepare(self) -> None:
        self.embedding = self.embedded()
        self.layers = [
            (
                self.layer_norm(f"{at}.norm1"),
                self.linear(f"{at}.gate"),
                self.linear(f"{at}.write"),
                self.linear(f"{at}.out"),
                self.layer_norm(f"{at}.norm2"),
                self.linear(f"{at}.fc"),
                self.linear(f"{at}.proj"),
            )
            for at in (f"layers.{i}" for i in range(int(self.config["n_layer"])))
        ]
        self.norm, self.head = self.layer_norm("norm"), self.linear("head")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        x = self.embedding(ids)  # (B, C)
        if state is None:
            state = (np.zeros((len(x), int(self.config["n_embd2"])), x.dtype),) * len(self.layers)
        new = []
        for (norm1, gate, write, out, norm2, fc, proj), h in zip(self.layers, state, strict=True):
            u = norm1(x)
            z = sigmoid(gate(u))
            self.note("replaced", z)
            h = h + z * (write(u) - h)  # (B, C2)
            x = x + out(h)
            x = x + proj(gelu(fc(norm2(x))))
            new.append(h)
        return self.head(self.norm(x)), tuple(new)
