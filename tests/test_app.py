"""Every argument in both forms, typing errors with a suggestion, and help."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from makemore.cli import train
from makemore.cli.app import commands
from makemore.cli.help import flags
from makemore.errors import alike


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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
    for words in (["-"], ["--no-open", "-"]):  # it is no option, so the first thing wrong is the port
        assert "--port must be" in makemore("play", *words, "--port", 65536).err
    inspected = makemore("inspect", "-", stdin=lines)
    assert inspected.status == 0
    assert "makemore -i - --type" in inspected.out


def test_the_options_of_every_type_are_known_without_building_the_command() -> None:
    assert flags(commands()["train"]) == train.OPTIONS


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
        ("compare names --types ,", "--types is empty"),
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
        ("help xyz", "xyz: no such command; there are train, blend, import"),
        ("names --depth 3", "it is one of --type ctw"),
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
    assert alike("--order", ["--work-dir", "--number"]) == ""  # only the dashes are alike
    assert alike("--nubmer", ["--work-dir", "--number"]) == " did you mean --number?"


BIG = 10**400


@pytest.mark.parametrize(
    "words",
    [f"{command} --seed {seed}" for seed in (-1, 2**64) for command in
       ("sample RUN", "eval RUN", "report RUN", "names")]
    + [f"{command} {option} {value}" for value in (-1, 0, BIG, 2**64) for command, option in
       (("eval RUN", "-n"), ("report RUN", "-n"), ("compare names", "--seeds"))]
    + [f"names {option} {value}" for value in ("nan", "inf", "-inf", "1e400", "-1") for option in
       ("--time", "--learning-rate", "--weight-decay", "--teacher")]
    + [f"compare names --time {value}" for value in ("nan", "inf", "0")]
    + [f"sample RUN {option} {value}" for value in ("nan", "inf", "-1") for option in
       ("--temperature", "--top-p")]
    + [f"explain RUN anna --top {value}" for value in (-1, 0)]
    + [f"sample RUN -n {BIG}", f"sample RUN --most-likely {BIG}", f"names --batch-size {BIG}",
       f"names --max-steps {BIG}", "names --nproc 0", f"names --nproc {BIG}"],
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
