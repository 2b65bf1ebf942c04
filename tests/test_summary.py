"""The summary and the metrics of a run: what this or an earlier version wrote can be read."""

import json
import math
from pathlib import Path

import pytest

import makemore
from makemore.files.json_io import to_json
from makemore.runs.summary import Metrics, Summary

OLD = Path(__file__).parent / "old_runs"


@pytest.fixture
def values() -> dict:
    found = json.loads((OLD / "gru" / "summary.json").read_text())
    found["memorising"]["folds"] = False  # which that version did not know
    return found


def test_a_summary_survives_json(values: dict) -> None:
    summary = Summary.from_json(values)
    assert summary.to_json() == values
    assert list(summary.to_json()) == list(values)
    assert summary.nll["test"] == values["nll"]["test"]
    assert summary.baselines.bigram == values["baselines"]["bigram"]


def test_an_infinite_loss_survives_json(values: dict) -> None:
    values["nll"]["test"] = values["baselines"]["bigram"]["test"] = None
    summary = Summary.from_json(values)
    assert summary.nll["test"] == summary.baselines.bigram["test"] == math.inf
    assert json.loads(to_json(summary.to_json())) == values


def test_a_summary_of_an_early_version_lacks_what_it_did_not_measure(values: dict) -> None:
    for name in ("copy_ratio", "copy_ratio_interval", "train_mass", "memorising"):
        del values[name]
    summary = Summary.from_json(values)
    assert (summary.copy_ratio, summary.copy_ratio_interval) == (None, (None, None))
    assert (summary.train_mass, summary.memorising) == (None, None)


def test_the_verdict_on_an_early_run_comes_from_its_numbers(values: dict) -> None:
    del values["memorising"]
    verdict = Summary.from_json(values | {"train_mass": 0.0}).memorising
    assert verdict is not None
    assert verdict.share == 0


@pytest.mark.parametrize("name", ["type", "parameters", "steps", "nll", "baselines"])
def test_a_summary_without_what_every_version_wrote(values: dict, name: str) -> None:
    del values[name]
    with pytest.raises(ValueError, match=f"{name} is missing"):
        Summary.from_json(values)


@pytest.mark.parametrize("name", ["lines", "tokens", "nll"])
def test_a_summary_without_a_split(values: dict, name: str) -> None:
    del values[name]["test"]
    with pytest.raises(ValueError, match="test is missing"):
        Summary.from_json(values)


def test_a_row_of_metrics_survives_json() -> None:
    rows = [json.loads(line) for line in (OLD / "gru" / "metrics.jsonl").read_text().splitlines()]
    assert [Metrics.from_json(row).to_json() for row in rows] == rows
    assert Metrics.from_json({"step": 1, "train": 2.5, "validation": 3}).seconds is None


def test_before_training_has_ended_there_is_no_summary(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("emma\nolivia\nava\nisabella\nsophia\n" * 4, "utf-8")
    run = makemore.train(names, type="mlp", work_dir=tmp_path / "run", max_steps=5, stop=lambda: True)
    assert run.summary() is None
    assert [row.step for row in run.metrics()] == [0]
