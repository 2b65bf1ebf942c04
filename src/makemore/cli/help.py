"""The text that `--help` prints, made from the signatures of the commands.

The help of cyclopts is not used: it loads rich and takes twice as long.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import get_args

from cyclopts import App, Argument

from makemore.cli.options import FILES, MODEL, TRAINING
from makemore.cli.terminal import columns, wrapped

ABOUT = (
    "Makes more things like the lines of a text file. Give it a file with one thing per line, names for "
    "example: it trains a character-level language model on them and invents new ones. Without a command, "
    "it trains."
)

EXAMPLES = {
    "train": """
makemore                            train on the bundled names, into out/
makemore mine.txt -o mine           train on a list of your own (or -i mine.txt)
makemore -i mine.txt --type ngram   by counting: seconds instead of a minute
makemore -o mine --resume           continue where training was stopped
makemore -i 'data/*.gz' --nproc 2   files larger than memory, with several processes
""",
    "sample": """
makemore sample mine -n 1000 > more.txt
makemore sample mine --prefix ka --temperature 0.7
makemore sample mine --pattern '[a-d].{4,6}' --novel --unique
makemore sample mine --ends-with son --without q --length 5-8
makemore sample mine --most-likely 10 --prefix ka
makemore sample mine --nproc 2 -n 10000000 > many.txt
""",
    "blend": """
makemore blend greek irish --weights 0.7,0.3 -o both
makemore blend greek irish --how product -o both   only what both find likely
""",
    "score": """
makemore score mine emma xqz        how likely lines are
makemore score mine --letters emma  and which letters surprise it
makemore score mine < many.txt | sort -n | head
makemore score mine -i huge.txt.gz --nproc 2 > scores.txt
""",
    "explain": """
makemore explain mine emma          what was expected at each letter
makemore explain mine other emma    two runs side by side
""",
    "eval": """
makemore eval mine                  how good it is, and what to watch out for
makemore eval mine --json | jq .nll.test
""",
    "compare": """
makemore compare mine.txt --types ngram,lstm,mixture --time 60
makemore compare mine other         two runs trained on the same file
""",
    "report": """
makemore report mine                one page with everything, and the plots
""",
    "export": """
makemore export mine --to script -o mine.py
""",
    "eject": """
makemore eject lstm > mine.py       a model, its training and a sampler in one file
""",
    "inspect": """
makemore inspect mine.txt
""",
    "models": """
makemore models -i mine.txt
""",
    "lessons": """
makemore lessons                    the course: how far you are, and what is next
makemore lessons start 4            copy a lesson to lesson-4/, to work in
makemore lessons open 4             read it in JupyterLab
makemore lessons check 4 leak       grade an exercise, or all without its name
makemore lessons hint 4 leak        a hint; ask again for the next
makemore lessons start museum       broken programs to fix
""",
}

_MORE = (
    ("COMMAND --help", "The options of a command; -h for short."),
    ("--version", "Print the version."),
    ("--install-completion", "Install completion for your shell."),
)

_STATUSES = (
    ("0", "Success."),
    ("1", "Exercises are not right yet (lessons check)."),
    ("2", "The input was wrong; one sentence on standard error says what to do."),
    ("130", "It was interrupted; a training run that was stopped is saved."),
)

_WIDEST = 100
"""The most columns of the text."""

_BESIDE = 30
"""Columns that an option's help needs to be readable; where there are fewer it goes below the option."""

Command = Callable[..., object]


def front_page(commands: Mapping[str, Command], defaults: Mapping[str, str]) -> str:
    """Return the help of makemore as a whole: all commands, and the options and defaults of `train`."""
    width = min(columns(), _WIDEST)
    places, options = _options(commands["train"], defaults)
    sections = {"Commands": [(name, _title(each)) for name, each in commands.items()], **options}
    sections |= {"More": list(_MORE), "Exit status": list(_STATUSES)}
    examples = [text.strip().splitlines() for text in EXAMPLES.values()]
    some = [line for i, each in enumerate(examples) for line in (each if i < 2 else each[:1])]
    usage = " ".join(["Usage: makemore [COMMAND]", *places, "[OPTIONS]"])
    return _page(usage, ABOUT, sections, some, width)


def command_page(name: str, command: Command, defaults: Mapping[str, str]) -> str:
    """Return the help of one command; `defaults` are those that its signature does not show, by argument."""
    width = min(columns(), _WIDEST)
    places, options = _options(command, defaults)
    examples = EXAMPLES.get(name, "").strip().splitlines()
    usage = " ".join([f"Usage: makemore {name}", *places, "[OPTIONS]"])
    return _page(usage, _title(command), options, examples, width)


def _page(
    usage: str, about: str, sections: Mapping[str, list[tuple[str, str]]], examples: list[str], width: int
) -> str:
    parts = [usage, "\n".join(wrapped(about, width))]
    parts += [f"{name}:\n{_columns(rows, width)}" for name, rows in sections.items()]
    if examples:
        parts.append("\n".join(["Examples:", *(row for line in examples for row in _example(line, width))]))
    return "\n\n".join(parts)


def _title(command: Command) -> str:
    """Return what a command does: the first paragraph of its docstring."""
    return " ".join((inspect.getdoc(command) or "").partition("\n\n")[0].split())


def _options(
    command: Command, defaults: Mapping[str, str]
) -> tuple[list[str], dict[str, list[tuple[str, str]]]]:
    """Return the arguments of a command for its usage line, and its options by section with their help."""
    places: list[str] = []
    sections: dict[str, list[tuple[str, str]]] = {}
    for argument in App(default_command=command).assemble_argument_collection(parse_docstring=False):
        if argument.children or argument.parameter.help is None:  # a dataclass, whose fields follow
            continue
        label, place = _label(argument)
        if place:
            places.append(f"[{place}]")
        groups = argument.parameter.group
        groups = groups if isinstance(groups, tuple) else (groups,)
        name = next((g.name for g in (FILES, MODEL, TRAINING) if g in groups), "Options")
        default = defaults.get(argument.field_info.name) or _default(argument)
        text = argument.parameter.help + (f" [default: {default}]" if default else "")
        sections.setdefault(name, []).append((label, text))
    return places, sections


def _default(argument: Argument) -> str:
    """Return the default of an option as help shows it; empty for a switch and for None."""
    default = argument.field_info.default
    is_shown = isinstance(default, str | int | float | Path) and not isinstance(default, bool)
    return str(default) if is_shown else ""


def flags(command: Command) -> set[str]:
    """Return all spellings of all options of a command."""
    arguments = App(default_command=command).assemble_argument_collection(parse_docstring=False)
    return {name for argument in arguments for name in argument.names if name.startswith("-")}


def _label(argument: Argument) -> tuple[str, str]:
    """Return the label of an argument in the help, and its name in the usage line ("" for a mere option)."""
    spellings = ", ".join(sorted((name for name in argument.names if name.startswith("-")), key=len))
    if argument.index is not None:
        several = argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL
        place = argument.field_info.name.upper() + "..." * several
        return ", ".join(filter(None, [place, spellings])), place
    kinds = get_args(argument.hint) or [argument.hint]  # or those of a Literal's choices
    (kind,) = {each if isinstance(each, type) or get_args(each) else type(each) for each in kinds} - {
        NoneType
    }
    kind = next(iter(get_args(kind)), kind)  # the type of each value, if there can be several
    kind = kind if isinstance(kind, type) else type(kind)  # a Literal's choices
    return spellings + f" {kind.__name__.upper()}" * (kind is not bool), ""


def _columns(rows: Iterable[tuple[str, str]], width: int) -> str:
    """Return names with their texts to the right, or below if there is no room."""
    rows = list(rows)
    left = max(len(name) for name, _ in rows) + 4
    lines = []
    for name, text in rows:
        if width - left >= _BESIDE:
            lines += wrapped(f"  {name}".ljust(left) + text, width, " " * left)
        else:
            lines += [f"  {name}", *wrapped(" " * 6 + text, width, " " * 6)]
    return "\n".join(lines)


def _example(line: str, width: int) -> list[str]:
    """Return a command with what it does beside it, or above it if there is no room."""
    text, _, says = line.partition("  ")
    if len(line) + 2 <= width or not says:
        return [f"  {line}"]
    return [*wrapped(f"  # {says.strip()}", width, "  # "), f"  {text}"]
