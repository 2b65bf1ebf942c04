"""What the measuring commands print: eval, compare, inspect, explain."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from makemore.cli.layout import command, notes, say, table
from makemore.cli.terminal import clipped, duration, width_of, wrapped
from makemore.corpus.splits import SPLITS
from makemore.errors import CUT, visible
from makemore.metrics.advice import RED, shown
from makemore.metrics.copying import MUCH
from makemore.metrics.looks import before_training
from makemore.metrics.quality import UNIQUE_OF
from makemore.runs.scoring import Explained
from makemore.training.events import Evaluation, Event, Overfitting, Started, Step

BESIDE = 34
"""Columns that a run needs to stand beside another in `explain`."""

END = "⏎"
"""Stands for the end of a line."""

_SURPRISES = ((0.7, "green"), (1.7, ""), (3.1, "yellow"), (math.inf, "red"))
"""Colours of a character by its surprise in nats: up to so many, which are probabilities down to 50, 18 and 5 %."""


def _number(x: float | None, digits: int = 4) -> str:
    return "-" if x is None or not math.isfinite(x) else f"{x:.{digits}f}"


def _share(x: float) -> str:
    return f"{x:.1%}"


# eval


def show_assessment(console: Console, numbers: Mapping[str, Any]) -> None:
    """Print what `assessment.assess` found."""
    say(console, f"{numbers['type']}, {numbers['parameters']:,} parameters")
    rows = [["lines", *(f"{numbers['lines'][split]:,}" for split in SPLITS)]]
    units = {"nll": "nats per token", "bits_per_character": "bits per character",
             "bits_per_line": "bits per line", "perplexity": "perplexity"}  # fmt: skip
    for key, name in units.items():
        digits = 4 if key == "nll" else 3 if key == "bits_per_character" else 2
        rows.append([name, *(_number(numbers[key][split], digits) for split in SPLITS)])
        around = [numbers[key + "_interval"][split] for split in SPLITS]
        rows.append(
            ["  95 % interval", *(f"{_number(a, digits)} to {_number(b, digits)}" for a, b in around)]
        )
    for name in ("bigram", "ngram"):
        losses = numbers["baselines"][name]
        label = "a bigram's nats per token" if name == "bigram" else "a 6-gram's"
        rows.append([label, "", *(_number(losses[split]) for split in ("validation", "test"))])
    table(console, ["", *SPLITS], rows)
    if any(numbers["scored_lines"][split] < numbers["lines"][split] for split in SPLITS):
        some = ", ".join(f"{numbers['scored_lines'][split]:,}" for split in SPLITS)
        say(console, f"losses are of lines that were drawn: {some}", "dim")
    say(console)

    low, high = numbers["copy_ratio_interval"]
    judged = [
        ("copies", _number(100 * numbers["train_mass"], 1) + "%" if numbers["train_mass"] is not None else "-",
         "of samples are training lines"),
        ("copy ratio R", _number(numbers["copy_ratio"], 2),
         f"how many times as likely training lines are as held-out ones; 1 is no memorising, and long lines make it large ({_number(low, 2)} to {_number(high, 2)})"),
        ("C_T", _number(numbers["c_t"], 1), "far below 0: samples lie nearer to training lines than held-out lines do"),
        ("novel", _share(numbers["novelty"]), f"of the different ones among {numbers['samples']:,} samples are not training lines"),
        ("held-out hits", _share(numbers["held_out_hits"]), "of the held-out lines came up among the samples"),
        ("unique", _share(numbers["uniqueness"]),
         f"of {min(UNIQUE_OF, numbers['samples']):,} samples are different; of as many training lines {_share(numbers['uniqueness_of_train'])}"),
        ("ended", _share(numbers["validity"]), "of the samples ended by themselves"),
        ("Vendi ratio", _number(numbers["vendi_ratio"], 2), "how varied samples are, over how varied held-out lines are"),
        ("calibration error", _number(numbers["calibration_error"], 3), f"how far probabilities are from how often they come true; by chance alone {_number(numbers['calibration_error_by_chance'], 3)}"),
    ]  # fmt: skip
    notes(console, judged)
    say(console, numbers["memorising"]["sentence"])
    distances = ", ".join(f"{name} {_number(d['ratio'], 1)}" for name, d in numbers["distances"].items())
    say(console, f"distance from training lines, over that of held-out lines: {distances}")
    say(console)
    say(console, f"some of the {numbers['samples']:,} samples, and the training line nearest to each:")
    pairs = []
    for each in numbers["nearest"][:10]:
        edits = f"{each['distance']} edit" + "s" * (each["distance"] != 1)
        near = "a training line itself" if not each["distance"] else f"{edits} from {_short(each['nearest'])}"
        pairs.append((_short(each["text"] + CUT * each["cut"]), near))
    width = max((width_of(text) for text, _ in pairs), default=0)
    beside = width + max((width_of(near) for _, near in pairs), default=0) + 4 <= console.width
    for text, near in pairs:
        if beside or not console.is_terminal:
            say(console, f"  {text}{' ' * (width - width_of(text))}  {near}")
        else:
            say(console, f"  {text}", hang="  ")
            say(console, f"      {near}", "dim", hang="      ")
    show_warnings(console, numbers["warnings"])


def _short(text: str, width: int = 40) -> str:
    return clipped(visible(text), width)


def show_warnings(console: Console, warnings: Sequence[Mapping[str, str]]) -> None:
    """Print warnings, each with what to do."""
    say(console)
    if not warnings:
        say(console, "no warnings", "green")
    for each in warnings:
        say(console, each["message"], "bold red" if each["severity"] == RED else "bold yellow")
        say(console, f"  what to do: {each['advice']}", hang="  ")


# compare


class Leaderboard:
    """Shows a comparison while it is made: what is done, best first, and what is being trained. A context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done: list[dict[str, Any]] = []
        self._now = ""
        self._losses = ""
        self._told = False
        self._live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Leaderboard:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def estimate(self, runs: int, seconds: float) -> None:
        """Say about how long the comparison takes, and how to have less of it."""
        if runs:
            say(
                self._console,
                f"{runs} run{'s' * (runs != 1)} to train, at most about {duration(seconds)}; --types takes fewer, "
                "--time makes each shorter; Ctrl-C stops, and the same command goes on from there",
            )

    def event(self, name: str, event: Event) -> None:
        """Take note of an event of the training of a run."""
        match event:
            case Started():
                self._losses = ""
                if not self._told:  # all are trained on the same list
                    self._told = True
                    for warned in before_training(event.run.corpus):
                        say(self._console, f"{warned.message}; {warned.advice}", "yellow")
                if not self._console.is_terminal:
                    say(self._console, f"training {name}")
            case Step():
                done = "" if event.done is None else f"{event.done:4.0%}  "
                self._now = f"{name}  {done}step {event.step:,}  {self._losses}"
            case Evaluation():
                self._losses = f"train {event.train:.3f}  validation {event.validation:.3f}"
            case Overfitting():
                self._losses += "  overfitting"
            case _:
                return
        self._show()

    def done(self, numbers: dict[str, Any]) -> None:
        """Take note of a run that is done."""
        self._done.append(numbers)
        self._done.sort(key=lambda each: math.inf if (loss := each["nll"]["test"]) is None else float(loss))
        if not self._console.is_terminal:
            loss, time = _number(numbers["nll"]["test"]), duration(numbers["seconds"])
            say(self._console, f"  {numbers['name']}: test {loss} after {time}")
        self._now = ""
        self._show()

    def failed(self, name: str, message: str) -> None:
        """Say that a run could not be trained."""
        say(self._console, f"{name} is left out: {message}", "yellow")

    def _show(self) -> None:
        columns = [
            ("", [each["name"] for each in self._done]),
            ("test", [_number(each["nll"]["test"]) for each in self._done]),
            ("validation", [_number(each["nll"]["validation"]) for each in self._done]),
            ("time", [duration(each["seconds"]) for each in self._done]),
            ("parameters", [f"{each['parameters']:,}" for each in self._done]),
        ]
        grid, left = Table.grid(padding=(0, 2, 0, 0), pad_edge=False), self._console.width
        shown: list[list[Text]] = []
        for name, cells in columns:  # those that fit, the most important first
            width = max(map(len, [name, *cells]))
            if shown and width > left:
                break
            grid.add_column(justify="right" if shown else "left", no_wrap=True)
            shown.append([Text(name, "bold"), *map(Text, cells)])
            left -= width + 2
        for row in zip(*shown, strict=True):
            grid.add_row(*row)
        now = Text("\n".join(wrapped(self._now, self._console.width, "  ")))
        self._live.update(Group(grid, now) if self._done else now)


def show_comparison(console: Console, result: Mapping[str, Any]) -> None:
    """Print what `comparison.compare` found."""
    entries, pairs = result["entries"], result["pairs"]
    rows = []
    for each in entries:
        low, high = each["interval"]
        half = None if None in (low, high) else (high - low) / 2
        rows.append([
            each["name"], _number(each["nll"]["test"]), _number(half, 3),
            f"{each['parameters']:,}", duration(each["seconds"]), f"{each['samples_per_second']:,.0f}",
            "-" if (copies := each.get("train_mass")) is None else _share(copies), _number(each["copy_ratio"], 2),
            _share(each["uniqueness"]),
        ])  # fmt: skip
    table(
        console,
        ["", "test", "±", "parameters", "time", "samples/s", "copies", "copy ratio R", "unique"],
        rows,
    )
    for each in entries:
        if (verdict := each.get("memorising")) and verdict["level"] == MUCH:
            say(console, f"{each['name']}: {verdict['sentence']}", "yellow")
    say(console)
    ties = [(p["a"], p["b"]) for p in pairs if p["tie"]]
    best = entries[0]["name"]
    level = [name for a, name in ties if a == best]
    if len(entries) == 1:
        say(console, f"{best} is the only one, so there is nothing to compare it with")
    elif level:
        say(console, f"best: {best}; level with it, a tie: {', '.join(level)}")
    else:
        say(console, f"best: {best}; its lead over every other is real")
    others = [f"{a} and {b}" for a, b in ties if a != best]
    if others:
        say(console, f"further ties: {'; '.join(others)}")
    names = [each["name"] for each in entries]
    rows = []
    for pair in pairs:
        if names.index(pair["b"]) == names.index(pair["a"]) + 1:
            low, high = pair["interval"]
            rows.append([f"{pair['a']} before {pair['b']}", _number(pair["difference"]),
                         f"{_number(low)} to {_number(high)}", "tie" if pair["tie"] else "real"])  # fmt: skip
    if rows:
        say(console)
        table(console, ["to the next", "nats per token", "95 % interval", "verdict"], rows)
    n = result.get("scored_lines", result["lines"]["test"])
    drawn = f" The test lines are {n:,} that were drawn." * (n < result["lines"]["test"])
    say(
        console,
        "test: nats per token, with half its 95 % interval. Copies: samples that are training lines. Copy ratio R: how many times as likely training lines are as held-out ones. "
        f"Unique: different samples among {UNIQUE_OF:,}. "
        "Differences: over the same test lines, paired, and over seeds, which alone move a loss by "
        f"{result['seed_spread']:.4f}; of twenty differences called real one is chance." + drawn,
        "dim",
    )


# explain


def show_explained(console: Console, explained: Mapping[str, Sequence[Explained]]) -> None:
    """Print what each run expected of a line, character by character, the runs side by side where there is room."""
    for name, each in explained.items():
        whole = Text(f"{visible(name)}: " if len(explained) > 1 else "")
        for e in each:
            letter = e.character if e.character == " " else _letter(e.character)
            whole.append(letter, style=_colour(e.nll))
        nats = sum(e.nll for e in each)
        sums = f"{nats:.2f} nats, {nats / len(each):.2f} a character"
        apart = width_of(whole.plain) + 3 + len(sums) > console.width
        whole.append(f"\n  {sums}" if apart else f"   {sums}", style="dim")
        console.print(whole, highlight=False, soft_wrap=True)
    width = (console.width - 3) // len(explained) - 2 if console.is_terminal else 60
    if width >= BESIDE or len(explained) == 1:
        _expected(console, explained, width)
        return
    for name, each in explained.items():
        say(console)
        _expected(console, {name: each}, console.width - 5)


def _expected(console: Console, explained: Mapping[str, Sequence[Explained]], width: int) -> None:
    """Print a table of what some runs expected. width: the cells that each of them has."""
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True, min_width=2)
    for _ in explained:
        grid.add_column(no_wrap=True, min_width=min(width, BESIDE))
    head = [Text("nats  ").append(clipped(f"{visible(n)} expected", width - 6)) for n in explained]
    grid.add_row("", *(Text.styled(text.plain, "bold") for text in head))
    for at_once in zip(*explained.values(), strict=True):
        letter = Text(_letter(at_once[0].character), style=_colour(max(e.nll for e in at_once)))
        grid.add_row(letter, *(_choices(e, width) for e in at_once))
    console.print(grid, crop=False)


def _choices(e: Explained, width: int) -> Text:
    """The surprise at a place, and the likeliest characters there, in lines of at most so many cells."""
    parts = [(f"{_letter(c)} {p:.0%}", "bold" if c == e.character else "dim") for c, p in e.choices]
    if e.character not in [c for c, _ in e.choices]:
        parts.append((f"… {_letter(e.character)} {e.probability:.2%}", "bold"))
    text = Text(f"{e.nll:4.1f}", style=_colour(e.nll))
    found, used = Text.assemble(text), width_of(text.plain)
    for part, style in parts:
        if used + 2 + width_of(part) > width and used > 4:
            found.append("\n    ")
            used = 4
        found.append("  ").append(part, style=style)
        used += 2 + width_of(part)
    return found


def _letter(character: str) -> str:
    return END if character == "\n" else "␣" if character == " " else shown(character)


def _colour(nll: float) -> str:
    return next(colour for most, colour in _SURPRISES if nll <= most)


# inspect


def show_inspection(console: Console, found: Mapping[str, Any], given: str = "") -> None:
    """Print what `inspection.inspect` found. given: the options it was read with, for the command that is advised."""
    dropped = [
        f"{found[key]:,} {name}"
        for key, name in (("blank", "blank"), ("too_long", "too long"), ("undecodable", "undecodable"))
        if found[key]
    ]
    say(
        console, f"{found['source']}: {found['lines']:,} lines" + f", {' and '.join(dropped)}" * bool(dropped)
    )
    lengths = found["lengths"]
    often = ", ".join(f"{_short(each['line'], 20)} {each['count']}" for each in found["most_frequent"])
    rare, odd = found["rare"], found["suspicious"]
    characters = " ".join(shown(each["character"]) for each in found["alphabet"][:40])
    rows = [
        ("different lines", f"{found['unique']:,}", f"{found['duplicates']:,} further copies" + f": {often}" * bool(often)),
        ("length", f"{lengths['median']:g}",
         f"characters in the middle; from {lengths['minimum']} to {lengths['maximum']:,}, mean {lengths['mean']:.1f}, "
         f"95 % have at most {lengths['percentile_95']:,.0f}"),
        ("characters", f"{len(found['alphabet']):,}", characters + " ..." * (len(found["alphabet"]) > 40)),
        ("rare ones", f"{len(rare):,}", "seen fewer than five times" + f": {' '.join(shown(each['character']) for each in rare[:20])}" * bool(rare)),
        ("odd ones", f"{len(odd):,}",
         ", ".join(f"{each['code_point']} {each['name'].lower()} (line {each['line']:,})" for each in odd[:5])),
        ("near-duplicates", _share(found["near_duplicates"]["share"]), "of the lines differ from another only in case or white space"),
        ("held out", f"{found['splits']['test']['lines']:,}",
         f"lines to test, {found['splits']['validation']['lines']:,} to validate, {found['splits']['train']['lines']:,} to train"),
    ]  # fmt: skip
    expected, advised = found["expected"], found["recommendation"]
    if expected["half_width"] is not None:
        rows.append(
            (
                "intervals",
                f"± {expected['half_width']:.3f}",
                f"nats per token is how well the test lines tell a loss (by counting, which has {expected['test']:.3f})",
            )
        )
    notes(console, rows)
    if found["looked_at"] < found["kept"]:
        say(
            console, f"near-duplicates are estimated from {found['looked_at']:,} lines that were drawn", "dim"
        )
    show_warnings(console, found["warnings"])
    say(console)
    for reason in advised["reasons"]:
        say(console, reason)
    name = "-" if found["source"] == "standard input" else found["source"].removesuffix(" (bundled)")
    line = f"makemore -i {shlex.quote(name)} --type {advised['type']}"
    if given:
        line += f" {given}"
    if advised["max_length"] and "--max-length" not in given:
        line += f" --max-length {advised['max_length']}"
    slow = advised["seconds"] and advised["seconds"] >= 1
    takes = f" (at most about {duration(advised['seconds'])} here)" if slow else ""
    command(console, f"try{takes}:", line, "bold")
