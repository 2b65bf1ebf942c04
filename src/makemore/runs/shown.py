"""How a run is shown in a notebook: its losses, and a few samples with the surprise of each character."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from makemore.corpus.splits import SPLITS
from makemore.errors import CUT, MakemoreError, visible
from makemore.sampling.options import SampleOptions

if TYPE_CHECKING:
    from makemore.runs.run import Run

SAMPLES, LONGEST = 10, 100
"""Samples shown, and characters of each, at most."""

HIDDEN = {
    "create",
    "cut",
    "disk",
    "forget_model",
    "load",
    "new_model",
    "reading",
    "scored",
    "setup",
    "spelling",
    "with_seen",
}
"""Public names of a run that tab does not show: they are for the rest of makemore."""


def as_text(run: Run) -> str:
    """Return a run in one line: type, directory, and how far training is."""
    try:
        state = _state(run)
    except MakemoreError:
        state = "damaged"
    return f"Run({run.type} in {str(run.directory)!r}, {state})"


def _state(run: Run) -> str:
    if (summary := run.summary()) is not None:
        size = f"{_counted(summary.parameters, 'parameter')}, {_counted(summary.steps, 'step')}"
        return f"{size}, test loss {summary.nll['test']:.4f}"
    if not (metrics := run.metrics()):
        return "not evaluated yet"
    steps = _counted(metrics[-1].step, "step")
    return f"not finished: {steps}, validation loss {metrics[-1].validation:.4f}"


def _counted(n: int, what: str) -> str:
    """Return a number of things: "1 step", "2,000 steps"."""
    return f"{n:,} {what}" + "s" * (n != 1)


def as_html(run: Run) -> str:
    """Return a run as HTML, quickly, even if training has not finished or not begun."""
    parts = [f"<p><b>{html.escape(run.type)}</b> in {_escaped(str(run.directory))}</p>"]
    for part in (_losses, _samples):
        try:
            parts.append(part(run))
        except MakemoreError as error:  # not trained yet, or damaged
            parts.append(f"<p><i>{_escaped(str(error))}</i></p>")
    return "".join(parts)


def _losses(run: Run) -> str:
    if (summary := run.summary()) is not None:
        cells = "".join(f"<td>{summary.nll[split]:.4f}</td>" for split in SPLITS)
        head = "".join(f"<th>{split}</th>" for split in SPLITS)
        return (
            f"<table><tr><th>loss in nats per token</th>{head}</tr>"
            f"<tr><td>{_counted(summary.parameters, 'parameter')}, {_counted(summary.steps, 'step')}</td>"
            f"{cells}</tr></table>"
        )
    if not (metrics := run.metrics()):
        return "<p>Not evaluated yet.</p>"
    last = metrics[-1]
    return (
        f"<p>Not finished; after {_counted(last.step, 'step')} the loss is {last.train:.4f} on training lines and "
        f"{last.validation:.4f} on validation lines, in nats per token.</p>"
    )


def _samples(run: Run) -> str:
    most = min(run.corpus.longest, LONGEST)
    samples = list(run.stream(SAMPLES, SampleOptions(max_length=most, seed=1)))
    scored = run.letters([sample.text for sample in samples])
    lines = [
        _shaded(sample.text, nlls) + (CUT if not sample.ended and most == LONGEST else "")
        for sample, nlls in zip(samples, scored, strict=True)
    ]
    return (
        f"<p style='font-family:monospace;white-space:pre-wrap'>{'<br>'.join(lines)}</p>"
        "<p><small>Samples. The redder a character, the less likely the model found it.</small></p>"
    )


def _shaded(text: str, nlls: Sequence[float]) -> str:
    """Return a text whose background shows how unlikely each character was: red at 6 nats."""
    return "".join(
        f"<span style='background:rgba(220,50,32,{min(nll, 6) / 6 * 0.8:.2f})' "
        f"title='{math.exp(-nll):.2%}'>{_escaped(c)}</span>"
        for c, nll in zip(text, nlls, strict=False)
    )


def _escaped(text: str) -> str:
    """Return a text as HTML, with characters that would hide or reorder others spelled out."""
    return html.escape(visible(text))
