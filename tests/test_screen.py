"""What a terminal shows, at any width: whole words, numbers and commands, and nothing that controls it."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shlex
import shutil
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

import makemore
from makemore.cli import layout, tables
from makemore.cli import main as cli
from makemore.cli import measure as measuring
from makemore.cli.app import page
from makemore.cli.display import BAR, Display
from makemore.cli.errors import complain
from makemore.cli.explained import show_explained
from makemore.cli.leaderboard import Leaderboard
from makemore.cli.terminal import for_stream, visible_json, width_of, wrapped
from makemore.errors import visible
from makemore.metrics.assessment import Estimate
from makemore.reports.assessment import assess
from makemore.reports.comparison import compare_runs
from makemore.reports.inspection import inspect
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample
from makemore.training import babble, clock
from makemore.training.events import Done, Evaluation, Overfitting, Samples, Started, Step
from makemore.training.learner import Learner

WIDTHS = (40, 50, 60, 80, 120)
COMMAND = re.compile(r"  makemore ")
WIDE = 400


def printed(width: int, show: Callable[[Console], None], terminal: bool = True) -> str:
    """What a function prints to a terminal of a width, without colours."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=terminal, color_system=None, legacy_windows=False
    )
    show(console)
    return file.getvalue()


def words(text: str) -> set[str]:
    return set(text.split())


def check_readable(show: Callable[[Console], None]) -> None:
    """A narrow terminal shows every word of a wide one, and only a command or a single word is too long."""
    everything = words(printed(WIDE, show))
    assert everything
    for width in WIDTHS:
        text = printed(width, show)
        assert everything <= words(text), (width, everything - words(text))
        for line in text.splitlines():
            alone = COMMAND.match(line) or " " not in line.strip()
            assert width_of(line) <= width or alone, (width, line)


@pytest.fixture(scope="module")
def long_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training run on sentences; some of its samples are cut at the maximum length."""
    directory = tmp_path_factory.mktemp("long")
    path = directory / "some long lines.txt"
    path.write_text("\n".join(f"the line {i} goes on and on, {i} times" for i in range(60)), "utf-8")
    makemore.train(path, work_dir=directory / "run", type="mlp", max_steps=3, device="cpu")
    return directory


def test_eval_is_readable_at_any_width(long_lines: Path, small_run: Path) -> None:
    for run in (long_lines / "run", small_run):
        numbers = assess(makemore.load(run), 100)
        wide = replace(numbers.losses["test"], perplexity=Estimate(123456.78, (0.73, 1234567.89)))
        numbers = replace(numbers, losses={**numbers.losses, "test": wide})
        check_readable(lambda console, numbers=numbers: tables.show_assessment(console, numbers))
    narrow = printed(40, lambda console: tables.show_assessment(console, numbers))
    assert "validation  " in narrow
    assert re.search(r"^nats per token$", narrow, re.MULTILINE)
    assert re.search(r"^  test        \d\.\d{4}  \d\.\d{4} to \d\.\d{4}$", narrow, re.MULTILINE)


def test_compare_is_readable_at_any_width(small: Path, small_run: Path, tmp_path: Path) -> None:
    makemore.train(small, work_dir=tmp_path / "ngram", type="ngram", device="cpu")
    result = compare_runs([small_run, tmp_path / "ngram"])
    entries = tuple(replace(each, name=f"runs/number-{i}") for i, each in enumerate(result.entries))
    (pair,) = result.pairs
    result = replace(result, entries=entries, pairs=(replace(pair, a=entries[0].name, b=entries[1].name),))
    check_readable(lambda console: tables.show_comparison(console, result))


def test_what_is_being_compared_fits_its_line(small_run: Path) -> None:
    nll = {"test": 2.1234, "validation": 2.2}
    some = makemore.load(small_run).summary()
    assert some is not None
    summary = replace(some, nll=nll, seconds=61.0, parameters=12_345_678)

    def show(console: Console) -> None:
        with Leaderboard(console) as board:
            board.done("transformer-3407", summary)

    for width in WIDTHS:
        lines = printed(width, show).splitlines()
        assert any("transformer-3407" in line and "2.1234" in line for line in lines)
        assert all(len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line)) <= width for line in lines)


def test_inspect_is_readable_at_any_width(long_lines: Path, tmp_path: Path) -> None:
    path = long_lines / "some long lines.txt"
    found = inspect(str(path))
    check_readable(lambda console: tables.show_inspection(console, found, [str(path)], "--max-length 70"))
    narrow = printed(
        40, lambda console: tables.show_inspection(console, found, [str(path)], "--max-length 70")
    )
    lines = [line for line in narrow.splitlines() if COMMAND.match(line)]
    assert lines
    for line in lines:
        assert shlex.split(line)[:3] == ["makemore", "-i", str(path)]
        assert "--max-length 70" in line


def test_explain_is_readable_at_any_width(small_run: Path, names_run: Path) -> None:
    for runs in ([small_run], [small_run, names_run]):
        explained = {f"run-{i}": makemore.load(run).explain("emma") for i, run in enumerate(runs)}
        check_readable(lambda console, explained=explained: show_explained(console, explained))


def test_what_people_write_is_no_markup_and_no_emoji() -> None:
    texts = ["[bold]x[/bold]", ":dog:", "[/]", "\\[a]"]
    for text in texts:
        for terminal in (True, False):
            assert printed(80, lambda c, text=text: layout.say(c, text), terminal) == text + "\n"
            table = printed(80, lambda c, text=text: layout.table(c, ["", text], [[text, "1"]]), terminal)
            assert table.count(text) == 2
            noted = printed(80, lambda c, text=text: layout.notes(c, [(text, "1", text)]), terminal)
            assert noted.count(text) == 2


@pytest.mark.parametrize(
    ("character", "spelled"),
    [
        ("\x1b", r"\x1b"), ("\x00", r"\x00"), ("\r", r"\r"), ("\x9b", r"\x9b"), ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"), ("\u200b", r"\u200b"), ("\ufeff", r"\ufeff"), ("\U000e0041", r"\U000e0041"),
        ("\u2028", r"\u2028"), ("\x85", r"\x85"), ("\xad", r"\xad"), ("\ud800", r"\ud800"),
    ],
)  # fmt: skip
def test_what_a_terminal_would_obey_is_spelled(character: str, spelled: str) -> None:
    text = f"a{character}b"
    assert visible(text) == f"a{spelled}b"
    assert printed(80, lambda console: layout.say(console, text)) == f"a{spelled}b\n"
    assert printed(80, lambda console: layout.say(console, text), terminal=False) == f"{text}\n"
    if character != "\ud800":
        shown = visible_json(json.dumps({"text": text}, ensure_ascii=False))
        assert json.loads(shown) == {"text": text}
        assert character not in shown


def test_what_belongs_to_a_text_stays() -> None:
    for text in ("naïve café", "日本語", "👩\u200d👧", "می\u200cخواهم", "e\u0301", "a\tb", "नमस्ते"):
        assert visible(text) == text


def test_only_a_terminal_is_spared() -> None:
    assert for_stream(Terminal())("\x1b") == r"\x1b"
    assert for_stream(io.StringIO())("\x1b") == "\x1b"
    assert for_stream(None)("\x1b") == "\x1b"


def test_lines_break_at_spaces_only() -> None:
    text = "one two `makemore --resume -o out` three antidisestablishmentarianism"
    lines = wrapped(text, 20, "  ")
    assert lines == [
        "one two",
        "  `makemore --resume -o out`",
        "  three",
        "  antidisestablishmentarianism",
    ]
    assert wrapped("日本 " * 4, 10) == ["日本 日本", "日本 日本"]
    assert wrapped("    indented words", 12, "  ") == ["    indented", "  words"]
    assert wrapped("", 10) == [""]


# training


@pytest.mark.parametrize("width", [*WIDTHS, 200])
def test_the_bar_fills_its_line(small_run: Path, width: int) -> None:
    run = makemore.load(small_run)
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    with Display(console) as display:
        display(Started(run, 0, 1234, "cpu"))
        display(Evaluation(0, 3.296, 3.297, False))
        for step in range(1, 4):
            display(Step(step, 2.9, 0.1, 1000, step / 3))  # without colours what is left is blank
        assert display.bar is not None
        lines = console.render_lines(display.bar.get_renderable(), pad=False)
    (line,) = ["".join(segment.text for segment in line) for line in lines]
    bar, _, text = line.partition(" ")
    assert width_of(line.rstrip()) == width
    assert len(bar) >= BAR
    assert set(bar) <= set("━╸╺")
    assert text.startswith("3/5")
    assert text.endswith("left") or width >= 80
    assert ("Ctrl-C stops" in text) == (width >= 80)
    assert "Ctrl-C" in printed(width, lambda console: Display(console)(Started(run, 0, 1234, "cpu")))


def test_training_is_readable_at_any_width(
    long_lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(long_lines / "run", directory := tmp_path / "my runs" / "one")
    run = makemore.load(directory)
    best = list(run.stream(5, SampleOptions(cut=True, seed=1)))
    monkeypatch.setattr(run, "stream", lambda *_: best)  # the same ones at each width
    samples = [Sample("the line 1 goes on and on", 9.0, True), Sample("zz 日本" * 9, 99.0, False)]

    def show(console: Console) -> None:
        display = Display(console, top_k=5)
        display(
            Started(run, 3, 1234, "cpu", "so far with 1 thread, now with 2: the weights will not be the same")
        )
        assert display.bar is not None
        display.bar.stop()
        display.bar = None
        display(Evaluation(3, 3.296, 3.297, True))
        display(Overfitting(3, 2))
        display(Samples(3, samples, ["train", "new"]))
        display(Done(3, "finished", run.summary()))
        display(Done(3, "stopped", None))

    check_readable(lambda console: _plainly(console, show))
    narrow = printed(40, show)
    for line in (
        f"  makemore sample '{directory}' -n 100 --best --top-k 5",
        f"  makemore --resume -o '{directory}'",
        f"  makemore sample '{directory}'",
    ):
        assert line in narrow.splitlines()


def test_samples_have_their_labels_beside_them(small_run: Path) -> None:
    run = makemore.load(small_run)
    some = [
        Sample(text, 1.0, True, label) for text, label in (("ana", "a girl"), ("tom", ""), ("mia", "x" * 30))
    ]
    longer = [Sample("one two", 1.0, True, "prose")]

    def show(console: Console) -> None:
        display = Display(console)
        display.run = run
        for samples in (some * 4, longer):
            display(Samples(3, samples, ["new"] * len(samples)))

    label = "x" * 19 + "…"
    plain = printed(80, show, terminal=False).splitlines()
    assert plain[1] == "  new:" + f" ana (a girl) tom mia ({label})" * 4
    assert plain[3:] == ["  new:", "    one two (prose)"]
    for width in WIDTHS:
        lines = printed(width, show).splitlines()
        assert all(width_of(line) <= width for line in lines)
        assert sum(line.count("ana\u00a0(a\u00a0girl)") for line in lines) == 4  # none is parted
        assert sum(line.count(f"mia\u00a0({label})") for line in lines) == 4


def _plainly(console: Console, show: Callable[[Console], None]) -> None:
    """Print without the progress bar, none of which should remain."""
    file = io.StringIO()
    show(Console(file=file, width=console.width, force_terminal=True, color_system=None))
    kept = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", file.getvalue())
    console.file.write("\n".join(line for line in kept.split("\n") if "starting" not in line))


def test_what_was_cut_is_marked(long_lines: Path, small: Path, tmp_path: Path) -> None:
    run = makemore.load(long_lines / "run")  # it has learned nothing, least of all to end
    output = printed(
        80, lambda console: Display(console)(Done(3, "finished", run.summary()))
    )  # nothing started
    assert output == ""

    def show(console: Console) -> None:
        display = Display(console)
        display(Started(run, 0, 1, "cpu"))
        display(Done(3, "finished", run.summary()))

    output = printed(80, show, terminal=False)  # twenty new lines, none of which was cut
    assert "new ones (the best of many" in output
    assert "…" not in output
    numbers = assess(run, 100)
    nearest = tuple(replace(each, text=f"{i} was drawn") for i, each in enumerate(numbers.quality.nearest))
    numbers = replace(numbers, quality=replace(numbers.quality, nearest=nearest))
    output = printed(80, lambda console: tables.show_assessment(console, numbers))
    for i, each in enumerate(nearest[:10]):
        assert (f"{i} was drawn…" in output) == each.cut
    assert any(each.cut for each in nearest[:10])
    # where all lines have one length, a sample of that length is whole
    path = tmp_path / "four.txt"
    path.write_text("\n".join(f"{a}{b}{a}." for a in "abcdefgh" for b in "klmnopqr"), "utf-8")
    four = makemore.train(path, work_dir=tmp_path / "four", type="ngram", device="cpu")
    samples = list(four.stream(50, SampleOptions(cut=True, seed=0)))
    whole = [s for s in samples if s.text.endswith(".") and len(s.text) == 4]
    assert len(whole) > 25
    assert all(s.ended for s in whole)


def test_early_samples_change_nothing(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither weights nor losses nor random numbers, in an uninterrupted or a resumed run."""
    options = {"type": "mlp", "n_embd": 8, "n_embd2": 16, "dropout": 0.2, "batch_size": 20, "max_steps": 48,
               "device": "cpu"}  # fmt: skip
    shown: list[Any] = []
    assert clock.EARLY[:3] == (0, 20, 50)
    monkeypatch.setattr(clock, "EARLY", (0, 4, 10))  # a quarter of these few steps
    makemore.train(small, work_dir=tmp_path / "early", on_event=shown.append, **options)
    early = [(e.step, len(e.samples)) for e in shown if isinstance(e, Samples)]
    assert early[:3] == [(step, babble.EARLY_SAMPLES) for step in (0, 4, 10)]
    assert all(n == 10 for _, n in early[3:])
    steps = iter(range(10**6))
    makemore.train(small, work_dir=tmp_path / "stopped", stop=lambda: next(steps) >= 7, **options)
    makemore.train(work_dir=tmp_path / "stopped", resume=True)
    monkeypatch.setattr(clock, "EARLY", ())
    makemore.train(small, work_dir=tmp_path / "late", on_event=shown.append, **options)
    a, b, c = (makemore.load(tmp_path / name) for name in ("late", "early", "stopped"))
    for other in (b, c):
        one, two = a.disk.load_checkpoint(), other.disk.load_checkpoint()
        assert one is not None
        assert two is not None
        assert one[0].keys() == two[0].keys()
        assert all(torch.equal(one[0][name], two[0][name]) for name in one[0])
        curves = [[dataclasses.replace(row, seconds=0) for row in run.metrics()] for run in (a, other)]
        assert curves[0] == curves[1]
        assert a.summary().nll == other.summary().nll


def test_early_samples_of_lost_weights_are_left_out(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of the next step reports the fault, not the samples."""
    step = Learner.step

    def losing(self: Learner, done: float | None, before: int = 0) -> tuple[float, float, int]:
        found = step(self, done, before)
        if before == 19:
            with torch.no_grad():
                for weight in self.model.parameters():
                    weight.fill_(float("nan"))
        return found

    monkeypatch.setattr(Learner, "step", losing)
    with pytest.raises(makemore.MakemoreError, match=r"diverged \(nan at step 20\)"):
        makemore.train(small, work_dir=tmp_path / "run", type="mlp", max_steps=100, device="cpu")


# commands


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def reconfigure(self, **options: str) -> None:
        pass


@pytest.mark.slow
def test_sample_score_and_errors_are_spelled_on_a_terminal_and_raw_in_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("\n".join(f"a\x1b[31m{c}\u202e" for c in "bcdefghijklm"), "utf-8")
    run = makemore.train(path, work_dir=tmp_path / "run", type="ngram", device="cpu").directory
    line = "a\x1b[31mb\u202e"
    nowhere = tmp_path / "no\x1b[31mwhere"
    for args in (
        ["sample", str(run), "--seed", "1", "-n", "5"],
        ["sample", str(run), "--seed", "1", "--json"],
        ["score", str(run), line, "--letters"],
        ["score", str(run), line, "--json"],
        ["explain", str(run), line, "--json"],
        ["explain", str(run), line],
        ["eval", str(run), "-n", "100", "--json"],
        ["eval", str(run), "-n", "100"],
        ["inspect", str(path)],
        ["sample", str(nowhere)],
        ["train", "-i", str(nowhere)],
        ["--sample-only", "-o", str(run)],
    ):
        monkeypatch.setattr(sys, "argv", ["makemore", *args])
        screen = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            patch.setenv("TERM", "xterm")
            patch.setenv("NO_COLOR", "1")
            status = cli.outcome(args)
            if status[1]:
                complain(status[1])
        shown = re.sub(r"\r?\x1b\[([0-9;]*m|\?25[lh]|2?K|1A)", "", screen.getvalue())  # what is ours
        assert "\u202e" not in shown, args
        assert "\x1b" not in shown, args
        assert "\x1b[31m" not in screen.getvalue(), args
        if "--json" in args:
            piece = shown[shown.index("{") :]
            assert all(json.loads(each) for each in piece.splitlines())
    monkeypatch.setattr(sys, "argv", ["makemore", "sample", str(run), "--seed", "1"])
    capsys.readouterr()
    assert cli.outcome(["sample", str(run), "--seed", "1"])[0] == 0
    assert "\x1b[31m" in capsys.readouterr().out  # a pipe gets what was drawn


def test_help_is_readable_at_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("", "train", "sample", "score", "compare", "report", "lessons"):
        everything: set[str] = set()
        for width in (100, *WIDTHS):
            monkeypatch.setenv("COLUMNS", str(width))
            text = page(command)
            everything = everything or words(text)
            assert everything <= words(text)
            for line in text.splitlines():
                assert len(line) <= width or COMMAND.match(line) or line.startswith("Usage"), line


def test_the_page_is_opened_if_there_is_a_browser(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    page = tmp_path / "my page.html"
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    measuring.open_page(page)
    assert opened == [page.as_uri()]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    measuring.open_page(page)
    assert "no browser" in capsys.readouterr().err
