"""Whatever is wrong with the input: one clear sentence, status 2, no traceback, nothing lost."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import random
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import makemore as library
from makemore.cli.app import commands
from makemore.cli.help import flags
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.models import MODELS, knobs
from makemore.sampling import wanted as limits

COMMAND = [sys.executable, "-m", "makemore"]
QUICK = ("--type", "mlp", "--max-steps", "3")
WEIGHTS = ("best.safetensors", "last.safetensors")
TOO_LONG = "x" * 300
COMMANDS = [["sample"], ["score"], ["--resume", "-o"], ["--sample-only", "-o"]]


def everything(directory: Path) -> dict[Path, bytes | None]:
    """Everything below a directory."""
    return {path: path.read_bytes() if path.is_file() else None for path in directory.rglob("*")}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(small_run, tmp_path / "run")


@pytest.fixture
def refused(makemore: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """Run a command that must fail with these words, and check that it changed no file."""

    def call(*args: object, says: str | list[str], stdin: str | bytes | None = None) -> str:
        before = everything(tmp_path)
        result = makemore(*args, stdin=stdin)
        check_sentence(result, says)
        assert result.out == ""
        assert everything(tmp_path) == before
        return str(result.err)

    return call


def arguments() -> set[str]:
    """Names of arguments that messages of the command line must not contain: it says --top-k for top_k."""
    spelled = {flag for command in commands().values() for flag in flags(command)}
    spelled |= {"--" + knob.name.replace("_", "-") for type in MODELS for knob in knobs(type)}
    return {flag[2:].replace("-", "_") for flag in spelled if "-" in flag[2:]}


ARGUMENTS = arguments()


def check_sentence(result: Any, says: str | list[str]) -> None:
    """One line on standard error that holds all these words, and options as they are typed, and status 2."""
    assert result.status == 2, result.err
    assert result.err.startswith("makemore: ")
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    for name in re.findall(r"(?<![\w/.-])\w+(?![\w/.-])", result.err):
        keys = "config.json" in result.err  # whose keys are named as they are there
        assert keys or name not in ARGUMENTS, f"{name} is not how an option is typed: {result.err}"
    for words in [says] if isinstance(says, str) else says:
        assert words in result.err


def in_a_process(*args: Any, **options: Any) -> Any:
    """Run the command line in its own process; return a result like that of `makemore`."""
    done = subprocess.run([*COMMAND, *args], capture_output=True, timeout=60, **options)
    done.status, done.out, done.err = done.returncode, done.stdout, done.stderr.decode()
    return done


# the file


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the list is empty"),
        (b"\n  \n\t\r\n\n", "only blank lines"),
        (b"emma\n", "1 different line, but at least 3"),
        (b"emma\n" * 50, "1 different line, but at least 3"),
        (b"emma\nolivia\n" * 50, "2 different lines, but at least 3"),
        (b"emma\nolivia\nzo\xeb\nava\n", ["not utf-8", "offset 14", "line 3", "--encoding latin-1"]),
        ("emma\nolivia\nava\n".encode("utf-16"), ["UTF-16", "--encoding utf-16"]),
        (b"\x7fELF\x02\x01\x01\0\0\0\n" * 9, "file.txt: is a program (a binary file)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "file.txt: is a picture"),
        (b"a" * 10_000_000, ["line 1", "10,000,000 characters", "--max-length"]),
        (b"emma\n\n" + b"a" * 10_000_000 + b"\nolivia\nava\n", ["line 3", "10,000,000", "--max-length"]),
    ],
)
def test_a_bad_file(refused: Any, data: bytes, says: str | list[str]) -> None:
    Path("file.txt").write_bytes(data)
    assert "file.txt" in refused("-i", "file.txt", "-o", "new", says=says)
    refused("models", "-i", "file.txt", says=says)


def test_a_missing_file(refused: Any) -> None:
    refused("-i", "nowhere.txt", says=["nowhere.txt: no such file", "names, words, companies"])
    refused("-i", "lists/names.txt", says="lists/names.txt: no such file")


def test_a_directory_for_a_file(refused: Any) -> None:
    Path("lists").mkdir()
    refused("-i", "lists", says="lists: is a directory")


def test_a_file_that_cannot_be_read(refused: Any) -> None:
    refused("-i", "/proc/self/mem", says="/proc/self/mem: cannot be read")


def test_a_file_name_that_is_too_long(refused: Any) -> None:
    refused("-i", TOO_LONG, says="File name too long")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "undefined", "", "\udcff"])
def test_an_unknown_encoding(refused: Any, small: Path, encoding: str) -> None:
    refused("-i", small, "--encoding", encoding, says="--encoding")


def test_the_wrong_encoding(refused: Any) -> None:
    Path("file.txt").write_bytes(b"emma\nolivia\nava")
    refused("-i", "file.txt", "--encoding", "utf-16", says=["not utf-16", "offset 14", "encoding"])


def test_every_line_longer_than_max_length(refused: Any, small: Path) -> None:
    refused("-i", small, "--max-length", 1, says=["0 different lines of at most 1 character", "at least 3"])
    refused("-i", small, "--max-length", 0, says="--max-length must be 1 or more, not 0")


@pytest.mark.parametrize("options", [QUICK, ("--type", "ngram"), ("--type", "transformer", "--max-steps", 3)])
def test_three_lines_train(makemore: Any, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    Path("three.txt").write_text("emma\nolivia\nava")
    result = makemore("-i", "three.txt", "-o", "new", *options)
    assert (result.status, result.err) == (0, "")
    assert "1 to train, 1 to validate, 1 to test" in result.out


def test_a_10_mb_line_among_others_can_be_dropped(makemore: Any) -> None:
    Path("file.txt").write_text("emma\nolivia\nava\n" + "a" * 10_000_000)
    result = makemore("-i", "file.txt", "-o", "new", "--max-length", 20, *QUICK)
    assert result.status == 0
    assert "dropped 1 too long" in result.out


def test_2000_different_characters_train(makemore: Any) -> None:
    characters = [chr(0x4E00 + i) for i in range(2000)]
    Path("many.txt").write_text(
        "\n".join("".join(characters[i : i + 10]) for i in range(0, 2000, 10)), "utf-8"
    )
    result = makemore("-i", "many.txt", "-o", "new", "--type", "ngram", "--order", "2")
    assert (result.status, result.err) == (0, "")
    assert "2,000 characters" in result.out
    network = library.train("many.txt", work_dir="network", type="mlp", max_steps=3)
    assert len(network.sample(3, cut=True, seed=1)) == 3  # after three steps hardly any line ends


def test_a_file_name_that_is_not_utf8_trains(makemore: Any, small: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    shutil.copy(small, name)
    assert makemore("-i", name, "-o", "new", "--type", "bigram").status == 0
    assert library.load("new").sample(3, seed=1)


# where the run goes


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("file", "file: is a file"),
        ("file/new", "file/new: cannot be"),
        ("/proc/new", "/proc/new: cannot be"),
        ("/dev/full", "/dev/full: is a device"),
        (TOO_LONG, "File name too long"),
        ("others/app", ["not a makemore run", "another -o"]),
    ],
)
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_place_that_cannot_hold_a_run(
    refused: Any, small: Path, place: str, says: str | list[str], overwrite: tuple[str, ...]
) -> None:
    Path("file").touch()
    Path("others/app").mkdir(parents=True)
    Path("others/thesis.tex").write_text("years of work")
    Path("others/app/config.json").write_text('{"name": "some other program"}')
    refused("-i", small, "-o", place, *QUICK, *overwrite, says=says)


def test_a_place_that_holds_a_run(refused: Any, makemore: Any, small: Path, run: Path) -> None:
    refused("-i", small, "-o", run, *QUICK, says=["already holds a run", "--resume", "--overwrite", "-o"])
    refused("-i", "nowhere", "-o", run, "--overwrite", says="no such file")
    refused("-i", small, "-o", run, "--overwrite", "--context", 0, says="context")
    assert makemore("-i", small, "-o", run, *QUICK, "--overwrite").status == 0
    assert library.load(run).summary().steps == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--n-embd", 10**12], "--n-embd must be from 1 to 16,384"),
        (["-w", "nan"], "-w must be 0 or more and at most 1,000, not nan"),
    ],
)
@pytest.mark.parametrize("place", ["new", "run"])
def test_a_run_is_not_overwritten_by_what_cannot_be_trained(
    refused: Any, small: Path, run: Path, place: str, options: list[object], says: str
) -> None:
    refused("-i", small, "-o", place, *QUICK, "--overwrite", *options, says=says)


@pytest.mark.parametrize("how", ["--resume", "--overwrite"])
def test_a_run_that_another_process_is_training(refused: Any, small: Path, run: Path, how: str) -> None:
    with held(run):
        refused("-i", small, "-o", run, "--type", "mlp", "--max-steps", 6, how, says="another process")


# a full disk


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return {f"{name} {key}": value for name in WEIGHTS for key, value in load_file(directory / name).items()}


def same_weights(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def resume(makemore: Any, directory: Path) -> None:
    result = makemore("--resume", "-o", directory)
    assert (result.status, result.err) == (0, "")


@pytest.mark.parametrize(("call", "rooms"), [("fsync", (15, 22, 46)), ("replace", (5, 13))])
def test_a_disk_that_becomes_full(
    makemore: Any, small: Path, small_run: Path, monkeypatch: pytest.MonkeyPatch, call: str, rooms: Any
) -> None:
    """Whichever write fails, the run saved before can be loaded, and resumed to the same weights."""
    original = getattr(os, call)
    for room in rooms:
        calls = iter(range(room))

        def write(*args: Any, calls: Any = calls) -> Any:
            if next(calls, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, write)
            result = makemore("-i", small, "-o", "new", "--type", "mlp", "--max-steps", 5, "--overwrite")
        check_sentence(result, ["new/", "No space left on device", "intact", "--resume"])
        assert not list(Path("new").glob("*.tmp"))
        resume(makemore, Path("new"))
        assert same_weights(Path("new"), small_run)


@pytest.mark.parametrize("room", range(13))
def test_overwriting_on_a_full_disk_leaves_the_old_run(
    makemore: Any, small: Path, small_run: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    shutil.copytree(small_run, "old")
    before = {path.name: path.read_bytes() for path in Path("old").iterdir()}
    calls, original = iter(range(room)), os.fsync

    def fsync(handle: int) -> None:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        result = makemore("-i", small, "-o", "old", *QUICK, "--overwrite")
    check_sentence(result, ["old", "No space left on device"])
    assert before == {path.name: path.read_bytes() for path in Path("old").iterdir()}


def test_a_disk_that_is_full_from_the_start(
    makemore: Any, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        result = makemore("-i", small, "-o", "new", *QUICK)
    check_sentence(result, ["new", "No space left on device"])
    assert "--resume" not in result.err  # there is nothing yet to go on with
    assert makemore("-i", small, "-o", "new", *QUICK).status == 0


@pytest.mark.slow
@pytest.mark.release
def test_a_file_size_limit(makemore: Any, small: Path, small_run: Path) -> None:
    """The operating system itself refuses: the weights fit, the larger checkpoint does not."""
    room = (small_run / "best.safetensors").stat().st_size + 1000
    result = in_a_process(
        "-i", small, "-o", "new", "--type", "mlp", "--max-steps", "5",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )  # fmt: skip
    check_sentence(result, ["new/last.safetensors: cannot be written", "File too large"])
    resume(makemore, Path("new"))
    assert same_weights(Path("new"), small_run)


def test_output_to_a_full_disk(small_run: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "sample", small_run], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    done.status, done.err = done.returncode, done.stderr  # type: ignore[attr-defined]
    check_sentence(done, "No space left on device")


def test_a_closed_pipe(small_run: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "sample", small_run, "-n", "30000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert all(process.stdout.readline().endswith(b"\n") for _ in range(3))
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) in (0, 141)


# a run directory that is not what it should be


def test_no_run(refused: Any, small: Path) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    for command in COMMANDS:
        refused(*command, "nowhere", says="nowhere: no such directory")
        refused(*command, "empty", says="empty: not a makemore run")
        refused(*command, "file", says="file: is not a directory")
    refused("--resume", "--context", 3, says="out: no such directory")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_whose_name_is_too_long(refused: Any, command: list[str]) -> None:
    refused(*command, TOO_LONG, says="File name too long")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"name": "some other program"}, "not a makemore run"),
        ([], "not a makemore run"),
        (5, "not a makemore run"),
        ({"format": "makemore run", "version": 99, "makemore": "7.0"}, ["run format 99", "7.0"]),
        ({"format": "makemore run", "version": 1}, "config.json"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_foreign_or_newer_run(
    refused: Any, run: Path, config: Any, says: str | list[str], command: list[str]
) -> None:
    (run / "config.json").write_text(json.dumps(config))
    refused(*command, run, says=says)


def damages(data: bytes) -> dict[str, bytes]:
    """Ways in which a file can be damaged."""
    flipped = bytearray(data)
    flipped[10] ^= 0xFF
    return {
        "nothing left": b"",
        "a byte left": data[:1],
        "cut in half": data[: len(data) // 2],
        "last byte gone": data[:-1] if data[-1:] != b"\n" else data[:-2],
        "zeros": bytes(len(data)),
        "noise": random.Random(1).randbytes(len(data)),
        "a byte changed": bytes(flipped),
        "other JSON": b'{"a": 1}',
        "null": b"null",
        "a list of numbers": b"[1, 2]",
    }


@pytest.mark.parametrize("damage", damages(bytes(100)))
@pytest.mark.parametrize(
    ("file", "commands"),
    [
        ("config.json", "sample score resume"),
        ("vocabulary.json", "sample score resume"),
        ("corpus.npy", "sample resume"),
        ("best.safetensors", "sample score"),
        ("last.safetensors", "resume"),
    ],
)
def test_a_damaged_file(refused: Any, run: Path, file: str, commands: str, damage: str) -> None:
    (run / file).write_bytes(damages((run / file).read_bytes())[damage])
    if "sample" in commands:
        refused("sample", run, says=str(run))
        refused("sample", run, "--json", "--novel", says=str(run))
    if "score" in commands:
        refused("score", run, "emma", says=str(run))
    if "resume" in commands:
        refused("--resume", "-o", run, says=str(run))


def test_damaged_best_weights_are_found_before_training_goes_on(refused: Any, run: Path) -> None:
    (run / "best.safetensors").write_bytes(b"")
    refused("--resume", "-o", run, "--max-steps", 5, says="best.safetensors")


def test_a_refused_resume_leaves_the_number_of_steps(refused: Any, run: Path) -> None:
    (run / "last.safetensors").write_bytes(b"")
    refused("--resume", "-o", run, "--max-steps", 6, says="last.safetensors")


@pytest.mark.parametrize("file", ["vocabulary.json", "corpus.npy"])
def test_a_missing_part(refused: Any, run: Path, file: str) -> None:
    (run / file).unlink()
    refused("sample", run, says=f"{file}: cannot be read as a makemore file (No such file")
    refused("--resume", "-o", run, says=f"{file}: cannot be read as a makemore file (No such file")


def test_a_missing_last_checkpoint_matters_only_to_resume(makemore: Any, run: Path) -> None:
    (run / "last.safetensors").unlink()
    assert makemore("sample", run, "-n", 3).status == 0


@pytest.mark.parametrize(
    "damage", ["nothing left", "cut in half", "noise", "other JSON", "a list of numbers"]
)
def test_damaged_metrics(makemore: Any, run: Path, damage: str) -> None:
    """They are for people to look at, so they neither stop a command nor cause a traceback."""
    path = run / "metrics.jsonl"
    path.write_bytes(damages(path.read_bytes())[damage])
    result = makemore("--resume", "-o", run, "--max-steps", 6)
    assert result.status in (0, 2)
    if result.status:
        check_sentence(result, "metrics.jsonl")
    assert makemore("sample", run).status == 0


def test_a_damaged_summary(run: Path) -> None:
    (run / "summary.json").write_text("{")
    with pytest.raises(MakemoreError, match=r"summary\.json"):
        _ = library.load(run).summary()


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("training", {"max_steps": "5"}),
        ("training", {"seed": None}),
        ("training", {"more": 1}),
        ("model", {"context": "3"}),
        ("model", {"context": 3}),
        ("model", {"n_embd": 2.5}),
        ("model", {"n_embd": 10**12}),
        ("model", {"more": 1}),
        ("data", {"more": 1}),
    ],
)
def test_wrong_values_in_the_configuration(refused: Any, run: Path, part: str, values: Any) -> None:
    config = json.loads((run / "config.json").read_text())
    config[part] |= values
    (run / "config.json").write_text(json.dumps(config))
    if part != "training":
        refused("sample", run, says=str(run))
    refused("--resume", "-o", run, says=str(run))


@pytest.mark.parametrize("part", ["type", "model", "training", "data"])
@pytest.mark.parametrize("value", ["gone", None, 5, "magic", [1], {}])
def test_wrong_parts_in_the_configuration(
    refused: Any, makemore: Any, run: Path, part: str, value: Any
) -> None:
    config = json.loads((run / "config.json").read_text())
    config[part] = value
    if value == "gone":
        del config[part]
    (run / "config.json").write_text(json.dumps(config))
    if (part == "data" and value in (None, {})) or (part == "model" and value == {}):
        assert makemore("sample", run, "-n", 1).status == 0  # nothing that sampling needs
    else:
        refused("sample", run, says="config.json")


@pytest.mark.parametrize(
    "tokens",
    [
        np.array([0, 200, 0]),
        np.array([1, 2, 0]),
        np.array([0]),
        np.array([[0, 1, 0]]),
        np.array([0, -1, 0]),
        np.array([0.0, 1.5, 0.0]),
        np.array(["a", "b"]),
    ],
)
def test_a_corpus_that_does_not_fit(refused: Any, run: Path, tokens: Any) -> None:
    np.save(run / "corpus.npy", tokens)
    refused("sample", run, says="corpus.npy")
    refused("--resume", "-o", run, says="corpus.npy")


def change_checkpoint(run: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> None:
    """Write last.safetensors anew with other tensors or other progress."""
    tensors, progress = library.load(run).disk.load_checkpoint() or ({}, {})
    change(tensors, progress)
    save_file(tensors, run / "last.safetensors", {"progress": json.dumps(progress)})


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, progress: tensors.clear(),
        lambda tensors, progress: tensors.pop("random.cpu"),
        lambda tensors, progress: tensors.update({"random.cpu": torch.zeros(3)}),
        lambda tensors, progress: tensors.pop("model.fc.weight"),
        lambda tensors, progress: tensors.update({"model.fc.weight": torch.zeros(3)}),
        lambda tensors, progress: tensors.update({"optimizer.0.what": torch.zeros(3)}),
        lambda tensors, progress: progress.clear(),
        lambda tensors, progress: progress.update(step="many"),
        lambda tensors, progress: progress.update(more=1),
    ],
)
def test_a_checkpoint_of_something_else(refused: Any, run: Path, change: Any) -> None:
    change_checkpoint(run, change)
    refused("--resume", "-o", run, says="last.safetensors")


# a pickle must never be unpickled


class Bomb:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("unpickled").absolute(),)


def with_pickle() -> tuple[bytes, Callable[[], Any]]:
    data = pickle.dumps(Bomb())
    return data, lambda: pickle.loads(data)


def with_torch() -> tuple[bytes, Callable[[], Any]]:
    torch.save({"model": Bomb()}, file := io.BytesIO())
    file.seek(0)
    return file.getvalue(), lambda: torch.load(file, weights_only=False)


def with_numpy() -> tuple[bytes, Callable[[], Any]]:
    np.save(file := io.BytesIO(), np.array([Bomb()], dtype=object), allow_pickle=True)
    file.seek(0)
    return file.getvalue(), lambda: np.load(file, allow_pickle=True)


@pytest.mark.parametrize("file", [*WEIGHTS, "corpus.npy", "vocabulary.json", "config.json"])
@pytest.mark.parametrize("pickled", [with_pickle, with_torch, with_numpy])
def test_a_pickle(refused: Any, makemore: Any, run: Path, file: str, pickled: Any) -> None:
    data, unpickle = pickled()
    (run / file).write_bytes(data)
    if file != "last.safetensors":
        refused("sample", run, says=str(run / file))
    if file != "best.safetensors":
        refused("--resume", "-o", run, says=str(run / file))
    else:
        makemore("--resume", "-o", run, "--max-steps", 6)
    assert not Path("unpickled").exists()
    unpickle()
    assert Path("unpickled").exists()  # so this pickle would have done it


# options of training


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--type magic", ["--type magic", "bigram, ngram", "transformer"]),
        ("--type magic --order 3", ["--type magic", "bigram, ngram", "transformer"]),
        ("--type ngram --n-layer 3", ["--n-layer", "--type ngram", "has --order"]),
        ("--type=ngram --n-layer=3", ["--n-layer", "--type ngram", "has --order"]),
        ("--smoothing 3", ["--smoothing", "--type mixture", "--n-embd2"]),
        ("--type bigram_nn --order 3", ["--order", "--type bigram_nn", "no options"]),
        ("--type mlp --magic 3", ["--magic", "--type mlp", "--context"]),
        ("--type mlp --context 0", "context"),
        ("--type mlp --context x", ["--context", '"x"']),
        ("--type mlp --dropout 1", "dropout"),
        ("--type mlp --dropout nan", "dropout"),
        ("--type bigram --smoothing -1", "smoothing"),
        ("--type bigram --smoothing nan", "smoothing"),
        ("--type bigram --smoothing inf", "smoothing"),
        ("--type ngram --order 0", "order"),
        (
            "--type ngram",
            "--max-steps does nothing for --type ngram, which is fitted by counting; leave it out",
        ),
        ("--type bigram -l 1 -b 4 --max-steps 2", "--max-steps and -b and -l do nothing for --type bigram"),
        ("train names --type bigram --time 1 --compile", "--time and --compile do nothing for"),
        ("--type transformer --n-head 3", "--n-head must divide --n-embd"),
        ("-b 0", "-b must be 1 or more, not 0"),
        ("-b 1.5", ["-b", '"1.5"']),
        ("--max-steps 0", "--max-steps must be 1 or more, or -1 to train until stopped, not 0"),
        ("--max-steps -2", ["--max-steps must be 1 or more", "not -2"]),
        ("--max-steps many", ["--max-steps", '"many"']),
        ("-l 0", "-l must be more than 0 and at most 1,000, not 0"),
        ("-l -1", "-l must be more than 0 and at most 1,000, not -1"),
        ("-l nan", "-l must be more than 0 and at most 1,000, not nan"),
        ("--learning-rate inf", "--learning-rate must be more than 0 and at most 1,000, not inf"),
        ("-l fast", ["-l", '"fast"']),
        ("-w -1", "-w must be 0 or more and at most 1,000, not -1"),
        ("-w nan", "-w must be 0 or more and at most 1,000, not nan"),
        ("--weight-decay inf", "--weight-decay must be 0 or more and at most 1,000, not inf"),
        ("--patience -1", ["--patience must be 1 or more, or 0", "not -1"]),
        ("--seed -1", "--seed must be 0 or more and less than 2^63, not -1"),
        (f"--seed {2**70}", f"--seed must be 0 or more and less than 2^63, not {2**70}"),
        ("--seed x", ["--seed", '"x"']),
        ("--device toaster", ["--device must be auto, cpu, cuda or mps", "toaster"]),
        ("--max-steps", "--max-steps"),
        ("--type", "--type"),
        ("trian", "trian"),
        ("train me", "me"),
    ],
)
def test_a_bad_option_of_training(refused: Any, small: Path, options: str, says: str | list[str]) -> None:
    first: list[object] = [] if options[0] == "t" else ["-i", small, "-o", "new"]
    if first and "--max-steps" not in options:
        first += ["--max-steps", 1]  # should it be taken after all, that is soon over
    refused(*first, *options.split(), says=says)


@pytest.mark.parametrize("steps", [1, 50])
def test_a_learning_rate_that_is_far_too_high(makemore: Any, small: Path, steps: int) -> None:
    result = makemore("-i", small, "-o", "new", "--type", "mlp", "--max-steps", steps, "-l", "1000")
    check_sentence(result, ["a -l below 1000", "--overwrite"])


def test_num_workers_is_accepted_with_a_note(makemore: Any, small: Path) -> None:
    result = makemore("-i", small, "-o", "new", "--type", "bigram", "-n", 4)
    assert result.status == 0
    assert "--num-workers is not needed" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--context 4", ["--context 4", "was started with 8"]),
        ("--type gru", ["--type gru", "mlp"]),
        ("-b 7", "-b 7"),
        ("--seed 1", "--seed 1"),
        ("--order 4", ["--order", "--type mlp", "--context"]),
        ("--max-steps 0", "--max-steps must be 1 or more, or -1 to train until stopped, not 0"),
        ("-i names", ["makemore: names: not the lines that the run"]),
        ("-i nowhere", "nowhere: no such file"),
        ("--max-length 5", "--max-length"),
    ],
)
def test_resume_with_something_else(refused: Any, run: Path, options: str, says: str | list[str]) -> None:
    refused("--resume", "-o", run, *options.split(), says=says)


def test_resume_with_the_same_again(makemore: Any, small: Path, run: Path) -> None:
    result = makemore("--resume", "-o", run, "-i", small, "--type", "mlp", "--context", 8, "--max-steps", 6)
    assert (result.status, result.err) == (0, "")
    assert "continuing from step 5" in result.out


# options of sampling and scoring


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--top-k 0", "--top-k must be 1 or more, not 0"),
        ("--top-k -1", "--top-k must be 1 or more, not -1"),
        ("--temperature -0.5", "--temperature must be 0 or more, not -0.5"),
        ("--temperature nan", "--temperature must be 0 or more, not nan"),
        ("--temperature inf", "--temperature must be 0 or more, not inf"),
        ("--temperature hot", ["--temperature", '"hot"']),
        ("--top-p 0", "--top-p must be more than 0 and at most 1, not 0"),
        ("--top-p 1.5", "--top-p must be more than 0 and at most 1, not 1.5"),
        ("--top-p -0.1", "--top-p must be more than 0 and at most 1, not -0.1"),
        ("--top-p nan", "--top-p must be more than 0 and at most 1, not nan"),
        ("--max-length 0", "--max-length must be 1 or more, not 0"),
        ("--prefix emmaline --max-length 3", ["--prefix 'emmaline'", "--max-length 3"]),
        ("--prefix Émile", ["--prefix 'Émile'", "'É'", "26 characters"]),
        ("--pattern (", ["--pattern '('", "not a regular expression", "position 1"]),
        ("--pattern [z-a]", ["--pattern '[z-a]'", "not a regular expression"]),
        ("--starts-with emmaline --max-length 3", ["--starts-with 'emmaline'", "--max-length 3"]),
        ("--ends-with É", ["--ends-with 'É'", "26 characters"]),
        ("--contains a --contains É", ["--contains 'É'", "26 characters"]),
        ("--length 8-5", "--length '8-5': the shortest length comes first; write 5-8"),
        ("--length 99", ["--length '99'", "99 characters or more", "--max-length 11; raise it"]),
        ("--contains zoe --without o", "--contains 'zoe' and --without 'o' cannot all hold for one line"),
        ("--ends-with son --contains z --length 3", ["--length '3'", "need 4 characters", "ask for less"]),
        ("--most-likely 5 --without a --contains a", "cannot all hold"),
        ("-n -1", "-n must be 0 or more and less than 2^63, not -1"),
        ("-n many", ["-n", '"many"']),
        ("-n 1.5", ["-n", '"1.5"']),
        (f"--seed {2**70}", f"--seed must be 0 or more and less than 2^63, not {2**70}"),
        ("--most-likely -1", "--most-likely must be 0 or more and less than 2^63, not -1"),
        ("--most-likely few", ["--most-likely", '"few"']),
        ("--most-likely 5 -n 3", "--most-likely is deterministic and cannot be combined with -n"),
        (
            "--most-likely 5 --temperature 0.5 --top-k 3 --seed 1",
            "combined with --temperature and --top-k and --seed",
        ),
        ("--most-likely 5 --top-p 0.5 --unique", "combined with --top-p and --unique"),
        ("--most-likely 5 --cut", "combined with --cut"),
        (
            "--max-length 1 --temperature 0",
            ["found 0 of 20 lines that end within 1 character,", "raise --max-length", "use --cut"],
        ),
        ("--most-likely 5 --pattern [0-9]+", ["found 0 of 5", "no more", "loosen the pattern", "--pattern"]),
        ("--magic 3", "--magic"),
        ("another", "another"),
    ],
)
def test_a_bad_option_of_sampling(refused: Any, small_run: Path, options: str, says: str | list[str]) -> None:
    refused("sample", small_run, *options.split(), says=says)


@pytest.mark.parametrize("options", ["--top-k 0", "--top-k many", f"--seed {2**70}"])
def test_a_bad_option_of_sample_only(refused: Any, small_run: Path, options: str) -> None:
    refused("--sample-only", "-o", small_run, *options.split(), says=options.split()[0])


def test_top_k_larger_than_the_vocabulary_means_all(makemore: Any, small_run: Path) -> None:
    result = makemore("sample", small_run, "--seed", 1, "--top-k", 1000)
    assert (result.status, result.err) == (0, "")
    assert result.out == makemore("sample", small_run, "--seed", 1).out


@pytest.mark.parametrize("pattern", ["Q.*", "[0-9]+", "x{40}"])
def test_a_pattern_that_no_line_matches(
    refused: Any, names_run: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 5000)
    refused("sample", names_run, "--pattern", pattern, says=["found 0 of 20", pattern, "acceptance 0"])


def test_a_pattern_that_few_lines_match(
    makemore: Any, names_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 1000)
    result = makemore("sample", names_run, "-n", 100000, "--pattern", "qu.*z", "--seed", 1)
    check_sentence(result, ["of 100,000 lines", "qu.*z", "acceptance", "--pattern"])
    assert all(line.startswith("qu") and line.endswith("z") for line in result.out.splitlines())


@pytest.mark.parametrize(
    ("options", "says"),
    [("--unique", "all different"), ("--novel", "new"), ("--unique --novel", "new (--novel) and")],
)
def test_more_lines_than_there_are(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, options: str, says: str
) -> None:
    """A model that knows only three lines returns these and says why there are no more."""
    monkeypatch.setattr(limits, "PATIENCE", 2000)
    Path("three.txt").write_text("a\nb\nc\n" * 20)
    assert makemore("-i", "three.txt", "-o", "new", "--type", "bigram", "--smoothing", 0).status == 0
    result = makemore("sample", "new", "-n", 50, "--max-length", 1, *options.split())
    check_sentence(result, [says, "of 50 lines", "allow"])
    lines = result.out.splitlines()
    assert f"found {len(lines)} of 50" in result.err
    assert len(set(lines)) == len(lines) <= 3


def test_an_argument_that_is_not_utf8(refused: Any, small_run: Path) -> None:
    word = os.fsdecode(b"\xff")
    refused("sample", small_run, "--prefix", word, says=["--prefix", "U+DCFF", "26 characters"])


def test_scoring_a_character_the_model_has_never_seen(makemore: Any, small_run: Path) -> None:
    says = ["'zoÉ'", "'É'", "26 characters", "inf"]  # which line, and what in it
    result = makemore("score", small_run, "zoÉ", "emma")
    check_sentence(result, says)
    strange, known = result.out.splitlines()
    assert strange == "inf\tzoÉ"
    assert known == makemore("score", small_run, "emma").out.strip()
    result = makemore("score", small_run, "--json", stdin="emma\nzoÉ\n")
    check_sentence(result, says)
    assert [json.loads(line)["nll"] is None for line in result.out.splitlines()] == [False, True]


def test_scoring_what_is_not_one_line(refused: Any, small_run: Path) -> None:
    refused("score", small_run, "em\nma", says="more than one line")
    refused("score", small_run, "", says="is blank")
    with pytest.raises(MakemoreError, match="more than one line"):
        library.load(small_run).score(["em\nma"])
    with pytest.raises(MakemoreError, match="lines must be strings"):
        library.load(small_run).score("emma")  # type: ignore[arg-type]


def test_what_was_found_is_printed_before_the_sentence(makemore: Any, small_run: Path) -> None:
    """Plain or as JSON."""
    options = ("-n", 500, "--unique", "--pattern", "[ab]", "--seed", 1)
    plain, listed = makemore("sample", small_run, *options), makemore("sample", small_run, *options, "--json")
    assert plain.status == listed.status == 2
    assert sorted(plain.out.split()) == ["a", "b"]
    assert [json.loads(line)["text"] for line in listed.out.splitlines()] == plain.out.split()


def test_standard_input_that_is_not_utf8(refused: Any, small_run: Path) -> None:
    refused("score", small_run, stdin=b"emma\n\xff\xfe\n", says="standard input")


def test_a_bad_option_of_the_lists(refused: Any) -> None:
    refused("models", "--magic", "7", says="--magic")
    refused("data", "all", says="all")
