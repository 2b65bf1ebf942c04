"""The formats that lists come in, and marks on some of their lines, each with what to do about it.

A format is shared by most lines of a file; a list has at most one. A mark is on some of the lines; a list may
have several.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from makemore.corpus.charsets import encoded_twice
from makemore.corpus.formats import LINE_ENDS, replaced
from makemore.corpus.tables import NUMBER

Command = Callable[[str], str]
"""Takes a line in the format and returns a shell command that repairs standard input; "" if there is none."""


def _always(command: str) -> Command:
    return lambda line: command


@dataclass(frozen=True)
class Format:
    """A format of lists, or a mark on lines."""

    name: str
    called: str
    """What messages call it."""
    remedy: str
    """What to do about it, in words."""
    least: float
    """The share of lines that must have it."""
    fits: Callable[[str], object]
    """Says whether a line has it."""
    first: str = ""
    """A pattern that the file's first line must match."""
    command: Command = lambda line: ""
    options: tuple[str, ...] = ()
    """The arguments that the remedy names."""


def _is_json(line: str) -> bool:
    if line[0] not in "{[":
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _separator(line: str) -> str:
    return max(",;|\t", key=line.count)


def _packed(line: str) -> bool:
    pieces = line.count(_separator(line)) + 1
    return pieces >= 8 and len(line) <= 30 * pieces


def _split(mark: str) -> str:
    """Return a command that puts what a mark separates on lines of its own."""
    return replaced(mark).removesuffix(" < FILE > lines.txt")


_ITEM = r'"(?:[^"\\]|\\.)*"|-?[\d.eE+]+|true|false|null|[\[{].*[\]}]'
_JOIN = """awk '/^>/{if(s)print s;s="";next}{s=s $0}END{print s}'"""
_UNESCAPE = "python3 -c 'import html, sys; sys.stdout.write(html.unescape(sys.stdin.read()))'"
_ACCENTS = "acute|grave|circ|uml|tilde|cedil|ring|caron"

FORMATS = (
    Format(
        "json",
        "JSON, an object or array on each line",
        "put each item on its own line",
        0.8,
        _is_json,
        command=_always("jq -r '.[]'"),
    ),
    Format(
        "json_array",
        "one JSON array or object over several lines",
        "put each item on its own line",
        0.9,
        re.compile(rf'[\[\]{{}}]+,?|("[^"]*"\s*:\s*)?({_ITEM}|[\[{{]),?').fullmatch,
        r"[\[{]",
        _always("jq -r '.[]'"),
    ),
    Format(
        "fasta",
        "FASTA: names after >, and sequences over several lines",
        "join the lines of each sequence, and remove the names",
        0.95,
        re.compile(r">.*|[A-Za-z*.-]+").fullmatch,
        ">",
        _always(_JOIN),
    ),
    Format(
        "markup",
        "HTML or XML",
        "remove the tags, and put each thing on its own line",
        0.5,
        re.compile(r"</?[A-Za-z][\w:-]*(\s[^<>]*)?/?>|<[!?][^>]*>").search,
    ),
    Format(
        "hunspell",
        "a spelling dictionary (hunspell): a count first, and flags after /",
        "remove both",
        0.05,
        re.compile(r"[^\s/]+/[^\s/]+(\s.*)?").fullmatch,
        r"\d+$",
        _always("tail -n +2 | cut -d/ -f1"),
    ),
    Format(
        "numbers",
        "numbers",
        "nothing if that is what you want: the model learns which digits follow which",
        0.9,
        NUMBER.fullmatch,
    ),
    Format(
        "counted",
        "a word followed by a number, as in a list of counts",
        "if they are counts, keep only the words",
        0.9,
        re.compile(r"\S+[ \t]+\d+").fullmatch,
        command=lambda line: "cut -f1" if "\t" in line else "cut -d' ' -f1",
    ),
    Format(
        "quoted",
        "things in quotes",
        "remove the quotes, or the model will produce them too",
        0.9,
        re.compile(r"""(["'`])(?:(?!\1).)+\1[,;]?|[“«„][^“”»]+[”»“][,;]?""").fullmatch,
        command=lambda line: "tr -d '\"'" if line[0] == '"' else "",
    ),
    Format("tsv", "a table with tabs between its columns", "keep only one of the columns", 0.9, str),
    Format(
        "csv",
        "a table with commas or semicolons between its columns",
        "keep only one of the columns",
        0.9,
        str,
    ),
    Format(
        "numbered",
        "a list with a number or bullet before each thing",
        "remove what is before the things",
        0.8,
        re.compile(r"(\(?\d+[.):]|[-*•–])\s+\S").match,
        command=_always("sed -E 's/^[^ ]+ +//'"),
    ),
    Format(
        "uniq",
        "a number before each thing, as uniq -c writes it",
        "if they are counts, remove them",
        0.9,
        re.compile(r"\d+[ \t]+\S").match,
        command=_always("sed -E 's/^ *[0-9]+ +//'"),
    ),
    Format(
        "packed",
        "several things with commas, semicolons or tabs between them",
        "put each on its own line",
        0.7,
        _packed,
        command=lambda line: _split(_separator(line)),
    ),
    Format(
        "prose",
        "sentences or running text",
        "short things work best; put one thing on each line",
        0.5,
        lambda line: line.count(" ") >= 7 or "。" in line,
    ),
)
"""The first that fits is chosen, so a format that could be mistaken for another comes after it."""

MARKS = (
    Format(
        "separators",
        "only signs that may separate things of several lines",
        "if they do, name them with separator",
        0.02,
        re.compile(r"([%*=~#_-])\1+").fullmatch,
        options=("separator",),
    ),
    Format(
        "comments",
        "a comment sign at their beginning",
        "remove them if they are not part of the list",
        0,
        re.compile(r"(#+|//+|--+|%+|;+)\s.*|[#%;]|//|#[!:].*").fullmatch,
        command=lambda line: f"grep -v '^{line[0]}'",
    ),
    Format(
        "line_ends",
        "characters that end a line elsewhere, but not here",
        "if they do end one, replace them with newlines",
        0,
        re.compile("[" + "".join(LINE_ENDS) + "]").search,
        command=lambda line: _split(next(c for c in line if c in LINE_ENDS)),
    ),
    Format(
        "entities",
        "characters as HTML writes them",
        "replace them with the characters themselves",
        0.002,
        re.compile(
            r"&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos|nbsp|"
            rf"[aeiounycsAEIOUNYCS]({_ACCENTS})|szlig);"
        ).search,
        command=_always(_UNESCAPE),
    ),
    Format(
        "tags",
        "HTML tags",
        "remove them",
        0.002,
        re.compile(
            r"</?(br|p|b|i|u|em|strong|span|div|a|li|ul|td|tr|sup|sub|font|img)\b[^<>]*>", re.IGNORECASE
        ).search,
        command=_always("sed -E 's/<[^>]*>/ /g'"),
    ),
    Format(
        "encoded_twice",
        "text that was encoded twice",
        "save the file again from its source, or repair it (pip install ftfy)",
        0.002,
        encoded_twice,
        command=_always("ftfy"),
    ),
    Format(
        "controls",
        "control characters",
        "they come from another program, or from reading the file in the wrong encoding; remove them",
        0,
        re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]").search,
        options=("encoding",),
    ),
)
"""In the order in which their commands run; those of comments and line ends run before that of a format."""
