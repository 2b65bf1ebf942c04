"""Commands on runs with one file changed at random: a result or one sentence, nothing lost, nothing executed.

Twenty run with the slow tests, the same ones every time. MAKEMORE_FUZZ=2000 tries that many new ones.
"""

from __future__ import annotations

import json
import os
import stat
import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzz_sandbox import RUNS, check, fuzzed, restore, tell
from fuzzing import Sandbox
from hypothesis import event, given
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux"),
]

DEEP = "\0deep"  # written as thousands of brackets, which json itself cannot write
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 5, -5, 1.5, -0.5, 1e308, -1e308, 10**30, int("9" * 4000), "", "x", "int8",
    "bfloat16", "é", "\ud800", "\x1b[31m", "x" * 5000, [], {}, [1], ["a", "b"], [[]], {"a": 1}, [None],
    {"": []}, float("nan"), float("inf"), 2**63, 2**62, 100_000, DEEP,
]  # fmt: skip


def as_json(value: Any) -> str:
    """JSON, including values that json refuses to write."""
    text = json.dumps(value)
    return text.replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000)


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, item in list(inside)[:40] for place in _places(item, (*here, key)))]


def changed_json(random: Random, text: str) -> str:
    """The same JSON with a value replaced, removed or added."""
    value = json.loads(text)
    place = random.choice(_places(value))
    if not place:
        return as_json(random.choice(VALUES))
    inside = value
    for key in place[:-1]:
        inside = inside[key]
    how = random.choice(["replace"] * 6 + ["remove", "add"])
    if how == "replace":
        inside[place[-1]] = random.choice(VALUES)
    elif how == "remove":
        del inside[place[-1]]
    elif isinstance(inside, dict):
        inside[random.choice(["", "new", "x" * 1000])] = random.choice(VALUES)
    else:
        inside.insert(place[-1], random.choice(VALUES))
    return as_json(value)


def changed_bytes(random: Random, held: bytes) -> bytes:
    """The same bytes with some flipped, cut off or inserted, or other bytes."""
    how = random.choice(["flip", "flip", "cut", "cut", "insert", "zero", "other", "empty", "double"])
    at = random.randrange(max(1, len(held)))
    if random.random() < 0.5:  # where files say what they are
        at %= 200
    if how == "flip" and held:
        at = min(at, len(held) - 1)
        return held[:at] + bytes([held[at] ^ (1 << random.randrange(8))]) + held[at + 1 :]
    if how == "cut":
        return held[:at]
    if how == "insert":
        return held[:at] + random.randbytes(random.randrange(1, 10)) + held[at:]
    if how == "zero":
        return held[:at] + bytes(min(64, len(held) - at)) + held[at + 64 :]
    if how == "double":
        return held + held
    return b"" if how == "empty" else random.randbytes(random.randrange(200))


def _npy(random: Random) -> bytes:
    """An array of another shape or type."""
    kind = random.choice(
        ["<u1", "<u2", "<i8", "<f4", "<f8", "|O", "<U5", "|b1", "<c16", "|V8", "[('a', '<i4')]"]
    )
    shape = random.choice(
        ["()", "(0,)", "(1,)", "(9,)", "(3, 3)", "(-1,)", "(10**12,)", "(1000000000000,)", "('a',)"]
    )
    named = kind if kind.startswith("[") else f"'{kind}'"
    head = f"{{'descr': {named}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(72)


def _tensors(random: Random, held: bytes) -> bytes:
    """Weights with a wrong header, or that are not numbers."""
    size = struct.unpack("<Q", held[:8])[0]
    head, rest = held[8 : 8 + size].decode(), held[8 + size :]
    how = random.choice(["header", "header", "progress", "nan", "size"])
    if how == "size":
        return struct.pack("<Q", random.choice([0, 1, 7, 2**31, 2**63, 2**64 - 1])) + held[8:]
    if how == "nan":
        number = random.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff"])
        return held[: 8 + size] + number * (len(rest) // 4) + rest[len(rest) // 4 * 4 :]
    found = json.loads(head)
    if how == "progress" and "__metadata__" in found:
        inner = found["__metadata__"]
        key = random.choice(sorted(inner))
        inner[key] = changed_json(random, inner[key]) if key == "progress" else "x"
        head = json.dumps(found)
    else:
        head = changed_json(random, head)
    data = head.encode("utf-8", "backslashreplace")
    return struct.pack("<Q", len(data)) + data + rest


def mutate(random: Random, sandbox: Sandbox, before: dict[str, Any]) -> str:
    """Change one file of a run; return what was done."""
    top = sandbox.root / "sandbox"
    name = random.choice(RUNS)
    files = [
        f
        for f in before
        if f.startswith(f"work/{name}/") and stat.S_ISREG(before[f][0]) and not f.endswith(".png")
    ]
    files = [f for f in files if name != "comparison" or f.count("/") == 2 or "bigram" in f]
    file = random.choice(sorted(files))
    path, held = top / file, before[file][1]
    binary = file.endswith((".npy", ".safetensors"))
    how = random.choice(
        (["inside"] * 6 + ["bytes"] * 4 + ["swap", "remove", "directory", "fifo", "loop", "link", "null"]),
    )
    if how == "inside" and file.endswith(".json"):
        new = changed_json(random, held.decode()).encode("utf-8", "surrogatepass")
    elif how == "inside" and file.endswith(".jsonl"):
        lines = held.decode().splitlines()
        at = random.randrange(len(lines))
        lines[at] = changed_json(random, lines[at])
        new = "\n".join(lines).encode("utf-8", "surrogatepass")
    elif how == "inside" and file.endswith(".npy"):
        new = _npy(random) if random.random() < 0.5 else changed_bytes(random, held)
    elif how == "inside" and binary:
        new = _tensors(random, held)
    elif how == "swap":
        new = before[random.choice(sorted(f for f in before if Path(f).name == path.name))][1] or b""
    else:
        new = changed_bytes(random, held)
    path.unlink()
    if how == "directory":
        path.mkdir()
    elif how == "fifo":
        os.mkfifo(path)
    elif how in ("loop", "link", "null"):
        path.symlink_to({"loop": path.name, "link": "../elsewhere/keep.txt", "null": "/dev/null"}[how])
    elif how != "remove":
        path.write_bytes(new)
    return f"{file}: {how}"


USES = [
    ["sample", "RUN"], ["sample", "RUN", "--json", "--novel"], ["sample", "RUN", "--most-likely", "3"],
    ["score", "RUN", "emma", "xqz"], ["explain", "RUN", "emma"], ["eval", "RUN", "-n", "100"],
    ["eval", "RUN", "-n", "100", "--json"], ["report", "RUN", "-n", "100"], ["--resume", "-o", "RUN"],
    ["--resume", "-o", "RUN", "--max-steps", "8"], ["--sample-only", "-o", "RUN"], ["compare", "RUN", "mlp"],
    ["compare", "RUN"], ["compare", "tiny.txt", "-o", "RUN", "--types", "bigram,mlp", "--max-steps", "3"],
    ["inspect", "RUN"], ["-i", "RUN", "-o", "new", "--max-steps", "2"],
    ["-i", "tiny.txt", "--type", "bigram", "-o", "RUN"],
    ["-i", "tiny.txt", "--type", "bigram", "-o", "RUN", "--overwrite"],
]  # fmt: skip


@fuzzed
@given(random=st.randoms(use_true_random=True))  # hypothesis on its own varies little of the last one
def test_changed_runs(sandbox: Sandbox, random: Random) -> None:
    assert (wrong := try_change(sandbox, random)) == "", wrong


def try_change(sandbox: Sandbox, random: Random) -> str:
    """Change a file of a run and use the run; return what went wrong."""
    whole = sandbox.tree()
    what = mutate(random, sandbox, whole)
    run = os.path.dirname(what.partition(":")[0]).removeprefix("work/").removesuffix("/corpus")
    run = random.choice([run, run.partition("/")[0]])
    argv = [word.replace("RUN", run) for word in random.choice(USES)]
    before = sandbox.tree()
    result = sandbox.run(argv)
    event(f"status {result.status}")
    found = check(sandbox, argv, before, result)
    restore(sandbox, whole, before)
    return what + "\n" + tell(argv, result, found) if found else ""
