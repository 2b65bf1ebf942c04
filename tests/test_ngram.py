"""The two models that count: equal to slow ones written from the definitions."""

import dataclasses
import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.corpus.vocab import Vocab
from makemore.counting import smoothing, strings, tree
from makemore.metrics.losses import evaluate
from makemore.models.bigram import Bigram
from makemore.models.bigram import Config as BigramConfig
from makemore.models.ngram import LONGEST, Config, NGram

ORDERS = range(1, LONGEST + 1)
ALPHABET = "abcd"  # d is in the vocabulary and may be in no line
words = st.text("abc", min_size=1, max_size=7)
some_lines = st.lists(words, min_size=1, max_size=40)


class SlowNGram:
    """Interpolated Kneser-Ney with given discounts, from the definitions: see Chen and Goodman (1998).

    A string is a piece of "\\n" + line + "\\n" that ends in a predicted character. The first newline is
    given, so no string of one character is it.
    """

    def __init__(self, lines, discounts, alphabet, kinds=None, shape=None):
        """Count. discounts: of each length of string, the strength and the three discounts."""
        self.order, self.discounts = len(discounts), discounts
        self.kinds = dict.fromkeys(alphabet, 0) if kinds is None else dict(zip(alphabet, kinds, strict=True))
        self.shape = shape
        order = self.order
        raw = defaultdict(Counter)
        for line in lines:
            text = "\n" + line + "\n"
            for end in range(2, len(text) + 1):
                for k in range(1, min(order, end) + 1):
                    raw[k][text[end - k : end]] += 1
        counts = {order: raw[order]}
        for k in range(1, order):
            before = defaultdict(set)  # which characters stand before a string
            for longer in raw[k + 1]:
                before[longer[1:]].add(longer[0])
            counts[k] = {
                string: raw[k][string] if k > 1 and string[0] == "\n" else len(before[string])
                for string in raw[k]
            }
        self.after = defaultdict(dict)  # context -> character -> count
        for some in counts.values():
            for string, count in some.items():
                self.after[string[:-1]][string[-1]] = count

    def p(self, character, text):
        """Return the probability of a character after everything before it in the line."""
        return self.longer(self.start(character, text), character, text)

    def start(self, character, text):
        """Return its probability from the shape and the empty context alone."""
        kind = self.kinds[character]
        weight = 1.0
        if self.shape is not None:
            weight = self.shape.p(kind, tuple(self.kinds[c] for c in text))
        alike = [c for c, k in self.kinds.items() if k == kind]
        unigram = {c: n for c, n in self.after[text[:0]].items() if self.kinds[c] == kind}
        return weight * self.smoothed(character, unigram, 1 / len(alike), self.discounts[0])

    def longer(self, p, character, text):
        """Return its probability from that, and from the longer contexts."""
        for k in range(1, self.order):
            if k <= len(text):
                p = self.smoothed(character, self.after.get(text[-k:], {}), p, self.discounts[k])
        return p

    def smoothed(self, character, after, shorter, discounts):
        """Return p(character) from what follows a context, and the probability in the shorter one."""
        if not after:
            return shorter
        a, *D = discounts
        taken = {c: D[min(count, 3) - 1] for c, count in after.items()}
        own = after[character] - taken[character] if character in after else 0.0
        return (own + (a + sum(taken.values())) * shorter) / (sum(after.values()) + a)


class SlowShape(SlowNGram):
    """The same of strings of kinds, which are tuples of numbers."""

    def __init__(self, lines, kinds, discounts):
        letters = [chr(200 + k) for k in range(max(kinds.values()) + 1)]
        letters[kinds["\n"]] = "\n"
        self.letters = letters
        super().__init__(["".join(letters[kinds[c]] for c in line) for line in lines], discounts, letters)

    def p(self, kind, text):
        return super().p(self.letters[kind], "".join(self.letters[k] for k in text))


def slow(lines, model, vocab):
    """Return the slow one with the discounts of a model."""
    alphabet = "\n" + vocab.characters
    discounts = model.discounts.tolist()
    if model.shape is None:
        return SlowNGram(lines, discounts, alphabet)
    kinds = dict(zip(alphabet, kinds_of(vocab).tolist(), strict=True))
    shape = SlowShape(lines, kinds, model.shape.discounts.tolist())
    return SlowNGram(lines, discounts, alphabet, kinds_of(vocab).tolist(), shape)


def fitted(lines, order, vocab=None, shaped=True):
    vocab = vocab or Vocab(ALPHABET)
    model = NGram(len(vocab), Config(order))
    stream = torch.from_numpy(vocab.encode("\n" + "\n".join(lines) + "\n").astype(np.int64))
    model.fit(stream, torch.from_numpy(kinds_of(vocab)) if shaped else None)
    return model, vocab


def ask(model, vocab, texts):
    """Return the model's log-probabilities after every character of some texts, (B, T, V)."""
    T = max(map(len, texts)) + 1
    idx = np.stack([vocab.encode(("\n" + text).ljust(T, "\n")).astype(np.int64) for text in texts])
    return model(torch.from_numpy(idx))[0]


def check_against_slow(lines, order, texts, vocab=None, shaped=True):
    model, vocab = fitted(lines, order, vocab, shaped)
    other = slow(lines, model, vocab)
    for text, found in zip(texts, ask(model, vocab, texts).exp().tolist(), strict=True):
        for t in range(len(text) + 1):
            wanted = [other.p(c, "\n" + text[:t]) for c in "\n" + vocab.characters]
            assert sum(wanted) == pytest.approx(1)
            assert found[t] == pytest.approx(wanted, rel=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    some_lines, st.sampled_from(ORDERS), st.lists(st.text(ALPHABET, max_size=9), max_size=4), st.booleans()
)
def test_equals_a_slow_one(lines, order, asked, shaped):
    check_against_slow(lines, order, [*asked, *lines[:3]], shaped=shaped)


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_equals_a_slow_one_on_names(order):
    names = read("names")
    lines = names.lines(np.arange(0, len(names), 16))
    check_against_slow(lines, order, ["emma", "xzqwk", "annabella", "mar", lines[7]], names.vocab)


# what is left when a line is left out


@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_unseen_is_what_counting_without_the_line_gives(order, shaped):
    lines = ["Bea 1", "Bea 1", "Abe 2", "Cab", "Dea 3", "Ed", "Cade 12", "Bad", "Ace", "Ed 1"]  # no "anna"
    model, vocab = fitted(lines, order, Vocab("".join(lines)), shaped)
    idx = torch.stack([torch.from_numpy(vocab.encode(f"\n{line:\n<7}").astype(np.int64)) for line in lines])
    logp = model.unseen(idx, torch.tensor([lines.count(line) for line in lines]))
    assert torch.allclose(logp.exp().sum(-1), torch.ones(idx.shape))
    known = slow(lines, model, vocab)
    for line, found in zip(lines, logp.exp().tolist(), strict=True):
        others = slow([each for each in lines if each != line], model, vocab)
        for t, (character, i) in enumerate(zip(line + "\n", vocab.encode(line + "\n").tolist(), strict=True)):
            text = "\n" + line[:t]
            wanted = others.longer(known.start(character, text), character, text)
            assert found[t][i] == pytest.approx(wanted, rel=1e-5)


def test_nothing_is_left_out_of_lines_that_were_not_counted():
    model, vocab = fitted(["anna", "bab", "cab"], 4, Vocab("abcn"))
    idx = torch.from_numpy(vocab.encode("\ncanb").astype(np.int64))[None]
    assert torch.equal(model.unseen(idx, torch.tensor([0])), model(idx)[0])


@settings(deadline=None, max_examples=20)
@given(some_lines, st.sampled_from(ORDERS), st.lists(st.text(ALPHABET + "\n", max_size=10), max_size=5))
def test_probabilities_sum_to_one(lines, order, asked):
    model, vocab = fitted(lines, order)
    logits = ask(model, vocab, [*asked, *lines])
    assert torch.isfinite(logits).all()  # nothing is impossible
    assert torch.allclose(logits.double().exp().sum(-1), torch.ones((), dtype=torch.float64), atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(
    some_lines,
    st.sampled_from(ORDERS),
    st.lists(st.text(ALPHABET, min_size=6, max_size=6), min_size=1, max_size=4),
    st.data(),
)
def test_stepping_equals_the_whole(lines, order, asked, data):
    model, vocab = fitted(lines, order)
    idx = torch.stack([torch.from_numpy(vocab.encode("\n" + text).astype(np.int64)) for text in asked])
    whole, last = model(idx)
    cut = sorted(data.draw(st.sets(st.integers(1, 6))))
    state, parts = None, []
    for piece in idx.tensor_split(cut, 1):
        logits, state = model(piece, state)
        parts.append(logits)
    assert torch.equal(torch.cat(parts, 1), whole)
    assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))


@pytest.mark.parametrize("order", [1, 3, 8])
def test_saved_and_loaded(order):
    model, vocab = fitted(["abc", "abd", "cab", "a"], order)
    other = NGram(len(vocab), Config(order))
    other.load_state_dict(model.state_dict())
    idx = torch.randint(0, len(vocab), (50, 10), generator=torch.Generator().manual_seed(1))
    assert torch.equal(model(idx)[0], other(idx)[0])
    assert set(other.state_dict()) == set(model.state_dict())
    assert sum(p.numel() for p in other.parameters()) == sum(p.numel() for p in model.parameters()) > 0


def test_counting_nothing_leaves_the_uniform_distribution():
    for order in ORDERS:
        logits, _ = NGram(5, Config(order))(torch.tensor([[0, 1, 2]]))
        assert torch.allclose(logits, torch.full_like(logits, -math.log(5)))


@pytest.mark.slow
def test_longer_contexts_help_on_names():
    corpus = read("names")
    tokens = torch.from_numpy(corpus.stream(corpus.rows("train")[::2]).astype(np.int64))
    losses = []
    for order in (1, 2, 3, 5, 8):
        model = NGram(len(corpus.vocab), Config(order))
        model.fit(tokens)
        losses.append(evaluate(model, corpus, corpus.rows("validation")).nll)
    assert losses[0] > 2.7
    assert losses[1] == pytest.approx(2.455, abs=0.03)  # a bigram, near that of all names
    assert losses[:4] == sorted(losses[:4], reverse=True)
    assert max(losses[3:]) < 2.25


def slow_counts(stream, order):
    """Return what `fit` must count for every string of 1 to `order` ids in a stream, as a tuple."""
    raw = Counter()
    begin = 0
    for end in range(1, len(stream)):
        for k in range(1, min(order, end - begin + 1) + 1):
            raw[tuple(stream[end - k + 1 : end + 1])] += 1
        if stream[end] == 0:
            begin = end
    before = defaultdict(set)
    for string in raw:
        before[string[1:]].add(string[0])
    lower = {s for s in raw if len(s) < order and (len(s) == 1 or s[0] != 0)}
    return {s: len(before[s]) if s in lower else count for s, count in raw.items()}


def check_counts(lines, vocab_size, order, dtype=np.int64):
    stream = [0, *(i for line in lines for i in (*line, 0))]
    model = NGram(vocab_size, Config(order))
    model.fit(torch.tensor(np.array(stream, dtype=dtype)))
    strings, found = [()], {}
    sizes = model.sizes.tolist()
    for keys, counts in zip(model.keys.split(sizes), model.counts.split(sizes), strict=True):
        assert (keys.diff() > 0).all()
        strings = [(*strings[key // vocab_size], key % vocab_size) for key in keys.tolist()]
        found |= dict(zip(strings, counts.tolist(), strict=True))
    assert found == slow_counts(stream, order)


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from([2, 3, 27, 84, 256, 257, 7131, 70_000, 1_114_112]), st.sampled_from(ORDERS))
def test_counts_every_string(data, vocab_size, order):
    """Even if 8 characters, or only 4, do not fit in 64 bits."""
    few = [*data.draw(st.lists(st.integers(1, vocab_size - 1), max_size=4)), vocab_size - 1]
    line = st.lists(st.sampled_from(few), min_size=1, max_size=12)
    dtype = data.draw(st.sampled_from([np.int64, np.min_scalar_type(vocab_size - 1)]))
    check_counts(data.draw(st.lists(line, min_size=1, max_size=12)), vocab_size, order, dtype)


@pytest.mark.parametrize("piece", [1, 2, 5, 64])
@pytest.mark.parametrize("vocab_size", [4, 70_000])
def test_counts_alike_in_pieces_of_any_size(monkeypatch, piece, vocab_size):
    monkeypatch.setattr(strings, "PIECE", piece)
    random = np.random.default_rng(piece)
    lines = [random.integers(1, 4, random.integers(1, 10)).tolist() for _ in range(40)]
    for order in ORDERS:
        check_counts(lines, vocab_size, order)


# how the discounts are fitted


def levels_of(name, order):
    """Return the characters of some lines, left out at each level, and their probability before that."""
    corpus = read(name)
    tokens = corpus.stream(corpus.rows("train")[:400]).astype(np.int64)
    V = len(corpus.vocab)
    keys, counts = strings.count_strings(tokens, order, V)
    grown = tree.Tree(V, keys, counts, np.zeros(V, dtype=np.int64))
    copies = np.ones(len(tokens) - 1, dtype=np.int64)
    return (
        grown.left_out(tokens, copies),
        np.full(len(copies), 1 / V),
        [smoothing.formulas(c) for c in counts],
    )


def log_likelihood(levels, base, discounts):
    p = base
    for level, (a, *D) in zip(levels, discounts, strict=True):
        p, _ = level.probability(p, a, np.array(D))
    return np.log(p).sum()


def test_the_gradient_is_that_of_the_likelihood():
    levels, base, usual = levels_of("words", 4)
    levels[0] = dataclasses.replace(levels[0], weight=np.linspace(0.2, 1, len(base)))
    at = np.array([[0.3, *D] for D in usual])
    found = smoothing.gradient(levels, base, at[:, 0], at[:, 1:])
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-5
        slope = log_likelihood(levels, base, at + step) - log_likelihood(levels, base, at - step)
        assert found[place] == pytest.approx(slope / 2e-5, rel=1e-4, abs=1e-3)


def test_fitted_discounts_predict_better_what_was_not_counted():
    for name in ("names", "companies"):
        corpus = read(name)
        tokens = torch.from_numpy(corpus.stream(corpus.rows("train")[::25]).astype(np.int64))
        model = NGram(len(corpus.vocab), Config(6))
        model.fit(tokens)
        fitted_loss = evaluate(model, corpus, corpus.rows("test")[:1000]).nll
        usual = [[0, *smoothing.formulas(c)] for c in model.counts.data.split(model.sizes.tolist())]
        model.discounts.copy_(torch.tensor(np.array(usual)))
        model.load_state_dict(model.state_dict())
        assert fitted_loss < evaluate(model, corpus, corpus.rows("test")[:1000]).nll - 0.005


def test_no_line_begins_with_a_kind_of_character_that_none_began_with():
    """Fifty lines in title case: hardly any probability for another first character."""
    corpus = read("companies")
    lines = [line.title() for line in corpus.lines(corpus.rows("train")) if line.isalpha()][:50]
    vocab = Vocab("".join(lines))
    small = [i for i, character in enumerate("\n" + vocab.characters) if character.islower()]
    shares = []
    for shaped in (False, True):
        model, _ = fitted(lines, 6, vocab, shaped)
        shares.append(float(model(torch.zeros(1, 1, dtype=torch.int64))[0].exp()[0, 0, small].sum()))
    assert shares[1] < 0.02 < shares[0]


def test_orders_that_there_are_not():
    for order in (0, LONGEST + 1):
        with pytest.raises(ValueError, match="order"):
            Config(order)


# the bigram


@pytest.mark.parametrize(("smoothing", "nll"), [(0, 2.454014), (1, 2.454577)])
def test_bigram_has_the_published_loss_on_names(smoothing, nll):
    corpus = read("names")
    model = Bigram(len(corpus.vocab), BigramConfig(smoothing))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    assert evaluate(model, corpus, np.arange(len(corpus))).nll == pytest.approx(nll, abs=1e-6)


def corpus_of(text):
    """Make a corpus of a few lines, fewer than training needs."""
    vocab = Vocab(text)
    return Corpus(vocab, vocab.encode(text))


@given(some_lines, st.sampled_from([0.0, 0.1, 1.0, 5.0]))
def test_bigram_equals_counting(lines, smoothing):
    text = "\n" + "\n".join(lines) + "\n"
    corpus = corpus_of(text)
    V = len(corpus.vocab)
    model = Bigram(V, BigramConfig(smoothing))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    logits, state = model(torch.arange(V)[None])
    assert state == ()
    pairs = Counter(pairwise(text))
    characters = "\n" + corpus.vocab.characters
    for a, row in zip(characters, logits[0].exp().tolist(), strict=True):
        total = sum(pairs[a, c] + smoothing for c in characters)
        assert row == pytest.approx([(pairs[a, b] + smoothing) / total for b in characters])
        if smoothing == 0:
            assert all((p == 0) == (pairs[a, b] == 0) for b, p in zip(characters, row, strict=True))


def test_bigram_without_smoothing_knows_no_unseen_pair():
    corpus = corpus_of("\nab\nac\n")
    model = Bigram(len(corpus.vocab), BigramConfig(0.0))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    logits, _ = model(torch.tensor([[0, 1, 2]]))  # after the start, a, b
    assert logits[0].exp().tolist() == [[0, 1, 0, 0], [0, 0, 0.5, 0.5], [1, 0, 0, 0]]
    with pytest.raises(ValueError, match="smoothing"):
        BigramConfig(-1.0)


class Large(TorchDispatchMode):
    """Notes torch's operations with a large result, which it would share between threads."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.numel() >= 4096 and not func.is_view:
            self.seen.add(func.name())
        return result


@pytest.mark.parametrize("model", [NGram(27, Config(order=5)), Bigram(27, BigramConfig())])
def test_counting_models_do_not_keep_threads_waiting(model):
    """On a busy machine torch's threads wait for each other at each operation, longer than they work."""
    names = read("names")
    tokens = torch.from_numpy(names.stream(np.arange(500)).astype(np.int64))
    model.fit(tokens)
    with torch.inference_mode(), Large() as large:
        model(tokens[:2000].view(100, 20))
    assert large.seen <= {"aten::log_", "aten::_to_copy", "aten::index.Tensor"}
