"""The command line at its edges: streams that are closed or full, Ctrl-C, slips, both forms of every argument."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makemore.cli import main as cli
from makemore.cli import measure as measuring
from makemore.cli.streams import Output, OutputEnded
from makemore.course import lessons as course
from makemore.course.grading import check_apart
from makemore.errors import MakemoreError, alike, command_line
from makemore.reports.comparison import Listener, compare

COMMAND = [sys.executable, "-m", "makemore"]
GOES_ON = "makemore: standard output was closed; training continues, Ctrl-C stops it\n"
TRAINING = ("--type", "mlp", "--max-steps", "4", "--device", "cpu", "-o", "run")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unread() -> Any:
    """A pipe that nobody reads, to write to."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


def started(*args: object, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with real streams."""
    how = {"stderr": subprocess.PIPE, "timeout": 300, "text": True, "encoding": "utf-8"} | how
    return subprocess.run([*COMMAND, *map(str, args)], **how)


def with_closed(streams: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a shell does after redirections such as >&-."""
    script = f'exec "$@" {streams}'
    command = ["sh", "-c", script, "sh", *COMMAND, *map(str, args)]
    return subprocess.run(command, capture_output=True, timeout=300, text=True, encoding="utf-8")


# output that ends early


@pytest.mark.slow
def test_training_outlives_its_output(small: Path, unread: int) -> None:
    done = started("-i", small, *TRAINING, stdout=unread)
    assert (done.returncode, done.stderr) == (0, GOES_ON)
    assert json.loads(Path("run/summary.json").read_text("utf-8"))["steps"] == 4


@pytest.mark.slow
def test_training_by_several_processes_outlives_its_output(small: Path, unread: int) -> None:
    done = started("-i", small, *TRAINING, "--nproc", 2, stdout=unread)
    assert (done.returncode, done.stderr) == (0, GOES_ON)
    assert json.loads(Path("run/summary.json").read_text("utf-8"))["steps"] == 4


@pytest.mark.slow
def test_training_outlives_a_full_disk_behind_its_output(small: Path) -> None:
    with open("/dev/full", "w") as full:
        done = started("-i", small, *TRAINING, stdout=full)
    assert done.returncode == 0
    assert done.stderr == (
        "makemore: standard output: No space left on device; training continues, Ctrl-C stops it\n"
    )
    assert Path("run/summary.json").exists()


@pytest.mark.slow
def test_training_without_any_stream(small: Path) -> None:
    assert with_closed("<&- >&- 2>&-", "-i", small, *TRAINING).returncode == 0
    assert Path("run/summary.json").exists()


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def into(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Run a command in this process whose standard output fails with an error number."""

    def call(number: int, *args: object) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["makemore", *map(str, args)])
            patch.setattr(sys, "stdout", Broken(number))
            with pytest.raises(SystemExit) as end:
                cli.main()
        assert isinstance(end.value.code, int)
        return end.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    "command",
    [
        ("sample", "RUN"),
        ("score", "RUN", "anna"),
        ("data",),
        ("--help",),
        ("--version",),
        ("models", "RUN/../small.txt"),
    ],
    ids=lambda command: command[0],
)
def test_what_only_prints_ends_with_its_output(into: Any, small: Path, small_run: Path, command: Any) -> None:
    words = [word.replace("RUN/../small.txt", str(small)).replace("RUN", str(small_run)) for word in command]
    assert into(errno.EPIPE, *words) == (0, "")
    full = "makemore: standard output: cannot be written: No space left on device\n"
    assert into(errno.ENOSPC, *words) == (2, full)


def test_a_comparison_outlives_its_output(into: Any, small: Path) -> None:
    status, err = into(errno.EPIPE, "compare", small, "--types", "bigram,ngram", "-o", "c")
    assert status == 0
    assert err == "makemore: standard output was closed; the comparison continues, Ctrl-C stops it\n"
    assert json.loads(Path("c/comparison.json").read_text("utf-8"))["result"]["entries"]


def test_what_is_made_already_is_saved_when_the_last_words_cannot_be_printed(into: Any) -> None:
    """The first word that `lessons start` prints comes after the files."""
    assert into(errno.EPIPE, "lessons", "start", "1") == (0, "")
    assert Path("lesson-1/exercises.py").exists()


def test_an_output_fails_once() -> None:
    output = Output(Broken(errno.EIO))  # type: ignore[arg-type]
    with pytest.raises(OutputEnded):
        output.write("a")
    assert output.write("bc") == 2
    output.flush()


@pytest.mark.parametrize(
    ("streams", "args", "status", "says"),
    [
        ("<&-", ("score", "RUN"), 2, "makemore: standard input is closed; name a file instead\n"),
        ("<&-", ("-i", "-", "-o", "x"), 2, "makemore: standard input is closed; name a file instead\n"),
        (">&-", ("sample", "RUN"), 0, ""),
        ("2>&-", ("sample", "RUN", "-n", "2"), 0, ""),
        (">&- 2>&-", ("sample", "no-such-run"), 2, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_closed_streams(small_run: Path, streams: str, args: tuple[str, ...], status: int, says: str) -> None:
    done = with_closed(streams, *(str(small_run) if word == "RUN" else word for word in args))
    assert (done.returncode, done.stderr) == (status, says)
    assert done.stdout.count("\n") == (2 if streams == "2>&-" else 0)


@pytest.mark.parametrize("number", [errno.EISDIR, errno.ENAMETOOLONG, errno.EACCES])
def test_an_error_of_a_file_is_told_of_that_file(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number), "some/metrics.jsonl")

    monkeypatch.setattr("makemore.corpus.source.bundled_lists", fail)
    result = makemore("data")
    assert result.status == 2
    assert result.err.startswith(f"makemore: some/metrics.jsonl: {os.strerror(number)};")
    assert "standard output" not in result.err


# Ctrl-C


def test_ctrl_c_while_importing() -> None:
    script = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from makemore.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "makemore: interrupted\n")


def test_the_script_is_the_one_that_meets_ctrl_c() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="makemore")
    assert script.value == "makemore.__main__:main"


# JSON


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_any_encoding(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    Path("marked.txt").write_text("\n".join(f"é{i}ž" for i in range(60)), "utf-8")
    makemore("marked.txt", "--type", "bigram", "-o", "run")
    data = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["makemore", "sample", "run", "-n", "5", "--prefix", "é", "--json"])
        patch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding))
        with pytest.raises(SystemExit):
            cli.main()
        printed = data.getvalue()  # before the stream is closed
    found = [json.loads(line) for line in printed.decode(encoding).splitlines()]
    assert len(found) == 5
    assert all(each["text"].startswith("é") for each in found)
    assert (b"\\u00e9" in printed) == (encoding != "utf-8")


def test_json_says_whether_a_sample_ended(makemore: Any, names_run: Path) -> None:
    result = makemore("sample", names_run, "-n", 200, "--max-length", 6, "--seed", 1, "--json")
    found = [json.loads(line) for line in result.out.splitlines()]
    assert {each["ended"] for each in found} == {True, False}
    assert all(len(each["text"]) == 6 for each in found if not each["ended"])


# what is printed can be copied


def test_printed_commands_are_quoted(makemore: Any, small: Path) -> None:
    place = "my lists/run 1"
    trained = makemore(small, "--type", "ngram", "-o", place)
    assert trained.status == 0, trained.err
    printed = [shlex.split(line) for line in trained.out.splitlines() if " makemore sample" in line]
    assert printed
    assert all(words[words.index("sample") + 1] == place for words in printed)
    compared = makemore("compare", small, "--types", "ngram", "-o", "its $HOME")
    (line,) = (line for line in compared.out.splitlines() if "makemore report" in line)
    assert shlex.split(line)[-1] == "its $HOME"


def test_a_command_line_to_copy() -> None:
    assert command_line("sample", Path("a b"), "-n", 100) == "makemore sample 'a b' -n 100"
    assert command_line("sample", Path("-x")) == "makemore sample ./-x"


# a prefix that is as long as the longest line


def test_a_long_prefix_is_drawn_on(makemore: Any, names_run: Path) -> None:
    prefix = "anastasiyamariaelizabeth"
    result = makemore("sample", names_run, "--prefix", prefix, "-n", 20, "--seed", 1)
    lines = result.out.splitlines()
    assert result.status == 0
    assert len(lines) == 20
    assert all(line.startswith(prefix) for line in lines)
    assert len(prefix) < max(map(len, lines)) <= 15 + len(prefix)


# an estimate before a comparison


def test_a_comparison_begins_with_an_estimate(makemore: Any, small: Path) -> None:
    command = ("compare", small, "--types", "ngram,mlp", "--max-steps", 2, "-o", "c")
    first = makemore(*command).out
    assert first.index("2 runs to train, at most about") < first.index("training ngram")
    assert "--types" in first
    assert "--time" in first
    assert "to train" not in makemore(*command).out  # everything is there


def test_the_estimate_is_steps_times_pace(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makemore.reports.comparison.pace_of", lambda corpus, type, teacher, device: 0.5)
    told: list[tuple[int, float]] = []
    for i, how in enumerate([{"max_steps": 4}, {"time": 0.5}]):
        compare(
            small,
            ["ngram", "mlp"],
            work_dir=f"c{i}",
            seeds=2,
            listener=Listener(lambda *each: told.append(each)),
            **how,
        )  # type: ignore[arg-type]
    assert told == [(3, 2 * 4 * 0.5), (3, 2 * 0.5)]


# both forms


@pytest.mark.parametrize(
    "command",
    [
        ("sample", "RUN", "-o", "--seed 1 -n 2"),
        ("eval", "RUN", "-o", "-n 100"),
        ("inspect", "FILE", "-i", ""),
        ("models", "FILE", "-i", ""),
        ("explain", "RUN", "-o", "anna"),
        ("score", "RUN", "-o", "anna bella"),
    ],
    ids=lambda command: command[0],
)
def test_in_its_place_or_with_its_option(makemore: Any, small: Path, small_run: Path, command: Any) -> None:
    name, what, flag, more = command
    value, rest = {"RUN": small_run, "FILE": small}[what], more.split()
    placed, named = makemore(name, value, *rest), makemore(name, flag, value, *rest)
    assert (placed.status, named.status) == (0, 0), placed.err + named.err
    if name != "inspect":  # which tells times
        assert placed.out == named.out
    if name == "score":
        assert len(named.out.splitlines()) == 2
    else:
        both = makemore(name, value, flag, value, *rest)
        assert (both.status, both.err.count("\n")) == (2, 1)
        assert flag in both.err


def test_a_list_in_its_place(makemore: Any, small: Path) -> None:
    quick = ("--type", "bigram", "--overwrite", "-o")
    for words in ([small], ["train", small], ["-i", small], ["train", "--input-file", small]):
        assert makemore(*words, *quick, "run").status == 0
    other = Path("other.txt")
    other.write_text("uno\ndos\ntres\ncuatro\n", "utf-8")
    assert makemore(small, other, *quick, "two").status == 0
    both = makemore(small, "-i", small, *quick, "three")
    assert (both.status, both.err.count("\n")) == (2, 1)
    assert not Path("three").exists()
    assert makemore("compare", "-i", small, "--types", "bigram,ngram", "-o", "c").status == 0
    clash = makemore("compare", small, "-i", small)
    assert (clash.status, clash.err.count("\n")) == (2, 1)


def test_several_files_in_their_place_or_with_their_option(makemore: Any, small_run: Path) -> None:
    Path("a list.txt").write_text("emma\nolivia\nava\n", "utf-8")
    Path("b.txt").write_text("uno\ndos\ntres\n", "utf-8")
    for words in (["a list.txt", "b.txt"], ["-i", "a list.txt", "b.txt"], ["b.txt", "-i", "a list.txt"]):
        result = makemore("inspect", *words)
        if words[0] == "b.txt":
            assert (result.status, result.err.count("\n")) == (2, 1)
            continue
        assert result.status == 0, result.err
        assert "6 lines" in result.out
        assert "makemore -i 'a list.txt' b.txt --type" in result.out
    scored = makemore("score", small_run, "-i", "a list.txt", "b.txt")
    assert [line.partition("\t")[2] for line in scored.out.splitlines()] == [
        "emma", "olivia", "ava", "uno", "dos", "tres",
    ]  # fmt: skip


def test_one_type_of_model(makemore: Any) -> None:
    result = makemore("models", "--type", "bigram")
    assert result.status == 0
    assert [line.split()[0] for line in result.out.splitlines()] == ["type", "bigram"]


def test_nothing_is_cut_in_a_pipe(makemore: Any, small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = makemore("explain", small_run, small_run, "emma", "--top", 9)
    monkeypatch.setenv("COLUMNS", "40")
    assert makemore("explain", small_run, small_run, "emma", "--top", 9).out == wide.out
    assert wide.out.count("%") >= 9 * len("emma.")


@pytest.mark.slow
def test_standard_input_in_its_place(makemore: Any, small: Path) -> None:
    lines = small.read_text("utf-8")
    for words in (["-"], ["train", "-"], ["-i", "-"]):
        assert makemore(*words, "--type", "bigram", "--overwrite", "-o", "run", stdin=lines).status == 0
    inspected = makemore("inspect", "-", stdin=lines)
    assert inspected.status == 0
    assert "makemore -i - --type" in inspected.out


# slips


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("-i", "-i: name a file"),
        ("models -i", "-i"),
        ("score RUN -i", "-i: name a file"),
        ("-i nmaes", "did you mean names?"),
        ("nmaes", "did you mean names?"),
        ("smaple RUN", "did you mean sample?"),
        ("names --type ngam", "did you mean ngram?"),
        ("compare names --types ngram,mpl", "did you mean mlp?"),
        ("compare names --types ,", "names no type"),
        ("names --device cdua", "did you mean cuda?"),
        ("names --precision bfloat61", "did you mean bfloat16?"),
        ("lessons start museun", "did you mean museum?"),
        ("lessons chek 1", "did you mean check?"),
        ("cache claer", "did you mean clear?"),
        ("names --tpye ngram", "did you mean --type?"),
        ("sample RUN --temprature 1", "did you mean --temperature?"),
        ("--helpp", "did you mean --help?"),
        ("sample RUN --helpp", "did you mean --help?"),
        ("names -o ''", "the name is empty"),
        ("sample ''", "the name is empty"),
        ("sample -o ''", "the name is empty"),
        ("names --type ''", "no such model"),
        ("names --device ''", "--device must be auto, cpu, cuda or mps, not ''"),
        ("sample RUN extra", "extra: not expected here"),
        ("report RUN -o ''", "the name is empty"),
        ("sample RUN -n 1 -n 3", "-n: given more than once"),
        ("sample RUN -n", "-n: needs a value"),
        ("help smaple", "smaple: no such command; did you mean sample?"),
        ("help xyz", "xyz: no such command; there are train, sample"),
        ("names --order 3", "it is one of --type ngram"),
        ("models --type ngam", "did you mean ngram?"),
        ("compare '' RUN", "a name is empty"),
        ("--install-completion --shell zhs", "did you mean zsh?"),
    ],
)
def test_a_slip(makemore: Any, small_run: Path, words: str, says: str) -> None:
    result = makemore(*(str(small_run) if word == "RUN" else word for word in shlex.split(words)))
    assert result.status == 2
    assert says in result.err
    assert result.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_place_whose_name_is_not_utf8(makemore: Any, small: Path) -> None:
    result = makemore(small, "--type", "bigram", "-o", "\udcffx")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "not UTF-8" in result.err
    assert list(Path().iterdir()) == []


def test_completion_that_cannot_be_installed(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cyclopts.completion import detect

    def fail() -> None:
        raise detect.ShellDetectionError("Unable to detect shell type.")

    Path("file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    result = makemore("--install-completion", "--shell", "bash")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "cannot be written" in result.err
    assert "--output" in result.err
    monkeypatch.setattr("cyclopts.core.App.install_completion", lambda *args, **options: fail())
    result = makemore("--install-completion")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "--shell zsh" in result.err
    assert list(Path().iterdir()) == [Path("file")]


def test_completion_is_installed_where_it_is_asked_for(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = makemore("--install-completion", "--shell", "bash", "--output", "completion")
    assert result.status == 0, result.err
    assert "restart your shell" in result.out
    assert "--temperature" in Path("completion").read_text("utf-8")


def test_a_command_is_no_slip_of_itself(makemore: Any) -> None:
    assert "did you mean" not in makemore("train", "train").err


def test_no_guess_where_nothing_is_alike() -> None:
    assert alike("xyz", ["ngram", "mlp"]) == ""
    assert alike("ngam", ["ngram", "mlp"]) == " did you mean ngram?"


BIG = 10**400


@pytest.mark.parametrize(
    "words",
    [f"{command} --seed {seed}" for command in ("sample RUN", "eval RUN", "report RUN", "names") for seed in (-1, 2**64)]
    + [f"{command} {option} {value}" for value in (-1, 0, BIG, 2**64) for command, option in
       (("eval RUN", "-n"), ("report RUN", "-n"), ("compare names", "--seeds"))]
    + [f"names {option} {value}" for value in ("nan", "inf", "-inf", "1e400", "-1") for option in
       ("--time", "--learning-rate", "--weight-decay", "--teacher")]
    + [f"compare names --time {value}" for value in ("nan", "inf", "0")]
    + [f"sample RUN {option} {value}" for value in ("nan", "inf", "-1") for option in ("--temperature", "--top-p")]
    + [f"explain RUN anna --top {value}" for value in (-1, 0)]
    + [f"sample RUN -n {BIG}", f"sample RUN --most-likely {BIG}", f"names --batch-size {BIG}", f"names --max-steps {BIG}",
       "names --nproc 0", f"names --nproc {BIG}"],
)  # fmt: skip
def test_a_number_that_makes_no_sense(makemore: Any, small_run: Path, words: str) -> None:
    report = small_run / "report.html"
    result = makemore(*(str(small_run) if word == "RUN" else word for word in words.split()))
    assert result.status == 2, result.out
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert len(result.err) < 700
    assert any(word in result.err for word in words.split() if word.startswith("-"))
    assert not report.exists()
    assert list(Path().iterdir()) == []


def test_a_temperature_next_to_nothing_is_the_most_likely(makemore: Any, names_run: Path) -> None:
    cold = makemore("sample", names_run, "-n", 3, "--temperature", "1e-320")
    assert cold.status == 0
    assert cold.out == makemore("sample", names_run, "-n", 3, "--temperature", "0").out


@pytest.mark.parametrize("words", [["-n=3"], ["-n3"], ["--number=3"], ["--number", "3"]])
def test_forms_of_an_option(makemore: Any, names_run: Path, words: list[str]) -> None:
    result = makemore("sample", names_run, *words)
    assert result.status == 0, result.err
    assert len(result.out.splitlines()) == 3


# help


@pytest.mark.parametrize("words", ["help", "--help", "-h", "help help", "help --help"])
def test_help_for_all(makemore: Any, words: str) -> None:
    result = makemore(*words.split())
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Usage: makemore [COMMAND]")
    assert "130" in result.out


@pytest.mark.parametrize(
    "words",
    [
        "help sample",
        "sample --help",
        "-h sample",
        "--help sample",
        "sample out -n 5 --help",
        "sample -n --help",
    ],
)
def test_help_for_a_command(makemore: Any, words: str) -> None:
    result = makemore(*words.split())
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Usage: makemore sample")


# score on a terminal


def test_score_says_that_it_reads_the_terminal(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, names_run: Path
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(b"emma\n")))
    result = makemore("score", names_run)
    assert result.status == 0
    assert result.out.endswith("\temma\n")
    assert result.err.count("\n") == 1
    assert "Ctrl-D" in result.err
    assert makemore("score", names_run, stdin="emma\n").err == ""


# grading


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("os._exit(0)", "ended the whole program, with status 0"),
        ("while True: pass", "took longer than 10 s"),
    ],
)
def test_an_answer_that_ends_or_hangs_is_not_right(tmp_path: Path, code: str, says: str) -> None:
    names = list(course.checkers(course.lesson("1")))
    answers = course.solutions("1")
    broken = f"\ndef {names[0]}(*args):\n    import os\n    {code}\n"
    (tmp_path / "exercises.py").write_text(answers + broken, "utf-8")
    verdicts = {each.exercise: each.message for each in check_apart("1", tmp_path, seconds=10)}
    assert list(verdicts) == names
    assert says in verdicts[names[0]]
    assert not any(verdicts[name] for name in names[1:])


@pytest.mark.slow
def test_a_file_of_answers_that_ends_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "exercises.py").write_text("import os\nos._exit(3)\n", "utf-8")
    (only,) = check_apart("1", tmp_path)
    assert only.exercise == "exercises.py"
    assert "with status 3" in only.message


def test_every_command_that_measures_is_in_one_place() -> None:
    """`MakemoreError` is what all of them raise for what was given."""
    with pytest.raises(MakemoreError, match="both name the same"):
        measuring.eval_(Path("a"), work_dir=Path("b"))
