"""A run: a model that was trained, or is being trained, and what one does with it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import LONGEST
from makemore.distributed import group as parallel
from makemore.errors import MakemoreError, command_line, quoted, shown
from makemore.files.atomic import damage
from makemore.models import build
from makemore.models.base import Model, ModelConfig
from makemore.runs import scoring
from makemore.runs.directory import RunDirectory, Setup
from makemore.runs.scoring import Explained
from makemore.runs.settings import Settings
from makemore.runs.spelling import Spelling
from makemore.runs.summary import Metrics, Summary
from makemore.runs.weights import part
from makemore.sampling import draw, most_likely
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample, Tree
from makemore.sampling.wanted import Keep

Item = TypeVar("Item")


class Run:
    """A model that was trained, or is being trained, with its vocabulary, its corpus and its settings."""

    def __init__(self, disk: RunDirectory, setup: Setup) -> None:
        self.disk = disk
        """The files."""
        self.directory = disk.path
        self.type = setup.type
        self.config = setup.config
        """The model's knobs, a dataclass of its own for every type."""
        self.settings = setup.settings
        self.vocab = setup.vocab
        self.reading = setup.reading
        """How the list was read; None for lines that came from no file."""
        self._tree: Tree | None = None  # of the last samples, and what it is the tree of
        self._tree_of: tuple[nn.Module, str, int | None] | None = None

    @classmethod
    def create(
        cls,
        directory: str | Path,
        type: str,
        config: ModelConfig,
        settings: Settings,
        corpus: Corpus,
        overwrite: bool = False,
    ) -> Run:
        """Start a run directory. One that holds a run is only replaced with `overwrite`."""
        disk = RunDirectory(Path(directory))
        setup = Setup(type, config, settings, corpus.vocab, corpus.reading)
        disk.create(setup, corpus, overwrite)
        run = cls(disk, setup)
        if not corpus.on_disk:
            run.corpus = corpus
        return run

    @classmethod
    def load(cls, directory: str | Path) -> Run:
        """Open a run directory.

        Raises:
            MakemoreError: It is missing or damaged, another program's or of a newer format.

        """
        disk = RunDirectory(Path(directory))
        return cls(disk, disk.load())

    @property
    def setup(self) -> Setup:
        """What config.json and vocabulary.json say."""
        return Setup(self.type, self.config, self.settings, self.vocab, self.reading)

    # what is in it

    @cached_property
    def corpus(self) -> Corpus:
        """The lines that the run was started on."""
        return self.disk.read_corpus(self.vocab, self.reading)

    def new_model(self) -> Model:
        """Return the model as it is before training, its weights sampled from torch's global generator."""
        with damage(self.directory / "config.json"):
            return build(self.type, len(self.vocab), self.config)

    @cached_property
    def model(self) -> Model:
        """The best model so far, on the CPU, ready for use; the last one if none was evaluated yet."""
        # its first weights are overwritten; on the CPU, so that no accelerator is initialised
        with torch.random.fork_rng(devices=[]):
            model = self.new_model()
        if self.disk.has_best:
            self.disk.read_best(model)
        elif (checkpoint := self.disk.load_checkpoint()) is not None:
            with damage(self.directory / "last.safetensors"):
                model.load_state_dict(part(checkpoint[0], "model."))
        else:
            raise MakemoreError(
                f"{self.directory}: not trained yet; go on with `{command_line('--resume', '-o', self.directory)}`"
            )
        return model.eval()

    def summary(self) -> Summary | None:
        """Return losses on every split and more; None before training has ended."""
        return self.disk.summary()

    def metrics(self) -> list[Metrics]:
        """Return the evaluations so far."""
        return self.disk.metrics()

    @cached_property
    def spelling(self) -> Spelling:
        """How the run reads the lines that it is given."""
        keep_spaces = self.reading is not None and self.reading.keep_spaces
        return Spelling(self.vocab, keep_spaces, self.corpus.longest)

    # using it

    def sample(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        max_length: int | None = None,
        unique: bool = False,
        novel: bool = False,
        seed: int | None = None,
    ) -> list[str]:
        """Return n new lines.

        torch's settings stay as they are. A program that only ever samples a few lines at a time can make that
        about twice as fast by calling `makemore.distributed.devices.own_process` once, as the command line does.

        Args:
            n: How many.
            prefix: What every line begins with.
            pattern: A regular expression that the whole line must match.
            temperature: Below 1 safer, above 1 wilder; at 0 each character is the most likely one.
            top_k: Sample from the k most likely characters only. None allows all.
            top_p: Sample only from the most likely characters that together have at least this probability.
            max_length: Characters after which a line is cut. None is the longest line of the corpus, and that
                plus the length of the prefix where the prefix is at least as long.
            unique: No line twice: lines are sampled without replacement.
            novel: Only lines that are not in the corpus.
            seed: The same seed gives the same lines; None takes a fresh one.

        Returns:
            The lines.

        Raises:
            MakemoreError: An option makes no sense, or too few lines fulfil it.

        """
        options = SampleOptions(prefix, pattern, temperature, top_k, top_p, max_length, unique, novel, seed)
        return [sample.text for sample in self.stream(n, options)]

    def stream(
        self, n: int = 10, options: SampleOptions | None = None, *, together: bool = False
    ) -> Generator[Sample, None, None]:
        """Yield n samples, each with its nll, as they are made; any number fits in memory.

        The first steps are cached for later calls, so the weights of `model` must not change in between.

        Args:
            n: How many.
            options: What they must be like. None asks for nothing.
            together: Whether the processes that torchrun started share the work.

        Returns:
            The samples.

        Raises:
            MakemoreError: An option makes no sense, or, at the end, too few lines were found.

        """
        options, keep = self._resolved(options or SampleOptions())
        tree, last = self._tree, (self.model, options.prefix, options.max_length)
        if tree is None or self._tree_of != last:
            tree = self._tree = Tree(self.model, self.vocab, options.prefix, options.max_length)
            self._tree_of = last
        else:
            tree.look_ahead()
        return draw.sample(self.model, self.vocab, n, options, keep=keep, tree=tree, together=together)

    def most_likely(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        max_length: int | None = None,
        novel: bool = False,
    ) -> Generator[Sample, None, None]:
        """Yield the n most likely lines, likeliest first. Nothing is random.

        Args:
            n: How many.
            prefix: What every line begins with.
            pattern: A regular expression that the whole line must match.
            max_length: The longest length of a line. None is as in `sample`.
            novel: Only lines that are not in the corpus.

        Returns:
            The lines.

        Raises:
            MakemoreError: An option makes no sense, or, at the end, too few lines were found.

        """
        options = SampleOptions(prefix=prefix, pattern=pattern, max_length=max_length, novel=novel)
        options, keep = self._resolved(options)
        return most_likely.most_likely(self.model, self.vocab, n, options, keep=keep)

    def _resolved(self, options: SampleOptions) -> tuple[SampleOptions, Keep | None]:
        """Return options with this run's prefix and max_length, and what says which lines are novel."""
        self.spelling.check_length(options.prefix)
        prefix, longest = self.spelling.normal(options.prefix), self.corpus.longest
        most = max(LONGEST, longest)
        if options.max_length is not None and options.max_length > most:
            raise MakemoreError(
                f"max_length must be at most {most:,} for this run, not {shown(options.max_length, 40)}",
                option="max_length",
            )
        if len(prefix) >= longest:  # otherwise nothing would be left to sample
            longest += len(prefix)
        max_length = longest if options.max_length is None else options.max_length
        keep = (lambda lines: [seen == "new" for seen in self.corpus.seen(lines)]) if options.novel else None
        return dataclasses.replace(options, prefix=prefix, max_length=max_length), keep

    def with_seen(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, str]]:
        """Yield each sample with "train", "held-out" or "new", looked up many at a time."""
        for chunk in _chunks(samples):
            yield from zip(chunk, self.corpus.seen([sample.text for sample in chunk]), strict=True)

    def cut(self, samples: Sequence[Sample], model: nn.Module | None = None) -> list[bool]:
        """Say for each sample whether the longest allowed length cut it where the model would rather have continued.

        Args:
            samples: The samples.
            model: The model that they were sampled from. None is the run's best.

        """
        return scoring.cut(self.model if model is None else model, self.vocab, samples)

    def scored(
        self, lines: Iterable[str], together: bool = False
    ) -> Generator[tuple[str, list[float] | None], None, None]:
        """Yield each line that is not blank, as its `spelling` has it, with its `letters`.

        These are None for a line with a character that the model does not know.

        Args:
            lines: The lines.
            together: Whether the processes that torchrun started share the work. All must give the same lines, and
                all get every score.

        """
        clean = map(self.spelling.cleaned, lines)

        def work(chunk: list[str]) -> list[tuple[str, list[float] | None]]:
            known = [line for line in chunk if self.vocab.knows(line)]
            letters = iter(self.letters(known))
            return [(line, next(letters) if self.vocab.knows(line) else None) for line in chunk]

        chunks = _chunks(line for line in clean if line)
        if not together:
            yield from itertools.chain.from_iterable(map(work, chunks))
            return
        with contextlib.closing(parallel.shared(chunks, work)) as found:
            for some in found:
                yield from some

    def letters(self, lines: Sequence[str]) -> list[list[float]]:
        """Return -log p in nats of every character of some lines, each line's end last.

        Lines are taken as they are, so that a sample is scored as it was sampled.

        Raises:
            MakemoreError: A line has a character that the model does not know, or is not one line.

        """
        if not isinstance(lines, str):
            for line in lines:
                self.spelling.check_length(line)
        return scoring.letters(self.model, self.vocab, lines)

    def score(self, lines: Sequence[str]) -> list[float]:
        """Return -log p(line and its end) in nats of some lines, in normal form.

        Raises:
            MakemoreError: A line has a character that the model does not know, or is not one line.

        """
        if isinstance(lines, str):
            raise MakemoreError(
                f"lines must be a list of lines, not the text {quoted(lines)}", option="lines"
            )
        return [sum(losses) for losses in self.letters([self.spelling.normal(line) for line in lines])]

    def explain(self, line: str, top: int = 5) -> list[Explained]:
        """Return, for each character of a line and its end, how likely it was and what was likelier.

        Args:
            line: The line.
            top: How many of the most likely characters to list.

        Raises:
            MakemoreError: The line is empty, or has a character that the model does not know.

        """
        line = self.spelling.cleaned(line)
        if not line:
            raise MakemoreError("the line is empty; give one with characters in it")
        self.letters([line])  # raises if something is wrong with it
        return scoring.explain(self.model, self.vocab, line, top)


def load(directory: str | Path) -> Run:
    """Open a run directory that `train` wrote, with its best model.

    Raises:
        MakemoreError: It is missing or damaged, another program's or of a newer format.

    """
    if directory == "":
        raise MakemoreError(
            "the name of the run directory is empty; give the directory that `makemore train -o` wrote"
        )
    return Run.load(directory)


def _chunks(items: Iterable[Item], size: int = 1000) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except MakemoreError:  # what came before is good
        yield chunk
        raise
    yield chunk
