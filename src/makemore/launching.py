"""Several processes of one command line on this machine, started and watched over by torch's elastic agent, as torchrun does."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

from makemore.errors import MakemoreError

RESTARTS = 10
"""How often lost processes are started again."""

STOPPED = 130
"""The exit status of a process that was asked to stop."""

Outcome = tuple[int, str]
"""An exit status, and the sentence to say with it, "" for none."""


def launch(
    command: Callable[[list[str]], Outcome], argv: list[str], processes: int, restarts: int = 0
) -> Outcome:
    """Let several processes run a command line together, and return how it ended.

    command: a function of a module, which every process calls with argv. restarts: how often all are started again after one
    was lost; one that ends with an error is not, and ends them all.
    """
    # on a machine without a name of its own in the network, restarted processes would look for each other in vain
    # (pytorch issue 135712); the agent's own log is for clusters
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // processes)))
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from makemore import parallel

    for name in ("torch.distributed", "torch.multiprocessing"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=uuid.uuid4().hex, rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", local_addr="localhost", max_restarts=restarts, signals_to_handle="SIGTERM,SIGHUP",
    )  # fmt: skip
    # Ctrl-C reaches the processes too, which end by themselves
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    os.environ[parallel.LAUNCHER] = str(os.getpid())
    with tempfile.TemporaryDirectory() as directory:
        note = Path(directory) / "error.json"
        try:
            outcomes: dict[int, Outcome] = elastic_launch(config, _process)(command, argv, note)
        except ChildFailedError:
            if (error := _error(note)) is not None:
                return error
            again = f", also after {restarts} restarts" if restarts else ""
            raise MakemoreError(
                f"one of the {processes} processes was lost{again}; did memory run out?"
            ) from None
        except SignalException:
            return STOPPED, ""
        finally:
            signal.signal(signal.SIGINT, before)
            del os.environ[parallel.LAUNCHER]
        return outcomes[0]


def _process(command: Callable[[list[str]], Outcome], argv: list[str], note: Path) -> Outcome:
    """What each process does. An error is noted for those that are started again, which then have nothing to do."""
    if (error := _error(note)) is not None:
        return error
    from makemore import parallel

    try:
        status, sentence = command(argv)
    except Exception:
        traceback.print_exc()
        status, sentence = 1, ""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    well = status in (0, STOPPED)
    if well and not parallel.orphaned():
        return status, sentence
    if not well and sentence != parallel.LOST and not note.exists():
        beside = note.with_name(str(os.getpid()))
        beside.write_text(json.dumps([status, sentence]), "utf-8")
        beside.replace(note)
    os._exit(status)  # at once, with all connections, or the others would wait for this one


def _error(note: Path) -> Outcome | None:
    """The error that a process has noted."""
    try:
        status, sentence = json.loads(note.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return status, sentence


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
