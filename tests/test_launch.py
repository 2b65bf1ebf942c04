"""What --nproc starts: nothing listens on the network, nothing is left behind, the environment is checked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from makemore.distributed import group
from makemore.distributed.environment import MEETING
from makemore.errors import MakemoreError

COMMAND = [sys.executable, "-m", "makemore"]
LISTENS = "0A"
needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")


def listening(session: int) -> set[str]:
    """The addresses, as the kernel writes them, on which the processes of a session listen."""
    sockets = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) != session:
                continue
            for fd in (path / "fd").iterdir():
                if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd)):
                    sockets.add(found[1])
        except OSError:  # it ended meanwhile
            continue
    addresses = set()
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in sockets:
                addresses.add(fields[1].partition(":")[0])
    return addresses


LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def started(*args: object, temporary: Path) -> subprocess.Popen[str]:
    """Start a command in its own session."""
    temporary.mkdir(exist_ok=True)
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(temporary),
        "TORCHINDUCTOR_CACHE_DIR": "/nowhere",
    }
    return subprocess.Popen(
        [*COMMAND, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, start_new_session=True,
    )  # fmt: skip


def ours(temporary: Path) -> list[str]:
    """What is in the temporary directory, except for what torch keeps there."""
    return [path.name for path in temporary.iterdir() if not path.name.startswith("torchinductor")]


@pytest.mark.release
@pytest.mark.slow
@needs_proc
def test_processes_listen_on_the_loopback_only(small: Path, tmp_path: Path) -> None:
    """At no time; and the temporary directory is left empty."""
    process = started(
        "-i", small, "-o", tmp_path / "run", "--type", "mlp", "--max-steps", 200, "--nproc", 2,
        temporary=tmp_path / "tmp"
    )  # fmt: skip
    seen: set[str] = set()
    try:
        while process.poll() is None:
            seen |= listening(process.pid)
            time.sleep(0.005)
        assert process.returncode == 0, process.communicate()
    finally:
        process.kill()
    assert seen  # the workers do talk over sockets
    assert seen <= LOOPBACK
    assert ours(tmp_path / "tmp") == []


@pytest.mark.slow
@needs_proc
def test_a_killed_launcher_leaves_no_process_and_no_warning(small: Path, tmp_path: Path) -> None:
    process = started(
        "-i", small, "-o", tmp_path / "run", "--type", "mlp", "--max-steps", 1_000_000, "--nproc", 2,
        temporary=tmp_path / "tmp"
    )  # fmt: skip
    try:
        while not (tmp_path / "run" / "metrics.jsonl").exists():
            assert process.poll() is None
            time.sleep(0.05)
        assert [path.stat().st_mode & 0o777 for path in (tmp_path / "tmp").glob("makemore-*")] == [0o700]
    finally:
        process.kill()
    _, said = process.communicate(timeout=100)  # until the workers, which have the same streams, have ended
    assert set(said.splitlines()) <= {"makemore: interrupted"}, (
        said
    )  # of a worker that was not in its loop just then
    # a worker that is interrupted while it cleans up can leave the private directory, and nothing else
    assert [name for name in ours(tmp_path / "tmp") if not name.startswith("makemore-")] == []


ALONE = dict.fromkeys(
    [
        *("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", MEETING),
        *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"),
    ]
)
TORCHRUN = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29400",
}


def put(monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any]) -> None:
    for name, value in (ALONE | environment).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"WORLD_SIZE": "2"}, ["WORLD_SIZE=2", "not RANK", "with torchrun", "unset WORLD_SIZE"]),
        ({"WORLD_SIZE": "abc"}, ["WORLD_SIZE is 'abc'", "unset it"]),
        ({"WORLD_SIZE": "-1"}, ["WORLD_SIZE is '-1'"]),
        ({"WORLD_SIZE": "0"}, ["WORLD_SIZE is '0'"]),
        ({"WORLD_SIZE": "9" * 5000}, ["WORLD_SIZE is '999"]),
        (TORCHRUN | {"RANK": "x"}, ["RANK is 'x'"]),
        (TORCHRUN | {"RANK": "2"}, ["RANK=2", "less than WORLD_SIZE=2"]),
        (TORCHRUN | {"LOCAL_RANK": "x"}, ["LOCAL_RANK is 'x'"]),
        (TORCHRUN | {"MASTER_ADDR": None}, ["not MASTER_ADDR"]),
        (TORCHRUN | {"MASTER_PORT": ""}, ["not MASTER_PORT"]),
        (TORCHRUN | {"MASTER_PORT": "70000"}, ["MASTER_PORT is '70000'"]),
        ({"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "abc"},
         ["TORCHELASTIC_RESTART_COUNT is 'abc'"]),
    ],
)  # fmt: skip
def test_an_environment_that_torchrun_cannot_have_made(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any],
    says: list[str]
) -> None:  # fmt: skip
    put(monkeypatch, environment)
    result = makemore("-i", small, "-o", tmp_path / "run", "--type", "mlp", "--max-steps", 2)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("makemore: ")
    assert result.err.count("\n") == 1
    for words in says:
        assert words in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "x"}, {"RANK": "3", "LOCAL_RANK": "-7"}, {"TORCHELASTIC_RESTART_COUNT": "abc"},
        {"MASTER_ADDR": "nowhere"}, {"WORLD_SIZE": "1", "RANK": "0"}, {"WORLD_SIZE": ""},
    ],
)  # fmt: skip
def test_what_does_not_matter_is_ignored(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any]
) -> None:
    put(monkeypatch, environment)
    result = makemore("-i", small, "-o", tmp_path / "run", "--type", "bigram")
    assert result.status == 0, result.err
    assert "everything is in" in result.out  # and it speaks


@pytest.mark.parametrize("command", [["sample"], ["score", "emma"], ["eval", "-n", "100"]])
def test_other_commands_say_the_same(
    makemore: Any, small_run: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    put(monkeypatch, {"WORLD_SIZE": "2"})
    result = makemore(command[0], small_run, *command[1:])
    assert (result.status, result.out) == ((0, result.out) if command[0] == "eval" else (2, ""))
    assert command[0] == "eval" or "unset WORLD_SIZE" in result.err


def test_a_place_where_the_processes_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "MEETING_SECONDS", 1)
    put(monkeypatch, TORCHRUN | {"RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"})
    with pytest.raises(MakemoreError, match=r"MASTER_ADDR=127\.0\.0\.1 and MASTER_PORT=1"), group.joined():
        pass


def test_no_temporary_directory_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from makemore.distributed import launch as launching

    def none(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(launching.tempfile, "TemporaryDirectory", none)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(MakemoreError, match="set TMPDIR"):
        launching.launch(print, [], 2)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGINT) is before
