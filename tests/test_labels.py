"""Labels: which kind a line is of, from the table to the models."""

import json

import numpy as np
import pytest
import torch

import makemore
from makemore.cli.main import outcome
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.models import MODELS, build, configure

LINES = ["Bea 1", "Bea 1", "Abe 2", "Cab", "Dea 3", "Ed", "Cade 12", "Bad", "Ace", "Ed"]
LABELS = ["a", "b", "a", "b", "a", "b", "a", "b", None, "b"]


def ngram(corpus, rows, order=4):
    model = build("ngram", len(corpus.vocab), configure("ngram", 9, order=order, labels=2))
    model.fit(torch.from_numpy(corpus.inputs(rows)), torch.from_numpy(kinds_of(corpus.vocab)))
    return model


def test_the_labels_of_a_corpus():
    corpus = Corpus.from_lines(LINES, labels=LABELS)
    plain = Corpus.from_lines(LINES)
    V = len(corpus.vocab)
    assert corpus.vocab.labels == ("a", "b")
    assert corpus.labels.tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 0, 2]
    assert (corpus.split == plain.split).all()  # by the text alone: "Bea 1" is on one side under both labels
    assert corpus.fingerprint != plain.fingerprint
    inputs, targets = corpus.batch(np.arange(10))
    expected, unchanged = plain.batch(np.arange(10))
    np.testing.assert_array_equal(inputs, expected + V * corpus.labels[:, None].astype(int))
    np.testing.assert_array_equal(targets, unchanged)
    assert (corpus.inputs(np.array([0, 3])) // V).tolist() == [1] * 6 + [2] * 4 + [0]
    assert corpus.subset(np.array([8, 1])).labels.tolist() == [0, 2]


def test_strings_are_counted_for_each_label_and_for_all():
    corpus = Corpus.from_lines(LINES, labels=LABELS)
    V, rows = len(corpus.vocab), np.arange(len(LINES))
    model = ngram(corpus, rows)
    start = torch.tensor([[0], [V], [2 * V]])
    p = model(start)[0].exp()[:, 0]  # (3, V): of the first character
    assert torch.allclose(p.sum(1), torch.ones(3))
    b = int(corpus.vocab.encode("C")[0])
    assert p[2, b] > p[1, b]  # Cab and Cade: one each, but of fewer lines
    # a label that no line has predicts almost as all lines do
    nobody = Corpus.from_lines([*LINES, "Ed"], labels=["a"] + [None] * 10)
    plain = build("ngram", V, configure("ngram", 9, order=4))
    plain.fit(torch.from_numpy(nobody.inputs(np.arange(11)) % V), torch.from_numpy(kinds_of(nobody.vocab)))
    found, wanted = ngram(nobody, np.arange(11))(start[2:])[0], plain(start[:1])[0]
    torch.testing.assert_close(found, wanted, atol=0.02, rtol=0)


@pytest.mark.parametrize("row", range(10))
def test_an_ngram_without_a_line_is_one_that_did_not_count_it(row):
    corpus = Corpus.from_lines(LINES, labels=LABELS)
    rows = np.arange(len(LINES))
    same = np.array([line == LINES[row] for line in LINES])
    model, without = ngram(corpus, rows), ngram(corpus, rows[~same])
    weights = without.state_dict() | {
        name: value for name, value in model.state_dict().items() if "discounts" in name or "shape" in name
    }
    without.load_state_dict(weights)
    without._base = model._base  # that, and the kinds, are not left out
    inputs, targets = (torch.from_numpy(each) for each in corpus.batch(rows[row : row + 1]))
    own = np.array([LABELS[i] == LABELS[row] for i in rows]) & same
    found = model.unseen(inputs, torch.tensor([same.sum()]), torch.tensor([own.sum()]))
    wanted = without(inputs)[0]
    # all but the other characters that follow a label alone in the line is left out
    away, known = (
        (logp.gather(-1, targets[..., None]) - found.gather(-1, targets[..., None])).abs().max()
        for logp in (wanted, model(inputs)[0])
    )
    assert away < 0.03
    assert known > 0.1


@pytest.mark.parametrize("type", [t for t, cls in MODELS.items() if not (cls.counting or cls.counts_first)])
def test_a_label_means_nothing_before_training(type):
    torch.manual_seed(1)
    config = configure(type, 5, labels=3)
    model = build(type, 7, config)
    model.eval()
    idx = torch.tensor([[0, 1, 2, 3, 4]])
    torch.testing.assert_close(model(idx)[0], model(idx + 7 * 2)[0], atol=0, rtol=0)
    torch.manual_seed(1)
    plain = build(type, 7, configure(type, 5))
    shared = {n: t for n, t in model.state_dict().items() if "labels" not in n}
    assert all(torch.equal(t, plain.state_dict()[n]) for n, t in shared.items())


@pytest.mark.parametrize("type", [t for t, cls in MODELS.items() if not (cls.counting or cls.counts_first)])
def test_a_label_that_was_learned_changes_what_is_expected(type):
    torch.manual_seed(1)
    model = build(type, 7, configure(type, 5, labels=3)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "labels" in name:
                weight[2] += torch.randn(weight.shape[1])
            elif "head" in name or name == "weight":
                weight += 0.3 * torch.randn(weight.shape)
    idx = torch.tensor([[0, 1, 2, 3, 4]])
    apart = (model(idx)[0].log_softmax(-1) - model(idx + 7 * 2)[0].log_softmax(-1)).abs().amax((0, 2))
    assert (apart > 1e-4).all()  # at every position, to the end of the line
    torch.testing.assert_close(model(idx)[0], model(idx + 7)[0], atol=0, rtol=0)


def test_labels_that_only_dropped_lines_have_are_not_kept():
    from makemore.corpus.reading import How

    corpus = Corpus.from_lines(
        ["ann", "bob", "cyd", "maximilian"], How(max_length=5), ["x", "y", "x", "ghost"]
    )
    assert corpus.vocab.labels == ("x", "y")
    assert corpus.labels.tolist() == [1, 2, 1]


def test_explain_says_which_label_a_line_is_taken_for(tmp_path, capsys):
    lines = [f"{a}{b}{c}" for a in "xyz" for b in "aeiou" for c in "kmnprst"]
    labels = ["first" if line < "y" else "x, y" for line in lines]
    run = makemore.train(lines=lines, labels=labels, type="ngram", work_dir=tmp_path / "run")
    capsys.readouterr()
    (found,) = run.classify(["xak"])
    assert found.labels[0][0] == "first"
    assert outcome(["explain", str(run.directory), "xak", "--json"]) == (0, "")
    assert json.loads(capsys.readouterr().out)["labels"] == pytest.approx(dict(found.labels))
    assert outcome(["explain", str(run.directory), "xak"]) == (0, "")
    assert f"label: first {found.labels[0][1]:.1%}, x, y" in capsys.readouterr().out
    assert outcome(["explain", str(run.directory), "xak", "--label", "x, y"]) == (0, "")
    assert "label:" not in capsys.readouterr().out


def test_losses_with_and_without_labels_are_not_compared(tmp_path):
    import makemore
    from makemore.errors import MakemoreError

    lines = [a + b + c for a in "abc" for b in "def" for c in "ghi"]
    with_labels = makemore.train(
        lines=lines,
        labels=[line[0] for line in lines],
        type="bigram",
        work_dir=tmp_path / "a",
        progress=False,
    )
    without = makemore.train(lines=lines, type="bigram", work_dir=tmp_path / "b", progress=False)
    with pytest.raises(MakemoreError, match="not trained with the same labels"):
        makemore.compare_runs([with_labels.directory, without.directory])
    again = makemore.load(tmp_path / "a")
    # the score whatever the label is the sum over all labels; classify is Bayes' rule
    names = with_labels.vocab.labels
    counts = np.array([sum(again.corpus.split[again.corpus.labels == i] == 0) for i in (1, 2, 3)])
    p = np.exp([-again.score(["adg"], label=name)[0] for name in names]) * counts / counts.sum()
    assert again.score(["adg"])[0] == pytest.approx(-np.log(p.sum()))
    (found,) = again.classify(["adg"])
    assert dict(found.labels) == pytest.approx(dict(zip(names, p / p.sum(), strict=True)))
    (even,) = again.classify(["adg"], prior="uniform")
    assert sum(dict(even.labels).values()) == pytest.approx(1)
    assert {each.label for each in again.stream(200)} == set(names)
    assert all(line[0] == "b" for line in again.sample(20, label="b", temperature=0.01, seed=1))
    with pytest.raises(MakemoreError, match="label bb: no line has this label"):
        again.sample(1, label="bb")


def test_which_labels_there_are_in_words():
    from makemore.corpus.labels import said_of

    corpus = Corpus.from_lines(LINES, labels=LABELS)
    assert corpus.lines_by_label() == {"b": 5, "a": 4, "": 1}
    assert Corpus.from_lines(LINES).lines_by_label() == {}
    assert said_of(corpus.lines_by_label()) == "b 5, a 4, 1 lines have none"
    assert said_of({"girl": 18_029, "boy": 14_004}) == "girl 18,029, boy 14,004"
    assert said_of({str(i): 9 - i for i in range(8)}) == "0 9, 1 8, 2 7, 3 6, 4 5, 5 4, 2 more, the rarest 2"
