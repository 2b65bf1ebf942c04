"""The entry of the command line: run it once, print errors, exit."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from makemore.cli.app import run
from makemore.cli.errors import WRONG, about_the_system, complain, misread, spelled
from makemore.cli.processes import Launch
from makemore.cli.streams import OutputEnded, prepare
from makemore.distributed.devices import own_process
from makemore.distributed.environment import orphaned
from makemore.errors import MakemoreError

INTERRUPTED = 130
"""The exit status after Ctrl-C."""


def main() -> None:
    """Run the command line and exit with its status; the `makemore` script calls this."""
    status, sentence = outcome(sys.argv[1:])
    sys.exit(complain(sentence) if sentence else status)


def outcome(argv: list[str]) -> tuple[int, str]:
    """Run the words after `makemore`; return the exit status, and the error message, "" if there is none."""
    own_process()
    prepare()
    try:
        result = run(argv)
        if isinstance(result, Launch):
            return _launched(argv, result)
        sys.stdout.flush()
    except MakemoreError as error:
        return WRONG, spelled(error, argv)
    except OutputEnded as ended:
        return (0, "") if ended.unread else (WRONG, f"standard output: cannot be written: {ended}")
    except CycloptsError as error:
        return WRONG, misread(error, argv)
    except OSError as error:  # about a file, and not handled anywhere in the library
        return WRONG, about_the_system(error)
    except MemoryError:
        return WRONG, "there is not enough memory for this; ask for less at a time"
    except KeyboardInterrupt:
        # a process is also interrupted when its launcher ends; then nobody pressed Ctrl-C
        if not orphaned():
            print("makemore: interrupted", file=sys.stderr)
        return INTERRUPTED, ""
    return result, ""


def _launched(argv: Sequence[str], asked: Launch) -> tuple[int, str]:
    """Run a command line by several processes, and return how it ended."""
    from makemore.distributed.launch import RESTARTS, launch

    return launch(outcome, list(argv), asked.processes, RESTARTS if asked.restart else 0)
