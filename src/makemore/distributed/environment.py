"""What torchrun, or `launch`, tells each process that it starts: environment variables."""

from __future__ import annotations

import os

from makemore.errors import MakemoreError

LAUNCHER = "MAKEMORE_LAUNCHER"
"""The environment variable with the id of the process that started this one for --nproc."""

MEETING = "MAKEMORE_MEETING"
"""The environment variable with the private directory in which the processes of one `launch` meet."""

_launcher = os.environ.get(LAUNCHER, "")
_PARENT = int(_launcher) if _launcher.isdecimal() else os.getppid()


def launched() -> bool:
    """Return whether this process is one of several that were started together.

    Raises MakemoreError if the environment is one that torchrun cannot have made.
    """
    several = variable("WORLD_SIZE", 1, 1)
    if several == 1:
        return False
    for name in ("RANK", *(() if MEETING in os.environ else ("MASTER_ADDR", "MASTER_PORT"))):
        if not os.environ.get(name):
            raise MakemoreError(
                f"the environment has WORLD_SIZE={several}, for several processes, but not {name}; "
                "start the processes with torchrun, or unset WORLD_SIZE"
            )
    if variable("RANK", 0) >= several:
        raise MakemoreError(
            f"the environment has RANK={variable('RANK', 0)}, which must be less than WORLD_SIZE={several}; "
            "correct it, or unset WORLD_SIZE"
        )
    if MEETING not in os.environ:
        variable("MASTER_PORT", 0, 1, 65535)
    variable("LOCAL_RANK", 0)
    return True


def restarted() -> bool:
    """Return whether this process was started to replace one that died."""
    return "TORCHELASTIC_RUN_ID" in os.environ and variable("TORCHELASTIC_RESTART_COUNT", 0) > 0


def launch_id() -> str:
    """Return an id shared by all processes that were started together, or "" if this one was not."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    on_one_machine = os.environ.get("LOCAL_WORLD_SIZE") == os.environ.get("WORLD_SIZE")
    return f"none {_PARENT}" if name == "none" and on_one_machine else name


def orphaned() -> bool:
    """Return whether the process that started this one is gone, so that nothing can restart it."""
    return os.getppid() != _PARENT and launched()


def variable(name: str, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """Return the whole number in an environment variable, or `default` if it is empty or not set.

    Raises MakemoreError if it is not a number from `least` to `most`.
    """
    text = os.environ.get(name, "")
    if not text:
        return default
    if not (text.isdecimal() and len(text) <= 10 and least <= int(text) <= most):
        raise MakemoreError(
            f"the environment variable {name} is {text[:80]!r}, but torchrun, which reads it, needs a whole "
            f"number of {least:,} or more; unset it, or start the processes with torchrun"
        )
    return int(text)
