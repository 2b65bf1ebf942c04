"""What every command does when all is well."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import makemore as library
from makemore.cli import first
from makemore.corpus.cache import read_corpus
from makemore.models import MODELS, knobs
from makemore.runs import settings
from makemore.runs.weights import read_tensors
from makemore.training.events import Done, Started, Step

COMMAND = [sys.executable, "-m", "makemore"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ok(makemore: Callable[..., Any]) -> Callable[..., str]:
    """Run a command that must succeed without a word on standard error; return its output."""

    def call(*args: object, stdin: str | None = None) -> str:
        result = makemore(*args, stdin=stdin)
        assert (result.status, result.err) == (0, "")
        return str(result.out)

    return call


def strict_json(lines: str) -> list[Any]:
    """The objects of JSON lines, without the NaN and Infinity that JSON does not have."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in lines.splitlines()]


# train


def test_without_arguments_it_trains_the_default_model_on_names_into_out(
    ok: Any, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def read(source: str, how: Any) -> Any:
        asked.append(source)
        return read_corpus(small, how)  # fewer lines, to be quick

    monkeypatch.setattr(first, "read_corpus", read)
    monkeypatch.setitem(settings.RECIPES, "mixture", settings.Recipe(max_steps=2))
    out = ok()
    assert asked == [None]  # the bundled names, whatever lies here
    assert library.load("out").type == "mixture"
    assert "makemore sample out" in out
    assert out.index("by counting") < out.index("training mixture")


def test_what_training_prints(ok: Any, small: Path) -> None:
    out = ok("-i", small, "-o", "new", "--type", "mlp", "--max-steps", 20)
    assert f"read {small}: 300 lines" in out
    assert re.search(r"split by line: \d+ to train, \d+ to validate, \d+ to test", out)
    assert re.search(r"step +20/20 +train \d\.\d+ +validation \d\.\d+", out)
    nll = json.loads(Path("new/summary.json").read_text())["nll"]
    losses = [f"{nll[split]:.4f}" for split in ("train", "validation", "test")]
    assert re.search(r"\nmlp +" + " +".join(losses) + r"\n", out)
    assert re.search(r"\nbigram +\d\.\d+ +\d\.\d+ +\d\.\d+\n", out)
    assert re.search(r"\nlog V +3\.2958 +3\.2958 +3\.2958\n", out)
    new = re.search(
        r"20 new ones \(the best of many; none is in the file or close to a line that is\):\n((?:  .+\n){20})",
        out,
    )
    assert new
    lines = [line.strip().removesuffix("…") for line in new[1].splitlines()]
    assert len(set(lines)) == 20
    assert not set(lines) & set(small.read_text().splitlines())
    assert "makemore sample new" in out
    assert "\x1b" not in out  # plain where it is not a terminal


@pytest.mark.parametrize("command", [(), ("train",)])
@pytest.mark.parametrize(
    ("i", "o", "n", "b", "lr", "w"),
    [
        ("-i", "-o", "-n", "-b", "-l", "-w"),
        ("--input-file", "--work-dir", "--num-workers", "--batch-size", "--learning-rate", "--weight-decay"),
    ],
)
def test_the_flags_of_the_original(
    makemore: Any, small: Path, command: tuple[str, ...], i: str, o: str, n: str, b: str, lr: str, w: str
) -> None:
    result = makemore(
        *command, i, small, o, "new", n, 4, b, 7, lr, 0.01, w, 0.2, "--max-steps", 2, "--device", "cpu",
        "--seed", 5, "--top-k", -1, "--type", "transformer", "--n-layer", 1, "--n-head", 2, "--n-embd", 8,
    )  # fmt: skip
    assert result.status == 0
    assert "--num-workers is not needed" in result.err
    run = library.load("new")
    assert (run.config.n_layer, run.config.n_head, run.config.n_embd) == (1, 2, 8)
    settings = run.settings
    assert (settings.batch_size, settings.max_steps, settings.seed) == (7, 2, 5)
    assert (settings.learning_rate, settings.weight_decay) == (0.01, 0.2)


def test_the_knobs_of_a_type(ok: Any, small: Path) -> None:
    ok("-i", small, "-o", "m", "--type=mlp", "--max-steps=1", "--context=3", "--n-embd2=16", "--dropout=0.5")
    config = library.load("m").config
    assert (config.context, config.n_embd2, config.dropout) == (3, 16, 0.5)
    ok("--order", 3, "--type", "ngram", "-i", small, "-o", "n")
    assert library.load("n").config.order == 3
    ok("train", "-i", small, "-o", "b", "--type", "bigram", "--smoothing", 1)
    assert library.load("b").config.smoothing == 1


def test_the_same_seed_gives_the_same_bits(ok: Any, small: Path) -> None:
    for directory, seed in (("a", 1), ("b", 1), ("c", 2)):
        ok("-i", small, "-o", directory, "--type", "gru", "--max-steps", 2, "--seed", seed)
    a, b, c = (Path(directory, "best.safetensors").read_bytes() for directory in "abc")
    assert a == b != c


def test_what_lies_in_the_run_directory(small_run: Path, small: Path) -> None:
    summary = json.loads((small_run / "summary.json").read_text())
    assert summary.keys() >= {"type", "parameters", "steps", "seconds", "lines", "nll"}
    assert (summary["type"], summary["steps"]) == ("mlp", 5)
    assert summary["parameters"] == library.load(small_run).model.embedding.weight.numel() + sum(
        p.numel() for name, p in library.load(small_run).model.named_parameters() if "embedding" not in name
    )
    splits = {"train", "validation", "test"}
    assert summary["lines"].keys() == summary["nll"].keys() == splits
    assert sum(summary["lines"].values()) == 300
    assert all(2 < loss < 3.3 for loss in summary["nll"].values())
    metrics = strict_json((small_run / "metrics.jsonl").read_text())
    assert [line["step"] for line in metrics] == [0, 1, 2, 3, 4, 5]
    assert metrics[5]["validation"] < metrics[0]["validation"]
    png = (small_run / "loss.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    assert not (small_run / "tensorboard").exists()


def test_tensorboard_events(ok: Any, small: Path) -> None:
    pytest.importorskip("tensorboard")
    ok("-i", small, "-o", "new", "--type", "mlp", "--max-steps", 1, "--tensorboard")
    (events,) = Path("new/tensorboard").glob("events.out.tfevents.*")
    assert b"loss/validation" in events.read_bytes()


def test_a_bundled_list_gives_way_to_a_file_of_its_name(ok: Any, small: Path) -> None:
    assert "read names (bundled): 32,033 lines" in ok("-i", "names.txt", "-o", "a", "--type", "bigram")
    shutil.copy(small, "names.txt")
    assert "read names.txt: 300 lines" in ok("-i", "names.txt", "-o", "b", "--type", "bigram")
    assert "read names (bundled)" in ok("-i", "names", "-o", "c", "--type", "bigram")


def test_max_length_drops_and_says_how_many(ok: Any, small: Path) -> None:
    longer = sum(len(line) > 6 for line in small.read_text().splitlines())
    out = ok("-i", small, "-o", "new", "--type", "bigram", "--max-length", 6)
    assert f"dropped {longer} too long" in out
    assert "longest line 6" in out


def test_what_reading_tolerates(ok: Any) -> None:
    Path("a.txt").write_bytes("\ufeffemma\r\n\r\n  zoe\u0301 \r\nemma\r\nava".encode())
    out = ok("-i", "a.txt", "-o", "new", "--type", "bigram")
    assert "read a.txt: 5 lines, dropped 1 blank" in out
    assert "4 lines, 3 different" in out
    assert "normal form C" in out
    assert sorted(library.load("new").corpus.lines(range(4))) == ["ava", "emma", "emma", "zo\u00e9"]


def test_another_encoding(ok: Any) -> None:
    Path("a.txt").write_bytes("zo\u00eb\nemma\nava\n".encode("latin-1"))
    ok("-i", "a.txt", "-o", "new", "--type", "bigram", "--encoding", "latin-1")
    assert "zo\u00eb" in library.load("new").corpus.lines(range(3))


def test_overwrite_replaces_a_run(ok: Any, small: Path) -> None:
    ok("-i", small, "-o", "new", "--type", "mlp", "--max-steps", 2)
    ok("-i", small, "-o", "new", "--type", "bigram", "--overwrite")
    assert library.load("new").type == "bigram"
    assert not Path("new/loss.png").exists()


def test_resume_goes_on_to_the_same_weights(ok: Any, small: Path, small_run: Path) -> None:
    stops = iter([False, False, True])
    library.train(small, work_dir="new", type="mlp", max_steps=5, stop=lambda: next(stops))
    assert "continuing from step 2" in ok("--resume", "-o", "new")
    for file in ("best.safetensors", "last.safetensors"):
        ours, theirs = (read_tensors(Path(run) / file)[0] for run in ("new", small_run))
        assert ours.keys() == theirs.keys()
        assert all(ours[key].equal(theirs[key]) for key in ours)


@pytest.mark.slow
def test_ctrl_c_keeps_everything_and_says_how_to_go_on(ok: Any, small: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "-i", small, "-o", "new", "--type", "mlp", "--max-steps", "1000000", "--patience", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while not process.stdout.readline().startswith("step"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    stopped = re.search(r"stopped at step ([\d,]+)", out)
    assert stopped
    assert "makemore --resume -o new" in out
    step = int(stopped[1].replace(",", ""))
    assert "continuing" in ok("--resume", "-o", "new", "--max-steps", step + 2) or step == 0
    assert library.load("new").summary().steps == step + 2


# sample


def test_sample_prints_lines_and_nothing_else(ok: Any, names_run: Path) -> None:
    assert len(ok("sample", names_run).splitlines()) == 20
    lines = ok("sample", names_run, "-n", 50).splitlines()
    assert len(lines) == 50
    assert all(re.fullmatch("[a-z]{1,15}", line) for line in lines)
    assert ok("sample", names_run, "--number", 0) == ""


def test_seeds(ok: Any, names_run: Path) -> None:
    first = ok("sample", names_run, "--seed", 1)
    assert first == ok("sample", names_run, "--seed", 1)
    assert first != ok("sample", names_run, "--seed", 2)
    assert ok("sample", names_run) != ok("sample", names_run)


def test_sample_as_json(ok: Any, names_run: Path) -> None:
    samples = strict_json(ok("sample", names_run, "-n", 200, "--seed", 1, "--json"))
    assert all(list(sample) == ["text", "nll", "seen"] for sample in samples)
    assert [s["text"] for s in samples] == ok("sample", names_run, "-n", 200, "--seed", 1).splitlines()
    corpus = library.read("names")
    train = set(corpus.lines(corpus.rows("train")))
    every = set(corpus.lines(range(len(corpus))))
    for s in samples:
        seen = "train" if s["text"] in train else "held-out" if s["text"] in every else "new"
        assert s["seen"] == seen
    assert {s["seen"] for s in samples} == {"train", "held-out", "new"}
    scores = strict_json(ok("score", names_run, "--json", *(s["text"] for s in samples)))
    assert [s["nll"] for s in samples] == pytest.approx([s["nll"] for s in scores], rel=1e-4)


def test_prefix_and_pattern(ok: Any, names_run: Path) -> None:
    lines = ok("sample", names_run, "--prefix", "ka", "-n", 30).splitlines()
    assert len(lines) == 30
    assert all(line.startswith("ka") for line in lines)
    lines = ok("sample", names_run, "--pattern", "[a-d].*[^aeiou]", "-n", 30).splitlines()
    assert len(lines) == 30
    assert all(re.fullmatch("[a-d].*[^aeiou]", line) for line in lines)
    lines = ok("sample", names_run, "--prefix", "ka", "--pattern", "k.{4}").splitlines()
    assert all(re.fullmatch("ka...", line) for line in lines)


def test_wishes(ok: Any, names_run: Path) -> None:
    asked = (
        "--starts-with",
        "m",
        "--ends-with",
        "a",
        "--contains",
        "i",
        "--contains",
        "l",
        "--length",
        "5-8",
    )
    for more in (("-n", 30), ("-n", 30, "--unique", "--novel"), ("--most-likely", 30)):
        lines = ok("sample", names_run, *asked, "--without", "e", "--pattern", ".*[^r].", *more).splitlines()
        assert len(lines) == 30
        assert all(re.fullmatch("m[^e]{3,6}a", line) and {"i", "l"} <= set(line) for line in lines)
        assert not any(line.endswith("ra") for line in lines)


@pytest.mark.slow
def test_rare_wishes(ok: Any, names_run: Path) -> None:
    """Plain sampling would need a million lines."""
    for more in ((), ("--unique", "--novel")):
        lines = ok(
            "sample", names_run, "--ends-with", "ington", "--contains", "z", "--seed", 1, *more
        ).splitlines()
        assert len(lines) == 20
        assert all(re.fullmatch(".*z.*ington", line) for line in lines)
        assert len(set(lines)) == 20 or not more


def test_unique_and_novel(ok: Any, names_run: Path) -> None:
    lines = ok("sample", names_run, "-n", 500, "--unique", "--temperature", 0.5).splitlines()
    assert len(lines) == len(set(lines)) == 500
    names = library.read("names")
    lines = ok("sample", names_run, "-n", 500, "--novel").splitlines()
    assert len(lines) == 500
    assert not set(lines) & set(names.lines(range(len(names))))


def test_most_likely(ok: Any, names_run: Path) -> None:
    lines = ok("sample", names_run, "--most-likely", 50).splitlines()
    assert len(set(lines)) == 50
    found = strict_json(ok("sample", names_run, "--most-likely", 50, "--json"))
    assert [s["text"] for s in found] == lines
    assert [s["nll"] for s in found] == sorted(s["nll"] for s in found)
    scores = library.load(names_run).score(lines)
    assert [s["nll"] for s in found] == pytest.approx(scores, rel=1e-4)
    drawn = strict_json(ok("sample", names_run, "-n", 2000, "--json"))
    assert {s["text"] for s in drawn if s["nll"] < found[-1]["nll"] - 1e-4} <= set(lines)
    asked = ("--prefix", "ka", "--pattern", ".{5}", "--novel", "--max-length", 8)
    lines = ok("sample", names_run, "--most-likely", 20, *asked).splitlines()
    assert all(re.fullmatch("ka...", line) for line in lines)
    assert not set(lines) & set(library.read("names").lines(range(32_033)))
    assert ok("sample", names_run, "--most-likely", 0) == ""


def test_the_limits_of_choice(ok: Any, names_run: Path) -> None:
    assert all(len(line) <= 4 for line in ok("sample", names_run, "--max-length", 4).splitlines())
    greedy = set(ok("sample", names_run, "--temperature", 0).splitlines())
    assert len(greedy) == 1
    assert set(ok("sample", names_run, "--top-k", 1).splitlines()) == greedy
    assert set(ok("sample", names_run, "--top-p", 0.001).splitlines()) == greedy


def test_many_samples_stream(ok: Any, names_run: Path) -> None:
    assert len(ok("sample", names_run, "-n", 20_000).splitlines()) == 20_000
    stream = library.load(names_run).stream(10**12)  # more than there is memory for
    assert all(next(stream).text for _ in range(10))


@pytest.mark.slow
def test_the_memory_of_sampling_does_not_grow_with_the_number(names_run: Path) -> None:
    def peak(n: int) -> int:
        process = subprocess.Popen([*COMMAND, "sample", names_run, "-n", str(n)], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_maxrss // (1 if sys.platform == "linux" else 1024)  # KB

    assert peak(60_000) < peak(10_000) + 50_000  # 50,000 more lines and as many KB


def test_sample_only_sorts_50_samples(
    ok: Any, names_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(names_run, "run")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")  # the run needs neither its file nor its place
    out = ok("--sample-only", "-o", "../run", "--seed", 3)
    parts = re.findall(r"(\d+) samples that are (.+):\n((?:[a-z]+\n)*)-+\n", out)
    assert [kind for _, kind, _ in parts] == ["in train", "held out", "new"]
    assert sum(int(n) for n, _, _ in parts) == 50
    known = {"in train": "train", "held out": "held-out", "new": "new"}
    for n, kind, lines in parts:
        assert len(lines.split()) == int(n)
        assert set(library.load("../run").corpus.seen(lines.split())) <= {known[kind]}
    assert "0 samples that are held out" in ok("--sample-only", "-o", "../run", "--top-k", 1)


# score


def test_score(ok: Any, names_run: Path) -> None:
    lines = [line.split("\t") for line in ok("score", names_run, "emma", "xqzxq").splitlines()]
    assert [text for _, text in lines] == ["emma", "xqzxq"]
    emma, odd = (float(nll) for nll, _ in lines)
    assert emma < 10 < 20 < odd
    assert library.load(names_run).score(["emma"]) == pytest.approx([emma], abs=1e-3)


def test_score_letters(ok: Any, names_run: Path) -> None:
    total, *letters = (line.split("\t") for line in ok("score", names_run, "emma", "--letters").splitlines())
    assert [character.strip() for _, character in letters] == ["e", "m", "m", "a", "(end)"]
    assert sum(float(nll) for nll, _ in letters) == pytest.approx(float(total[0]), abs=1e-3)
    (scored,) = strict_json(ok("score", names_run, "emma", "--letters", "--json"))
    assert list(scored) == ["text", "nll", "letters"]
    assert sum(letter["nll"] for letter in scored["letters"]) == pytest.approx(scored["nll"])


def test_score_standard_input(ok: Any, names_run: Path) -> None:
    given = ok("score", names_run, "emma", "zo", "emma")
    assert ok("score", names_run, stdin="emma\n\n zo \r\nemma") == given


def test_an_impossible_line_is_valid_json(ok: Any, small: Path) -> None:
    ok("-i", small, "-o", "new", "--type", "bigram", "--smoothing", 0)
    (scored,) = strict_json(ok("score", "new", "qqq", "--json"))
    assert scored["text"] == "qqq"


# models, data, help


def test_models(ok: Any, small: Path) -> None:
    out = ok("models")
    counts = dict(re.findall(r"^(\w+) +([\d,]+) +\w", out, re.MULTILINE))
    assert list(counts) == list(MODELS)
    assert (counts["bigram"], counts["transformer"]) == ("729", "204,544")
    Path("ab.txt").write_text("ab\nba\naab\n")
    fewer = dict(re.findall(r"^(\w+) +([\d,]+) +\w", ok("models", "-i", "ab.txt"), re.MULTILINE))
    assert fewer["bigram"] == "9"


def test_data(ok: Any) -> None:
    out = ok("data")
    for name in ("names", "words", "companies"):
        assert re.search(rf"^{name}: .*lines\)\n +source: .+\n +licence: .+", out, re.MULTILINE)


def test_version(ok: Any) -> None:
    assert ok("--version").split()[-1] == library.__version__


@pytest.mark.parametrize(
    "command", [(), ("train",), ("blend",), ("sample",), ("score",), ("models",), ("data",)]
)
def test_help(ok: Any, command: tuple[str, ...]) -> None:
    out = ok(*command, "--help")
    assert out.startswith("Usage: makemore")
    assert out == ok(*command, "-h")
    if command not in (("models",), ("data",)):
        assert "Examples" in out


@pytest.mark.parametrize("name", MODELS)
def test_the_help_of_a_type_shows_its_own_flags_only(ok: Any, name: str) -> None:
    shown = set(re.findall(r"--[\w-]+", ok("train", "--type", name, "--help")))
    all_flags = {"--" + knob.name.replace("_", "-") for other in MODELS for knob in knobs(other)}
    assert shown & all_flags == {"--" + knob.name.replace("_", "-") for knob in knobs(name)}


def test_help_without_a_type_is_that_of_the_front_page_or_the_command(ok: Any) -> None:
    front = ok("--help")
    assert ok("--help", "--version") == ok("-i", "nowhere.txt", "-h") == front
    assert ok("--help", "sample") == ok("sample", "mine", "-n", 3, "--help") != front
    assert all(re.search(rf"^  {name} +[A-Z]", front, re.MULTILINE) for name in ("train", "score", "data"))
    assert re.search(
        r"^  -i, --input-file STR +A file .*\n( {10}.*\n)* +.*\[default:\s+names\]", front, re.MULTILINE
    )
    assert "--n-embd2" in ok("--type=gru", "--help")
    assert "--n-embd2" not in front


def test_help_fits_the_terminal(ok: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        for command in ((), ("sample",), ("score",)):
            text, _, _ = ok(*command, "--help").partition("Examples:")
            assert max(map(len, text.splitlines())) <= min(columns, 100)


def test_installing_completion_has_help(ok: Any) -> None:
    assert "--shell" in ok("--install-completion", "--help")


# the library


def test_the_library(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = library.train(small, type="gru", work_dir="out", max_steps=2)
    assert run.type == "gru"
    assert set(library.__all__) <= set(dir(library))
    run = library.load("out")
    lines = run.sample(20, prefix="ka", seed=1)
    assert len(lines) == 20
    assert all(line.startswith("ka") for line in lines)
    assert lines == library.load("out").sample(20, prefix="ka", seed=1)
    (loss,) = run.score(["emma"])
    assert loss == pytest.approx(sum(run.letters(["emma"])[0]))
    assert capsys.readouterr() == ("", "")  # it is the command line that prints
    with pytest.raises(library.MakemoreError, match="already holds a run"):
        library.train(small, work_dir="out")


def test_stopping_from_the_library(small: Path) -> None:
    events: list[Any] = []
    library.train(
        small,
        type="mlp",
        work_dir="out",
        max_steps=100,
        on_event=events.append,
        stop=lambda: len(events) > 10,
    )
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Done)
    assert events[-1].reason == "stopped"
    assert [e.step for e in events if isinstance(e, Step)][-1] < 100
