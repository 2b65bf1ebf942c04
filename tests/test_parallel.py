"""Several processes train as one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def train(directory: Path, source: Path, type: str, processes: int) -> list[dict[str, float]]:
    """Train in processes of their own, and return the metrics."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [
        sys.executable, *(torchrun if processes > 1 else []), "-m", "makemore", "train", "-i", str(source),
        "-o", str(directory), "--type", type, "--max-steps", "50", "-b", "30", "--precision", "float32",
        "--device", "cpu",
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    environment["MAKEMORE_CACHE"] = str(directory.parent / "cache")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all of it is in") == 1  # one of them speaks
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("type", ["lstm"])  # dropout on what lies in memory in two orders
def test_two_processes_train_as_one(small: Path, tmp_path: Path, type: str) -> None:
    one, two = (train(tmp_path / str(n), small, type, n) for n in (1, 2))
    assert [each["step"] for each in one] == [each["step"] for each in two]
    assert one[-1]["step"] == 50
    for a, b in zip(one, two, strict=True):
        for name in ("batch", "train", "validation"):
            assert abs(a[name] - b[name]) < 1e-4, (a["step"], name)
