"""The one exception that is meant for people, and how its message quotes what they gave."""

import shlex
from collections.abc import Iterable
from pathlib import Path

QUOTED = 60
"""Characters of somebody's text that a message shows at most."""


class MakemoreError(Exception):
    """Something the person can mend. The message is one sentence that says what is wrong and what to do.

    The command line prints it and exits with status 2; the library raises it.
    """


def quoted(text: object, most: int = QUOTED) -> str:
    """Return text for a message, in quotes: control characters escaped, and its middle left out if it is long.

    Args:
        text: A line, a pattern, an option's value; what is no string is shown as `str` has it.
        most: Characters of it to show.

    """
    text = str(text)
    mark = '"' if "'" in text and '"' not in text else "'"
    if len(text) <= most:
        return f"{mark}{_visible(text)}{mark}"
    head, tail = text[: most - most // 4], text[len(text) - most // 4 :]
    return f"{mark}{_visible(head)}...{_visible(tail)}{mark} ({len(text):,} characters)"


def shown(text: object, most: int = 4 * QUOTED) -> str:
    """Return text for a message without quotes: a file's name, say. Otherwise as `quoted`."""
    text = str(text)
    if len(text) > most:
        text = text[: most - most // 4] + "..." + text[len(text) - most // 4 :]
    return _visible(text)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def command_line(*words: object) -> str:
    """Return a command line of makemore to be copied into a shell, each word quoted where it must be."""
    # a path that begins with a hyphen would be read as an option
    safe = (
        f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words
    )
    return shlex.join(["makemore", *safe])


def alike(word: str, names: Iterable[str]) -> str:
    """Return " did you mean NAME?" if a word is nearly one of the names, else nothing."""
    import difflib  # only when something is wrong

    found = difflib.get_close_matches(word, list(names), 1, 0.65)
    return f" did you mean {found[0]}?" if found else ""
