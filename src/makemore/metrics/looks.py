"""What a list looks like: its format, and what stands on some of its lines, told from a part of them.

Two tables say it all: FORMATS, of which a list has one, and MARKS, of which it may have several. Both commands use them:
`inspect`, and `train` before it begins.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from makemore.corpus.charsets import encoded_twice
from makemore.corpus.corpus import Corpus
from makemore.corpus.formats import LINE_ENDS, replaced
from makemore.files.results import Result
from makemore.metrics.advice import Warned

FAR = 5
"""A line so many times as long as the 95th percentile stands apart."""

DUPLICATES = 0.20
"""Share of the lines above which copies are worth a warning."""

_TOP, _SNIFFED, _SEARCHED, _CHARACTERS = 50, 1000, 50_000, 2_000_000
"""Lines at the top, and drawn ones, that tell the format; lines, and characters, that marks are searched in."""

_HEADERS = {"name", "names", "word", "words", "title", "titles", "text", "label", "id", "value", "company"}


@dataclass(frozen=True)
class Format:
    """A form that most lines of a file have."""

    name: str
    called: str
    remedy: str
    """What to do; FILE stands for the file's name."""
    least: float
    """The share of the lines that must have it."""
    fits: Callable[[str], object]
    """Whether a line has it."""
    first: str = ""
    """A pattern of the file's first line, without which it is not this format."""


def _is_json(line: str) -> bool:
    if line[0] not in "{[":
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _packed(line: str) -> bool:
    pieces = max(line.count(mark) for mark in ",;|\t") + 1
    return pieces >= 8 and len(line) <= 30 * pieces


def _columns(line: str, mark: str) -> list[str]:
    """Cut a line at a mark; not inside quotes, nor at a comma before a space, as in "Doe, Jane"."""
    line = line[:100_000]  # csv refuses longer fields
    return next(csv.reader([line.replace(", ", " ") if mark == "," else line], delimiter=mark))


_ITEM = r'"(?:[^"\\]|\\.)*"|-?[\d.eE+]+|true|false|null|[\[{].*[\]}]'
_COLUMN = (
    "keep the column you want alone, for example number COLUMN: "
    """python3 -c "import csv, sys; [print(r[COLUMN - 1]) for r in csv.reader(sys.stdin, delimiter='BETWEEN')]" < FILE > lines.txt"""
)
FORMATS = (
    Format("json", "JSON, an object or array on each line", "write the field you want alone on each line, for example with jq -r .name FILE > lines.txt", 0.8, _is_json),
    Format("json_array", "one JSON array or object over several lines", "write its items one a line, for example with jq -r '.[]' FILE > lines.txt", 0.9,
           re.compile(rf'[\[\]{{}}]+,?|("[^"]*"\s*:\s*)?({_ITEM}|[\[{{]),?').fullmatch, r"[\[{]"),
    Format("fasta", "FASTA: names after >, and sequences that go over several lines", "join the lines of a sequence, and leave the names out: "
           """awk '/^>/{if(s)print s;s="";next}{s=s $0}END{print s}' FILE > lines.txt""", 0.95, re.compile(r">.*|[A-Za-z*.-]+").fullmatch, ">"),
    Format("markup", "HTML or XML", "take the tags out, and leave one thing on each line", 0.5, re.compile(r"</?[A-Za-z][\w:-]*(\s[^<>]*)?/?>|<[!?][^>]*>").search),
    Format("hunspell", "a spelling dictionary (hunspell): a count first, and flags after /", "leave both out: tail -n +2 FILE | cut -d/ -f1 > lines.txt", 0.05,
           re.compile(r"[^\s/]+/[^\s/]+(\s.*)?").fullmatch, r"\d+$"),
    Format("numbers", "numbers", "nothing if that is what you want: the model learns which digits follow which", 0.9, re.compile(r"[-+(]?\d[\d ./()-]*(,\d+)?").fullmatch),
    Format("counted", "a word and a number after it, as in a list of counts", "if it is one, keep the words alone: cut -d' ' -f1 FILE > lines.txt (cut -f1 after tabs)", 0.9,
           re.compile(r"\S+[ \t]+\d+").fullmatch),
    Format("quoted", "things in quotes", "take the quotes off, or the model draws them too: tr -d '\"' < FILE > lines.txt", 0.9,
           re.compile(r"""(["'`])(?:(?!\1).)+\1[,;]?|[“«„][^“”»]+[”»“][,;]?""").fullmatch),
    Format("tsv", "a table with tabs between its columns", _COLUMN, 0.9, str),
    Format("csv", "a table with commas or semicolons between its columns", _COLUMN, 0.9, str),
    Format("numbered", "a list with a number or bullet before each thing", "take what stands before the things out: sed -E 's/^[^ ]+ +//' FILE > lines.txt", 0.8,
           re.compile(r"(\(?\d+[.):]|[-*•–])\s+\S").match),
    Format("uniq", "a number before each thing, as uniq -c writes it", "if they are counts, leave them out: sed -E 's/^ *[0-9]+ +//' FILE > lines.txt", 0.9,
           re.compile(r"\d+[ \t]+\S").match),
    Format("packed", "several things with commas, semicolons or tabs between", "put each on a line of its own, for example with tr ',' '\\n' < FILE > lines.txt", 0.7, _packed),
    Format("prose", "sentences or running text", "short things work best; leave one thing on each line", 0.5, lambda line: line.count(" ") >= 7 or "。" in line),
)  # fmt: skip
"""Forms of a file, the first that fits being the one: what may be taken for another comes after it. Anything else is a list."""

_UNESCAPE = (
    "python3 -c 'import html, sys; sys.stdout.write(html.unescape(sys.stdin.read()))' < FILE > lines.txt"
)
MARKS = (
    Format("entities", "characters written as HTML writes them", f"write them as they are: {_UNESCAPE}", 0.002,
           re.compile(r"&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos|nbsp|[aeiounycsAEIOUNYCS](acute|grave|circ|uml|tilde|cedil|ring|caron)|szlig);").search),
    Format("tags", "tags of HTML", "take them out: sed -E 's/<[^>]*>/ /g' FILE > lines.txt", 0.002,
           re.compile(r"</?(br|p|b|i|u|em|strong|span|div|a|li|ul|td|tr|sup|sub|font|img)\b[^<>]*>", re.IGNORECASE).search),
    Format("comments", "a mark of comments at their beginning", "leave them out if they are no things of the list: grep -v '^#' FILE > lines.txt", 0,
           re.compile(r"(#+|//+|--+|%+|;+)(\s.*)?|#[!:].*").fullmatch),
    Format("encoded_twice", "text that was encoded twice", "save the file again from where it came; or pip install ftfy, ftfy FILE > lines.txt", 0.002, encoded_twice),
    Format("line_ends", "characters that elsewhere end a line, and here do not", "if they end one, write newlines: ", 0,
           re.compile("[" + "".join(LINE_ENDS) + "]").search),
    Format("controls", "control characters", "they are left over from another program or a wrong --encoding; take them out", 0,
           re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]").search),
)  # fmt: skip
"""What may stand on some lines of any list, and the share of the lines that must have it."""

_MOST = 0.5
"""Share of the lines above which comments and tags are the list itself."""


@dataclass(frozen=True)
class Mark(Result):
    """Something on some of the lines."""

    name: str
    share: float
    """Of the lines that were searched."""
    example: str
    """One of the lines."""


@dataclass(frozen=True)
class Looks:
    """What a list looks like."""

    name: str
    """A name of FORMATS, or "list"."""
    share: float
    """Of the lines looked at that have this form."""
    header: str | None
    """The first line, if it looks like a header."""
    marks: tuple[Mark, ...]
    between: str = ""
    """What stands between the columns of a table, and which column has the most letters, counted from 1:"""
    column: int = 0
    groups: int = 0
    """Groups of lines between blank lines, if that may be what the things are; else 0."""


def look(corpus: Corpus) -> Looks:
    """Tell what a list looks like from lines at its top and some drawn at random, in about a tenth of a second."""
    random, n = np.random.default_rng(0), len(corpus)
    rows = random.permutation(n)[:_SNIFFED] if n < 1 << 22 else random.integers(n, size=_SNIFFED)
    top, *some = corpus.lines(np.append(0, rows))
    looks = _form(top, some)
    if not corpus.on_disk and n <= _SEARCHED and len(corpus.tokens) <= _CHARACTERS:
        some = corpus.lines(np.arange(n))
    else:
        some = corpus.lines(np.append(np.arange(min(_TOP, n)), rows))
    reading, groups = corpus.reading, 0
    if (
        looks.name == "list"
        and reading is not None
        and reading.gaps >= 3
        and 1.5 <= n / (reading.gaps + 1) <= 30
    ):
        groups = reading.gaps + 1
    return replace(looks, marks=_marks(some, looks.name), groups=groups)


def _form(top: str, some: list[str]) -> Looks:
    """Return the form of the lines alone."""
    columns = {mark: [_columns(line, mark) for line in some] for mark in ("\t", ";", ",")}
    for each in columns.values():
        if all(fields[-1] == "" for fields in each):  # marks that only end lines
            for fields in each:
                fields.pop()
    same = {mark: _usual([len(fields) for fields in each]) for mark, each in columns.items()}
    mark = max(same, key=lambda mark: same[mark])  # the first of equal ones
    name, share = "list", 1.0
    for form in FORMATS:
        if form.first and not re.match(form.first, top):
            continue
        if form.name in ("tsv", "csv"):
            found = same[mark] if (mark == "\t") == (form.name == "tsv") else 0.0
        else:
            found = sum(bool(form.fits(line)) for line in some) / len(some)
        if found >= form.least:
            name, share = form.name, found
            break
    header = top if name in ("tsv", "csv", "list") and _is_header(top, name, columns[mark], mark) else None
    if name not in ("tsv", "csv"):
        return Looks(name, share, header, ())
    rows = [fields for fields in columns[mark] if len(fields) > 1]
    letters = [sum(c.isalpha() for row in rows for c in row[i : i + 1]) for i in range(len(rows[0]))]
    return Looks(name, share, header, (), mark, 1 + letters.index(max(letters)))


def _usual(columns: list[int]) -> float:
    """Return the share of the lines that have the most common number of columns, 0 if that is one."""
    (most, times), *_ = Counter(columns).most_common(1)
    return times / len(columns) if most > 1 else 0.0


def _is_header(first: str, name: str, table: list[list[str]], mark: str) -> bool:
    """Say whether the first line names columns: by a usual name, or by standing in words above numbers."""
    fields = [first] if name == "list" else _columns(first, mark)
    if any(field.strip(' "').casefold() in _HEADERS for field in fields):
        return True
    number = next(form.fits for form in FORMATS if form.name == "numbers")
    rows = [row for row in table if len(row) == len(fields)]
    enough = max(1.0, 0.9 * (len(rows) - 1))
    return name != "list" and any(
        not number(field.strip()) and sum(bool(number(row[i].strip())) for row in rows) >= enough
        for i, field in enumerate(fields)
    )


def _marks(lines: list[str], name: str) -> tuple[Mark, ...]:
    """Find what stands on some of the lines."""
    found = []
    for mark in MARKS:
        if name in ("markup", "json", "json_array") and mark.name in ("entities", "tags"):
            continue
        having = [line for line in lines if mark.fits(line)]
        share = len(having) / len(lines)
        few = mark.name == "encoded_twice" and len(having) < 2  # one such line may be meant
        most = mark.name in ("comments", "tags") and share > _MOST
        if having and share >= mark.least and not few and not most:
            found.append(Mark(mark.name, share, having[0]))
    return tuple(found)


def warnings(looks: Looks, source: str) -> list[Warned]:
    """Say what should be known of a list that looks so, with what to do. source: what was read, for commands."""
    with contextlib.suppress(OSError, ValueError):
        source = shlex.quote(source) if Path(source).is_file() else "FILE"
    forms = {form.name: form for form in (*FORMATS, *MARKS)}
    warned = []

    def warn(said: str, remedy: str) -> None:
        warned.append(Warned("other_format", said, remedy.replace("FILE", source)))

    if looks.name != "list":
        form = forms[looks.name]
        between = "\\t" if looks.between == "\t" else looks.between
        remedy = form.remedy.replace("COLUMN - 1", str(looks.column - 1)).replace("COLUMN", str(looks.column))
        remedy = remedy.replace("BETWEEN", between)
        warn(f"another format: {_percent(looks.share)} of the lines look like {form.called}", remedy)
    if looks.header:
        header = looks.header[:60]
        warn(
            f"a header: the first line is {header!r}",
            "take that line out if it is one: tail -n +2 FILE > lines.txt",
        )
    for mark in looks.marks:
        form = forms[mark.name]
        remedy = form.remedy
        if mark.name == "line_ends":
            remedy += replaced(next(c for c in mark.example if c in LINE_ENDS))
        warn(
            f"another format: {_percent(mark.share)} of the lines have {form.called} ({mark.example[:60]!r})",
            remedy,
        )
    if looks.groups:
        warn(
            f"another format: {looks.groups:,} groups of lines with blank lines between",
            "nothing if each line is a thing; if a group is one, write each on one line",
        )
    return warned


def before_training(corpus: Corpus) -> list[Warned]:
    """Return what to say of a list before it is trained on: what `inspect` warns of, as far as it costs no time."""
    reading = corpus.reading
    if reading is None or reading.bundled:
        return []
    warned = warnings(look(corpus), reading.source)
    warned += copies(len(corpus), corpus.distinct)
    some = corpus.lengths_of(np.linspace(0, len(corpus) - 1, min(len(corpus), 2 * _SNIFFED)).astype(np.int64))
    usual = float(np.quantile(some, 0.95))
    if corpus.longest > FAR * usual:
        warned.append(long_lines(corpus.longest, usual))
    return warned


def copies(lines: int, different: int) -> list[Warned]:
    """Warn of lines that stand there more than once, where they are many."""
    if (share := 1 - different / lines) <= DUPLICATES:
        return []
    said = f"duplicates: {lines - different:,} lines ({share:.0%}) are copies of others"
    remedy = "nothing if how often a thing stands there matters; else leave each line once (sort -u)"
    return [Warned("duplicates", said, remedy)]


def long_lines(longest: int, usual: float) -> Warned:
    """Warn of lines far longer than the others. usual: the 95th percentile of the lengths."""
    return Warned(
        "long_lines",
        f"long lines: the longest has {longest:,} characters, 95% have at most {usual:,.0f}",
        f"drop them with --max-length {2 * round(usual)}, unless they are what you want",
    )


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
