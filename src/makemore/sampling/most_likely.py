"""The best lines of a model's tree: the most likely ones, or samples without replacement.

If every node of the tree has a key that none of its children exceeds, the lines with the highest keys can be
found exactly (up to the rounding of the model's own sums): everything below the worst of them can be skipped.
There are two keys:

    log p(beginning)                the best lines are the most likely ones;
    that plus noise, G(beginning)   the best lines, in order, are samples without replacement.

The noise is Gumbel's. If all lines, the leaves of the tree, had noise of their own, G = log p - log(-log u),
then sorting the lines by G would be the same as sampling them one after another without replacement. There
are too many lines for that, so the noise is sampled from the top down instead: the greatest G below a node is
the node's own, T, and its children get

    G_i = log p_i - log(-log u_i),   Z = max G_i
    G_i <- -log(exp(-T) - exp(-Z) + exp(-G_i))                 which makes the greatest of them equal T

After Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them" (2019), arXiv:1903.06059, and its
appendix B.3 for the last line without loss of precision.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from makemore.corpus.splits import mix
from makemore.corpus.vocab import BOUNDARY, Vocab
from makemore.sampling.limits import rows_at_once
from makemore.sampling.options import Floats, SampleOptions
from makemore.sampling.stepper import Integers, State
from makemore.sampling.tree import Sample, Tree, not_empty
from makemore.sampling.unmet import unmet
from makemore.sampling.wanted import Keep, Wanted

if TYPE_CHECKING:
    from makemore.sampling.stepper import Steps

NODES = 256_000_000  # bytes that all nodes of a search may take, about
FIRST = 200_000
"""Nodes visited in the first sweep, at most, so that the first lines come soon."""


def most_likely(
    model: Steps,
    vocab: Vocab,
    n: int,
    options: SampleOptions,
    *,
    keep: Keep | None = None,
    tree: Tree | None = None,
) -> Generator[Sample, None, None]:
    """Yield the n lines with the lowest nll, lowest first, then by text. Nothing is random.

    As in `draw.sample`, a line's nll includes its end. None is cut. Of the options only those that say which
    lines are wanted are used; max_length must be given. `keep` and `tree` are as in `draw.sample`.
    Raises MakemoreError if an option is not valid, or too few lines were found; these are yielded first.
    """
    alone = replace(options, temperature=1.0, top_k=None, top_p=1.0, unique=False, cut=False, seed=None)
    tree = tree or Tree(model, vocab, options.prefix, options.max_length)
    yield from _best(tree, Wanted(n, alone, tree, keep), None)


def different(tree: Tree, wanted: Wanted, seed: int) -> Iterator[Sample]:
    """Yield different lines, sampled without replacement."""
    yield from _best(tree, wanted, seed)


def _best(tree: Tree, wanted: Wanted, seed: int | None) -> Iterator[Sample]:
    search = _Search(tree, wanted, seed)
    found = 0
    for line in search.best():
        found += 1
        yield line
    if found < wanted.n:
        tried = "and there are no more"
        if not search.exhausted:
            tried = f"after searching {search.looked_at:,} beginnings of lines"
        raise unmet(wanted, found, tried, random=False, long=search.unended > search.rejected / 2)


@dataclass
class _Beginnings:
    """D nodes with the same number of characters."""

    ids: Integers
    """(D, t)"""
    key: Floats
    logp: Floats
    """(D,): the log-probabilities in the keys: after temperature, top_k and top_p."""
    nll: Floats
    """(D,): the model's own, in nats."""
    parent: Integers
    """(D,): which row of `state` each comes from."""
    root: Integers
    """(D,): which root each comes from: a label, if the lines have any."""
    state: State
    """The state before the last character."""

    def take(self, which: Integers | npt.NDArray[np.bool_]) -> _Beginnings:
        """Return some of the nodes."""
        return _Beginnings(
            self.ids[which],
            self.key[which],
            self.logp[which],
            self.nll[which],
            self.parent[which],
            self.root[which],
            self.state,
        )


@dataclass
class _Lines:
    """M lines."""

    key: Floats
    nll: Floats
    text: npt.NDArray[np.object_]
    """(M,) of str."""
    ended: npt.NDArray[np.bool_]
    """(M,): whether the model ended the line, or it was cut."""
    root: Integers
    """(M,): which root each comes from."""

    def take(self, which: Integers | npt.NDArray[np.bool_]) -> _Lines:
        """Return some of the lines."""
        return _Lines(self.key[which], self.nll[which], self.text[which], self.ended[which], self.root[which])

    def plus(self, more: _Lines) -> _Lines:
        """Return these lines and more."""
        return _Lines(
            np.concatenate([self.key, more.key]),
            np.concatenate([self.nll, more.nll]),
            np.concatenate([self.text, more.text]),
            np.concatenate([self.ended, more.ended]),
            np.concatenate([self.root, more.root]),
        )


class _Search:
    """Finds the wanted lines of a tree with the highest keys; without a seed, the keys have no noise."""

    def __init__(self, tree: Tree, wanted: Wanted, seed: int | None) -> None:
        self.tree, self.wanted, self.seed = tree, wanted, seed
        self.most = max(1000, NODES // (64 + tree.max_length))
        """How many nodes, and how many lines, are kept at a time, at most."""
        # with noise each beginning stands for one line, the one with its key: n beginnings give n lines, if
        # none of these is rejected because it does not end
        self.every = seed is not None and wanted.every
        self.sure = self.every and wanted.options.cut
        self.exhausted = False
        """Whether all lines were found."""
        self.looked_at = 0
        """Beginnings of lines that the last sweep visited."""
        self.rejected = self.unended = 0
        """Lines and beginnings that the last sweep rejected, and lines among them that did not end."""
        self._seeds = np.full(len(tree.start), seed or 0, dtype=np.uint64)  # each root has noise of its own
        self._seeds += np.arange(len(tree.start), dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
        self._found: set[str] = set()
        self._tired = False

    def best(self) -> Iterator[Sample]:
        """Yield the best lines, best first; fewer if there are fewer.

        They come from one sweep through the tree, or from several, each larger than the last.
        """
        n = self.wanted.n
        k = min(self._enough(n) if self.every else 4 * n + 100, FIRST, self.most)
        while n > 0:
            lines = self._sweep(k)
            each = (lines.text, lines.nll.tolist(), lines.ended.tolist(), self.tree.labels(lines.root))
            for text, nll, ended, label in zip(*each, strict=True):
                if text not in self._found:
                    self._found.add(text)
                    yield Sample(text, nll, ended, label)
                    if len(self._found) == n:
                        return
            if self.exhausted or self._tired:
                return
            if k == self.most:  # a larger sweep would take too much memory
                return
            found = len(self._found)
            more = self._enough(n * k / found) if self.every and found else 4 * k
            k = min(more, 4 * k, self.most)

    def _enough(self, n: float) -> int:
        """Return how many nodes to visit for n lines: some more, unless none can be rejected."""
        return math.ceil(n if self.sure else n + n / 20 + 5)

    def _sweep(self, k: int) -> _Lines:
        """Visit the k best nodes or a few more; return the wanted lines among them, best first.

        The bound is the k-th best key so far, and never falls. All lines with keys above its final value are
        found, since the bound was always below them; if it never rose, there are no other lines. Nodes are
        kept in a stack of blocks. The last block, which has the longest beginnings, goes first, so only one
        block of each length has states.
        """
        bound, none = -np.inf, np.zeros(0)  # nodes with keys below the bound are skipped
        start, roots = self.tree.start, np.arange(len(self.tree.start))
        ids = np.repeat(self.tree.prefix[None], len(roots), 0)
        key = start
        if self.seed is not None and len(roots) > 1:
            key = start - np.log(-np.log(_uniform(self._seeds[:1], ids[:1, :0], len(roots))[0]))
        stack = [_Beginnings(ids, key, start, self.tree.nll, roots, roots, self.tree.state)]
        lines = _Lines(none, none, none.astype(object), none.astype(bool), none.astype(np.intp))
        known, self.looked_at = self.looked_at, 0  # the part that the last sweep saw has nothing new
        self.rejected = self.unended = 0
        refused, since = 0, time.monotonic()
        while stack:
            block = stack.pop()
            rows = rows_at_once(self.tree, block.state)
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
            self.rejected += dropped
            refused += dropped
            if self.sure or self.looked_at <= known or not self._found.issuperset(ended.text):
                refused, since = 0, time.monotonic()
            if self.wanted.should_give_up(refused, since):
                self._tired = True
                break
        self.exhausted = not stack and bound == -np.inf
        # after giving up, better lines could still come from the rest of the stack
        lines = lines.take(lines.key >= max((nodes.key.max() for nodes in stack), default=-np.inf))
        ranking = sorted(range(len(lines.key)), key=lambda i: (-lines.key[i], lines.text[i]))
        return lines.take(np.array(ranking, dtype=np.intp))

    def _below(self, nodes: _Beginnings, bound: float) -> tuple[_Lines, _Beginnings, int]:
        """Go down from some nodes to children whose keys are not below the bound.

        Return the wanted lines that end here, the nodes that could become such lines, and how many lines and
        nodes were rejected.
        """
        tree, refused = self.tree, 0
        if nodes.ids.shape[1] == len(tree.prefix):
            logp, state = tree.logp[nodes.root], tuple(each[nodes.root] for each in tree.state)
        else:
            logp, state = tree.step(nodes.state, nodes.parent, nodes.ids[:, -1].astype(np.intp))
        counted, key = self._keys(nodes, logp)  # (D, V) each
        ended = np.ones(len(key), dtype=bool)
        if nodes.ids.shape[1] == tree.max_length:
            ends_here = key[:, BOUNDARY] >= np.fmax.reduce(key, axis=1)
            key[:, BOUNDARY + 1 :] = -np.inf
            if self.wanted.options.cut:  # all that goes on from here is one line, with the node's own key
                key[:, BOUNDARY], ended = nodes.key, ends_here
            else:
                refused = int((~ends_here).sum())
                self.unended += refused
        good = (key >= bound) & (key > -np.inf)

        ends = good[:, BOUNDARY].nonzero()[0]
        inner, p_end = tree.texts(nodes.ids[ends]), logp[ends, BOUNDARY]
        texts = np.array([*map(tree.vocab.forms.outer, inner), None], dtype=object)[:-1]
        lines = _Lines(key[ends, BOUNDARY], nodes.nll[ends] - p_end, texts, ended[ends], nodes.root[ends])
        if not self.wanted.every:
            both = zip(self.wanted.matching(inner), self.wanted.kept(list(texts)), strict=True)
            met = [a and b for a, b in both]
            refused += met.count(False)
            lines = lines.take(np.array(met, dtype=bool))

        good[:, BOUNDARY] = False
        parent, character = good.nonzero()
        further = _Beginnings(
            ids=np.concatenate([nodes.ids[parent], character[:, None].astype(nodes.ids.dtype)], 1),
            key=key[parent, character],
            logp=counted[parent, character],
            nll=nodes.nll[parent] - logp[parent, character],
            parent=parent,
            root=nodes.root[parent],
            state=state,
        )
        if self.wanted.prunes:
            could = self.wanted.could(tree.texts(further.ids))
            refused += could.count(False)
            further = further.take(np.array(could, dtype=bool))
        return lines, further, refused

    @np.errstate(divide="ignore", invalid="ignore")
    def _keys(self, nodes: _Beginnings, logp: Floats) -> tuple[Floats, Floats]:
        """Return the log-probabilities that count and the keys of the nodes' children, (D, V) each.

        Child 0 is the line that ends. The key of an impossible child is -inf or nan.
        """
        q = self.wanted.options.log_probabilities(self.tree.allowed(logp))
        if nodes.ids.shape[1] == 0:
            q = not_empty(q)
        counted = nodes.logp[:, None] + q
        if self.seed is None:
            return counted, counted
        top = nodes.key[:, None]
        key = counted - np.log(-np.log(_uniform(self._seeds[nodes.root], nodes.ids, q.shape[1])))
        below = top - key + _log1mexp(key - key.max(1, keepdims=True))
        return counted, top - np.maximum(below, 0) - np.log1p(np.exp(-np.abs(below)))


def _log1mexp(x: Floats) -> Floats:
    """Return log(1 - exp(x)) for x <= 0."""
    return np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _uniform(seeds: npt.NDArray[np.uint64], ids: Integers, V: int) -> Floats:
    """Return numbers in (0, 1) for the V children of nodes with the ids (D, t): the same ones in every sweep.

    They are hashes of the seeds (D,) and the beginnings, by the mixing function of SplitMix64 (Steele, Lea, Flood 2014).
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    state = mix(seeds[:, None])
    for column in ids.T:
        state = mix(state + step * (column[:, None].astype(np.uint64) + np.uint64(1)))
    state = mix(state + step * np.arange(1, V + 1, dtype=np.uint64))  # (D, V)
    numbers: Floats = ((state >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return numbers
