"""The list in a run directory: its vocabulary, its lines and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.reading import Reading
from makemore.corpus.store import Store
from makemore.corpus.vocab import Ids, Vocab
from makemore.errors import MakemoreError
from makemore.files.json_io import read_json, to_json
from makemore.files.manifest import Manifest
from makemore.files.paths import checksum, damage, regular


def save(vocab: Vocab, corpus: Corpus, files: Manifest) -> dict[str, int]:
    """Write a list into a run directory; return the checksums of the files."""
    checksums = corpus.save(files)
    lists: dict[str, Sequence[str]] = {"vocabulary.json": vocab.names[1:]}
    lists |= {"labels.json": vocab.labels} if vocab.labels else {}
    for name, values in lists.items():
        with files.writing(name) as path:
            path.write_text(to_json(list(values), indent=2) + "\n", "utf-8", "backslashreplace")
            checksums[name] = checksum(path)
    return checksums


class StoredList:
    """The files of a list in a run directory; raises MakemoreError if they are damaged.

    Args:
        path: The directory.
        checksums: What the files' checksums should be, by name; None for a run of an early version.

    """

    def __init__(self, path: Path, checksums: Mapping[str, int] | None) -> None:
        self.path, self.checksums = path, checksums

    def vocab(self, unknown: bool) -> Vocab:
        """Return the vocabulary; `unknown` is as in `Vocab`."""
        path = self.path / "vocabulary.json"
        with damage(path):
            characters = read_json(path)
            self._check(path)
            strings = isinstance(characters, list) and all(isinstance(c, str) and c for c in characters)
            vocab = Vocab(characters if strings else "", unknown, self._labels())
            if not strings or characters != vocab.names[1:]:
                raise ValueError("not a list of different characters in the order of their ids")
        return vocab

    def _labels(self) -> list[str]:
        path = self.path / "labels.json"
        if not path.exists():
            return []
        with damage(path):
            labels = read_json(path)
            self._check(path)
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise ValueError("not a list of labels")
        return labels

    def corpus(self, vocab: Vocab, reading: Reading | None) -> Corpus:
        """Return the lines that the run was started on."""
        if (self.path / "corpus" / "facts.json").exists():
            store = Store(self.path / "corpus")
            if store.vocab != vocab:
                raise MakemoreError(
                    f"{store.directory}: does not fit vocabulary.json; restore it from a backup, "
                    "or train again with overwrite=True",
                    option="overwrite",
                )
            return DiskCorpus(store)
        path = self.path / "corpus.npy"
        with damage(path):
            self._check(regular(path))
            tokens = np.load(path, mmap_mode="r", allow_pickle=False)
            if tokens.ndim != 1 or len(tokens) < 2 or tokens.dtype.kind != "u":
                raise ValueError("not one stream of ids")
            if tokens[0] or tokens[-1] or tokens.max() >= len(vocab):
                raise ValueError("it does not fit vocabulary.json")
            ends = np.flatnonzero(tokens == 0)
            if len(ends) < 4 or (np.diff(ends) == 1).any():
                raise ValueError("it holds fewer than three lines, or an empty one")
        return Corpus(vocab, tokens, reading, labels=self._numbers(len(ends) - 1, vocab))

    def _numbers(self, n: int, vocab: Vocab) -> Ids | None:
        """Return the number of each line's label, (N,)."""
        path = self.path / "labels.npy"
        if not vocab.labels:
            return None
        with damage(path):
            self._check(regular(path))
            labels: Ids = np.load(path, allow_pickle=False)
            if labels.shape != (n,) or labels.dtype.kind != "u" or labels.max() > len(vocab.labels):
                raise ValueError("it does not fit corpus.npy and labels.json")
        return labels

    def _check(self, path: Path) -> None:
        """Raise ValueError if a file does not have the checksum that config.json says."""
        if self.checksums is not None and self.checksums.get(path.name) != checksum(path):
            raise ValueError("its checksum is wrong")
