"""The files of a run: only the first of several processes writes them."""

import os
import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from safetensors.torch import save_file

from makemore.distributed.group import Group
from makemore.errors import MakemoreError
from makemore.metrics.layers import Row
from makemore.runs.directory import RunDirectory
from makemore.runs.run import Run
from makemore.runs.summary import Metrics


@pytest.fixture
def copy(small_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_run, tmp_path / "run"))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def write_everything(run: Run) -> None:
    summary, checkpoint = run.summary(), run.disk.load_checkpoint()
    assert summary is not None
    assert checkpoint is not None
    run.disk.write_config(run.setup)
    run.disk.save_best(run.new_model())
    run.disk.save_checkpoint(*checkpoint)
    run.disk.add_metrics(Metrics(step=6, train=2.0, validation=2.0))
    run.disk.rewind_metrics(0)
    run.disk.add_diagnostics(Row(1, 2.0, 0.1, None, {}, {}))
    run.disk.forget_end()
    run.disk.write_picture("loss.png", Figure())
    run.disk.write_summary(summary)


def test_a_process_that_is_not_the_first_writes_nothing(copy: Path, tmp_path: Path) -> None:
    before = contents(copy)
    run = Run.load(copy, Group(1, 2))
    write_everything(run)
    RunDirectory(tmp_path / "new", Group(1, 2)).create(run.setup, run.corpus)
    assert contents(copy) == before
    assert not os.path.exists(tmp_path / "new")


def test_weights_without_their_checksum_are_refused_before_anything_else_was_read(copy: Path) -> None:
    model = Run.load(copy).new_model()
    save_file(model.state_dict(), copy / "best.safetensors")
    with pytest.raises(MakemoreError, match=r"best\.safetensors: .*checksum is wrong"):
        RunDirectory(copy).read_best(model)


def test_the_first_process_writes(copy: Path) -> None:
    before = contents(copy)
    write_everything(Run.load(copy, Group(0, 2)))
    after = contents(copy)
    assert {name for name in after if after[name] != before.get(name)} >= {
        "best.safetensors",
        "metrics.jsonl",
    }
    assert [row.step for row in Run.load(copy).metrics()] == [0]
