"""What the README says is true: its Python runs, its commands parse, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import makemore as library

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    known: dict[str, Any] = {}
    exec(code.replace('type="gru"', 'type="ngram"'), known)  # which takes no time
    run = known["run"]
    assert len(run.sample(20, prefix="ka", seed=1)) == 20
    assert {"train", "validation", "test"} == run.summary["nll"].keys()
    assert len(list(run.stream(1000))) == 1000


def test_the_commands_run(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = library.read("companies").lines(range(0, 26_000, 50))
    Path("mine.txt").write_text("\n".join(lines), "utf-8")
    commands = re.findall(r"^    uv run makemore (.+?)(?:\s+#.*)?$", README, re.MULTILINE)
    assert len(commands) == 15
    for command in commands:
        quick = []
        if command.startswith("-i"):
            quick = ["--max-steps", "5"] if "--type" in command else ["--type", "ngram"]
        command = re.sub(r"--types \S+ --time \S+", "--types ngram,bigram", command)
        if "--pattern" in command:
            quick += ["-n", "3"]
        result = makemore(*shlex.split(command), *quick)
        assert (result.status, result.err) == (0, ""), command
        assert result.out


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"^\| \[`(\w+)`\]", README, re.MULTILINE):
        assert name in library.MODELS
