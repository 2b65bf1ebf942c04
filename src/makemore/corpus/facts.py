"""The files of a corpus on disk, and facts.json, which holds everything except the arrays."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from makemore.corpus.reading import Reading
from makemore.files.json_io import flat_from_json, read_json, write_json
from makemore.files.paths import damage, kind, regular

FORMAT = "makemore corpus 2"
NAME = "facts.json"
SORTED = "sorted.npy"
ARRAYS = ("tokens", "offsets", "lengths", "hashes", "split", "chunks", "checks")
"""The arrays; each is in a .npy file of its name."""

LABELS = "labels.npy"
"""One more, if the lines have labels."""

UNFINISHED = re.compile(r"sorted\.\d+\.(runs|all)\.tmp")
"""Files that remain if a process is killed while it sorts."""

Stamp = tuple[str, int, int, int]
"""Path, size and times of change of a file: if one of them differs, the file may have changed."""


@dataclass
class Facts:
    """The content of facts.json."""

    stamps: list[Stamp]
    """The files that were read."""
    digest: str
    """A hash of their content."""
    characters: list[str]
    """The vocabulary, as `Vocab` takes it."""
    reading: Reading
    """What reading found."""
    size: int
    """Tokens of the stream."""
    longest: int
    """Characters of the longest line."""
    lines: dict[str, int]
    """Lines in each split."""
    tokens: dict[str, int]
    """Predicted tokens of each split."""
    fingerprint: str
    """SHA-256 of the hashes of all lines."""
    sum: int
    """The sum of these hashes, modulo 2^64: it shows whether the sorted ones are the same."""
    chunks: int
    """CRC-32 of chunks.npy."""
    labels: tuple[str, ...] = ()
    """The names of the lines' labels."""

    @classmethod
    def load(cls, directory: Path) -> Facts:
        """Read the facts. Raises MakemoreError if they are missing, damaged or of another version."""
        path = directory / NAME
        with damage(directory):
            values = read_json(path)
            if values.pop("format", None) != FORMAT:
                raise ValueError("facts.json is of another version")
            if values.pop("check", None) != _check({"format": FORMAT, **values}):
                raise ValueError("facts.json was changed")
            values["stamps"] = [(str(path), *map(int, rest)) for path, *rest in values["stamps"]]
            values["labels"] = tuple(values.get("labels", ()))
            values["reading"] = flat_from_json(Reading, values["reading"])
            facts = cls(**values)
        return facts

    def write(self, directory: Path) -> None:
        """Write facts.json, with a checksum of its content."""
        values = {"format": FORMAT, **asdict(self)}
        write_json(directory / NAME, values | {"check": _check(values)}, directory / f"{NAME}.tmp")


def recognised(directory: Path) -> set[str]:
    """Return the names of a corpus's files in a directory without a manifest; none in other directories."""
    try:
        facts = json.loads(regular(directory / NAME).read_bytes())
        ours = isinstance(facts, dict) and str(facts.get("format")).startswith("makemore corpus ")
        names = [path.name for path in directory.iterdir() if kind(path) == "file"] if ours else []
    except (OSError, ValueError, RecursionError):
        return set()
    known = {NAME, SORTED, LABELS, *(f"{name}.npy" for name in ARRAYS)}
    return {name for name in names if name in known or UNFINISHED.fullmatch(name)}


def _check(values: dict[str, object]) -> int:
    return zlib.crc32(json.dumps(values, sort_keys=True).encode("utf-8", "surrogatepass"))
