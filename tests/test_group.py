"""Several processes train, sample and score as one does, and losing one of them loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import makemore as library
from makemore.distributed import launch as launching
from makemore.distributed.dropout import SharedDropout
from makemore.distributed.group import ALONE, Group, joined
from makemore.errors import MakemoreError
from makemore.training import plan
from makemore.training.start import train as train_

STEPS = 50


def test_one_process_alone() -> None:
    assert (ALONE.first, ALONE.size) == (True, 1)
    assert (ALONE.mean(2.5), ALONE.told(2.5), ALONE.same("a"), ALONE.anybody(False)) == (2.5, 2.5, "a", False)
    assert list(ALONE.share(np.arange(5))) == list(range(5))
    assert list(ALONE.shared("abc", str.upper)) == ["A", "B", "C"]


@pytest.mark.parametrize(("size", "turned"), [(2, False), (3, False), (8, False), (2, True), (3, True)])
def test_dropout_is_that_of_one_process(size: int, turned: bool) -> None:
    """Even for tensors in another memory order, and for a process without rows."""

    def laid_out(x: torch.Tensor) -> torch.Tensor:
        return x.transpose(0, 1).contiguous().transpose(0, 1) if turned else x.contiguous()

    whole = laid_out(torch.randn(6, 4, 3))
    torch.manual_seed(1)
    right = torch.nn.Dropout(0.4)(whole)
    for rank in range(size):
        group = Group(rank, size)
        rows = group.share(np.arange(6))
        dropout = SharedDropout(0.4, group)
        torch.manual_seed(1)
        mine = laid_out(whole[rank::size])
        assert torch.equal(dropout(mine), right[rank::size])
        assert len(rows) == len(mine)
        assert dropout.eval()(mine) is mine


def test_spread_replaces_dropout_and_leaves_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.parallel, "DistributedDataParallel", lambda module: module)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.Dropout(0.3)))
    before = model.state_dict().keys()
    group = Group(0, 2)
    assert ALONE.spread(model, model) is model
    assert not any(isinstance(module, SharedDropout) for module in model.modules())
    group.spread(model, model)
    (dropout,) = (module for module in model.modules() if isinstance(module, torch.nn.Dropout))
    assert isinstance(dropout, SharedDropout)
    assert (dropout.p, dropout.group) == (0.3, group)
    assert model.state_dict().keys() == before


def run(*arguments: object, torchrun: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command line in its own processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *(launcher if torchrun else []), "-m", "makemore", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=300)


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


def options(directory: Path, source: Path, type: str = "lstm", steps: int = STEPS) -> list[object]:
    return [
        "train", "-i", source, "-o", directory, "--type", type, "--max-steps", steps, "-b", 30,
        "--precision", "float32", "--device", "cpu",
    ]  # fmt: skip


def metrics(directory: Path) -> list[dict[str, float]]:
    lines = (directory / "metrics.jsonl").read_text("utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def one(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process."""
    directory = tmp_path_factory.mktemp("one") / "run"
    library.train(
        small,
        work_dir=directory,
        type="lstm",
        max_steps=STEPS,
        batch_size=30,
        precision="float32",
        device="cpu",
    )
    return directory


@pytest.fixture(scope="module")
def two(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by two that torchrun started. The LSTM applies dropout to tensors in two memory orders."""
    directory = tmp_path_factory.mktemp("two") / "run"
    done = run(*options(directory, small), torchrun=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("everything is in") == 1  # one of them speaks
    return directory


def alike(a: Path, b: Path) -> None:
    """Check that the losses of two runs agree at every step."""
    left, right = metrics(a), metrics(b)
    assert [each["step"] for each in left] == [each["step"] for each in right]
    assert left[-1]["step"] == STEPS
    for x, y in zip(left, right, strict=True):
        for name in ("batch", "train", "validation"):
            assert abs(x[name] - y[name]) < 1e-4, (x["step"], name)


@pytest.mark.slow
def test_two_processes_train_as_one(one: Path, two: Path) -> None:
    alike(one, two)


@pytest.mark.release
@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 1)])
def test_a_run_goes_on_with_another_number_of_processes(
    one: Path, small: Path, tmp_path: Path, before: int, after: int
) -> None:
    """The losses of 40 steps, and so their batches, are those of a run that was never interrupted."""
    directory = tmp_path / "run"
    # stopped by its own clock in the middle of an epoch
    code = (
        "import makemore, sys; n = 0\n"
        "def count(event):\n    global n; n += type(event).__name__ == 'Step'\n"
        f"makemore.train({str(small)!r}, work_dir={str(directory)!r}, type='lstm', max_steps={STEPS},"
        " batch_size=30, precision='float32', device='cpu', on_event=count, stop=lambda: n >= 17)\n"
    )
    script = tmp_path / "stop.py"
    script.write_text(code, "utf-8")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if before > 1 else []
    done = subprocess.run(
        [sys.executable, *launcher, script], capture_output=True, text=True, env=environment(), timeout=300
    )
    assert done.returncode == 0, done.stderr
    again = [
        "train", "--resume", "-o", directory, "--patience", 7, *(["--nproc", 2] if after > 1 else []),
    ]  # fmt: skip
    done = run(*again)
    assert done.returncode == 0, done.stderr
    assert "continuing from step 17" in done.stdout
    alike(one, directory)


@pytest.mark.release
@pytest.mark.slow
def test_a_lost_process_is_started_again_and_nothing_is_lost(two: Path, small: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    command = [sys.executable, "-m", "makemore", *map(str, options(directory, small)), "--nproc", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        while not (directory / "metrics.jsonl").exists() or len(metrics(directory)) < 3:
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(workers(process.pid)[1], signal.SIGKILL)
        out, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "continuing from step" in out
    assert metrics(directory) == metrics(two)  # to the last bit
    for name in ("best.safetensors", "last.safetensors"):
        a, b = load_file(two / name), load_file(directory / name)
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[key], b[key]) for key in a)


def workers(launcher: int) -> list[int]:
    """The processes that a launcher has started to train."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == launcher and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return sorted(found)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the processes")
def test_processes_whose_launcher_is_gone_save_and_end(small: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    endless = options(directory, small, steps=100_000)
    command = [sys.executable, "-m", "makemore", *map(str, endless), "--nproc", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    try:
        while not (directory / "metrics.jsonl").exists():
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.5)
        there = workers(process.pid)
    finally:
        process.kill()
    process.wait()
    for _ in range(600):
        if not any(Path(f"/proc/{number}").exists() for number in there):
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process goes on without its launcher")
    assert len(there) == 2
    train_(work_dir=directory, resume=True, max_steps=1)  # nobody holds it, and the checkpoint is whole


def fails(argv: list[str]) -> tuple[int, str]:
    """A command that goes wrong in one of its processes, while the other waits for it."""
    try:
        with joined() as group:
            (Path(argv[0]) / f"{group.rank}.{os.getpid()}").touch()
            if group.rank == 1:
                raise MakemoreError("what went wrong") if argv[1] == "error" else ValueError(argv[1])
            group.wait()
    except MakemoreError as error:
        return 2, str(error)
    return 0, ""


@pytest.mark.slow
@pytest.mark.parametrize(("how", "outcome"), [("error", (2, "what went wrong")), ("bug", (1, ""))])
def test_an_error_of_one_process_ends_all_and_is_not_tried_again(
    how: str, outcome: tuple[int, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert launching.launch(fails, [str(tmp_path), how], 2, restarts=3) == outcome
    assert len(list(tmp_path.iterdir())) == 2
    assert ("ValueError: bug" in capfd.readouterr().err) == (how == "bug")


@pytest.mark.slow
def test_two_processes_sample_and_score_as_one(makemore: Any, one: Path, tmp_path: Path) -> None:
    """In blocks, each with its own random numbers."""
    n = 9000  # more than one block
    alone = makemore("sample", one, "-n", n, "--seed", 5, "--max-length", 4)
    both = run("sample", one, "-n", n, "--seed", 5, "--max-length", 4, "--nproc", 2)
    assert both.returncode == 0, both.stderr
    assert both.stdout == alone.out
    lines = alone.out.splitlines()
    assert len(lines) == n
    assert lines[: n // 3] != lines[-n // 3 :]
    assert len(set(lines[:8192]) ^ set(lines[8192:])) > 100  # the second block is not the first again
    file = tmp_path / "lines.txt"
    file.write_text("\n".join([*lines[:2500], "no_such_character", *lines[:10]]) + "\n", "utf-8")
    alone, both = makemore("score", one, "-i", file), run("score", one, "-i", file, "--nproc", 2)
    assert both.returncode == alone.status == 2  # because of the strange line, whose score is inf
    assert both.stdout == alone.out
    assert both.stderr == alone.err
    assert both.stdout.count("\n") == 2511
    assert library.load(one).score(lines[:1])[0] == pytest.approx(float(both.stdout.split("\t")[0]), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("command", [["sample", "-n", "50000"], ["score", "-i", "names"]])
def test_a_reader_that_has_had_enough(one: Path, command: list[str]) -> None:
    words = [sys.executable, "-m", "makemore", command[0], one, *command[1:], "--nproc", 2]
    process = subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert said == ""


@pytest.mark.slow
def test_what_several_processes_cannot_train_is_one_sentence(tmp_path: Path) -> None:
    done = run("train", "-i", "names", "-o", tmp_path / "run", "--diagnostics", "--nproc", 2)
    assert done.returncode == 2
    assert "--diagnostics" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("mlp_bn", False, False), "type mlp_bn learns from the lines of a batch together"),
        (("ngram", False, False), "type ngram is fitted by counting"),
        (("lstm", True, False), "only one process can read"),
        (("lstm", False, True), "diagnostics"),
    ],
)
def test_what_several_processes_cannot_train(monkeypatch: pytest.MonkeyPatch, asked: Any, says: str) -> None:
    plan.check_several(*asked)
    monkeypatch.setattr(plan, "launched", lambda: True)
    with pytest.raises(MakemoreError, match=f"{says}.*; train it in one process"):
        plan.check_several(*asked)
    plan.check_several("lstm", False, False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--nproc", "0"], "--nproc must be from 1"),
        (["score", "-i", "-", "--nproc", "2"], "-i"),
        (["train", "-i", "-", "--nproc", "2"], "standard input"),
        (["sample", "--unique", "--nproc", "2"], "--unique"),
        (["sample", "--most-likely", "3", "--nproc", "2"], "--most-likely looks at all lines together"),
        (["score", "--nproc", "2"], "-i"),
        (["score", "out", "emma", "-i", "names"], "not both"),
    ],
)
def test_what_several_processes_cannot_do_is_one_sentence(
    makemore: Any, arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any other process is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launching, "launch", None)
    done = makemore(*arguments, stdin="")
    assert (done.status, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1
