"""The two models that count: equal to slow ones written from the definitions."""

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
from makemore.corpus.vocab import Vocab
from makemore.metrics.losses import evaluate
from makemore.models import ngram
from makemore.models.bigram import Bigram
from makemore.models.bigram import Config as BigramConfig
from makemore.models.ngram import LONGEST, Config, NGram

ORDERS = range(1, LONGEST + 1)
ALPHABET = "abcd"  # d is in the vocabulary and may be in no line
words = st.text("abc", min_size=1, max_size=7)
some_lines = st.lists(words, min_size=1, max_size=40)


class SlowNGram:
    """Interpolated modified Kneser-Ney, from Chen and Goodman (1998), section 3 and equations 25 to 30.

    A string is a piece of "\\n" + line + "\\n" that ends in a predicted character. The first newline is
    given, so no string of one character is it.
    """

    def __init__(self, lines, order, vocab_size):
        self.order, self.V = order, vocab_size
        raw = defaultdict(Counter)
        for line in lines:
            text = "\n" + line + "\n"
            for end in range(2, len(text) + 1):
                for k in range(1, min(order, end) + 1):
                    raw[k][text[end - k : end]] += 1
        self.counts = {order: raw[order]}
        for k in range(1, order):
            before = defaultdict(set)  # which characters stand before a string
            for longer in raw[k + 1]:
                before[longer[1:]].add(longer[0])
            self.counts[k] = {
                string: raw[k][string] if k > 1 and string[0] == "\n" else len(before[string])
                for string in raw[k]
            }
        self.discounts = {k: self.three_discounts(counts.values()) for k, counts in self.counts.items()}
        self.after = defaultdict(dict)  # context -> character -> count
        for counts in self.counts.values():
            for string, count in counts.items():
                self.after[string[:-1]][string[-1]] = count

    @staticmethod
    def three_discounts(counts):
        n = Counter(counts)
        if 0 in (n[1], n[2], n[3], n[4]):
            return 0.5, 1.0, 1.5
        y = n[1] / (n[1] + 2 * n[2])
        d1, d2, d3 = 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]
        return tuple(min(max(d, 0.05), c - 0.05) for c, d in enumerate((d1, d2, d3), 1))

    def p(self, character, context):
        """Return the probability of a character after everything before it in the line."""
        return self._p(character, context[-(self.order - 1) :] if self.order > 1 else "")

    def _p(self, character, context):
        lower = self._p(character, context[1:]) if context else 1 / self.V
        after = self.after.get(context)
        if not after:
            return lower
        discounts = self.discounts[len(context) + 1]
        taken = {c: discounts[min(count, 3) - 1] for c, count in after.items()}
        total = sum(after.values())
        own = after[character] - taken[character] if character in after else 0.0
        return own / total + sum(taken.values()) / total * lower


def fitted(lines, order, vocab=None):
    vocab = vocab or Vocab(ALPHABET)
    model = NGram(len(vocab), Config(order))
    model.fit(torch.from_numpy(vocab.encode("\n" + "\n".join(lines) + "\n").astype(np.int64)))
    return model, vocab


def ask(model, vocab, texts):
    """Return the model's log-probabilities after every character of some texts, (B, T, V)."""
    T = max(map(len, texts)) + 1
    idx = np.stack([vocab.encode(("\n" + text).ljust(T, "\n")).astype(np.int64) for text in texts])
    return model(torch.from_numpy(idx))[0]


def check_against_slow(lines, order, texts, vocab=None):
    model, vocab = fitted(lines, order, vocab)
    slow = SlowNGram(lines, order, len(vocab))
    for text, found in zip(texts, ask(model, vocab, texts).exp().tolist(), strict=True):
        for t in range(len(text) + 1):
            wanted = [slow.p(c, "\n" + text[:t]) for c in "\n" + vocab.characters]
            assert sum(wanted) == pytest.approx(1)
            assert found[t] == pytest.approx(wanted, rel=1e-5)


@settings(deadline=None, max_examples=40)
@given(some_lines, st.sampled_from(ORDERS), st.lists(st.text(ALPHABET, max_size=9), max_size=4))
def test_equals_a_slow_one(lines, order, asked):
    check_against_slow(lines, order, [*asked, *lines[:3]])


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_equals_a_slow_one_on_names(order):
    """Enough lines that the discounts are estimated."""
    names = read("names")
    lines = names.lines(np.arange(0, len(names), 16))
    discounts = SlowNGram(lines, order, len(names.vocab)).discounts
    assert all(discounts[k] != (0.5, 1.0, 1.5) for k in range(3, order + 1))
    check_against_slow(lines, order, ["emma", "xzqwk", "annabella", "mar", lines[7]], names.vocab)


@settings(deadline=None, max_examples=40)
@given(some_lines, st.sampled_from(ORDERS), st.lists(st.text(ALPHABET + "\n", max_size=10), max_size=5))
def test_probabilities_sum_to_one(lines, order, asked):
    model, vocab = fitted(lines, order)
    logits = ask(model, vocab, [*asked, *lines])
    assert torch.isfinite(logits).all()  # nothing is impossible
    assert torch.allclose(logits.double().exp().sum(-1), torch.ones((), dtype=torch.float64), atol=1e-6)


@settings(deadline=None, max_examples=40)
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


def test_longer_contexts_help_on_names():
    corpus = read("names")
    tokens = torch.from_numpy(corpus.stream(corpus.rows("train")).astype(np.int64))
    losses = []
    for order in (1, 2, 3, 5, 8):
        model = NGram(len(corpus.vocab), Config(order))
        model.fit(tokens)
        losses.append(evaluate(model, corpus, corpus.rows("validation")).nll)
    assert losses[0] > 2.7
    assert losses[1] == pytest.approx(2.455, abs=0.03)  # a bigram, near that of all names
    assert losses[:4] == sorted(losses[:4], reverse=True)
    assert max(losses[3:]) < 2.15


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


@settings(deadline=None, max_examples=100)
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
    monkeypatch.setattr(ngram, "PIECE", piece)
    random = np.random.default_rng(piece)
    lines = [random.integers(1, 4, random.integers(1, 10)).tolist() for _ in range(40)]
    for order in ORDERS:
        check_counts(lines, vocab_size, order)


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
    tokens = torch.from_numpy(read("names").tokens[:3000].astype(np.int64))
    model.fit(tokens)
    with torch.inference_mode(), Large() as large:
        model(tokens[:2000].view(100, 20))
    assert large.seen <= {"aten::log_", "aten::_to_copy", "aten::index.Tensor"}
