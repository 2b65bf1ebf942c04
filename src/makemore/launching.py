"""Several processes of one command line on this machine, started and watched over by torch's elastic agent, as torchrun does."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable
from typing import Any

from makemore.errors import MakemoreError

RESTARTS = 10
"""How often lost processes are started again."""

Outcome = tuple[int, str]
"""An exit status, and the sentence to say with it, "" for none."""


def launch(
    command: Callable[[list[str]], Outcome], argv: list[str], processes: int, restarts: int = 0
) -> Outcome:
    """Let several processes run a command line together, and return how it ended.

    command: a function of a module, which every process calls with argv. restarts: how often all are started again after one
    was lost. What a process returns or raises is no such loss.
    """
    # on a machine without a name of its own in the network, restarted processes would look for each other in vain
    # (pytorch issue 135712); the agent's own log is for clusters
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // processes)))
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in ("torch.distributed", "torch.multiprocessing"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=uuid.uuid4().hex, rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", local_addr="localhost", max_restarts=restarts, signals_to_handle="SIGTERM,SIGHUP",
    )  # fmt: skip
    # Ctrl-C reaches the processes too, which end by themselves
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        outcomes: dict[int, Any] = elastic_launch(config, _process)(command, argv)
    except ChildFailedError:
        again = f", also after {restarts} restarts" if restarts else ""
        raise MakemoreError(
            f"one of the {processes} processes was lost{again}; see above, or whether memory ran out"
        ) from None
    except SignalException:
        return 130, ""
    finally:
        signal.signal(signal.SIGINT, before)
    status, sentence = outcomes[0]
    for other, its_own in outcomes.values():  # that of the first may only be that another is gone
        if (other and not (status and sentence)) or (its_own and sentence.startswith("another")):
            status, sentence = other, its_own
    return status, sentence


def _process(command: Callable[[list[str]], Outcome], argv: list[str]) -> Outcome:
    """What each process does."""
    outcome = command(argv)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return outcome


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
