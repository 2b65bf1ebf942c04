"""What an exported script says when something is wrong, and what it saves when it is stopped."""

from __future__ import annotations

import contextlib
import errno
import io
import runpy
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import makemore as library

LINES = ["anna", "otto", "zoé 1", "lea", "ana", "otta", "zoé 2", "leo", "nana", "toto"]


class Done(NamedTuple):
    """How a script ended, and what it printed."""

    status: int
    out: str
    err: str


def run(
    there: Path, command: str, prefix: str = "", change: Callable[[Any], None] = lambda names: None
) -> Done:
    """Run a script of a directory in this process. Words with a dot are files there; `change` gets its names."""
    words = [str(there / word) if "." in word else word for word in command.split()]
    words += ["--prefix", prefix] * bool(prefix)
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "set_default_device", lambda device: None)
        patch.setattr(sys, "argv", words)
        names = runpy.run_path(words[0])["main"].__globals__
        change(names)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                names["main"]()
            except SystemExit as ended:
                status = int(ended.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with scripts, a model that one has trained, and files that are none, or not its own."""
    there = tmp_path_factory.mktemp("place")
    for type in ("bigram", "mlp"):
        (there / f"{type}.py").write_text(library.eject(type), "utf-8")
    (there / "list.txt").write_text("\n".join(LINES), "utf-8")
    (there / "latin.txt").write_bytes("\n".join(LINES).encode("latin-1"))
    (there / "empty.txt").touch()
    (there / "a.directory").mkdir()
    assert run(there, "mlp.py -i list.txt --max-steps 2 --n-embd 4 --n-embd2 4").status == 0
    assert run(there, "bigram.py -i list.txt").status == 0
    data, saved = (there / "mlp.pt").read_bytes(), torch.load(there / "mlp.pt", weights_only=True)
    (there / "torn.pt").write_bytes(data[: len(data) // 2])
    torch.save({"model": saved["weights"]}, there / "foreign.pt")
    broken = {name: values.fill_(torch.nan) for name, values in saved["weights"].items()}
    torch.save(saved | {"weights": broken}, there / "nan.pt")
    return there


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--prefix x", "characters, all of them from the list"),
        ("--prefix aaaaaaaaaaaaaaaaaaaa", "--prefix must be at most 5 characters"),
        ("--temperature 0", "--temperature 0.001 or more"),
        ("--temperature nan", "--temperature 0.001 or more"),
        ("-n -1", "must be 1 or more"),
        ("-n many", "argument -n/--number: invalid int value: 'many'"),
        ("-i list.txt --max-steps 0", "--max-steps must be 1 or more"),
        ("-i list.txt --n-embd -1 -m new.pt", "a model with these options: "),
        ("-i none.txt", "none.txt: No such file or directory"),
        ("-i a.directory", "a.directory: Is a directory"),
        ("-i latin.txt", "latin.txt: is not in UTF-8"),
        ("-i empty.txt", "empty.txt has fewer than 3 different lines"),
        ("-i empty.txt --resume", "empty.txt has fewer than 3 different lines"),
        ("-m none.pt", "none.pt: No such file or directory"),
        ("-i list.txt --resume -m none.pt", "none.pt: No such file or directory"),
        ("-i list.txt -m empty.txt/x.pt", "x.pt: File exists"),
        ("-m a.directory", "a.directory: Is a directory"),
        ("-m torn.pt", "torn.pt: is damaged, or not a file of torch"),
        ("-m empty.txt", "empty.txt: is damaged, or not a file of torch"),
        ("-m foreign.pt", "foreign.pt: was saved by another program"),
        ("-m bigram.pt", "bigram.pt: holds another model than that of this script"),
        ("-m nan.pt", "nan.pt: has weights that are not finite"),
        ("-i list.txt -m list.txt", "list.txt: is damaged, or not a file of torch"),
        ("-i list.txt -m foreign.pt", "foreign.pt: was saved by another program"),
        ("--resume", "--resume has no effect without -i"),
        ("--max-steps 3", "--max-steps has no effect without -i"),
        ("--n-embd 3", "--n-embd has no effect without -i"),
        ("-i list.txt --resume --n-embd2 4", "--n-embd2 has no effect with --resume"),
    ],
)
def test_a_script_says_what_is_wrong(place: Path, words: str, said: str) -> None:
    before = {path: path.read_bytes() for path in place.glob("*.*t")}
    done = run(place, f"mlp.py {words}")
    assert (done.status, done.out, said in done.err, done.err.count("\n")) == (2, "", True, 1), done
    assert {path: path.read_bytes() for path in place.glob("*.*t")} == before


def test_a_place_that_cannot_be_written_is_known_before_training(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(Path, "touch", refused)
    done = run(place, "mlp.py -i list.txt -m new.pt")
    assert (done.status, done.out) == (2, "")
    assert done.err.endswith("new.pt: Permission denied\n")


def test_a_prefix_may_be_decomposed(place: Path) -> None:
    done = run(place, "mlp.py -n 2", prefix=unicodedata.normalize("NFD", "zoé"))
    assert (done.status, [line[:3] for line in done.out.splitlines()]) == (0, ["zoé"] * 2)


def test_resuming_says_which_lines_are_left_out(place: Path) -> None:
    (place / "more.txt").write_text("\n".join([*LINES, "xaver", "annanna"]), "utf-8")
    (place / "more.pt").write_bytes((place / "mlp.pt").read_bytes())
    done = run(place, "mlp.py -i more.txt -m more.pt --resume --max-steps 2")
    assert (done.status, done.out.splitlines()[0][:17]) == (0, "2 lines left out:")
    (place / "more.pt").write_bytes((place / "bigram.pt").read_bytes())
    done = run(place, "bigram.py -i more.txt -m more.pt --resume")
    assert (done.status, "counting anew" in done.out) == (0, True)


def test_ctrl_c_keeps_the_best_weights_so_far(place: Path) -> None:
    """It comes after the second evaluation; then, in another training, before the first."""

    def after(evaluations: int) -> Callable[[Any], None]:
        def change(names: Any) -> None:
            evaluate, left = names["evaluate"], [evaluations]

            def interrupted(*arguments: Any) -> float:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
                return float(evaluate(*arguments))

            names["evaluate"] = interrupted

        return change

    command = "mlp.py -i list.txt -m stopped.pt --max-steps 9 --n-embd 4 --n-embd2 4"
    done = run(place, command, change=after(2))
    assert done.status == 130
    assert done.err.startswith("stopped; ")
    assert done.err.endswith("stopped.pt was saved\n")
    assert run(place, "mlp.py -m stopped.pt").status == 0
    kept = (place / "stopped.pt").read_bytes()
    done = run(place, command, change=after(0))
    assert (done.status, done.err) == (130, "stopped; nothing was saved\n")
    assert (place / "stopped.pt").read_bytes() == kept
    assert not [*place.glob("*.part")]


def test_training_that_diverges_saves_nothing(place: Path) -> None:
    done = run(place, "mlp.py -i list.txt --max-steps 2 --learning-rate nan -m diverged.pt")
    assert (done.status, "nothing was saved; lower --learning-rate" in done.err) == (2, True)
    assert not (place / "diverged.pt").exists()
    kept = (place / "mlp.pt").read_bytes()
    done = run(place, "mlp.py -i list.txt --max-steps 1 --learning-rate 100 --resume")
    assert (done.status, (place / "mlp.pt").read_bytes() == kept) == (2, True)
