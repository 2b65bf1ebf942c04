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

from makemore.advice import RED, shown
from makemore.corpus import SPLITS
from makemore.display import duration
from makemore.events import Evaluation, Event, Overfitting, Started, Step
from makemore.run import Explained

END = "⏎"
"""Stands for the end of a line."""

_SURPRISES = ((1.0, "green"), (2.5, ""), (4.5, "yellow"), (math.inf, "red"))
"""Colours of a character by its surprise in bits: up to so many."""


def _table(*columns: str, left: int = 1) -> Table:
    """A table whose first columns are words and whose others are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i < left else "right", no_wrap=i >= left)
    return table


def _number(x: float | None, digits: int = 4) -> str:
    return "-" if x is None or not math.isfinite(x) else f"{x:.{digits}f}"


def _share(x: float) -> str:
    return f"{x:.1%}"


def _say(console: Console, text: str = "", style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


# eval


def show_assessment(console: Console, numbers: Mapping[str, Any]) -> None:
    """Print what `assessment.assess` found."""
    _say(console, f"{numbers['type']}, {numbers['parameters']:,} parameters")
    table = _table("", *SPLITS)
    table.add_row("lines", *(f"{numbers['lines'][split]:,}" for split in SPLITS))
    units = {"nll": "nats per token", "bits_per_character": "bits per character",
             "bits_per_line": "bits per line", "perplexity": "perplexity"}  # fmt: skip
    for key, name in units.items():
        digits = 4 if key == "nll" else 3 if key == "bits_per_character" else 2
        table.add_row(name, *(_number(numbers[key][split], digits) for split in SPLITS))
        around = [numbers[key + "_interval"][split] for split in SPLITS]
        table.add_row(
            "  95 % interval",
            *(f"{_number(a, digits)} to {_number(b, digits)}" for a, b in around),
            style="dim",
        )
    for name in ("bigram", "ngram"):
        losses = numbers["baselines"][name]
        label = "a bigram's nats per token" if name == "bigram" else "a 6-gram's"
        table.add_row(label, "", *(_number(losses[split]) for split in ("validation", "test")))
    console.print(table)
    if any(numbers["scored_lines"][split] < numbers["lines"][split] for split in SPLITS):
        some = ", ".join(f"{numbers['scored_lines'][split]:,}" for split in SPLITS)
        _say(console, f"losses are of lines that were drawn: {some}", "dim")
    _say(console)

    low, high = numbers["copy_ratio_interval"]
    rows = [
        ("copy ratio R", _number(numbers["copy_ratio"], 2),
         f"training lines are so many times as likely as held-out ones; 1 is no memorising ({_number(low, 2)} to {_number(high, 2)})"),
        ("C_T", _number(numbers["c_t"], 1), "far below 0: samples lie nearer to training lines than held-out lines do"),
        ("novelty", _share(numbers["novelty"]), "of the different samples are no training lines"),
        ("held-out hits", _share(numbers["held_out_hits"]), "of the held-out lines came up among the samples"),
        ("uniqueness", _share(numbers["uniqueness"]),
         f"of the samples are different; of as many training lines {_share(numbers['uniqueness_of_train'])}"),
        ("validity", _share(numbers["validity"]), "of the samples ended by themselves"),
        ("Vendi ratio", _number(numbers["vendi_ratio"], 2), "how varied samples are, over how varied held-out lines are"),
        ("calibration error", _number(numbers["calibration_error"], 3), f"how far probabilities are from how often they come true; by chance alone {_number(numbers['calibration_error_by_chance'], 3)}"),
    ]  # fmt: skip
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    distances = ", ".join(f"{name} {_number(d['ratio'], 1)}" for name, d in numbers["distances"].items())
    _say(console, f"distance from training lines, over that of held-out lines: {distances}")
    _say(console)
    _say(console, f"some of the {numbers['samples']:,} samples, and the training line nearest to each:")
    width = min(40, max(len(each["text"]) for each in numbers["nearest"]))
    for each in numbers["nearest"][:10]:
        edits = f"{each['distance']} edit" + "s" * (each["distance"] != 1)
        near = "a training line itself" if not each["distance"] else f"{edits} from {_short(each['nearest'])}"
        _say(console, f"  {_short(each['text'], width):{width}}  {near}")
    show_warnings(console, numbers["warnings"])


def _short(text: str, width: int = 40) -> str:
    text = "".join(c if c.isprintable() else shown(c) for c in text)  # nothing that a terminal would obey
    return text if len(text) <= width else text[: width - 1] + "…"


def show_warnings(console: Console, warnings: Sequence[Mapping[str, str]]) -> None:
    """Print warnings, each with what to do."""
    _say(console)
    if not warnings:
        _say(console, "no warnings", "green")
    for each in warnings:
        _say(console, each["message"], "bold red" if each["severity"] == RED else "bold yellow")
        _say(console, f"  what to do: {each['advice']}")


# compare


class Leaderboard:
    """Shows a comparison while it is made: what is done, best first, and what is being trained. A context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done: list[dict[str, Any]] = []
        self._now = ""
        self._losses = ""
        self._live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Leaderboard:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def event(self, name: str, event: Event) -> None:
        """Take note of an event of the training of a run."""
        match event:
            case Started():
                self._losses = ""
                if not self._console.is_terminal:
                    _say(self._console, f"training {name}")
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
            _say(self._console, f"  {numbers['name']}: test {loss} after {time}")
        self._now = ""
        self._show()

    def failed(self, name: str, message: str) -> None:
        """Say that a run could not be trained."""
        _say(self._console, f"{name} is left out: {message}", "yellow")

    def _show(self) -> None:
        table = _table("", "test", "validation", "parameters", "time")
        for each in self._done:
            table.add_row(each["name"], _number(each["nll"]["test"]), _number(each["nll"]["validation"]),
                          f"{each['parameters']:,}", duration(each["seconds"]))  # fmt: skip
        self._live.update(Group(table, Text(self._now)))


def show_comparison(console: Console, result: Mapping[str, Any]) -> None:
    """Print what `comparison.compare` found."""
    entries, pairs = result["entries"], result["pairs"]
    table = _table("", "test", "±", "parameters", "time", "samples/s", "R", "unique")
    for each in entries:
        low, high = each["interval"]
        half = None if None in (low, high) else (high - low) / 2
        table.add_row(
            Text(each["name"], overflow="fold"), _number(each["nll"]["test"]), _number(half, 3),
            f"{each['parameters']:,}", duration(each["seconds"]), f"{each['samples_per_second']:,.0f}",
            _number(each["copy_ratio"], 2), _share(each["uniqueness"]),
        )  # fmt: skip
    console.print(table)
    _say(console)
    ties = [(p["a"], p["b"]) for p in pairs if p["tie"]]
    best = entries[0]["name"]
    level = [name for a, name in ties if a == best]
    if level:
        _say(console, f"best: {best}; level with it, a tie: {', '.join(level)}")
    else:
        _say(console, f"best: {best}; its lead over every other is real")
    others = [f"{a} and {b}" for a, b in ties if a != best]
    if others:
        _say(console, f"further ties: {'; '.join(others)}")
    names = [each["name"] for each in entries]
    table = _table("to the next", "nats per token", "95 % interval", "")
    for pair in pairs:
        if names.index(pair["b"]) == names.index(pair["a"]) + 1:
            low, high = pair["interval"]
            table.add_row(Text(f"{pair['a']} before {pair['b']}"), _number(pair["difference"]),
                          f"{_number(low)} to {_number(high)}", "tie" if pair["tie"] else "real")  # fmt: skip
    _say(console)
    console.print(table)
    n = result.get("scored_lines", result["lines"]["test"])
    drawn = f" The test lines are {n:,} that were drawn." * (n < result["lines"]["test"])
    _say(
        console,
        "test: nats per token, with half its 95 % interval. R: how much likelier training lines are than held-out ones. "
        "Differences: over the same test lines, paired, and over seeds, which alone move a loss by "
        f"{result['seed_spread']:.4f}; of twenty differences called real one is chance." + drawn,
        "dim",
    )


# explain


def show_explained(console: Console, explained: Mapping[str, Sequence[Explained]]) -> None:
    """Print what each run expected of a line, character by character, the runs side by side."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", min_width=2)
    for name in explained:
        table.add_column("bits", justify="right", no_wrap=True, min_width=4)
        table.add_column(f"{name} expected")
    for at_once in zip(*explained.values(), strict=True):
        row = [Text(_letter(at_once[0].character), style=_colour(max(e.nll for e in at_once)))]
        for e in at_once:
            row.append(Text(f"{e.nll / math.log(2):.1f}", style=_colour(e.nll)))
            choices = Text()
            for character, p in e.choices:
                style = "bold" if character == e.character else "dim"
                choices.append(f"{_letter(character)}\N{NO-BREAK SPACE}{p:.0%}  ", style=style)
            if e.character not in [character for character, _ in e.choices]:
                choices.append(
                    f"…\N{NO-BREAK SPACE}{_letter(e.character)}\N{NO-BREAK SPACE}{e.probability:.2%}",
                    style="bold",
                )
            row.append(choices)
        table.add_row(*row)
    for name, each in explained.items():
        whole = Text(f"{name}: " if len(explained) > 1 else "")
        for e in each:
            letter = e.character if e.character == " " else _letter(e.character)
            whole.append(letter, style=_colour(e.nll))
        bits = sum(e.nll for e in each) / math.log(2)
        whole.append(f"   {bits:.1f} bits, {bits / len(each):.2f} a character", style="dim")
        console.print(whole, soft_wrap=True)
    console.print(table)


def _letter(character: str) -> str:
    return END if character == "\n" else "␣" if character == " " else shown(character)


def _colour(nll: float) -> str:
    return next(colour for most, colour in _SURPRISES if nll / math.log(2) <= most)


# inspect


def show_inspection(console: Console, found: Mapping[str, Any], given: str = "") -> None:
    """Print what `inspection.inspect` found. given: the options it was read with, for the command that is advised."""
    dropped = [
        f"{found[key]:,} {name}" for key, name in (("blank", "blank"), ("too_long", "too long")) if found[key]
    ]
    _say(
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
        ("near-duplicates", _share(found["near_duplicates"]["share"]), "of the lines differ from another only in case, marks or spaces"),
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
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, number, says in rows:
        table.add_row(name, number, Text(says))
    console.print(table)
    if found["looked_at"] < found["kept"]:
        _say(
            console, f"near-duplicates are estimated from {found['looked_at']:,} lines that were drawn", "dim"
        )
    show_warnings(console, found["warnings"])
    _say(console)
    for reason in advised["reasons"]:
        _say(console, reason)
    name = found["source"].removesuffix(" (bundled)")
    command = f"makemore -i {shlex.quote(name)} --type {advised['type']}"
    if given:
        command += f" {given}"
    if advised["max_length"] and "--max-length" not in given:
        command += f" --max-length {advised['max_length']}"
    takes = (
        f"   about {duration(advised['seconds'])} here"
        if advised["seconds"] and advised["seconds"] >= 1
        else ""
    )
    _say(console, f"try:  {command}{takes}", "bold")
