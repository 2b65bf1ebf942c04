"""What stands on a terminal, at any width: whole words, whole numbers, whole commands, and nothing that it would obey."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import makemore
from makemore import layout, tables
from makemore.assessment import assess
from makemore.comparison import compare_runs
from makemore.inspection import inspect
from makemore.terminal import for_stream, visible, visible_json, width_of, wrapped

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
    """Every word of a wide terminal is there, whole, on a narrow one, and no line but a command or a single word is too long."""
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
    """A short training on sentences, some of whose samples are cut at the longest length."""
    directory = tmp_path_factory.mktemp("long")
    path = directory / "some long lines.txt"
    path.write_text("\n".join(f"the line {i} goes on and on, {i} times" for i in range(60)), "utf-8")
    makemore.train(path, work_dir=directory / "run", type="mlp", max_steps=3, device="cpu")
    return directory


def test_eval_is_readable_at_any_width(long_lines: Path, small_run: Path) -> None:
    for run in (long_lines / "run", small_run):
        numbers = assess(makemore.load(run), 100)
        numbers["perplexity"]["test"] = 123456.78
        numbers["perplexity_interval"]["test"] = [0.73, 1234567.89]
        check_readable(lambda console, numbers=numbers: tables.show_assessment(console, numbers))  # type: ignore[misc]
    narrow = printed(40, lambda console: tables.show_assessment(console, numbers))
    assert "validation  " in narrow
    assert re.search(r"^nats per token$", narrow, re.MULTILINE)
    assert re.search(r"^  test        \d\.\d{4}  \d\.\d{4} to \d\.\d{4}$", narrow, re.MULTILINE)


def test_compare_is_readable_at_any_width(small: Path, small_run: Path, tmp_path: Path) -> None:
    makemore.train(small, work_dir=tmp_path / "ngram", type="ngram", device="cpu")
    result = compare_runs([small_run, tmp_path / "ngram"])
    for i, each in enumerate(result["entries"]):
        each["name"] = f"runs/number-{i}"
    for pair in result["pairs"]:
        pair["a"], pair["b"] = ("runs/number-0", "runs/number-1")
    check_readable(lambda console: tables.show_comparison(console, result))


def test_what_is_being_compared_fits_its_line(small_run: Path) -> None:
    numbers = {
        "name": "transformer-3407",
        "nll": {"test": 2.1234, "validation": 2.2},
        "parameters": 12_345_678,
        "seconds": 61.0,
    }

    def show(console: Console) -> None:
        with tables.Leaderboard(console) as board:
            board.done(numbers)

    for width in WIDTHS:
        lines = printed(width, show).splitlines()
        assert any("transformer-3407" in line and "2.1234" in line for line in lines)
        assert all(len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line)) <= width for line in lines)


def test_inspect_is_readable_at_any_width(long_lines: Path, tmp_path: Path) -> None:
    path = long_lines / "some long lines.txt"
    found = inspect(str(path))
    check_readable(lambda console: tables.show_inspection(console, found, "--max-length 70"))
    narrow = printed(40, lambda console: tables.show_inspection(console, found, "--max-length 70"))
    (line,) = [line for line in narrow.splitlines() if COMMAND.match(line)]
    assert shlex.split(line)[:3] == ["makemore", "-i", str(path)]
    assert line.endswith("--max-length 70")


def test_explain_is_readable_at_any_width(small_run: Path, names_run: Path) -> None:
    for runs in ([small_run], [small_run, names_run]):
        explained = {f"run-{i}": makemore.load(run).explain("emma") for i, run in enumerate(runs)}
        check_readable(lambda console, explained=explained: tables.show_explained(console, explained))  # type: ignore[misc]


def test_what_people_write_is_no_markup_and_no_emoji() -> None:
    texts = ["[bold]x[/bold]", ":dog:", "[/]", "\\[a]"]
    for text in texts:
        for terminal in (True, False):
            assert printed(80, lambda c, text=text: layout.say(c, text), terminal) == text + "\n"  # type: ignore[misc]
            table = printed(80, lambda c, text=text: layout.table(c, ["", text], [[text, "1"]]), terminal)  # type: ignore[misc]
            assert table.count(text) == 2
            noted = printed(80, lambda c, text=text: layout.notes(c, [(text, "1", text)]), terminal)  # type: ignore[misc]
            assert noted.count(text) == 2


@pytest.mark.parametrize(
    ("character", "spelled"),
    [
        ("\x1b", r"\x1b"), ("\x00", r"\x00"), ("\r", r"\x0d"), ("\x9b", r"\x9b"), ("\u202e", r"\u202e"),
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
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

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
