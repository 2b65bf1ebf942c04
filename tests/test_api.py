"""The library as a person uses it from Python and in notebooks."""

from __future__ import annotations

import functools
import io
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import IPython.display
import numpy as np
import pytest

import makemore
from makemore.errors import MakemoreError
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions
from makemore.training import progress

PUBLIC = [
    "sample",
    "stream",
    "most_likely",
    "score",
    "letters",
    "explain",
    "expects",
    "classify",
    "eval",
    "report",
    "plot",
    "summary",
    "metrics",
    "corpus",
    "vocab",
    "model",
    "settings",
    "config",
    "type",
    "directory",
]


@pytest.fixture(scope="module")
def run(names_run: Path) -> Run:
    return makemore.load(names_run)


@pytest.mark.parametrize("options", [{}, {"unique": True}, {"best": True}, {"pattern": "qqqqq"}])
def test_a_stream_can_be_stopped(run: Run, options: dict[str, Any]) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(len(asked))
        return len(asked) > 3

    assert list(run.stream(100_000, SampleOptions(seed=1, **options), stop=stop)) == []
    assert len(asked) == 4
    assert len(run.sample(5, seed=1)) == 5  # what is cached can still be used


def test_a_line_with_an_unknown_character_scores_inf(run: Run) -> None:
    emma, strange, ava = run.score(["emma", "zoÉ", "ava"])
    assert strange == math.inf
    assert [emma, ava] == run.score(["emma", "ava"])
    assert run.score(["É"]) == [math.inf]
    assert run.score([]) == []


def test_lines_can_be_any_iterable_of_strings(run: Run) -> None:
    assert run.score(line for line in ("emma", "ava")) == run.score(["emma", "ava"])
    for wrong, says in (
        ("emma", "lines must be strings, one for each line, not one str"),
        (3, "lines must be strings, one for each line, not one int"),
        (["emma", math.nan], "lines: item 2 is nan, not a string; drop missing values"),
        (["emma", 3], "lines: item 2 is 3, not a string; convert it with str"),
        ([None], "lines: item 1 is None, not a string; drop missing values"),
    ):
        with pytest.raises(MakemoreError, match=says):
            run.score(wrong)  # type: ignore[arg-type]


def test_score_cleans_lines_as_the_command_does(run: Run) -> None:
    assert run.score([" emma ", "emma\n"]) == run.score(["emma", "emma"])
    assert run.score(["emma "]) == [each.nll for each in run.scored(["emma "])]


@pytest.mark.parametrize("top", [0, -1, 2.5, "3", True, None])
def test_explain_refuses_a_wrong_top(run: Run, top: Any) -> None:
    with pytest.raises(MakemoreError, match="top must be ") as error:
        run.explain("emma", top=top)
    assert error.value.options == ("top",)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"n": "3"}, "n"),
        ({"n": 2.5}, "n"),
        ({"n": True}, "n"),
        ({"n": None}, "n"),
        ({"temperature": "x"}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_p": "all"}, "top_p"),
        ({"max_length": "4"}, "max_length"),
        ({"prefix": 3}, "prefix"),
        ({"pattern": 3}, "pattern"),
        ({"ends_with": 3}, "ends_with"),
        ({"contains": [3]}, "contains"),
        ({"without": None}, "without"),
        ({"length": 3}, "length"),
        ({"unique": 1}, "unique"),
        ({"novel": "yes"}, "novel"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
    ],
)
def test_sampling_names_an_argument_of_the_wrong_type(run: Run, arguments: Any, name: str) -> None:
    with pytest.raises(MakemoreError, match=f"^{name} must be ") as error:
        run.sample(**arguments)
    assert error.value.options == (name,)


def test_samples_are_whole_lines_unless_cut_ones_are_asked_for(run: Run) -> None:
    """The whole lines are those that ended among the model's own lines, in the same order."""
    every = list(run.stream(300, SampleOptions(max_length=5, cut=True, seed=1)))
    ended = [sample.text for sample in every if sample.ended]
    assert 0 < len(ended) < 300
    whole = run.sample(300, max_length=5, seed=1)
    assert whole[: len(ended)] == ended
    assert len(whole) == 300
    assert run.sample(300, max_length=5, cut=True, seed=1) == [sample.text for sample in every]


def test_a_prefix_leaves_room_for_a_line(run: Run) -> None:
    prefix = "anamariaelizab"  # one character shorter than the longest line
    lines = run.sample(100, prefix=prefix, seed=1)
    assert all(line.startswith(prefix) for line in lines)
    assert max(map(len, lines)) > run.corpus.longest


def test_numbers_from_numpy_are_numbers(run: Run, small: Path, tmp_path: Path) -> None:
    assert run.sample(np.int64(3), temperature=np.float32(0.5), seed=np.int32(1)) == run.sample(
        3, temperature=0.5, seed=1
    )
    path = tmp_path / "run"
    made = makemore.train(
        small, type="bigram", work_dir=path, device="cpu", seed=np.int64(7), smoothing=np.float32(0.5)
    )
    assert makemore.load(path).settings == made.settings
    assert makemore.load(path).config == made.config
    assert type(made.settings.seed) is int


def test_tab_shows_what_one_does_with_a_run(run: Run) -> None:
    assert sorted(PUBLIC) == dir(run)
    assert all(hasattr(run, name) for name in PUBLIC)


def test_a_run_says_what_it_is(run: Run) -> None:
    summary = run.summary()
    assert summary is not None
    assert repr(run) == (
        f"Run(ngram in {str(run.directory)!r}, {summary.parameters:,} parameters, 1 step, "
        f"test loss {summary.nll['test']:.4f})"
    )


def test_a_run_in_a_notebook(run: Run) -> None:
    page = run._repr_html_()
    for sample in run.sample(10, cut=True, seed=1):
        assert all(f">{c}</span>" in page for c in sample)
    assert "loss in nats per token" in page
    assert page.count("title='") == sum(map(len, run.sample(10, cut=True, seed=1)))


NASTY = ["<b>&'\"", "<script>", "a\u202eb", "&amp;", "<i>x"] * 4


def test_what_lines_hold_is_escaped_in_a_notebook(tmp_path: Path) -> None:
    run = makemore.train(lines=NASTY, type="bigram", work_dir=tmp_path / "<run>", device="cpu")
    page = run._repr_html_()
    for tag in ("<b>&", "<script", "<i>x", "\u202e", "<run>"):
        assert tag not in page
    assert "&lt;" in page


def test_a_run_that_was_never_trained_is_shown_too(small: Path, tmp_path: Path) -> None:
    def stop(event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        makemore.train(small, type="mlp", work_dir=tmp_path / "run", device="cpu", on_event=stop)
    run = makemore.load(tmp_path / "run")
    assert "not evaluated yet" in repr(run)
    page = run._repr_html_()
    assert "Not evaluated yet" in page
    assert "not trained yet" in page


def test_a_run_measures_itself(run: Run, tmp_path: Path) -> None:
    found = run.eval(n=100)
    assert found.to_json() == makemore.assess(run, n=100).to_json()
    assert f"test {found.nll['test']:.4f}" in repr(found)
    assert len(repr(found).splitlines()) < 10
    plot = run.plot("length", found)
    assert plot.title == "Loss by line length"
    assert plot._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(
        MakemoreError, match=r"name must be one of curve, .*, not 'lenght'; did you mean length"
    ):
        run.plot("lenght", found)
    with pytest.raises(MakemoreError, match="this run has no plot table; it has temperature, position, "):
        run.plot("table", found)


def test_a_plot_is_of_the_usual_samples_and_of_the_weights_as_they_are(
    names_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, measured = makemore.load(names_run), []
    monkeypatch.setattr(makemore, "assess", lambda run, n, seed: measured.append((n, seed)) or (n, seed))
    monkeypatch.setattr(makemore, "plot", lambda run, name, found: found)
    run.eval(n=100)
    assert run.plot("length") == run.plot("position") == (None, 0)
    assert measured == [(100, 0), (None, 0)]
    run.forget_model()
    run.plot("length")
    assert measured[2:] == [(None, 0)]


@pytest.mark.slow
def test_a_run_writes_its_report(small_run: Path, tmp_path: Path) -> None:
    page = makemore.load(small_run).report(tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert "<footer>Written by makemore" in page.read_text("utf-8")


# training


def test_training_on_strings(tmp_path: Path) -> None:
    lines = ["emma ", "Ava", "", "zoe\n", "emma", "mia"]
    run = makemore.train(lines=iter(lines), type="bigram", work_dir=tmp_path / "run", device="cpu")
    assert sorted(run.corpus.lines(range(5))) == ["Ava", "emma", "emma", "mia", "zoe"]
    again = makemore.load(tmp_path / "run")
    assert again.sample(5, seed=1) == run.sample(5, seed=1)
    assert again.corpus.fingerprint == makemore.Corpus.from_lines(lines).fingerprint
    with pytest.raises(MakemoreError, match="was started on"):
        makemore.train(lines=["other", "lines", "here"], work_dir=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 1.5),
        ("seed", True),
        ("seed", np.float64(2.0)),
        ("max_steps", 2.5),
        ("batch_size", 2.5),
        ("batch_size", "many"),
        ("patience", True),
        ("learning_rate", "high"),
        ("weight_decay", True),
        ("teacher", "yes"),
        ("time", "1m"),
        ("precision", 16),
        ("keep_spaces", 3),
        ("drop_undecodable", None),
        ("min_count", 1.5),
        ("max_length", "4"),
        ("encoding", 8),
        ("type", 3),
        ("device", None),
        ("top_k", "a"),
        ("compile", "yes"),
        ("diagnostics", 1),
        ("tensorboard", None),
        ("resume", "no"),
        ("overwrite", 1),
        ("source", 3),
        ("work_dir", None),
        ("stop", True),
        ("on_event", "print"),
        ("on_progress", 3),
        ("n_embd", 2.5),
        ("n_embd", "wide"),
        ("n_embd", None),
        ("dropout", True),
    ],
)
def test_a_value_of_the_wrong_type_leaves_the_old_run_alone(
    small: Path, small_run: Path, tmp_path: Path, name: str, value: Any
) -> None:
    path = shutil.copytree(small_run, tmp_path / "run")
    before = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}
    given = {"source": small, "work_dir": path, "overwrite": True, "type": "mlp", "device": "cpu"}
    with pytest.raises(MakemoreError, match=f"^{name} must be ") as error:
        makemore.train(**given | {name: value})
    assert name in error.value.options
    assert {each: each.read_bytes() for each in path.rglob("*") if each.is_file()} == before


def test_lines_that_cannot_be_trained_on(small: Path, tmp_path: Path) -> None:
    with pytest.raises(MakemoreError, match="give source or lines, not both"):
        makemore.train(small, lines=["a", "b", "c"], work_dir=tmp_path / "run")
    for lines in (["a", "b", "c", math.nan], ["a", "b", "c", None], ["a", "b", "c\nd"], ["a", "b"]):
        with pytest.raises(MakemoreError):
            makemore.train(lines=lines, work_dir=tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_progress_of_training(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "EVERY", 0)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    train = functools.partial(makemore.train, small, type="mlp", max_steps=4, device="cpu")
    run = train(work_dir=tmp_path / "run")
    said = terminal.getvalue()
    assert "mlp, " in said
    assert "step 2 of 4, loss " in said
    assert "[==========          ]  50% " in said
    summary = run.summary()
    assert summary is not None
    assert f"4 steps, losses {summary.nll['train']:.3f} train" in said.split("\r")[-1]
    assert said.endswith("\n")

    terminal.truncate(0)
    train(work_dir=tmp_path / "quiet", progress=False)
    train(work_dir=tmp_path / "listening", on_event=lambda event: None)
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    train(work_dir=tmp_path / "file")
    assert terminal.getvalue().strip("\0") == ""


def test_a_notebook_shows_a_bar(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []

    class Handle:
        def update(self, page: Any) -> None:
            pages.append(page.data)

    def display(page: Any, display_id: bool) -> Handle:
        assert display_id
        pages.append(page.data)
        return Handle()

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "EVERY", 0)
    monkeypatch.setattr(IPython.display, "display", display)
    makemore.train(small, type="mlp", max_steps=4, device="cpu", work_dir=tmp_path / "run")
    assert all(page.startswith("<progress max='1' value='") for page in pages)
    assert "value='0.5000'" in "".join(pages)
    assert "4 steps" in pages[-1]


# wrong arguments


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda run: makemore.load(3), "directory must be a path, not 3"),
        (lambda run: makemore.load(""), "directory is empty"),
        (lambda run: makemore.train(["anna", "bob"]), "anna: no such file.*pass them as lines="),
        (lambda run: makemore.train(iter(["anna"])), "anna: no such file.*pass them as lines="),
        (lambda run: makemore.train(learning_rat=1), "no such argument; did you mean learning_rate"),
        (lambda run: makemore.train(worm_dir="x"), "no such argument; did you mean work_dir"),
        (lambda run: makemore.train(n_embed=3), "no such argument; did you mean n_embd"),
        (lambda run: makemore.train(type="ngram", teacher=0.5), "teacher does nothing for type ngram"),
        (lambda run: makemore.build("gru", 27, None), "config must be what configure"),
        (lambda run: makemore.assess("out"), "run must be of type Run, not 'out'"),
        (lambda run: makemore.compare("names", 3), "types must be names, not 3"),
        (lambda run: makemore.compare("names", how=3), "how must be of type How, not 3"),
        (lambda run: makemore.compare_runs(3), "directories must be a path, not 3"),
        (lambda run: makemore.inspect("names", 3), "how must be of type How, not 3"),
        (lambda run: makemore.write_report([]), "directories is empty"),
        (lambda run: makemore.write_report([3]), "directories must be a path, not 3"),
        (lambda run: makemore.plot(run, "length", 3), "found must be of type Assessment, not 3"),
        (lambda run: makemore.Corpus.from_lines(["a", "b", "c"], 3), "how must be of type How, not 3"),
        (lambda run: makemore.Vocab(3), "characters must be a string, not 3"),
        (lambda run: makemore.evaluate(3, 3, 3), "model must be of type Module, not 3"),
        (lambda run: run.stream(1, 3), "options must be of type SampleOptions or None, not 3"),
        (lambda run: run.letters(3), "lines must be strings"),
        (lambda run: run.letters([3]), "lines: item 1 is 3, not a string"),
        (lambda run: list(run.scored([3])), "lines: item 1 is 3, not a string"),
    ],
)
def test_a_wrong_argument_is_one_sentence(run: Run, call: Callable[[Run], object], says: str) -> None:
    with pytest.raises(MakemoreError, match=says):
        call(run)
    assert not Path("out").exists()
