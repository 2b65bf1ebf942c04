"""Context-tree weighting: equal to a slow one written from the definitions."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from makemore.corpus.vocab import Vocab
from makemore.counting import context_tree
from makemore.models.ctw import CTW, Config

ALPHABET = "abcd"  # d is in the vocabulary and may be in no line
some_lines = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=20)


def after(lines, context):
    """Return what follows a context, which may begin the line, in some lines."""
    texts = ["\n" + line + "\n" for line in lines]
    ends = [(text, i) for text in texts for i in range(1, len(text)) if text[:i].endswith(context)]
    return Counter(text[i] for text, i in ends)


class Slow:
    """The definitions in counting/context_tree.py, by recursion."""

    def __init__(self, lines, depth, strength, characters):
        self.lines, self.depth, self.strength, self.characters = lines, depth, strength, characters
        counts = after(lines, "")
        total = sum(counts.values()) + 0.5 * len(characters)
        self.base = {c: (counts[c] + 0.5) / total for c in characters}

    def own(self, counts):
        """Return log P of what follows a context."""
        a = self.strength
        found = math.lgamma(a) - math.lgamma(sum(counts.values()) + a)
        for c, n in counts.items():
            found += math.lgamma(n + a * self.base[c]) - math.lgamma(a * self.base[c])
        return found

    def whole(self, context):
        """Return log Q of a context, and the probability to stop there."""
        own = self.own(after(self.lines, context))
        longer = [c + context for c in self.characters if after(self.lines, c + context)]
        if len(context) == self.depth or not longer:
            return own, 1.0
        split = sum(self.whole(each)[0] for each in longer)
        q = math.log((math.exp(own) + math.exp(split)) / 2)
        return q, math.exp(own - q) / 2

    def p(self, character, text):
        """Return the probability of a character after everything before it in the line."""
        contexts = [text[len(text) - k :] for k in range(min(self.depth, len(text)) + 1)]
        contexts = [context for context in contexts if after(self.lines, context)]
        p, left = 0.0, 1.0
        for context in contexts:
            counts = after(self.lines, context)
            stop = 1.0 if context == contexts[-1] else self.whole(context)[1]
            a = self.strength
            p += left * stop * (counts[character] + a * self.base[character]) / (sum(counts.values()) + a)
            left *= 1 - stop
        return p


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(some_lines, st.integers(1, 4), st.lists(st.text(ALPHABET, max_size=7), max_size=3))
def test_equals_a_slow_one(lines, depth, asked):
    vocab = Vocab(ALPHABET)
    model = CTW(len(vocab), Config(depth))
    model.fit(torch.from_numpy(vocab.encode("\n" + "\n".join(lines) + "\n").astype(np.int64)))
    characters = "\n" + vocab.characters
    slow = Slow(lines, depth, float(model.strength), characters)
    for text in [*asked, *lines[:2]]:
        found = model(torch.from_numpy(vocab.encode("\n" + text).astype(np.int64))[None])[0][0].exp()
        for t in range(len(text) + 1):
            wanted = [slow.p(c, "\n" + text[:t]) for c in characters]
            assert sum(wanted) == pytest.approx(1)
            assert found[t].tolist() == pytest.approx(wanted, rel=1e-4)


def test_the_strength_is_the_likeliest():
    lines = ["abab", "abba", "cab", "ab"]
    vocab = Vocab("abc")
    weights = context_tree.weighted(vocab.encode("\n" + "\n".join(lines) + "\n"), len(vocab), 3)
    whole = [Slow(lines, 3, a, "\n" + vocab.characters).whole("")[0] for a in context_tree.STRENGTHS]
    assert weights["strength"] == context_tree.STRENGTHS[int(np.argmax(whole))]


def test_log_gamma():
    x = np.array([1e-6, 0.01, 0.5, 1.0, 2.5, 30.0, 1e6])
    np.testing.assert_allclose(
        context_tree.log_gamma(x), [math.lgamma(each) for each in x], rtol=1e-9, atol=1e-9
    )


def test_depths_that_there_are_not():
    for depth in (0, 8):
        with pytest.raises(ValueError, match="depth"):
            Config(depth)
