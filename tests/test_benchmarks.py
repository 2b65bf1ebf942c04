"""The benchmarks run in their short modes, in which they keep nothing."""

from __future__ import annotations

import importlib
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a script in this process, which has torch already; the modules beside it are imported anew."""

    def call(path: Path, *options: str) -> None:
        monkeypatch.syspath_prepend(path.parent)
        for module in path.parent.glob("*.py"):
            monkeypatch.delitem(sys.modules, module.stem, raising=False)
        monkeypatch.setattr(sys, "argv", [str(path), *options])
        runpy.run_path(str(path), run_name="__main__")

    return call


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param("defaults.py --types bigram,mlp --lists names", marks=pytest.mark.release),
        "labels.py",
        pytest.param(
            "ladder.py --rungs bigram,mlp --protocols all,makemore.py,lectures,own --seeds 1",
            marks=pytest.mark.release,
        ),
        pytest.param("memorisation.py --lists names", marks=pytest.mark.release),
        pytest.param("blend.py", marks=pytest.mark.release),
        pytest.param("wishes.py", marks=pytest.mark.release),
        pytest.param("exports.py", marks=pytest.mark.release),
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


def test_a_missing_original_is_one_sentence(script: Callable[..., None]) -> None:
    with pytest.raises(SystemExit, match=r"^.*no/such\.py.*$") as end:
        script(BENCHMARKS / "time_to_quality.py", "--reference", "no/such.py", "--short")
    assert isinstance(end.value.code, str)  # which Python prints, and ends with status 1
    assert "\n" not in end.value.code


def test_results_are_what_is_kept(script: Callable[..., None], tmp_path: Path) -> None:
    """Only the scripts write RESULTS.md, from what they measured."""
    copy = tmp_path / "benchmarks"
    shutil.copytree(BENCHMARKS, copy)
    (copy / "RESULTS.md").unlink()
    script(copy / "common.py")
    assert (copy / "RESULTS.md").read_text("utf-8") == (BENCHMARKS / "RESULTS.md").read_text("utf-8")


def test_the_tables_of_the_exports_are_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    for module in BENCHMARKS.glob("*.py"):
        monkeypatch.delitem(sys.modules, module.stem, raising=False)
    exports = importlib.import_module("exports")
    text = exports.DOCS.read_text("utf-8")
    assert exports.BEGIN + exports.tables(exports.common.load("exports")) + exports.END in text
