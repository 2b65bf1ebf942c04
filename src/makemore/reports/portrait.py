"""What the page says of one run: the verdict and samples first, then numbers and pictures, the details folded away."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from makemore.corpus.splits import SPLITS
from makemore.errors import CUT
from makemore.metrics import advice, quality
from makemore.metrics import copying as memorising
from makemore.metrics.advice import Warned
from makemore.metrics.assessment import Assessment
from makemore.metrics.intervals import Interval
from makemore.plots.entry import Plot
from makemore.plots.files import svg
from makemore.plots.style import character
from makemore.reports.markup import around, cut, folded, number, plain, seconds, spelled, table
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

SAMPLES, LETTERS = 40, 1000
"""Samples shown letter by letter, and the letters of them, at most."""

LONG = 25
"""Characters of a sample from which each stands on a line of its own."""

SHADES = 10
"""Shades of surprise."""

MAIN = ("curve", "temperature", "lengths", "nearest")
"""Pictures that are not folded away."""

WORDS = {
    "n_embd": "embedding channels", "n_embd2": "hidden channels", "n_layer": "layers", "n_head": "attention heads",
    "block_size": "longest line", "context": "characters of context", "order": "order n", "smoothing": "smoothing",
    "max_steps": "steps at most", "batch_size": "lines a step", "learning_rate": "learning rate",
    "weight_decay": "weight decay", "muon": "optimised by Muon", "eval_every": "steps between evaluations",
    "patience": "evaluations without a better one before stopping", "time": "seconds to train",
    "teacher": "share of targets from an n-gram", "precision": "precision", "seed": "seed", "dropout": "dropout",
    "bundled": "bundled with makemore", "blank": "blank lines dropped", "too_long": "lines dropped as too long",
    "normalized": "brought to Unicode normal form C", "rare": "rare characters replaced", "skipped": "not read",
    "stripped": "lines without the spaces at their ends", "keep_spaces": "spaces at the ends kept",
    "undecodable": "lines dropped, not in the encoding", "gaps": "lines after a blank one", "source": "file", "lines": "lines read",
}  # fmt: skip
"""What the knobs of a model, the settings of a training and what was read are called on the page."""


_OPTION = re.compile(r"--[a-z][a-z-]*")
"""An option of the command line, which no line is to break."""


def name_of(run: Run, name: str) -> str:
    """Return what a run is of, as a title: the name of its list; its own where that is not known."""
    source = run.reading.source.removesuffix(" (bundled)") if run.reading else ""
    return source.rstrip("/").rpartition("/")[2] or name


def portrait(name: str, run: Run, found: Assessment, plots: list[Plot], key: str) -> str:
    """Return the part of a page on one run, as HTML. key: unique on the page."""
    lines = ", ".join(
        f"{n:,} to {word}"
        for n, word in zip(found.lines.values(), ("train", "validate", "test"), strict=True)
    )
    main = [plot for plot in plots if plot.name in MAIN]
    more = [plot for plot in plots if plot.name not in MAIN]
    return "".join([
        f"<p class=dim>{run.type}, {found.parameters:,} parameters; run {spelled(name)}; {lines}</p>",
        f"<p class=verdict>{verdict(found)}</p>",
        samples(run),
        _tiles(run, found),
        *(warning(each) for each in found.warnings),
        figures(main, key),
        folded("More pictures", figures(more, key)) if more else "",
        folded("Samples and their nearest training lines", _nearest(found)),
        folded("What the samples are like, in numbers", _quality(found)),
        folded("Losses", _losses(found)),
        folded("Settings", _settings(run, found)),
    ])  # fmt: skip


def verdict(found: Assessment) -> str:
    """Return in a sentence whether the model copies its list, as HTML."""
    sentence = found.memorising.sentence
    return f"{escape(sentence[0].upper() + sentence[1:])}."


def _tiles(run: Run, found: Assessment) -> str:
    loss, copies = found.nll["test"], found.quality.train_mass
    unsure = number(math.exp(loss) if loss < 700 else math.inf, ".1f")
    tiles = [
        ("copies", number(copies, ".0%" if copies >= 0.1 else ".1%"), "of samples are training lines"),
        ("new lines", f"{found.quality.novelty:.0%}", "of the different samples"),
        ("test loss", number(loss, ".3f"), f"nats per token; as unsure as among {unsure} characters"),
    ]
    if run.type != "ngram":
        better = found.baselines.ngram["test"] - loss
        says = "nats per token less; below 0 counting wins"
        tiles.append(("better than a 6-gram", number(better, "+.3f"), says))
    if run.type != "bigram":
        better = found.baselines.bigram["test"] - loss
        tiles.append(("better than a bigram", number(better, "+.3f"), "nats per token less"))
    each = "".join(f"<div><b>{b}</b><span>{a}</span><small>{c}</small></div>" for a, b, c in tiles)
    return f"<div class=tiles>{each}</div>"


def warning(warned: Warned) -> str:
    """Return a warning and what to do as HTML."""
    red = " red" if warned.severity == advice.RED else ""
    what, todo = (
        _OPTION.sub(r"<code>\g<0></code>", spelled(text)) for text in (warned.message, warned.remedy)
    )
    return f"<p class='warning{red}'>{what}.<br><small>What to do: {todo}.</small></p>"


def samples(run: Run, most: int = SAMPLES, explained: bool = True) -> str:
    """Return samples as HTML, every letter in the shade of its surprise. explained: with how to read them."""
    some, left = [], LETTERS
    for sample in run.stream(most, SampleOptions(seed=1)):
        if left > 0:
            some.append(sample)
            left -= min(len(sample.text), 300)
    seen = run.corpus.seen([sample.text for sample in some])
    spans = []
    for sample, kind, unended, nlls in zip(
        some, seen, run.cut(some), run.letters([sample.text for sample in some]), strict=True
    ):
        end = CUT if unended or len(sample.text) > 300 else "⏎"
        letters = [
            f"<i class=s{min(SHADES - 1, int(min(nll, 9) * 1.5))} title='{spelled(_spoken(c))}: {math.exp(-nll):.2%}, {nll:.2f} nats'>"
            f"{spelled(c)}</i>"
            for c, nll in zip(sample.text[:300], nlls, strict=False)
        ]
        copy = " class=seen" if kind == "train" else ""
        spans.append(f"<span{copy}>{''.join(letters)}<i class=dim>{end}</i></span>")
    long = any(len(sample.text) > LONG for sample in some)
    text = f"<p class='samples{' long' * long}'>{' '.join(spans)}</p>"
    if not explained:
        return text
    scale = "".join(f"<i class=s{i}>&nbsp;&nbsp;</i>" for i in range(SHADES))
    return text + (
        f"<p class=dim>Samples as the model draws them (temperature 1); <span class=seen>underlined</span>: a training "
        f"line. The redder, the less likely the model found the letter: likely {scale} 1 in 400 and rarer; point at it "
        f"for its probability. ⏎ is the end; {CUT} was cut.</p>"
    )


def _spoken(c: str) -> str:
    return "space" if c == " " else character(c)


def _losses(found: Assessment) -> str:
    losses = [found.losses[split] for split in SPLITS]
    units = [
        ("nats per token", [each.nll for each in losses], ".4f"),
        ("bits per token", [each.bits_per_character for each in losses], ".4f"),
        ("perplexity", [each.perplexity for each in losses], ".3f"),
        ("bits per line", [each.bits_per_line for each in losses], ".2f"),
    ]
    rows = [[name, *(around(x.value, x.interval, form) for x in each)] for name, each, form in units]
    of = found.baselines
    guessing = dict.fromkeys(SPLITS, of.uniform)
    for name, values in (("bigram", of.bigram), ("6-gram", of.ngram), ("guessing", guessing)):
        label = f"<span class=dim>{name}, nats per token</span>"
        rows.append([label, *(number(values.get(split), ".4f") for split in SPLITS)])
    note = "A token is a character or the end of a line. Intervals are 95 %, from drawing the lines anew."
    if found.scored_lines != found.lines:
        some = ", ".join(f"{found.scored_lines[split]:,} ({split})" for split in SPLITS)
        note += f" The losses are of lines that were drawn: {some}."
    return table(["", *SPLITS], rows, "losses") + f"<p class=dim>{note}</p>"


def _quality(found: Assessment) -> str:
    """Each number, where it is healthy, and what it says."""
    of, copying, calibration = found.quality, found.copying, found.calibration
    few_copies, chance = of.train_mass <= memorising.COPIED, calibration.by_chance
    rows = [
        _judged("copy ratio R", copying.ratio, ".2f", None if few_copies else (None, memorising.COPIES), "how many times as likely training lines are as held-out ones: 1 is no memorising; of long lines it is large though hardly a sample is a copy", copying.interval),
        _judged("copies", of.train_mass, ".2%", None, "the probability that a sample is a training line"),
        _judged("held out", of.held_out_mass, ".2%", None, "the probability that it is a held-out line, which the model invents; more is better"),
        _judged("held-out lines hit", of.held_out_hits, ".2%", None, f"of the held-out lines, found among {of.samples:,} samples; more is better"),
        _judged("novel", of.novelty, ".1%", None, "different samples that are no training lines; not the more the better, since noise is new as well"),
        _judged("unique", of.uniqueness, ".1%", (advice.COLLAPSE * of.uniqueness_of_train, None), f"different samples among {min(quality.UNIQUE_OF, of.samples):,}; of as many training lines {of.uniqueness_of_train:.1%} are"),
        _judged("ended", of.validity, ".1%", (advice.VALID, None), "samples that the model ended itself, before the longest line's length"),
        _judged("C<sub>T</sub>", of.c_t, "+.1f", None, "whether samples are nearer to training lines (below 0) or further (above 0) than held-out lines, which are never copies: the z-score C<sub>T</sub>"),
        _judged("calibration error", calibration.error, ".3f", (None, advice.CALIBRATION + chance), f"how far probabilities are from how often they come true, 2 at worst; by chance alone {chance:.3f}"),
        _judged("Vendi ratio", of.vendi.ratio, ".2f", advice.VARIETY, "Vendi score of the samples over that of held-out lines; below 1 they are more alike"),
    ]  # fmt: skip
    for name, feature in _FEATURES.items():
        far = of.distances[feature]
        says = f"Jensen-Shannon divergence from the training lines, {far.samples:.4f} bits, over that of held-out lines, {far.held_out:.4f}"
        rows.append(_judged(f"distance in {name}", far.ratio, ".2f", (None, advice.DISTANCE), says))
    return table(["", "value", "healthy", "what it says"], rows, "wide")


_FEATURES = {
    "length": "length", "first letters": "first", "last letters": "last", "letters": "1-gram", "pairs": "2-gram", "triples": "3-gram",
}  # fmt: skip


def _judged(
    name: str, x: float, form: str, healthy: tuple[float | None, float | None] | None, says: str,
    interval: Interval | None = None,
) -> list[str]:  # fmt: skip
    """A row: the number, in amber where it is not healthy, the healthy range, and what it says."""
    low, high = healthy or (None, None)
    ill = (low is not None and x < low) or (high is not None and x > high)
    ends = [number(end, ".0%" if "%" in form else ".2g") for end in (low, high)]
    span = " to ".join(ends) if healthy else ""
    if healthy and None in healthy:
        span = f"up to {ends[1]}" if low is None else f"from {ends[0]}"
    value = around(x, interval, form)
    return [name, f"<b class=amber>{value}</b>" if ill else value, span, says]


def _nearest(found: Assessment) -> str:
    rows = [
        [
            cut(each.text + CUT * each.cut),
            number(each.nll, ".1f"),
            each.seen,
            cut(each.nearest),
            str(each.distance),
        ]
        for each in found.quality.nearest
    ]
    return table(["sample", "nats", "in the list", "nearest training line", "edits"], rows)


def _settings(run: Run, found: Assessment) -> str:
    summary = run.summary()
    groups: list[tuple[str, dict[str, Any]]] = [
        ("run", {"type": run.type, "parameters": found.parameters, "steps": found.steps,
                 "best step": summary.best_step if summary else None, "trained for": seconds(found.seconds),
                 "characters": len(run.vocab) - 1}),
        ("model", dataclasses.asdict(run.config)),
        ("training", dataclasses.asdict(run.settings)),
        ("list", dataclasses.asdict(run.reading) if run.reading else {}),
    ]  # fmt: skip
    tables = (
        table(
            [title, ""],
            [[escape(WORDS.get(k, k.replace("_", " "))), spelled(plain(v))] for k, v in values.items()],
        )
        for title, values in groups
        if values
    )
    return f"<div class=groups>{''.join(tables)}</div>"


def figures(plots: Iterable[Plot], key: str) -> str:
    """Return pictures, each with its title and how to read it, as HTML. key: unique on the page."""
    drawn = (
        f"<figure><figcaption><b>{escape(plot.title)}</b> {escape(plot.note)}</figcaption>"
        f"{svg(plot, f'{key}-{plot.name}')}</figure>"
        for plot in plots
    )
    return f"<div class=plots>{''.join(drawn)}</div>"
