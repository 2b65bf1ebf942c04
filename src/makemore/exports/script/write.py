"""`export --to script`: a script, and beside it the weights and characters of a run."""

from __future__ import annotations

from pathlib import Path

import torch

from makemore.exports.own import MARK
from makemore.exports.script.assemble import eject
from makemore.exports.script.seal import CHECKSUM, checksum_of
from makemore.exports.weights import never
from makemore.runs.run import Run

WEIGHTS = ".pt"
"""How the name of the file with the weights ends; otherwise it is that of the script."""


def refusal(run: Run) -> str:
    """Say why a run has no script; an empty string if it has one."""
    if run.setup.blend is not None:
        return "a blend holds several models"
    if run.vocab.labels:
        return "its lines have labels, which a script cannot read"
    if run.vocab.forms.clusters or run.vocab.forms.line_breaks:
        return "its characters are clusters or line breaks, and a script has one code point for each and a line for each thing"
    return ""


def write(run: Run, path: Path) -> None:
    """Write the script of a run's type."""
    path.write_text(eject(run.type), "utf-8", newline="\n")


def write_weights(run: Run, path: Path) -> None:
    """Write what the script loads."""
    knobs = {name: value for name, value in run.setup.knobs.items() if name != "labels"}
    weights = run.model.state_dict()
    saved = {
        MARK: "".join(["\n", *run.vocab.names[1:]]),
        "longest": run.corpus.longest,
        "never": never(run.vocab),
        "weights": weights,
        "knobs": knobs,
        CHECKSUM: checksum_of(weights),
    }
    torch.save(saved, path)
