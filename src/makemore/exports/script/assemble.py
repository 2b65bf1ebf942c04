"""`eject`: one file with a model, the loop that trains it, a sampler and a command line.

The parts are everything that `main` reaches: a model, and what it uses, word for word as makemore has it, and the
definitions of this package. These are written again, shorter: the base of the models, splits and batches, the
loop, the optimisers, the teacher, losses, samples and the command line. tests/test_script_training.py holds
training equal to the library's, step by step. What depends on the type is written here.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from makemore import __version__
from makemore.exports.script.seal import CHECKSUM, sealed
from makemore.inference.ladder import TYPES
from makemore.models import knobs, model_class
from makemore.runs.settings import recipe

HERE = __name__.rpartition(".")[0]

SHORTER = {f"makemore.models.{name}": f"{HERE}.base" for name in ("base", "embedding", "limits")}
"""Modules whose names come from a shorter one."""


TITLES = {
    f"{HERE}.base": "what every model is",
    "makemore.corpus.splits": "the lines",
    **{f"{HERE}.{name}": "training" for name in ("plain", "taught", "both", "fit")},
    f"{HERE}.main": "the command line",
}
"""Headings before the parts of a module; those of a model have its path, those of others follow without one."""

WIDTH = 110

SHORT = {name: each.class_name for name, each in TYPES.items() if each.strings}
"""Types whose own text would be too long, and the classes of their shorter forms in this package, in files of that name."""

KNOBS = 'KNOBS = {k.name: (k.default, k.metadata["help"]) for k in fields(MODEL.config_class) if k.metadata}'
"""The options of a model that has a dataclass of its knobs."""


@dataclass(frozen=True)
class Part:
    """One definition of a module, and what it uses."""

    name: str
    text: str
    uses: frozenset[str]


@dataclass(frozen=True)
class Source:
    """The definitions of a module in order, and where its other names come from."""

    parts: dict[str, Part]
    ours: dict[str, tuple[str, str]]
    """Names imported from makemore: the module, and the name there."""
    others: dict[str, str]
    """Other imported names: the line that imports each."""


@cache
def source_of(module: str) -> Source:
    """Read a module of makemore."""
    text = inspect.getsource(importlib.import_module(module))
    lines, tree = text.splitlines(), ast.parse(text)
    parts: dict[str, Part] = {}
    ours, others = {}, {}
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                name, renamed = alias.asname or alias.name, f" as {alias.asname}" * bool(alias.asname)
                if isinstance(node, ast.Import):
                    others[name] = f"import {alias.name}{renamed}"
                elif str(node.module).startswith("makemore"):
                    ours[name] = (str(node.module), alias.name)
                else:
                    others[name] = f"from {node.module} import {alias.name}{renamed}"
            continue
        defined = _name_of(node)
        if defined is None:
            continue
        start = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        end = node.end_lineno or node.lineno
        if isinstance(after, ast.Expr) and not isinstance(node, ast.ClassDef | ast.FunctionDef):
            end = after.end_lineno or end  # the sentence about a constant
        uses = frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        parts[defined] = Part(defined, "\n".join(lines[start - 1 : end]), uses)
    return Source(parts, ours, others)


def _name_of(node: ast.stmt) -> str | None:
    """Return the name that a statement defines, if any."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def eject(type: str) -> str:
    """Return a type of model as one Python file that trains it, and samples from it, with torch and numpy only.

    Args:
        type: A name in MODELS.

    Raises:
        MakemoreError: There is no such type.

    """
    model: Any = model_class(type)
    if type in SHORT:
        model = getattr(importlib.import_module(f"{HERE}.{type}"), SHORT[type])
    wanted = _reached(
        [(f"{HERE}.main", "main"), (model.__module__, model.__name__)],
        SHORTER | _chosen(type, model.counting),
    )
    before = ["makemore.counting.strings", "makemore.counting.smoothing"]
    before += [f"{HERE}.{name}" for name in ("counts", "discounts", "usual", "ngram")]
    after = ["makemore.corpus.splits"]
    after += [
        f"{HERE}.{name}" for name in ("lines", "kinds", "score", "plain", "taught", "both", "learn", "fit")
    ]
    before, after = ([each for each in some if each != model.__module__] for some in (before, after))
    before.append(model.__module__)
    imports = {"from typing import Any", *["from dataclasses import fields"] * (type not in SHORT)}
    pieces: list[str] = ["TRAINING: dict[str, Any] = {}"] if model.counting else [_settings(type)]
    for module in [f"{HERE}.base", *before, *after, f"{HERE}.main"]:
        source = source_of(module)
        parts = [part for part in source.parts.values() if (module, part.name) in wanted]
        imports |= {source.others[name] for part in parts for name in part.uses & set(source.others)}
        own = module == model.__module__
        title = "the model: " + module.replace(".", "/") + ".py" if own else TITLES.get(module)
        if parts and title:
            heading = f"# ---- {title} ".ljust(WIDTH, "-") + "\n"
            parts[0] = replace(parts[0], text=heading + parts[0].text)
        pieces += [part.text for part in parts]
        pieces += [f"MODEL = {model.__name__}\n{_knobs(type) if type in SHORT else KNOBS}"] * own
    pieces.append('if __name__ == "__main__":\n    main()')
    head = [f'"""{_about(type, model)}"""', _import_lines(imports)]
    return sealed("\n\n".join(head) + "\n" + _spaced(pieces))


def _chosen(type: str, counting: bool) -> dict[str, str]:
    """Return which modules stand in for others in the script of a type."""
    chosen: dict[str, str] = {}
    if counting:
        chosen = {"learn": "fit"}
    elif type in SHORT:
        chosen = {"taught": "both", "discounts": "usual"}
    elif not recipe(type).teacher:
        chosen = {"taught": "plain"}
    return {f"{HERE}.{name}": f"{HERE}.{other}" for name, other in chosen.items()}


def _reached(start: list[tuple[str, str]], instead: dict[str, str]) -> set[tuple[str, str]]:
    """Return the definitions, by module and name, that some use, directly or by way of others."""
    found: set[tuple[str, str]] = set()
    left = list(start)
    while left:
        module, name = left.pop()
        if (module, name) in found or module == f"{HERE}.chosen":
            continue
        found.add((module, name))
        source = source_of(module)
        for use in source.parts[name].uses:
            if use in source.parts:
                left.append((module, use))
            elif use in source.ours:
                origin, there = source.ours[use]
                left.append((instead.get(origin, origin), there))
    return found


def _about(type: str, model: Any) -> str:
    """Return the docstring of a script."""
    paragraphs = (inspect.getdoc(sys.modules[model.__module__]) or "").split("\n\n")
    last = max(i for i, text in enumerate(paragraphs) if i == 0 or "   " in text)  # the equations
    documented = "\n\n".join(paragraphs[: last + 1])
    return f"""makemore in one file, type {type}: give it a list of things, and it makes more things like them.

Needs torch and numpy. Written by makemore {__version__} from its own sources, {CHECKSUM} {"0" * 12}; MIT licence.
    python mine.py -i names.txt    train on a list, one thing in each line; save mine.pt; sample
    python mine.py -n 100          sample from mine.pt

{documented}
"""


def _settings(type: str) -> str:
    """Return the settings of training, which are those of the type's recipe."""
    own = recipe(type)
    return f"""\
TRAINING = {{"max_steps": ({own.max_steps}, "training steps"), "learning_rate": ({own.learning_rate}, "the highest rate")}}
DECAY, MUON = {own.weight_decay}, {own.muon}  # of matrices, times the rate; whether Muon updates the hidden ones, not AdamW
{f"TEACHER = {own.teacher}  # the share of the targets that a 6-gram predicts{chr(10)}" * bool(own.teacher)}\
TOKENS = {own.tokens}  # characters in a batch"""


def _knobs(type: str) -> str:
    """Return the knobs of a type whose shorter form has no dataclass of them."""
    each = [f'"{knob.name}": ({knob.default}, "{knob.help.partition(":")[0]}")' for knob in knobs(type)]
    if len(each) == 1:
        return f"KNOBS = {{{each[0]}}}"
    return "\n".join(["KNOBS = {", *(f"    {knob}," for knob in each), "}"])


def _import_lines(lines: set[str]) -> str:
    """Return import lines in the usual order: those of the standard library, then others."""
    whole = sorted(line for line in lines if line.startswith("import") or " as " in line)
    names: dict[str, list[str]] = {}
    for line in lines - set(whole):
        _, module, _, name = line.split(" ")
        names.setdefault(module, []).append(name)
    for module, each in names.items():
        each.sort(key=lambda name: (not name.isupper(), name[0].islower(), name))
        whole.append(f"from {module} import {', '.join(each)}")
    whole.sort(key=lambda line: (line.startswith("from"), line.split(" ")[1], " as " in line))
    standard = [line for line in whole if line.split(" ")[1].partition(".")[0] in sys.stdlib_module_names]
    return "\n".join([*standard, "", *(line for line in whole if line not in standard), ""])


def _spaced(pieces: list[str]) -> str:
    """Return pieces of code one below the other: two empty lines around classes, functions and headings."""
    text = ""
    last: bool | None = None
    for piece in pieces:
        large = re.match("(# -.*\n)?(class |def |@|if )", piece) is not None
        text += ("\n\n" if last is not None and (large or last) else "") + piece + "\n"
        last = large
    return text
