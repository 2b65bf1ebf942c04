"""The command line as a whole: its commands, and parsing what was typed."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, UnknownOptionError

from makemore import __version__
from makemore.cli import train
from makemore.cli.blend import blend
from makemore.cli.classify import classify
from makemore.cli.course import lessons
from makemore.cli.errors import COMMANDS
from makemore.cli.export import eject, export, import_
from makemore.cli.help import command_page, front_page
from makemore.cli.lists import cache, data, models
from makemore.cli.measure import compare, eval_, explain, inspect_, report
from makemore.cli.options import STANDARD_INPUT, flag_of, option, path
from makemore.cli.play import play
from makemore.cli.processes import Launch
from makemore.cli.sample import sample
from makemore.cli.score import score
from makemore.cli.terminal import program, tell
from makemore.errors import MakemoreError, alike, shown
from makemore.runs.settings import DEFAULT_TYPE

Command = Callable[..., int | Launch]

_COMPLETION = "--install-completion"
_HELP = ("--help", "-h")


def run(argv: Sequence[str]) -> int | Launch:
    """Run the words after `makemore`; return the exit status, or a Launch if several processes are wanted.

    Raises:
        MakemoreError: Something given is wrong.
        CycloptsError: An option, or a value, is not accepted.

    """
    words = _with_standard_input(argv)
    if words[:1] == ["help"]:
        return _help_with(words[1:])
    before_end = words[: words.index("--")] if "--" in words else words
    if any(word in _HELP for word in before_end):
        print(_help([word for word in before_end if word not in (*_HELP, "--version")]))
        return 0
    trains = command_of(words) == "train"
    # a type's own options need torch, so they are added only if an option was typed that not every type has
    common = train.OPTIONS | {"--version", _COMPLETION}
    own = trains and any(word[:2] == "--" and word.partition("=")[0] not in common for word in before_end)
    app = _app(model_type(words) if own else None)
    if any(word.startswith(_COMPLETION) for word in words):
        app.command(_installer(app), name=_COMPLETION)
    try:
        result: int | Launch = app(words) or 0
    except UnknownOptionError as error:
        if not trains:
            raise
        raise _not_an_option(error.token.keyword or error.token.value, model_type(words)) from None
    return result


def commands(type_name: str | None = None) -> dict[str, Command]:
    """Return the commands by name, in the order of the help; `train` has the options of the type."""
    measuring: tuple[Command, ...] = (
        explain,
        classify,
        eval_,
        compare,
        report,
        play,
        export,
        eject,
        inspect_,
    )
    every: tuple[Command, ...] = (blend, import_, sample, score, *measuring, models, data, cache, lessons)
    return dict(zip(COMMANDS, (train.command(type_name), *every), strict=True))


def page(name: str, type_name: str | None = None) -> str:
    """Return the help of a command, with a type's options; another name means makemore as a whole."""
    every = commands(type_name)
    defaults = train.defaults(type_name or DEFAULT_TYPE)
    if name == _COMPLETION:
        return command_page(name, _installer(App()), {})
    if name not in every:
        return front_page(every, defaults)
    return command_page(name, every[name], defaults if name == "train" else {})


def command_of(words: Sequence[str]) -> str:
    """Return the command that a command line names; without one it trains."""
    return words[0] if words and words[0] in COMMANDS else "train"


def model_type(words: Sequence[str]) -> str:
    """Return the type of model that a command line means: the options it may hold depend on it."""
    type, directory, resume = _meant(words)
    if resume and type is None:
        from makemore.runs.run import load

        return load(directory).type
    return DEFAULT_TYPE if type is None else type


def _meant(words: Sequence[str]) -> tuple[str | None, Path, bool]:
    """Return what a command line says with --type, --work-dir and --resume, whatever else it holds."""

    def said(
        *,
        type: str | None = None,
        work_dir: Annotated[Path, path("", "-o")] = train.WORK_DIR,
        resume: Annotated[bool, option("")] = False,
    ) -> tuple[str | None, Path, bool]:
        return type, work_dir, resume

    app = App(default_command=said, help_flags=(), version_flags=(), print_error=False, exit_on_error=False)
    _, bound, *_ = app.parse_known_args(list(words))
    return said(*bound.args, **bound.kwargs)


def _with_standard_input(argv: Sequence[str]) -> list[str]:
    """Return the words with - replaced where it means standard input; cyclopts takes it for an option."""
    takes_files = bool(argv) and (
        argv[0] in ("train", "inspect", "models", "play") or argv[0] not in COMMANDS
    )
    end = argv.index("--") if "--" in argv else len(argv)
    words = []
    for i, (before, word) in enumerate(zip(["", *argv], argv, strict=False)):
        if i < end and word in ("-i-", "-i=-", "--input-file=-"):
            words.append(f"--input-file={STANDARD_INPUT}")
        elif word == "-" and (
            (i < end and before in ("-i", "--input-file"))
            or (takes_files and (i > end or not _awaits_value(before)))
        ):
            words.append(STANDARD_INPUT)
        else:
            words.append(word)
    return words


def _awaits_value(word: str) -> bool:
    """Return whether the word after this one is its value: not after --seed=3, -b3 or --resume."""
    option_alone = len(word) == 2 if word[:2] != "--" else "=" not in word
    return word[:1] == "-" and option_alone and word not in (*train.FLAGS, "--json", "--no-open")


def _app(type_name: str | None) -> App:
    """Return the command line, with the options of a type of model or without any."""
    app = App(
        name="makemore",
        version=__version__,
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    every = commands(type_name)
    app.default(every["train"])
    for name, command in every.items():
        app.command(App(default_command=command, name=name))
    return app


def _help_with(words: Sequence[str]) -> int:
    """Print the help for `makemore help COMMAND`."""
    name = next((word for word in words if word not in (*_HELP, "help")), "")
    if name and name not in COMMANDS:
        there = alike(name, COMMANDS) or f" there are {', '.join(COMMANDS)}"
        raise MakemoreError(f"{shown(name)}: no such command;{there}")
    print(page(name))
    return 0


def _help(words: Sequence[str]) -> str:
    """Return the help for a command line with --help. words: Its other words."""
    type_name = None
    with suppress(CycloptsError):  # help is there for whoever cannot finish a command line
        type_name = _meant(words)[0]
    return page(words[0] if words else "", type_name)


def _not_an_option(word: str, type_name: str) -> MakemoreError:
    """Return the error about an option of `train` that a type does not have."""
    from makemore.models import MODELS, knobs

    has = [flag_of(k.name) for k in knobs(type_name)]
    others = [name for name in MODELS if word in [flag_of(k.name) for k in knobs(name)]]
    if others:
        advice = f" it is one of --type {' and '.join(others)}"
    else:
        advice = (
            alike(word, [*has, *train.OPTIONS, "--help", "--version"])
            or f" see {program()} train --type {type_name} --help"
        )
    own = ", ".join(has) or "no options of its own"
    return MakemoreError(f"{shown(word)}: not an option of --type {type_name}, which has {own};{advice}")


def _installer(app: App) -> Command:
    """Return the command that installs the completion of a command line."""

    def install(
        *,
        shell: Annotated[
            Literal["bash", "zsh", "fish", "powershell"] | None,
            option("bash, zsh, fish or powershell. [default: the one you are using]"),
        ] = None,
        output: Annotated[
            Path | None, path("Where to write the script. [default: where the shell looks for it]", "-o")
        ] = None,
    ) -> int:
        """Install completion of commands and options for your shell."""
        from cyclopts.completion.detect import ShellDetectionError

        try:
            written = app.install_completion(shell=shell, output=output)
        except ShellDetectionError:
            raise MakemoreError(
                f"{_COMPLETION}: cannot tell which shell this is; name it, as in {_COMPLETION} --shell zsh"
            ) from None
        except OSError as error:
            where = "the script" if error.filename is None else shown(error.filename)
            why = error.strerror or error
            raise MakemoreError(
                f"{_COMPLETION}: {where} cannot be written ({why}); choose another place with --output"
            ) from None
        tell(f"written: {written}; restart your shell to use it")
        return 0

    return install
