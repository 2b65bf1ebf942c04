"""The one exception that is meant for people, and how its message quotes their input."""

import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

QUOTED = 60
"""How many characters of the user's text a message shows, at most."""

CONTROLS = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
"""Categories of characters that control a terminal, or that hide or reorder the text around them."""

HARMLESS = frozenset("\t\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Exceptions that are ordinary text: the tab, joiners (emoji, Persian, Hindi) and Arabic number signs."""

CUT = "…"
"""Printed after a sample that was cut off at the maximum length."""


class MakemoreError(Exception):
    """Something the user can fix. The message is one sentence that says what is wrong and what to do.

    The library raises it and names its own arguments ("top_k must be 1 or more, not 0"). The command line
    prints it with those names spelled as options (`--top-k`) and exits with status 2.

    Args:
        message: The sentence.
        option: The argument, or arguments, that the message is about, by their Python names.

    """

    def __init__(self, message: str, *, option: str | tuple[str, ...] = ()) -> None:
        """Keep the message, and the arguments that it is about."""
        super().__init__(visible(message))  # file names may contain line breaks
        self.options = (option,) if isinstance(option, str) else option

    def spelled(self, flag: Callable[[str], str]) -> str:
        """Return the message with its arguments named as `with_flags` does."""
        return with_flags(str(self), self.options, flag)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the arguments too, for errors that cross processes."""
        return _remade, (str(self), self.options)


def _remade(message: str, options: tuple[str, ...]) -> MakemoreError:
    return MakemoreError(message, option=options)


_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"")
"""A part of a message that `quoted` made."""


def with_flags(text: str, options: Iterable[str], flag: Callable[[str], str]) -> str:
    """Return a text with the first mention of each argument replaced by the option that sets it.

    "encoding=latin-1" becomes "--encoding latin-1", and "resume=True" becomes "--resume". `flag` returns the
    option that sets an argument; `str` leaves its name as it is.
    """
    if flag is str:
        return text
    quotes = [found.span() for found in _QUOTED.finditer(text)]  # what the user gave is not ours to change
    for option in options:
        mentions = [
            found
            for found in re.finditer(rf"(?<![\w/.-])({option})(?![\w/-]|\.\w)(=True\b|=)?", text)
            if not any(start < found.start() < end for start, end in quotes)
        ]
        # "overwrite: already holds a run" is about a directory with that name
        mentions.sort(key=lambda found: text[found.end() : found.end() + 1] == ":")
        if mentions:
            found = mentions[0]
            spelled = flag(found[1]) + " " * (found[2] == "=")
            text = text[: found.start()] + spelled + text[found.end() :]
            quotes = [span.span() for span in _QUOTED.finditer(text)]
    return text


def quoted(text: object) -> str:
    """Return text for a message, in quotes: special characters escaped, the middle of long text left out.

    It shows at most QUOTED characters of a line, a pattern, or whatever else `str` converts.
    """
    text = str(text)
    mark = '"' if "'" in text and '"' not in text else "'"
    if len(text) <= QUOTED:
        return f"{mark}{visible(text, strict=True)}{mark}"
    return f"{mark}{_cut(text, QUOTED)}{mark} ({len(text):,} characters)"


def shown(text: object, most: int = 4 * QUOTED) -> str:
    """Return text for a message as `quoted` does, but without quotes: the name of a file, for example."""
    text = str(text)
    return visible(text, strict=True) if len(text) <= most else _cut(text, most)


def _cut(text: str, most: int) -> str:
    """Return the beginning and the end of a long text."""
    ends = text[: most - most // 4], text[len(text) - most // 4 :]
    return "...".join(visible(end, strict=True) for end in ends)


def visible(text: str, strict: bool = False) -> str:
    r"""Return a text in which characters that control a terminal are escaped, as in `\x1b` and `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(repr(c)[1:-1] if (strict and not c.isprintable()) or obeyed(c) else c for c in text)


def obeyed(character: str) -> bool:
    """Return whether a character would control a terminal instead of being shown by it."""
    return unicodedata.category(character) in CONTROLS and character not in HARMLESS


def command_line(*words: object) -> str:
    """Return a makemore command line to copy into a shell, its words quoted where necessary."""
    # a path that begins with a hyphen would be read as an option
    safe = (
        f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words
    )
    return shlex.join(["makemore", *safe])


def alike(word: str, names: Iterable[str]) -> str:
    """Return " did you mean NAME?" if a word resembles one of the names, else ""."""
    import difflib  # only when something is wrong

    bare = {name.lstrip("-"): name for name in names}  # dashes make all options look alike
    found = difflib.get_close_matches(word.lstrip("-"), bare, 1, 0.65)
    return f" did you mean {bare[found[0]]}?" if found else ""


def duration(seconds: float | None) -> str:
    """Return a number of seconds as text: "12.3 s" or "4 min 5 s"; "–" if it is not known."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def percent(share: float) -> str:
    """Return a share as people read it: "12%", and "0.3%" below one percent."""
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
