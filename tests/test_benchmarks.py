"""The benchmarks run in their short modes, in which they keep nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "defaults.py --types bigram,mlp --lists names",
        "labels.py",
        pytest.param(
            "ladder.py --rungs bigram,mlp --protocols all,makemore.py,lectures,own --seeds 1",
            marks=pytest.mark.release,
        ),
        pytest.param("memorisation.py --lists names", marks=pytest.mark.release),
        pytest.param("blend.py", marks=pytest.mark.release),
        pytest.param("wishes.py", marks=pytest.mark.release),
        pytest.param("sampling.py --types bigram,gru", marks=pytest.mark.release),
        pytest.param("throughput.py", marks=pytest.mark.release),
        pytest.param("decisions.py --parts unique", marks=pytest.mark.release),
    ],
)
def test_short_mode(command: str) -> None:
    kept = {path: path.read_bytes() for path in BENCHMARKS.rglob("*") if path.suffix in (".json", ".md")}
    script, *options = command.split()
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, "--short", *options],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout or script == "ladder.py"
    assert kept == {
        path: path.read_bytes() for path in BENCHMARKS.rglob("*") if path.suffix in (".json", ".md")
    }


def test_a_missing_original_is_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "time_to_quality.py", "--reference", "no/such.py", "--short"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "no/such.py" in done.stderr


def test_results_are_what_is_kept(tmp_path: Path) -> None:
    """Only the scripts write RESULTS.md, from what they measured."""
    copy = tmp_path / "benchmarks"
    shutil.copytree(BENCHMARKS, copy)
    subprocess.run([sys.executable, copy / "common.py"], check=True, timeout=100)
    assert (copy / "RESULTS.md").read_text("utf-8") == (BENCHMARKS / "RESULTS.md").read_text("utf-8")
