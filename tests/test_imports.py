"""Each package imports only from those below it, and importing makemore loads nothing heavy."""

import ast
import graphlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import makemore

ROOT = Path(makemore.__file__).parent
STAIRS = [
    "errors",
    "files",
    "distributed",
    "counting",
    "inference",
    "models",
    "corpus",
    "sampling",
    "metrics",
    "runs",
    "plots",
    "training",
    "reports",
    "exports",
    "play",
    "cli",
]
"""The rooms of the house; each imports only from those before it."""

COURSE = STAIRS[: STAIRS.index("corpus") + 1]
"""What the course imports, which stands beside; only the command line imports it."""


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield the package of each file, the file, and each module that it imports."""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
                assert not getattr(node, "level", 0), f"{place} has a relative import"
                module = getattr(node, "module", None)
                for each in node.names:
                    name = f"{module}.{each.name}" if module else each.name
                    if (
                        module != "makemore"
                        and not Path(ROOT.parent, name.replace(".", "/") + ".py").exists()
                    ):
                        name = module or name  # a class or a function in it
                    yield place.parts[0].removesuffix(".py"), place.as_posix(), name


def test_each_room_imports_only_from_those_below_it():
    outside = {"__init__", "__main__"}  # the facade names what is in all rooms
    for room, path, name in imports():
        below = {room: STAIRS[: i + 1] for i, room in enumerate(STAIRS)}
        below |= {"course": [*COURSE, "course"], "cli": [*STAIRS, "course"]}
        top, _, rest = name.partition(".")
        assert room in outside or room in below, f"{path} is in no room"
        if top == "makemore" and rest and room not in outside:
            assert rest.split(".")[0] in (*below[room], "__version__"), f"{path} imports {name}"
        assert top not in ("cyclopts", "rich") or room == "cli", f"{path} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    """Imports for type checking, and inside functions, count too."""
    graph: dict[str, set[str]] = {"": set()}
    for _, path, name in imports():
        importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        graph.setdefault(importer, set()).add(name.removeprefix("makemore."))
    # the facade names what is public; only the shortcuts `Run.eval`, `report` and `plot` go through it, and
    # the process of the playground that calls what people call
    assert [module for module, names in graph.items() if "makemore" in names] == ["play.child", "runs.run"]
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_model_families_do_not_import_each_other():
    shared = {
        "makemore.errors",
        "makemore.models.base",
        "makemore.models.embedding",
        "makemore.models.limits",
        "makemore.models.loss",
    }
    for _, path, name in imports():
        # the mixture joins two families; what counts does so without torch
        counting = name.startswith("makemore.counting") and path in (
            "models/bigram.py",
            "models/ngram.py",
            "models/ctw.py",
            "models/mixture.py",
        )
        counting |= name.startswith("makemore.models") and path == "models/mixture.py"
        family = path.startswith("models/") and path not in ("models/__init__.py", "models/knobs.py")
        if family and name.startswith("makemore") and not counting:
            assert name in shared, f"{path} imports {name}"


DOORS = {
    ("corpus/cache.py", "read"),
    ("training/start.py", "train"),
    ("runs/run.py", "sample"),
    ("runs/run.py", "most_likely"),
    ("reports/comparison.py", "compare"),
    ("cli/score.py", "score"),
}
"""Functions with more than 8 parameters: public doors, and a command whose parameters are its options."""

LONG = {("training/start.py", "train")}
"""Functions of more than 70 lines: one argument a line, in the signature and in the docstring."""


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield the file of each function, and the function."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path.relative_to(ROOT).as_posix(), node


def lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def test_no_file_or_function_outgrows_its_limits():
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 350, path
        assert "# fmt: skip" not in text, path
    for path, node in functions():
        given = node.args
        all_of = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        own = [each for each in all_of if each is not None and each.arg not in ("self", "cls")]
        assert (path, node.name) in LONG or lines(node) <= 70, (path, node.name)
        assert (path, node.name) in DOORS or len(own) <= 8, (path, node.name)


def test_the_house_stays_small():
    assert len([path for path in ROOT.iterdir() if path.name != "__pycache__"]) <= 20
    loop = ROOT / "training" / "loop.py"
    assert len(loop.read_text("utf-8").splitlines()) <= 100
    (length,) = (
        lines(node) for path, node in functions() if (path, node.name) == ("training/loop.py", "steps")
    )
    assert length <= 60
    code = "".join(path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py")))
    assert len(re.findall(r"\bAny\b", code)) < 60
    assert "hasattr(model" not in code
    assert "__class__ =" not in code


def test_importing_the_package_loads_neither_torch_nor_numpy():
    code = "import sys, makemore; makemore.__version__; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HEAVY = {"torch", "numpy", "matplotlib", "rich", "docstring_parser", "regex", "safetensors", "asyncio"}


def test_help_loads_nothing_heavy():
    commands = [
        "",
        "train",
        "sample",
        "score",
        "explain",
        "eval",
        "compare",
        "report",
        "export",
        "import",
        "inspect",
        "models",
        "data",
    ]
    for command, there in loaded(*(f"{command} --help" for command in commands)).items():
        assert there & (HEAVY | {"cyclopts.help", "cyclopts.completion"}) == set(), command


def test_what_needs_no_model_loads_no_torch():
    there = loaded("data", "--version")
    assert there["data"] & HEAVY == set()
    assert "torch" not in there["--version"]


RUNS = Path(__file__).parent / "old_runs"


@pytest.mark.parametrize("run", ["gru", "ngram"])
def test_a_finished_run_is_used_without_torch(run):
    commands = [
        "sample RUN",
        "sample RUN --unique --json",
        "score RUN anna",
        "explain RUN anna",
        "--sample-only -o RUN",
    ]
    for command, there in loaded(*(command.replace("RUN", str(RUNS / run)) for command in commands)).items():
        assert there & {"torch", "matplotlib", "regex", "rapidfuzz", "asyncio"} == set(), command
        assert not any(name.startswith(("makemore.plots", "makemore.models")) for name in there), command


@pytest.mark.slow
def test_sampling_many_lines_loads_nothing_that_only_training_needs(small_run):
    (there,) = loaded(f"sample {small_run} -n 60000").values()
    assert "torch" in there
    assert there & {"matplotlib", "rich", "tensorboard", "rapidfuzz"} == set()
    assert there & {"cyclopts.help", "cyclopts.completion"} == set()
    assert there & {"torch._dynamo", "torch._inductor", "sympy", "mpmath"} == set()
    assert not any(
        name.startswith(("makemore.training", "makemore.plots", "makemore.cli.display")) for name in there
    )


def test_what_is_wrong_is_said_without_torch(names_run, tmp_path):
    """All in one process, which ends at the first command that needs torch to refuse."""
    run, new = str(names_run), ["-o", str(tmp_path / "new")]
    refused = [
        ["sample", "no"], ["sample", run, "--length", "8-5"], ["sample", run, "--top-p", "2"],
        ["score", "no", "a"], ["score", run, "-i", "no"], ["classify", "no", "a"], ["classify", run, "a"],
        ["explain", "no", "a"], ["inspect", "no"], ["inspect", "names", "--encoding", "x"],
        ["models", "no"], ["models", "--max-length", "0"], ["compare", "no"], ["compare", "no", run],
        ["compare", "names", "--min-count", "0"], ["compare", run, "--types", "lstm"], ["eval", "no"],
        ["blend", "no", run, *new], ["blend", run, "--weights", "x", *new], ["report", "no"],
        ["train", "no", *new], ["train", "names", "--from", "no", *new], ["--resume", *new],
        ["train", "names", "--encoding", "x", *new], ["train", "names", "--batch-size", "0", *new],
    ]  # fmt: skip
    code = """
import json, sys
from makemore.cli.main import outcome
for words in json.loads(sys.argv[1]):
    status, sentence = outcome(words)
    assert status == 2 and sentence and "torch" not in sys.modules, (words, status, sentence)
"""
    subprocess.run([sys.executable, "-c", code, json.dumps(refused)], check=True, cwd=tmp_path)


def loaded(*commands: str) -> dict[str, set[str]]:
    """The modules, and the packages they are in, that are loaded once each of these has run, in one process."""
    code = """
import sys
from makemore.cli.main import main
for command in sys.argv[1:]:
    sys.argv = ["makemore", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
    print("\\nLOADED", *sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *commands],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    told = [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return dict(zip(commands, told, strict=True))


def test_every_public_name_is_there():
    for name in makemore.__all__:
        assert getattr(makemore, name) is not None
    assert set(makemore.__all__) <= set(dir(makemore))
    with pytest.raises(AttributeError, match="nonsense"):
        makemore.nonsense  # noqa: B018
