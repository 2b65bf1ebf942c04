"""What `inspect` finds in small files with known content."""

import json
import re
import unicodedata
from collections import Counter

import pytest

from makemore.corpus import cache, sizes
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.errors import MakemoreError
from makemore.metrics import advice, looks
from makemore.metrics.baselines import fitted
from makemore.reports import scan
from makemore.reports.inspection import BINS, inspect
from makemore.reports.pace import pace_of
from makemore.reports.scan import folded
from makemore.runs.settings import DEFAULT_TYPE, recipe

WORDS = read("words").lines(range(0, 104_000, 260))  # 400 different ones
KEYS = (
    "source lines blank too_long undecodable stripped kept unique looked_at duplicates most_frequent "
    "lengths alphabet rare suspicious not_nfc mixed_scripts near_duplicates neighbours format marks labels splits "
    "expected recommendation warnings"
)


@pytest.fixture
def look(tmp_path):
    """Inspect a file of some lines, or of a text, without timing anything."""

    def call(lines, **options):
        path = tmp_path / "list.txt"
        text = lines if isinstance(lines, str) else "".join(line + "\n" for line in lines)
        path.write_bytes(text.encode())
        found = inspect(path, How(**options), pace=0.01).to_json()
        assert list(found) == KEYS.split()
        json.dumps(found, allow_nan=False)
        return found

    return call


def codes(found):
    return [warned["code"] for warned in found["warnings"]]


def test_counts_are_those_of_a_plain_count(look):
    lines = [*WORDS, *WORDS[:40], *WORDS[:10], "", "   ", "x" * 60]
    found = look(lines, max_length=50)
    kept = [*WORDS, *WORDS[:40], *WORDS[:10]]
    assert (found["lines"], found["blank"], found["too_long"], found["kept"]) == (453, 2, 1, 450)
    assert (found["unique"], found["duplicates"]) == (400, 50)
    assert [entry["count"] for entry in found["most_frequent"]] == [3] * 5
    assert {entry["line"] for entry in found["most_frequent"]} <= set(WORDS[:10])
    characters = Counter("".join(kept))
    assert {entry["character"]: entry["count"] for entry in found["alphabet"]} == characters
    assert [e["count"] for e in found["alphabet"]] == sorted(characters.values(), reverse=True)
    assert {e["character"] for e in found["rare"]} == {c for c, n in characters.items() if n < advice.RARE}
    lengths = sorted(map(len, kept))
    about = found["lengths"]
    assert (about["minimum"], about["maximum"]) == (lengths[0], lengths[-1])
    assert about["median"] == (lengths[224] + lengths[225]) / 2
    assert about["mean"] == pytest.approx(sum(lengths) / 450)
    assert {bar["from"]: bar["count"] for bar in about["histogram"]} == Counter(lengths)
    splits = found["splits"].values()
    assert sum(split["lines"] for split in splits) == 450
    assert sum(split["unique"] for split in splits) == 400  # equal lines are on one side


def test_many_lengths_are_put_into_bins(look):
    found = look(["x" * n for n in range(3, 203)])["lengths"]
    bars = found["histogram"]
    assert len(bars) == BINS
    assert (bars[0]["from"], bars[-1]["to"]) == (3, 202)
    assert [bar["count"] for bar in bars] == [bar["to"] - bar["from"] + 1 for bar in bars]
    assert found["percentile_95"] == pytest.approx(192.05)


def test_odd_characters_are_named_with_the_line_where_they_stand(look):
    lines = [*WORDS[:20], "", "zero\u200bwidth", "a\ufeffb", "wrong \ufffd", "zero\u200bagain", "a\x07b"]
    found = look("\ufeff" + "\r\n".join(lines))
    odd = {entry["code_point"]: entry for entry in found["suspicious"]}
    assert {code: (entry["count"], entry["line"]) for code, entry in odd.items()} == {
        "U+200B": (2, 22), "U+FEFF": (1, 23), "U+FFFD": (1, 24), "U+0007": (1, 26),
    }  # fmt: skip
    assert odd["U+200B"]["name"] == "ZERO WIDTH SPACE"
    assert "suspicious_characters" in codes(found)


def test_lines_not_in_normal_form_are_counted_as_the_file_has_them(look):
    marked = [unicodedata.normalize("NFD", line) for line in ("café", "naïve", "ça")]
    found = look([*WORDS[:50], *marked, "déjà"])
    assert found["not_nfc"] == 3
    assert found["kept"] == 54
    assert "\u0301" not in {entry["character"] for entry in found["alphabet"]}
    assert "mixed_normal_forms" in codes(found)


def test_letters_of_two_alphabets_side_by_side(look):
    found = look([*WORDS[:10], "p\u0430ypal", "Москва", "the Москва"])
    assert found["mixed_scripts"] == {"lines": 1, "examples": [{"line": 11, "text": "p\u0430ypal"}]}


def test_near_duplicates_and_copies(look):
    near = ["Acme Inc", "ACME  Inc", "acme inc", "Café  Luna", "café luna", "acme inc"]
    found = look([*near, "--", "++", *WORDS[:30]])
    assert found["near_duplicates"]["lines"] == 6
    assert found["near_duplicates"]["groups"] == 2
    assert found["near_duplicates"]["examples"] == [near[:3], near[3:5]]
    assert found["near_duplicates"]["share"] == pytest.approx(6 / 38)
    assert "near_duplicates" in codes(found)
    assert "duplicates" not in codes(found)
    found = look(WORDS[:30] * 2)
    assert found["near_duplicates"]["lines"] == 0  # equal as they stand
    assert "duplicates" in codes(found)


def test_only_case_and_white_space_arefolded():
    same = ["ünï-cödé!", "か", "が", "कि", "का", "má", "mà", "c[c@h]", "c[c@@h]", "straße"]
    assert folded(same) == same
    assert folded(["Ünï \t Cödé ", "zero\u200bwidth"]) == ["ünï cödé", "zerowidth"]


def test_neighbours_are_never_the_line_itself(look):
    found = look([f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"])["neighbours"]
    assert found == {"lines": 20, "beside": 80, "share": 1.0, "median": 1.0}
    found = look([c * 12 for c in "abcdefghij"])["neighbours"]
    assert found == {"lines": 2, "beside": 8, "share": 0.0, "median": 12.0}


FORMATS = {
    "json": [json.dumps({"id": i, "word": word}) for i, word in enumerate(WORDS)],
    "csv": [f"{word},{i}" for i, word in enumerate(WORDS)],
    "tsv": [f"{word}\t{word[::-1]}" for word in WORDS],
    "numbered": [f"{i}. {word}" for i, word in enumerate(WORDS)],
    "numbers": [f"{i * 7919}" for i in range(400)],
    "markup": [f'<li class="x">{word}</li>' for word in WORDS],
    "prose": [f"This is what was said of the {word} on the first day." for word in WORDS],
    "list": [f"{word.title()}, {other.title()}" for word, other in zip(WORDS, WORDS[::-1], strict=True)],
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(look, name):
    found = look(FORMATS[name])
    table = name in ("csv", "tsv", "json")
    assert (found["format"].pop("column") is not None, found["format"].pop("columns") != {}) == (table, table)
    assert found["format"] == {"name": name, "share": 1.0, "header": None}
    assert ("other_format" in codes(found)) == (name != "list")


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["word,length", *FORMATS["csv"]], "csv"),
        (["what;how often", *(line.replace(",", ";") for line in FORMATS["csv"])], "csv"),
        (["firm,n", *(f'"{word}, Inc",{i}' for i, word in enumerate(WORDS))], "csv"),
        (["Name", *WORDS], "list"),
    ],
)
def test_headers(look, lines, name):
    found = look(lines)
    assert (found["format"]["name"], found["format"]["header"]) == (name, lines[0])
    if name == "list":
        assert any(lines[0] in warned["message"] for warned in found["warnings"])
    else:  # reading a column leaves the header out
        assert list(found["format"]["columns"]) == re.split("[,;]", lines[0])


@pytest.mark.parametrize("name", ["names", "words", "companies"])
def test_the_bundled_lists_are_lists(name):
    found = inspect(name, pace=0.01).to_json()
    assert found["source"] == f"{name} (bundled)"
    assert found["format"] == {"name": "list", "share": 1.0, "header": None, "columns": {}, "column": None}
    assert not {"other_format", "duplicates", "long_lines", "few_lines"} & set(codes(found))
    assert 0 < found["expected"]["half_width"] < 0.05
    assert found["recommendation"]["type"] == DEFAULT_TYPE
    assert found["recommendation"]["seconds"] == pytest.approx(0.01 * recipe(DEFAULT_TYPE).max_steps)


def test_a_few_long_lines(look):
    found = look([*WORDS, "so long " * 40])
    limit = found["recommendation"]["max_length"]
    assert found["lengths"]["percentile_95"] < limit < 50
    assert f"max_length={limit} drops" in " ".join(found["recommendation"]["reasons"])
    assert "long_lines" in codes(found)
    found = look([*WORDS, "so long " * 40], max_length=limit)
    assert found["recommendation"]["max_length"] is None
    assert "long_lines" not in codes(found)


def test_few_lines_cannot_choose_a_type(look):
    many = [f"{word}{i}" for word in WORDS[:100] for i in range(30)]
    few = look(many[:199])["recommendation"]
    assert few["type"] == "ngram"
    assert "judge by the samples" in few["reasons"][0]
    assert "judge by the samples" in look(many[:199] * 2)["recommendation"]["reasons"][0]
    chosen = look(many[:2000])["recommendation"]
    assert (chosen["type"], chosen["seconds_per_step"]) == (DEFAULT_TYPE, 0.01)


def test_the_pace_is_measured():
    corpus = read("names")
    assert 0 < pace_of(corpus, DEFAULT_TYPE, fitted(corpus, "ngram")) < 60


@pytest.mark.parametrize(
    "lines",
    [
        ["a", "b", "c"],
        list("abcdefghijabc"),
        ["さくら", "すみれ", "ゆり", "菊", "さくら"],
        ["👨‍👩‍👧", "😀", "🇩🇪", "❤️"],
        ["!", "?", "...", '"'],
        ["a,b", "a,c", "d"],
    ],
)
def test_tiny_lists(look, lines):
    found = look(lines)
    assert found["kept"] == len(lines)
    assert found["expected"]["half_width"] is None  # one line is held out, which says nothing of others
    assert "few_lines" in codes(found)


def test_bad_input_is_one_sentence(look, tmp_path):
    with pytest.raises(MakemoreError, match="no such file"):
        inspect(tmp_path / "nothing.txt")
    with pytest.raises(MakemoreError, match="at least 3"):
        look(["a", "b"])
    with pytest.raises(MakemoreError, match="encoding utf-99"):
        look(WORDS, encoding="utf-99")


# files on disk


FAULTY = [
    *WORDS, "", *WORDS[:40], *WORDS[:10], "   ", "x" * 60, "p\u0430ypal", "zero\u200bwidth", "a\ufffdb",
    *(unicodedata.normalize("NFD", word) for word in ("café", "naïve")),
    *(word.upper() for word in WORDS[50:90]), "zero\u200bagain", "\u0430b", *WORDS[:3],
]  # fmt: skip


def test_on_disk_the_same_is_found(look, on_disk, monkeypatch):
    stored = look(FAULTY, max_length=50)
    assert len(cache.entries()) == 1
    monkeypatch.setattr(sizes, "SIZES", sizes.Sizes())
    cache.clear_cache()
    in_memory = look(FAULTY, max_length=50)
    assert cache.entries() == []
    for found in (stored, in_memory):
        del found["recommendation"]["seconds"]  # it counts, and that was timed
    assert stored == in_memory
    assert stored["looked_at"] == stored["kept"]


def test_of_a_large_file_some_lines_are_looked_at(look, on_disk, monkeypatch):
    names = read("names")
    lines = names.lines(range(len(names)))
    lines = [*lines, *(line.upper() for line in lines[:4000]), *lines[:5] * 5, "zero\u200bwidth"]
    whole = look(lines)
    monkeypatch.setattr(scan, "LOOKED_AT", 20_000)
    give = Corpus.lines

    def few(self, rows):
        assert not self.on_disk or len(rows) <= looks.SNIFFED + looks.TOP
        return give(self, rows)

    monkeypatch.setattr(Corpus, "lines", few)
    monkeypatch.setattr(Corpus, "rows", None)
    some = look(lines)
    assert 2000 < some["looked_at"] < 6000
    estimated = ("looked_at", "near_duplicates", "neighbours", "warnings", "recommendation")
    for key in KEYS.split():
        if key not in estimated:
            assert some[key] == whole[key], key
    assert some["near_duplicates"]["share"] == pytest.approx(whole["near_duplicates"]["share"], abs=0.03)
    assert some["near_duplicates"]["lines"] == pytest.approx(whole["near_duplicates"]["lines"], rel=0.15)
    assert some["near_duplicates"]["groups"] == pytest.approx(whole["near_duplicates"]["groups"], rel=0.15)
    assert codes(some) == codes(whole)


def test_few_different_lines_in_a_large_file(look, on_disk, monkeypatch):
    """Few different lines are not subsampled; and the result is not empty if all fold to the same."""
    monkeypatch.setattr(scan, "LOOKED_AT", 3000)
    lines = [*WORDS[:200]] * 50
    found = look(lines)
    assert found["looked_at"] == found["kept"] == 10_000
    assert [entry["count"] for entry in found["most_frequent"]] == [50] * 5
    assert look([f"word{'!' * (i % 50)}{'?' * (i // 50)}" for i in range(2500)])["looked_at"] > 0
