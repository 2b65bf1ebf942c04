"""Random command lines: a result or one sentence, only named files touched, nothing executed.

Twenty run with the slow tests, the same ones every time. MAKEMORE_FUZZ=2000 tries that many new ones.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from fuzz_sandbox import RUNS, TYPES, check, fuzzed, tell
from fuzzing import Sandbox
from hypothesis import event, given
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux"),
]

COMMANDS = [
    "train", "blend", "sample", "score", "explain", "eval", "compare", "report", "inspect", "models", "data", "cache",
    "lessons",
]  # fmt: skip

WHOLE = [
    "0", "1", "2", "3", "7", "100", "-1", "-5", "1.5", "1e3", "abc", "", "9" * 30, "9" * 5000, "2147483648",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "٣", "1_000", " 2", "nan", "inf",
    "0x10", "100000", "20000", "300", "true", "\udcff", "\x1b[31m1",
]  # fmt: skip
REAL = [
    "0", "0.1", "0.5", "1", "-1", "nan", "inf", "-inf", "1e39", "1e308", "1e-320", "1e400", "9" * 400, "abc",
    "", "0,5", "-0.0", "5e-324", "0.999999999999", "1.0000001", "\udcff", "٣", "2",
]  # fmt: skip
WORDS = [
    "", " ", "\t", "a", "emma", "ka", "xqz", "é", "e\u0301", "日本語", "\u202e", "\x1b[31m", "\x07", "a\nb",
    "\r", "\udcff", "\U0001f600", "x" * 300, "a" * 20_000, "-", "--", "-x", "--resume", "-n", "=", "[", "(",
    "(?R)", "[a-e]{3,5}", "(a|b)*", ".*", "\\", "(?P<x>a)(?P=x)", "(?i)EMMA", "\\p{L}+", "a{1000000}",
    "((a*)*)*b", "%s", "{}", "$HOME", "`id`", "$(touch x)", ";", "utf-8", "utf-16", "latin-1", "cp1252",
    "klingon", "rot13", "auto", "cpu", "cuda", "float32", "bfloat16", "int8", "names", "list", "clear",
    "start", "check", "solutions", "1", "3", "museum", "99", *TYPES, "ngam", "LSTM", "mlp,ngram", "mlp,,",
    ",", "mlp,nope",
]  # fmt: skip
PATHS = [
    "tiny.txt", "tiny.txt.gz", "words.txt", "three.txt", "spaces.txt", "data.csv", "latin1.txt", "binary.bin",
    "broken.gz", "empty.txt", "blank.txt", "long.txt", "esc\x1b[31mape.txt", "two words.txt", "lists",
    "emptydir", "mine", "../elsewhere", "../elsewhere/new", "link.txt", "loop", "dangling", "linked", *RUNS,
    "mlp/config.json", "mlp/best.safetensors", "mlp/metrics.jsonl", "large/corpus", "nowhere.txt", "new",
    "new/deep/er", "a b/c d", "", ".", "..", "-", "~", "x" * 300, "\udcff", "e\u0301", "\x1b[31mred", "*.txt",
    "lists/*", "**", "[", "http://example.com/x.txt", "/proc/self/mem", "/nonexistent", "--resume",
    "tiny.txt/x", "new\nline",
]  # fmt: skip
SKIPPED = {"--compile", "--help", "--version", "--install-completion", "-h"}


class Options(dict[str, list[tuple[str, str]]]):
    """The options of each command, and of training with each type: their names and kinds of values."""

    def __repr__(self) -> str:
        return "Options()"


def options_of(sandbox: Sandbox, command: str, *more: str) -> list[tuple[str, str]]:
    """The names of the options in the help of a command, each with its kind of value, "" for a switch."""
    said = sandbox.run([command, *more, "--help"], COLUMNS="100")
    assert said.status == 0, said.err
    found = []
    for names, kind in re.findall(
        r"^  ((?:[A-Z]+(?:\.\.\.)?, )?-{1,2}[\w-]+(?:, -{1,2}[\w-]+)*)(?: ([A-Z]+))?(?:  |$)", said.out, re.M
    ):
        found += [(name, kind) for name in names.split(", ") if name.startswith("-") and name not in SKIPPED]
    return found


@pytest.fixture(scope="module")
def options(sandbox: Sandbox) -> Options:
    found = Options({command: options_of(sandbox, command) for command in COMMANDS})
    for type in TYPES:
        found[type] = options_of(sandbox, "train", "--type", type)
    assert ("--work-dir", "PATH") in found["train"]
    assert ("--n-layer", "INT") in found["transformer"]
    return found


def _bounded(name: str, value: str, command: str) -> str:
    """The value, limited so that it does not ask for hours of work, which would be no error."""
    most = {
        "-n": 2000, "--number": 2000, "--most-likely": 300, "--max-steps": 5, "--seeds": 1, "--nproc": 1,
        "--time": 0.5,
    }  # fmt: skip
    if command == "train" and name == "-n":
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if name == "--max-steps" and number == -1:
        return "2"
    if name in most and number > most[name]:
        return str(most[name])
    return value


GOOD = {
    "INT": ["1", "2", "3", "7", "30", "100"], "FLOAT": ["0", "0.1", "0.5", "0.9", "1", "2"],
    "STR": ["tiny.txt", "words.txt", "utf-8", "cpu", "auto", "mlp", "ka", "a", "[a-e]+", "float32", "lists",
            "data.csv"],
    "PATH": ["fifo", "new", "new/deep/er", "a b/c d", "mlp", "half", "emptydir", "ngram", "large", "mine",
             "comparison"],
}  # fmt: skip
ODD = {"INT": WHOLE, "FLOAT": REAL, "PATH": PATHS, "STR": WORDS + PATHS}
FLAGGED = {
    "--type": TYPES, "-i": ["tiny.txt", "words.txt", "lists", "three.txt"],
    "--types": ["bigram,mlp", "ngram", "mlp,rnn"], "--encoding": ["utf-8", "latin-1", "utf-16", "ascii"],
    "--weights": ["1,2", "0.7,0.3"], "--separator": ["blank", "file", "ava"], "--how": ["mixture", "product"], "--device": ["cpu", "auto"], "--precision": ["float32", "bfloat16"],
}  # fmt: skip


def command_line(random: Random, options: Options) -> list[str]:
    """A command line of real options, most with values that they might have."""
    weights = {
        "report": 1,
        "data": 0.5,
        "cache": 0.5,
        "compare": 1,
        "eval": 1.5,
        "lessons": 1,
        "blend": 1,
        "inspect": 1.5,
        "train": 8,
    }
    command = random.choices(COMMANDS, [weights.get(c, 4) for c in COMMANDS])[0]
    wild = random.random() < 0.3  # several things are odd, else one at most
    odd = [True] if not wild and random.random() < 0.7 else []

    def is_odd() -> bool:
        return random.random() < 0.4 if wild else random.random() < 0.4 and bool(odd) and odd.pop()

    def anything() -> str:
        if random.random() < 0.1:
            text = "".join(chr(random.randrange(1, 0x3000)) for _ in range(random.randrange(8)))
            return text + random.choice([""] * 9 + [chr(0xDC80 + random.randrange(128))])
        return random.choice(random.choice([WHOLE, REAL, WORDS, PATHS]))

    offered = options[command]
    argv: list[str] = []
    if command == "train" and random.random() < 0.7:
        kind = random.choice(TYPES)
        offered = options[kind]
        argv += ["--type", kind]
    elif command in ("sample", "score", "explain", "eval", "report"):
        argv += [anything() if is_odd() else random.choice(RUNS)]
        if command == "report" and random.random() < 0.3:
            argv += [random.choice(RUNS)]
    elif command == "blend":
        argv += random.sample(RUNS, 2)
    elif command == "compare":
        argv += random.sample(RUNS, 2) if random.random() < 0.3 else ["tiny.txt"]
    if (
        command in ("score", "explain", "inspect", "lessons", "cache", "data", "models")
        and random.random() < 0.7
    ):
        usual = {"lessons": ["list", "start", "check", "hint", "solutions"], "inspect": PATHS[:12]}.get(
            command, ["emma", "xqz"]
        )
        argv += [anything() if is_odd() else random.choice(usual)]
        argv += [random.choice(["1", "3", "museum"])] if command == "lessons" else []
    for name, kind in random.choices(offered, k=random.choice([0, 1, 1, 2, 2, 3, 4])) if offered else []:
        if not kind:
            argv.append(name + (random.choice(["=true", "=no", "=maybe", "="]) if is_odd() else ""))
            continue
        value = random.choice(FLAGGED.get(name, GOOD.get(kind, WORDS)))
        if is_odd():
            value = anything() if random.random() < 0.3 else random.choice(ODD.get(kind, WORDS))
        value = _bounded(name, value, command)
        argv += random.choice([[f"{name}={value}"], [name], [name + value]]) if is_odd() else [name, value]
    if is_odd():
        argv.insert(
            random.randrange(len(argv) + 1), random.choice([anything(), random.choice(options["train"])[0]])
        )
    if command in ("train", "compare") and not any(
        word.startswith(("--max-steps", "--time")) for word in argv
    ):
        argv += ["--max-steps", "2"]
    if command == "train" and not {"-i", "--input-file", "--resume"} & set(argv):
        argv += ["-i", "tiny.txt"]
    if command == "compare" and "--types" not in argv:
        argv += ["--types", "bigram,mlp"]
    if command in ("eval", "report") and not any(word.startswith(("-n", "--number")) for word in argv):
        argv += ["-n", "100"]
    return argv if command == "train" and random.random() < 0.5 else [command, *argv]


INPUTS = ["tiny.txt", "empty.txt", "binary.bin", "latin1.txt", "/dev/null", ""]


@fuzzed
@given(random=st.randoms(use_true_random=True))  # hypothesis on its own varies little of the last one
def test_command_lines(sandbox: Sandbox, options: Options, random: Random) -> None:
    assert (wrong := try_command(sandbox, options, random)) == "", wrong


def try_command(sandbox: Sandbox, options: Options, random: Random) -> str:
    """Run a random command line; return what it did wrong."""
    argv, stdin = command_line(random, options), random.choice(INPUTS)
    before = sandbox.tree()
    result = sandbox.run(argv, stdin and str(sandbox.work / stdin))
    event(f"status {result.status}")
    found = check(sandbox, argv, before, result)
    return tell(argv, result, found) if found else ""
