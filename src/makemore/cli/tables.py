"""The tables that the measuring commands print: eval, compare, inspect."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from makemore.cli.layout import command, notes, say, table
from makemore.cli.options import flag_of
from makemore.cli.tables_of_labels import show_classification, show_losses_by_label
from makemore.cli.terminal import clipped, width_of
from makemore.corpus.labels import said_of
from makemore.corpus.splits import SPLITS
from makemore.errors import CUT, duration, visible
from makemore.inference.ladder import TYPES
from makemore.metrics.advice import RED, Warned, readable
from makemore.metrics.healthy import Healthy
from makemore.metrics.intervals import FEWEST, TOO_FEW, exists
from makemore.metrics.looks import REPAIRED
from makemore.metrics.quality import UNIQUE_OF
from makemore.metrics.verdict import MUCH
from makemore.runs.settings import DEFAULT_TYPE

if TYPE_CHECKING:  # these take long to load
    from makemore.metrics.assessment import Assessment, Estimate
    from makemore.metrics.intervals import Interval
    from makemore.reports.compared import Comparison
    from makemore.reports.inspected import Inspection


def number(x: float | None, digits: int = 4) -> str:
    """Return a number with some decimals; "-" if there is none, or it is infinite."""
    return "-" if x is None or not math.isfinite(x) else f"{x:.{digits}f}"


def _share(x: float) -> str:
    return f"{x:.1%}"


# eval


def show_assessment(console: Console, found: Assessment) -> None:
    """Print what `assess` returned."""
    say(console, f"{found.type}, {found.parameters:,} parameters")
    _losses(console, found)
    say(console)
    if found.classification is not None:
        show_classification(console, found.classification)
        say(console)
    _judged(console, found)
    say(console, found.memorising.sentence)
    distances = ", ".join(f"{name} {number(d.ratio, 1)}" for name, d in found.quality.distances.items())
    say(console, f"distance from training lines, relative to held-out lines (about 1 is fine): {distances}")
    say(console)
    _neighbours(console, found)
    show_warnings(console, found.warnings)


def _losses(console: Console, found: Assessment) -> None:
    """Print the losses on each split, and those of the baselines."""
    rows = [["lines", *(f"{found.lines[split]:,}" for split in SPLITS)]]
    losses = [found.losses[split] for split in SPLITS]
    units = [
        ("nats per token", 4, [each.nll for each in losses]),
        ("bits per token", 3, [each.bits_per_character for each in losses]),
        ("bits per line", 2, [each.bits_per_line for each in losses]),
        ("perplexity", 2, [each.perplexity for each in losses]),
    ]
    for name, digits, of_splits in units:
        rows.append([name, *(number(each.value, digits) for each in of_splits)])
        rows.append(["  95% interval", *(_around(each, digits) for each in of_splits)])
    baselines = found.baselines
    for label, levels in (("nats per token of a bigram", baselines.bigram), ("of a 6-gram", baselines.ngram)):
        rows.append([label, "", *(number(levels[split]) for split in ("validation", "test"))])
    table(console, ["", *SPLITS], rows)
    if found.classification is not None:
        say(console, "all losses are of lines given their labels", "dim")
    if any(found.scored_lines[split] < found.lines[split] for split in SPLITS):
        some = ", ".join(f"{found.scored_lines[split]:,}" for split in SPLITS)
        say(console, f"losses come from a random subsample of the lines: {some}", "dim")


def _judged(console: Console, found: Assessment) -> None:
    """Print what samples are like: the name of each number, the number, and what it means."""
    copying, of, calibration = found.copying, found.quality, found.calibration
    ratio = (
        "how many times as likely training lines are as held-out ones; 1 to 2 is fine, more if lines are long"
    )
    if exists(copying.interval):
        ratio += f" ({_between(copying.interval, 2)})"
    else:
        ratio += f" ({TOO_FEW if copying.lines < FEWEST else 'too uncertain to say'})"
    many, train = min(UNIQUE_OF, of.samples), _share(of.uniqueness_of_train)
    healthy = Healthy.of(of, calibration)
    least, (low, high) = _share(healthy.uniqueness[0]), healthy.variety
    unique = f"of {many:,} samples are different; {least} or more is fine, since of as many training lines {train} are"
    chance, most = number(calibration.by_chance, 3), number(healthy.calibration[1], 2)
    calibrated = f"how far probabilities are from how often they come true; up to {most} is fine, and {chance} is chance"
    rows = [
        (
            "copies",
            number(100 * of.train_mass, 1) + "%",
            "of samples are training lines; R and the verdict below say whether that is fine",
        ),
        ("copy ratio R", number(copying.ratio, 2), ratio),
        (
            "C_T",
            number(of.c_t, 1),
            "whether samples are nearer to training lines (below 0) or further away (above 0) than held-out "
            "lines are; below 0 is no fault unless R is high too",
        ),
        (
            "novel",
            _share(of.novelty),
            f"of the different lines among {of.samples:,} samples are not training lines; more is not better",
        ),
        (
            "held-out hits",
            _share(of.held_out_hits),
            "of the held-out lines are among the samples; grows with their number",
        ),
        ("unique", _share(of.uniqueness), unique),
        (
            "ended",
            _share(of.validity),
            f"of the samples ended by themselves; {healthy.validity[0]:.0%} or more is fine",
        ),
        (
            "Vendi ratio",
            number(of.vendi.ratio, 2),
            f"how varied samples are, relative to held-out lines; {low:g} to {high:g} is fine",
        ),
        ("calibration error", number(calibration.error, 3), calibrated),
    ]
    notes(console, rows)


def _around(estimate: Estimate, digits: int) -> str:
    """Return the interval of a loss."""
    return _between(estimate.interval, digits) if math.isfinite(estimate.value) else "-"


def _between(interval: Interval, digits: int) -> str:
    low, high = interval
    return f"{number(low, digits)} to {number(high, digits)}" if exists(interval) else "too few lines"


def _neighbours(console: Console, found: Assessment) -> None:
    """Print some samples, each with the nearest training line."""
    say(console, f"some of the {found.quality.samples:,} samples, each with the nearest training line:")
    pairs = []
    for each in found.quality.nearest[:10]:
        edits = f"{each.distance} edit" + "s" * (each.distance != 1)
        near = "is a training line" if not each.distance else f"{edits} from {_short(each.nearest)}"
        pairs.append((_short(each.text + CUT * each.cut), near))
    width = max((width_of(text) for text, _ in pairs), default=0)
    beside = width + max((width_of(near) for _, near in pairs), default=0) + 4 <= console.width
    for text, near in pairs:
        if beside or not console.is_terminal:
            say(console, f"  {text}{' ' * (width - width_of(text))}  {near}")
        else:
            say(console, f"  {text}", hang="  ")
            say(console, f"      {near}", "dim", hang="      ")


def _short(text: str, width: int = 40) -> str:
    return clipped(visible(text), width)


def show_warnings(console: Console, warnings: Sequence[Warned]) -> None:
    """Print warnings, each with what to do."""
    say(console)
    if not warnings:
        say(console, "no warnings", "green")
    for each in warnings:
        say(console, each.message, "bold red" if each.severity == RED else "bold yellow")
        say(console, f"  what to do: {each.advice(flag_of)}", hang="  ")


# compare


def show_comparison(console: Console, result: Comparison) -> None:
    """Print what `compare` returned."""
    entries = result.entries
    rows = []
    for each in entries:
        low, high = each.interval
        copies = "-" if each.train_mass is None else _share(each.train_mass)
        rows.append(
            [
                each.name,
                number(each.nll["test"]),
                number((high - low) / 2, 3),
                f"{each.parameters:,}",
                duration(each.seconds),
                f"{each.samples_per_second:,.0f}",
                copies,
                number(each.copy_ratio, 2),
                _share(each.uniqueness),
            ]
        )
    head = ["", "test", "±", "parameters", "time", "samples/s", "copies", "copy ratio R", "unique"]
    table(console, head, rows)
    for each in entries:
        if each.memorising is not None and each.memorising.level == MUCH:
            say(console, f"{each.name}: {each.memorising.sentence}", "yellow")
    say(console)
    _ties(console, result)
    places = {each.name: place for place, each in enumerate(entries)}
    rows = [
        [
            f"{pair.a} before {pair.b}",
            number(pair.difference),
            _between(pair.interval, 4),
            "tie" if pair.tie else "real",
        ]
        for pair in result.pairs
        if places[pair.b] == places[pair.a] + 1
    ]
    if rows:
        say(console)
        table(console, ["to the next", "nats per token", "95% interval", "verdict"], rows)
    show_losses_by_label(console, result)
    given = ", of lines given their labels" * bool(entries[0].nll_by_label)
    learned = any(not TYPES[each.type].counting for each in entries)
    allow = f", and allow for seeds, which alone move a loss by {result.seed_spread:.4f}" * learned
    n, too_few = result.scored_lines, not any(exists(each.interval) for each in entries)
    legend = [
        f"Test: nats per token{given}" + (f"; {TOO_FEW}." if too_few else ", with half the 95% interval."),
        "Copies: samples that are training lines.",
        "Copy ratio R: how many times as likely training lines are as held-out ones.",
        f"Unique: different samples among {UNIQUE_OF:,}.",
        f"Differences are measured on the same test lines{allow}; one in twenty differences called real is due to chance.",
    ]
    if n < result.lines["test"]:
        legend.append(f"The losses come from {n:,} of the test lines, chosen at random.")
    say(console, " ".join(legend), "dim")


def _ties(console: Console, result: Comparison) -> None:
    """Say which model is best, and which differences are ties."""
    ties = [(pair.a, pair.b) for pair in result.pairs if pair.tie]
    best = result.entries[0].name
    level = [b for a, b in ties if a == best]
    if len(result.entries) == 1:
        say(console, f"{best} is the only one, so there is nothing to compare it with")
    elif level:
        say(console, f"best: {best}; tied with it: {', '.join(level)}")
    else:
        say(console, f"best: {best}; its lead over every other is real")
    others = [f"{a} and {b}" for a, b in ties if a != best]
    if others:
        say(console, f"further ties: {'; '.join(others)}")


# inspect


def show_inspection(console: Console, found: Inspection, files: Sequence[str], given: str = "") -> None:
    """Print what `inspect` returned, and the command that it suggests for these files and options."""
    counts = ((found.blank, "blank"), (found.too_long, "too long"), (found.undecodable, "undecodable"))
    dropped = [f"{n:,} {name}" for n, name in counts if n]
    thing = "thing" if "--separator" in given else "line"
    said = f"{found.source}: {found.lines:,} {thing}s" + f", {' and '.join(dropped)}" * bool(dropped)
    say(console, said)
    notes(console, _facts(found, thing))
    if found.looked_at < found.kept:
        say(console, f"near-duplicates are estimated from {found.looked_at:,} of the lines", "dim")
    show_warnings(console, found.warnings)
    say(console)
    advised = found.recommendation
    for reason in advised.spelled(flag_of):
        say(console, reason)
    repaired = any(each.remedy.endswith(f"> {REPAIRED}") for each in found.warnings)
    line, more = f"makemore -i {REPAIRED if repaired else shlex.join(files)}", f" {given}" * bool(given)
    if found.format.column is not None and not {"--column", "--as-lines"} & set(given.split()):
        more += f" --column {shlex.quote(found.format.column)}"
    if advised.max_length and not repaired and "--max-length" not in given:
        more += f" --max-length {advised.max_length}"
    lead, at_most = (
        f"try{', once that is done' * repaired}",
        f"(at most about {_roughly(advised.seconds)} here)",
    )
    order = [(f"{lead} {at_most}:", DEFAULT_TYPE), ("and count, in seconds:", "ngram")]
    if advised.type == "ngram":
        order = [(f"{lead} counting, in seconds:", "ngram"), (f"and the default {at_most}:", DEFAULT_TYPE)]
    for said, type in order:
        command(console, said, f"{line} --type {type}{more} -o out-{type}", "bold")


def _roughly(seconds: float) -> str:
    """Return a measured time in words, rounded up: two measurements differ."""
    return f"{math.ceil(seconds / 5) * 5} s" if seconds <= 60 else f"{math.ceil(seconds / 60):,} min"


def _facts(found: Inspection, thing: str) -> list[tuple[str, str, str]]:
    """Return what is in a list: the name of each number, the number, and what it means."""
    lengths, splits, odd = found.lengths, found.splits, found.suspicious
    often = ", ".join(f"{_short(each.line, 20)} {each.count}" for each in found.most_frequent)
    duplicates = f"{found.duplicates:,} duplicates" + f": {often}" * bool(often)
    characters = " ".join(readable(each.character) for each in found.alphabet[:40])
    rare = " ".join(readable(each.character) for each in found.rare[:20])
    rows = [
        (f"different {thing}s", f"{found.unique:,}", duplicates),
        (
            "length",
            f"{lengths.median:g}",
            f"characters is the median; from {lengths.minimum} to {lengths.maximum:,}, "
            f"mean {lengths.mean:.1f}, 95% have at most {lengths.percentile_95:,.0f}",
        ),
        ("characters", f"{len(found.alphabet):,}", characters + " ..." * (len(found.alphabet) > 40)),
        ("rare ones", f"{len(found.rare):,}", "seen fewer than five times" + f": {rare}" * bool(rare)),
        (
            "odd ones",
            f"{len(odd):,}",
            ", ".join(f"{each.code_point} {each.name.lower()} ({thing} {each.line:,})" for each in odd[:5]),
        ),
        (
            "near-duplicates",
            _share(found.near_duplicates.share),
            f"of the {thing}s differ from another only in case or white space",
        ),
        *([("labels", f"{len(found.labels):,}", said_of(found.labels))] if found.labels else []),
        (
            "held out",
            f"{splits['test'].lines:,}",
            f"{thing}s to test, {splits['validation'].lines:,} to validate, {splits['train'].lines:,} to train",
        ),
    ]
    if (half := found.expected.half_width) is not None:
        says = f"nats per token: how exact a loss on the test {thing}s is (counting has a loss of"
        rows.append(("precision", f"± {half:.3f}", f"{says} {found.expected.test:.3f})"))
    return rows
