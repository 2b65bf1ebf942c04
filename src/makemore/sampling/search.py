"""The lines of a model as a tree, and the best of them, found without drawing any line twice.

A node of the tree is the beginning of a line, its children go on by one character, and its leaf is the
line that ends here. If every node has a key that no child's exceeds, then the lines with the highest keys
are found exactly (but for the rounding of the model's own sums): whatever lies below the worst of them need
not be looked at. The keys are one of

    log p(beginning)                the best lines are the most likely ones;
    that plus noise, G(beginning)   the best lines, in order, are draws without replacement.

The noise is Gumbel's. Had all lines, the leaves of the tree, noise of their own, G = log p - log(-log u),
the order of the lines by G would be that of drawing them one after another and never the same again. As
there are too many lines, it is drawn from the top down instead: the greatest G below a node is known to be
the node's own, T, and so its children get

    G_i = log p_i - log(-log u_i),   Z = max G_i
    G_i <- -log(exp(-T) - exp(-Z) + exp(-G_i))                 which makes the greatest of them equal T

After Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them" (2019), arXiv:1903.06059, and its
appendix B.3 for the last line without loss of precision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from makemore.corpus.vocab import BOUNDARY, UNKNOWN, Vocab
from makemore.errors import MakemoreError

Array = npt.NDArray[Any]

MOST_ROWS = 8192
"""Rows that a model is asked for at a time, at most."""

MOST_KNOWN = 1024
"""Beginnings of one length that are looked at in advance, at most."""

_FLOATS = 64_000_000
_PROBABILITIES = 4_000_000
_NODES = 256_000_000  # bytes that all nodes of a search take, about
_FIRST = 200_000
"""Nodes to look at in the first sweep, at most: it is to end before anybody asks whether it will."""


class Tree:
    """The lines that a model can say, from a prefix on. The model and its states stay on their device."""

    def __init__(self, model: nn.Module, vocab: Vocab, prefix: str, max_length: int) -> None:
        self.model, self.vocab, self.max_length = model, vocab, max_length
        self.device = next(model.parameters()).device
        if model.training:
            model.eval()
        ids = vocab.encode("\n" + prefix)  # (1 + P,)
        self.prefix = ids[1:]
        self.nll = 0.0
        """-log p(prefix), in nats."""
        state: Any = None
        step = max(1, _PROBABILITIES // len(vocab))  # characters at a time, to bound the memory
        for i in range(0, len(ids), step):
            part = torch.from_numpy(ids[i : i + step].astype(np.int64)).to(self.device)
            with torch.inference_mode():
                logits, state = model(part[None], state)
                logp = log_softmax(_double(logits[0]))  # (T, V)
            if np.isnan(logp).any():
                raise MakemoreError(
                    "the model's probabilities are not numbers: its weights are damaged; train again"
                )
            follows = self.prefix[i : i + step]
            self.nll -= float(logp[np.arange(len(follows)), follows].sum())
        self.state: tuple[Tensor, ...] = state
        self.logp = logp[-1:]
        """(1, V): log p(what follows the prefix)."""
        self.barred = int(vocab.encode(UNKNOWN)[0]) if vocab.unknown else None
        """The id that stands for all rare characters: it is read, and never written."""
        self.known = [(self.logp, self.state)]
        """Of all beginnings that are 0, 1, ... characters longer than the prefix, in the order of their ids: the
        log-probabilities of what follows (V^d, V), and the state."""

    def allowed(self, logp: Array) -> Array:
        """Return log-probabilities (D, V) given that no rare character follows; where nothing else can, the line ends."""
        if self.barred is None:
            return logp
        logp = np.where(np.arange(logp.shape[1]) == self.barred, -np.inf, logp)
        logp[np.isneginf(logp.max(1)), BOUNDARY] = 0.0
        return log_softmax(logp)

    def look_ahead(self) -> None:
        """Go down every path for as long as there are few, so that no later draw has to."""
        V = len(self.vocab)
        while len(self.known) <= 2 and V ** len(self.known) <= MOST_KNOWN:
            _, state = self.known[-1]
            self.known.append(self.step(state, *np.divmod(np.arange(V ** len(self.known)), V)))

    @torch.inference_mode()
    def step(
        self, state: tuple[Tensor, ...], parent: Array, character: Array
    ) -> tuple[Array, tuple[Tensor, ...]]:
        """Go down from the rows `parent` (D,) of a state by one character each (D,).

        Returns the log-probabilities of what follows (D, V) float64, and the new state.
        """
        B = len(state[0]) if state else 0
        every = len(parent) == B and (parent == np.arange(B)).all()
        rows, ids = torch.from_numpy(np.stack([parent, character])).to(self.device)
        if not every:  # else each row goes on as it is
            state = tuple(s.index_select(0, rows) for s in state)
        logits, state = self.model(ids[:, None], state)
        return log_softmax(_double(logits[:, -1])), state

    def rows(self, state: tuple[Tensor, ...], floats: int | None = None) -> int:
        """How many rows to go down with at a time, so that the states of a whole line fit in memory.

        floats: what the state of one row takes by the end of the line; None takes the present state's.
        """
        now = sum(s.numel() for s in state) // len(state[0]) if state else 0
        # some sixteen arrays over the vocabulary too
        each = 16 * len(self.vocab) + self.max_length + (now * self.max_length if floats is None else floats)
        widest = max((max(p.shape) for p in self.model.parameters() if p.ndim == 2), default=0)
        return max(16, min(MOST_ROWS, _FLOATS // max(each, widest // 4)))

    def texts(self, ids: Array) -> list[str]:
        """Return the lines of some rows of ids (D, t); in each, all that follows the first 0 is 0."""
        ids = np.concatenate([ids, np.zeros((len(ids), 1), dtype=ids.dtype)], 1)
        said = np.ones(ids.shape, dtype=bool)  # the characters, and the first 0
        said[:, 1:] = ids[:, :-1] != BOUNDARY
        return self.vocab.decode(ids[said]).split("\n")[:-1]


@dataclass
class _Nodes:
    """Some nodes with the same number of characters, D of them."""

    ids: Array
    """(D, t)"""
    key: Array
    logp: Array
    """(D,) log-probabilities as the keys count them: after temperature and the like."""
    nll: Array
    """(D,) the model's own, in nats."""
    parent: Array
    """(D,) which row of `state` each comes from."""
    state: tuple[Tensor, ...]
    """The state before the last character."""

    def take(self, which: Array) -> _Nodes:
        """Return some of the nodes."""
        arrays = (self.ids, self.key, self.logp, self.nll, self.parent)
        ids, key, logp, nll, parent = (array[which] for array in arrays)
        return _Nodes(ids, key, logp, nll, parent, self.state)


@dataclass
class _Lines:
    """Some lines, M of them."""

    key: Array
    nll: Array
    text: Array
    """(M,) of str."""

    def take(self, which: Array) -> _Lines:
        """Return some of the lines."""
        return _Lines(self.key[which], self.nll[which], self.text[which])

    def plus(self, more: _Lines) -> _Lines:
        """Return these lines and more."""
        pairs = ((self.key, more.key), (self.nll, more.nll), (self.text, more.text))
        key, nll, text = (np.concatenate(pair) for pair in pairs)
        return _Lines(key, nll, text)


class Search:
    """Finds the lines with the highest keys.

    probabilities: turns the model's log-probabilities (D, V) into those that count. seed: of the noise;
    None is no noise. wanted: says which of some lines are wanted. could: says whether one that begins so
    could be wanted. None: every line is.
    """

    def __init__(
        self,
        tree: Tree,
        probabilities: Callable[[Array], Array],
        seed: int | None,
        wanted: Callable[[list[str]], list[bool]] | None = None,
        could: Callable[[str], bool] | None = None,
    ) -> None:
        self.tree, self.probabilities, self.seed = tree, probabilities, seed
        self.wanted, self.could = wanted, could
        self.most = max(1000, _NODES // (64 + tree.max_length))
        """Nodes, and lines, that are kept at a time, at most."""
        # with noise every beginning stands for a line, the one that has its key: n beginnings are n lines
        self.sure = seed is not None and wanted is None
        self.exhausted = False
        """Whether there are no more lines than were found."""
        self.looked_at = 0
        """How many beginnings of lines were looked at in the last sweep."""

    def best(self, n: int, patience: int, seconds: float) -> Iterator[tuple[str, float]]:
        """Yield the n best lines, best first, each with its -log p(line and end); fewer if there are fewer.

        They come from one sweep through the tree, or from several that look at more and more of it. It
        gives up after having refused `patience` lines, or looked around for so many seconds, in vain.
        """
        self._found: set[str] = set()
        self._tired = False
        k = min(n if self.sure else 4 * n + 100, _FIRST, self.most)
        while n > 0:
            lines = self._sweep(k, patience, seconds)
            for text, nll in zip(lines.text, lines.nll.tolist(), strict=True):
                if text not in self._found:
                    self._found.add(text)
                    yield text, nll
                    if len(self._found) == n:
                        return
            if self.exhausted or self._tired:
                return
            if k == self.most:  # to look at more would take too much memory
                return
            k = min(self.most, n if self.sure and k < n < 4 * k else 4 * k)

    def _sweep(self, k: int, patience: int, seconds: float) -> _Lines:
        """Look at the k best nodes or somewhat more; return the wanted lines that are as good, best first.

        The bound is the k-th best key so far and only ever rises. All lines with keys above where it ends
        are found, since it was below them all the time; if it never rose, those are all lines there are.
        Nodes are kept in a stack of blocks. The last one, which has the longest lines, goes first, so that
        there are never more states than one block's for each length.
        """
        bound, zero = -np.inf, np.zeros(1)  # the bound: nothing with a key below it is looked at
        ids, nll, first = self.tree.prefix[None], zero + self.tree.nll, zero.astype(np.intp)
        stack = [_Nodes(ids, zero, zero, nll, first, self.tree.state)]
        lines = _Lines(zero[:0], zero[:0], zero[:0].astype(object))
        known, self.looked_at = self.looked_at, 0  # what the last sweep saw gives nothing new
        refused, since = 0, time.monotonic()
        while stack:
            block = stack.pop()
            rows = self.tree.rows(block.state)
            if len(block.key) > rows:
                order = np.argpartition(-block.key, rows)
                stack.append(block.take(order[rows:]))
                block = block.take(np.sort(order[:rows]))
            ended, further, dropped = self._below(block, bound)
            lines = lines.plus(ended)
            stack.append(further)

            keys = np.concatenate([lines.key, *(nodes.key for nodes in stack)])
            if len(keys) > k:
                bound = max(bound, float(np.partition(keys, -k)[-k]))
            lines = lines.take(lines.key >= bound)
            stack = [nodes.take(nodes.key >= bound) for nodes in stack]
            stack = [nodes for nodes in stack if len(nodes.key)]

            self.looked_at += len(block.key)
            refused += dropped
            if self.sure or self.looked_at <= known or not self._found.issuperset(ended.text):
                refused, since = 0, time.monotonic()
            if refused >= patience or time.monotonic() - since > seconds:
                self._tired = True
                break
        self.exhausted = not stack and bound == -np.inf
        # if the search was given up, better lines could come from what is left
        lines = lines.take(lines.key >= max((nodes.key.max() for nodes in stack), default=-np.inf))
        ranking = sorted(range(len(lines.key)), key=lambda i: (-lines.key[i], lines.text[i]))
        return lines.take(np.array(ranking, dtype=np.intp))

    def _below(self, nodes: _Nodes, bound: float) -> tuple[_Lines, _Nodes, int]:
        """Go down from some nodes, where the keys are not below the bound.

        Returns the wanted lines that end here, the nodes that could become such lines, and how many lines
        and nodes were refused.
        """
        tree, refused = self.tree, 0
        if nodes.ids.shape[1] == len(tree.prefix):
            logp, state = tree.logp, tree.state
        else:
            logp, state = tree.step(nodes.state, nodes.parent, nodes.ids[:, -1].astype(np.intp))
        counted, key = self._keys(nodes, logp)  # (D, V) each
        good = (key >= bound) & (key > -np.inf)

        ends = good[:, BOUNDARY].nonzero()[0]
        texts = np.array([*tree.texts(nodes.ids[ends]), None], dtype=object)[:-1]
        lines = _Lines(key[ends, BOUNDARY], nodes.nll[ends] - logp[ends, BOUNDARY], texts)
        if self.wanted is not None:
            wanted = self.wanted(list(texts))
            refused += wanted.count(False)
            lines = lines.take(np.array(wanted, dtype=bool))

        good[:, BOUNDARY] = False
        parent, character = good.nonzero()
        further = _Nodes(
            ids=np.concatenate([nodes.ids[parent], character[:, None].astype(nodes.ids.dtype)], 1),
            key=key[parent, character],
            logp=counted[parent, character],
            nll=nodes.nll[parent] - logp[parent, character],
            parent=parent,
            state=state,
        )
        if self.could is not None:
            could = [self.could(text) for text in tree.texts(further.ids)]
            refused += could.count(False)
            further = further.take(np.array(could, dtype=bool))
        return lines, further, refused

    @np.errstate(divide="ignore", invalid="ignore")
    def _keys(self, nodes: _Nodes, logp: Array) -> tuple[Array, Array]:
        """The log-probabilities that count and the keys of the nodes' children, (D, V) each.

        The line that ends is child 0. What cannot be has the key -inf or nan.
        """
        q = self.probabilities(self.tree.allowed(logp))
        if nodes.ids.shape[1] == 0:
            q = not_empty(q)
        if nodes.ids.shape[1] == self.tree.max_length:
            # as in drawing a line is cut here, whatever would follow; without noise its end counts
            end = q if self.seed is None else 0.0
            q = np.where(np.arange(q.shape[1]) == BOUNDARY, end, -np.inf)
            q = np.broadcast_to(q, logp.shape)
        counted = nodes.logp[:, None] + q
        if self.seed is None:
            return counted, counted
        top = nodes.key[:, None]
        key = counted - np.log(-np.log(_uniform(self.seed, nodes.ids, q.shape[1])))
        below = top - key + _log1mexp(key - key.max(1, keepdims=True))
        return counted, top - np.maximum(below, 0) - np.log1p(np.exp(-np.abs(below)))


def log_softmax(x: Array) -> Array:
    """Return x - log(sum(exp(x))) of each row of x (D, V)."""
    x = x - x.max(1, keepdims=True)
    shifted: Array = x - np.log(np.exp(x).sum(1, keepdims=True))
    return shifted


@np.errstate(invalid="ignore")
def not_empty(logp: Array) -> Array:
    """Return the log-probabilities of a line's first character (1, V), given that the line has one.

    Where it never has one they are not numbers.
    """
    return log_softmax(np.where(np.arange(logp.shape[1]) == BOUNDARY, -np.inf, logp))


def _double(logits: Tensor) -> Array:
    return logits.float().cpu().numpy().astype(np.float64)


def _log1mexp(x: Array) -> Array:
    """log(1 - exp(x)) for x <= 0."""
    return np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _uniform(seed: int, ids: Array, V: int) -> Array:
    """Numbers in (0, 1) for the V children of nodes with the ids (D, t): the same ones in every sweep.

    They are hashes of the beginnings, by the mixing function of SplitMix64 (Steele, Lea, Flood 2014).
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    state = _mix(np.full((len(ids), 1), seed, dtype=np.uint64))
    for column in ids.T:
        state = _mix(state + step * (column[:, None].astype(np.uint64) + np.uint64(1)))
    state = _mix(state + step * np.arange(1, V + 1, dtype=np.uint64))  # (D, V)
    return ((state >> np.uint64(12)) + 0.5) * 2.0**-52


def _mix(x: Array) -> Array:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return x
