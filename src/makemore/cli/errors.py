"""Errors as the command line prints them: one sentence that names options as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from makemore.errors import MakemoreError

_SPELLINGS = {
    "source": ("-i", "--input-file"),
    "input_file": ("-i", "--input-file"),
    "work_dir": ("-o", "--work-dir"),
    "output": ("-o", "--output"),
    "n": ("-n", "--number", "--most-likely"),
    "number": ("-n", "--number"),
    "batch_size": ("--batch-size", "-b"),
    "learning_rate": ("--learning-rate", "-l"),
    "weight_decay": ("--weight-decay", "-w"),
}
"""Options with several spellings, or a name other than that of the argument; the usual spelling first."""


def spelled(error: MakemoreError, argv: Sequence[str] | None = None) -> str:
    """Return the message of an error with its arguments spelled as options.

    Args:
        error: What the library raised.
        argv: The command line; an option that it holds is spelled as it is there. None takes sys.argv.

    """
    typed = {word.partition("=")[0] for word in (sys.argv[1:] if argv is None else argv)}

    def flag(name: str) -> str:
        spellings = _SPELLINGS.get(name) or (f"--{name.replace('_', '-')}",)
        return next((each for each in spellings if each in typed), spellings[0])

    return error.spelled(flag)
