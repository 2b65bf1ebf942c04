"""Runs that an earlier makemore wrote: they still load, sample, score and resume.

Both were trained by version 0.1.0, before the modules moved into packages, on the first 120 of the bundled
names:

    makemore -i names.txt --type gru --n-embd 8 --n-embd2 16 --max-steps 40 --precision float32 -o gru
    makemore -i names.txt --type ngram --order 3 -o ngram

What they must say was printed by the same version, which cut lines at the longest length.
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
WENT_ON = {  # losses of the batch, train and validation, when the same version resumes the GRU up to step 50
    42: (2.6729114055633545, 2.6610905962719036, 2.7230951988090903),
    50: (2.671125888824463, 2.6544334540098666, 2.716532826423645),
}


@pytest.fixture(params=SAID)
def old_run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an old run, so that the test may write to it."""
    return Path(shutil.copytree(OLD / request.param, tmp_path / request.param))


def test_an_old_run_loads_samples_and_scores(old_run: Path) -> None:
    run = makemore.load(old_run)
    samples, nll = SAID[run.type]
    assert run.sample(5, cut=True, seed=1) == samples
    assert run.score(["emma"]) == pytest.approx([nll], abs=1e-4)


def test_an_old_run_goes_on(tmp_path: Path) -> None:
    directory = shutil.copytree(OLD / "gru", tmp_path / "gru")
    run = makemore.train(work_dir=directory, resume=True, max_steps=50, device="cpu")
    rows = {row.step: row for row in run.metrics()}
    assert list(rows) == list(range(0, 51, 2))
    for step, losses in WENT_ON.items():  # computing in 32 bits instead of 16 changes 2e-6 of them
        row = rows[step]
        assert (row.batch, row.train, row.validation) == pytest.approx(losses, rel=1e-4)


def test_an_old_run_is_replaced_only_when_asked(old_run: Path) -> None:
    lists = old_run.parent / "list.txt"
    lists.write_text("emma\nolivia\nava\nisabella\nsophia\n" * 4, "utf-8")
    with pytest.raises(makemore.MakemoreError, match="overwrite"):
        makemore.train(lists, type="bigram", work_dir=old_run)
    makemore.train(lists, type="bigram", work_dir=old_run, overwrite=True)
    assert makemore.load(old_run).type == "bigram"
