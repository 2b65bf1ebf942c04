"""Characters as people see them: grapheme clusters of several code points, from the file to the samples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

import makemore as library
from makemore.corpus.characters import FIRST, LINE_BREAK, Characters, clusters_of, in_clusters
from makemore.corpus.vocab import Vocab
from makemore.errors import MakemoreError
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

HANDS, TONES = ["👍", "👋", "👏"], ["🏻", "🏽", "🏿"]
SYLLABLES = ["मी", "रा", "ल", "क्षि", "ता", "नी", "शा", "दे", "व"]
LINES = [
    *(f"{a}{tone}{b}{c}" for a in HANDS for tone in TONES for b in ("🇩🇪", "x", "👩‍🚀") for c in ("y", "🇫🇷")),
    *(a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES if a < b != c),
]
JOINED = st.text("ae\u0301\u0327\u200d👩🚀👍🏽🇩🇪🇫हक्षि각ᆨ\u0600 ", max_size=12)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphemes") / "list.txt"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def run(file: Path) -> Run:
    return library.train(file, type="ngram", order=3, graphemes=True, work_dir=file.parent / "run")


# the two forms


@given(JOINED, JOINED)
def test_inside_each_character_is_one_code_point(text: str, other: str) -> None:
    forms = Characters()
    inner = forms.learn(text)
    assert len(inner) == len(regex.findall(r"\X", text))
    assert forms.outer(inner) == text
    assert forms.inner(text) == inner
    assert forms.split(text) == clusters_of(text)
    vocab = Vocab([*clusters_of(text)])
    assert vocab.names == ["\n", *sorted(set(clusters_of(text)), key=lambda c: (len(c) > 1, c))]
    known = set(clusters_of(other)) <= set(clusters_of(text))
    assert vocab.knows(other) == known
    if known:
        ids = vocab.stream([other])
        assert [vocab.names[i] for i in ids[1:-1]] == clusters_of(other)


@given(st.text(max_size=20))
def test_clusters_are_found_wherever_they_are(text: str) -> None:
    long = [c for c in regex.findall(r"\X", text) if len(c) > 1]
    share, example = in_clusters([text, "ab"])
    assert share == pytest.approx(sum(map(len, long)) / (len(text) + 2))
    assert example in long or not long


def test_a_line_break_joins_nothing() -> None:
    assert clusters_of(f"a{LINE_BREAK}\u0301") == ["a", LINE_BREAK, "\u0301"]
    assert clusters_of(f"\u0600{LINE_BREAK}") == ["\u0600", LINE_BREAK]
    assert clusters_of("\U00100003\u0301") == ["\U00100003", "\u0301"]


def test_code_points_for_clusters_are_no_characters() -> None:
    vocab = Vocab(["a", "👍🏽"])
    assert not vocab.knows(chr(FIRST))
    assert not vocab.knows("👋🏽")
    assert Vocab("a" + chr(FIRST)).knows(chr(FIRST))  # without clusters it is a character like others


# reading


def test_lines_are_read_back_and_keep_their_split(file: Path) -> None:
    plain, corpus = library.read(file), library.read(file, graphemes=True)
    rows = np.arange(len(corpus))
    assert corpus.lines(rows) == plain.lines(rows) == LINES
    assert corpus.lengths.tolist() == [len(clusters_of(line)) for line in LINES]
    assert corpus.fingerprint == plain.fingerprint  # of hashes, which decide the splits
    assert corpus.seen([LINES[3], "👍🏽"]) == plain.seen([LINES[3], "👍🏽"])
    assert "क्षि" in corpus.vocab.names
    assert corpus.reading is not None
    assert corpus.reading.graphemes


def test_on_disk_as_in_memory(file: Path, on_disk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = library.read(file, graphemes=True)
    assert stored.on_disk
    assert not np.array_equal(stored.lengths, library.read(file).lengths)  # entries of their own in the cache
    monkeypatch.undo()
    corpus = library.read(file, graphemes=True)
    assert stored.vocab == corpus.vocab
    assert np.array_equal(stored.tokens, corpus.tokens)
    assert np.array_equal(stored.hashes, corpus.hashes)


def test_rare_clusters_are_replaced(file: Path) -> None:
    lines = [*LINES, "👍🏾x"]
    corpus = library.Corpus.from_lines(lines, library.How(graphemes=True, min_count=2))
    assert corpus.lines([len(LINES)]) == ["\ufffdx"]
    assert (
        corpus.vocab.encode(corpus.vocab.forms.inner("👍🏾")).tolist()
        == corpus.vocab.encode("\ufffd").tolist()
    )


def test_private_characters_are_refused(tmp_path: Path, makemore: Callable[..., Any]) -> None:
    path = tmp_path / "private.txt"
    path.write_text("emma\nav\U000f0005\nzoe\n", "utf-8")
    assert library.read(path).lines([1]) == ["av\U000f0005"]
    found = makemore("train", path, "--graphemes", "-o", tmp_path / "run")
    assert found.status == 2
    assert "private.txt: the character U+F0005 is one of those that --graphemes uses" in found.err
    assert not (tmp_path / "run").exists()


# a run


def test_the_vocabulary_file_holds_the_clusters(run: Run) -> None:
    stored = json.loads((run.directory / "vocabulary.json").read_text("utf-8"))
    assert stored == run.vocab.names[1:]
    assert {"👍🏽", "🇩🇪", "क्षि", "x"} <= set(stored)
    assert library.load(run.directory).vocab == run.vocab


def test_samples_are_whole_characters_and_scored_as_drawn(run: Run) -> None:
    samples = list(run.stream(400, SampleOptions(seed=1)))
    for sample in samples:
        assert set(clusters_of(sample.text)) <= set(run.vocab.names)
    scores = [sum(letters) for letters in run.letters([sample.text for sample in samples])]
    np.testing.assert_allclose(scores, [sample.nll for sample in samples], rtol=1e-5)


def test_samples_whose_characters_would_join_are_left_out(tmp_path: Path) -> None:
    # a letter, and a mark alone at the start of a line: side by side they would be one character
    lines = [a + b for a in "xyz" for b in "xyz"] + ["\u0323" + a for a in "xyz"] + ["👍🏽"]
    how = {"graphemes": True, "type": "bigram", "smoothing": 5.0}
    run = library.train(lines=lines, work_dir=tmp_path / "run", **how)
    found = [*run.sample(300, seed=1), *run.sample(20, seed=1, unique=True)]
    found += [sample.text for sample in run.most_likely(20)]
    assert any("\u0323" in text for text in found)
    assert not [text for text in found if "\u0323" in text[1:]]


def test_wishes_count_and_find_characters(run: Run) -> None:
    for text in run.sample(30, length="2-3", contains="क्षि", seed=1):
        assert 2 <= len(clusters_of(text)) <= 3
        assert "क्षि" in clusters_of(text)
    assert all(clusters_of(text)[0] == "👋🏿" for text in run.sample(20, prefix="👋🏿", seed=1))
    assert all(text.endswith("🇫🇷") for text in run.sample(20, ends_with="🇫🇷", without="👩‍🚀", seed=1))
    assert all(re.fullmatch("[^🇩]*y", text) for text in run.sample(20, pattern="[^🇩]*y", seed=1))
    assert len(set(run.sample(30, unique=True, novel=True, seed=1)) - set(LINES)) == 30
    assert next(run.most_likely(3, prefix="👍🏽")).text.startswith("👍🏽")
    assert len(run.sample(5, best=True, seed=1)) == 5


def test_a_comparison_blames_graphemes_only_if_the_lists_are_the_same(
    run: Run, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("xy\nyx\nxxy\nyyx\nxyx\nxyyx\n", "utf-8")
    for path, says in (
        (tmp_path / "other.txt", r"has other \w+ lines than"),
        (file, "train both with graphemes"),
    ):
        other = library.train(path, type="bigram", work_dir=tmp_path / "run", overwrite=True)
        with pytest.raises(MakemoreError, match=says):
            library.compare_runs([run.directory, other.directory])


def test_characters_that_are_not_known(run: Run, makemore: Callable[..., Any]) -> None:
    assert run.score(["👍🏾"]) == [np.inf]
    with pytest.raises(MakemoreError, match=re.escape("'👍🏾' (U+1F44D U+1F3FE) is not among the")):
        run.sample(1, prefix="👍🏾")
    found = makemore("score", run.directory, "x👍🏾")
    assert found.status == 2
    assert "the character '👍🏾' (U+1F44D U+1F3FE) is not among" in found.err


def test_scores_and_explanations_are_of_characters(run: Run, makemore: Callable[..., Any]) -> None:
    line = "👍🏽🇩🇪y"
    (scored,) = run.scored([line], letters=True)
    assert scored.letters is not None
    assert [letter.character for letter in scored.letters] == ["👍🏽", "🇩🇪", "y", "\n"]
    explained = run.explain(line, top=3)
    assert [each.character for each in explained] == ["👍🏽", "🇩🇪", "y", "\n"]
    assert {c for each in explained for c, _ in each.choices} <= set(run.vocab.names)
    assert "👍🏽" in makemore("explain", run.directory, line).out
    assert run.score([line]) == [pytest.approx(sum(each.nll for each in explained))]


def test_it_is_measured(run: Run) -> None:
    found = run.eval(n=200)
    assert found.nll_by_character.keys() <= set(run.vocab.names)
    assert max(found.nll_by_length) == run.corpus.longest
    assert set(clusters_of(found.quality.nearest[0].nearest)) <= set(run.vocab.names)


@pytest.mark.slow
def test_the_report_shows_characters(run: Run, tmp_path: Path) -> None:
    page = run.report(tmp_path / "report.html").read_text("utf-8")
    assert ">👍🏽</i>" in page or ">👋🏽</i>" in page or ">क्षि</i>" in page
    assert "👍" in run._repr_html_()


def test_another_run_starts_from_it(run: Run, tmp_path: Path) -> None:
    options = {"max_steps": 2, "progress": False, "device": "cpu"}
    first = library.train(lines=LINES, graphemes=True, type="mlp", work_dir=tmp_path / "a", **options)
    new = [line.replace("x", "z") for line in LINES[::2]]
    second = library.train(lines=new, from_run=tmp_path / "a", work_dir=tmp_path / "b", **options)
    assert set(second.vocab.names) == {*first.vocab.names, "z"}
    assert second.vocab.forms.clusters
    again = library.train(work_dir=tmp_path / "b", resume=True, **options | {"max_steps": 3})
    assert again.vocab == second.vocab


def test_inspect_advises_it(file: Path, makemore: Callable[..., Any]) -> None:
    said = makemore("inspect", file).out
    assert re.search(r"long characters: \d\d% of the code points are parts of characters such as '.+'", said)
    assert "--graphemes" in said
    found = json.loads(makemore("inspect", file, "--graphemes", "--json").out)
    assert "long_characters" not in {each["code"] for each in found["warnings"]}
    assert "👩‍🚀" in {each["character"] for each in found["alphabet"]}
    assert found["lengths"]["maximum"] == max(len(clusters_of(line)) for line in LINES)
