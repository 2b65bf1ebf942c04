"""Which files a source means: makemore never reads what it wrote, and never skips files silently."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makemore.cli.described import describe
from makemore.corpus.cache import read
from makemore.corpus.source import locate
from makemore.errors import MakemoreError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


LIST = "\n".join(["emma", "olivia", "ava", "isabella", "sophia", "mia", "charlotte", "amelia"]) + "\n"


def test_the_default_is_the_bundled_list_even_if_there_is_a_file_called_names(
    makemore: Callable[..., Any], small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small_run, "names")
    monkeypatch.setattr("makemore.reports.inspection.pace_of", lambda *_: 0.01)
    for command in (["models"], ["inspect", "names"]):
        assert makemore(*command).status == 0
    assert read(None).reading.lines == 32033
    assert read("names").reading.bundled
    shutil.rmtree("names")
    Path("names").write_text(LIST)  # the user has such a list
    assert read(None).reading.lines == 32033
    assert read("names").reading.lines == 8


def test_training_after_a_run_called_names(makemore: Callable[..., Any], small_run: Path) -> None:
    shutil.copytree(small_run, "names")
    result = makemore("--type", "bigram", "-o", "second")
    assert (result.status, result.err) == (0, "")
    assert "read names (bundled): 32,033 lines" in result.out


def test_a_run_is_not_a_list(makemore: Callable[..., Any], small_run: Path) -> None:
    shutil.copytree(small_run, "mine")
    for command in (["-i", "mine", "-o", "new"], ["inspect", "mine"], ["score", "mine", "-i", "mine"]):
        result = makemore(*command)
        assert result.status == 2
        assert "mine: is a run directory, not a list" in result.err


def test_runs_and_hidden_files_in_a_directory_are_skipped_and_named(
    makemore: Callable[..., Any], small_run: Path
) -> None:
    Path("a.txt").write_text(LIST)
    Path("deep").mkdir()
    Path("deep/b.txt").write_text("zoe\n")
    Path(".git").mkdir()
    Path(".git/HEAD").write_text("ref\n")
    Path(".hidden").write_text("x\n")
    shutil.copytree(small_run, "out")
    for name, text in (("comparison", "comparison.json"), ("cache", "facts.json")):
        Path(name).mkdir()
        format = "makemore corpus 2" if name == "cache" else "makemore comparison"
        Path(name, text).write_text(f'{{"format": "{format}"}}')
    os.mkfifo("pipe")
    found = locate(".")
    assert found.paths == [Path("a.txt"), Path("deep/b.txt")]
    corpus = read(".")
    assert corpus.reading.lines == 9
    said = " ".join(describe(corpus))
    for words in (
        ".git/ (hidden)",
        "cache/ (a cache of makemore)",
        "comparison/ (a comparison)",
        "out/ (a run directory)",
    ):
        assert words in said
    assert len(found.skipped) == 6
    assert makemore("--type", "bigram", "-i", ".", "-o", "again").status == 0
    assert makemore("--type", "bigram", "-i", ".", "-o", "and-again").status == 0


def test_a_pattern_skips_runs_too(small_run: Path) -> None:
    Path("a.txt").write_text(LIST)
    shutil.copytree(small_run, "out")
    found = locate("**/*")
    assert found.paths == [Path("a.txt")]
    assert found.skipped == ["out/ (a run directory)"]
    assert locate("out/metrics*").paths == [Path("out/metrics.jsonl")]  # named explicitly


def test_a_config_json_of_another_program_is_read() -> None:
    Path("mine").mkdir()
    Path("mine/config.json").write_text('["emma",\n"olivia",\n"ava"]\n')
    assert locate("mine").paths == [Path("mine/config.json")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "-i is empty"),
        ("https://example.org/a list.txt", "is a web address; download it first"),
        ("s3://bucket/key", "is a web address"),
        ("no\x1b[31mred", "no\\x1b[31mred: no such file"),
    ],
)
def test_names_that_are_not_files(
    makemore: Callable[..., Any], small_run: Path, name: str, says: str
) -> None:
    for command in (["-i", name, "-o", "new"], ["models", "-i", name], ["score", small_run, "-i", name]):
        result = makemore(*command)
        assert result.status == 2
        assert says in result.err
        assert result.err.count("\n") == 1
        assert "\x1b" not in result.err


def test_an_unreadable_directory_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lists/secret").mkdir(parents=True)
    Path("lists/a.txt").write_text(LIST)
    scan = os.scandir

    def refuse(place: Any) -> Any:
        if str(place).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(MakemoreError, match="lists/secret: cannot be read: Permission denied"):
        locate("lists")


def test_a_directory_of_hidden_files_says_so() -> None:
    Path("lists").mkdir()
    Path("lists/.a").write_text(LIST)
    with pytest.raises(MakemoreError, match=r"with no files \(lists/.a \(hidden\) skipped\)"):
        locate("lists")


def test_a_bundled_list_has_its_own_name_or_that_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read("names.txt").reading.bundled
    assert read("babynames.csv", column="name").reading.bundled
    with pytest.raises(MakemoreError, match=r"names\.csv: no such file.*did you mean names\?"):
        read("names.csv")
