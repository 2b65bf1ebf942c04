"""Comparing models: order, ties, resuming, and errors."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import makemore
from makemore.corpus import sizes
from makemore.errors import MakemoreError
from makemore.reports import compared, comparison
from makemore.reports.comparison import Listener, compare, compare_runs


@pytest.fixture(scope="module")
def ngrams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs on the bundled names: a bigram, a 4-gram, and the same 4-gram again."""
    home = tmp_path_factory.mktemp("ngrams")
    for name, type, knobs in (("two", "bigram", {}), ("four", "ngram", {"order": 4})):
        makemore.train("names", type=type, work_dir=home / name, device="cpu", **knobs)
    shutil.copytree(home / "four", home / "again")
    return {name: home / name for name in ("two", "four", "again")}


def test_a_real_difference_and_a_tie(ngrams: dict[str, Path]) -> None:
    found = compare_runs(list(ngrams.values()))
    assert [e.type for e in found.entries] == ["ngram", "ngram", "bigram"]
    assert [e.tie_with_best for e in found.entries] == [True, True, False]
    assert [p.tie for p in found.pairs] == [True, False, False]
    bigram, four = found.entries[2], found.entries[0]
    pair = found.pairs[1]
    assert pair.difference == pytest.approx(bigram.nll["test"] - four.nll["test"], abs=1e-6)
    assert pair.interval[0] < pair.difference < pair.interval[1]


def test_losses_are_paired_line_by_line(ngrams: dict[str, Path], tmp_path: Path) -> None:
    """The same lines in another order are the same split, and the same model on them is a tie at 0."""
    corpus = makemore.read("names")
    lines = corpus.lines(np.arange(len(corpus)))
    (tmp_path / "turned.txt").write_text("\n".join(reversed(lines)), "utf-8")
    makemore.train(tmp_path / "turned.txt", type="ngram", order=4, work_dir=tmp_path / "run", device="cpu")
    (pair,) = compare_runs([ngrams["four"], tmp_path / "run"]).pairs
    assert pair.difference == pytest.approx(0, abs=1e-9)
    # paired: the interval of the difference is narrower than if the two had been scored on different lines
    found = compare_runs([ngrams["four"], ngrams["two"]])
    apart = np.hypot(*(np.ptp(entry.interval) for entry in found.entries))
    assert np.ptp(found.pairs[0].interval) < 0.9 * apart


@pytest.mark.slow
def test_of_a_large_file_the_same_lines_are_drawn_for_every_run(
    ngrams: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = makemore.read("names").lines(range(32_033))
    (tmp_path / "turned.txt").write_text("\n".join(reversed(lines)), "utf-8")
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    small = sizes.Sizes(large=0, chunk=500, piece=4000)
    monkeypatch.setattr(sizes, "SIZES", small)
    runs = [tmp_path / "a", tmp_path / "b"]
    for source, directory in zip(("names", tmp_path / "turned.txt"), runs, strict=True):
        run = makemore.train(source, type="ngram", order=4, work_dir=directory, device="cpu")
        assert run.corpus.on_disk
    (on_disk,) = compare_runs([runs[0], ngrams["two"]]).pairs
    (in_memory,) = compare_runs([ngrams["four"], ngrams["two"]]).pairs
    assert (on_disk.difference, on_disk.interval) == (in_memory.difference, in_memory.interval)
    monkeypatch.setattr(sizes, "SIZES", replace(small, subsample=3000))
    found = compare_runs([*runs, ngrams["two"]])
    assert 300 < found.scored_lines < 600 < found.lines["test"]
    assert found.pairs[0].difference == pytest.approx(0, abs=1e-9)
    assert found.pairs[0].tie
    assert found.pairs[1].difference == pytest.approx(in_memory.difference, abs=0.05)
    for entry in found.entries:
        assert entry.interval[0] < entry.nll["test"] < entry.interval[1]
    (tmp_path / "turned.txt").write_text("\n".join(lines[1:]), "utf-8")
    makemore.train(tmp_path / "turned.txt", type="bigram", work_dir=tmp_path / "c", device="cpu")
    with pytest.raises(MakemoreError, match="lines than"):
        compare_runs([runs[0], tmp_path / "c"])


def test_the_seeds_widen_the_interval(small: Path, tmp_path: Path) -> None:
    found = compare(small, ["mlp"], work_dir=tmp_path / "c", seeds=2, max_steps=3)
    assert found is not None
    (entry,) = found.entries
    assert len(entry.runs) == 2
    assert entry.nll["test"] == pytest.approx(np.mean(entry.nll_of_runs))
    assert len(set(entry.nll_of_runs)) == 2
    (pair,) = compare_runs(entry.runs).pairs
    spread = compared.SEED_SPREAD * np.sqrt(compared.SEED_LINES / found.lines["train"])
    assert np.ptp(pair.interval) > 2 * 1.96 * spread * np.sqrt(2) * 0.8
    assert pair.tie


def test_it_goes_on_where_it_was(small: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    asked = iter([False] * 4 + [True] * 100)
    stopped = compare(
        small, ["bigram", "mlp", "gru"], work_dir=tmp_path / "c", max_steps=3,
        listener=Listener(on_event=lambda name, event: steps.append(name), stop=lambda: next(asked)),
    )  # fmt: skip
    assert stopped is None
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").glob("*/summary.json")}
    assert done
    whole = compare(small, ["bigram", "mlp", "gru"], work_dir=tmp_path / "c", max_steps=3)
    assert whole is not None
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert {entry.name for entry in whole.entries} == {"bigram", "mlp", "gru"}
    alone = compare(small, ["bigram", "mlp", "gru"], work_dir=tmp_path / "d", max_steps=3)
    assert alone is not None
    for a, b in zip(whole.entries, alone.entries, strict=True):
        assert (a.name, a.nll) == (b.name, b.nll)
    assert json.loads((tmp_path / "c" / "comparison.json").read_text("utf-8"))["result"]["entries"]


def test_every_pair_is_compared(small: Path, tmp_path: Path) -> None:
    found = compare(small, ["bigram", "ngram", "mlp"], work_dir=tmp_path / "c", max_steps=2)
    assert found is not None
    names = [entry.name for entry in found.entries]
    assert [(p.a, p.b) for p in found.pairs] == list(itertools.combinations(names, 2))
    losses = [entry.nll["test"] for entry in found.entries]
    assert losses == sorted(losses)


def test_what_cannot_be_compared(
    small: Path, small_run: Path, ngrams: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(MakemoreError, match="other train lines than"):
        compare_runs([small_run, ngrams["two"]])
    with pytest.raises(MakemoreError, match="at least two different run directories"):
        compare_runs([small_run, small_run])
    compare(small, ["mlp"], work_dir=tmp_path / "c", max_steps=2)
    with pytest.raises(MakemoreError, match="a comparison with max_steps=2; choose another directory"):
        compare(small, ["mlp"], work_dir=tmp_path / "c", max_steps=3)
    with pytest.raises(MakemoreError, match="a comparison of other lines"):
        compare("names", ["mlp"], work_dir=tmp_path / "c", max_steps=2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "comparison.json").write_text("{}", "utf-8")
    with pytest.raises(MakemoreError, match=r"comparison\.json: was not written by makemore"):
        compare(small, ["bigram"], work_dir=tmp_path / "mine")
    with pytest.raises(MakemoreError, match="no such model"):
        compare(small, ["bigramm"], work_dir=tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_one_type_may_be_a_string(small: Path, tmp_path: Path) -> None:
    found = compare(small, types="mlp", work_dir=tmp_path / "one", device="cpu", max_steps=np.int64(5))
    assert found is not None
    assert [entry.type for entry in found.entries] == ["mlp"]
    with pytest.raises(MakemoreError, match="type bigrm: no such model; did you mean bigram"):
        compare(small, types="bigrm", work_dir=tmp_path / "two")
    for name, value in (("seeds", "2"), ("seeds", 2.5), ("max_steps", 2.5), ("device", None)):
        with pytest.raises(MakemoreError, match=f"^{name} must be a ") as error:
            compare(small, types="bigram", work_dir=tmp_path / "two", **{name: value})  # type: ignore[arg-type]
        assert error.value.options == (name,)
    assert not (tmp_path / "two").exists()


def test_a_model_that_holds_lines_for_impossible_comes_last(small: Path, tmp_path: Path) -> None:
    makemore.train(small, type="bigram", smoothing=0.0, work_dir=tmp_path / "sure", device="cpu")
    makemore.train(small, type="bigram", work_dir=tmp_path / "smooth", device="cpu")
    found = compare_runs([tmp_path / "sure", tmp_path / "smooth"])
    assert [math.isinf(entry.nll["test"]) for entry in found.entries] == [False, True]
    (pair,) = found.pairs
    assert not pair.tie
    json.dumps(found.to_json(), allow_nan=False)
    page = tmp_path / "page.html"
    from makemore.reports.page import write_report

    write_report([tmp_path / "sure", tmp_path / "smooth"], page, 100)
    assert "smooth" in page.read_text("utf-8")


def test_a_type_that_fails_is_left_out(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(source=None, type=None, **how):
        if type == "mlp":
            raise MakemoreError("the loss became nan at step 3")
        return makemore.train(source, type=type, **how)

    monkeypatch.setattr(comparison, "train", train)
    told = []
    found = compare(
        small, ["bigram", "mlp", "ngram"], work_dir=tmp_path / "c", max_steps=3,
        listener=Listener(on_failure=lambda name, error: told.append(name)),
    )  # fmt: skip
    assert found is not None
    assert {entry.name for entry in found.entries} == {"bigram", "ngram"}
    assert found.failed == {"mlp-3407": "the loss became nan at step 3"}
    assert told == ["mlp-3407"]
    with pytest.raises(MakemoreError, match="became nan"):
        compare(small, ["mlp"], work_dir=tmp_path / "d", max_steps=3)


@pytest.mark.slow
def test_the_page_of_a_comparison_has_the_numbers_of_all_seeds(small: Path, tmp_path: Path) -> None:
    from makemore.reports.page import write_report

    found = compare(small, ["bigram", "mlp"], work_dir=tmp_path / "c", max_steps=3, seeds=2)
    assert found is not None
    text = write_report([tmp_path / "c"], None, 100).read_text("utf-8")
    for entry in found.entries:
        assert f"{entry.nll['test']:.4f}" in text


def test_runs_and_comparisons_do_not_share_a_directory(makemore, small, tmp_path):
    assert makemore("-i", small, "--type", "bigram", "-o", tmp_path / "run").status == 0
    result = makemore("compare", small, "--types", "bigram", "-o", tmp_path / "run")
    assert (result.status, result.err) == (
        2,
        f"makemore: {tmp_path / 'run'}: holds a run; choose another directory with -o\n",
    )
    result = makemore("compare", small, "--types", "bigram", "-o", tmp_path / "compared")
    assert "the only one" in result.out
    assert "is real" not in result.out
    result = makemore("-i", small, "--type", "bigram", "-o", tmp_path / "compared")
    assert result.status == 2
    assert "holds a comparison" in result.err
