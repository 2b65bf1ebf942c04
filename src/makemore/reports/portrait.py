"""What the page says about one run, as data for its template."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from makemore.errors import CUT, duration
from makemore.files.results import Flag
from makemore.metrics import quality
from makemore.metrics.advice import RED, Warned
from makemore.metrics.assessment import Assessment
from makemore.metrics.healthy import Healthy
from makemore.plots.entry import Entry
from makemore.plots.files import Plot, svg
from makemore.plots.style import character
from makemore.reports.labelled import Labelled, labelled
from makemore.reports.render import SHADES, plain
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

SAMPLES, LETTERS = 40, 1000
"""The most samples shown letter by letter, and the most letters of them."""

LONG = 25
"""Characters of a sample above which each sample has a line of its own."""

SHOWN = 300
"""The most characters of a sample that are shown."""

MAIN = ("curve", "temperature", "lengths", "nearest")
"""Plots that are not folded away."""

WORDS = {
    "n_embd": "embedding channels",
    "n_embd2": "hidden channels",
    "depth": "longest context",
    "n_layer": "layers",
    "n_head": "attention heads",
    "block_size": "longest line",
    "context": "characters of context",
    "order": "order n",
    "smoothing": "smoothing",
    "max_steps": "maximum steps",
    "batch_size": "lines per step",
    "learning_rate": "learning rate",
    "weight_decay": "weight decay",
    "muon": "optimised by Muon",
    "eval_every": "steps between evaluations",
    "patience": "evaluations without improvement before stopping",
    "time": "time limit in seconds",
    "teacher": "share of the target from an n-gram",
    "precision": "precision",
    "seed": "seed",
    "dropout": "dropout",
    "bundled": "bundled with makemore",
    "blank": "blank lines dropped",
    "too_long": "lines dropped for their length",
    "normalized": "normalised (Unicode form C)",
    "rare": "rare characters replaced",
    "skipped": "files not read",
    "stripped": "lines with spaces stripped from their ends",
    "keep_spaces": "spaces at line ends kept",
    "undecodable": "lines dropped for their encoding",
    "column": "column of the table",
    "label": "column of the labels",
    "gaps": "lines that follow a blank one",
    "separator": "between things of several lines",
    "graphemes": "grapheme clusters as characters",
    "source": "file",
    "lines": "lines read",
}
"""What the page calls the knobs of a model, the settings of training and what was read."""


@dataclass(frozen=True)
class Letter:
    """A character of a sample."""

    text: str
    hint: str
    """Its probability, in words."""
    shade: int
    """The shade of its surprise, from 0 (likely) to SHADES - 1."""
    ends_line: bool = False
    """Whether it is a line break inside a thing."""


@dataclass(frozen=True)
class Line:
    """A sample."""

    letters: tuple[Letter, ...]
    end: str
    """A mark that says how it ends."""
    copy: bool
    """Whether it is a training line."""


@dataclass(frozen=True)
class Samples:
    """Samples of one run."""

    lines: tuple[Line, ...]

    @property
    def long(self) -> bool:
        """Whether each sample needs a line of its own."""
        return any(len(line.letters) > LONG or any(e.ends_line for e in line.letters) for line in self.lines)


@dataclass(frozen=True)
class Figure:
    """A plot on the page."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True)
class PageWarning:
    """A warning on the page."""

    message: str
    remedy: str
    red: bool


@dataclass(frozen=True)
class Portrait:
    """One run on the page."""

    name: str
    found: Assessment
    samples: Samples
    warnings: tuple[PageWarning, ...]
    main_plots: tuple[Figure, ...]
    more_plots: tuple[Figure, ...]
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """Titles of groups of settings, each with names and values."""
    labels: Labelled | None = None
    """What is known about the labels of its lines, if they have any."""

    @property
    def verdict(self) -> str:
        """Whether the model copies its training lines, in a sentence."""
        return sentence(self.found.memorising.sentence)

    @property
    def loss(self) -> float:
        """The loss on test lines, in nats per token."""
        return self.found.nll["test"]

    @property
    def perplexity(self) -> float:
        """Among how many characters an equally uncertain choice would be."""
        return self.found.losses["test"].perplexity.value

    @property
    def leads(self) -> list[tuple[str, float]]:
        """The baselines of other types, and how much lower its loss is than each of theirs."""
        of = self.found.baselines
        others = {"ngram": ("a 6-gram", of.ngram), "bigram": ("a bigram", of.bigram)}
        others.pop(self.found.type, None)
        return [(name, losses["test"] - self.loss) for name, losses in others.values()]

    @property
    def unique_of(self) -> int:
        """Of how many samples the share of different ones was measured."""
        return min(quality.UNIQUE_OF, self.found.quality.samples)

    @property
    def healthy(self) -> Healthy:
        """The healthy ranges of its numbers."""
        return Healthy.of(self.found.quality, self.found.calibration)


def portrait(entry: Entry, plots: list[Plot], key: str, flag: Flag = str) -> Portrait:
    """Return what the page says about one run; `key` is a prefix of ids that is unique on the page."""
    return Portrait(
        entry.name,
        entry.found,
        samples(entry.run),
        tuple(warning(each, flag) for each in entry.found.warnings),
        tuple(figure(plot, key) for plot in plots if plot.name in MAIN),
        tuple(figure(plot, key) for plot in plots if plot.name not in MAIN),
        _settings(entry),
        labelled(entry.run, entry.found.classification),
    )


def name_of(entry: Entry) -> str:
    """Return the name of the list that a run was trained on, or the run's own name if that is unknown."""
    reading = entry.run.reading
    source = reading.source.removesuffix(" (bundled)") if reading else ""
    return source.rstrip("/").rpartition("/")[2] or entry.name


def sentence(text: str) -> str:
    """Return a clause as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def figure(plot: Plot, key: str) -> Figure:
    """Return a plot for the page."""
    # matplotlib escapes what it writes, and its ids are ours
    return Figure(plot.title, plot.note, Markup(svg(plot, f"{key}-{plot.name}")))


def warning(warned: Warned, flag: Flag = str) -> PageWarning:
    """Return a warning for the page."""
    return PageWarning(warned.message, warned.advice(flag), warned.severity == RED)


def samples(run: Run, most: int = SAMPLES) -> Samples:
    """Return samples at temperature 1, with the surprise of every letter."""
    some, left = [], LETTERS
    for sample in run.stream(most, SampleOptions(cut=True, seed=1)):
        if left > 0:
            some.append(sample)
            left -= min(len(sample.text), SHOWN)
    texts = [sample.text for sample in some]
    lines = []
    for sample, seen, nlls in zip(some, run.corpus.seen(texts), run.letters_of(some), strict=True):
        text = run.vocab.forms.split(sample.text)
        letters = tuple(_letter(c, nll) for c, nll in zip(text[:SHOWN], nlls, strict=False))
        whole = sample.ended and len(text) <= SHOWN
        lines.append(Line(letters, "⏎" if whole else CUT, seen == "train"))
    return Samples(tuple(lines))


def _letter(c: str, nll: float) -> Letter:
    name = {" ": "space", "\n": "line break"}.get(c) or character(c)
    shade = min(SHADES - 1, int(min(nll, 9) * 1.5))
    text = "↵" if c == "\n" else c
    return Letter(text, f"{name}: {math.exp(-nll):.2%}, {nll:.2f} nats", shade, c == "\n")


def _settings(entry: Entry) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    run, found, summary = entry.run, entry.found, entry.run.summary()
    of_run = {
        "type": found.type,
        "parameters": found.parameters,
        "steps": found.steps,
        "best step": summary.best_step if summary else None,
        "training time": duration(found.seconds),
        "characters": len(run.vocab) - 1,
    }
    blend = run.setup.blend
    groups: dict[str, Mapping[str, object]] = {
        "run": of_run,
        "model": dataclasses.asdict(run.config),
        "training": dataclasses.asdict(run.settings) | {"time": run.settings.time or None},
        "data": dataclasses.asdict(run.reading) if run.reading else {},
    }
    if blend is not None:  # nothing was trained
        shares = {part.name: f"{part.share:.0%}, {part.type}" for part in blend.parts}
        groups |= {
            "run": {name: of_run[name] for name in ("type", "parameters", "characters")},
            "model": {"blended as": f"a {blend.how}"} | shares,
            "training": {},
        }
    return tuple(
        (title, tuple((WORDS.get(name, name.replace("_", " ")), plain(value)) for name, value in of.items()))
        for title, of in groups.items()
        if of
    )
