"""A corpus as files: arrays in a directory, mapped into memory where they are used, checked before they are.

DIR/tokens.npy       (M,) the stream of ids
DIR/offsets.npy      (N + 1,) int64, where each line begins
DIR/lengths.npy      (N,) int32; DIR/hashes.npy (N,) uint64; DIR/split.npy (N,) uint8
DIR/chunks.npy       (K + 1,) int64, the first row of each chunk
DIR/checks.npy       (K,) uint32, a checksum of each chunk
DIR/sorted.npy       (N,) uint64, the hashes in order; made when somebody first asks what is new
DIR/facts.json       everything else; written last, so that a directory without it is not finished
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import shutil
import zlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from makemore.corpus.lines import Reading
from makemore.corpus.vocab import Vocab
from makemore.distributed.devices import bound_memory
from makemore.errors import MakemoreError
from makemore.files.atomic import damage, from_json, held, kind, read_json, regular, write_json
from makemore.files.manifest import Manifest

FORMAT = "makemore corpus 2"
ARRAYS = {
    "tokens": None,
    "offsets": np.int64,
    "lengths": np.int32,
    "hashes": np.uint64,
    "split": np.uint8,
    "chunks": np.int64,
    "checks": np.uint32,
}
"""The files, and what is in them; the type of the tokens depends on the vocabulary."""

SORTED_AT_ONCE, EVERY = 1 << 22, 1 << 12


class Store:
    """The files of a corpus."""

    def __init__(self, directory: Path) -> None:
        """Open a directory. Raises MakemoreError if what is there is not whole."""
        self.directory = directory
        with damage(directory):
            facts = read_json(directory / "facts.json")
            if facts.get("format") != FORMAT:
                raise ValueError("facts.json is of another version")
            if facts.pop("check", None) != _check_of(facts):
                raise ValueError("facts.json was changed")
            self.facts: dict[str, Any] = facts
            self.reading = from_json(Reading, facts["reading"])
            self.vocab = Vocab("".join(facts["characters"]), unknown=self.reading.rare > 0)
            self._arrays = {name: self._map(name) for name in ARRAYS}
            n, k = sum(facts["lines"].values()), len(self._arrays["checks"])
            sizes = {"tokens": facts["size"], "offsets": n + 1, "chunks": k + 1, "checks": k}
            for name, array in self._arrays.items():
                if len(array) != sizes.get(name, n):
                    raise ValueError(
                        f"{name}.npy has {len(array):,} entries and should have {sizes.get(name, n):,}"
                    )
            if zlib.crc32(self._arrays["chunks"].tobytes()) != facts["chunks"]:
                raise ValueError("chunks.npy was changed")
        self._checked = np.zeros(k, dtype=bool)
        self._files: dict[str, Any] = {}
        bound_memory()

    def _map(self, name: str) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.load(
            regular(self.directory / f"{name}.npy"), mmap_mode="r", allow_pickle=False
        )
        if array.ndim != 1 or (ARRAYS[name] is not None and array.dtype != ARRAYS[name]):
            raise ValueError(f"{name}.npy is something else")
        return array

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return one of ARRAYS, mapped."""
        return self._arrays[name]

    def read(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Return entries of one of ARRAYS, read and not mapped: for a look at a byte the system would map up to 2 MB around it."""
        if name not in self._files:
            self._files[name] = open(self.directory / f"{name}.npy", "rb", buffering=0)  # noqa: SIM115 - as long as this lives
        array = self._sorted if name == "sorted" else self._arrays[name]
        begin, size = array.offset, array.itemsize  # type: ignore[union-attr]  # of a mapped array
        data = os.pread(self._files[name].fileno(), (stop - start) * size, begin + start * size)
        return np.frombuffer(data, dtype=array.dtype)

    def copy(self, to: Manifest) -> None:
        """Put the same files into another directory: by links where the file system has them, which take no room."""
        names = [*(f"{name}.npy" for name in ARRAYS), "sorted.npy", "facts.json"]
        names = [
            name for name in names if (self.directory / name).exists()
        ]  # nobody may have asked for sorted.npy
        to.claim(*names)
        for name in names:
            try:
                os.link(self.directory / name, to.directory / name)
            except OSError:
                with to.writing(name) as path:
                    shutil.copyfile(self.directory / name, path)

    def check(self, chunks: npt.NDArray[np.int64]) -> None:
        """Raise MakemoreError unless the chunks are what was written; each is looked at once."""
        for k in chunks[~self._checked[chunks]].tolist():
            if self.checksum(k) != int(self._arrays["checks"][k]):
                raise MakemoreError(
                    f"{self.directory}: was changed or damaged (chunk {k:,}); run makemore cache clear, then the command again, with --overwrite for a run"
                )
            self._checked[k] = True

    def checksum(self, k: int) -> int:
        """Return the checksum of all that is stored of a chunk."""
        first, end = self._arrays["chunks"][k : k + 2].tolist()
        offsets = self.read("offsets", first, end + 1)
        tokens = self.read("tokens", int(offsets[0]), int(offsets[-1]) + 1)
        rest = (self.read(name, first, end) for name in ("lengths", "hashes", "split"))
        return checksum(tokens, offsets, *rest)

    def release(self) -> None:
        """Give the memory back that the files take in this process; they are read again when they are needed."""
        release(*self._arrays.values(), *([self._sorted] if "_sorted" in self.__dict__ else []))

    @cached_property
    def _sorted(self) -> npt.NDArray[np.uint64]:
        path = self.directory / "sorted.npy"
        if not path.exists():
            self._sort(path)
        with damage(path):
            array: npt.NDArray[np.uint64] = np.load(regular(path), mmap_mode="r", allow_pickle=False)
            if array.shape != self._arrays["hashes"].shape or array.dtype != np.uint64:
                raise ValueError("it does not fit the other files")
            total, last, every = np.zeros(1, np.uint64), np.uint64(0), []
            for i in range(0, len(array), SORTED_AT_ONCE):
                some = array[i : i + SORTED_AT_ONCE]
                total += some.sum()
                if some[0] < last or (some[1:] < some[:-1]).any():
                    raise ValueError("it is not in order")
                last = some[-1]
                every.append(some[::EVERY].copy())
                release(array)
            if int(total[0]) != self.facts["sum"]:
                raise ValueError("it was changed")
        self._every = np.concatenate(every)
        return array

    def sorted_hashes(self) -> npt.NDArray[np.uint64]:
        """Return the hashes of all lines in order, mapped from a file that is written when they are first asked for."""
        return self._sorted

    def has(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return of each hash whether a line has it."""
        n, found = len(self._sorted), np.zeros(len(hashes), dtype=bool)
        places = np.searchsorted(self._every, hashes, side="right") - 1  # of which every 4,096th is in memory
        for i, place in enumerate(places.tolist()):
            some = (
                self.read("sorted", max(place, 0) * EVERY, min((place + 1) * EVERY, n))
                if place >= 0
                else hashes[:0]
            )
            at = int(np.searchsorted(some, hashes[i]))
            found[i] = at < len(some) and some[at] == hashes[i]
        return found

    def _sort(self, path: Path) -> None:
        """Write the hashes in order: first runs that are sorted in memory, then all runs merged, a part at a time.

        Hashes are even in number over their range, so that a part, all with the same first bits, is about as long as a run.
        """
        with held(self.directory, wait=True, made=False):  # several processes may want it
            if not path.exists():
                self._sort_held(path)

    def _sort_held(self, path: Path) -> None:
        hashes = self._arrays["hashes"]
        runs = [slice(i, i + SORTED_AT_ONCE) for i in range(0, len(hashes), SORTED_AT_ONCE)]
        edges = [np.uint64(i * 2**64 // len(runs)) for i in range(1, len(runs))]
        files = Manifest(self.directory, recognised(self.directory))
        files.remove(*(name for name in files.names if _UNSORTED.fullmatch(name)))  # a process died at it
        names = [f"sorted.{os.getpid()}.{what}.tmp" for what in ("runs", "all")]
        unmerged, beside = (self.directory / name for name in names)
        files.claim(path.name, *names)
        try:
            sorted_runs, out = (new_array(file, np.uint64, len(hashes)) for file in (unmerged, beside))
            cuts = []
            for run in runs:
                sorted_runs[run] = np.sort(hashes[run])  # if one was changed, their sum will tell
                cuts.append([run.start, *(run.start + np.searchsorted(sorted_runs[run], edges)), run.stop])
                release(sorted_runs, hashes)
            at = 0
            for part in range(len(runs)):
                some = np.sort(np.concatenate([sorted_runs[cut[part] : cut[part + 1]] for cut in cuts]))
                out[at : at + len(some)] = some
                at += len(some)
                release(sorted_runs, out)
            out.flush()
            os.replace(beside, path)
        except OSError as error:  # -o would not help: the file belongs to the corpus
            raise MakemoreError(
                f"{path}: cannot be written: {error.strerror or error}; make room there and run the same command again"
            ) from None
        finally:
            with contextlib.suppress(MakemoreError):
                files.remove(*names)


_UNSORTED = re.compile(r"sorted\.\d+\.(runs|all)\.tmp")


def recognised(directory: Path) -> set[str]:
    """Return the names of a store's files in a directory without a manifest; none if it is not one of makemore's."""
    try:
        facts = json.loads(regular(directory / "facts.json").read_bytes())
        ours = isinstance(facts, dict) and str(facts.get("format")).startswith("makemore corpus ")
        names = [path.name for path in directory.iterdir() if kind(path) == "file"] if ours else []
    except (OSError, ValueError, RecursionError):
        return set()
    known = {"facts.json", "sorted.npy", *(f"{name}.npy" for name in ARRAYS)}
    return {name for name in names if name in known or _UNSORTED.fullmatch(name)}


def new_array(path: Path, kind: Any, size: int) -> np.memmap[Any, Any]:
    """Return a new array of `size` entries in a file that has all its room, so that a full disk raises OSError here.

    Writing to a mapped file that finds no room kills the process.
    """
    made: np.memmap[Any, Any] = np.lib.format.open_memmap(path, "w+", kind, (size,))
    if hasattr(os, "posix_fallocate"):
        with open(path, "rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return made


def write_facts(directory: Path, facts: dict[str, Any]) -> None:
    """Write facts.json, with a checksum of what is in it."""
    write_json(directory / "facts.json", facts | {"check": _check_of(facts)}, directory / "facts.json.tmp")


def _check_of(facts: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass"))


def release(*arrays: npt.NDArray[Any]) -> None:
    """Give the memory back that mapped files take in this process: what was written stays with the system."""
    if hasattr(mmap, "MADV_DONTNEED"):
        for array in arrays:
            mapped = getattr(array, "_mmap", None)
            if mapped is not None:
                mapped.madvise(mmap.MADV_DONTNEED)


def checksum(
    tokens: npt.NDArray[Any],
    offsets: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
    split: npt.NDArray[np.uint8],
) -> int:
    """Return the checksum of some lines: their stream with both boundaries, and what belongs to it."""
    made = 0
    for part in (tokens, offsets, lengths, hashes, split):
        made = zlib.crc32(part.tobytes(), made)
    return made
