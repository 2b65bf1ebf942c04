"""How a run is shown in a notebook: its losses, and a few samples with the surprise of each character."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from makemore.corpus.splits import SPLITS
from makemore.errors import CUT, MakemoreError, visible
from makemore.runs.directory import RunDirectory
from makemore.runs.summary import Metrics, Summary
from makemore.sampling.tree import Sample

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

SAMPLES, LONGEST = 10, 100
"""Samples shown, and characters of each, at most."""

SURPRISE = "#d9485f"
"""The background of a character that a model found unlikely."""

HIDDEN = {
    "disk",
    "forget_model",
    "form",
    "labels",
    "letters_of",
    "load",
    "new_model",
    "reader",
    "reading",
    "scored",
    "setup",
    "spelling",
    "with_seen",
}
"""Public names of a run that tab does not show: they are for the rest of makemore."""

_PAGE = """
<p><b>{{ type }}</b> in {{ path }}</p>
{% if wrong is defined %}
<p><i>{{ wrong }}</i></p>
{% elif summary %}
<table><tr><th>loss in nats per token</th>{% for split in splits %}<th>{{ split }}</th>{% endfor %}</tr>
<tr><td>{{ size }}</td>{% for split in splits %}<td>{{ "%.4f" % summary.nll[split] }}</td>{% endfor %}</tr></table>
{% elif last %}
<p>Not finished; after {{ size }} the loss is {{ "%.4f" % last.train }} on training lines and
{{ "%.4f" % last.validation }} on validation lines, in nats per token.</p>
{% else %}
<p>Not evaluated yet.</p>
{% endif %}
{% if not_sampled is defined %}
<p><i>{{ not_sampled }}</i></p>
{% else %}
<p style='font-family:monospace;white-space:pre-wrap'>
{%- for letters, end in lines %}
{% for text, shade, p in letters -%}
<span style='background:{{ shade }}' title='{{ p }}'>{{ "↵" if text == "\n" else text }}</span>
{%- if text == "\n" %}<br>{% endif -%}
{%- endfor %}{{ end }}<br>
{%- endfor %}</p>
<p><small>Samples. The redder a character, the less likely the model found it.</small></p>
{% endif %}
"""


def environment(loader: BaseLoader | None = None) -> Environment:
    """Return what renders templates: values are escaped, characters that would hide others spelled out."""
    from jinja2 import Environment, StrictUndefined  # not needed for sampling

    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def shade(share: float) -> str:
    """Return the background of a character whose surprise is a share of the highest, 6 nats, that shows."""
    return f"{SURPRISE}{round(share * 0.8 * 255):02x}"


def as_text(type: str, disk: RunDirectory) -> str:
    """Return a run in one line: type, directory, and how far training is."""
    try:
        summary, last, size = _progress(disk)
    except MakemoreError:
        state = "damaged"
    else:
        state = "not evaluated yet"
        if summary is not None:
            state = f"{size}, test loss {summary.nll['test']:.4f}"
        elif last is not None:
            state = f"not finished: {size}, validation loss {last.validation:.4f}"
    return f"Run({type} in {str(disk.path)!r}, {state})"


def as_html(
    type: str,
    disk: RunDirectory,
    sampled: Callable[[int, int], Iterable[tuple[Sample, list[str], list[float]]]],
) -> str:
    """Return a run as HTML, quickly, even if training has not finished or not begun.

    `sampled` returns a number of samples, cut at a length, each with its characters and their nlls.
    """
    shown: dict[str, object] = {"type": type, "path": str(disk.path), "splits": list(SPLITS)}
    try:
        shown["summary"], shown["last"], shown["size"] = _progress(disk)
    except MakemoreError as error:  # damaged
        shown["wrong"] = str(error)
    try:
        shown["lines"] = [
            (
                [
                    (c, shade(min(nll, 6) / 6), f"{math.exp(-nll):.2%}")
                    for c, nll in zip(letters, nlls, strict=False)
                ],
                CUT * (not sample.ended),
            )
            for sample, letters, nlls in sampled(SAMPLES, LONGEST)
        ]
    except MakemoreError as error:  # not trained yet, or damaged
        shown["not_sampled"] = str(error)
    return environment().from_string(_PAGE).render(shown)


def _progress(disk: RunDirectory) -> tuple[Summary | None, Metrics | None, str]:
    """Return how training ended, if it has, the last evaluation, if there is one, and the size in words."""
    summary, last = disk.summary(), next(iter(disk.metrics()[-1:]), None)
    if summary is not None:
        steps = f", {_counted(summary.steps, 'step')}" if summary.steps else ""  # a blend takes none
        return summary, last, _counted(summary.parameters, "parameter") + steps
    return None, last, "" if last is None else _counted(last.step, "step")


def _counted(n: int, what: str) -> str:
    """Return a number of things: "1 step", "2,000 steps"."""
    return f"{n:,} {what}" + "s" * (n != 1)
