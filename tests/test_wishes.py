"""Lines that end with, contain, leave out: distributed as the model's lines, given that they do."""

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_sampling import all_lines, assert_drawn_from, drawn, fitted, without_replacement

from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.counting.tree import counted
from makemore.errors import MakemoreError
from makemore.inference.counts import NGram
from makemore.sampling import automaton, draw, rare
from makemore.sampling.look_ahead import LookAhead
from makemore.sampling.most_likely import most_likely
from makemore.sampling.options import SampleOptions
from makemore.sampling.rare import bound_of, effective_size
from makemore.sampling.stepper import Shares
from makemore.sampling.tree import Tree
from makemore.sampling.wanted import Wanted
from makemore.sampling.wishes import Outlook

VOCAB = Vocab("abc")
SMALL = ["ab", "abc", "abcab", "b", "ba", "bab", "cab", "cca", "c", "aab", "acb", "bca", "bb"]
LINES = ["".join(line) for n in range(1, 6) for line in itertools.product("abc", repeat=n)]


@pytest.fixture(scope="module")
def model():
    return fitted("gru", VOCAB)


def holds(line, prefix="", ends_with="", contains=(), without=(), length="1-", pattern=".*"):
    """Whether a line is wished for, in the plainest words."""
    least, dash, most = length.partition("-")
    return (
        line[: len(prefix)] == prefix
        and line[len(line) - len(ends_with) :] == ends_with
        and all(text in line for text in [contains] * isinstance(contains, str) or contains)
        and not any(text in line for text in [without] * isinstance(without, str) or without)
        and int(least) <= len(line) <= int(most or (9 if dash else least))
        and re.fullmatch(pattern, line) is not None
    )


WISHES = [
    {"ends_with": "ab"},
    {"ends_with": "aa", "contains": "b"},
    {"contains": ("ab", "ca")},
    {"contains": ("bab", "ab", "c")},
    {"without": "a"},
    {"without": ("ab", "c"), "ends_with": "ba"},
    {"length": "2-3"},
    {"length": "4", "prefix": "b", "ends_with": "b"},
    {"length": "3-", "contains": "cc", "without": "b"},
    {"prefix": "ab", "ends_with": "aba"},
    {"pattern": "a.*|.*c", "ends_with": "c", "without": "cc"},
]


@pytest.mark.parametrize("wishes", WISHES, ids=range(len(WISHES)))
def test_lines_are_the_models_given_the_wishes(model, wishes):
    for cut, choice in [(False, {}), (True, {"temperature": 1.5})]:
        lines = all_lines(model, VOCAB, 5, wishes.get("prefix", ""), cut, **choice)
        wanted = {line: p for line, p in lines.items() if holds(line, **wishes)}
        assert len(wanted) > 1
        assert_drawn_from(drawn(model, VOCAB, 5000, cut=cut, **wishes, **choice), wanted)


def test_the_test_can_fail(model):
    wanted = {line: p for line, p in all_lines(model, VOCAB, 5).items() if line.endswith("b")}
    with pytest.raises(AssertionError):
        assert_drawn_from(drawn(model, VOCAB, 5000, ends_with="b", temperature=1.5), wanted)


@pytest.mark.parametrize("wishes", WISHES, ids=range(len(WISHES)))
def test_the_most_likely_lines_are_those_of_an_enumeration(model, wishes):
    lines = all_lines(model, VOCAB, 5, wishes.get("prefix", ""))
    wanted = sorted((line for line in lines if holds(line, **wishes)), key=lambda line: -lines[line])[:10]
    options = SampleOptions(max_length=5, **wishes)
    assert [s.text for s in most_likely(model, VOCAB, len(wanted), options)] == wanted


def test_different_lines_are_sampled_without_replacement(model):
    wishes = {"contains": "a", "ends_with": "b", "length": "2-3"}
    p = {line: p for line, p in all_lines(model, VOCAB, 5).items() if holds(line, **wishes)}
    pairs = [tuple(drawn(model, VOCAB, 2, unique=True, seed=seed, **wishes)) for seed in range(300)]
    assert_drawn_from(pairs, without_replacement(p, 2))


def test_wishes_and_a_further_condition(model):
    def keep(lines):
        return ["aa" not in line for line in lines]

    wanted = {
        line: p for line, p in all_lines(model, VOCAB, 5).items() if line[-1:] == "a" and keep([line])[0]
    }
    assert_drawn_from(drawn(model, VOCAB, 5000, ends_with="a", keep=keep), wanted)


texts = st.text("abx", min_size=1, max_size=3)


@example("", [], ["a", "b"], None, "ab", 1)
@settings(max_examples=100, deadline=None)
@given(
    st.text("abx", max_size=3),
    st.lists(texts, max_size=3),
    st.lists(texts, max_size=2),
    st.none() | st.tuples(st.integers(1, 6), st.integers(0, 6)),
    st.sampled_from(["ab", "abx", "abxy", "axy"]),
    st.integers(1, 5),
)
def test_a_beginning_is_given_up_exactly_if_no_line_can_come_of_it(
    ends_with, contains, without, span, characters, most
):
    length = None if span is None else f"{span[0]}-{sum(span)}"
    options = SampleOptions(ends_with=ends_with, contains=contains, without=without, length=length)
    every = [[""]]
    for _ in range(most):
        every.append([line + c for line in every[-1] for c in characters])
    lines = [line for some in every for line in some if options.wishes.does(line)]
    assert lines == [
        line
        for some in every
        for line in some
        if holds(line, "", ends_with, contains, without, length or "0-")
    ]
    try:
        outlook = Outlook(options.wishes, Vocab(characters), "", most)
    except MakemoreError:
        assert not any(lines)  # the empty one is never sampled
        return
    assert lines or (span and span[0] > 1)  # lines that are too short are not given up early
    possible = {line[:i] for line in lines for i in range(len(line) + 1)}
    for some in every:
        for beginning in some:
            if span is None or span[0] == 1:
                assert outlook.could(beginning) == (beginning in possible)
            else:
                assert outlook.could(beginning) >= (beginning in possible)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"length": "5-2"}, "length='5-2': the shortest length comes first; write 2-5"),
        ({"length": "short"}, "length must be a range such as 5-8, 5 or 5-, not 'short'"),
        ({"length": "-3"}, "not '-3'"),
        ({"length": ""}, "not ''"),
        ({"length": "0"}, "not '0'"),
        ({"length": 3}, "length must be a string or None, not 3"),
        (
            {"length": "7-9"},
            "length='7-9' asks for 7 characters or more, but lines have at most max_length=5",
        ),
        ({"contains": "z"}, "contains 'z': the character 'z' (U+007A) is not among the 3 characters"),
        ({"ends_with": "az"}, "ends_with 'az': the character 'z'"),
        ({"contains": 3}, "contains must be a string or strings, not 3"),
        ({"without": ("a", 3)}, "without must be a string or strings, not ('a', 3)"),
        ({"without": ""}, "without='' would leave out every line"),
        ({"ends_with": "a\nb"}, "ends_with must be one line"),
        ({"without": "b", "contains": ("a", "cb")}, "contains='a' and 'cb' and without='b' cannot all hold"),
        ({"without": "b", "prefix": "ab"}, "prefix='ab' and without='b' cannot all hold"),
        ({"without": ("a", "b", "c")}, "without='a' and 'b' and 'c' cannot"),
        ({"without": ("a", "b", "cc"), "length": "2-"}, "found 0 of 3 lines that satisfy without="),
        ({"prefix": "ab", "pattern": "b.*"}, "prefix='ab' and pattern='b.*' cannot both hold for one line"),
        (
            {"prefix": "ab", "ends_with": "c", "pattern": "..?|.*b"},
            "found 0 of 3 lines that match pattern='..?|.*b' and satisfy prefix='ab' and ends_with='c', after",
        ),
        ({"prefix": "ab", "pattern": ".*x"}, "match pattern='.*x' and satisfy prefix='ab', after"),
        ({"contains": "abc", "ends_with": "bab"}, "need 6 characters, but lines have at most max_length=5"),
        (
            {"contains": "b", "ends_with": "ca", "length": "1-2"},
            "need 3 characters; ask for less or raise the",
        ),
        ({"contains": "a" * 999, "ends_with": "bb"}, "are longer than 1,000 characters together"),
    ],
)
def test_wishes_that_make_no_sense(monkeypatch, model, options, says):
    monkeypatch.setattr("makemore.sampling.wanted.PATIENCE", 2000)
    with pytest.raises(MakemoreError, match=re.escape(says)) as error:
        drawn(model, VOCAB, 3, **options)
    assert error.value.options


def test_what_is_left_out_may_be_unknown(model):
    assert drawn(model, VOCAB, 50, without="z") == drawn(model, VOCAB, 50)


def test_a_rare_character_cannot_be_wished_for():
    vocab = Vocab("ab" + UNKNOWN, unknown=True)
    model = fitted("ngram", vocab, ["ab", "ba", "a" + UNKNOWN], order=2)
    with pytest.raises(MakemoreError, match=r"contains 'x': the character 'x' .* is too rare"):
        drawn(model, vocab, 3, contains="x")
    with pytest.raises(MakemoreError, match="without='a' and 'b' cannot all hold"):
        drawn(model, vocab, 3, without=("a", "b"))


def test_too_many_wishes_at_once(monkeypatch, model):
    monkeypatch.setattr(automaton, "MOST_STEPS", 30)
    with pytest.raises(MakemoreError, match="contains='abc' and 'bca' and 'cab' are too many or too long"):
        drawn(model, VOCAB, 3, contains=("abc", "bca", "cab"))


def test_many_characters_are_one_step():
    """The automaton's size depends on the wishes, not on the vocabulary."""
    vocab = Vocab("".join(chr(0x4E00 + i) for i in range(5000)) + "abc")
    outlook = Outlook(SampleOptions(ends_with="ab", contains="c").wishes, vocab, "", 9)
    assert len(outlook.automaton.states) <= 6
    assert outlook.could(chr(0x4E01) * 6)
    assert not outlook.could(chr(0x4E01) * 7)


# looking ahead


@pytest.fixture
def always_ahead(monkeypatch):
    """Look ahead however common the wishes are."""
    monkeypatch.setattr(rare, "RARE", 0)


def ahead(model, n, keep=None, **options):
    """Sample with an n-gram of lines that have little to do with the model."""
    stream = VOCAB.encode("\nabcab\nbca\ncc\nab\nccaba\n").astype(np.int64)
    options = SampleOptions(**{"max_length": 5, "seed": 1} | options)
    return [s.text for s in draw.sample(model, VOCAB, n, options, keep=keep, lines=lambda: stream)]


@pytest.mark.parametrize("wishes", WISHES, ids=range(len(WISHES)))
@pytest.mark.parametrize(
    ("cut", "choice"), [(False, {}), (True, {"temperature": 1.5}), (False, {"temperature": 0.7})]
)
def test_looking_ahead_changes_no_distribution(model, always_ahead, wishes, cut, choice):
    lines = all_lines(model, VOCAB, 5, wishes.get("prefix", ""), cut, **choice)
    wanted = {line: p for line, p in lines.items() if holds(line, **wishes)}
    assert_drawn_from(ahead(model, 5000, cut=cut, **wishes, **choice), wanted)


def test_labels_are_chosen_for_the_wishes_and_made_up_for(monkeypatch, always_ahead):
    model, vocab = fitted("gru", VOCAB, labels=2), Vocab("abc", labels=("x", "y"))
    with torch.no_grad():
        model.embedding.labels.weight += 2 * torch.randn(3, model.embedding.labels.weight.shape[1])
    shares = Shares(np.array([1, 2]), np.array([0.1, 0.9]))
    wanted = {}
    for number, share in ((1, 0.1), (2, 0.9)):
        lines = all_lines(lambda idx, more=4 * number: model(idx + more), VOCAB, 5)
        empty = model(torch.tensor([[4 * number]]))[0].softmax(-1)[0, 0, 0].item()
        for line, p in lines.items():
            if line.endswith("ab"):
                wanted[vocab.labels[number - 1], line] = share * p / (1 - empty)
    stream = VOCAB.encode("\nabcab\nbca\ncc\nab\nccaba\n").astype(np.int64)
    roots = []
    chosen = rare._roots
    monkeypatch.setattr(rare, "_roots", lambda *given: roots.append(chosen(*given)) or roots[0])
    tree, options = (
        Tree(model, vocab, "", 5, shares),
        SampleOptions(max_length=5, seed=1, ends_with="ab"),
    )
    found = draw.sample(model, vocab, 5000, options, tree=tree, lines=lambda: stream)
    assert_drawn_from([(each.label, each.text) for each in found], wanted)
    (q,) = np.exp(roots)
    assert q.sum() == pytest.approx(1)
    of_x = sum(p for (label, _), p in wanted.items() if label == "x") / sum(wanted.values())
    assert abs(q[0] - 0.1) > 0.03  # as often as they satisfy the wish
    assert (q[0] > 0.1) == (of_x > 0.1)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_label_that_the_beginning_rules_out(always_ahead):
    model, vocab = fitted("gru", VOCAB, labels=2), Vocab("abc", labels=("x", "y"))
    tree = Tree(model, vocab, "", 5, Shares(np.array([1, 2]), np.array([0.5, 0.5])))
    tree.start = np.array([0.0, -np.inf])
    stream = VOCAB.encode("\nabcab\nbca\n").astype(np.int64)
    options = SampleOptions(max_length=5, seed=1, ends_with="ab")
    found = list(draw.sample(model, vocab, 50, options, tree=tree, lines=lambda: stream))
    assert {each.label for each in found} == {"x"}


def test_without_weights_the_distribution_would_change(monkeypatch, model, always_ahead):
    monkeypatch.setattr(rare, "bound_of", lambda weights: 1.0)
    proposed = draw._Chunks.proposed

    def unweighted(*args):
        lines, weights, unended = proposed(*args)
        return lines, np.ones_like(weights), unended

    monkeypatch.setattr(draw._Chunks, "proposed", unweighted)
    wanted = {line: p for line, p in all_lines(model, VOCAB, 5).items() if line.endswith("ab")}
    with pytest.raises(AssertionError, match="chi-square"):
        assert_drawn_from(ahead(model, 5000, ends_with="ab"), wanted)


@pytest.mark.slow
def test_different_lines_that_look_ahead(monkeypatch, model, always_ahead):
    monkeypatch.setattr(rare, "PILOT", 100)
    wishes = {"contains": "a", "ends_with": "b", "length": "2-3"}
    p = {line: p for line, p in all_lines(model, VOCAB, 5).items() if holds(line, **wishes)}
    pairs = [tuple(ahead(model, 2, unique=True, seed=seed, **wishes)) for seed in range(120)]
    assert_drawn_from(pairs, without_replacement(p, 2))


def test_looking_ahead_and_a_further_condition(model, always_ahead):
    lines = all_lines(model, VOCAB, 5, top_p=0.95)
    wanted = {line: p for line, p in lines.items() if line[0] == "b" and "c" in line}
    found = ahead(model, 5000, contains="c", top_p=0.95, keep=lambda s: [x[0] == "b" for x in s])
    assert_drawn_from(found, wanted)


@pytest.mark.parametrize("wishes", WISHES[:-1], ids=range(len(WISHES) - 1))
@pytest.mark.parametrize("cut", [False, True])
def test_an_ngram_knows_its_own_future(wishes, cut):
    """If the model is the n-gram that looks ahead, nothing is left to correct: all lines have the same weight."""
    stream = VOCAB.encode("\n" + "\n".join(SMALL) + "\n").astype(np.int64)
    model = NGram(len(VOCAB), {"order": 6}, counted(stream, len(VOCAB), 6))
    options = SampleOptions(max_length=5, cut=cut, **wishes)
    tree = Tree(model, VOCAB, options.prefix, 5)
    chunks = draw._Chunks(tree, Wanted(1, options, tree))
    look = LookAhead(stream, VOCAB, chunks.wanted.outlook, 5, cut)
    lines, weights, _ = chunks.proposed(500, np.random.default_rng(1), look)
    assert len(lines) == 500
    assert weights == pytest.approx(np.full(500, weights.mean()), rel=1e-4)
    p = {line: p for line, p in lines_of(model, 5, options.prefix, cut).items() if holds(line, **wishes)}
    assert weights.mean() == pytest.approx(sum(p.values()), rel=1e-4)


def lines_of(model, max_length, prefix, cut):
    """All lines of a model in NumPy, with their probabilities."""
    found, open_ = {}, {prefix: 1.0}
    for length in range(len(prefix), max_length + 1):
        after = {}
        for text, p in open_.items():
            state = None
            for i in VOCAB.encode("\n" + text):
                logp, state = model.step(np.array([i], dtype=np.intp), state)
            q = np.exp(logp[0])
            q[0] *= bool(text)
            q /= q.sum()
            found[text] = p * (1.0 if cut and length == max_length else q[0])
            after |= {text + c: p * r for c, r in zip(VOCAB.characters, q[1:], strict=True)}
        open_ = after
    return found


def test_the_bound_of_weights():
    assert bound_of(np.array([1.0, 1, 1, 1])) == 1
    assert bound_of(np.array([4.0, 1, 1, 2]), excess=0.25) == 2
    assert bound_of(np.array([4.0, 1, 1, 2]), excess=0.2) == 4
    assert effective_size(np.array([2.0, 2, 0])) == pytest.approx(2)
    assert effective_size(np.zeros(3)) == 0


def test_common_wishes_and_others_do_not_look_ahead(model):
    def lines():
        raise AssertionError("nothing is counted")

    for wishes in ({}, {"ends_with": "a"}, {"pattern": "abcab"}):
        options = SampleOptions(max_length=5, seed=1, **wishes)
        assert len(list(draw.sample(model, VOCAB, 2, options, lines=lines))) == 2


def test_rare_wishes_that_a_further_condition_makes_impossible(monkeypatch, model, always_ahead):
    monkeypatch.setattr("makemore.sampling.wanted.PATIENCE", 2000)
    with pytest.raises(MakemoreError, match="found 0 of 3 lines that satisfy ends_with='a' and are new"):
        ahead(model, 3, ends_with="a", keep=lambda lines: [False] * len(lines))
    with pytest.raises(MakemoreError, match=r"found 1 of 2 lines .* are all different"):
        ahead(model, 2, length="1", without=("a", "b"), unique=True)
