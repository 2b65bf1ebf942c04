"""The one exception that is meant for people, and how its message quotes what they gave."""

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
    if len(text) <= most:
        return repr(text)
    head, tail = text[: most - most // 4], text[len(text) - most // 4 :]
    return f"{repr(head)[:-1]}...{repr(tail)[1:]} ({len(text):,} characters)"


def shown(text: object, most: int = 4 * QUOTED) -> str:
    """Return text for a message without quotes: a file's name, say. Otherwise as `quoted`."""
    text = str(text)
    if len(text) > most:
        text = text[: most - most // 4] + "..." + text[len(text) - most // 4 :]
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
