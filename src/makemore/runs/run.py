"""A run: a model that was trained, or is being trained, and what you can do with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import makemore
from makemore.corpus.corpus import Corpus
from makemore.distributed.group import ALONE, Group
from makemore.files.paths import damage
from makemore.files.typed import check_arguments, checked
from makemore.inference.base import Inference
from makemore.runs import forms, labels, scoring
from makemore.runs.about_lines import AboutLines
from makemore.runs.directory import RunDirectory
from makemore.runs.labels import LabelCounts
from makemore.runs.sampler import Sampler
from makemore.runs.setup import Setup
from makemore.runs.shown import HIDDEN, as_html, as_text
from makemore.runs.spelling import Spelling
from makemore.runs.summary import Metrics, Summary
from makemore.sampling.options import SampleOptions
from makemore.sampling.stepper import Shares
from makemore.sampling.tree import Sample

if TYPE_CHECKING:
    from makemore.metrics.assessment import Assessment
    from makemore.models.base import Model, ModelConfig


class Run(AboutLines):
    """A model that was trained, or is being trained, with its vocabulary, its corpus and its settings."""

    def __init__(self, disk: RunDirectory, setup: Setup) -> None:
        self.disk = disk
        """The files."""
        self.directory = disk.path
        self.type, self.settings, self.vocab = setup.type, setup.settings, setup.vocab
        self.reading = setup.reading
        """How the list was read; None for lines that came from no file."""
        self._setup = setup
        self._last_sampler: Sampler | None = None
        self._assessment: Assessment | None = None  # of the model as it is, with the usual samples

    @classmethod
    def load(cls, directory: str | Path, group: Group = ALONE) -> Run:
        """Open a run directory that `train` wrote, with its best model.

        Raises:
            MakemoreError: It is missing or damaged, or was written by another program or in a newer format.

        """
        disk = RunDirectory(directory, group)
        return cls(disk, disk.load())

    @property
    def setup(self) -> Setup:
        """What config.json and vocabulary.json say."""
        return replace(self._setup, settings=self.settings)

    @cached_property
    def config(self) -> ModelConfig:
        """The model's knobs, a dataclass of its own for every type."""
        with damage(self.directory / "config.json"):
            return self.setup.config

    # its content

    @cached_property
    def corpus(self) -> Corpus:
        """The lines that the run was started on."""
        return self.disk.read_corpus(self.vocab, self.reading)

    def new_model(self) -> Model:
        """Return an untrained model, its weights initialised from torch's global generator."""
        return forms.untrained(self.disk, self.setup)

    @cached_property
    def model(self) -> Model:
        """The best model so far, on the CPU, ready for use; the last one if none was evaluated yet."""
        return forms.in_torch(self.disk, self.setup)

    @cached_property
    def form(self) -> Inference | None:
        """The same model in NumPy; None if it has no such form, or `model` cannot be read either."""
        return forms.in_numpy(self.disk, self.setup)

    def forget_model(self) -> None:
        """Read and measure the best model again when it is next used, since training has changed it."""
        for name in ("model", "form"):  # where cached_property keeps them
            self.__dict__.pop(name, None)
        self._assessment = None

    def summary(self) -> Summary | None:
        """Return losses on every split and more; None before training has ended."""
        return self.disk.summary()

    def metrics(self) -> list[Metrics]:
        """Return the evaluations so far."""
        return self.disk.metrics()

    @cached_property
    def spelling(self) -> Spelling:
        """How the run reads the lines that people give it."""
        return Spelling(self.vocab, self.reading, self.corpus.longest)

    @cached_property
    def labels(self) -> LabelCounts | None:
        """How often the training lines have each label; None if they have none."""
        return LabelCounts(self.corpus) if self.vocab.labels else None

    def _shares(self, wanted: Sequence[str]) -> Shares | None:
        """Return how often each of the labels that are wanted occurs; None if lines have none."""
        numbers = labels.numbers(self.vocab, wanted, self.directory)
        return None if self.labels is None else self.labels.shares(numbers)

    def _used(self, small: bool) -> Model | Inference:
        """Return the form of the model to use: the one in NumPy for a small task, unless torch's is there."""
        if small and "model" not in self.__dict__ and self.form is not None:
            return self.form
        return self.model

    def _sampler(self, n: int) -> Sampler:
        model = self._used(checked("n", n, int) <= forms.FEW)
        if self._last_sampler is None or self._last_sampler.model is not model:
            self._last_sampler = Sampler(model, self.corpus, self.spelling, self._shares)
        return self._last_sampler

    # using it

    def sample(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        ends_with: str = "",
        contains: str | Sequence[str] = (),
        without: str | Sequence[str] = (),
        length: str | None = None,
        max_length: int | None = None,
        novel: bool = False,
        label: str | Sequence[str] = (),
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        unique: bool = False,
        cut: bool = False,
        best: bool = False,
        seed: int | None = None,
    ) -> list[str]:
        """Return n new lines.

        Args:
            n: How many.
            prefix: What every line begins with.
            pattern: A regular expression that the whole line must match.
            ends_with: What every line ends with.
            contains: A text that every line contains, or several.
            without: A text that no line contains, or several.
            length: How many characters a line has: "5-8", "5" or "5-".
            max_length: The most characters; None allows as many after the prefix as the longest line has.
            novel: Only lines that are not in the corpus.
            label: Which kind of lines, or several, if lines have labels; none: all, as often as in the corpus.
            temperature: Below 1 safer, above 1 wilder; at 0 each character is the most likely one.
            top_k: Sample from the k most likely characters only. None allows all.
            top_p: Sample only from the most likely characters that together have at least this probability.
            unique: Sample without replacement, so that no line occurs twice.
            cut: Also lines that go on after max_length characters, cut there. `stream` says which.
            best: Of many, those that a person would choose, best first; see `SampleOptions`.
            seed: The same seed gives the same lines; None picks a new one.

        Raises:
            MakemoreError: An option is not valid, or too few lines were found.

        """
        lines = (prefix, pattern, ends_with, contains, without, length, max_length, novel, label)
        options = SampleOptions(*lines, temperature, top_k, top_p, unique, cut, best, seed)
        return [sample.text for sample in self.stream(n, options)]

    def stream(
        self,
        n: int = 10,
        options: SampleOptions | None = None,
        *,
        group: Group = ALONE,
        stop: Callable[[], bool] | None = None,
    ) -> Generator[Sample, None, None]:
        """Yield samples, each with its nll, as they are made; any number fits in memory.

        The first steps are cached for later calls, so the weights of `model` must not change in between.

        Args:
            n: How many.
            options: What they must be like; the fields are the arguments of `sample`.
            group: Processes that share the work.
            stop: Once it returns true, no more samples are made, and the search for them ends.

        Raises:
            MakemoreError: An option makes no sense, or, at the end, too few lines were found.

        """
        check_arguments(Run.stream, {"options": options})
        return self._sampler(n).stream(n, options or SampleOptions(), group, stop)

    def most_likely(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        ends_with: str = "",
        contains: str | Sequence[str] = (),
        without: str | Sequence[str] = (),
        length: str | None = None,
        max_length: int | None = None,
        novel: bool = False,
        label: str | Sequence[str] = (),
    ) -> Generator[Sample, None, None]:
        """Yield the n most likely lines, likeliest first. Nothing is random.

        The arguments are those of `sample`. With several labels, pairs of line and label are ranked.

        Raises:
            MakemoreError: An option makes no sense, or, at the end, too few lines were found.

        """
        lines = (prefix, pattern, ends_with, contains, without, length, max_length, novel, label)
        wanted = SampleOptions(*lines)
        return self._sampler(n).most_likely(n, wanted)

    def with_seen(self, samples: Iterable[Sample]) -> Iterator[scoring.SeenSample]:
        """Yield each sample with whether the corpus has it, looked up many at a time."""
        for chunk in scoring.chunks(samples):
            for sample, seen in zip(chunk, self.corpus.seen([each.text for each in chunk]), strict=True):
                yield scoring.SeenSample(sample.text, sample.nll, sample.ended, seen, sample.label)

    # measuring it, through the public functions, since the packages that measure import this one

    def eval(self, n: int | None = None, seed: int = 0) -> Assessment:
        """Measure the run: `makemore.assess`.

        Args:
            n: Samples to measure; None takes 10,000, fewer where lines are long.
            seed: Seed of the samples.

        """
        found = makemore.assess(self, n, seed)
        if n is None and seed == 0:
            self._assessment = found
        return found

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, one HTML file with its pictures in a directory beside it; return its path.

        Args:
            path: The file to write; None means report.html in the run directory.

        """
        return makemore.write_report([self.directory], path)

    def plot(self, name: str = "curve", found: Assessment | None = None) -> makemore.Plot:
        """Make one of the report's plots.

        Args:
            name: "curve", "temperature", "position", "length", "character", "lengths", "nearest",
                "calibration" or "pairs"; for some types also "table", "embedding" or "attention".
            found: What `eval` returned, to plot that; None means `eval()`, measured at the first call.

        Returns:
            The plot, which a notebook shows; its `figure` is matplotlib's.

        Raises:
            MakemoreError: There is no such plot, or none for this run.

        """
        return makemore.plot(self, name, found or self._assessment or self.eval())

    # showing it

    def __repr__(self) -> str:
        return as_text(self.type, self.disk)

    def _repr_html_(self) -> str:
        return as_html(self.type, self.disk, self._examples)

    def _examples(self, n: int, longest: int) -> Iterator[tuple[Sample, list[str], list[float]]]:
        """Return n samples of at most `longest` characters, each with these and with its `letters`."""
        longest = min(self.corpus.longest, longest)
        samples = list(self.stream(n, SampleOptions(max_length=longest, cut=True, seed=1)))
        characters = [self.vocab.forms.split(sample.text) for sample in samples]
        return zip(samples, characters, self.letters_of(samples), strict=True)

    def __dir__(self) -> list[str]:
        """List the names that people use, without the rest of the interface."""
        return sorted(
            name
            for name in {*vars(self), *vars(Run), *vars(AboutLines)}
            if name[0] != "_" and name not in HIDDEN
        )


load = Run.load
