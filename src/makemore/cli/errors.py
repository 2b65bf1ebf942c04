"""Errors as the command line prints them: one sentence, with options spelled as they are typed."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, get_args, get_origin

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from makemore.cli.options import flag_of
from makemore.cli.streams import OutputEnded
from makemore.cli.terminal import program, tell
from makemore.errors import MakemoreError, alike, shown

COMMANDS = (
    "train",
    "blend",
    "import",
    "sample",
    "score",
    "explain",
    "classify",
    "eval",
    "compare",
    "report",
    "play",
    "export",
    "eject",
    "inspect",
    "models",
    "data",
    "cache",
    "lessons",
)
"""The names of the commands, in the order that help shows."""

WRONG = 2
"""The exit status after an error message."""

_LONGEST = 2000
"""The most characters of an error message."""

_SPELLINGS = {
    "source": ("-i", "--input-file"),
    "input_file": ("-i", "--input-file"),
    "work_dir": ("-o", "--work-dir"),
    "output": ("-o", "--output"),
    "path": ("-o", "--output"),
    "n": ("-n", "--number", "--most-likely"),
    "number": ("-n", "--number"),
    "prefix": ("--prefix", "--starts-with"),
    "batch_size": ("--batch-size", "-b"),
    "learning_rate": ("--learning-rate", "-l"),
    "weight_decay": ("--weight-decay", "-w"),
    "clear_cache": ("`makemore cache clear`",),
}
"""Options with several spellings, or a name other than that of the argument; the usual spelling first."""

_REMEDIES = {
    errno.ENOSPC: "make room and run the command again",
    errno.EDQUOT: "make room and run the command again",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "choose another place",
    errno.EISDIR: "move that directory away, or choose another place",
    errno.ENOTDIR: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
}
"""What to do about an error of the operating system."""


def spelled(error: MakemoreError, argv: Sequence[str] | None = None) -> str:
    """Return the message of an error with its arguments spelled as options.

    An option that the command line holds is spelled as it is there. None takes sys.argv.
    """
    typed = {word.partition("=")[0] for word in (sys.argv[1:] if argv is None else argv)}

    def flag(name: str) -> str:
        spellings = _SPELLINGS.get(name) or (flag_of(name),)
        return next((each for each in spellings if each in typed), spellings[0])

    return error.spelled(flag)


def misread(error: CycloptsError, argv: Sequence[str]) -> str:
    """Return a sentence about an option, or a value, that the command line cannot take."""
    command = f" {argv[0]}" if argv and argv[0] in COMMANDS else ""
    see = f" see {program()}{command} --help"
    match error:
        case UnusedCliTokensError():
            word = (error.unused_tokens or ["?"])[0]
            return f"{shown(word)}: not expected here;{see}"
        case UnknownOptionError():
            word = error.token.keyword or error.token.value
            names = [name for each in error.argument_collection for name in each.names]
            return f"{shown(word)}: no such option;{alike(word, [*names, '--help']) or see}"
        case RepeatArgumentError():
            return f"{shown(error.token.keyword)}: given more than once; give it once"
        case MissingArgumentError() if error.argument is not None:
            if error.keyword:
                return f"{shown(error.keyword)}: needs a value;{see}"
            of_place = error.argument.index is not None  # not an option
            name = error.argument.name.lstrip("-").upper() if of_place else min(error.argument.names, key=len)
            return f"{name} is missing;{see}"
        case CoercionError() if error.token is not None and error.argument is not None:
            return _unfit(error, error.token.keyword or error.argument.name.lstrip("-").upper(), see)
    return f"{shown(' '.join(str(error).split()).rstrip('.'), 500)};{see}"


def _unfit(error: CoercionError, name: str, see: str) -> str:
    """Return a sentence about the value of an option, or of an argument, of that name."""
    value = error.token.value if error.token is not None else ""
    if get_origin(error.target_type) is Literal:
        choices = [str(each) for each in get_args(error.target_type)]
        there = alike(value, choices) or f" there are {', '.join(choices)}"
        return f"{shown(value)}: no such {name};{there}"
    if error.msg is not None:
        return f"{name}: {error.msg};{see}"
    return f'{name}: "{shown(value, 40)}" is not a number;{see}'


def about_the_system(error: OSError) -> str:
    """Return a sentence about an error of the operating system that the library did not expect."""
    about = "the system" if error.filename is None else shown(error.filename)
    remedy = _REMEDIES.get(error.errno or 0, "fix that and run the command again")
    return f"{about}: {error.strerror or error}; {remedy}"


def complain(sentence: str) -> int:
    """Print an error message, and return the exit status that goes with it."""
    with suppress(OutputEnded):
        sys.stdout.flush()
    if len(sentence) > _LONGEST:  # it quotes a long text
        sentence = f"{sentence[: _LONGEST // 2]} ... {sentence[-_LONGEST // 2 :]}"
    tell(f"makemore: {sentence}", "  ", sys.stderr)
    return WRONG
