"""What the page calls arguments, and what it says where the library's sentence does not fit the page."""

from __future__ import annotations

import re

from makemore.errors import MakemoreError
from makemore.files.results import plain
from makemore.metrics.advice import Warned, of_training
from makemore.metrics.verdict import MUCH, UNKNOWN
from makemore.runs.run import Run
from makemore.runs.summary import Summary

SPELLED = {
    "type": "the type",
    "source": "the list",
    "separator": "“things of several lines are separated by”",
    "max_length": "“leave out lines longer than”",
    "min_count": "“replace characters rarer than”",
    "graphemes": "“characters as people see them”",
    "encoding": "“encoding of the file”",
    "as_lines": "“whole rows, though it looks like a table”",
    "column": "“make more of”",
    "n": "“how many”",
    "prefix": "“starts with”",
    "ends_with": "“ends with”",
    "contains": "“contains”",
    "without": "“without”",
    "length": "“length”",
    "pattern": "“pattern”",
    "temperature": "“temperature”",
    "top_p": "“only the likeliest letters”",
    "novel": "“only new”",
    "unique": "“no repeats”",
    "best": "“the best”",
    "seed": "“seed”",
    "time": "“seconds”",
    "size": "“size of networks”",
    "more": "“seconds”",
    "resume": "“go on”",
}
"""The page's names of arguments: those of its fields, in quotes."""

REMEDIES = {
    "overfitted": "nothing, for this run; a longer list would help a new one",
    "impossible_lines": "choose another type",
    "worse_than_ngram": "train an n-gram, go on with this run, or try another type",
    "still_improving": "go on with this run",
    "few_lines": "compare models by their samples too, or make the list longer",
    "large_alphabet": "set “replace characters rarer than” to 2 or more, or train an n-gram",
}
"""What the page advises where the library names what the page does not have, by the codes of warnings."""

COPIES = {
    MUCH: "tick “only new” in the room Make, train a smaller network, or make the list longer",
    UNKNOWN: "tick “only new” in the room Make, or make the list longer",
}
"""What the page advises about a model's copies, by the level of its verdict."""

_COMMAND = re.compile(r": [^\n]* > lines\.txt$|; the command above does that too$")
"""The command in a remedy that would repair a file: the page has no file to repair."""

_ELSEWHERE = re.compile(r"(,| or) use cut=True| or None(?=,)")
"""Advice for which the page has no field, and None, which an empty field stands for."""


def spelled(name: str) -> str:
    """Return what the page calls an argument."""
    return SPELLED.get(name, name.replace("_", " "))


def sentence_of(error: MakemoreError, sampling: bool = False) -> str:
    """Return the sentence of an error, its arguments named as on the page.

    sampling: Whether it is about samples, which have a field for their greatest length too.
    """
    own = {"max_length": "“longest”"} if sampling else {}
    fitting = MakemoreError(_ELSEWHERE.sub("", str(error)), option=error.options)
    return fitting.spelled(lambda name: own.get(name) or spelled(name))


def warning(warned: Warned) -> dict[str, object]:
    """Return a warning as JSON, with advice that can be followed on the page."""
    advice = REMEDIES.get(warned.code) or _COMMAND.sub("", warned.advice(spelled))
    return warned.to_json(spelled) | {"advice": advice}


def ending(run: Run, summary: Summary) -> dict[str, object]:
    """Return the summary of a run that has ended, and what to know about its training, as JSON."""
    found = summary.to_json(spelled)
    if summary.memorising is not None:
        sentence = summary.memorising.sentence
        if run.spelling.things:
            sentence = sentence.replace("lines", "things")
        said = {"sentence": sentence, "advice": COPIES.get(summary.memorising.level, "")}
        found["memorising"] = said
    warned = of_training(run.metrics(), summary.nll, None, 0)
    return {"summary": plain(found), "warnings": [warning(each) for each in warned]}
