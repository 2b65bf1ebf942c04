"""The bundled lists are as SOURCES.json describes them."""

import hashlib
import importlib.resources
import json

import pytest

from makemore.corpus.cache import read
from makemore.corpus.source import bundled_lists, locate
from makemore.errors import MakemoreError

DATA = importlib.resources.files("makemore.corpus").joinpath("data")
SOURCES = json.loads(DATA.joinpath("SOURCES.json").read_text("utf-8"))
FIELDS = {"name", "file", "lines", "sha256", "description", "source", "licence", "notice"}
NAMES = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"

each_list = pytest.mark.parametrize("entry", SOURCES, ids=lambda entry: entry["name"])


def test_the_lists_and_nothing_else():
    assert [vars(entry) for entry in bundled_lists()] == SOURCES
    assert [entry["name"] for entry in SOURCES] == ["names", "words", "companies", "babynames"]
    files = {name for entry in SOURCES for name in (entry["file"], entry["notice"])}
    assert {path.name for path in DATA.iterdir()} == files | {"SOURCES.json"}


@each_list
def test_file_and_entry_agree(entry):
    assert set(entry) == FIELDS
    assert all(entry.values())
    table = entry["file"] == entry["name"] + ".csv"
    assert table or entry["file"] == entry["name"] + ".txt"
    data = DATA.joinpath(entry["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert len(data.decode("utf-8").splitlines()) == entry["lines"] + table  # with a header
    assert len(DATA.joinpath(entry["notice"]).read_text("utf-8")) > 100


def test_names_are_unchanged():
    assert hashlib.sha256(DATA.joinpath("names.txt").read_bytes()).hexdigest() == NAMES


@each_list
def test_reading_a_list_drops_and_changes_nothing(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without files of these names
    table = entry["file"].endswith(".csv")
    corpus = read(entry["name"], column="name" if table else None)
    assert corpus.reading is not None
    assert corpus.reading.bundled
    assert corpus.reading.lines == len(corpus) == entry["lines"]
    assert (corpus.reading.blank, corpus.reading.too_long, corpus.reading.normalized) == (0, 0, False)
    text = DATA.joinpath(entry["file"]).read_text("utf-8")
    lines = [row.partition(",")[0] for row in text.splitlines()[1:]] if table else text.splitlines()
    assert corpus.lines(range(len(corpus))) == lines


def test_the_names_of_girls_and_boys_are_those_of_names():
    corpus = read("babynames", column="name", label="sex")
    names = read("names")
    assert corpus.fingerprint != names.fingerprint
    assert (corpus.hashes == names.hashes).all()
    assert corpus.vocab.labels == ("boy", "girl")
    assert corpus.labels.tolist() == [2] * 18_029 + [1] * 14_004


def test_a_file_is_preferred_to_a_bundled_list_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("names.txt", "names"):
        found = locate(name)
        assert (found.paths, found.bundled) == ([DATA.joinpath("names.txt")], True)
    (tmp_path / "names.txt").write_text("my\nown\nnames\n")
    found = locate("names.txt")
    assert ([path.resolve() for path in found.paths], found.bundled) == (
        [(tmp_path / "names.txt").resolve()],
        False,
    )
    with pytest.raises(MakemoreError, match="names, words, companies"):
        locate("nothing.txt")
