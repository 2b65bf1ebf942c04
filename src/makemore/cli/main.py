"""The entry of the command line: run it once, print what went wrong, exit."""

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
    """Run a command line.

    Args:
        argv: The words after `makemore`.

    Returns:
        The exit status, and the sentence to complain with, "" if all went well.

    """
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
    except OSError as error:  # about a file that no part of the library has looked after
        return WRONG, about_the_system(error)
    except MemoryError:
        return WRONG, "there is not enough memory for this; ask for less at once"
    except KeyboardInterrupt:
        # a process whose launcher has ended is interrupted too, though nobody pressed Ctrl-C
        if not orphaned():
            print("makemore: interrupted", file=sys.stderr)
        return INTERRUPTED, ""
    return result, ""


def _launched(argv: Sequence[str], asked: Launch) -> tuple[int, str]:
    """Run a command line by several processes, and return how it ended."""
    from makemore.distributed.launch import RESTARTS, launch

    return launch(outcome, list(argv), asked.processes, RESTARTS if asked.restart else 0)
