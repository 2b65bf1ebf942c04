"""A blend: several models that answer as one. The equations are in makemore/models/blend.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from makemore.inference.base import Array, Inference, State, log_softmax


class Blend(Inference):
    """The mixture or the product of the parts' predictions.

    State: (B, P) which parts are left out, then the states of the parts in turn.

    Args:
        parts: The P models.
        ids: Of each part, the ids that it reads and those that it writes for the V ids of the blend, two lists
            of V; -1 for a character that it does not know.
        shares: Of each part, its share.
        product: Whether the predictions are multiplied.

    """

    def __init__(
        self,
        parts: Sequence[Inference],
        ids: Sequence[tuple[list[int], list[int]]],
        shares: Sequence[float],
        product: bool,
    ) -> None:
        self.parts, self.product = parts, product
        self.reads, self.writes = (np.array(some) for some in zip(*ids, strict=True))  # (P, V) each
        self.shares = np.array(shares)  # (P,)
        weights = {f"parts.{i}.{name}": w for i, part in enumerate(parts) for name, w in part.weights.items()}
        super().__init__(self.reads.shape[1], {}, weights)

    def prepare(self) -> None:
        start = np.zeros(1, dtype=np.intp)
        self.lengths = [len(part.step(start)[1]) for part in self.parts]  # of the parts' states

    def fits(self) -> bool:
        return all(part.fits() for part in self.parts)

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        logp = np.empty((len(ids), self.V, len(self.parts)))  # (B, V, P)
        out = self.reads[:, ids].T < 0  # (B, P)
        states: list[State | None] = [None] * len(self.parts)
        if state is not None:
            out, rest = out | state[0], iter(state[1:])
            states = [tuple(islice(rest, n)) for n in self.lengths]
        last: State = (out,)
        for i, (part, before) in enumerate(zip(self.parts, states, strict=True)):
            logits, after = part.step(np.maximum(self.reads[i, ids], 0), before)
            own = np.pad(log_softmax(logits), ((0, 0), (0, 1)), constant_values=-np.inf)
            logp[:, :, i] = own[:, self.writes[i]]  # -1 is the last
            last += after
        return (self.multiplied(logp) if self.product else self.mixed(logp, out)), last

    def mixed(self, logp: Array, out: Array) -> Array:
        """Return the log-probabilities of the mixture, (B, V), without the parts that are left out, (B, P)."""
        shares = np.where(~out | out.all(1, keepdims=True), self.shares, 0)  # (B, P)
        shares /= shares.sum(1, keepdims=True)
        self.note("shares", shares)
        with np.errstate(divide="ignore"):
            both: Array = np.logaddexp.reduce(logp + np.log(shares)[:, None], axis=2)
        return both

    def multiplied(self, logp: Array) -> Array:
        """Return the log-probabilities of the product, (B, V); where nothing is possible, the line ends."""
        both = (logp * self.shares).sum(2)
        both[np.isneginf(both.max(1)), 0] = 0
        return log_softmax(both)
