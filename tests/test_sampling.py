"""Samples are distributed exactly as the model says, whatever the options."""

import functools
import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import nn

import makemore
from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import Vocab
from makemore.errors import MakemoreError
from makemore.metrics.losses import score
from makemore.models import MODELS, build, configure
from makemore.sampling import limits as memory
from makemore.sampling import most_likely as search
from makemore.sampling import wanted as limits
from makemore.sampling.draw import choose, sample
from makemore.sampling.most_likely import most_likely
from makemore.sampling.options import SampleOptions
from makemore.sampling.pattern import Matcher
from makemore.sampling.tree import Tree

LINES = ["ab", "abc", "abca", "b", "ba", "bab", "bab", "cab", "ca", "c", "aab", "acb", "bca", "bb"]
N = 50_000


def shown(options):
    """A name for a test of these options: that of a function would change."""
    return " ".join(f"{name}={'function' if callable(value) else value}" for name, value in options.items())


@pytest.fixture(scope="module")
def vocab():
    return Vocab("abc")


@pytest.fixture(scope="module")
def model(vocab):
    return fitted("ngram", vocab, order=3)


def fitted(type, vocab, lines=LINES, **knobs):
    torch.manual_seed(1)
    model = build(type, len(vocab), configure(type, 8, **knobs))
    if model.counting or model.counts_first:
        model.fit(torch.from_numpy(vocab.encode("\n" + "\n".join(lines) + "\n").astype(np.int64)))
    with torch.no_grad():
        for parameter in model.parameters():  # untrained and far from uniform
            if parameter.requires_grad and not model.counting:
                parameter.mul_(3)
    return model.eval()


def slow_choice(p, temperature=1.0, top_k=None, top_p=1.0):
    """Temperature, then the k most likely, then the most likely of these that have top_p together."""
    if temperature == 0:
        return [float(i == p.index(max(p))) for i in range(len(p))]
    p = [x ** (1 / temperature) for x in p]
    ranked = sorted(range(len(p)), key=lambda i: -p[i])[:top_k]
    total = sum(p[i] for i in ranked)
    kept, so_far = [], 0.0
    for i in ranked:
        if so_far < top_p:
            kept.append(i)
        so_far += p[i] / total
    total = sum(p[i] for i in kept)
    return [p[i] / total if i in kept else 0.0 for i in range(len(p))]


@torch.no_grad()
def all_lines(model, vocab, max_length, prefix="", cut=False, **choice):
    """Return every line with its probability, by walking the whole tree; without the empty line.

    Lines that go on after max_length are left out, or cut.
    """
    found, open_ = {}, {prefix: 1.0}
    while open_ and len(next(iter(open_))) <= max_length:
        texts = list(open_)
        if cut and len(texts[0]) == max_length:
            found, open_ = found | open_, {}
            break
        idx = np.stack([vocab.encode("\n" + text).astype(np.int64) for text in texts])
        p = model(torch.from_numpy(idx))[0][:, -1].double().softmax(-1).tolist()
        after = {}
        for text, row in zip(texts, p, strict=True):
            for character, q in zip("\n" + vocab.characters, slow_choice(row, **choice), strict=True):
                if q > 0:
                    (found if character == "\n" else after)[(text + character).rstrip("\n")] = open_[text] * q
        open_ = after
    assert sum(found.values()) + sum(open_.values()) == pytest.approx(1)
    found.pop("", None)  # samples are never empty
    return found


def assert_drawn_from(samples, probabilities):
    """Chi-square test, rare lines pooled; with fixed seeds it passes always or never."""
    counts = Counter(samples)
    assert set(counts) <= set(probabilities)
    total = sum(probabilities.values())
    expected = {text: len(samples) * p / total for text, p in probabilities.items()}
    cells = [(counts[text], e) for text, e in expected.items() if e >= 5]
    rare = [(counts[text], e) for text, e in expected.items() if e < 5]
    if rare:
        cells.append((sum(c for c, _ in rare), sum(e for _, e in rare)))
    statistic = sum((c - e) ** 2 / e for c, e in cells)
    df = torch.tensor((len(cells) - 1) / 2, dtype=torch.float64)
    p_value = float(torch.special.gammaincc(df, torch.tensor(statistic / 2, dtype=torch.float64)))
    assert p_value > 1e-3, f"chi-square {statistic:.0f} over {len(cells)} cells"


def samples(model, vocab, n, keep=None, **options):
    return sample(model, vocab, n, SampleOptions(**{"max_length": 5, "seed": 1} | options), keep=keep)


def drawn(model, vocab, n, **options):
    return [s.text for s in samples(model, vocab, n, **options)]


# the distribution


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 2.0},
        {"top_k": 2},
        {"top_p": 0.7},
        {"temperature": 1.5, "top_k": 3, "top_p": 0.9},
    ],
    ids=shown,
)
@pytest.mark.parametrize(("prefix", "cut"), [("", False), ("b", True)])
def test_samples_are_distributed_as_the_model_says(vocab, prefix, cut, choice):
    model = fitted("gru", vocab)  # no two of its probabilities are equal
    probabilities = all_lines(model, vocab, 5, prefix, cut, **choice)
    assert_drawn_from(drawn(model, vocab, N, prefix=prefix, cut=cut, **choice), probabilities)


def test_the_chi_square_test_can_fail(model, vocab):
    wrong = all_lines(model, vocab, 5, temperature=1.05)
    with pytest.raises(AssertionError, match="chi-square"):
        assert_drawn_from(drawn(model, vocab, N), wrong)


@pytest.mark.parametrize("type", ["bigram", "ngram", "transformer", "wavenet", "mlp"])
def test_models_with_states(vocab, type):
    model = fitted(type, vocab)
    assert_drawn_from(drawn(model, vocab, 20_000, max_length=4), all_lines(model, vocab, 4))
    with_prefix = all_lines(model, vocab, 5, "cab")
    assert_drawn_from(drawn(model, vocab, 5000, prefix="cab"), with_prefix)


# every beginning of a line that matches must be allowed, so that the samples stay the model's own
PATTERNS = [
    "a.*",
    ".*b",
    "[ab]+",
    ".{3}",
    "(ab|ba)c?.*",
    "(?=.*c).*",
    "(?!a).*",
    "a*+b.*",
    r"(.).*\1",
    "a?b?c?",
    ".*a$",
    "^b.*",
    "(?!.*aa).*",
    r"\b.*",
    r"\w+\b",
    r"a\B.*",
    ".*(?<!a)",
    ".*?(?<=b)",
    "c(.b)*(?<!ab)",
    "(?!.*a$).*",
    "(?!(ab|b)$).*",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_leaves_the_models_distribution_among_matches(model, vocab, pattern):
    matching = {line: p for line, p in all_lines(model, vocab, 5).items() if re.fullmatch(pattern, line)}
    assert len(matching) > 1
    assert_drawn_from(drawn(model, vocab, 10_000, pattern=pattern), matching)


atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "", "^", "$", r"\b", r"\B", r"\Z"])
repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "+?", "??", "*+"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(?:%s|%s)".__mod__),
        st.tuples(inner, repeats).map("(?:%s)%s".__mod__),
        inner.map("(?=%s)".__mod__),
        inner.map("(?!%s)".__mod__),
        st.sampled_from("abc").map("(?<=%s)".__mod__),
        st.sampled_from("abc").map("(?<!%s)".__mod__),
    ),
    max_leaves=6,
)
SHORT_LINES = ["".join(line) for n in range(5) for line in itertools.product("abc", repeat=n)]


@settings(max_examples=200, deadline=None)
@given(patterns)
def test_no_beginning_of_a_match_is_refused(pattern):
    matcher = Matcher(pattern)
    for line in SHORT_LINES:
        if matcher.does(line):
            refused = [line[:i] for i in range(len(line) + 1) if not matcher.could(line[:i])]
            assert not refused


def test_prefix_and_pattern_together(model, vocab):
    wanted = {line: p for line, p in all_lines(model, vocab, 5, "ba").items() if re.fullmatch("b.*b", line)}
    assert_drawn_from(drawn(model, vocab, 10_000, prefix="ba", pattern="b.*b"), wanted)


def test_only_kept_lines_and_in_the_models_proportions(model, vocab):
    def keep(lines):
        return [len(line) != 2 for line in lines]

    wanted = {line: p for line, p in all_lines(model, vocab, 5).items() if len(line) != 2}
    assert_drawn_from(drawn(model, vocab, 20_000, keep=keep), wanted)


@pytest.mark.parametrize(
    "options", [{}, {"pattern": ".*b.*"}, {"keep": lambda lines: ["c" in s for s in lines]}], ids=shown
)
def test_lines_come_in_no_order(vocab, options):
    """Short lines end first, but must not come first."""
    model, n = fitted("bigram", vocab), 10_000
    lengths = np.array([len(line) for line in drawn(model, vocab, n, max_length=12, **options)])
    error = lengths.std() * 2 / math.sqrt(n)  # of the difference of the two halves' means
    assert abs(lengths[: n // 2].mean() - lengths[n // 2 :].mean()) < 4 * error
    first = [len(s) for i in range(60) for s in drawn(model, vocab, 10, max_length=12, seed=i, **options)]
    assert abs(np.mean(first) - lengths.mean()) < 4 * lengths.std() / math.sqrt(len(first))


# how characters are chosen


@given(
    st.lists(st.floats(-15, 5, width=32), min_size=2, max_size=8, unique=True),
    st.floats(0.2, 5),
    st.none() | st.integers(1, 10),
    st.floats(0.01, 1),
)
def test_choice_equals_a_slow_one(logits, temperature, top_k, top_p):
    logp = torch.tensor([logits]).log_softmax(1)
    p = logp[0].double().exp().tolist()
    sums = np.cumsum(sorted(slow_choice(p, temperature, top_k), reverse=True))
    assume(np.abs(sums - top_p).min() > 1e-9 and len(set(p)) == len(p))  # else rounding decides
    found = np.exp(
        SampleOptions(temperature=temperature, top_k=top_k, top_p=top_p).log_probabilities(
            logp.double().numpy()
        )
    )
    assert found[0].tolist() == pytest.approx(slow_choice(p, temperature, top_k, top_p), abs=1e-9)


@given(
    st.lists(st.integers(-200, 0), min_size=1, max_size=8, unique=True),
    st.booleans(),
    st.just(0.0) | st.floats(5e-324, 1e-300) | st.floats(0, 100),
    st.none() | st.integers(1, 10),
    st.floats(0, 1, exclude_min=True),
)
@example(logits=[0, -1], impossible=False, temperature=5e-324, top_k=None, top_p=1.0)
def test_any_choice_gives_probabilities(logits, impossible, temperature, top_k, top_p):
    logp = torch.tensor([[*logits, *[-math.inf] * impossible]], dtype=torch.float32).log_softmax(1)
    p = np.exp(
        SampleOptions(temperature=temperature, top_k=top_k, top_p=top_p).log_probabilities(
            logp.double().numpy()
        )
    )[0]
    assert (p >= 0).all()
    assert float(p.sum()) == pytest.approx(1)
    assert p[logp[0].argmax()] == p.max()
    assert not p[logp[0].numpy() == -math.inf].any()
    assert int((p > 0).sum()) <= (1 if temperature == 0 else top_k or len(p))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": -0.1}, "temperature must be 0 or more, not -0.1"),
        ({"temperature": math.nan}, "temperature must be 0 or more, not nan"),
        ({"temperature": math.inf}, "temperature must be 0 or more, not inf"),
        ({"top_k": 0}, "top_k must be 1 or more, not 0"),
        ({"top_p": 0.0}, "top_p must be more than 0 and at most 1, not 0"),
        ({"top_p": 1.5}, "top_p must be more than 0 and at most 1, not 1.5"),
        ({"top_p": math.nan}, "top_p must be more than 0 and at most 1, not nan"),
    ],
)
def test_choices_that_make_no_sense(options, says):
    with pytest.raises(MakemoreError, match=re.escape(says)):
        SampleOptions(**options)


def test_temperature_zero_always_takes_the_most_likely(model, vocab):
    best = max(all_lines(model, vocab, 8, temperature=0).items(), key=lambda item: item[1])
    assert set(drawn(model, vocab, 100, max_length=8, temperature=0)) == {best[0]}
    assert set(drawn(model, vocab, 100, max_length=8, top_k=1)) == {best[0]}


@pytest.mark.parametrize("u", [0.0, 2**-53, 0.5, 1 - 2**-53])
def test_an_impossible_character_is_never_drawn(u):
    random = np.random.default_rng(1)
    p = random.random((8192, 6)) * (random.random((8192, 6)) < 0.4)
    p[:, 2] += p.sum(1) == 0  # at least one is possible
    p[:4] = np.eye(6)[[0, 5, 2, 3]]
    p /= p.sum(1, keepdims=True)
    row = np.tile(np.arange(8192), 2)
    ids = choose(p, row, np.full(len(row), u))
    assert ((ids >= 0) & (ids < 6)).all()
    assert (p[row, ids] > 0).all()
    possible = p[row] > 0
    if u == 0:
        assert (ids == possible.argmax(1)).all()  # the first possible one
    if u == 1 - 2**-53:
        assert (ids == 5 - possible[:, ::-1].argmax(1)).all()  # the last


# what is said of a sample


@pytest.mark.parametrize("type", ["ngram", "gru"])
def test_nll_is_the_models_score(vocab, type):
    model = fitted(type, vocab)
    wild = {"temperature": 2, "top_k": 3}  # changes nothing about what the model thinks
    found = list(samples(model, vocab, 300, prefix="a", **wild))
    corpus = Corpus(vocab, vocab.encode("\n" + "".join(s.text + "\n" for s in found)))
    for s, losses in zip(found, score(model, corpus), strict=True):
        assert s.nll == pytest.approx(sum(losses), rel=1e-4)


@pytest.mark.parametrize("unique", [False, True])
def test_only_asked_for_lines_are_cut_and_say_so(vocab, unique):
    """A line of the longest length is one that ended or one that was cut, as often as the model says."""
    model = fitted("gru", vocab)
    if unique:
        one = functools.partial(samples, model, vocab, 1, max_length=2, unique=True, cut=True)
        found = [next(one(seed=i)) for i in range(500)]
    else:
        found = list(samples(model, vocab, 1000, max_length=2, cut=True))
    whole, every = all_lines(model, vocab, 2), all_lines(model, vocab, 2, cut=True)
    expected = {(text, True): p for text, p in whole.items()}
    expected |= {(text, False): p - whole[text] for text, p in every.items() if len(text) == 2}
    assert_drawn_from([(s.text, s.ended) for s in found], expected)
    assert all(s.ended for s in samples(model, vocab, 12, max_length=2, unique=unique))


def test_a_prefix_as_long_as_the_longest_line(model, vocab):
    whole = [(s.text, s.ended) for s in samples(model, vocab, 50, max_length=2, prefix="ab")]
    assert whole == [("ab", True)] * 50
    cut = {(s.text, s.ended) for s in samples(model, vocab, 50, max_length=2, prefix="ab", cut=True)}
    assert cut == {("ab", True), ("ab", False)}


@pytest.fixture
def endless():
    """A model whose lines hardly ever end."""
    model = Watched(4, floats=1)
    with torch.no_grad():
        model.logits.copy_(torch.tensor([-100.0, 2.0, 1.0, 0.0]))
    return model


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("choice", [{}, {"temperature": 0}, {"top_k": 1}], ids=shown)
def test_a_model_that_does_not_end_its_lines(monkeypatch, vocab, endless, unique, choice):
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    options = choice | {"unique": unique, "max_length": 40}
    with pytest.raises(MakemoreError, match=r"found 0 of 3 lines that end within 40 characters") as error:
        drawn(endless, vocab, 3, **options)
    for remedy in ("raise max_length", "cut=True"):
        assert remedy in str(error.value)
    (line,) = samples(endless, vocab, 1, **options, cut=True)
    assert (len(line.text), line.ended) == (40, False)


def test_the_only_line_is_not_tried_again(vocab, endless):
    """At temperature 0 all lines are the same, so there is nothing to wait for."""
    with pytest.raises(MakemoreError, match="after 3 samples"):
        drawn(endless, vocab, 3, temperature=0)


def test_other_errors_do_not_blame_the_length(monkeypatch, model, vocab):
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    for unique in (False, True):
        with pytest.raises(MakemoreError, match="found 0 of 3 lines that are new") as error:
            drawn(model, vocab, 3, max_length=30, unique=unique, keep=lambda lines: [False] * len(lines))
        assert "cut" not in str(error.value)


# which lines


def test_the_same_seed_gives_the_same_lines(model, vocab):
    assert drawn(model, vocab, 500) == drawn(model, vocab, 500)
    assert drawn(model, vocab, 500) != drawn(model, vocab, 500, seed=2)
    assert drawn(model, vocab, 500, seed=None) != drawn(model, vocab, 500, seed=None)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    drawn(model, vocab, 5, seed=None)
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's randomness is used up


def test_too_few_lines_are_given_and_said(monkeypatch, vocab):
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    model = fitted("bigram", vocab, ["ab", "c"], smoothing=0)  # can say these two and nothing else
    stream = samples(model, vocab, 3, unique=True)
    assert sorted([next(stream).text, next(stream).text]) == ["ab", "c"]
    with pytest.raises(MakemoreError, match=r"found 2 of 3 lines that are all different .*there are no more"):
        next(stream)


def test_a_model_that_says_nothing(monkeypatch, vocab):
    """Empty lines are not samples, and a model that makes only these does not sample forever."""
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    with pytest.raises(MakemoreError, match="found 0 of 3 lines"):
        drawn(fitted("bigram", vocab, [""], smoothing=0), vocab, 3)


@pytest.mark.parametrize(
    "options", [{"pattern": "b.*"}, {"pattern": "x"}, {"keep": lambda lines: [False] * len(lines)}], ids=shown
)
def test_lines_that_never_come_are_given_up(monkeypatch, vocab, options):
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    model = fitted("bigram", vocab, ["ab", "c"], smoothing=0)
    with pytest.raises(MakemoreError, match="found 0 of 3 lines"):
        drawn(model, vocab, 3, **options)


def test_pattern_and_novel_together_when_nothing_matches(monkeypatch, model, vocab):
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    corpus = Corpus.from_lines(LINES)

    def keep(lines):
        return [seen == "new" for seen in corpus.seen(lines)]

    with pytest.raises(MakemoreError, match="found 0 of 3 lines that match pattern='x' and are new"):
        drawn(model, vocab, 3, pattern="x", keep=keep)
    assert all(line not in LINES for line in drawn(model, vocab, 50, pattern="b.*", keep=keep))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"prefix": "az"}, "'z'"),
        ({"prefix": "a\nb"}, "one line"),
        ({"prefix": "abcabc"}, "prefix 'abcabc' is longer than max_length=5"),
        ({"max_length": 0}, "max_length must be 1 or more, not 0"),
        ({"pattern": "(a"}, "pattern '(a'"),
        ({"pattern": "a{1i<"}, "pattern 'a{1i<'"),
        ({"pattern": "(" * 5000 + ")" * 5000}, "pattern '(("),
        ({"n": -1}, "n must be 0 or more and less than 2^63, not -1"),
    ],
)
def test_options_that_make_no_sense(model, vocab, options, says):
    with pytest.raises(MakemoreError, match=re.escape(says)):
        drawn(model, vocab, **{"n": 3} | options)


def test_no_lines(model, vocab):
    assert drawn(model, vocab, 0) == []


# different lines: drawn without replacement


def test_unique_lines(model, vocab):
    lines = drawn(model, vocab, 200, unique=True)
    assert len(set(lines)) == len(lines) == 200
    assert lines[:20] == drawn(model, vocab, 20, unique=True)
    assert lines != drawn(model, vocab, 200, unique=True, seed=2)


def without_replacement(probabilities, k):
    """The probability of every sequence of k different lines."""
    sequences = {(): 1.0}
    for _ in range(k):
        sequences = {
            (*before, line): q * p / sum(p for other, p in probabilities.items() if other not in before)
            for before, q in sequences.items()
            for line, p in probabilities.items()
            if line not in before
        }
    return sequences


# what is asked, and which lines there then are
ASKED = [
    ({}, {}, lambda line: True),
    ({}, {"temperature": 0.5}, lambda line: True),
    ({}, {"temperature": 2.0, "top_k": 3}, lambda line: True),
    ({}, {"top_p": 0.8}, lambda line: True),
    ({"prefix": "b"}, {}, lambda line: line.startswith("b")),
    ({"pattern": ".*[bc]|a(?!a)."}, {}, lambda line: re.fullmatch(".*[bc]|a(?!a).", line)),
    ({"pattern": "(..)*"}, {}, lambda line: len(line) == 2),
    ({"cut": True}, {}, lambda line: True),
    ({"keep": lambda lines: ["a" in s for s in lines]}, {"temperature": 1.5}, lambda line: "a" in line),
]


@pytest.mark.parametrize(("options", "choice", "is_wanted"), ASKED, ids=range(len(ASKED)))
def test_unique_lines_are_drawn_without_replacement(vocab, options, choice, is_wanted):
    """The first is distributed as the model's lines, the second as those that are left, and so on."""
    model, times = fitted("gru", vocab), 250
    lines = all_lines(model, vocab, 2, options.get("prefix", ""), options.get("cut", False), **choice)
    lines = {line: p for line, p in lines.items() if is_wanted(line)}
    k = min(3, len(lines))
    asked = options | {"max_length": 2, "unique": True} | choice
    found = [tuple(drawn(model, vocab, k, **asked, seed=seed)) for seed in range(times)]
    expected = without_replacement(lines, k)
    pairs: Counter[tuple[str, ...]] = Counter()  # there are too many triples to meet each often
    for drawn_lines, q in expected.items():
        pairs[drawn_lines[:2]] += q
    assert set(found) <= set(expected)
    assert_drawn_from([drawn_lines[:2] for drawn_lines in found], pairs)
    included = {line: sum(q for lines, q in expected.items() if line in lines) for line in lines}
    for line, q in included.items():
        share = sum(line in lines for lines in found) / times
        assert share == pytest.approx(q, abs=4 * math.sqrt(q * (1 - q) / times) + 1e-9)


@pytest.mark.slow
def test_long_lines_are_drawn_without_replacement_too(vocab):
    """A line depends on many conditions on the way down, each of which could be wrong."""
    model = fitted("bigram", vocab)
    p = all_lines(model, vocab, 6)
    likely = sorted(p, key=p.get)[-30:]
    pairs = [drawn(model, vocab, 2, max_length=6, unique=True, seed=seed) for seed in range(1000)]
    total = sum(p.values())
    expected = {
        line: p[line] / total * sum(q / (total - q) for other, q in p.items() if other != line) for line in p
    }
    rest = "any other"
    expected = {line: expected[line] for line in likely} | {
        rest: sum(q for line, q in expected.items() if line not in likely)
    }
    assert sum(expected.values()) == pytest.approx(1)
    assert_drawn_from([second if second in likely else rest for _, second in pairs], expected)
    firsts = {line: p[line] for line in likely} | {
        rest: sum(q for line, q in p.items() if line not in likely)
    }
    assert_drawn_from([first if first in likely else rest for first, _ in pairs], firsts)


@pytest.mark.parametrize("type", ["ngram", "transformer", "lstm", "wavenet"])
def test_the_search_finds_the_same_in_pieces(monkeypatch, vocab, type):
    """In small blocks, in several sweeps, and if lines are rejected one by one."""
    model = fitted(type, vocab)
    whole = drawn(model, vocab, 150, max_length=7, unique=True)
    monkeypatch.setattr(memory, "MOST_ROWS", 16)
    assert drawn(model, vocab, 150, max_length=7, unique=True) == whole
    monkeypatch.setattr(search, "FIRST", 10)
    assert drawn(model, vocab, 150, max_length=7, unique=True) == whole
    with_a = drawn(model, vocab, 50, max_length=7, unique=True, pattern=".*a.*")
    assert with_a == [line for line in whole if "a" in line][:50]


def test_nll_of_unique_lines_is_the_models_score(model, vocab):
    wild = {"temperature": 2, "top_k": 3}
    found = list(samples(model, vocab, 20, max_length=4, prefix="a", unique=True, **wild))
    corpus = Corpus(vocab, vocab.encode("\n" + "".join(s.text + "\n" for s in found)))
    assert [s.nll for s in found] == pytest.approx([sum(x) for x in score(model, corpus)], rel=1e-4)
    assert all(s.ended for s in found)


def test_every_line_there_is(model, vocab):
    """All 3 + 9 + 27 + 81 lines, even the unlikely ones, and then the error that there are no more."""
    every = {"".join(line) for n in range(1, 5) for line in itertools.product("abc", repeat=n)}
    for choice in ({}, {"temperature": 0.01}):  # by which most are less likely than e^-300
        stream = samples(model, vocab, 121, max_length=4, unique=True, **choice)
        assert {next(stream).text for _ in range(120)} == every
        with pytest.raises(
            MakemoreError,
            match=r"found 120 of 121 lines that end within 4 .* and are all different .*, and there are no",
        ):
            next(stream)
    (best,) = drawn(model, vocab, 1, temperature=0)
    for choice in ({"temperature": 0}, {"top_k": 1}):
        stream = samples(model, vocab, 2, unique=True, **choice)
        assert next(stream).text == best
        with pytest.raises(MakemoreError, match="found 1 of 2 lines"):
            next(stream)


def test_any_number_of_unique_lines_can_be_begun(monkeypatch, model, vocab):
    monkeypatch.setattr(search, "FIRST", 100)
    stream = samples(model, vocab, 10**12, max_length=30, unique=True)
    assert len({next(stream).text for _ in range(1000)}) == 1000


# the most likely lines


@pytest.mark.parametrize("type", ["bigram", "ngram", "mlp", "gru", "transformer", "wavenet"])
@pytest.mark.parametrize(
    "options",
    [{}, {"prefix": "b"}, {"pattern": "a.*[^b]"}, {"keep": lambda lines: [len(s) != 2 for s in lines]}],
    ids=shown,
)
def test_most_likely_lines_are_those_of_an_enumeration(vocab, type, options):
    model = fitted(type, vocab)
    lines = ["".join(line) for n in range(1, 5) for line in itertools.product("abc", repeat=n)]
    lines = [line for line in lines if line.startswith(options.get("prefix", ""))]
    lines = [line for line in lines if re.fullmatch(options.get("pattern", ".*"), line)]
    lines = [line for line, k in zip(lines, options.get("keep", lambda s: s)(lines), strict=True) if k]
    corpus = Corpus(vocab, vocab.encode("\n" + "".join(line + "\n" for line in lines)))
    nll = dict(zip(lines, map(sum, score(model, corpus)), strict=True))
    keep = options.get("keep")
    asked = {name: value for name, value in options.items() if name != "keep"}
    best = functools.partial(most_likely, options=SampleOptions(max_length=4, **asked), keep=keep)
    found = list(best(model, vocab, len(lines)))
    assert {s.text for s in found} == set(lines)
    assert [s.nll for s in found] == sorted(s.nll for s in found)
    assert [s.nll for s in found] == pytest.approx([nll[s.text] for s in found], rel=1e-4)
    for n in (1, 7):
        assert list(best(model, vocab, n)) == pytest.approx(found[:n])
    with pytest.raises(
        MakemoreError, match=f"found {len(lines)} of {len(lines) + 1} lines .* there are no more"
    ):
        list(best(model, vocab, len(lines) + 1))


def test_equally_likely_lines_come_by_their_text():
    found = most_likely(Watched(4, floats=1), Vocab("abc"), 3 + 9 + 5, SampleOptions(max_length=4))
    every = ["".join(line) for n in range(1, 4) for line in itertools.product("abc", repeat=n)]
    assert [s.text for s in found] == every[:17]


def test_a_search_that_never_ends_is_given_up(monkeypatch, vocab, endless):
    """Every line is rejected, or the most likely ones are too long to be found."""
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    for options in (
        {"unique": True, "keep": lambda s: [False] * len(s)},
        {"unique": True, "pattern": ".*(?!.)x"},
    ):
        with pytest.raises(MakemoreError, match=r"found 0 of 3 lines .* after searching [\d,]+ beginnings"):
            drawn(fitted("bigram", vocab), vocab, 3, max_length=30, **options)
    monkeypatch.setattr(limits, "PATIENCE_SECONDS", 0.5)
    # all of whose beginnings are more likely than any line
    with pytest.raises(MakemoreError, match=r"found 0 of 3 lines .* after searching [\d,]+ beginnings"):
        list(most_likely(endless, vocab, 3, SampleOptions(max_length=40)))


# memory and work


class Watched(nn.Module):
    """A model that records how many rows it steps, with a state of a given size per row."""

    def __init__(self, vocab_size, floats):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(vocab_size))
        self.floats, self.rows = floats, []

    def forward(self, idx, state=None):
        self.rows.append(len(idx))
        return self.logits.expand(*idx.shape, -1), (idx.new_zeros(len(idx), self.floats),)


def test_chunks_are_bounded_and_drawn_when_asked_for():
    model = Watched(27, floats=10)
    vocab = Vocab("abcdefghijklmnopqrstuvwxyz")
    stream = samples(model, vocab, 10**9, max_length=12)
    first = list(itertools.islice(stream, 100))
    assert len(first) == 100
    calls = len(model.rows)
    assert calls <= 14  # the prompt, a step to see the state grow, one chunk of at most 12 characters
    list(itertools.islice(stream, 30_000))
    assert max(model.rows) <= 8192


@pytest.mark.slow
def test_large_states_make_small_chunks():
    model = Watched(27, floats=100_000)
    drawn(model, Vocab("abcdefghijklmnopqrstuvwxyz"), 200, max_length=12)
    assert max(model.rows) * 100_000 <= 64_000_000


def test_lines_that_are_equal_so_far_are_stepped_once(model, vocab):
    counted = []

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, idx, state=None):
            counted.append(len(idx))
            return self.model(idx, state)

    drawn(Counting(), vocab, 5000, max_length=5)
    assert all(rows <= 3**t for t, rows in enumerate(counted))  # 3 characters: at most 3^t beginnings


def test_weights_that_change_are_noticed() -> None:
    torch.manual_seed(0)
    vocab = Vocab("abc")
    model = makemore.build("mlp", len(vocab), configure("mlp", 5))
    draw = functools.partial(samples, model, vocab, 50)
    first = [s.text for s in draw()]
    model.head.bias.data[1] += 9.0  # behind autograd's back
    changed = [s.text for s in draw()]
    assert sum(text.count("a") for text in changed) > 2 * sum(text.count("a") for text in first)
    model.train()  # as training leaves it
    assert [s.text for s in draw()] == changed


@pytest.mark.parametrize("type", MODELS)
def test_looking_ahead_changes_nothing(type: str) -> None:
    torch.manual_seed(0)
    vocab = Vocab("abcd")
    model = makemore.build(type, len(vocab), configure(type, 6))
    if model.counting or model.counts_first:
        model.fit(torch.tensor([0, 1, 2, 0, 3, 3, 4, 0, 1, 1, 0]))
    draw = functools.partial(sample, model, vocab, 200, SampleOptions(max_length=6, prefix="a", seed=3))
    tree = Tree(model, vocab, "a", 6)
    before = [s.text for s in draw(tree=tree)]
    tree.look_ahead()
    assert len(tree.known) == 3
    assert [s.text for s in draw(tree=tree)] == before == [s.text for s in draw()]
