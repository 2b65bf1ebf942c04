"""Start several processes of one command line on this machine, supervised by torch's elastic agent."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from makemore.distributed.environment import LAUNCHER, MEETING, orphaned
from makemore.errors import MakemoreError

if TYPE_CHECKING:  # torch takes two seconds to import
    from torch.distributed.launcher.api import LaunchConfig

RESTARTS = 10
"""How often lost processes are started again."""

STOPPED = 130
"""The exit status of a process that was asked to stop."""

Outcome = tuple[int, str]
"""An exit status, and the sentence to print with it, "" for none."""

Command = Callable[[list[str]], Outcome]
"""What every process calls with the command line; a function of a module, so that it can be pickled."""


def launch(command: Command, argv: list[str], processes: int, restarts: int = 0) -> Outcome:
    """Run a command line in several processes together, and return how it ended.

    The processes meet in files of a private directory and talk over the loopback interface: nothing listens
    to the network. If one is lost, all are started again, at most `restarts` times. An error is not a loss:
    it ends all. Raises MakemoreError if processes were lost more than `restarts` times, or there is no
    temporary directory.
    """
    _set_environment(processes)
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    for name in ("torch.distributed", "torch.multiprocessing"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with _private_directory() as directory, _as_launcher(directory):
        note = directory / "error.json"
        start = elastic_launch(_agent(directory, processes, restarts), _process)
        try:
            outcomes: dict[int, Outcome] = start(command, argv, note)
        except ChildFailedError:
            if (error := _error(note)) is not None:
                return error
            again = f", even after {restarts} restarts" if restarts else ""
            raise MakemoreError(
                f"one of the {processes} processes was lost{again}; did memory run out?"
            ) from None
        except SignalException:
            return STOPPED, ""
        return outcomes[0]


def _agent(directory: Path, processes: int, restarts: int) -> LaunchConfig:
    """Return the configuration of torch's elastic agent."""
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        local_addr="localhost",
        rdzv_backend="c10d",
        rdzv_configs={"store_type": "file"},
        rdzv_endpoint=str(directory / "agent"),
        max_restarts=restarts,
        signals_to_handle="SIGTERM,SIGHUP",
        logs_specs=DefaultLogsSpecs(str(directory)),
    )


@contextlib.contextmanager
def _as_launcher(directory: Path) -> Iterator[None]:
    """Tell the processes started in the block what started them and where to meet; ignore Ctrl-C."""
    # Ctrl-C reaches the processes too, which end by themselves
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    os.environ |= {LAUNCHER: str(os.getpid()), MEETING: str(directory)}
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        del os.environ[LAUNCHER], os.environ[MEETING]


def _set_environment(processes: int) -> None:
    """Set the environment variables that torch and the started processes read."""
    # torch would serve a store of its own on every interface
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = loopback
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # the agent's own log is for clusters
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // processes)))
    # Python's resource tracker warns of semaphores when the launcher is killed, and then removes them itself
    warnings = [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"]
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, warnings))


@contextlib.contextmanager
def _private_directory() -> Iterator[Path]:
    """Make a directory that only this user can enter; remove it at the end."""
    try:
        directory = tempfile.TemporaryDirectory(prefix="makemore-", ignore_cleanup_errors=True)
    except OSError as error:
        raise MakemoreError(
            f"cannot make a temporary directory ({error.strerror or error}); set TMPDIR to a writable one"
        ) from None
    with directory as name:
        yield Path(name)


def _process(command: Command, argv: list[str], note: Path) -> Outcome:
    """Run the command in one of the processes; note its error, so that restarted processes end at once."""
    if (error := _error(note)) is not None:
        return error
    from makemore.distributed.group import LOST

    try:
        status, sentence = command(argv)
    except Exception:
        traceback.print_exc()
        status, sentence = 1, ""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    well = status in (0, STOPPED)
    if orphaned():  # the launcher cannot do it any more
        shutil.rmtree(note.parent, ignore_errors=True)
    elif well:
        return status, sentence
    if not well and sentence != LOST and note.parent.exists() and not note.exists():
        beside = note.with_name(str(os.getpid()))
        beside.write_text(json.dumps([status, sentence]), "utf-8")
        beside.replace(note)
    os._exit(status)  # at once, with all connections, or the other processes would wait for this one


def _error(note: Path) -> Outcome | None:
    """Return the error that a process has noted."""
    try:
        status, sentence = json.loads(note.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return status, sentence


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
