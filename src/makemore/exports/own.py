"""Whether what is at a path is an export, as makemore wrote it: each carries a checksum of the rest of it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Literal

import safetensors

from makemore import __version__
from makemore.exports.script import seal as script
from makemore.files.paths import kind
from makemore.runs.weights import read_arrays

WEIGHTS = "model.safetensors"
"""The file in an exported directory whose metadata shows that makemore wrote it."""

MARK = "makemore.vocabulary"
"""The key of the vocabulary in the metadata of an exported file."""

CHECKSUM = "makemore.checksum"
"""The name of the checksum in a page, and its key in the metadata of a graph."""

BLANK = "0" * 12
"""What stands in the place of a checksum until everything else is there."""

_SIGNATURE, _FILES = "makemore", "files"
"""The keys of makemore's version and of the checksum of the other files, in the metadata of WEIGHTS."""

# in a page, an attribute of the element that has this name; in a graph, whose key has 17 bytes, a string of 12 bytes
_SEAL = re.compile(rb'(makemore\.checksum(?:" content="|\x12\x0c))[0-9a-f]{12}')
_PAGE, _GRAPH = b'<script type="application/json" id="about">', b"\x0a\x13makemore.vocabulary\x12"

State = Literal["foreign", "changed", "whole"]
"""Something else; an export that was changed, or is of a version that wrote no checksum; an export."""


def sealed(data: bytes) -> bytes:
    """Return the bytes of a page or a graph with their checksum in its place."""
    blank = _SEAL.sub(rb"\g<1>" + BLANK.encode(), data, count=1)
    return _SEAL.sub(rb"\g<1>" + hashlib.sha256(blank).hexdigest()[:12].encode(), data, count=1)


def metadata_for(directory: Path) -> dict[str, str]:
    """Return the metadata of the weights in a directory whose other files are complete."""
    return {"format": "pt", _SIGNATURE: __version__, _FILES: _checksum(directory)}


def state_of_file(path: Path) -> State:
    """Return whether a file is a page, a graph, a script or the weights of one, and whether it is whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return "foreign"
    if _SEAL.search(data) and data == sealed(data):
        return "whole"
    if (data[:1] == b"<" and _PAGE in data and MARK.encode() in data) or _GRAPH in data:
        return "changed"
    if MARK.encode() not in data or not (data[:2] == b"PK" or re.search(rb"\bchecksum [0-9a-f]{12}\b", data)):
        return "foreign"
    return "changed" if data[:1] in (b"<", b"\x08") or script.is_changed(path) else "whole"


def state_of_directory(path: Path, names: tuple[str, ...]) -> State:
    """Return whether a directory holds the files of an export and nothing else, and whether they are whole."""
    there = os.listdir(path)
    if not set(there) <= {*names} or any(kind(path / name) != "file" for name in there):
        return "foreign"
    try:
        with safetensors.safe_open(path / WEIGHTS, framework="np") as weights:
            if _SIGNATURE not in (weights.metadata() or {}):
                return "foreign"
    except Exception:  # whatever is wrong with it, it is not ours
        return "foreign"
    try:
        _, metadata = read_arrays(path / WEIGHTS)
        return "whole" if metadata.get(_FILES) == _checksum(path) else "changed"
    except Exception:  # damaged since
        return "changed"


def _checksum(directory: Path) -> str:
    """Return the checksum of the files in a directory, without WEIGHTS."""
    digest = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.name != WEIGHTS:
            digest.update(
                hashlib.sha256(path.name.encode()).digest() + hashlib.sha256(path.read_bytes()).digest()
            )
    return digest.hexdigest()[:12]
