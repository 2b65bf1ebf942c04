"""Runs that an earlier makemore wrote: they still load, sample, score and resume.

Both were trained by version 0.1.0, before the modules moved into packages, on the first 120 of the bundled
names:

    makemore -i names.txt --type gru --n-embd 8 --n-embd2 16 --max-steps 40 --precision float32 -o gru
    makemore -i names.txt --type ngram --order 3 -o ngram

What they must say was printed by the same version.
"""

import shutil
from pathlib import Path

import pytest

import makemore

OLD = Path(__file__).parent / "old_runs"
SAID = {
    "gru": (["lenaaayai", "yrieahn", "ced", "yloenyiy", "g"], 14.3110),
    "ngram": (["jlokely", "vileeena", "ale", "virerydy", "e"], 8.6879),
}


@pytest.fixture(params=SAID)
def old_run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an old run, so that the test may write to it."""
    return Path(shutil.copytree(OLD / request.param, tmp_path / request.param))


def test_an_old_run_loads_samples_and_scores(old_run: Path) -> None:
    run = makemore.load(old_run)
    samples, nll = SAID[run.type]
    assert run.sample(5, seed=1) == samples
    assert run.score(["emma"]) == pytest.approx([nll], abs=1e-4)


def test_an_old_run_goes_on(tmp_path: Path) -> None:
    directory = shutil.copytree(OLD / "gru", tmp_path / "gru")
    run = makemore.train(work_dir=directory, resume=True, max_steps=44, device="cpu")
    assert [row.step for row in run.metrics()][-3:] == [40, 42, 44]


def test_an_old_run_is_replaced_only_when_asked(old_run: Path) -> None:
    lists = old_run.parent / "list.txt"
    lists.write_text("emma\nolivia\nava\nisabella\nsophia\n" * 4, "utf-8")
    with pytest.raises(makemore.MakemoreError, match="overwrite"):
        makemore.train(lists, type="bigram", work_dir=old_run)
    makemore.train(lists, type="bigram", work_dir=old_run, overwrite=True)
    assert makemore.load(old_run).type == "bigram"
