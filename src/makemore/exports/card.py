"""The model card of an export: what the model is, how good it is, and how to use it."""

from __future__ import annotations

import math
from pathlib import PurePath

import numpy as np

from makemore.corpus.source import BundledList, bundled_lists
from makemore.corpus.splits import SPLITS
from makemore.metrics.baselines import SCORED_TOKENS
from makemore.metrics.intervals import Interval, exists, ratio_interval
from makemore.metrics.losses import losses
from makemore.runs.run import Run

_FRONT = """\
---
library_name: transformers
pipeline_tag: text-generation
license: {licence}
tags:
- makemore
- character-level
---"""

LICENCES = {
    "names": "us-public-domain",
    "words": "scowl",
    "companies": "public-domain",
    "babynames": "us-public-domain",
}
"""Short names for the licences of the bundled lists, none of which is among those that the hub knows."""

_USE = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

path = "."  # this directory
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForCausalLM.from_pretrained(path)
start = tokenizer("", return_tensors="pt")  # or what the {thing}s should begin with
made = model.generate(**start, num_return_sequences=10)
print(*tokenizer.batch_decode(made, skip_special_tokens=True), sep="\\n")
```"""


def card(run: Run, most: int) -> str:
    """Return the model card of a trained run, in Markdown.

    It has numbers about the list, and no line of it.

    Args:
        run: The run.
        most: How many tokens the model reads at most.

    """
    thing = "line" if run.reading is None else run.reading.thing
    parts = [
        _FRONT.format(licence=_licence(run)),
        f"# More {thing}s like those of {list_name(run)}",
        _what(run, thing),
        "## Use",
        _USE.format(thing=thing),
        _tokens(run, thing, most),
        "## How good it is",
        *_numbers(run, thing),
        "## The list",
        _list(run, thing),
    ]
    return "\n\n".join(parts)


def list_name(run: Run) -> str:
    """Return the name of the list without the path to it."""
    if run.reading is None:
        return "a list"
    return PurePath(run.reading.source.removesuffix(" (bundled)")).name or "a list"


def _what(run: Run, thing: str) -> str:
    n = sum(parameter.numel() for parameter in run.model.parameters())
    return (
        f"A character-level language model that reads and writes one {thing} at a time: makemore's `{run.type}`, "
        f"{n:,} parameters, trained on a list and nothing else."
    )


def _tokens(run: Run, thing: str, most: int) -> str:
    longer = f"it has seen no longer {thing}s"
    if run.type == "transformer":  # which has a vector for each position; a llama turns its vectors further
        longer = f"it reads {most:,} tokens, and longer {thing}s are beyond it"
    return (
        f"Every character is a token. The boundary, token 0, comes before a {thing} and after it, as bos and eos; "
        f"the tokenizer adds the one before. The model was made for {thing}s of up to {most - 1:,} characters: "
        f"{longer}. A character that the list does not have is an error."
    )


def _numbers(run: Run, thing: str) -> list[str]:
    """Return a table of losses, and what training found out about copying, if it ended."""
    rows = [f"| split | {thing}s | nats per token | 95% interval |", "| --- | ---: | ---: | --- |"]
    corpus, counts = run.corpus, run.corpus.counts()
    for split in SPLITS:
        found = losses(run.model, corpus, corpus.at_most(split, SCORED_TOKENS))
        units = np.asarray(found.units)
        interval = ratio_interval(found.lines, found.lengths.astype(np.float64), units, positive=True)
        rows.append(f"| {split} | {counts[split]:,} | {found.loss.nll:.4f} | {_shown(interval, 4)} |")
    parts = [
        f"A hash of each {thing} decides its split. A token is a character or the end of a {thing}.",
        "\n".join(rows),
    ]
    summary = run.summary()
    if summary is not None and not summary.steps:  # imported
        parts.append(
            f"It was trained elsewhere, on most of these held-out {thing}s too, so their losses are too good."
        )
    if summary is not None and summary.copy_ratio is not None and summary.memorising is not None:
        low, high = (math.nan if x is None else x for x in summary.copy_ratio_interval)
        parts.append(
            f"Copy ratio, how many times as likely training {thing}s are as held-out ones: "
            f"{summary.copy_ratio:.2f} (95% interval {_shown((low, high), 2)}). In words: "
            f"{summary.memorising.sentence}."
        )
    return parts


def _shown(interval: Interval, digits: int) -> str:
    if not exists(interval):
        return "too few lines for one"
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def _bundled(run: Run) -> BundledList | None:
    """Return the bundled list that a run was trained on; None if it is another one."""
    if run.reading is None or not run.reading.bundled:
        return None
    return next((each for each in bundled_lists() if run.reading.source == f"{each.name} (bundled)"), None)


def _licence(run: Run) -> str:
    """Return the licence in the form that the hub reads: `unknown` for a list of one's own."""
    bundled = _bundled(run)
    return "unknown" if bundled is None else f"other\nlicense_name: {LICENCES[bundled.name]}"


def _list(run: Run, thing: str) -> str:
    corpus = run.corpus
    text = (
        f"{list_name(run)}: {len(corpus):,} {thing}s, {len(corpus.vocab) - 1:,} different characters, the longest "
        f"{thing} {corpus.longest} characters. The list is not part of this directory, but a model may have "
        f"learned some of its {thing}s by heart: see above."
    )
    bundled = _bundled(run)
    if bundled is not None:
        return f"{text} It holds {bundled.description}. Licence of the list: {bundled.licence}."
    return (
        f"{text} Its licence is not known here: before you share the model, choose one that the list's allows, and "
        "write it in place of `unknown` in the first lines of this file."
    )
