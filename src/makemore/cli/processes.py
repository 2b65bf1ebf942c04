"""Whether --nproc asks for several processes, and what a command returns if it does."""

from __future__ import annotations

import os
from dataclasses import dataclass

from makemore.errors import MakemoreError

MOST = 1024
"""The most processes that --nproc may start, so that a typo does not bring the machine down."""


@dataclass(frozen=True)
class Launch:
    """What a command returns to have its command line run by several processes."""

    processes: int
    restart: bool = False
    """Whether lost processes are restarted."""


def several(nproc: int) -> bool:
    """Return whether --nproc asks for processes that are not running yet.

    The processes that were started see the same command line. Raises MakemoreError if the number is out of
    range.
    """
    if not 1 <= nproc <= MOST:
        raise MakemoreError(f"--nproc must be from 1 to {MOST:,}, not {nproc}")
    return nproc > 1 and "TORCHELASTIC_RUN_ID" not in os.environ
