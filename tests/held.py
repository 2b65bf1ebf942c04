"""What anyone can read from an export: its tensors, its bytes, and the strings that a model that counts holds."""

from __future__ import annotations

import base64
import json
import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

String = tuple[int, ...]

FORMS = ("u1", "<u2", "<i4", "<i8", "<f4", "<f8")
"""The numbers in which ids may be written."""


def page(path: Path) -> tuple[str, dict[str, object], bytes]:
    """Return the text of a page without its weights, what it says about the model, and the bytes of its weights."""
    text = path.read_text("utf-8")
    about = re.search(r'<script type="application/json" id="about">(.*?)</script>', text)
    weights = re.search(r'<script type="text/plain" id="weights">(.*?)</script>', text)
    assert about
    assert weights
    return text.replace(weights[1], ""), json.loads(about[1]), zlib.decompress(base64.b64decode(weights[1]))


def content(path: Path) -> bytes:
    """Return all bytes of an export, with what is packed in it unpacked, and its tensors as whole numbers."""
    numbers = (np.rint(np.clip(each, -(2**40), 2**40)).astype("<i8") for each in tensors(path).values())
    found = b"".join(each.tobytes() for each in numbers)
    if path.suffix == ".html":
        text, _, weights = page(path)
        return found + text.encode() + weights
    if path.is_dir():
        return found + b"".join(each.read_bytes() for each in path.iterdir())
    if path.suffix == ".py":
        with zipfile.ZipFile(path.with_suffix(".pt")) as archive:
            found += b"".join(archive.read(name) for name in archive.namelist())
    return found + path.read_bytes()


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of an export by name."""
    if path.is_dir():
        return load_file(path / "model.safetensors")
    if path.suffix == ".py":
        held = torch.load(path.with_suffix(".pt"), weights_only=True)["weights"]
        return {name: value.numpy() for name, value in held.items()}
    if path.suffix == ".onnx":
        import onnx

        return {each.name: onnx.numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
    _, about, weights = page(path)
    found = {}
    for each in about["model"]["tensors"]:
        n = int(np.prod(each["shape"]))
        planes = np.frombuffer(weights, np.uint8, each["size"] * n, each["offset"]).astype(np.int64)
        values = (planes.reshape(-1, n).T << 8 * np.arange(each["size"])).sum(1)
        if each["kind"] == "float":
            values = values.astype(np.uint32).view(np.float32)
        elif each["kind"] == "steps":
            values = each["step"] * np.where(values % 2, -(values + 1) // 2, values // 2)
        found[each["name"]] = values
    return found


def strings(held: dict[str, np.ndarray], V: int) -> set[String]:
    """Return the strings of ids that the counts among some tensors are of; V: the size of the vocabulary."""
    found: set[String] = set()
    for name in held:
        tree, _, kind = name.rpartition(".")
        if "shape" in tree:  # strings of kinds of characters, not of characters
            continue
        of = {each: held.get(f"{tree}.{each}".lstrip(".")) for each in ("sizes", "keys", "children", "last")}
        if kind == "sizes":
            found |= _of_keys(of, V)
        elif kind == "first":  # of a graph
            found |= _of_nodes(held[name], of["last"])
        elif (
            kind == "counts" and of["sizes"] is None
        ):  # of pairs: a row for each character, and for each label
            pairs = [(a % V, b) for a, b in np.argwhere(held[name].reshape(-1, V)).tolist()]
            found |= {*pairs, *((each,) for pair in pairs for each in pair)}
    return found


def _of_keys(of: dict[str, np.ndarray], V: int) -> set[String]:
    """Return the strings of a tree whose lists are one after another: keys, or what follows each and last characters."""
    ends, at = np.cumsum(of["sizes"])[:-1], 0
    if of["keys"] is None:
        last = np.split(of["last"], ends)
        roots = len(of["children"]) - of["sizes"][:-1].sum()
    else:
        last = [each % V for each in np.split(of["keys"], ends)]
        roots = int(of["keys"][: of["sizes"][0]].max()) // V + 1
    found, heads = set(), [()] * int(roots)
    for level, characters in enumerate(last):
        if of["keys"] is None:
            places = np.repeat(np.arange(len(heads)), of["children"][at : at + len(heads)])
            at += len(heads)
        else:
            places = np.split(of["keys"], ends)[level] // V
        heads = [(*heads[i], id) for i, id in zip(places.tolist(), characters.tolist(), strict=True)]
        found.update(heads)
    return found


def _of_nodes(first: np.ndarray, last: np.ndarray) -> set[String]:
    """Return the strings of a tree of nodes, each of which knows where those that continue it begin."""
    there: dict[int, String] = {}
    for node, (start, end) in enumerate(zip(first[:-1].tolist(), first[1:].tolist(), strict=True)):
        for child in range(start, end):
            there[child] = (*there.get(node, ()), int(last[child]))
    return {*there.values()}


def whole(some: set[String]) -> set[String]:
    """Return the lines among some strings: those with both ends."""
    return {each[1:-1] for each in some if len(each) > 2 and each[0] == each[-1] == 0}


def put_together(some: set[String]) -> set[String]:
    """Return the lines that follow from some strings: from the start on, whatever is longest goes on in one way."""
    n = max(map(len, some))
    after: dict[String, list[int]] = {}
    for each in some:
        after.setdefault(each[:-1], []).append(each[-1])
    found = set()
    for start in (each for each in some if len(each) == n and each[0] == 0 and each[-1] != 0):
        line = start
        while line[-1] != 0 and len(next_ones := after.get(line[1 - n :], [])) == 1 and len(line) < 1000:
            line = (*line, *next_ones)
        if line[-1] == 0:
            found.add(line[1:-1])
    return found


def pieces(lines: Iterable[str], ids: dict[str, int], size: int, there: bytes) -> set[str]:
    """Return the pieces of some lines, `size` characters long, that are in some bytes, as text or as ids."""
    found = set()
    for line in lines:
        for i in range(len(line) - size + 1):
            piece = line[i : i + size]
            numbers = np.array([ids[each] for each in piece])
            forms = (piece.encode(), *(numbers.astype(form).tobytes() for form in FORMS))
            if any(each in there for each in forms):
                found.add(piece)
    return found
