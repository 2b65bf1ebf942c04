"""Samples from a run's model, with the run's own longest line, spelling and corpus."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.distributed.group import ALONE, Group
from makemore.errors import MakemoreError, shown
from makemore.files.typed import checked
from makemore.runs.spelling import Spelling
from makemore.sampling import draw, most_likely
from makemore.sampling.best import best
from makemore.sampling.options import SampleOptions
from makemore.sampling.stepper import Shares
from makemore.sampling.tree import Sample, StoppedError, Tree
from makemore.sampling.wanted import Keep
from makemore.sampling.wishes import several

if TYPE_CHECKING:
    from makemore.sampling.stepper import Steps

COUNTED_TOKENS = 300_000
"""About how many characters are counted to look ahead, at most."""


SharesOf = Callable[[Sequence[str]], Shares | None]
"""Returns how often each of the labels that are wanted occurs; all, if none is; None if lines have none."""


class Sampler:
    """Samples from one model, whose weights must not change, and caches the first steps between calls."""

    def __init__(self, model: Steps, corpus: Corpus, spelling: Spelling, shares: SharesOf) -> None:
        self.model, self.corpus, self.spelling, self.shares = model, corpus, spelling, shares
        self._tree: Tree | None = None
        self._tree_of: tuple[str, int | None, Sequence[str]] | None = None

    def stream(
        self, n: int, options: SampleOptions, group: Group, stop: Callable[[], bool] | None = None
    ) -> Generator[Sample, None, None]:
        """Yield n samples; see `Run.stream`."""
        return _until_stopped(self._stream(checked("n", n, int), options, group, stop or (lambda: False)))

    def _stream(
        self, n: int, options: SampleOptions, group: Group, stop: Callable[[], bool]
    ) -> Generator[Sample, None, None]:
        if options.best:
            return self._best(n, options, stop)
        options, keep = self._resolved(options)
        tree, last = self._tree, (options.prefix, options.max_length, options.label)
        if tree is None or self._tree_of != last:
            tree, self._tree_of = self._new_tree(options), last
            self._tree = tree
        else:
            tree.look_ahead()
        tree = copy.copy(tree)  # the one that is cached serves others too
        tree.stop = stop
        return draw.sample(
            self.model,
            self.corpus.vocab,
            n,
            options,
            keep=keep,
            tree=tree,
            group=group,
            lines=lambda: self.corpus.stream(self.corpus.at_most("train", COUNTED_TOKENS)),
        )

    def _best(
        self, n: int, options: SampleOptions, stop: Callable[[], bool]
    ) -> Generator[Sample, None, None]:
        plain = replace(options, best=False, unique=False, novel=False, cut=False)
        seed = int(np.random.default_rng(options.seed).integers(2**62))
        found = best(lambda n, k: self._stream(n, replace(plain, seed=seed + k), ALONE, stop), self.corpus, n)
        yield from found
        if len(found) < n:
            lines = "things" if self.spelling.things else "lines"
            raise MakemoreError(
                f"found only {len(found):,} of {n:,} {lines} that are new, unlike one another and well formed; "
                "ask for fewer, or sample with novel and unique instead of best",
                option=("n", "novel", "unique", "best"),
            )

    def most_likely(self, n: int, options: SampleOptions) -> Generator[Sample, None, None]:
        """Yield the n most likely lines; see `Run.most_likely`."""
        n = checked("n", n, int)
        options, keep = self._resolved(options)
        tree = self._new_tree(options)
        return most_likely.most_likely(self.model, self.corpus.vocab, n, options, keep=keep, tree=tree)

    def _new_tree(self, options: SampleOptions) -> Tree:
        shares = self.shares(several("label", options.label))
        return Tree(self.model, self.corpus.vocab, options.prefix, options.max_length, shares)

    def _resolved(self, options: SampleOptions) -> tuple[SampleOptions, Keep | None]:
        """Return options with this run's prefix and max_length, and what says which lines to keep."""
        self.spelling.check_length(options.prefix)
        prefix, longest = self.spelling.normal(options.prefix), self.corpus.longest
        if options.max_length is not None and options.max_length > self.spelling.most:
            raise MakemoreError(
                f"max_length must be at most {self.spelling.most:,} for this run, "
                f"not {shown(options.max_length, 40)}",
                option="max_length",
            )
        begun = len(self.corpus.vocab.forms.inner(prefix))
        max_length = begun + longest if options.max_length is None else options.max_length
        wishes, normal = options.wishes, self.spelling.normal
        options = replace(
            options,
            prefix=prefix,
            max_length=max_length,
            ends_with=normal(wishes.ends_with),
            contains=tuple(map(normal, wishes.contains)),
            without=tuple(map(normal, wishes.without)),
        )
        return options, self._keep(options.novel, self.spelling.things and not options.cut)

    def _keep(self, novel: bool, things: bool) -> Keep | None:
        """Return what says which lines are novel, and which things would be read as such."""
        if not novel and not things:
            return None

        def keep(lines: list[str]) -> list[bool]:
            kept = [not things or self.spelling.is_thing(line) for line in lines]
            if novel:
                seen = self.corpus.seen(lines)
                kept = [a and where == "new" for a, where in zip(kept, seen, strict=True)]
            return kept

        return keep


def _until_stopped(samples: Generator[Sample, None, None]) -> Generator[Sample, None, None]:
    with contextlib.suppress(StoppedError):
        yield from samples
