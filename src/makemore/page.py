"""The report on one run or several: one HTML file that needs nothing else, in light and dark, on paper and telephones."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from makemore import __version__, advice
from makemore.assessment import assess
from makemore.comparison import compare_runs, result_of
from makemore.files import atomic, unwritable
from makemore.plots import Entry, Plot, character, draw, same_lines, svg, write_plots
from makemore.run import Run

SPLITS = ("train", "validation", "test")

SAMPLES, LETTERS = 40, 1500
"""Samples shown letter by letter, and the letters of them, at most."""

_SHADES = 10
"""Shades of surprise."""


def write_page(
    path: Path,
    entries: Sequence[Entry],
    comparison: dict[str, Any] | None = None,
    drawn: list[list[Plot]] | None = None,
) -> None:
    """Write the report on some runs to an HTML file.

    entries: each run's name, the run and what `assessment.assess` says of it. comparison: of `comparison`, for several.
    drawn: of `plots.draw`, if there already. Raises MakemoreError if the file cannot be written.
    """
    together, *each = drawn or draw(entries)
    if len(entries) == 1:
        name, run, found = entries[0]
        title = name
        body = f"<h1>{escape(name)}</h1>" + _run(run, found, each[0], "r1")
    else:
        title = f"{len(entries)} runs compared"
        body = f"<h1>{title}</h1>" + _together(entries, comparison or {}, together)
        for i, ((name, run, found), plots) in enumerate(zip(entries, each, strict=True), 1):
            body += f"<details><summary><h2>{escape(name)}</h2></summary>{_run(run, found, plots, f'r{i}')}</details>"
    page = _PAGE.substitute(title=escape(title), body=body, version=__version__, date=datetime.date.today())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    with atomic(path) as beside:  # a file name that is not UTF-8 holds lone surrogates
        beside.write_text(page, "utf-8", "replace")


def write_report(
    directories: Sequence[Path],
    output: Path | None = None,
    n: int | None = None,
    seed: int = 0,
    said: Callable[[str], None] = lambda text: None,
) -> Path:
    """Measure runs, or those of what `makemore compare` wrote; write the page, and the plots to a directory beside it.

    Returns the page's path; output: None takes report.html in the first directory. n, seed, said: as of `assess`.
    """
    first, result = directories[0], None
    named = {str(directory): directory for directory in directories}
    if len(named) == 1 and (result := result_of(first)) is not None:
        named = {each["name"]: first / Path(each["runs"][0]).name for each in result["entries"]}
    entries = []
    for name, directory in named.items():
        run = Run.load(directory)
        found = assess(run, n, seed, lambda text, name=name: said(f"{name}: {text}"))  # type: ignore[misc]
        entries.append((name, run, found))
    if result is None and len(entries) > 1 and same_lines(entries):
        said("comparing")
        result = compare_runs(directories)
    said("drawing")
    drawn = draw(entries)
    page = output or first / "report.html"
    write_page(page, entries, result, drawn)
    write_plots(page.with_name(page.stem + "-plots"), entries, drawn)
    return page


# several runs


def _together(entries: Sequence[Entry], comparison: dict[str, Any], plots: list[Plot]) -> str:
    """The runs beside each other, the best first."""
    compared: dict[str, dict[str, Any]] = {}
    for each in comparison.get("entries", []):
        compared |= dict.fromkeys([each.get("name"), *each.get("runs", [])], each)
    rows: list[list[str]] = []
    each_with = [
        (name, run, found, compared.get(name) or compared.get(str(run.directory), {}))
        for name, run, found in entries
    ]
    # of several runs with other seeds the page shows the first, and here their mean
    losses = [(more.get("nll") or found["nll"])["test"] for _, _, found, more in each_with]
    for loss, (name, run, found, more) in sorted(
        zip(losses, each_with, strict=True), key=lambda pair: _or_infinite(pair[0])
    ):
        tied = " <small>no worse than the best</small>" if more.get("tie_with_best") and rows else ""
        around = more.get("interval", found["nll_interval"]["test"])
        rows.append([
            f"<b>{escape(name)}</b>", run.type, _around(loss, around) + tied,
            _integer(found["parameters"]), _seconds(found["seconds"]), _number(more.get("samples_per_second"), ",.0f"),
            _number(found["copy_ratio"], ".2f"), _number(found["uniqueness"], ".1%"), _number(found["novelty"], ".1%"),
            _number(found["vendi_ratio"], ".2f"),
        ])  # fmt: skip
    head = ["run", "type", "test loss, nats per token", "parameters", "trained for", "samples a second", "copy ratio",
            "different", "new", "variety"]  # fmt: skip
    if not compared:
        head, *rows = ([*row[:5], *row[6:]] for row in (head, *rows))
    text = _table(head, rows)
    if not same_lines(entries):
        text = (
            "<p class=warning>These runs did not learn the same lines: their losses cannot be compared.</p>"
            + text
        )
    pairs = []
    for pair in comparison.get("pairs", []):
        a, b, difference = (
            escape(str(pair.get("a"))),
            escape(str(pair.get("b"))),
            pair.get("difference") or 0.0,
        )
        says = (
            "a tie: chance alone could do it"
            if pair.get("tie")
            else f"{a if difference > 0 else b} is better"
        )
        pairs.append([f"{b} less {a}", _around(difference, pair.get("interval"), "+.4f"), says])
    if pairs:
        head, best = ["runs", "difference", ""], len(entries) - 1  # those with the best run come first
        text += "<h2>Which is better?</h2><p>Differences of the test losses on the same lines, in nats per token.</p>"
        text += _table(head, pairs[:best])
        if pairs[best:]:
            text += (
                f"<details><summary>{len(pairs)} pairs in all</summary>{_table(head, pairs[best:])}</details>"
            )
    return text + _figures(plots, "all") + "<h2>Each run</h2>"


def _or_infinite(x: float | None) -> float:
    return math.inf if x is None else x


# one run


def _run(run: Run, found: dict[str, Any], plots: list[Plot], key: str) -> str:
    loss = _or_infinite(found["nll"]["test"])
    bigram, ngram = (_or_infinite(found["baselines"][name]["test"]) for name in ("bigram", "ngram"))
    tiles = [
        (
            "test loss",
            _number(loss, ".3f"),
            f"nats per token; as unsure as among {_number(math.exp(loss), '.1f')} characters",
        ),
        ("better than a bigram", _number(bigram - loss, "+.3f"), "nats per token less"),
        ("better than a 6-gram", _number(ngram - loss, "+.3f"), "nats per token less; below 0 counting wins"),
        ("copy ratio", _number(found["copy_ratio"], ".2f"), "1 is no memorising, up to 2 healthy"),
        ("new lines", f"{found['novelty']:.0%}", "of the different samples"),
    ]
    source = f"{run.reading.source}, " if run.reading else ""
    lines = ", ".join(f"{n:,} to {name}" for name, n in zip(("train", "validate", "test"), found["lines"].values(), strict=True))  # fmt: skip
    return "".join([
        f"<p class=dim>{run.type}, {found['parameters']:,} parameters; {escape(source)}{lines}</p>",
        "<div class=tiles>", *(f"<div><b>{b}</b><span>{a}</span><small>{c}</small></div>" for a, b, c in tiles), "</div>",
        *(_warning(each) for each in found["warnings"]),
        "<h3>Samples, letter by letter</h3>", _samples(run),
        "<h3>Losses</h3>", _losses(found),
        "<h3>Pictures</h3>", _figures(plots, key),
        "<h3>What the samples are like</h3>", _quality(found),
        "<h3>Samples and their nearest training lines</h3>", _nearest(found),
        "<h3>Settings</h3>", _settings(run, found),
    ])  # fmt: skip


def _warning(warned: dict[str, str]) -> str:
    red = " red" if warned["severity"] == advice.RED else ""
    return f"<p class='warning{red}'>{escape(warned['message'])}.<br><small>What to do: {escape(warned['advice'])}.</small></p>"


def _samples(run: Run) -> str:
    """New lines, every letter in the shade of its surprise."""
    lines, left = [], LETTERS
    for sample in run.stream(SAMPLES, seed=1):
        if left > 0:
            lines.append(sample.text[: min(left, 300)])
            left -= len(lines[-1])
    spans = []
    for line, nlls in zip(lines, run.letters(lines), strict=True):
        letters = [
            f"<i class=s{min(_SHADES - 1, int(min(nll, 9) * 1.5))} title='{escape(_spoken(c))}: {math.exp(-nll):.2%}, {nll:.2f} nats'>"
            f"{escape(c if c != chr(10) else '⏎')}</i>"
            for c, nll in zip(line + "\n", nlls, strict=True)
        ]
        spans.append("<span>" + "".join(letters) + "</span>")
    scale = "".join(f"<i class=s{i}>&nbsp;&nbsp;</i>" for i in range(_SHADES))
    return (
        f"<p class=dim>The redder, the less likely the model found the letter: likely {scale} 1 in 400 and rarer. "
        f"A letter's probability shows when pointed at; ⏎ is the end.</p><p class=samples>{' '.join(spans)}</p>"
    )


def _spoken(c: str) -> str:
    return "end of line" if c == "\n" else "space" if c == " " else character(c)


def _losses(found: dict[str, Any]) -> str:
    units = [
        ("nats per token", "nll", ".4f"),
        ("bits per token", "bits_per_character", ".4f"),
        ("perplexity", "perplexity", ".3f"),
        ("bits per line", "bits_per_line", ".2f"),
    ]
    rows = [
        [name] + [_around(found[key][split], found[key + "_interval"][split], form) for split in SPLITS]
        for name, key, form in units
    ]
    of = found["baselines"]
    for name, values in (
        ("bigram", of["bigram"]),
        ("6-gram", of["ngram"]),
        ("guessing", dict.fromkeys(SPLITS, of["uniform"])),
    ):
        rows.append(
            [
                f"<span class=dim>{name}, nats per token</span>",
                *(_number(values.get(split), ".4f") for split in SPLITS),
            ]
        )
    note = "A token is a character or the end of a line. Intervals are 95 %, from drawing the lines anew."
    if found["scored_lines"] != found["lines"]:
        some = ", ".join(f"{found['scored_lines'][split]:,} ({split})" for split in SPLITS)
        note += f" The losses are of lines that were drawn: {some}."
    note = f"<p class=dim>{note}</p>"
    return _table(["", *SPLITS], rows, "losses") + note  # fmt: skip


def _quality(found: dict[str, Any]) -> str:
    """Each number, where it is healthy, and what it says."""
    of_train = found["uniqueness_of_train"]
    rows = [
        _judged("copy ratio", found["copy_ratio"], ".2f", (None, advice.COPIES), "how much more likely training lines are than held-out ones: 1 is no memorising, above 4 the list is learned by heart", found["copy_ratio_interval"]),
        _judged("copies", found["train_mass"], ".2%", None, "the probability that a sample is a training line"),
        _judged("held out", found["held_out_mass"], ".2%", None, "the probability that it is a held-out line, which the model invents; more is better"),
        _judged("held-out lines hit", found["held_out_hits"], ".2%", None, f"of the held-out lines, found among {found['samples']:,} samples; more is better"),
        _judged("new", found["novelty"], ".1%", None, "different samples that are no training lines; not the more the better, since noise is new as well"),
        _judged("different", found["uniqueness"], ".1%", (advice.COLLAPSE * of_train, None), f"samples that are different; of as many training lines {of_train:.1%} are"),
        _judged("ended", found["validity"], ".1%", (advice.VALID, None), "samples that the model ended itself, before the longest line's length"),
        _judged("nearness", found["c_t"], "+.1f", None, "whether samples are nearer to training lines (below 0) or further (above 0) than held-out lines, which are never copies: the z-score C<sub>T</sub>"),
        _judged("calibration error", found["calibration_error"], ".3f", (None, advice.CALIBRATION + found["calibration_error_by_chance"]), f"how far probabilities are from how often they come true, 2 at worst; by chance alone {found['calibration_error_by_chance']:.3f}"),
        _judged("variety", found["vendi_ratio"], ".2f", advice.VARIETY, "Vendi score of the samples over that of held-out lines; below 1 they are more alike"),
    ]  # fmt: skip
    for name, feature in _FEATURES.items():
        far = found["distances"].get(feature, {"ratio": None, "samples": 0.0, "held_out": 0.0})
        says = f"Jensen-Shannon divergence from the training lines, {far['samples']:.4f} bits, over that of held-out lines, {far['held_out']:.4f}"
        rows.append(_judged(f"distance in {name}", far["ratio"], ".2f", (None, advice.DISTANCE), says))
    return _table(["", "value", "healthy", "what it says"], rows, "wide")


_FEATURES = {
    "length": "length", "first letters": "first", "last letters": "last", "letters": "1-gram", "pairs": "2-gram", "triples": "3-gram",
}  # fmt: skip


def _judged(
    name: str, x: float | None, form: str, healthy: tuple[float | None, float | None] | None, says: str, interval: Any = None
) -> list[str]:  # fmt: skip
    """A row: the number, in amber where it is not healthy, the healthy range, and what it says."""
    low, high = healthy or (None, None)
    ill = x is not None and ((low is not None and x < low) or (high is not None and x > high))
    ends = [_number(end, ".0%" if "%" in form else ".2g") for end in (low, high)]
    span = " to ".join(ends) if healthy else ""
    if healthy and None in healthy:
        span = f"up to {ends[1]}" if low is None else f"from {ends[0]}"
    value = _around(x, interval, form)
    return [name, f"<b class=amber>{value}</b>" if ill else value, span, says]


def _nearest(found: dict[str, Any]) -> str:
    rows = [
        [
            _cut(each["text"]),
            _number(each["nll"], ".1f"),
            each["seen"],
            _cut(each["nearest"]),
            str(each["distance"]),
        ]
        for each in found["nearest"]
    ]
    return _table(["sample", "nats", "in the list", "nearest training line", "edits"], rows)


def _settings(run: Run, found: dict[str, Any]) -> str:
    groups: list[tuple[str, dict[str, Any]]] = [
        ("run", {"type": run.type, "parameters": found["parameters"], "steps": found["steps"],
                 "best step": run.summary.get("best_step"), "trained for": _seconds(found["seconds"]),
                 "characters": len(run.vocab) - 1}),
        ("model", dataclasses.asdict(run.config)),
        ("training", dataclasses.asdict(run.settings)),
        ("list", dataclasses.asdict(run.reading) if run.reading else {}),
    ]  # fmt: skip
    tables = (
        _table([title, ""], [[escape(k.replace("_", " ")), escape(_plain(v))] for k, v in values.items()])
        for title, values in groups
        if values
    )
    return f"<div class=groups>{''.join(tables)}</div>"


# parts


def _figures(plots: Iterable[Plot], key: str) -> str:
    figures = (
        f"<figure><figcaption><b>{escape(plot.title)}</b> {escape(plot.note)}</figcaption>"
        f"{svg(plot, f'{key}-{plot.name}')}</figure>"
        for plot in plots
    )
    return f"<div class=plots>{''.join(figures)}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table in a box of its own to scroll in. Cells are HTML."""
    top = "".join(f"<th>{cell}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<div class='box {kind}'><table><thead><tr>{top}<tbody>{body}</table></div>"


def _number(x: float | None, form: str) -> str:
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return format(x, form if abs(x) < 1e6 else ".1e").replace("-", "−")


def _around(x: float | None, interval: Sequence[float | None] | None, form: str = ".4f") -> str:
    """A number and its interval."""
    if interval is None or None in interval:
        return _number(x, form)
    return f"{_number(x, form)} <small>{_number(interval[0], form)} to {_number(interval[1], form)}</small>"


def _integer(x: int | None) -> str:
    return "–" if x is None else f"{x:,}"


def _seconds(x: float | None) -> str:
    if x is None:
        return "–"
    return f"{x:.3g} s" if x < 60 else f"{int(x / 60)} min {x % 60:.0f} s"


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
    )


def _cut(line: str) -> str:
    return escape(line if len(line) <= 80 else line[:79] + "…")


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title – makemore</title>
<style>
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1f252d; --dim: #5d6672; --line: #dfe3e8;
  --amber: #b06f00; --red: #c62f40; --shade: 217, 72, 95 }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1c2026; --ink: #e4e7eb; --dim: #9aa3af;
  --line: #323942; --amber: #e5a33a; --red: #f0707d } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK JP", sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.7rem; margin: .5rem 0 } h2 { font-size: 1.3rem; margin: 1.5rem 0 .5rem } h3 { margin: 2rem 0 .5rem }
small { font-size: .8em } .dim, small, figcaption, footer { color: var(--dim) } figcaption b { display: block; color: var(--ink) }
.box { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; overflow-wrap: normal }
th { font-weight: 600; color: var(--dim) } tbody tr { border-top: 1px solid var(--line) } td small { display: block; white-space: nowrap } .losses small { white-space: normal }
.wide td:last-child { min-width: 16rem } .wide td:not(:last-child) { white-space: nowrap }
@media (max-width: 40rem) { table { font-size: .8rem } th, td { padding: .3rem .5rem } .wide thead { display: none }
  .wide tr { display: grid; grid-template-columns: 1fr 5rem 6rem } .wide td:last-child { grid-column: 1 / -1; color: var(--dim); padding-top: 0 } }
.amber { color: var(--amber) }
.tiles { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)) }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; line-height: 1.3 }
.tiles b { display: block; font-size: 1.5rem } .tiles span { display: block }
.warning { border-left: .3rem solid var(--amber); background: var(--card); padding: .5rem .8rem; border-radius: .25rem; margin: .6rem 0 }
.warning { color: var(--amber) } .warning.red { border-color: var(--red); color: var(--red) }
.plots { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)) }
figure { margin: 0; padding: .8rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  display: flex; flex-direction: column; justify-content: space-between; min-width: 0 }
figcaption { font-size: .85rem; line-height: 1.4; margin-bottom: .5rem }
svg { width: 100%; height: auto; overflow: visible } svg * { stroke-linejoin: round; stroke-linecap: butt }
svg image { image-rendering: pixelated }
.groups td { overflow-wrap: anywhere } .groups { display: grid; gap: 0 .8rem; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)) }
.samples { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; line-height: 2 }
.samples > span { margin-right: 1rem } .samples i { white-space: pre-wrap }
i { font-style: normal; border-radius: .15em; padding: .1em 0; -webkit-print-color-adjust: exact; print-color-adjust: exact }
$shades
details { border-top: 1px solid var(--line) } summary { cursor: pointer } summary h2 { display: inline-block; margin: .7rem .2rem }
footer { margin: 2rem 0 1rem; font-size: .85rem }
@page { margin: 12mm }
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --dim: #444; --line: #bbb; --amber: #8a5700; --red: #a81b2b }
  body { max-width: none; padding: 0; font-size: 11pt }
  details::details-content { content-visibility: visible; block-size: auto; display: block }
  .box { overflow: visible } figure, tr, .tiles div, .warning, .groups .box { break-inside: avoid } h1, h2, h3 { break-after: avoid }
  .plots { grid-template-columns: 1fr 1fr } table { font-size: 8.5pt } th, td { padding: .2rem .4rem } .wide td { white-space: normal !important }
}
</style>
<body>
$body
<footer>Written by makemore $version on $date.</footer>
""")
_PAGE = Template(
    _PAGE.safe_substitute(
        shades="\n".join(
            f".s{i} {{ background: rgba(var(--shade), {i / (_SHADES - 1) * 0.8:.2f}) }}"
            for i in range(_SHADES)
        )
    )
)
