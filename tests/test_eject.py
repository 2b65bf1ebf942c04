"""A type of model, or a run, as one Python file: it holds the model's own text, and runs without makemore."""

from __future__ import annotations

import ast
import errno
import inspect
import math
import re
import runpy
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import makemore as library
from makemore.corpus.kinds import kinds_of
from makemore.counting.tree import _some_lines
from makemore.exports.script import discounts
from makemore.exports.script import kinds as script_kinds
from makemore.exports.script import lines as script_lines
from makemore.exports.script.assemble import SHORT
from makemore.metrics.losses import losses
from makemore.models import MODELS, model_class

TYPES = [*MODELS]

LONGEST = {"mixture": 450}
"""Scripts have fewer lines than this, all but one fewer than 400."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the script of every type."""
    there = tmp_path_factory.mktemp("scripts")
    for type in TYPES:
        (there / f"{type}.py").write_text(library.eject(type), "utf-8")
    return there


@pytest.mark.parametrize("type", TYPES)
def test_a_script_is_short_and_holds_the_text_of_its_model(type: str, scripts: Path) -> None:
    text = (scripts / f"{type}.py").read_text("utf-8")
    assert len(text.splitlines()) < LONGEST.get(type, 400)
    model = model_class(type)
    if type in SHORT:
        assert f"\nclass {SHORT[type]}(Model)" in text
        return
    module = sys.modules[model.__module__]
    classes = [each for each in vars(module).values() if inspect.isclass(each)]
    own = [each for each in classes if each.__module__ == model.__module__]
    used = [each for each in own if re.search(rf"^class {each.__name__}\b", text, re.MULTILINE)]
    assert {model, model.config_class} <= {*used}
    for each in used:
        assert inspect.getsource(each) in text, each


@pytest.mark.parametrize("type", TYPES)
def test_a_script_imports_only_torch_and_numpy(type: str, scripts: Path) -> None:
    tree = ast.parse((scripts / f"{type}.py").read_text("utf-8"))
    names = {
        (each.module if isinstance(each, ast.ImportFrom) else each.names[0].name) or ""
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom | ast.Import)
    }
    packages = {name.partition(".")[0] for name in names}
    assert packages - set(sys.stdlib_module_names) == {"torch", "numpy"}
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    assert len(defined) == len(set(defined))


def test_scripts_are_tidy(scripts: Path) -> None:
    """The names that they use are defined, the imports sorted, and the formatter has nothing to change."""
    config = Path(__file__).parents[1] / "pyproject.toml"
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(config), str(scripts)]
        done = subprocess.run(ruff, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("n", [3, 4, 9, 30, 300])
def test_a_script_divides_a_list_as_makemore_does(n: int) -> None:
    lines = [f"é{i * i}ab" for i in range(n)] + ["é0ab"]
    corpus = library.Corpus.from_lines(lines)
    parts = {name: corpus.lines(corpus.rows(name)) for name in ("train", "validation", "test")}
    assert script_lines.split(corpus.lines(range(len(corpus)))) == parts


def test_eject_prints_or_writes_a_script(makemore: Any, tmp_path: Path) -> None:
    printed = makemore("eject", "mlp")
    assert (printed.status, printed.out) == (0, library.eject("mlp"))
    assert makemore("eject", "mlp", "-o", tmp_path / "mine.py").status == 0
    assert (tmp_path / "mine.py").read_text("utf-8") == printed.out
    refused = makemore("eject", "gru", "-o", tmp_path / "mine.py")
    assert (refused.status, "replace it with --overwrite" in refused.err) == (2, True)
    assert makemore("eject", "gru", "-o", tmp_path / "mine.py", "--overwrite").status == 0
    unknown = makemore("eject", "lsmt")
    assert (unknown.status, unknown.out) == (2, "")
    assert "did you mean lstm?" in unknown.err


def test_an_export_writes_two_files_or_none(makemore: Any, small_run: Path, tmp_path: Path) -> None:
    export = ("export", small_run, "--to", "script", "-o", tmp_path / "mine.py")
    assert makemore(*export).status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.pt", "mine.py"]
    (tmp_path / "mine.py").unlink()
    assert "mine.pt: already exists" in makemore(*export).err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pt"]
    assert makemore(*export, "--overwrite").status == 0
    (tmp_path / "mine.pt").write_text("mine")
    assert "mine.pt: is not what an export wrote" in makemore(*export, "--overwrite").err


def test_what_somebody_has_changed_is_not_replaced(
    makemore: Any, small_run: Path, small: Path, tmp_path: Path
) -> None:
    export = ("export", small_run, "--to", "script", "-o", tmp_path / "mine.py", "--overwrite")
    assert makemore(*export).status == 0
    script, weights = tmp_path / "mine.py", tmp_path / "mine.pt"
    text, saved = script.read_text("utf-8"), torch.load(weights, weights_only=True)
    script.write_text(text.replace("0.999", "0.99") + "\n", "utf-8")
    for words in (export, ("eject", "gru", "-o", script, "--overwrite")):
        refused = makemore(*words)
        assert (refused.status, "mine.py: was changed since makemore wrote it" in refused.err) == (2, True)
    assert script.read_text("utf-8") == text + "\n"
    script.write_text(text, "utf-8", newline="\r\n")  # another system's line ends are no change
    name = next(iter(saved["weights"]))
    for changed in (
        saved
        | {"weights": saved["weights"] | {name: saved["weights"][name] + 1e-6}},  # as --resume saves them
        {key: value for key, value in saved.items() if key != "checksum"},  # as training anew does
    ):
        torch.save(changed, weights)
        refused = makemore(*export)
        assert (refused.status, "mine.pt: was changed since makemore wrote it" in refused.err) == (2, True)
    torch.save(saved, weights)
    assert makemore(*export).status == 0


def test_if_the_second_file_cannot_be_written_neither_is(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(type: str) -> str:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("makemore.exports.script.write.eject", full)
    with pytest.raises(library.MakemoreError, match="cannot be written"):
        library.export(small_run, "script", tmp_path / "mine.py")
    assert not [*tmp_path.iterdir()]


def test_a_script_may_not_have_the_name_of_its_weights(
    makemore: Any, small_run: Path, tmp_path: Path
) -> None:
    for words in (("eject", "mlp"), ("export", small_run, "--to", "script")):
        done = makemore(*words, "-o", tmp_path / "mine.pt")
        assert done.status == 2
        assert "give the script another name, such as mine.py" in done.err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("type", SHORT)
def test_a_script_counts_a_list_of_three_lines(
    type: str, scripts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = scripts / "few.txt"
    few.write_text("Anna\nOtto\nanna b.\n", "utf-8")
    steps = [] if model_class(type).counting else ["--max-steps", "1", "--n-embd2", "4"]
    where = ["-i", str(few), "-m", str(scripts / "few.pt"), "-n", "2"]
    monkeypatch.setattr(torch, "set_default_device", lambda device: None)
    monkeypatch.setattr(sys, "argv", [f"{type}.py", *where, *steps])
    runpy.run_path(str(scripts / f"{type}.py"), run_name="__main__")
    assert len(capsys.readouterr().out.splitlines()) == (4 if model_class(type).counting else 5)


SMALL = {"n_layer": 1, "n_embd": 8, "n_embd2": 8, "n_head": 2}
"""Knobs that make models small, for those types that have them."""


def knobs_of(type: str) -> dict[str, float]:
    return {knob.name: SMALL[knob.name] for knob in library.models.knobs(type) if knob.name in SMALL}


def untrained(script: Path, small: Path) -> float:
    """Return the loss on the validation lines before training; where something is counted, that of equal chances."""
    names, saved = runpy.run_path(str(script)), torch.load(script.with_suffix(".pt"), weights_only=True)
    vocabulary = saved["makemore.vocabulary"]
    if script.stem in SHORT or names["MODEL"].counting:
        return math.log(len(vocabulary))
    model = names["MODEL"](len(vocabulary), names["MODEL"].config_class(**saved["knobs"]))
    corpus = library.read(small)
    lines = names["split"](corpus.lines(range(len(corpus))))["validation"]
    return float(names["evaluate"](model, lines, {each: id for id, each in enumerate(vocabulary)}))


@pytest.mark.slow
def test_scripts_train_and_sample_without_makemore(scripts: Path, small: Path, tmp_path: Path) -> None:
    """All in one process, in which makemore cannot be imported."""
    code = """
import runpy, sys
sys.modules["makemore"] = None
for words in map(str.split, sys.stdin):
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")
    print("--")
"""
    commands = []
    for type in TYPES:
        script = scripts / f"{type}.py"
        steps = "" if model_class(type).counting else " --max-steps 10"
        knobs = "".join(f" --{name.replace('_', '-')} {value}" for name, value in knobs_of(type).items())
        commands += [f"{script} -i {small}{steps}{knobs} -n 3", f"{script} -n 5 --prefix an"]
    commands += [f"{scripts / 'bigram_nn.py'} -i {small} --resume --max-steps 2"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], input="\n".join(commands), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    outputs = done.stdout.split("--\n")
    for type, trained, sampled in zip(TYPES, outputs[::2], outputs[1::2], strict=False):
        (said,) = [line for line in trained.splitlines() if line.startswith("nats per character: train")]
        learned = float(said.partition("validation ")[2].partition(",")[0])
        assert learned < untrained(scripts / f"{type}.py", small) - 0.015, type
        drawn = sampled.splitlines()
        assert len(drawn) == 5, type
        assert all(line.startswith("an") for line in drawn), type
        assert (scripts / f"{type}.pt").exists()


@pytest.mark.parametrize(
    "type", [pytest.param(type, marks=() if type == "bigram" else pytest.mark.slow) for type in TYPES]
)
def test_the_weights_of_a_run_give_its_probabilities(type: str, small: Path, tmp_path: Path) -> None:
    steps = {} if model_class(type).counting else {"max_steps": 2}
    run = library.train(small, type=type, work_dir=tmp_path / "run", **steps, **knobs_of(type))  # type: ignore[arg-type]
    script = library.export(run, "script", tmp_path / "mine.py")
    names = runpy.run_path(str(script))
    saved = torch.load(tmp_path / "mine.pt", weights_only=True)
    vocabulary = saved["makemore.vocabulary"]
    model = names["MODEL"](len(vocabulary), names["MODEL"].config_class(**saved["knobs"]))
    model.load_state_dict(saved["weights"])
    lines = run.corpus.lines(run.corpus.rows("test"))
    inputs, targets = names["batch"](lines, {character: id for id, character in enumerate(vocabulary)})
    with torch.no_grad():
        logp = model.eval()(inputs)[0].log_softmax(-1)
        found = logp.gather(-1, targets.clamp(min=0)[..., None])[..., 0] * (targets >= 0)
    expected = losses(run.model, run.corpus, run.corpus.rows("test"))
    assert np.allclose(-found.sum(1).numpy(), np.add.reduceat(expected.tokens, expected.starts), atol=1e-5)
    if model_class(type).counting:  # the script counts as makemore does
        ids = {character: id for id, character in enumerate(vocabulary)}
        names["train"](model, names["split"](run.corpus.lines(range(len(run.corpus)))), ids, Namespace())
        with torch.no_grad():
            assert torch.allclose(model(inputs)[0].log_softmax(-1), logp, atol=1e-4)
    assert set(saved) == {"makemore.vocabulary", "longest", "never", "weights", "knobs", "checksum"}
    assert vocabulary == "\n" + "".join(run.vocab.names[1:])


def test_an_ngram_of_a_long_list_is_fitted_to_the_same_lines_as_the_library() -> None:
    """And characters have the numbers of their kinds there, by which lines of kinds are chosen."""
    random, words = np.random.default_rng(1), ["Ana", "Ben 2", "coda", "Dé", "e-mu", "F4 b"]
    corpus = library.Corpus.from_lines("".join(random.choice(words, 3)) for _ in range(4_000))
    assert len(corpus.tokens) > 35_000
    vocabulary = "\n" + "".join(corpus.vocab.names[1:])
    assert script_kinds.kinds_of(vocabulary).tolist() == kinds_of(corpus.vocab).tolist()
    ids = corpus.tokens[1:].astype(np.int64)
    places, copies = discounts.some_places(ids)
    expected = _some_lines(corpus.tokens.astype(np.int64), np.zeros_like(corpus.tokens))
    assert len(places) < len(ids)

    def lines(ids: Any, copies: Any) -> list[tuple[bytes, int]]:
        ends = np.flatnonzero(ids == 0)
        return sorted(
            (line.tobytes(), int(n)) for line, n in zip(np.split(ids, ends + 1), copies[ends], strict=False)
        )

    assert lines(ids[places], copies) == lines(expected.tokens[1:], expected.copies)


def test_runs_without_a_script_are_refused(tmp_path: Path) -> None:
    few = ["anna", "otto", "lea"] * 9
    things = [f"{line}\nq\u0308" for line in few]
    made = [
        library.train(lines=few, labels=["x", "y", "x"] * 9, type="bigram", work_dir=tmp_path / "labelled"),
        library.train(lines=things, separator="blank", type="bigram", work_dir=tmp_path / "things"),
        library.train(lines=[*few, "q\u0308"], graphemes=True, type="bigram", work_dir=tmp_path / "clusters"),
    ]
    for run, said in zip(made, ("lines have labels", *["clusters or line breaks"] * 2), strict=True):
        with pytest.raises(library.MakemoreError, match=said):
            library.export(run, "script", tmp_path / "mine.py")
    assert not (tmp_path / "mine.py").exists()
