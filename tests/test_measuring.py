"""The measuring commands as a person calls them: eval, compare, inspect, explain."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

import pytest

KEYS = {
    "nll", "bits_per_character", "bits_per_line", "perplexity", "nll_by_position", "nll_by_length",
    "nll_by_character", "calibration_error", "calibration", "copy_ratio", "train_mass", "held_out_mass",
    "validity", "uniqueness", "uniqueness_of_train", "novelty", "held_out_hits", "c_t", "distances", "vendi",
    "vendi_ratio", "nearest", "warnings", "baselines",
}  # fmt: skip


def test_eval_prints_one_json_object(makemore, small_run: Path) -> None:
    done = makemore("eval", small_run, "-n", 200, "--json")
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    assert found.keys() >= KEYS
    assert found["bits_per_character"]["test"] == pytest.approx(found["nll"]["test"] / math.log(2))
    assert all({"code", "message", "advice"} <= each.keys() for each in found["warnings"])
    assert "few_lines" in [each["code"] for each in found["warnings"]]
    summary = json.loads((small_run / "summary.json").read_text("utf-8"))
    assert found["nll"] == pytest.approx(summary["nll"])


def test_eval_says_it_in_words(makemore, small_run: Path) -> None:
    done = makemore("eval", small_run, "-n", 200)
    assert done.status == 0
    for word in ("nats per token", "copy ratio R", "95% interval", "what to do:", "edits from"):
        assert word in done.out


def test_few_lines_have_no_intervals(makemore, tmp_path: Path) -> None:
    path = tmp_path / "few.txt"
    path.write_text("\n".join(f"thing {i}" for i in range(30)), "utf-8")
    for name, type in (("a", "ngram"), ("b", "bigram")):
        assert makemore("-i", path, "--type", type, "-o", tmp_path / name).status == 0
    for command in (["eval", tmp_path / "a", "-n", 100], ["compare", tmp_path / "a", tmp_path / "b"]):
        done = makemore(*command)
        assert "too few lines" in done.out
        assert "- to -" not in done.out
    assert makemore("report", tmp_path / "a", "-n", 100).status == 0
    assert "too few lines for an interval" in (tmp_path / "a" / "report.html").read_text("utf-8")


def test_eval_changes_nothing(makemore, small_run: Path) -> None:
    before = {path: path.read_bytes() for path in small_run.iterdir()}
    makemore("eval", small_run, "-n", 100)
    makemore("explain", small_run, "emma")
    assert {path: path.read_bytes() for path in small_run.iterdir()} == before


def test_explain(makemore, small_run: Path) -> None:
    done = makemore("explain", small_run, "emma", "--json")
    assert done.status == 0
    found = json.loads(done.out)
    score = float(makemore("score", small_run, "emma").out.split("\t")[0])
    assert found["nll"] == pytest.approx(score, abs=1e-3)
    assert [each["character"] for each in found["letters"]] == [*"emma", "\n"]
    for each in found["letters"]:
        choices = dict(each["choices"])
        assert list(choices.values()) == sorted(choices.values(), reverse=True)
        assert each["probability"] == pytest.approx(math.exp(-each["nll"]))
        assert choices.get(each["character"], 0) in (0, each["probability"])
    every = makemore("explain", small_run, "emma", "--top", 1000, "--json")
    for each in json.loads(every.out)["letters"]:
        assert sum(p for _, p in each["choices"]) == pytest.approx(1)
        assert each["choices"][each["rank"] - 1][0] == each["character"]
    side = makemore("explain", small_run, small_run, "emma")
    assert side.status == 0


def test_compare_prints_an_order(makemore, small: Path, tmp_path: Path) -> None:
    done = makemore("compare", small, "--types", "bigram,ngram", "-o", tmp_path / "c")
    assert done.status == 0, done.err
    assert "best: " in done.out
    done = makemore("compare", tmp_path / "c" / "bigram-3407", tmp_path / "c" / "ngram-3407", "--json")
    assert {entry["type"] for entry in json.loads(done.out)["entries"]} == {"bigram", "ngram"}
    again = makemore("compare", tmp_path / "c", "--json")
    assert {entry["name"] for entry in json.loads(again.out)["entries"]} == {"bigram", "ngram"}


def test_inspect(makemore, small: Path) -> None:
    done = makemore("inspect", small, "--json")
    assert done.status == 0
    assert json.loads(done.out)["unique"] == len(set(small.read_text("utf-8").split()))
    assert re.search(r"^try.*:\n  makemore -i", makemore("inspect", small).out, re.MULTILINE)


def test_what_inspect_advises_can_be_pasted(makemore, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my list.txt"
    path.write_text("\n".join(f"ä{i}" for i in range(30)), "latin-1")
    done = makemore("inspect", path, "--encoding", "latin-1", "--max-length", 9)
    lines = [line for line in done.out.splitlines() if line.startswith("  makemore ")]
    assert len(lines) == 2  # the default type, and counting
    for line in lines:
        steps = ["--max-steps", 2] if "mixture" in line else []
        assert makemore(*shlex.split(line)[1:], *steps).status == 0


def test_what_a_terminal_would_obey_is_not_printed(makemore, tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("a\x1b[31mb\n" * 3 + "c\nd\ne\n", "utf-8")
    makemore("-i", path, "--type", "bigram", "-o", tmp_path / "run")
    for command in (
        ["inspect", path],
        ["eval", tmp_path / "run", "-n", 100],
        ["explain", tmp_path / "run", "a\x1b[31mb"],
    ):
        done = makemore(*command)
        assert done.status == 0
        assert "\x1b[31m" not in done.out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("eval nowhere", "nowhere: no such directory"),
        ("eval RUN -n 3", "-n must be from 100 to 1,000,000, not 3"),
        ("explain", "give a run directory and a line"),
        ("explain emma", "out: no such directory"),
        ("explain RUN emma --top 0", "--top must be 1 or more, not 0"),
        ("explain RUN EMMA", "the character 'E'"),
        ("compare RUN", "two different run directories"),
        ("compare RUN nowhere", "nowhere: no such directory"),
        ("compare RUN RUN --time 3", "--time: only for training on a file"),
        ("compare nowhere.txt", "nowhere.txt: no such file"),
        ("compare names --types lstn", "--type lstn: no such model"),
        ("compare names --seeds 0", "--seeds must be from 1 to 1000, not 0"),
        ("compare names --time -1", "--time must be more than 0 seconds, and finite, not -1"),
        ("compare names --types bigram,ngram --time 3", "--time does nothing for --type bigram"),
        ("inspect nowhere.txt", "nowhere.txt: no such file"),
        ("report nowhere", "nowhere: no such directory"),
    ],
)
def test_bad_input_is_one_sentence(
    makemore, small_run: Path, tmp_path: Path, monkeypatch, command: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = makemore(*(str(small_run) if word == "RUN" else word for word in command.split()))
    assert done.status == 2
    assert says in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
