"""Learning from another run: weights to start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import makemore as library
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.models import MODELS, configure
from makemore.runs.run import Run
from makemore.runs.settings import recipe
from makemore.training import transfer
from makemore.training.events import Event, Started

LINES = ["abc", "bca", "cabba", "accab", "bab", "caca", "aab", "bbca", "cab", "abba"]
OTHERS = ["éda", "dab", "bédb", "ada", "deba", "abéd", "daé", "bda", "adéb", "dada"]  # no c, but d and é


def trained(directory: Path, type: str, lines: list[str] = LINES, **options: Any) -> Run:
    options = {"max_steps": 5, "batch_size": 5, "device": "cpu"} | options
    return library.train(lines=lines, type=type, work_dir=directory, progress=False, **options)


@pytest.mark.parametrize(
    "type", ["bow", "mlp_bn", "wavenet", "lstm", "transformer", "mingru", "llama", "mixture"]
)
def test_what_was_learned_about_a_character_goes_with_it(type: str, tmp_path: Path) -> None:
    """Other characters and more positions change nothing about what the model says of the old ones."""
    run = trained(tmp_path / "run", type)
    vocab = trained(tmp_path / "other", "bigram_nn", [*OTHERS, "ccc"]).vocab
    config = configure(type, 9, **transfer.knobs_of(run))
    weights = transfer.weights_for(run, vocab, config)
    if type == "mixture":  # it answers together with counts of the new lines; the weights can be compared
        old = transfer.learned(run.model)
        assert weights.keys() == old.keys()
        there, here = (int(v.encode("c")[0]) for v in (run.vocab, vocab))
        assert torch.equal(weights["head.weight"][here], old["head.weight"][there])
        return
    model = MODELS[type](len(vocab), config)
    model.load_state_dict(weights)
    model.eval()
    ids = [torch.from_numpy(v.encode("\nabcab").astype(np.int64))[None] for v in (run.vocab, vocab)]
    before, after = (
        m(each)[0][0, :, i]
        for m, each, i in zip((run.model.eval(), model), ids, (ids[0][0, :4], ids[1][0, :4]), strict=True)
    )
    # differences between characters, since probabilities are shared with the new ones
    torch.testing.assert_close(after - after[:, :1], before - before[:, :1], rtol=1e-4, atol=1e-5)


def test_training_starts_from_the_weights(tmp_path: Path) -> None:
    names = library.read("names").lines(range(600))
    others = [name.replace("z", "ž") for name in names[400:]]
    run = trained(tmp_path / "run", "gru", names[:400], max_steps=60)
    begun = trained(tmp_path / "new", None, others, from_run=tmp_path / "run", max_steps=1)  # type: ignore[arg-type]
    fresh = trained(tmp_path / "fresh", "gru", others, max_steps=1)
    assert begun.type == "gru"
    assert begun.metrics()[0].train < fresh.metrics()[0].train - 0.1
    assert np.isfinite(begun.score(["zoe"])).all()  # no line of the new list has a z
    assert run.settings.learning_rate == recipe("gru").learning_rate
    assert begun.settings.learning_rate == pytest.approx(transfer.RATE * recipe("gru").learning_rate)


@pytest.mark.parametrize("type", ["gru", "bigram_nn"])
def test_without_labels_a_model_begins_near_what_one_with_labels_says_of_any_line(
    type: str, tmp_path: Path
) -> None:
    lines = [a + b + a for a in "abc" for b in "abcdefgh"] + [a + b + b for a in "h" for b in "abcdefgh"]
    labels = ["first"] * 24 + ["second"] * 8
    run = trained(tmp_path / "run", type, lines, labels=labels, max_steps=40, batch_size=50, teacher=0)
    assert run.labels is not None
    shares = run.labels.shares()
    V, knobs = len(run.vocab), transfer.knobs_of(run)

    def starts(number: int, weights: dict[str, torch.Tensor], labels: int = 0) -> np.ndarray[Any, Any]:
        """How likely each first character is."""
        model = MODELS[type](V, configure(type, 9, **knobs, labels=labels))
        model.load_state_dict(weights)
        p: np.ndarray[Any, Any] = model.eval()(torch.tensor([[number * V]]))[0].softmax(-1).detach().numpy()
        return p.flatten()

    learned = transfer.learned(run.model)
    each = [starts(number, learned, labels=2) for number in shares.labels.tolist()]
    whatever = (shares.shares[:, None] * each).sum(0)
    begun = starts(0, transfer.weights_for(run, Corpus.from_lines(lines).vocab, configure(type, 9, **knobs)))
    dropped = starts(0, {name: weight for name, weight in learned.items() if "labels" not in name})
    assert np.abs(begun - whatever).sum() < 0.2 * np.abs(dropped - whatever).sum()
    # for other labels the known keep their vectors, and others begin as the mean of these
    other = Corpus.from_lines(["cab", "ahh", "abc"], How(known=tuple("abcdefgh")), ["second", "third", None])
    weights = transfer.weights_for(run, other.vocab, configure(type, 9, **knobs, labels=2))
    (name,) = (name for name in weights if name.endswith("labels.weight"))
    table = learned[name]
    mean = torch.from_numpy(shares.shares).float() @ table[torch.from_numpy(shares.labels)]
    torch.testing.assert_close(weights[name], torch.stack([mean, table[2], mean]))


@pytest.mark.parametrize("type", ["mixture", "mlp_bn"])
def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(type: str, tmp_path: Path) -> None:
    trained(tmp_path / "run", type)
    of: dict[str, Any] = {"from_run": tmp_path / "run", "max_steps": 4}
    whole = trained(tmp_path / "whole", type, OTHERS, **of)
    calls = iter([True, False, False, False, False, False])
    parts = trained(tmp_path / "parts", type, OTHERS, stop=lambda: next(calls), **of)
    (tmp_path / "run" / "best.safetensors").unlink()  # it is not needed any more
    parts = library.train(work_dir=tmp_path / "parts", resume=True, progress=False)
    assert parts.metrics()[-1].step == 4
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, parts.model.state_dict()[name]), name


def test_a_run_that_has_little_to_pass_on_says_so(tmp_path: Path) -> None:
    events: list[Event] = []
    of: dict[str, Any] = {"type": "bigram_nn", "max_steps": 1, "batch_size": 5}
    points = trained(tmp_path / "points", lines=LINES, **of)
    clusters = trained(tmp_path / "clusters", lines=[*LINES, "a👍🏽"], graphemes=True, **of)
    greek = [line.translate({97: "α", 98: "β", 99: "γ"}) + " -" for line in LINES]
    emoji = [*OTHERS, "👍🏽a"]
    for run, lines, how, says in (
        (points, OTHERS, How(), ""),
        (points, greek, How(), "points knows none of the letters in this list, so it has little to pass on"),
        (points, [*greek, "a"], How(), "points knows only 3% of the letters in this list"),
        (points, ["1 2", "2 3", "3 1", "1 1"], How(), ""),
        (
            points,
            emoji,
            How(graphemes=True),
            "takes code points for characters and this list grapheme clusters",
        ),
        (clusters, emoji, How(), "grapheme clusters are characters in this list too, since the run in"),
        (clusters, emoji, How(graphemes=True), ""),
    ):
        corpus = Corpus.from_lines(lines, transfer.knowing(how, run.vocab))
        warning = transfer.warning_about(run, corpus, how)
        assert says in warning
        assert bool(says) == bool(warning)
    read = Corpus.from_lines(emoji)
    assert "takes grapheme clusters for characters and this list code points" in transfer.warning_about(
        clusters, read, How()
    )
    trained(tmp_path / "new", lines=greek, from_run=tmp_path / "points", on_event=events.append, **of)
    assert "none of the letters" in next(each for each in events if isinstance(each, Started)).warning


def test_what_cannot_be_learned_from_is_one_sentence(tmp_path: Path, makemore: Callable[..., Any]) -> None:
    trained(tmp_path / "run", "gru")
    trained(tmp_path / "counts", "bigram", max_steps=None, batch_size=None)
    Path(tmp_path, "list.txt").write_text("\n".join(OTHERS), "utf-8")
    start = ("-i", tmp_path / "list.txt", "-o", tmp_path / "new")
    for more, says in (
        (("--from", tmp_path / "no"), "no: no such directory"),
        (("--from", tmp_path / "counts"), "counts: is of type bigram, which is fitted by counting"),
        (("--from", tmp_path / "run", "--type", "lstm"), "--type lstm: the run in "),
        (("--from", tmp_path / "run", "--n-embd2", "5"), "has 256, and its weights fit nothing else"),
        (("--from", tmp_path / "run", "--resume"), "a run that is resumed goes on from its own weights"),
    ):
        result = makemore(*start, *more)
        assert (result.status, result.out) == (2, "")
        assert says in result.err
        assert result.err.count("\n") == 1
        assert not (tmp_path / "new").exists()
    assert makemore(*start, "--from", tmp_path / "run", "--max-steps", "2").status == 0
