"""Models that count, as modules of tensors, which onnx.py can make graphs of.

All contexts are nodes of one tree. Node 0 stands for contexts that were never seen; then come the empty
contexts, one for each label where their strings are counted apart; then the strings of 1, 2, ... characters, as
they are in the model's lists. So the continuations of a node lie side by side. Instead of searching among them,
a graph looks at all of them: at M, the most that any node has.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from makemore.counting.context_tree import ContextTree
from makemore.inference.base import Array
from makemore.inference.counts import NGram


class Nodes(nn.Module):
    """The tree.

    Args:
        first: Of each length of context, from 0 on, where the continuations of each begin in the list of the
            next length, and where those of the last end, (C + 1,).
        last: Of each length of string, from 1 on, the last character of each, (S,).

    """

    first: Tensor
    last: Tensor

    def __init__(self, first: list[Array], last: list[Array]) -> None:
        super().__init__()
        self.n, self.roots = len(first), len(first[0]) - 1
        starts = np.cumsum([1 + self.roots, *map(len, last)])  # of the strings of each length
        ends = [each[:-1] + start for each, start in zip(first, starts, strict=False)]
        flat = np.concatenate([starts[:1], *ends, starts[-1:]])
        self.M = int(np.diff(flat).max(initial=1))
        self.register_buffer("first", torch.from_numpy(flat.astype(np.int32)))
        self.register_buffer("last", self.of_strings(last, np.int32))

    def of_strings(self, values: list[Array], type: type = np.float32) -> Tensor:
        """Return values of the strings of each length, from 1 on, as one for each node, (N,)."""
        return torch.from_numpy(np.concatenate([np.zeros(1 + self.roots), *values]).astype(type))

    def of_contexts(self, unseen: float, values: list[Array]) -> Tensor:
        """Return values of the contexts of each length, from 0 on, as one for each node that is a context."""
        return torch.from_numpy(np.concatenate([[unseen], *values]).astype(np.float32))

    def continuations(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nodes that continue some nodes (...), and which of them do, (..., M) each."""
        places = self.first[nodes].long()[..., None] + torch.arange(self.M)
        there = places < self.first[nodes + 1].long()[..., None]
        return places.clamp(max=len(self.last) - 1), there

    def after(self, ids: Tensor, roots: Tensor, before: Tensor) -> Tensor:
        """Return the contexts of 0 to n - 1 characters after some characters (B,), as nodes (B, n).

        roots: the empty contexts, (B,). before: those of 1 to n - 1 characters before, (B, n - 1).
        """
        heads = torch.cat([roots[:, None], before], 1)[:, : self.n - 1]
        places, there = self.continuations(heads)  # (B, n - 1, M)
        same = there & (self.last[places] == ids[:, None, None])
        return torch.cat([roots[:, None], (places * same).sum(-1)], 1)

    def spread(self, node: Tensor, given: Tensor, p: Tensor) -> Tensor:
        """Add to p (B, V) what continuations of a node (B,) are given; given: of each node, (N,)."""
        places, there = self.continuations(node)  # (B, M)
        return p.scatter_add(1, self.last[places].long(), given[places] * there)


class NGramGraph(nn.Module):
    """An n-gram that reads one character in each of B lines. The state is all zeros at the start of a line."""

    back: Tensor
    given: Tensor
    base: Tensor
    kinds: Tensor

    def __init__(self, form: NGram) -> None:
        super().__init__()
        self.V, self.labelled = form.V, "roots" in form.config  # an empty context for each label
        first = form.first if self.labelled else [np.array([0, len(form.last[0])]), *form.first[1:]]
        self.nodes = Nodes(first, form.last)
        empty = form.back[0] if self.labelled else np.ones(1)
        self.register_buffer("back", self.nodes.of_contexts(1.0, [empty, *form.back[1:]]))
        self.register_buffer("given", self.nodes.of_strings(form.given))
        self.register_buffer("kinds", torch.from_numpy(np.asarray(form.kinds, dtype=np.int64)))
        if not self.labelled:
            self.register_buffer("base", torch.from_numpy(form.p.astype(np.float32)))
        self.shape = None if form.shape is None else NGramGraph(form.shape)
        self.own = None if form.labelled is None else NGramGraph(form.labelled)
        self.shares = form.shares.tolist()

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """idx: (B, 1). Returns the log-probabilities, (B, 1, V), and the next state."""
        labels, ids = idx[:, 0] // self.V, idx[:, 0] % self.V
        p, more = self.base.expand(ids.shape[0], -1), ()
        contexts = self.contexts(ids, torch.ones_like(ids), state[0] if state else None)
        if self.shape is not None:
            logp, more = self.shape(self.kinds[ids][:, None], state and state[1:])
            p = p * logp[:, 0].exp()[:, self.kinds]
        if self.own is not None:
            own = self.own.contexts(ids, 1 + labels, state[-1] if state else None)
        q = p  # of the label
        for k in range(self.nodes.n):
            if k > 0:
                p = self.interpolate(contexts[:, k], p)
            if self.own is not None:
                q = self.own.interpolate(own[:, k], q + self.own.shares[k] * (p - q))
        if self.own is None:
            return p.log()[:, None], (contexts[:, 1:], *more)
        return q.log()[:, None], (contexts[:, 1:], *more, own[:, 1:])

    def contexts(self, ids: Tensor, roots: Tensor, before: Tensor | None) -> Tensor:
        """Return the contexts after some characters (B,): see Nodes.after; before: None at the start of a line."""
        if before is None:
            before = ids.new_zeros(ids.shape[0], self.nodes.n - 1)
        return self.nodes.after(ids, roots, before)

    def interpolate(self, node: Tensor, p: Tensor) -> Tensor:
        """Return p(w | context of k) (B, V), given p(w | context of k - 1); node: the contexts of k, (B,)."""
        return self.nodes.spread(node, self.given, p * self.back[node][:, None])


class CTWGraph(nn.Module):
    """Context-tree weighting that reads one character in each of B lines, likewise."""

    base: Tensor
    stops: Tensor
    back: Tensor
    given: Tensor
    known: Tensor

    def __init__(self, tree: ContextTree) -> None:
        super().__init__()
        self.V = tree.V
        self.nodes = Nodes(tree.first, tree.last)
        known = [each[:-1] for each in tree.known]
        self.register_buffer("base", torch.from_numpy(tree.base.astype(np.float32)))
        self.register_buffer("stops", self.nodes.of_contexts(0.0, tree.stops))
        self.register_buffer("back", self.nodes.of_contexts(0.0, tree.back))
        self.register_buffer("given", self.nodes.of_strings(tree.given))
        self.register_buffer("known", self.nodes.of_contexts(0.0, known))
        self.own = None if tree.own is None else CTWGraph(tree.own)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """idx: (B, 1). Returns the log-probabilities, (B, 1, V), and the next state."""
        labels, ids = idx[:, 0] // self.V, idx[:, 0] % self.V
        base = self.base.expand(ids.shape[0], -1)
        p, contexts = self.read(ids, torch.ones_like(ids), state[0] if state else None, base)
        if self.own is None:
            return p.log()[:, None], (contexts,)
        q, own = self.own.read(ids, 1 + labels, state[1] if state else None, p)
        return q.log()[:, None], (contexts, own)

    def read(self, ids: Tensor, roots: Tensor, before: Tensor | None, base: Tensor) -> tuple[Tensor, Tensor]:
        """Return p of what follows, (B, V), and the contexts, (B, D); base: b of each line, (B, V)."""
        if before is None:
            before = ids.new_zeros(ids.shape[0], self.nodes.n - 1)
        contexts = self.nodes.after(ids, roots, before)
        p, found = base, torch.zeros(ids.shape[0], 1)  # whether a longer context was seen
        for k in range(self.nodes.n - 1, -1, -1):
            node = contexts[:, k]
            known = self.known[node][:, None]
            stop = known * (found * self.stops[node][:, None] + (1 - found))  # (B, 1)
            p = (1 - stop) * p + stop * self.back[node][:, None] * base
            p = p + stop * self.nodes.spread(node, self.given, torch.zeros_like(p))
            found = torch.maximum(found, known)
        return p, contexts[:, 1:]
