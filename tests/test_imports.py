"""Each package imports only from those below it, and importing makemore loads nothing heavy."""

import ast
import graphlib
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
    "models",
    "corpus",
    "sampling",
    "metrics",
    "runs",
    "plots",
    "training",
    "reports",
    "cli",
]
"""The rooms of the house; each imports only from those before it. The course stands beside, on the corpus."""


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield the package of each file, the file, and each module that it imports."""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
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
    for room, path, name in imports():
        top, _, rest = name.partition(".")
        above = STAIRS[STAIRS.index(room) + 1 :] if room in STAIRS else STAIRS[5:] if room == "course" else []
        assert top != "makemore" or rest.split(".")[0] not in above, f"{path} imports {name}"
        assert top not in ("cyclopts", "rich") or room == "cli", f"{path} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    """Imports for type checking, and inside functions, count too."""
    graph: dict[str, set[str]] = {"": set()}
    for _, path, name in imports():
        importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        graph.setdefault(importer, set()).add(name.removeprefix("makemore."))
    # the facade names what is public; only the shortcuts `Run.eval`, `report` and `plot` go through it
    assert [module for module, names in graph.items() if "makemore" in names] == ["runs.run"]
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_model_families_do_not_import_each_other():
    shared = {"makemore.errors", "makemore.models.base", "makemore.models.limits", "makemore.models.loss"}
    for _, path, name in imports():
        family = path.startswith("models/") and path not in ("models/__init__.py", "models/knobs.py")
        if family and name.startswith("makemore"):
            assert name in shared, f"{path} imports {name}"


DOORS = {"train", "sample", "score"}
"""Functions with more than 8 parameters: the public doors, and a command whose parameters are its options."""

LONG = {"train"}
"""Functions of more than 70 lines: one argument a line, in the signature and in the docstring."""


def test_no_file_or_function_outgrows_its_limits():
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 350, path
        assert "# fmt: skip" not in text, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                own = [each for each in arguments if each.arg not in ("self", "cls")]
                assert node.name in LONG or node.end_lineno - node.lineno < 70, (path, node.name)
                assert node.name in DOORS or len(own) <= 8, (path, node.name)


def test_importing_the_package_loads_neither_torch_nor_numpy():
    code = "import sys, makemore; makemore.__version__; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HEAVY = {"torch", "numpy", "matplotlib", "rich", "docstring_parser", "regex", "safetensors", "asyncio"}


@pytest.mark.parametrize(
    "command",
    ["", "train", "sample", "score", "explain", "eval", "compare", "report", "inspect", "models", "data"],
)
def test_help_loads_nothing_heavy(command):
    assert loaded(*command.split(), "--help") & (HEAVY | {"cyclopts.help", "cyclopts.completion"}) == set()


def test_what_needs_no_model_loads_no_torch():
    assert loaded("data") & HEAVY == set()
    assert "torch" not in loaded("--version")


@pytest.mark.slow
def test_sampling_loads_nothing_that_only_training_needs(small_run):
    for command in (["sample", "-n", "1"], ["score"]):
        there = loaded(command[0], str(small_run), *command[1:])
        assert "torch" in there
        assert there & {"matplotlib", "rich", "tensorboard", "rapidfuzz"} == set()
        assert there & {"cyclopts.help", "cyclopts.completion"} == set()
        assert there & {"torch._dynamo", "torch._inductor", "sympy", "mpmath"} == set()
        assert {
            name
            for name in there
            if name.startswith(("makemore.training", "makemore.plots", "makemore.cli.display"))
        } == set()


def loaded(*args: str) -> set[str]:
    """The modules, and the packages they are in, that are loaded once a command has run."""
    code = """
import sys
from makemore.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code
print("\\n", *sys.modules, sep=" ")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_every_public_name_is_there():
    for name in makemore.__all__:
        assert getattr(makemore, name) is not None
    assert set(makemore.__all__) <= set(dir(makemore))
    with pytest.raises(AttributeError, match="nonsense"):
        makemore.nonsense  # noqa: B018
