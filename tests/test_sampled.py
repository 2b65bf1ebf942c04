"""Samples are scored, looked up and measured as the characters that were sampled, not normalised."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import makemore as library
from makemore.errors import MakemoreError
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

# "T" and a cedilla (U+0327) occur side by side here, but never in this order:
# normal form C would compose them to U+0162, which no line has
MARKS = [f"{a}{b}\u0327{c}" for a in "TSab" for b in "mxM" for c in "Tabc"] + ["T\u0323ab", "aT", "bT", "Tab"]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A bigram of lines with combining marks; it samples pairs that normal form C would compose."""
    directory = tmp_path_factory.mktemp("marks")
    (directory / "list.txt").write_text("\n".join(MARKS) + "\n", "utf-8")
    return library.train(
        directory / "list.txt", type="bigram", smoothing=1.0, work_dir=directory / "run", device="cpu"
    )


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which many characters are rare, so that one character replaces them."""
    directory = tmp_path_factory.mktemp("rare")
    random = np.random.default_rng(1)
    lines = ["".join(random.choice(list("abc"), 3)) + chr(0x4E00 + i) + "ab" for i in range(300)]
    (directory / "list.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return library.train(
        directory / "list.txt", type="ngram", order=3, min_count=5, work_dir=directory / "run", device="cpu"
    )


def composed(run: Run) -> list[str]:
    """Samples that normal form C would change."""
    return [text for text in run.sample(5000, seed=1) if unicodedata.normalize("NFC", text) != text]


def test_samples_that_normal_form_c_would_change_are_scored_as_sampled(marked: Run) -> None:
    samples = [s for s in marked.stream(5000, SampleOptions(seed=1)) if s.ended]
    assert any(unicodedata.normalize("NFC", s.text) != s.text for s in samples)
    scored = [sum(letters) for letters in marked.letters([s.text for s in samples])]
    np.testing.assert_allclose(scored, [s.nll for s in samples], rtol=1e-5)


def test_no_sample_of_a_model_has_an_infinite_loss(marked: Run, makemore: Callable[..., Any]) -> None:
    lines = composed(marked)[:50]
    assert lines
    result = makemore("score", marked.directory, stdin="\n".join(lines) + "\n")
    assert result.status == 0, result.err
    scores = [float(line.split("\t")[0]) for line in result.out.splitlines()]
    np.testing.assert_allclose(scores, marked.score(lines), atol=1e-3)
    assert all(map(math.isfinite, scores))
    assert len(marked.explain(lines[0])) == len(lines[0]) + 1


def test_such_a_run_can_be_measured(marked: Run, makemore: Callable[..., Any], tmp_path: Path) -> None:
    result = makemore("eval", marked.directory, "-n", 2000, "--json")
    assert result.status == 0, result.err
    assert 0 < json.loads(result.out)["validity"] <= 1
    result = makemore("report", marked.directory, "-n", 500, "-o", tmp_path / "page.html")
    assert result.status == 0, result.err


def test_text_from_users_is_still_normalised(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n".join(["é", "éa", "aé", "ab", "ba"] * 3), "utf-8")
    run = library.train(tmp_path / "list.txt", type="bigram", work_dir=tmp_path / "run", device="cpu")
    assert run.score(["e\u0301a"]) == run.score(["éa"])  # as some keyboards and file systems write it
    assert run.sample(5, prefix="e\u0301", seed=1) == run.sample(5, prefix="é", seed=1)
    with pytest.raises(MakemoreError, match=r"U\+0065"):  # not normalised, which the model does not know
        run.letters(["e\u0301a"])


@pytest.mark.parametrize(
    "options",
    [{}, {"unique": True}, {"temperature": 3.0}, {"top_k": 2}, {"prefix": "ab"}, {"top_p": 0.3}],
    ids=str,
)
def test_the_replacement_of_rare_characters_is_never_sampled(rare: Run, options: dict[str, Any]) -> None:
    n = 10 if "unique" in options else 2000
    assert not [text for text in rare.sample(n, cut=True, seed=1, **options) if "\ufffd" in text]


def test_the_replacement_is_not_among_the_most_likely(rare: Run) -> None:
    assert not [s for s in rare.most_likely(10) if "\ufffd" in s.text]


def test_lines_without_the_replacement_keep_their_likelihood(rare: Run) -> None:
    samples = [s for s in rare.stream(200, SampleOptions(seed=1)) if s.ended]
    np.testing.assert_allclose([s.nll for s in samples], rare.score([s.text for s in samples]), rtol=1e-5)


def test_a_prefix_of_a_rare_character_is_refused(rare: Run) -> None:
    with pytest.raises(MakemoreError, match=r"U\+4E05.*lower min_count"):
        rare.sample(5, prefix="a\u4e05")
