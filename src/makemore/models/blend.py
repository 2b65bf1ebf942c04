"""blend: several trained models that answer as one, by the mixture or the product of their predictions.

    mixture    p(w | x_0 .. x_t) = sum over i of s_i p_i(w | x_0 .. x_t)
    product    p(w | x_0 .. x_t) = (product over i of p_i(w | x_0 .. x_t) ^ s_i) / Z

The shares s_i are fixed and sum to 1; nothing is trained. A mixture may write what one of its parts would write;
a product only what all of them would.

Each part has an alphabet of its own. What it does not know it never writes. In a mixture, a part that does not
know a character of the line so far could not have written it: it is left out until the line ends, and the others
share in proportion. A line that no part could have written has no probability, and from there on all take part
again. A product has only the characters that all parts know.

After Jelinek, Mercer, "Interpolated estimation of Markov source parameters from sparse data" (1980); Hinton,
"Training Products of Experts by Minimizing Contrastive Divergence" (2002).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.models.base import Model


class Blend(Model):
    """Several trained models. State: (B, P) which parts are left out, then the states of the parts in turn.

    Args:
        parts: The P models.
        ids: Of each part, the ids that it reads and those that it writes for the V ids of the blend, two lists
            of V; -1 for a character that it does not know.
        shares: Of each part, its share.
        product: Whether the predictions are multiplied.

    """

    def __init__(
        self,
        parts: Sequence[Model],
        ids: Sequence[tuple[list[int], list[int]]],
        shares: Sequence[float],
        product: bool,
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.product = product
        self.reads: Tensor  # (P, V)
        self.writes: Tensor  # (P, V)
        self.shares: Tensor  # (P,)
        known = {"reads": [read for read, _ in ids], "writes": [write for _, write in ids], "shares": shares}
        for name, values in known.items():  # they follow from the description of the blend
            self.register_buffer(name, torch.tensor(values), persistent=False)
        self._lengths: list[int] = []  # of the parts' states, once they are known

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        states = self._divided(idx, state)
        unknown, predicted, states_after = [], [], []
        for part, read, write, before in zip(self.parts, self.reads, self.writes, states, strict=True):
            ids = read[idx]  # (B, T)
            unknown.append(ids < 0)
            logits, after = part(ids.clamp(min=0), before)
            logp = logits.float().log_softmax(-1)  # (B, T, its own V)
            predicted.append(F.pad(logp, (0, 1), value=-math.inf)[..., write])  # (B, T, V); -1 is the last
            states_after.append(after)
        self._lengths = [len(after) for after in states_after]
        logp = torch.stack(predicted, -1)  # (B, T, V, P)
        out = torch.stack(unknown, -1).cumsum(1) > 0  # (B, T, P)
        if state is not None:
            out |= state[0][:, None]
        both = self._multiplied(logp) if self.product else self._mixed(logp, out)
        return both, (out[:, -1], *itertools.chain(*states_after))

    def _divided(self, idx: Tensor, state: tuple[Tensor, ...] | None) -> Sequence[tuple[Tensor, ...] | None]:
        """The state of each part."""
        if state is None:
            return [None] * len(self.parts)
        if not self._lengths:
            self._lengths = [len(part(torch.zeros_like(idx[:1, :1]))[1]) for part in self.parts]
        rest = iter(state[1:])
        return [tuple(itertools.islice(rest, n)) for n in self._lengths]

    def _mixed(self, logp: Tensor, out: Tensor) -> Tensor:
        shares = self.shares.where(~out | out.all(-1, keepdim=True), 0)  # (B, T, P)
        shares = shares / shares.sum(-1, keepdim=True)
        return (logp + shares.log()[:, :, None]).logsumexp(-1)  # (B, T, V)

    def _multiplied(self, logp: Tensor) -> Tensor:
        both = (self.shares * logp).sum(-1)  # (B, T, V)
        nothing = both.amax(-1, keepdim=True) == -math.inf  # no character is possible for all: the line ends
        end = torch.full_like(both[:1, :1], -math.inf)
        end[..., 0] = 0
        return both.where(~nothing, end).log_softmax(-1)
