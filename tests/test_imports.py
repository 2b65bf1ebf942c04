"""The dependencies between modules point one way, and importing the package loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import makemore

ROOT = Path(makemore.__file__).parent
FAMILIES = {f"models.{path.stem}" for path in (ROOT / "models").glob("*.py")} - {"models.__init__"}

# what each module may import from the package
ALLOWED = {
    "errors": set(),
    "records": set(),
    "terminal": set(),
    "files": {"errors"},
    "manifest": {"errors", "files"},
    "directory": {"errors", "files", "manifest", "store"},
    "vocab": {"errors"},
    "loss": set(),
    "parallel": {"errors"},
    "launching": {"__init__", "errors", "parallel"},
    "batches": {"corpus"},
    "optimizer": {"loss"},
    "recipes": set(),
    "models": {"errors"} | FAMILIES,
    "sources": {"errors", "files"},
    "charsets": {"errors"},
    "looks": {"advice", "charsets", "corpus", "formats"},
    "formats": set(),
    "reading": {"charsets", "errors", "formats", "sources", "vocab"},
    "store": {"errors", "files", "manifest", "reading", "vocab"},
    "corpus": {"errors", "reading", "store", "vocab"},
    "cache": {"corpus", "errors", "files", "formats", "manifest", "reading", "sources", "store", "vocab"},
    "search": {"errors", "vocab"},
    "matching": {"errors"},
    "capacity": {"errors", "models"},
    "sampling": {"__init__", "errors", "matching", "parallel", "search", "vocab"},
    "evaluation": {"batches", "corpus", "loss", "parallel"},
    "quality": set(),
    "memorising": {"corpus", "evaluation"},
    "advice": {"memorising"},
    "assessment": {
        "advice", "corpus", "errors", "evaluation", "files", "loop", "memorising", "models", "quality", "run", "sampling",
    },
    "run": {
        "__init__", "corpus", "directory", "errors", "evaluation", "files", "manifest", "models", "parallel", "reading",
        "records", "sampling", "search", "store", "vocab",
    },
    "inspection": {
        "advice", "batches", "cache", "corpus", "evaluation", "looks", "loop", "models", "optimizer", "quality", "reading",
        "recipes", "sources", "vocab",
    },
    "style": set(),
    "report": {"errors", "evaluation", "files", "run", "style"},
    "diagnostics": {"advice", "directory", "files", "loss", "records", "run", "style"},
    "events": {"advice", "run", "sampling"},
    "loop": {
        "advice", "batches", "capacity", "corpus", "diagnostics", "errors", "evaluation", "events", "files", "loss", "memorising",
        "models", "optimizer", "parallel", "report", "run", "sampling",
    },
    "training": {
        "cache", "capacity", "corpus", "directory", "errors", "events", "files", "loop", "models", "optimizer", "parallel",
        "reading", "recipes", "report", "run", "sampling", "sources",
    },
    "comparison": {
        "cache", "corpus", "errors", "evaluation", "events", "files", "inspection", "loop", "manifest", "memorising", "models",
        "quality", "recipes", "records", "run", "training",
    },
    "display": {
        "__init__", "cache", "corpus", "errors", "events", "layout", "looks", "memorising", "models", "parallel", "run",
        "sampling", "terminal",
    },
    "layout": {"terminal"},
    "plots": {"advice", "corpus", "directory", "files", "loop", "manifest", "quality", "run", "style", "vocab"},
    "tables": {"advice", "corpus", "events", "layout", "looks", "memorising", "quality", "run", "terminal"},
    "markup": {"terminal"},
    "portrait": {"advice", "corpus", "markup", "memorising", "plots", "quality", "run", "terminal"},
    "page": {
        "__init__", "assessment", "comparison", "directory", "errors", "files", "manifest", "markup", "plots", "portrait",
        "run",
    },
    "options": {"errors"},
    "streams": set(),
    "course": {"errors", "files", "sources"},
    "grading": {"course", "errors"},
    "stopping": set(),
    "measuring": {
        "assessment", "comparison", "errors", "files", "inspection", "options", "page", "run", "stopping", "streams",
        "tables", "terminal",
    },
    "cli": {
        "__init__", "cache", "course", "display", "errors", "files", "grading", "launching", "layout", "loop", "measuring",
        "models", "options", "parallel", "reading", "recipes", "run", "sources", "stopping", "streams", "terminal",
        "training",
    },
    "__main__": {"cli"},
    "__init__": {
        "assessment", "cache", "comparison", "corpus", "errors", "evaluation", "models", "run", "training", "vocab",
    },
} | {family: {"models.limits"} - {family} for family in FAMILIES}  # fmt: skip

# what else these may import, besides the standard library
OUTSIDE = {
    "sources": set(),
    "errors": set(),
    "records": set(),
    "vocab": {"numpy"},
    "corpus": {"numpy"},
    "reading": {"numpy"},
    "store": {"numpy"},
    "batches": {"numpy"},
    "recipes": set(),
}
OUTSIDE |= {"__init__": set(), "loss": {"torch"}, "optimizer": {"torch"}}
OUTSIDE |= {family: {"torch"} for family in FAMILIES} | {"models.ngram": {"torch", "numpy"}}


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return "models" if name == "models.__init__" else name


MODULES = {module_name(path): path for path in ROOT.rglob("*.py")}
each_module = pytest.mark.parametrize("name", sorted(MODULES))


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the modules of the package and the other top-level ones that a file imports anywhere in it."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            if node.module == "makemore":  # the names are modules, or defined in __init__
                names = [f"makemore.{a.name}" if a.name in MODULES else "makemore" for a in node.names]
            else:
                names = [node.module or ""]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            if top == "makemore":
                inside.add(rest or "__init__")
            else:
                outside.add(top)
    return inside, outside


@each_module
def test_modules_import_only_what_lies_below_them(name):
    assert name in ALLOWED, f"say in ALLOWED what {name} may import"
    inside, outside = imports(MODULES[name])
    assert inside <= ALLOWED[name]
    if name in OUTSIDE:
        assert outside - set(sys.stdlib_module_names) <= OUTSIDE[name]


def test_the_rules_hold_no_circle():
    order: list[str] = []
    while len(order) < len(ALLOWED):
        free = [n for n in ALLOWED if n not in order and ALLOWED[n] - {"__init__"} <= set(order)]
        assert free, "a circle among " + ", ".join(sorted(set(ALLOWED) - set(order)))
        order += free


def test_nothing_imports_the_shells():
    for name, path in MODULES.items():
        inside, outside = imports(path)
        assert "cli" not in inside or name == "__main__"
        assert "display" not in inside or name == "cli"
        assert "tables" not in inside or name == "measuring"
        assert "cyclopts" not in outside or name in ("cli", "options")
        assert "rich" not in outside or name in ("cli", "display", "layout", "measuring", "tables")


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
        assert there & {"matplotlib", "rich", "tensorboard", "cyclopts.help", "cyclopts.completion"} == set()
        assert there & {"torch._dynamo", "torch._inductor", "sympy", "mpmath"} == set()
        assert (
            there & {f"makemore.{name}" for name in ("training", "loop", "report", "optimizer", "display")}
            == set()
        )


def loaded(*args: str) -> set[str]:
    """The modules, and the packages they are in, that are loaded once a command has run."""
    code = """
import sys
from makemore.cli import main
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
