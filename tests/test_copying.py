"""Whether a model memorises: the verdict on models whose truth is known, on lists of every size."""

import json
import math

import numpy as np
import pytest
import torch

import makemore
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.corpus.splits import SPLITS
from makemore.metrics import copying as memorising
from makemore.metrics.baselines import fitted
from makemore.metrics.copying import copied, copying
from makemore.metrics.losses import Losses, losses
from makemore.metrics.verdict import LITTLE, MUCH, UNKNOWN, Copying, Verdict, judge, judge_older
from makemore.reports.assessment import assess


def lines_of(nlls, units=None):
    ones = np.ones(len(nlls), dtype=np.int64)
    return Losses(np.array(nlls, dtype=float), ones, None if units is None else np.array(units))


# models of which the truth is known


@pytest.mark.parametrize("n", [3, 4, 5, 8, 14, 15, 20, 50, 180, 300, 3000])
@pytest.mark.parametrize("held_out_nll", [20.0, 60.0, 2000.0])
def test_a_model_that_only_copies_memorises_much(n, held_out_nll):
    """Whatever the size of the list, even if all held-out lines are equally unlikely."""
    random = np.random.default_rng(n)
    held_out = max(2, n // 10)
    p = random.dirichlet(np.full(n - held_out, 5.0)) * (1 - 1e-6)
    nlls = held_out_nll + random.normal(0, 2, held_out)
    verdict = judge(copying(lines_of(-np.log(p)), lines_of(nlls)))
    assert verdict.level == MUCH
    assert verdict.sentence.startswith("100% of samples are training lines")
    assert "(novel=True)" in verdict.advice()
    assert "(--novel)" in verdict.advice(lambda name: f"--{name}")


def zipf(random, n, exponent):
    p = (1 + np.arange(n)) ** -exponent
    return random.permutation(p / p.sum())


def geometric(random, n, spread):
    p = np.exp(random.normal(0, spread, n))
    return p / p.sum()


@pytest.mark.parametrize("n", [30, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 180, 2000))])
@pytest.mark.parametrize(
    ("kind", "how"),
    [(zipf, 0.5), (zipf, 1.5), (geometric, 3.0), (geometric, 6.0)],
)
def test_a_model_that_knows_the_truth_never_memorises(n, kind, how):
    """Lists sampled from the model and split at random: at most one in fifty counts as memorised."""
    random = np.random.default_rng(n)
    much, tries = 0, 20 if n in (30, 2000) else 50
    for _ in range(tries):
        p = kind(random, 3 * n, how)
        lines = random.choice(3 * n, n, p=p)
        different = random.permutation(np.unique(lines))
        if len(different) < 3:
            continue
        held_out = np.isin(lines, different[: max(2, round(len(different) / 10))])
        train, new = (lines_of(-np.log(p[some]), some) for some in (lines[~held_out], lines[held_out]))
        much += judge(copying(train, new)).level == MUCH
    assert much <= tries // 50


@pytest.mark.parametrize("held_out", [2, 4, 9])
def test_little_is_never_said_from_a_handful_of_lines(held_out):
    """Unless almost no sample is a copy, which can be told without held-out lines."""
    random = np.random.default_rng(1)
    for shift in (0.0, 1.0, 3.0, 20.0):
        train = random.normal(5, 1.5, 45)
        verdict = judge(copying(lines_of(train), lines_of(random.normal(5 + shift, 3, held_out))), 0.4)
        assert verdict.level != LITTLE or (verdict.interval is not None and verdict.interval[1] <= 4)
        few = judge(copying(lines_of(train), lines_of(random.normal(5 + shift, 3, held_out))), 0.01)
        assert few.level == LITTLE


def test_a_ratio_whose_interval_is_vague_is_none():
    random = np.random.default_rng(6)
    for spread, told in ((1, True), (20, False), (100, False)):
        train, held_out = (lines_of(random.normal(1000, spread, 50)) for _ in range(2))
        found = copying(train, held_out)
        assert math.isfinite(found.ratio) == told == math.isfinite(found.interval[0])
    assert math.isnan(copying(lines_of([1.0] * 40), lines_of([30.0] * 4)).ratio)  # of four lines no interval


# the ratio


def test_copying_counts_each_line_once():
    train, held_out = [2.0, 2.2, 2.4, 2.6, 2.8], [3.0, 3.1, 3.2, 3.3, 3.4, 3.5]
    found = copying(
        lines_of([*train, 2.0, 2.0], [1, 2, 3, 4, 5, 1, 1]),
        lines_of([*held_out, 3.5], [6, 7, 8, 9, 10, 11, 11]),
    )
    p, q = (sum(math.exp(-x) for x in nlls) for nlls in (train, held_out))
    assert found.ratio == pytest.approx((p / 5) / (q / 6))
    assert (found.train, found.held_out, found.lines) == (pytest.approx(p), pytest.approx(q), 6)


def test_copying_of_lines_too_long_for_their_probabilities():
    train, held_out = lines_of([2000.0, 2001.0] * 4), lines_of([2002.0, 2003.0] * 4)
    found = copying(train, held_out)
    assert found.ratio == pytest.approx(math.exp(2))
    assert found.train == found.held_out == 0


@pytest.mark.slow
def test_intervals_of_the_copy_ratio_hold_the_truth():
    random = np.random.default_rng(5)
    for m in (8, 100):
        n, held = 150, 0
        for _ in range(n):
            train, held_out = (lines_of(random.normal(10, 0.5, k)) for k in (300, m))
            found = copying(train, held_out)
            held += found.interval[0] <= 1 <= found.interval[1]
            assert 0 < found.interval[0] < found.ratio < found.interval[1]
        assert 0.90 <= held / n <= 0.99


def test_copies_of_lines_that_were_drawn_count_each_line_once(monkeypatch):
    """If a few lines occur very often, the interval of a subsample still holds the ratio of all lines."""
    random = np.random.default_rng(7)
    names = list(dict.fromkeys(read("names").lines(range(6000))))
    times = np.minimum(1 + random.zipf(1.6, len(names)), 300)
    lines = [name for name, n in zip(names, times.tolist(), strict=True) for _ in range(n)]
    corpus = Corpus.from_lines([lines[i] for i in random.permutation(len(lines))])
    model = fitted(corpus, "ngram", order=4)
    monkeypatch.setattr(memorising, "COPIED_TOKENS", 10_000)
    every = {split: losses(model, corpus, corpus.rows(split)) for split in SPLITS}
    drawn = {split: losses(model, corpus, corpus.at_most(split, 3_000)) for split in SPLITS}
    whole, some = copied(model, corpus, every), copied(model, corpus, drawn)
    assert whole == copying(every["train"], every["validation"] + every["test"])
    assert math.isnan(some.train)
    assert some.interval[0] < whole.ratio < some.interval[1]


# leaving lines out in turn


def fit(lines, order):
    corpus = Corpus.from_lines(lines)
    model = fitted(corpus, "ngram", order=order)
    found = {split: losses(model, corpus, corpus.rows(split)) for split in SPLITS}

    def untrained():
        return type(model)(len(corpus.vocab), model.config_class(order))

    return copied(model, corpus, found), copied(model, corpus, found, untrained)


def test_lines_are_left_out_where_those_held_out_cannot_tell():
    names = list(dict.fromkeys(read("names").lines(range(0, 30000, 100))))
    plain, left_out = fit(names, 2)
    assert judge(plain).level in (UNKNOWN, LITTLE)
    if judge(plain).level == UNKNOWN:
        assert left_out.folds
        assert left_out.lines == len(names)
        assert judge(left_out).level != UNKNOWN or left_out.interval[1] / left_out.interval[0] < 10
    assert left_out.train == plain.train


@pytest.mark.parametrize("order", [2, 6])
def test_leaving_out_equals_a_slow_loop(order):
    """R from folds, against its definition: each line's probability with and without training on it."""
    lines = ["abc", "abd", "bcd", "a", "b", "cab", "dd", "abcd", "ca", "ba", "abc", "a"]
    corpus = Corpus.from_lines(lines)
    counted = fitted(corpus, "ngram", order=order)

    def make():
        return type(counted)(len(corpus.vocab), counted.config_class(order))

    found = memorising.left_out(make, corpus, copying(lines_of([1.0] * 5), lines_of([1.0] * 5)))
    different = sorted(set(lines), key=lambda line: int(corpus.hashes[lines.index(line)]))
    fold = np.random.default_rng(0).permutation(10) % 10
    known, new = [0.0] * 10, [0.0] * 10
    for k in range(10):
        kept = [i for i, line in enumerate(lines) if fold[different.index(line)] != k]
        model = make()
        stream = corpus.stream(np.array(kept)).astype(np.int64)
        model.fit(torch.from_numpy(stream), torch.from_numpy(kinds_of(corpus.vocab)))
        for i, line in enumerate(different):
            p = math.exp(-losses(model, corpus, np.array([lines.index(line)])).lines[0])
            if fold[i] == k:
                new[i] += p
            else:
                known[i] += p / 9
    assert found.ratio == pytest.approx(sum(known) / sum(new), rel=1e-6)
    assert found.folds
    assert found.lines == 10


# words and JSON


@pytest.mark.parametrize(
    ("copies", "share", "words"),
    [
        (Copying(1.9, (1.7, 2.1), 0.36, 0.1, 3000, 1.0), None,
         "36% of samples are training lines, but little is memorised: lines it never saw are likely too "
         "(training lines are 1.9x as likely as held-out ones, 1.7 to 2.1)"),
        (Copying(237.9, (87.0, 3638.0), 0.4, 0.1, 9, 1e-4), None,
         "40% of samples are training lines; training lines are 238x as likely as held-out ones "
         "(87.0 to 3,638): much is memorised"),
        (Copying(math.nan, (math.nan, math.nan), 0.4, 0.0, 4, 1e-4), None,
         "40% of samples are training lines: much is memorised"),
        (Copying(math.nan, (math.nan, math.nan), 0.4, 0.0, 4, 0.2), None,
         "40% of samples are training lines: the 4 held-out lines cannot tell whether that is memorising"),
        (Copying(math.nan, (math.nan, math.nan), 0.4, 0.0, 300, 0.2, folds=True), None,
         "40% of samples are training lines: the 300 lines, left out in turn, cannot tell whether that is "
         "memorising"),
        (Copying(9.0, (6.0, 16.0), 0.01, 0.0, 400, 1e-4), None,
         "1.0% of samples are training lines: few copies, though training lines are 9.0x as likely as "
         "held-out ones (6.0 to 16.0)"),
        (Copying(9.0, (6.0, 16.0), math.nan, math.nan, 400, 1e-4), 0.5,
         "50% of samples are training lines; training lines are 9.0x as likely as held-out ones "
         "(6.0 to 16.0): much is memorised"),
    ],
)  # fmt: skip
def test_the_sentence(copies, share, words):
    verdict = judge(copies, share)
    assert verdict.sentence == words
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_an_older_summary_is_judged_by_its_numbers():
    few = judge_older(0.4, 3.5e8, (1.2, 9e12), held_out=5)
    assert (few.level, few.ratio) == (UNKNOWN, None)
    assert judge_older(0.4, 1.9, (1.7, 2.1), held_out=3100).level == LITTLE
    assert judge_older(0.4, 3.1, (2.9, 3.4), held_out=3100).level == MUCH
    assert judge_older(0.4, math.nan, (math.nan, math.nan), held_out=3100).level == UNKNOWN


# from a list to what is told


@pytest.mark.parametrize("n", [50, 180, 300])
def test_counting_on_a_short_list(n, tmp_path):
    """A 6-gram of some names trusts long contexts as far as they predict lines that were left out."""
    names = list(dict.fromkeys(read("names").lines(range(0, 30000, 30000 // n))))[:n]
    (tmp_path / "list.txt").write_text("\n".join(names) + "\n")
    run = makemore.train(tmp_path / "list.txt", type="ngram", work_dir=tmp_path / "run", device="cpu")
    verdict = run.summary().memorising
    assert verdict.level == LITTLE
    assert verdict.share < 0.1
    numbers = assess(run, 500).to_json()
    assert numbers["memorising"] == run.summary().memorising.to_json()
    assert numbers["memorising"]["share"] == pytest.approx(numbers["train_mass"])
    assert numbers["memorising"]["ratio"] == numbers["copy_ratio"]
    assert "memorises" not in [warned["code"] for warned in numbers["warnings"]]
