"""Labels as people use them: tables, commands, and what is refused."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import makemore as library
from makemore.errors import MakemoreError
from makemore.runs.labels import _batches
from makemore.runs.run import Run

LINES = {
    "Greek": [
        "Papas",
        "Pappos",
        "Nikos",
        "Nikas",
        "Kostas",
        "Kostos",
        "Panos",
        "Pavlos",
        "Stavros",
        "Petros",
    ],
    "Irish": ["Brien", "Connor", "Neill", "Doyle", "Reilly", "Byrne", "Connel", "Brady", "Donnel", "Nolan"],
    "a, b": ["Xyxy", "Yxyx", "Xxyy", "Yyxx", "Xyyx"],
}


def write(path: Path, rows: list[tuple[str, str]], head: tuple[str, str] = ("name", "country")) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [(line, label) for label, lines in LINES.items() for line in lines]
    rows += [("Petros", "Irish"), ("Nobody", ""), ("Unsaid", "")]  # under two labels, and without one
    return write(tmp_path_factory.mktemp("labels") / "people.csv", rows)


@pytest.fixture(scope="module")
def people(table: Path) -> Run:
    return library.train(
        table, column="name", label="country", type="ngram", work_dir=table.parent / "run", progress=False
    )


def test_the_commands_know_labels(people: Run, makemore: Callable[..., Any]) -> None:
    run = people.directory
    for given, allowed in (("Greek", {"Greek"}), ("Greek,Irish", {"Greek", "Irish"}), ("a, b", {"a, b"})):
        result = makemore("sample", run, "-n", 40, "--label", given, "--json", "--seed", 1)
        assert {json.loads(row)["label"] for row in result.out.splitlines()} == allowed
    result = makemore(
        "sample", run, "-n", 5, "--label", "a, b", "--starts-with", "X", "--unique", "--seed", 1
    )
    assert result.status == 0
    lines = result.out.splitlines()
    assert len(set(lines)) == 5
    assert all(line[0] == "X" for line in lines)
    given, whole = (
        float(makemore("score", run, "Pappas", *more).out.split("\t")[0])
        for more in (["--label", "Greek"], [])
    )
    assert given < whole
    result = makemore("classify", run, "Pappas", "Xyxx")
    assert [row.split("\t")[1] for row in result.out.splitlines()[::3]] == ["Greek", "a, b"]
    result = makemore("classify", run, "--json", stdin="Brian\nNelly\n")
    assert [json.loads(row)["text"] for row in result.out.splitlines()] == ["Brian", "Nelly"]
    assert makemore("explain", run, "Niko", "--label", "Greek").status == 0
    assert "labels" in makemore("inspect", people.reading.source, "--column", 1, "--label", 2).out


def test_models_and_comparisons_say_that_they_take_labels(
    table: Path, tmp_path: Path, makemore: Callable[..., Any]
) -> None:
    says = "3 labels: Irish 11, Greek 10, a, b 5, 2 lines have none; "
    columns = ("-i", table, "--column", "name")
    sizes = []
    for more in ([], ["--label", "country"]):
        out = makemore("models", *columns, *more, "--type", "bigram").out
        assert out.startswith(
            f"{says}the parameters include what each type has for them\n" if more else "type"
        )
        sizes.append(int(out.splitlines()[-1].split()[1].replace(",", "")))
    assert sizes[1] == 4 * sizes[0]  # a table for each label, and one for lines without
    given = "nats per token, of lines given their labels"
    for name, more in (("with", ["--label", "country"]), ("without", [])):
        result = makemore("compare", *columns, *more, "--types", "bigram", "-o", tmp_path / name)
        assert (f"{says}every type is trained with them" in result.out) == (name == "with")
        assert (given in result.out) == (name == "with")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["sample", "RUN", "--label", "Grek"], "--label Grek: no line has this label; did you mean Greek?"),
        (["classify", "RUN", "Ann", "--prior", "even"], "--prior must be counts or uniform, not even"),
        (["score", "RUN", "Ann", "--label", "Greek,Irish"], "name one"),
        (["train", "TABLE", "--label", "country", "-o", "NEW"], "--label needs --column too"),
        (
            ["train", "TABLE", "--column", "name", "--label", "land", "-o", "NEW"],
            "--label land: no such column",
        ),
        (["train", "EMPTY", "--column", "1", "--label", "2", "-o", "NEW"], "no line has a label"),
        (
            ["-o", "RUN", "--resume", "-i", "OTHER", "--column", "1", "--label", "2"],
            "not the lines that the run",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(
    people: Run, table: Path, tmp_path: Path, makemore: Callable[..., Any], command: list[str], says: str
) -> None:
    rows = list(csv.reader(table.read_text("utf-8").splitlines()))[1:]
    places = {
        "RUN": people.directory,
        "TABLE": table,
        "NEW": tmp_path / "new",
        "EMPTY": write(tmp_path / "empty.csv", [(name, "") for name, _ in rows]),
        "OTHER": write(tmp_path / "other.csv", [(name, "Greek") for name, _ in rows]),
    }
    result = makemore(*(places.get(word, word) for word in command))
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert says in result.err
    assert not (tmp_path / "new").exists()


def test_a_run_without_labels_says_so(small_run: Path, makemore: Callable[..., Any]) -> None:
    for command in (["sample", small_run, "--label", "x"], ["classify", small_run, "anna"]):
        result = makemore(*command)
        assert result.status == 2
        assert "its lines have no labels; train on a table, with --label" in result.err


@pytest.mark.parametrize("name", ["labels.json", "labels.npy"])
def test_damaged_labels_are_noticed(
    people: Run, tmp_path: Path, name: str, makemore: Callable[..., Any]
) -> None:
    import shutil

    shutil.copytree(people.directory, tmp_path / "run")
    data = bytearray((tmp_path / "run" / name).read_bytes())
    data[-3] ^= 1
    (tmp_path / "run" / name).write_bytes(data)
    result = makemore("classify", tmp_path / "run", "Ann")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert name in result.err


def test_labels_come_as_often_as_in_the_list(people: Run) -> None:
    assert people.labels is not None
    counts = dict(zip(people.labels.names, people.labels.counts.tolist(), strict=True))
    drawn = Counter(each.label for each in people.stream(4000, library.SampleOptions(seed=1)))
    total = sum(counts.values())
    chi2 = sum((drawn[name] - 4000 * n / total) ** 2 / (4000 * n / total) for name, n in counts.items() if n)
    assert chi2 < 25  # 3 degrees of freedom: one in 100,000
    # after a beginning, by Bayes' rule
    start = library.SampleOptions(prefix="X", seed=1)
    drawn = Counter(each.label for each in people.stream(4000, start))
    begins = {
        name: n * np.exp(-people.letters(["X"], name)[0][0]) for name, n in counts.items() if n and name
    }
    known = sum(drawn[name] for name in begins)
    chi2 = sum(
        (drawn[name] - (expected := known * p / sum(begins.values()))) ** 2 / expected
        for name, p in begins.items()
    )
    assert chi2 < 22


def test_labels_of_lines_in_memory() -> None:
    names = ["ann", "bob", "cyd", "dee"]
    corpus = library.Corpus.from_lines(names, labels=["x", float("nan"), "y", 3])
    assert corpus.vocab.labels == ("3", "x", "y")
    assert corpus.labels.tolist() == [2, 0, 3, 1]
    for labels, says in ((["x"], "labels: line 2 has none"), (["x"] * 5, "more labels than lines")):
        with pytest.raises(MakemoreError, match=says):
            library.Corpus.from_lines(names, labels=labels)


def test_lines_are_scored_in_batches_of_a_bounded_size() -> None:
    lines = ["ab", "abc", "a" * 50, "", *["a"] * 30, "a" * 200]
    found = list(_batches(lines, 60))
    assert [line for some in found for line in some] == lines
    sizes = [len(some) * (1 + max(map(len, some))) for some in found]
    assert max(sizes[:-1]) <= 60
    assert found[-1] == ["a" * 200]
    assert len(found) < 6
    assert list(_batches([], 60)) == []


def test_many_labels(tmp_path: Path) -> None:
    lines = [a + b for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrstuvwxyzäöüéèàñçøå"]
    lines = [line + line[::-1] for line in lines]
    labels = [str(i) for i in range(len(lines))]
    run = library.train(lines=lines, labels=labels, type="ngram", work_dir=tmp_path / "run", progress=False)
    assert len(run.vocab.labels) == len(lines)
    assert len(run.sample(20, seed=1)) == 20
    (found,) = run.classify(["abba"])
    assert sum(p for _, p in found.labels) == pytest.approx(1)
    assert np.isfinite(run.score(["abba"])[0])


def test_labels_on_disk_are_those_in_memory(on_disk: None, table: Path, people: Run) -> None:
    run = library.train(
        table, column="name", label="country", type="ngram", work_dir=table.parent / "disk", progress=False
    )
    assert run.corpus.on_disk
    assert run.corpus.fingerprint == people.corpus.fingerprint
    assert run.corpus.labels_of(np.arange(5)).tolist() == people.corpus.labels_of(np.arange(5)).tolist()
    assert run.score(["Pappas"], label="Greek") == pytest.approx(people.score(["Pappas"], label="Greek"))
