"""What is in a file, before anything is trained on it: what `makemore inspect` prints."""

from __future__ import annotations

import csv
import json
import re
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import regex
import torch

from makemore import advice, quality
from makemore.advice import Warned
from makemore.batches import WINDOW, Batches
from makemore.cache import read
from makemore.corpus import SPLITS, Corpus
from makemore.evaluation import evaluate
from makemore.loop import TEACHER_ORDER, fitted, pick_device
from makemore.models import build, configure
from makemore.optimizer import fast_dtype, optimizers, schedule, update
from makemore.reading import LONGEST, locate, whole_text
from makemore.recipes import DEFAULT_TYPE, recipe

FEW = 2000
"""Different lines below which counting is the better model: of 1,300 Ukrainian words the 6-gram has a test loss of 1.72,
the default type 1.82."""

MANY_CHARACTERS, LONG = 1000, 300
"""Characters of an alphabet, and of a line, from which training is slow."""

FAR = 5
"""A line so many times as long as the 95th percentile stands apart."""

NEAR_DUPLICATES, DUPLICATES = 0.05, 0.20
"""Shares of the lines above which they are worth a warning."""

SHOWN = 5
"""Examples of a thing, at most."""

BINS = 40
"""Rows of the histogram of lengths, at most."""

_SNIFFED = 1000
"""Lines looked at to tell the format."""

_NEIGHBOURS, _BESIDE = 500, 20_000
"""Lines whose nearest other line is looked for, and among how many; both fewer where lines are long."""

_WORK = 5e8
"""About how many character comparisons to spend on that: a second or so."""

_WARM_UP, _TIMED = 2, 5
"""Training steps done to get going, and then timed."""

_HEADERS = {"name", "names", "word", "words", "title", "titles", "text", "label", "id", "value", "company"}
_TAG = re.compile(r"</?[A-Za-z][\w:-]*(\s[^<>]*)?/?>|<[!?][^>]*>")
_MARKER = re.compile(r"(\(?\d+[.):]|[-*•–])\s+\S")
_NUMBER = re.compile(r"[-+(]?\d[\d ./()-]*(,\d+)?")
_MIXED = regex.compile(r"\p{Latin}[\p{Cyrillic}\p{Greek}]|[\p{Cyrillic}\p{Greek}]\p{Latin}")

_FORMATS = {
    "json": ("JSON, an object or array on each line", "write the field you want alone on each line"),
    "markup": ("HTML or XML", "take the tags out, and leave one thing on each line"),
    "tsv": ("a table with tabs between its columns", "keep the column you want alone"),
    "csv": ("a table with commas or semicolons between its columns", "keep the column you want alone"),
    "numbered": (
        "a list with a number or bullet before each thing",
        "take what stands before the things out",
    ),
    "numbers": ("numbers", "nothing if that is what you want: the model learns which digits follow which"),
    "prose": ("sentences or running text", "short things work best; leave one thing on each line"),
}
"""What a format is called, and what to do about it; anything else is a list."""


def inspect(
    source: str | Path, *, encoding: str = "utf-8", max_length: int | None = None, pace: float | None = None
) -> dict[str, Any]:
    """Look at a file, or a bundled list by name, and return what is in it, ready for JSON.

    pace: seconds a training step takes, which otherwise a few steps tell. The rest is as in `corpus.read`, which
    also raises its MakemoreErrors. Lines are counted as training would see them: stripped, in normal form C, none
    blank. Shares are from 0 to 1, places are line numbers of the file from 1 on. The keys:

        source              the path, or the name of the bundled list
        lines               lines in the file
        blank, too_long     lines dropped; what remains are `kept` lines
        kept, unique        lines, and different lines among them
        duplicates          kept - unique
        most_frequent       [{line, count}] the lines that stand there most often, more than once
        lengths             {minimum, median, mean, percentile_95, maximum, histogram: [{from, to, count}]}, in characters
        alphabet            [{character, count}] by count; its length is the number of characters
        rare                [{character, count}] those that stand fewer than advice.RARE times
        suspicious          [{character, code_point, name, count, line}], line the first where it stands
        not_nfc             lines that are not in Unicode's normal form C
        mixed_scripts       {lines, examples: [{line, text}]} Latin right beside Cyrillic or Greek letters
        near_duplicates     {lines, share, groups, examples: [[text, ...]]} different lines that differ in nothing but
                            case, accents, punctuation or white space
        neighbours          {lines, beside, share, median} of some different lines: the share that is one edit from another
                            among so many others, and the median distance to the nearest
        format              {name, share, header} "list" or a key of _FORMATS, the share of lines of that form, and the
                            first line if it looks like a header, else None
        splits              {split: {lines, unique}}
        expected            {type, test, half_width} test loss in nats per token that counting reaches, and 1.96 times its
                            standard error, None where a single line says nothing of it
        recommendation      {type, max_length, reasons, steps, seconds_per_step, seconds} max_length None if none is
                            needed; seconds on this machine, to which evaluations add; seconds_per_step None if it counts
        warnings            [{code, message, advice, severity}]
    """
    corpus = read(source, encoding=encoding, max_length=max_length)
    reading = corpus.reading
    assert reading is not None
    numbers, raw = _raw(source, encoding, LONGEST if max_length is None else max_length)
    lines = corpus.lines(np.arange(len(corpus)))
    times = Counter(lines)
    found: dict[str, Any] = {
        "source": reading.source,
        "lines": reading.lines,
        "blank": reading.blank,
        "too_long": reading.too_long,
        "kept": len(lines),
        "unique": len(times),
        "duplicates": len(lines) - len(times),
        "most_frequent": [{"line": s, "count": n} for s, n in times.most_common(SHOWN) if n > 1],
        "lengths": _lengths(corpus),
    }
    found |= _characters(corpus, numbers)
    found["not_nfc"] = sum(not unicodedata.is_normalized("NFC", line) for line in raw)
    mixed = [i for i, line in enumerate(lines) if not line.isascii() and _MIXED.search(line)]
    found["mixed_scripts"] = {
        "lines": len(mixed),
        "examples": [{"line": numbers[i], "text": lines[i]} for i in mixed[:SHOWN]],
    }
    found["near_duplicates"] = _near_duplicates(times)
    found["neighbours"] = _neighbours(list(times))
    found["format"] = _format(lines)
    found["splits"] = {
        split: {"lines": n, "unique": len(np.unique(corpus.hashes[corpus.rows(split)]))}
        for split, n in corpus.counts().items()
    }
    began = time.monotonic()
    ngram = fitted(corpus, "ngram", order=TEACHER_ORDER)
    fitting = time.monotonic() - began
    loss = evaluate(ngram, corpus, corpus.rows("test"))
    half_width = 1.96 * loss.error if found["splits"]["test"]["unique"] > 1 else None
    found["expected"] = {"type": "ngram", "test": loss.nll, "half_width": half_width}
    found["recommendation"] = _recommendation(corpus, found, ngram, fitting, pace)
    held_out = sum(found["splits"][split]["lines"] for split in SPLITS[1:])
    warnings = advice.of_list(raw, len(times), held_out) + _warnings(found)
    found["warnings"] = [vars(warned) for warned in warnings]
    return found


def _raw(source: str | Path, encoding: str, limit: int) -> tuple[list[int], list[str]]:
    """Return the numbers in the file, and the text before normalising, of the lines that `read` keeps."""
    text = whole_text(locate(source), encoding)
    stripped = enumerate(map(str.strip, text.split("\n")), 1)
    kept = [(i, s) for i, s in stripped if s and len(unicodedata.normalize("NFC", s)) <= limit]
    return [i for i, _ in kept], [line for _, line in kept]


def _lengths(corpus: Corpus) -> dict[str, Any]:
    n = corpus.lengths
    low, high = int(n.min()), int(n.max())
    width = 1 if len(np.unique(n)) <= BINS else -(-(high - low + 1) // BINS)
    counts = np.bincount((n - low) // width).tolist()
    return {
        "minimum": low,
        "median": float(np.median(n)),
        "mean": float(n.mean()),
        "percentile_95": float(np.percentile(n, 95)),
        "maximum": high,
        "histogram": [
            {"from": low + i * width, "to": low + (i + 1) * width - 1, "count": count}
            for i, count in enumerate(counts)
            if count
        ],
    }


def _characters(corpus: Corpus, numbers: list[int]) -> dict[str, Any]:
    """The alphabet, and what is odd in it. numbers: of each line in the file."""
    counts = np.bincount(corpus.tokens, minlength=len(corpus.vocab))[1:].tolist()  # not of the boundary
    pairs = sorted(zip(counts, corpus.vocab.characters, strict=True), key=lambda pair: (-pair[0], pair[1]))
    alphabet = [{"character": c, "count": n} for n, c in pairs]
    suspicious = []
    for n, c in pairs:
        if advice.suspicious(c):
            place = int((corpus.tokens == corpus.vocab.encode(c)[0]).argmax())
            line = int(np.searchsorted(corpus.offsets, place)) - 1
            about = {"code_point": f"U+{ord(c):04X}", "name": unicodedata.name(c, "no name")}
            suspicious.append({"character": c} | about | {"count": n, "line": numbers[line]})
    rare = [entry for entry in alphabet if int(entry["count"]) < advice.RARE]
    return {"alphabet": alphabet, "rare": rare, "suspicious": suspicious}


def _near_duplicates(times: Counter[str]) -> dict[str, Any]:
    """Find the groups of different lines that are equal once folded. times: how often each line stands there."""
    groups: dict[str, list[str]] = {}
    for line, key in zip(times, _folded(list(times)), strict=True):
        groups.setdefault(key or line, []).append(line)  # of a line of signs alone nothing is left
    near = sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)
    lines = sum(times[line] for group in near for line in group)
    return {
        "lines": lines,
        "share": lines / times.total(),
        "groups": len(near),
        "examples": [group[:SHOWN] for group in near[:SHOWN]],
    }


def _folded(lines: list[str]) -> list[str]:
    """Return lines without case, accents, punctuation, white space and invisible characters."""
    text = unicodedata.normalize("NFD", "\n".join(lines).casefold())
    # of the marks only those that are accents: the ones of other alphabets, as in Hindi, are vowels
    gone = [c for c in set(text) if unicodedata.category(c)[0] in "PZC" or "\u0300" <= c <= "\u036f"]
    return text.translate({ord(c): None for c in gone if c != "\n"}).split("\n")


def _neighbours(different: list[str]) -> dict[str, Any]:
    """Say how near some of the different lines are to others. None is compared with itself."""
    lengths = np.array([len(line) for line in different], dtype=np.float64)
    # the edit distance compares the 64 bits of a word at once
    pairs = _WORK / float(np.maximum(lengths, lengths**2 / 64).mean())
    some = max(1, int(min(_NEIGHBOURS, len(different) // 5, pairs**0.5)))
    others = int(min(_BESIDE, len(different) - some, max(1, pairs / some)))
    order = np.random.default_rng(0).permutation(len(different))[: some + others]
    chosen = [different[i] for i in order]
    distances = quality.nearest(chosen[:some], chosen[some:]).distances
    share, median = float((distances <= 1).mean()), float(np.median(distances))
    return {"lines": some, "beside": others, "share": share, "median": median}


def _format(lines: list[str]) -> dict[str, Any]:
    """Tell from a sample of the lines which format the file has, and whether its first line is a header."""
    rows = np.random.default_rng(0).permutation(len(lines))[:_SNIFFED]
    some = [lines[i] for i in rows]
    columns = {mark: [_columns(line, mark) for line in some] for mark in ("\t", ";", ",")}
    same = {mark: _usual([len(fields) for fields in each]) for mark, each in columns.items()}
    mark = max(same, key=lambda mark: same[mark])  # the first of equal ones
    shares = [  # what may be taken for another comes after it
        ("json", sum(map(_is_json, some)) / len(some), 0.8),
        ("markup", sum(_TAG.search(line) is not None for line in some) / len(some), 0.5),
        ("numbers", sum(_NUMBER.fullmatch(line) is not None for line in some) / len(some), 0.9),
        ("tsv" if mark == "\t" else "csv", same[mark], 0.9),
        ("numbered", sum(_MARKER.match(line) is not None for line in some) / len(some), 0.8),
        ("prose", sum(line.count(" ") >= 7 or "。" in line for line in some) / len(some), 0.5),
    ]
    name, share = next(((name, share) for name, share, least in shares if share >= least), ("list", 1.0))
    header = (
        lines[0]
        if name in ("tsv", "csv", "list") and _is_header(lines[0], name, columns[mark], mark)
        else None
    )
    return {"name": name, "share": share, "header": header}


def _is_header(first: str, name: str, table: list[list[str]], mark: str) -> bool:
    """Say whether the first line names columns: by a usual name, or by standing in words above numbers."""
    fields = [first] if name == "list" else _columns(first, mark)
    if any(field.strip(' "').casefold() in _HEADERS for field in fields):
        return True
    rows = [row for row in table if len(row) == len(fields)]
    enough = max(1.0, 0.9 * (len(rows) - 1))
    return name != "list" and any(
        not _NUMBER.fullmatch(field.strip())
        and sum(_NUMBER.fullmatch(row[i].strip()) is not None for row in rows) >= enough
        for i, field in enumerate(fields)
    )


def _columns(line: str, mark: str) -> list[str]:
    """Cut a line at a mark; not inside quotes, nor at a comma before a space, as in "Doe, Jane"."""
    line = line[:100_000]  # csv refuses longer fields
    return next(csv.reader([line.replace(", ", " ") if mark == "," else line], delimiter=mark))


def _usual(columns: list[int]) -> float:
    """Return the share of the lines that have the most common number of columns, 0 if that is one."""
    (most, times), *_ = Counter(columns).most_common(1)
    return times / len(columns) if most > 1 else 0.0


def _is_json(line: str) -> bool:
    if line[0] not in "{[":
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _recommendation(
    corpus: Corpus, found: dict[str, Any], ngram: Any, fitting: float, pace: float | None
) -> dict[str, Any]:
    """Say which type and settings suit the list, why, and how long they take. fitting: seconds that counting took."""
    lengths, unique, characters = found["lengths"], found["unique"], len(found["alphabet"])
    if unique < FEW:
        type, steps, seconds = "ngram", 1, fitting
        reasons = [f"{unique:,} different lines are few to learn from: counting does better"]
    else:
        type = DEFAULT_TYPE
        pace = _pace(corpus, type, ngram) if pace is None else pace
        steps = recipe(type).max_steps
        seconds = steps * pace
        reasons = [
            f"{unique:,} different lines are enough for the default type; --type ngram takes seconds, so try that too"
        ]
    if characters >= MANY_CHARACTERS:
        reasons.append(
            f"an alphabet of {characters:,} characters is large: steps are slow, and many are rare"
        )
    if lengths["percentile_95"] >= LONG:
        reasons.append("the lines are long: training takes a while, and long samples wander")
    max_length = None
    if lengths["maximum"] > FAR * lengths["percentile_95"]:
        max_length = 2 * round(lengths["percentile_95"])
        dropped = int((corpus.lengths > max_length).sum())
        reasons.append(
            f"--max-length {max_length} drops the longest, {dropped:,} in all, far longer than the rest"
        )
    per_step = None if type == "ngram" else pace
    chosen = {"type": type, "max_length": max_length, "reasons": reasons}
    return chosen | {"steps": steps, "seconds_per_step": per_step, "seconds": seconds}


def _pace(corpus: Corpus, type: str, teacher: Any) -> float:
    """Return the seconds that a training step of a type takes here, from doing a few as `loop.steps` does."""
    own, device = recipe(type), pick_device("auto")
    with torch.random.fork_rng():
        model = build(type, len(corpus.vocab), configure(type, corpus.longest)).to(device)
        opts = optimizers(model, own.learning_rate, own.weight_decay, own.muon)
        if device.type == "cuda":
            teacher.to(device)
        # a GPU is given larger batches than the recipe's where there are lines for them, and is as quick with those
        per_line = corpus.tokens_of("train") / corpus.counts()["train"]
        tokens = round(max(4, round(own.tokens / per_line)) * per_line)
        window = 1 if hasattr(model, "mixed_lengths") else WINDOW
        batches = iter(Batches(corpus, "train", tokens, 0, window))
        seconds = []
        for step in range(_WARM_UP + _TIMED):
            began = time.monotonic()
            inputs, targets = (torch.from_numpy(array).to(device) for array in corpus.batch(next(batches)))
            rate = own.learning_rate * schedule((step + 0.5) / own.max_steps)
            float(update(model, opts, rate, inputs, targets, fast_dtype(device), teacher, own.teacher))
            seconds.append(time.monotonic() - began)
    return float(np.median(seconds[_WARM_UP:]))  # one that the machine held up does not count


def _warnings(found: dict[str, Any]) -> list[Warned]:
    """Judge what `advice.of_list` does not look at."""
    looks, lengths, near = found["format"], found["lengths"], found["near_duplicates"]
    warned = []
    if looks["name"] != "list":
        called, remedy = _FORMATS[looks["name"]]
        said = f"another format: {looks['share']:.0%} of the lines look like {called}"
        warned.append(Warned("other_format", said, remedy))
    if looks["header"]:
        said = f"a header: the first line is {looks['header'][:60]!r}"
        warned.append(Warned("other_format", said, "take that line out if it is one"))
    if near["share"] > NEAR_DUPLICATES:
        said = (
            f"near-duplicates: {near['lines']:,} lines ({near['share']:.0%}) differ from another in case, accents, "
            f"punctuation or white space alone ({' / '.join(near['examples'][0][:3])[:80]})"
        )
        remedy = "write those that mean the same in one way: with one trained on and another tested, losses flatter"
        warned.append(Warned("near_duplicates", said, remedy))
    if (share := found["duplicates"] / found["kept"]) > DUPLICATES:
        said = f"duplicates: {found['duplicates']:,} lines ({share:.0%}) are copies of others"
        remedy = "nothing if how often a thing stands there matters; else leave each line once (sort -u)"
        warned.append(Warned("duplicates", said, remedy))
    if (limit := found["recommendation"]["max_length"]) is not None:
        said = f"long lines: the longest has {lengths['maximum']:,} characters, 95 % have at most {lengths['percentile_95']:,.0f}"
        remedy = f"drop them with --max-length {limit}, unless they are what you want"
        warned.append(Warned("long_lines", said, remedy))
    return warned
