"""One column of a table: CSV, TSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import makemore as library
from makemore.corpus.cache import read_corpus
from makemore.corpus.reading import How
from makemore.corpus.sizes import SIZES
from makemore.errors import MakemoreError
from makemore.metrics.looks import look

NAMES = ["Ann", *(f"{name} {i}" for i in range(5) for name in ("Ben, Jr", 'Cid "C"', "Dora", "Eve", "Finn"))]
ROWS = [[name, str(1900 + i), f"{i}\nlines" if i % 3 else f"one {i}"] for i, name in enumerate(NAMES)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def text(rows: list[list[str]], mark: str = ",", end: str = "\r\n") -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=mark, lineterminator=end).writerows(rows)
    return made.getvalue()


def lines(path: str | Path, column: str | int | None) -> list[str]:
    corpus = library.read(path, column=column)
    return corpus.lines(range(len(corpus)))


@pytest.mark.parametrize("mark", ["\t", ";", ",", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_column_by_its_name_and_by_its_number(mark: str, end: str) -> None:
    written = text([["name", "year", "note"], *ROWS], mark, end)
    Path("a.csv").write_text("\ufeff" + written, "utf-8", newline="")
    assert lines("a.csv", "name") == lines("a.csv", 1) == lines("a.csv", "1") == NAMES
    assert lines("a.csv", "year") == [row[1] for row in ROWS]
    assert lines("a.csv", "note") == [row[2].replace("\n", " ") for row in ROWS]
    assert library.read("a.csv", column="name").reading.column == "name"


def test_a_table_without_a_header() -> None:
    Path("a.csv").write_text(text([[a, b[2:], c] for a, b, c in ROWS]))
    assert lines("a.csv", 1) == NAMES


def test_missing_values_and_short_rows_are_blank_lines() -> None:
    Path("a.csv").write_text("id,name\n1,Ann\n2,\n3\n\n4,Ben\n5,Cid\n")
    corpus = library.read("a.csv", column="name")
    assert corpus.lines(range(len(corpus))) == ["Ann", "Ben", "Cid"]
    assert (corpus.reading.lines, corpus.reading.blank) == (6, 3)


@given(
    st.lists(
        st.tuples(st.text("ab\"',;\n \t", max_size=9), st.text('xy,\n"', max_size=9)), min_size=5, max_size=40
    ),
    st.integers(1, 60),
)
def test_pieces_of_any_size_give_the_values_of_the_table(rows: list[tuple[str, str]], block: int) -> None:
    rows = [(f"n{i}{name}", other) for i, (name, other) in enumerate(rows)]
    whole = text([["the name", "other"], *map(list, rows)], end="\n")
    Path("a.csv").write_text(whole)
    how = How(column="the name", keep_spaces=True)
    # what tells the separator and the header must be in the first piece
    sizes = dataclasses.replace(SIZES, block=max(block, whole.index("\n") + 1))
    corpus = read_corpus("a.csv", how, sizes=sizes)
    assert corpus.lines(range(len(corpus))) == [name.replace("\n", " ") for name, _ in rows]


def test_json_lines_and_parquet() -> None:
    rows = [{"name": name, "n": i, "odd": None} for i, name in enumerate(NAMES)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lines("a.jsonl", "name") == NAMES
    assert lines("a.jsonl", "n") == [str(i) for i in range(len(NAMES))]
    parquet.write_table(pa.Table.from_pylist(rows), "a.parquet", row_group_size=7)
    assert lines("a.parquet", "name") == lines("a.parquet", 1) == NAMES
    assert lines("a.parquet", 2) == [str(i) for i in range(len(NAMES))]


def test_several_files_each_have_a_header() -> None:
    Path("a.csv").write_text("n,name\n1,Ann\n2,Ben\n")
    Path("b.csv").write_text("name,n\nCid,3\nDora,4\n")
    assert lines(["a.csv", "b.csv"], "name") == ["Ann", "Ben", "Cid", "Dora"]  # type: ignore[arg-type]


def test_a_column_trains_as_the_same_lines_do(tmp_path: Path) -> None:
    names = library.read("names").lines(range(400))
    rows = [[str(i), name, 'a "b"\nc'] for i, name in enumerate(names)]
    Path("a.csv").write_text(text([["id", "name", "note"], *rows]))
    Path("names.txt").write_text("\n".join(names) + "\n")
    of: dict[str, Any] = {"type": "mlp", "max_steps": 3}
    library.train("a.csv", column="name", work_dir="column", **of)
    library.train("names.txt", work_dir="list", **of)
    best = "best.safetensors"
    assert Path("column", best).read_bytes() == Path("list", best).read_bytes()
    resumed = library.train("a.csv", column="name", work_dir="column", resume=True, max_steps=4)
    assert resumed.corpus.reading.column == "name"


def test_a_large_table_is_read_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from makemore.corpus import sizes

    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sizes, "SIZES", sizes.Sizes(large=0, chunk=500, piece=4000))
    Path("a.csv").write_text(text([["name", "year", "note"], *ROWS]))
    for column, found in (("name", NAMES), ("year", [row[1] for row in ROWS])):
        corpus = library.read("a.csv", column=column)
        assert corpus.on_disk
        assert corpus.lines(range(len(corpus))) == found


TABLES = {
    "a.csv": text([["name", "year", "note"], *ROWS]),
    "plain.csv": text([["name", "year"], *([a.replace(",", ""), b] for a, b, _ in ROWS)]),
    "a.jsonl": "".join(json.dumps({"name": a, "year": b}) + "\n" for a, b, _ in ROWS),
}


@pytest.mark.parametrize("name", TABLES)
def test_whole_rows_are_not_trained_on_by_mistake(makemore: Callable[..., Any], name: str) -> None:
    Path(name).write_text(TABLES[name])
    for command in ((name, "-o", "new"), ("compare", name, "--types", "ngram,bigram"), ("models", name)):
        refused = makemore(*command)
        assert (refused.status, refused.out) == (2, "")
        assert f"{name}: looks like a table with the columns name ('Ann'" in refused.err
        assert "--column name, or take whole rows with --as-lines" in refused.err
    assert not Path("new").exists()
    with pytest.raises(MakemoreError, match=r"column=name, or .* as_lines=True"):
        library.train(name, work_dir="new", type="bigram")
    assert makemore(name, "-o", "new", "--type", "bigram", "--as-lines").status == 0
    found = json.loads(makemore("inspect", name, "--json").out)["format"]
    assert found["columns"]["name"] == "Ann"
    assert found["column"] == "name"
    assert "--column name -o" in makemore("inspect", name).out
    assert makemore("score", "new", "-i", name).status == 0  # what a run of rows knows
    assert makemore(name, "-o", "column", "--type", "bigram", "--column", "name").status == 0
    assert len(makemore("score", "column", "-i", name, "--column", "name").out.splitlines()) == len(NAMES)


@pytest.mark.parametrize("command", ["score", "classify"])
def test_whole_rows_are_not_scored_by_mistake(makemore: Callable[..., Any], command: str) -> None:
    rows = TABLES["a.jsonl"]
    Path("a.jsonl").write_text(rows)
    library.train("a.jsonl", column="name", label="year", type="bigram", work_dir="run", progress=False)
    for refused in (makemore(command, "run", "-i", "a.jsonl"), makemore(command, "run", stdin=rows)):
        assert (refused.status, refused.out) == (2, "")
        assert "looks like a table with the columns name ('Ann') and year ('1900'); choose" in refused.err
        assert "--column name, or take whole rows with --as-lines" in refused.err
    assert makemore(command, "run", "-i", "a.jsonl", "--column", "name").status == 0
    assert "'{'" in makemore(command, "run", "-i", "a.jsonl", "--as-lines").err  # which no name has
    assert makemore(command, "run", stdin="Ben, Jr\nDora\nFinn\n").err.count("looks like") == 0
    assert makemore(command, "run", stdin="Eve;1\n").err.count("looks like") == 0  # one line is no table


def test_lists_are_no_tables() -> None:
    Path("a.txt").write_text("Doe, Jane\nRoe, Richard\nPoe, Edgar\nLee, Harper\nKing, Martin\n" * 9)
    assert look(library.read("a.txt")).table is None


@pytest.mark.parametrize(
    ("name", "content", "column", "says"),
    [
        (
            "a.csv",
            "id,name\n1,Ann\n",
            "nam",
            "a.csv: --column nam: no such column; there are id, name; did you",
        ),
        ("a.csv", "id,name\n1,Ann\n", "3", "there are id, name; give one of these, or a number from 1"),
        ("a.csv", "id,name\n1,Ann\n", "0", "no such column"),
        ("a.csv", "id,name\n1,Ann\n", "", "--column is empty"),
        ("a.csv", 'id,name\n1,"Ann\n' + "2,Ben\n" * 30_000, "name", "a quote may never be closed"),
        ("a.jsonl", '{"name": "Ann"}\nBen\n', "name", "a.jsonl: line 2 is not a JSON object"),
        ("a.jsonl", '{"name": "Ann"}\n', "nam", "there are name; did you mean name?"),
        ("a.jsonl", '{"name": ["Ann"]}\n', "name", "a.jsonl: line 1: name is not one value but several"),
        ("a.parquet", "PAR1\x15 and no more", "name", "a.parquet: is a Parquet table that cannot"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    makemore: Callable[..., Any], name: str, content: str, column: str, says: str
) -> None:
    Path(name).write_text(content)
    result = makemore(name, "-o", "new", "--column", column)
    assert result.status == 2
    assert says in result.err
    assert result.err.count("\n") == 1
    assert not Path("new").exists()


def test_a_parquet_table_without_a_column_is_refused_with_its_columns(makemore: Callable[..., Any]) -> None:
    parquet.write_table(pa.table({"id": [1], "name": ["Ann"]}), "a.parquet")
    for command in (("a.parquet", "-o", "new"), ("inspect", "a.parquet")):
        assert "is a Parquet table with the columns id, name; choose one" in makemore(*command).err
    assert makemore("a.parquet", "--column", "id", "--as-lines").err.startswith(
        "makemore: --column and --as-"
    )
