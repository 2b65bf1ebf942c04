"""What the page says about a run that has ended, and what it calls the arguments that advice names."""

from __future__ import annotations

from makemore.files.results import plain
from makemore.metrics.advice import of_training
from makemore.runs.run import Run
from makemore.runs.summary import Summary

SPELLED = {
    "type": "the type",
    "separator": "“things of several lines are separated by”",
    "max_length": "“leave out lines longer than”",
    "min_count": "“replace characters rarer than”",
    "graphemes": "“characters as people see them”",
    "encoding": "“encoding of the file”",
    "novel": "“only new”",
    "max_steps": "more steps",
    "time": "more seconds",
}
"""The page's names of arguments."""


def spelled(name: str) -> str:
    """Return what the page calls an argument."""
    return SPELLED.get(name, name.replace("_", " "))


def ending(run: Run, summary: Summary) -> dict[str, object]:
    """Return the summary of a run that has ended, and what to know about its training, as JSON."""
    warned = of_training(run.metrics(), summary.nll, None, 0)
    return {
        "summary": plain(summary, spelled),
        "warnings": [each.to_json(spelled) for each in warned],
    }
