"""The sampling loop.

All samples of a chunk start as one row, the prompt. Samples with the same characters so far share a row,
which the model steps once for all of them. Each sample chooses its next character independently, so the
result is distributed as if every sample had a row of its own. Rows are dropped when their samples have ended.
Samples follow the model's distribution given that a line is not empty, and that it ends within the longest
length, unless lines that are cut there are wanted too.

Unique lines (`unique`) come from a search instead: see `most_likely.py`. If hardly any line satisfies the
wishes, the model looks ahead, and each line has a weight: see `rare.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from makemore.corpus.vocab import BOUNDARY, Vocab
from makemore.distributed.group import ALONE, Group
from makemore.sampling.limits import MOST_ROWS, samples_at_once
from makemore.sampling.look_ahead import LookAhead
from makemore.sampling.most_likely import different
from makemore.sampling.options import Floats, SampleOptions
from makemore.sampling.rare import Guide, each_once, guide_for
from makemore.sampling.stepper import Integers
from makemore.sampling.tree import Sample, Tree, not_empty
from makemore.sampling.unmet import unmet
from makemore.sampling.wanted import Keep, Wanted

if TYPE_CHECKING:
    from makemore.sampling.stepper import Steps

BLOCK = MOST_ROWS
"""Lines sampled from one stream of randomness."""


def sample(
    model: Steps,
    vocab: Vocab,
    n: int,
    options: SampleOptions,
    *,
    keep: Keep | None = None,
    tree: Tree | None = None,
    group: Group = ALONE,
    lines: Callable[[], Integers] | None = None,
) -> Generator[Sample, None, None]:
    """Yield n lines sampled from a model, in chunks, so that any number fits in memory.

    `options.max_length` must be given. `keep` returns for each of some lines whether it is wanted; this
    replaces `options.novel`. `tree` is that of the same model, prefix and max_length, with the first steps
    cached. Processes of a group must ask for the same lines; each gets all of them, as one process alone
    would. `lines` returns lines like the model's, as a stream of ids with boundaries, from which it looks ahead
    if hardly any line satisfies the wishes. Raises MakemoreError if an option is not valid, or too few lines
    were found; these are yielded first.
    """
    tree = tree or Tree(model, vocab, options.prefix, options.max_length)
    wanted = Wanted(n, options, tree, keep)
    seed = int(np.random.default_rng().integers(2**63)) if options.seed is None else options.seed
    seed = group.same(seed)
    chunks = _Chunks(tree, wanted)
    if lines is not None:
        chunks.guide = guide_for(chunks, wanted, tree, lines, np.random.default_rng([seed, BLOCK]))
    if options.unique and chunks.guide is None:
        yield from different(tree, wanted, int(np.random.default_rng(seed).integers(2**63)))
        return
    if options.unique:
        wanted.keep = each_once(wanted.keep)
    yield from group.chained(range(0, n, BLOCK), lambda start: _block(chunks, wanted, seed, start))


def _block(chunks: _Chunks, wanted: Wanted, seed: int, start: int) -> Iterator[Sample]:
    """Yield up to BLOCK lines, from number `start` on, from a stream of randomness of their own."""
    random = np.random.default_rng([seed, start // BLOCK] if start else seed)
    n = min(BLOCK, wanted.n - start)
    yielded = sampled = accepted = unended = dry = 0
    since = time.monotonic()
    while yielded < n:
        # sample what is missing, and more if many lines are rejected
        rate = max(accepted, 1) / max(sampled, 1)
        chunk = max(1, min(MOST_ROWS, math.ceil((n - yielded) / rate)))
        chunk = min(chunk, chunks.most) if chunk > 16 else chunk
        samples, rejected = chunks.sample(chunk, random)
        sampled += chunk
        unended += rejected
        kept = wanted.kept([line.text for line in samples])
        samples = [line for line, is_kept in zip(samples, kept, strict=True) if is_kept]
        accepted += len(samples)
        for line in samples[: n - yielded]:
            yielded += 1
            yield line
        if samples:
            dry, since = 0, time.monotonic()
        else:
            dry += chunk
        if yielded < n and wanted.should_give_up(dry, since):
            ahead = " that looked ahead" * (chunks.guide is not None)
            tried = f"after {sampled:,} samples{ahead} (acceptance {accepted / sampled:.2g})"
            long = unended > (sampled - accepted) / 2
            raise unmet(wanted, start + yielded, tried, random=True, long=long)


class _Chunks:
    """Samples lines by the chunk, with probabilities in double precision on the CPU."""

    def __init__(self, tree: Tree, wanted: Wanted) -> None:
        self.tree, self.wanted, self.options = tree, wanted, wanted.options
        self.guide: Guide | None = None

    @cached_property
    def most(self) -> int:
        """How many samples to take at a time."""
        return samples_at_once(self.tree)

    def sample(self, n: int, random: np.random.Generator) -> tuple[list[Sample], int]:
        """Sample n lines; return the wanted ones, `keep` aside, and how many were rejected as unended."""
        if self.guide is None:
            samples, _, unended = self.proposed(n, random)
        else:
            samples, weights, unended = self.proposed(n, random, self.guide.ahead)
            samples = self.guide.taken(samples, weights, random)
        return samples, unended

    def proposed(
        self, n: int, random: np.random.Generator, ahead: LookAhead | None = None
    ) -> tuple[list[Sample], Floats, int]:
        """Do the same, without what `ahead` changes being made up for; return the lines' weights p / q too."""
        tree, V = self.tree, len(self.tree.vocab)
        lines = np.zeros((n, len(tree.prefix) + 16), dtype=tree.vocab.dtype)  # ids, and 0 after the end
        lines[:, : len(tree.prefix)] = tree.prefix
        ended = np.ones(n, dtype=bool)
        who: Integers = np.arange(n)  # the samples that have not ended
        row: Integers = np.zeros(n, dtype=np.intp)  # for each of them, its row among the nodes
        logq = tree.start if ahead is None or ahead.roots is None else ahead.roots  # (K,)
        if len(tree.start) > 1:
            row = choose(np.exp(logq[None]), row, random.random(n))
        roots, nll = row, tree.nll[row]  # (n,)
        logw = tree.start[row] - logq[row]  # log p / q
        nodes = tree.root()
        seen = ahead and ahead.root(self.options.prefix, len(tree.start))
        for t in range(len(tree.prefix), tree.max_length + 1):
            logq = self.options.log_probabilities(tree.allowed(nodes.logp))  # (D, V)
            if t == 0:
                logq = not_empty(logq)
                if np.isnan(logq).any():  # all lines are empty
                    return [], logw[:0], 0
            if ahead and seen:
                logq, gain = ahead.tilted(seen, logq, t)
            ids = choose(np.exp(logq), row, random.random(len(who)))
            if ahead:
                logw[who] += gain[row, ids]
            if t == tree.max_length:  # lines that would go on are cut here
                ended[who] = ids == BOUNDARY
                ids[:] = BOUNDARY
            nll[who] -= nodes.logp[row, ids]
            if t == lines.shape[1]:
                lines = np.concatenate([lines, np.zeros_like(lines)], 1)
            lines[who, t] = ids
            goes_on = ids != BOUNDARY
            who = who[goes_on]
            # the different (row, character) pairs become the next rows
            pairs = row[goes_on] * V + ids[goes_on]
            rows = _different(pairs)
            row = np.searchsorted(rows, pairs)
            who, row, rows = self._possible(lines[:, : t + 1], who, row, rows)
            if not len(who):
                break
            parent, character = np.divmod(rows, V)
            nodes = tree.children(nodes, parent, character)
            seen = ahead and seen and ahead.step(seen, parent, character)
        whole = ended | self.options.cut
        texts, labels = tree.texts(lines[whole]), tree.labels(roots[whole])
        different = list(dict.fromkeys(texts))
        good = dict(zip(different, self.wanted.matching(different), strict=True)) | {"": False}
        outer = map(tree.vocab.forms.outer, texts)
        found = zip(outer, nll[whole].tolist(), ended[whole].tolist(), labels, strict=True)
        is_good = [good[text] for text in texts]
        samples = [Sample(*line) for line, wanted in zip(found, is_good, strict=True) if wanted]
        return samples, np.exp(logw[whole][is_good]), n - len(texts)

    def _possible(
        self, lines: Integers, who: Integers, row: Integers, rows: Integers
    ) -> tuple[Integers, Integers, Integers]:
        """Drop the samples that can no longer become wanted lines, and empty their lines.

        Given, and returned without them: the samples that have not ended, the row of each, and the rows.
        """
        if not self.wanted.prunes:
            return who, row, rows
        one = np.empty(len(rows), dtype=np.intp)
        one[row] = who  # a sample of each row
        could = np.array(self.wanted.could(self.tree.texts(lines[one])), dtype=bool)
        lines[who[~could[row]]] = BOUNDARY
        who, row = who[could[row]], row[could[row]]
        return who, (could.cumsum() - 1)[row], rows[could]  # the rows that stay, numbered anew


def _different(ids: Integers) -> Integers:
    """Return the different ids, sorted. np.unique, for few of them, takes longer to load than this to run."""
    ids = np.sort(ids)
    found: Integers = ids[np.append(True, ids[1:] != ids[:-1])[: len(ids)]]
    return found


def choose(p: Floats, row: Integers, u: Floats) -> Integers:
    """Choose the next id of each sample from its row of probabilities; return the ids (n,).

    p is (D, V); `row` (n,) is the row of each sample, and u (n,) a random number in [0, 1) for each.
    """
    # Row i's cumulative probabilities lie in [2 i, 2 i + 1], so one sorted list serves all rows: the
    # id is the first whose cumulative probability is above u.
    cumulative = p.cumsum(1)
    cumulative /= cumulative[:, -1:].copy()
    cumulative += 2 * np.arange(len(p))[:, None]
    u = u * (1 - 2.0**-32)  # so that adding 2 i cannot round it up to 2 i + 1
    found: Integers = np.searchsorted(cumulative.reshape(-1), u + 2 * row, side="right") - row * p.shape[1]
    return found
