"""Every number of `assess` against slow loops from its definition; and models whose true values are known."""

import itertools
import json
import math
import random
import statistics
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from test_ngram import fitted as fitted_ngram
from test_ngram import slow as slow_ngram
from test_quality import SLOW_FEATURES, slow_distance, slow_edits, slow_mann_whitney, slow_vendi

import makemore
from makemore.corpus import sizes
from makemore.corpus.corpus import Corpus
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.sizes import Sizes
from makemore.corpus.store import Store
from makemore.counting import smoothing
from makemore.errors import MakemoreError
from makemore.metrics import copying as memorising
from makemore.metrics import losses as evaluation
from makemore.models.base import Model
from makemore.reports import assessment
from makemore.reports.assessment import assess
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

SPLITS = ("train", "validation", "test")


def trained(lines, directory, **options):
    path = directory / "lines.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    makemore.train(path, work_dir=directory / "run", device="cpu", **options)
    return Run.load(directory / "run")


def small_lines():
    """400 lines of 1 to 5 of three letters, many more than once; few letters, so all lines can be listed."""
    chance = random.Random(1)
    return ["".join(chance.choices("abc", (6, 3, 1), k=chance.randint(1, 5))) for _ in range(400)]


N, SEED = 300, 5


@pytest.fixture(scope="module", params=["ngram", "gru"])
def run(request, tmp_path_factory):
    options = {"ngram": {"order": 3}, "gru": {"max_steps": 40, "n_embd": 16, "n_embd2": 16}}[request.param]
    return trained(small_lines(), tmp_path_factory.mktemp("small"), type=request.param, **options)


@pytest.fixture(scope="module")
def found(run):
    return assess(run, N, SEED)


@pytest.fixture(scope="module")
def numbers(found):
    return found.to_json()


@pytest.fixture(scope="module")
def split(run):
    """The lines of each split."""
    return {name: run.corpus.lines(run.corpus.rows(name)) for name in SPLITS}


@pytest.fixture(scope="module")
def samples(run):
    return list(run.stream(N, SampleOptions(cut=True, seed=SEED)))


class Slow:
    """A model asked about one line at a time."""

    def __init__(self, run):
        self.run = run
        self.known = {}

    @torch.no_grad()
    def p(self, line):
        """The distribution after each beginning of a line, the empty one first: (len + 1) lists of V."""
        if line not in self.known:
            ids = self.run.vocab.encode(line).tolist()
            logits = self.run.model(torch.tensor([[0, *ids]]))[0][0].double()
            self.known[line] = (logits.softmax(-1).tolist(), [*ids, 0])
        return self.known[line]

    def nll(self, line):
        """-log p of each character and of the end."""
        return [-math.log(p[target]) for p, target in zip(*self.p(line), strict=True)]


@pytest.fixture(scope="module")
def slow(run):
    return Slow(run)


def quantiles(values):
    values = sorted(values)
    return [values[round(q * (len(values) - 1))] for q in (0.025, 0.975)]


def t_of(n):
    """Student's t of 97.5 % for n values, from tables."""
    exact = {
        5: 2.776,
        6: 2.571,
        7: 2.447,
        8: 2.365,
        9: 2.306,
        10: 2.262,
        12: 2.201,
        15: 2.145,
        20: 2.093,
        30: 2.045,
    }
    free = n - 1
    t = 1.96 + 2.37 / free + 2.82 / free**2 + 2.56 / free**3 + 1.6 / free**4
    assert n not in exact or t == pytest.approx(exact[n], abs=0.005)
    return t


def widened(interval, middle, n):
    """An interval from n lines, widened on a logarithmic scale as Student's is."""
    by = t_of(n) / 1.96 * math.sqrt(n / (n - 1))
    return [middle * (end / middle) ** by for end in interval]


def near(interval, slow_interval):
    """Two intervals from different random numbers differ by a fraction of their width."""
    width = slow_interval[1] - slow_interval[0]
    assert width > 0
    assert interval == pytest.approx(slow_interval, abs=0.17 * width)


def test_what_was_measured(run, numbers, split):
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    assert numbers["type"] == run.type
    assert numbers["parameters"] == sum(p.numel() for p in run.model.parameters())
    assert numbers["steps"] == run.summary().steps == (1 if run.type == "ngram" else 40)
    assert numbers["seconds"] == run.summary().seconds
    assert numbers["lines"] == {name: len(lines) for name, lines in split.items()}
    assert numbers["scored_lines"] == numbers["lines"]
    assert numbers["tokens"] == {name: sum(len(x) + 1 for x in lines) for name, lines in split.items()}
    assert numbers["samples"] == N
    assert len(split["validation"]) > 5 < len(split["test"])


def test_the_fields_hold_what_the_json_says(found, numbers):
    assert found.nll == numbers["nll"]
    for split in SPLITS:
        loss = found.losses[split]
        assert loss.nll.value == found.nll[split]
        assert list(loss.perplexity.interval) == numbers["perplexity_interval"][split]
        assert loss.bits_per_line.value == numbers["bits_per_line"][split]
    assert found.nll_by_position[1].nll == numbers["nll_by_position"][0]["nll"]
    assert found.nll_by_character["\n"].tokens == found.scored_lines["test"]
    assert sum(part.tokens for part in found.nll_by_length.values()) == found.tokens["test"]
    assert found.quality.novelty == numbers["novelty"]
    assert found.quality.distances["length"].ratio == numbers["distances"]["length"]["ratio"]
    assert found.memorising.sentence == numbers["memorising"]["sentence"]
    assert [warned.code for warned in found.warnings] == [each["code"] for each in numbers["warnings"]]


@pytest.mark.parametrize("name", SPLITS)
def test_losses(numbers, split, slow, name):
    lines = split[name]
    losses = [x for line in lines for x in slow.nll(line)]
    nll = sum(losses) / len(losses)
    assert numbers["nll"][name] == pytest.approx(nll, rel=1e-5)
    assert numbers["bits_per_character"][name] == pytest.approx(nll * math.log2(math.e), rel=1e-5)
    assert numbers["perplexity"][name] == pytest.approx(math.exp(nll), rel=1e-5)
    assert numbers["bits_per_line"][name] == pytest.approx(sum(losses) / math.log(2) / len(lines), rel=1e-5)
    # intervals: whole groups of equal lines are drawn anew
    groups = [[sum(slow.nll(line)), len(line) + 1, 1, n] for line, n in Counter(lines).items()]
    chance, per_token, per_line = random.Random(2), [], []
    for _ in range(4000):
        some = chance.choices(groups, k=len(groups))
        loss = sum(x * n for x, _, _, n in some)
        per_token.append(loss / sum(t * n for _, t, _, n in some))
        per_line.append(loss / sum(n for *_, n in some) / math.log(2))
    low, high = widened(quantiles(per_token), nll, len(groups))
    near(numbers["nll_interval"][name], [low, high])
    near(numbers["bits_per_character_interval"][name], [low / math.log(2), high / math.log(2)])
    near(numbers["perplexity_interval"][name], [math.exp(low), math.exp(high)])
    near(
        numbers["bits_per_line_interval"][name],
        widened(quantiles(per_line), numbers["bits_per_line"][name], len(groups)),
    )


def test_baselines(run, numbers, split):
    characters = "\n" + run.vocab.characters
    pairs = Counter(pair for line in split["train"] for pair in itertools.pairwise(f"\n{line}\n"))
    total = Counter(c for line in split["train"] for c in f"\n{line}")
    ngram = slow_ngram(split["train"], fitted_ngram(split["train"], 6, run.vocab)[0], run.vocab)
    assert numbers["baselines"]["uniform"] == pytest.approx(math.log(len(characters)))
    for name in ("validation", "test"):
        tokens = sum(len(line) + 1 for line in split[name])
        bigram = -sum(
            math.log((pairs[a, b] + 0.1) / (total[a] + 0.1 * len(characters)))
            for line in split[name]
            for a, b in itertools.pairwise(f"\n{line}\n")
        )
        six = -sum(
            math.log(ngram.p(f"{line}\n"[t], f"\n{line}"[: t + 1]))
            for line in split[name]
            for t in range(len(line) + 1)
        )
        assert numbers["baselines"]["bigram"][name] == pytest.approx(bigram / tokens, rel=1e-5)
        assert numbers["baselines"]["ngram"][name] == pytest.approx(six / tokens, rel=1e-5)


@pytest.mark.parametrize("by", ["position", "length", "character"])
def test_losses_split_up(numbers, split, slow, by):
    found = defaultdict(list)  # what the interval is the mean's of
    tokens = Counter()
    for line in split["test"]:
        losses = slow.nll(line)
        if by == "length":
            found[len(line)].append(sum(losses) / len(losses))
            tokens[len(line)] += len(losses)
        else:
            for t, (loss, character) in enumerate(zip(losses, f"{line}\n", strict=True), 1):
                key = t if by == "position" else character
                found[key].append(loss)
                tokens[key] += 1
    parts = {part[by]: part for part in numbers[f"nll_by_{by}"]}
    assert len(parts) == len(numbers[f"nll_by_{by}"])
    assert parts.keys() == found.keys()
    for key, values in found.items():
        mean = statistics.fmean(values)
        assert parts[key]["tokens"] == tokens[key]
        assert parts[key]["nll"] == pytest.approx(mean, rel=1e-4)
        if (n := len(values)) >= 5:  # on a logarithmic scale, by Student's t
            around = math.exp(t_of(n) * statistics.stdev(values) / math.sqrt(n) / mean)
            assert parts[key]["interval"] == pytest.approx([mean / around, mean * around], rel=1e-4)
        else:
            assert parts[key]["interval"] == [None, None]


def test_calibration(numbers, split, slow):
    bins = defaultdict(list)  # (probability, whether it came true)
    places = 0
    for line in split["test"]:
        for p, target in zip(*slow.p(line), strict=True):
            places += 1
            for character, probability in enumerate(p):
                bins[min(int(probability * 15), 14)].append((probability, character == target))
    error = sum(abs(sum(p for p, _ in some) - sum(t for _, t in some)) for some in bins.values()) / places
    assert numbers["calibration_error"] == pytest.approx(error, abs=1e-5)
    chance = (
        sum(math.sqrt(2 / math.pi * sum(p * (1 - p) for p, _ in some)) for some in bins.values()) / places
    )
    assert numbers["calibration_error_by_chance"] == pytest.approx(chance, abs=1e-5)
    assert len(numbers["calibration"]) == len(bins)
    for i, found in zip(sorted(bins), numbers["calibration"], strict=True):
        some = bins[i]
        assert (found["low"], found["high"]) == pytest.approx((i / 15, (i + 1) / 15))
        assert found["count"] == len(some)
        assert found["predicted"] == pytest.approx(sum(p for p, _ in some) / len(some), abs=1e-5)
        assert found["observed"] == pytest.approx(sum(t for _, t in some) / len(some))


def every_line(longest):
    return ("".join(x) for n in range(1, longest + 1) for x in itertools.product("abc", repeat=n))


def test_copy_ratio(run, numbers, split, slow):
    train, held_out = set(split["train"]), {*split["validation"], *split["test"]}
    assert not train & held_out
    p = {line: math.exp(-sum(slow.nll(line))) for line in every_line(5)}
    of_train, of_held_out = ([p[line] for line in sorted(some)] for some in (train, held_out))
    assert numbers["train_mass"] == pytest.approx(sum(of_train), rel=1e-4)
    assert numbers["held_out_mass"] == pytest.approx(sum(of_held_out), rel=1e-4)
    ratio = statistics.fmean(of_train) / statistics.fmean(of_held_out)
    # of so few lines a model that counts is judged by leaving lines out in turn, which test_copying.py checks
    found = {name: evaluation.losses(run.model, run.corpus, run.corpus.rows(name)) for name in SPLITS}
    plain = memorising.copied(run.model, run.corpus, found)
    assert plain.ratio == pytest.approx(ratio, rel=1e-4)
    assert run.type == "ngram" or numbers["copy_ratio"] == plain.ratio
    chance = random.Random(3)
    ratios = [
        statistics.fmean(chance.choices(of_train, k=len(train)))
        / statistics.fmean(chance.choices(of_held_out, k=len(held_out)))
        for _ in range(4000)
    ]
    near(list(plain.interval), widened(quantiles(ratios), ratio, min(len(train), len(held_out))))
    # the masses are those of a whole: all lines of up to 5 letters, the empty one, and those that go on
    going = sum(
        math.prod(slow.p(line)[0][t][slow.p(line)[1][t]] for t in range(5)) * (1 - slow.p(line)[0][5][0])
        for line in every_line(5)
        if len(line) == 5
    )
    empty = slow.p("a")[0][0][0]
    assert sum(p.values()) + empty + going == pytest.approx(1, abs=1e-4)


def test_samples(numbers, split, samples):
    texts = [sample.text for sample in samples]
    train, held_out = set(split["train"]), {*split["validation"], *split["test"]}
    different = set(texts)
    assert numbers["validity"] == sum(sample.ended for sample in samples) / N
    assert numbers["uniqueness"] == len(different) / N
    assert numbers["novelty"] == sum(text not in train for text in different) / len(different)
    assert numbers["held_out_hits"] == sum(line in different for line in held_out) / len(held_out)
    # N lines drawn from the list: how many are different is known but for chance
    times = Counter(split["train"])
    absent = [(1 - n / len(split["train"])) ** N for n in times.values()]
    spread = math.sqrt(sum(p * (1 - p) for p in absent))
    wanted = sum(1 - p for p in absent)
    assert numbers["uniqueness_of_train"] * N == pytest.approx(wanted, abs=4 * spread)
    assert numbers["uniqueness_of_train"] * N == pytest.approx(round(numbers["uniqueness_of_train"] * N))


def test_nearest(numbers, split, samples):
    train = sorted(set(split["train"]))
    held_out = split["validation"] + split["test"]
    many = min(N, len(held_out))
    distance = {
        line: min(slow_edits(line, other) for other in train)
        for line in {*held_out, *(s.text for s in samples)}
    }
    of_samples = [distance[sample.text] for sample in samples[:many]]
    of_held_out = [distance[line] for line in held_out]
    assert numbers["c_t"] == pytest.approx(slow_mann_whitney(of_samples, of_held_out))
    found = numbers["nearest_distances"]
    assert (found["lines"], found["of_train"]) == (many, len(train))
    for name, values in (("samples", of_samples), ("held_out", of_held_out)):
        assert found[name] == [values.count(d) for d in range(max(values) + 1)]
    kinds = dict.fromkeys(train, "train") | dict.fromkeys(held_out, "held-out")
    assert len(numbers["nearest"]) == 20
    for told, sample in zip(numbers["nearest"], samples, strict=False):
        assert told["text"] == sample.text
        assert told["nll"] == pytest.approx(sample.nll)
        assert told["seen"] == kinds.get(sample.text, "new")
        assert told["distance"] == distance[sample.text] == slow_edits(told["text"], told["nearest"])
        assert told["nearest"] in kinds
        assert (told["distance"] == 0) == (told["seen"] == "train")


def test_distances(numbers, split, samples):
    held_out = split["validation"] + split["test"]
    texts, train = [s.text for s in samples][: len(held_out)], split["train"]
    assert numbers["distances"].keys() == SLOW_FEATURES.keys()
    for feature, found in numbers["distances"].items():
        assert found["samples"] == pytest.approx(slow_distance(texts, train, feature), abs=1e-9)
        assert found["held_out"] == pytest.approx(slow_distance(held_out, train, feature), abs=1e-9)
        assert found["ratio"] == pytest.approx(found["samples"] / found["held_out"])


def test_vendi(numbers, split, samples):
    held_out = split["validation"] + split["test"]
    found = numbers["vendi"]
    assert found["lines"] == len(held_out)
    assert found["samples"] == pytest.approx(slow_vendi([s.text for s in samples][: len(held_out)]), rel=1e-6)
    assert found["held_out"] == pytest.approx(slow_vendi(held_out), rel=1e-6)
    assert numbers["vendi_ratio"] == pytest.approx(found["samples"] / found["held_out"])


def test_the_same_seed_gives_the_same_numbers(run, numbers):
    said = []
    first = assess(Run.load(run.directory), N, SEED, said.append).to_json()
    assert first == numbers
    assert said[0] == "losses"
    other = assess(makemore.load(run.directory), N, SEED + 1).to_json()
    assert other["nll"] == numbers["nll"]
    assert [x["text"] for x in other["nearest"]] != [x["text"] for x in numbers["nearest"]]


def test_too_few_samples(run):
    with pytest.raises(MakemoreError, match="n must be from 100 to 1,000,000, not 99"):
        assess(run, 99)


def test_validity_where_all_lines_are_as_long(tmp_path):
    """The probability that a line, which is not empty, ends within the longest allowed length."""
    chance = random.Random(4)
    run = trained(["".join(chance.choices("abc", k=5)) for _ in range(400)], tmp_path, type="ngram", order=6)
    slow = Slow(run)
    p = sum(math.exp(-sum(slow.nll(line))) for line in every_line(5)) / (1 - slow.p("a")[0][0][0])
    assert p > 0.5
    numbers = assess(run, N).to_json()
    assert numbers["validity"] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / N))


# models of which the truth is known


STEPS, LETTERS = 12, 4  # a line's place t has four letters of its own; it ends after 8 to 12


class Chain:
    """A Markov chain of order 2: each character depends on the two before it alone."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.after = {}

    def p(self, before, t):
        """What follows the last two characters `before`, the next being number t of the line."""
        if before not in self.after:
            some = [self.chance.gammavariate(4, 1) for _ in range(LETTERS)]
            ends = 0.0 if t < 8 else 1.0 if t == STEPS else self.chance.uniform(0.1, 0.5)
            p = {chr(ord("!") + t * LETTERS + i): x / sum(some) * (1 - ends) for i, x in enumerate(some)}
            self.after[before] = {"\n": 1.0} if ends == 1 else p | ({"\n": ends} if ends else {})
        return self.after[before]

    def line(self):
        line = "\n"
        while len(line) == 1 or line[-1] != "\n":
            p = self.p(line[-2:], len(line) - 1)
            line += self.chance.choices(list(p), list(p.values()))[0]
        return line[1:-1]

    def nll(self, line):
        text = f"\n{line}\n"
        return -sum(math.log(self.p(text[max(0, t - 2) : t], t - 1)[text[t]]) for t in range(1, len(text)))


@pytest.fixture(scope="module")
def chain():
    chain = Chain(1)
    return chain, [chain.line() for _ in range(26_000)]


def codes(numbers):
    return {warned["code"] for warned in numbers["warnings"]}


@pytest.mark.slow
def test_a_model_that_knows_the_truth(chain, tmp_path):
    chain, lines = chain
    run = trained(lines, tmp_path, type="ngram", order=3)
    numbers = assess(run, 2000).to_json()
    test = run.corpus.lines(run.corpus.rows("test"))
    truth = sum(map(chain.nll, test)) / sum(len(line) + 1 for line in test)
    low, high = numbers["nll_interval"]["test"]
    assert low < truth < high
    assert numbers["nll"]["test"] == pytest.approx(truth, abs=0.02)
    assert numbers["baselines"]["bigram"]["test"] > high  # which is no small feat
    low, high = numbers["copy_ratio_interval"]
    assert low < 1 < high
    assert abs(numbers["copy_ratio"] - 1) < 0.2
    assert numbers["calibration_error"] < 0.03
    assert numbers["uniqueness"] == pytest.approx(numbers["uniqueness_of_train"], abs=0.05)
    assert numbers["vendi_ratio"] == pytest.approx(1, abs=0.05)
    for feature, distance in numbers["distances"].items():
        assert distance["samples"] < 0.05
        if feature in ("2-gram", "3-gram"):  # of few kinds both are so near 0 that their ratio is chance
            assert 0.5 < distance["ratio"] < 2
    assert abs(numbers["c_t"]) < 4
    assert not codes(numbers) & {"memorises", "collapse", "few_lines", "worse_than_ngram"}


@pytest.fixture
def by_formula(monkeypatch):
    """Discounts by Chen and Goodman's formulas: long contexts are trusted too much."""
    monkeypatch.setattr(smoothing, "fitted", lambda _, base, usual: np.array([[1e-9, *D] for D in usual]))


def test_a_model_that_learns_by_heart(chain, tmp_path, by_formula):
    """The same lines, with contexts so long that they identify the line."""
    _, lines = chain
    numbers = assess(trained(lines[:10_000], tmp_path, type="ngram", order=8), 2000).to_json()
    assert numbers["copy_ratio"] > 4
    assert numbers["copy_ratio_interval"][0] > 1
    assert numbers["c_t"] < -4
    (warned,) = (w for w in numbers["warnings"] if w["code"] == "memorises")
    assert warned["severity"] == "red"


class Sharp(Model):
    """A model that is more, or less, confident than the one inside it."""

    def __init__(self, model, by):
        super().__init__()
        self.model, self.by = model, by

    def forward(self, idx, state=None):
        logits, state = self.model(idx, state)
        return logits * self.by, state


@pytest.fixture(scope="module")
def names_numbers(names_run):
    return assess(Run.load(names_run), 500).to_json()


def test_a_healthy_model(names_numbers):
    assert not codes(names_numbers) & {"collapse", "unended", "few_lines", "rare_characters", "overfitted"}


@pytest.mark.parametrize(("by", "code"), [(5.0, "collapse"), (0.1, "unended")])
def test_a_model_too_sure_and_one_too_unsure(names_run, names_numbers, by, code):
    run = Run.load(names_run)
    run.__dict__["model"] = Sharp(run.model, by)
    numbers = assess(run, 500).to_json()
    assert code in codes(numbers)
    assert numbers["calibration_error"] > 2 * names_numbers["calibration_error"]
    assert (numbers["vendi_ratio"] > 1) == (by < 1)


def test_a_list_with_faults(tmp_path):
    """Faults of the lines are reported after training, too."""
    lines = [*small_lines(), "abq", "ab\u200b", "a\ufffdb"]
    warnings = assess(trained(lines, tmp_path, type="ngram"), 100).to_json()["warnings"]
    assert {w["code"] for w in warnings} >= {"few_lines", "rare_characters", "suspicious_characters"}
    assert all(w.keys() == {"code", "message", "advice", "severity"} for w in warnings)


@pytest.mark.slow
@pytest.mark.release
def test_orders_on_names(tmp_path, by_formula):
    """The thresholds of `memorises`, as calibrated: benchmarks/memorisation.py."""
    found = {}
    for order in range(2, 8):
        directory = tmp_path / str(order)
        run = makemore.train("names", work_dir=directory, device="cpu", type="ngram", order=order)
        found[order] = assess(run, 1000).to_json()
    ratios, c_t = ([found[order][key] for order in range(4, 8)] for key in ("copy_ratio", "c_t"))
    assert ratios == sorted(ratios)
    assert c_t == sorted(c_t, reverse=True)
    assert c_t[-1] < -5
    assert ratios[-1] > 2.5
    fired = [order for order in found if "memorises" in codes(found[order])]
    assert fired == [6, 7]
    low = [found[order]["copy_ratio_interval"][0] for order in fired]
    assert min(low) > 1
    mass = [found[order]["train_mass"] for order in found]
    assert mass == sorted(mass)


# files on disk


@pytest.fixture
def on_disk(on_disk, monkeypatch):
    """The same for what is read here."""


def few_at_once(monkeypatch, most):
    """Fail if the text of more than this many lines is asked for at once."""
    lines = Corpus.lines

    def checked(self, rows):
        assert not self.on_disk or len(np.asarray(rows)) <= most
        return lines(self, rows)

    def never(self, split):
        raise AssertionError("all rows of a split")

    monkeypatch.setattr(Corpus, "lines", checked)
    monkeypatch.setattr(Corpus, "rows", never)


@pytest.mark.slow
@pytest.mark.release
def test_a_list_on_disk_has_the_numbers_of_the_same_one_in_memory(tmp_path, on_disk, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    stored = trained(small_lines(), tmp_path / "a", type="ngram")
    monkeypatch.setattr(sizes, "SIZES", sizes.Sizes())
    in_memory = trained(small_lines(), tmp_path / "b", type="ngram")
    assert (stored.corpus.on_disk, in_memory.corpus.on_disk) == (True, False)
    found, wanted = (assess(run, N, SEED).to_json() for run in (stored, in_memory))
    assert found | {"seconds": 0} == wanted | {"seconds": 0}


@pytest.mark.slow
@pytest.mark.release
def test_of_a_large_file_lines_are_drawn(names_run, tmp_path, on_disk, monkeypatch):
    """The numbers are close to those of all lines, and no more lines are read than stated."""
    run = makemore.train("names", type="ngram", work_dir=tmp_path / "run", device="cpu")
    assert run.corpus.on_disk
    whole = assess(Run.load(names_run), 1000).to_json()
    monkeypatch.setattr(assessment, "SCORED_TOKENS", 6000)
    run.corpus = DiskCorpus(Store(run.corpus.store.directory, Sizes(chunk=500, piece=4000, subsample=6000)))
    few_at_once(monkeypatch, 10)
    some = assess(run, 1000).to_json()
    assert some["lines"] == whole["lines"]
    assert some["tokens"] == whole["tokens"]
    for split in SPLITS:
        assert 600 < some["scored_lines"][split] < 1200
        assert some["nll"][split] == pytest.approx(whole["nll"][split], abs=0.1)
    # the same samples are new, or not, in the same file
    for key in ("novelty", "held_out_hits", "uniqueness", "validity"):
        assert some[key] == whole[key]
    assert [x["text"] for x in some["nearest"]] == [x["text"] for x in whole["nearest"]]
    assert [x["seen"] for x in some["nearest"]] == [x["seen"] for x in whole["nearest"]]
    assert all((x["distance"] == 0) == (x["seen"] == "train") for x in some["nearest"])
    assert some["nearest_distances"]["of_train"] < 1200
    assert some["uniqueness_of_train"] == pytest.approx(whole["uniqueness_of_train"], abs=0.03)
    assert some["train_mass"] == pytest.approx(whole["train_mass"], rel=0.5)
    assert some["held_out_mass"] == pytest.approx(whole["held_out_mass"], rel=0.5)
    assert codes(some) == codes(whole)


def test_drawn_lines_come_from_all_over_the_file(tmp_path, on_disk):
    stored = makemore.read("names")
    drawn = stored.subsample("train", 20_000)
    assert not drawn.on_disk
    assert len(drawn.tokens) == pytest.approx(20_000, rel=0.05)
    assert set(stored.seen(drawn.lines(range(len(drawn))))) == {"train"}
    where = {line: i for i, line in reversed(list(enumerate(stored.lines(range(len(stored))))))}
    places = np.array([where[line] for line in drawn.lines(range(len(drawn)))]) / len(stored)
    assert np.histogram(places, 4)[0].min() > 400
    everything = stored.subsample("test", 10**9)
    assert everything.lines(range(len(everything))) == stored.lines(stored.rows("test"))
    # together: the same lines in whatever order the file has them
    turned = tmp_path / "turned.txt"
    turned.write_text("\n".join(reversed(stored.lines(range(len(stored))))))
    other = makemore.read(turned)
    one, two = (each.subsample("test", 3000, together=True) for each in (stored, other))
    assert sorted(one.lines(range(len(one)))) == sorted(two.lines(range(len(two))))
    assert stored.content("test") == other.content("test") != stored.content("train")
