"""Files of a run with the wrong content, or that are not files: a sentence, never a traceback or a hang."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import makemore as library
from makemore.errors import MakemoreError
from makemore.files.json_io import read_json
from makemore.reports.compared import Comparison
from makemore.runs.run import load
from makemore.runs.settings import Settings
from makemore.runs.summary import Summary
from makemore.training.start import train


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(small_run, tmp_path / "run")


def changed(path: Path, **values: Any) -> None:
    """Change values in a JSON file; a key like training__seed is nested."""
    whole = json.loads(path.read_text("utf-8"))
    for key, value in values.items():
        *outer, last = key.split("__")
        inside = whole
        for name in outer:
            inside = inside[name]
        inside[last] = value
    path.write_text(json.dumps(whole), "utf-8")


def refused(result: Any, *says: str) -> None:
    assert (result.status, result.out) == (2, ""), result.err
    assert result.err.startswith("makemore: ")
    assert result.err.count("\n") == 1
    assert len(result.err) < 600
    for words in says:
        assert words in result.err


# not files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "corpus.npy", "best.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "directory"])
def test_a_pipe_or_a_directory_for_a_file(
    makemore: Callable[..., Any], run: Path, name: str, kind: str
) -> None:
    (run / name).unlink()
    if kind == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).mkdir()
    refused(makemore("sample", run), name, "a pipe" if kind == "pipe" else "a directory")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["metrics.jsonl", "last.safetensors", "diagnostics.jsonl"])
def test_a_pipe_in_a_resumed_run(makemore: Callable[..., Any], run: Path, name: str) -> None:
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    refused(makemore("--resume", "-o", run, "--max-steps", 6, "--device", "cpu"), name, "is a")


# JSON


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        "9" * 5000,
        '{"format": ' + "9" * 5000 + "}",
        "\udcff",
        "",
        "nul",
        "[1",
        "\x00",
    ],
)
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "summary.json"])
def test_files_that_are_not_json(makemore: Callable[..., Any], run: Path, name: str, text: str) -> None:
    (run / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(makemore("eval", run, "-n", 100), name)
    if name == "config.json":  # damaged, so it may be replaced
        assert makemore("-i", "names", "--type", "bigram", "-o", run).status == 2


def test_a_file_that_is_far_too_large(run: Path) -> None:
    with open(run / "config.json", "r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(MakemoreError, match="too large"):
        load(run)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"training__batch_size": -5}, "batch_size must be 1 or more, not -5"),
        ({"training__teacher": 5.0}, "teacher must be 0 or more, for no teacher, and less than 1, not 5"),
        ({"training__precision": "int8"}, "precision must be float32 or bfloat16, not int8"),
        ({"training__learning_rate": float("nan")}, "learning_rate"),
        (
            {"training__learning_rate": float("inf")},
            "learning_rate must be more than 0 and at most 1,000, not",
        ),
        ({"training__weight_decay": -1.0}, "weight_decay"),
        ({"training__eval_every": 0}, "eval_every must be 1 or more, not 0"),
        ({"training__patience": -1}, "patience"),
        ({"training__seed": -1}, "seed must be 0 or more and less than 2^63, not -1"),
        ({"training__seed": 2**63}, "must be less than 2^63"),
        ({"training__max_steps": 10**30}, "max_steps"),
        ({"training__max_steps": -2}, "max_steps must be 1 or more, or -1 to train until stopped, not -2"),
        ({"training__time": -1.0}, "time must be more than 0 seconds, and finite, not -1"),
        ({"training__muon": 1}, "muon is 1, not bool"),
        ({"training__precision": "x" * 5000}, "precision"),
        ({"model": None}, "Config"),
        ({"type": ["mlp"]}, "type"),
        ({"version": {"a": 1}}, "run format"),
    ],
)
@pytest.mark.parametrize("command", [["--resume", "-o"], ["sample"]])
def test_a_config_that_training_never_writes(
    makemore: Callable[..., Any], run: Path, values: dict[str, Any], says: str, command: list[str]
) -> None:
    changed(run / "config.json", **values)
    refused(makemore(*command, run), says)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("teacher", 1.0),
        ("learning_rate", 0.0),
        ("learning_rate", 1e39),
        ("weight_decay", -1.0),
        ("patience", -1),
        ("seed", -1),
        ("max_steps", 0),
        ("max_steps", -2),
        ("time", 0.0),
        ("time", float("inf")),
        ("precision", "int8"),
    ],
)
def test_options_and_files_follow_the_same_rules(small: Path, tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(MakemoreError, match=f"{name} must be") as refused:
        train(small, work_dir=tmp_path / "run", type="mlp", **{name: value})
    assert refused.value.options == (name,)
    good = {
        "max_steps": 1,
        "batch_size": 1,
        "learning_rate": 0.1,
        "weight_decay": 0.0,
        "muon": True,
        "eval_every": 1,
        "patience": 0,
        "seed": 0,
    }
    assert Settings.from_json(good).max_steps == 1
    if (name, value) not in (
        ("max_steps", 0),
        ("time", 0.0),
    ):  # a run may have them, but nobody can ask for them
        with pytest.raises(ValueError, match=name):
            Settings.from_json(good | {name: value})


@pytest.mark.parametrize(
    "values",
    [
        {"nll": None},
        {"nll__test": "x"},
        {"nll__test": [1]},
        {"parameters": "many"},
        {"parameters": -1},
        {"seconds": None},
        {"seconds": True},
        {"lines": [1, 2, 3]},
        {"baselines__bigram": 5},
        {"copy_ratio_interval": 1},
        {"copy_ratio_interval": [1, 2, 3]},
        {"steps": 10**30},
        {"best_step": 1.5},
    ],
)
def test_a_summary_with_wrong_types(
    makemore: Callable[..., Any], run: Path, small_run: Path, values: dict[str, Any]
) -> None:
    changed(run / "summary.json", **values)
    refused(makemore("eval", run, "-n", 100), "summary.json: cannot be read as a makemore file (", "--resume")
    refused(makemore("compare", run, small_run), "summary.json: cannot be read as a makemore file (")
    assert makemore("sample", run, "-n", 1).status == 0  # it does not read the summary


def test_a_damaged_summary_is_written_again(makemore: Callable[..., Any], run: Path) -> None:
    before = read_json(run / "summary.json")
    changed(run / "summary.json", nll=None)
    assert makemore("--resume", "-o", run, "--device", "cpu").status == 0
    assert read_json(run / "summary.json")["nll"] == before["nll"]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "1",
        '{"step": "x"}',
        '{"step": 3}',
        '{"step": 3, "train": "x", "validation": 1}',
        '{"step": 3, "train": 1, "validation": null}',
        '{"step": 3, "train": NaN, "validation": 1}',
        '{"step": -3, "train": 1, "validation": 1}',
        '{"step": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"step": true, "train": 1, "validation": 1}',
    ],
)
def test_unusable_lines_of_metrics_are_skipped(run: Path, line: str) -> None:
    before = load(run).metrics()
    assert len(before) > 1
    with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(line + "\n")
    assert load(run).metrics() == before


@pytest.mark.parametrize(
    "values",
    [
        {"result": []},
        {"result": {}},
        {"result__entries": []},
        {"result__entries": [1]},
        {"result__pairs": None},
        {"result__seed_spread": "x"},
        {"result__lines": 3},
        {"result": "x"},
    ],
)
@pytest.mark.parametrize("command", ["compare", "report"])
def test_a_comparison_with_wrong_types(
    makemore: Callable[..., Any], tmp_path: Path, command: str, values: dict[str, Any], compared: Path
) -> None:
    there = shutil.copytree(compared, tmp_path / "there")
    changed(there / "comparison.json", **values)
    refused(makemore(command, there), "comparison.json")


@pytest.fixture(scope="session")
def compared(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compared") / "there"
    library.compare(small, ["bigram", "mlp"], work_dir=directory, max_steps=2, device="cpu")
    return directory


def test_files_that_makemore_writes_are_valid(run: Path, compared: Path) -> None:
    assert Summary.from_json(read_json(run / "summary.json")).to_json() == read_json(run / "summary.json")
    assert Comparison.from_json(read_json(compared / "comparison.json")["result"]).entries
    assert len(load(run).metrics()) == (run / "metrics.jsonl").read_text().count("\n")


# arrays and weights


@pytest.mark.parametrize(
    "tokens",
    [
        np.zeros((2, 3), np.uint8),
        np.uint8(0),
        np.zeros(0, np.uint8),
        np.zeros(5, np.int64),
        np.zeros(5, np.float32),
        np.zeros(9, np.uint8),
        np.array([0, 1, 200, 0], np.uint8),
        np.array([1, 2, 0], np.uint8),
    ],
)
def test_a_wrong_array(makemore: Callable[..., Any], run: Path, tokens: Any) -> None:
    np.save(run / "corpus.npy", tokens)
    refused(makemore("sample", run), "corpus.npy")


def test_an_array_whose_header_promises_too_much(makemore: Callable[..., Any], run: Path) -> None:
    head = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + "\n"
    (run / "corpus.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(9)
    )
    refused(makemore("sample", run), "corpus.npy")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "command", [["sample"], ["eval", "-n", "100"], ["report", "-n", "100"], ["explain"], ["--resume", "-o"]]
)
def test_weights_that_are_not_finite(
    makemore: Callable[..., Any], run: Path, number: float, command: list[str]
) -> None:
    for name in ("best.safetensors", "last.safetensors"):
        with __import__("safetensors").safe_open(run / name, "pt") as file:
            metadata = file.metadata()
        tensors = load_file(run / name)
        key = next(key for key in tensors if key.endswith("embedding.weight"))
        tensors[key][0, 0] = number
        save_file(tensors, run / name, metadata)
    words = (
        ["explain", run, "emma"]
        if command[0] == "explain"
        else [command[0], *command[1:2], run]
        if command[0] == "--resume"
        else [command[0], run, *command[1:]]
    )
    refused(makemore(*words), ".safetensors", "holds infinities or NaN")


def test_finite_weights_are_accepted(run: Path) -> None:
    assert all(torch.isfinite(w).all() for w in load(run).model.state_dict().values())
