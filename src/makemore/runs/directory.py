"""The files of a run: everything needed to sample, evaluate or continue training, in one directory.

    config.json          format version, type, the model's knobs, the training settings, how the list was read
    vocabulary.json      the characters, in the order of their ids
    labels.json          the lines' labels, if they have any, in the order of their numbers
    corpus.npy           the lines as one stream of ids; corpus/ if they are kept on disk
    best.safetensors     the weights of the step with the lowest validation loss
    last.safetensors     weights, optimiser, random state and progress at the last checkpoint
    metrics.jsonl        one JSON object for each evaluation
    summary.json         losses on every split and more, once training has ended
    loss.png             the loss over the steps
    diagnostics.jsonl    statistics of activations and gradients, if recorded
    diagnostics.png      a plot of them
    report.html          the page that `makemore report` wrote, with report-plots/ beside it
    manifest.jsonl       which of these makemore wrote: nothing else is ever replaced or deleted

Every file except the .jsonl ones is written under a temporary name, flushed and renamed, so that a crash at
any moment leaves the previous one. config.json is the last of the first three to be written: it makes the
directory a run. Weights, corpus and vocabulary have checksums. Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from makemore import __version__
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import Reading
from makemore.corpus.vocab import Vocab
from makemore.distributed.environment import launch_id
from makemore.distributed.group import ALONE, Group
from makemore.errors import MakemoreError
from makemore.files.json_io import flat_from_json, read_json, read_json_lines, to_json
from makemore.files.manifest import Manifest
from makemore.files.paths import damage, kind
from makemore.files.typed import checked_path
from makemore.inference.base import Array
from makemore.metrics import layers
from makemore.runs import stored_list
from makemore.runs.blends import TYPE, Blend
from makemore.runs.ownership import new_run
from makemore.runs.recognition import FORMAT, OLD, SIGNED, owned
from makemore.runs.settings import Settings
from makemore.runs.setup import Setup, is_type
from makemore.runs.stored_list import StoredList
from makemore.runs.summary import Metrics, Summary
from makemore.runs.weights import part, read_arrays, read_tensors, write_tensors

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

VERSION = 1
"""Of the format. Runs of the same version are interchangeable between versions of makemore."""


class RunDirectory:
    """The files of a run, read and written so that a crash at any moment leaves it usable.

    Several processes may share one: only the first of them writes; the calls of the others do nothing.
    """

    def __init__(self, directory: str | Path, group: Group = ALONE) -> None:
        self.path, self.group = checked_path("directory", directory), group

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes."""
        return self.group.first

    @cached_property
    def files(self) -> Manifest:
        """Which files of the directory makemore wrote."""
        return owned(self.path)

    # config, vocabulary and corpus

    def create(self, setup: Setup, corpus: Corpus, overwrite: bool = False) -> None:
        """Start the run. An existing one is replaced only with `overwrite`."""
        if not self.writes:
            return
        with new_run(self.path, overwrite) as files:
            self._checksums = stored_list.save(setup.vocab, corpus, files)
            self._write_config(setup, files)

    def load(self) -> Setup:
        """Read config.json and vocabulary.json.

        Raises MakemoreError if the run is missing or damaged, or was written by another program or in a newer
        format.
        """
        config = self._read_config()
        with damage(self.path / "config.json"):
            type, knobs = config["type"], config["model"]
            blend = Blend.from_json(config["blend"]) if type == TYPE else None
            for each in [type] if blend is None else [part.type for part in blend.parts]:
                if not is_type(each):
                    raise ValueError(f"type is {each!r}")
            if not isinstance(knobs, dict) or not all(
                isinstance(knob, int | float) for knob in knobs.values()
            ):
                raise ValueError("the Config of the model should have numbers by name")
            settings = Settings.from_json(config["training"])
            reading = flat_from_json(Reading, config["data"]) if config["data"] else None
        self._checksums = config.get("checksums")
        vocab = StoredList(self.path, self._checksums).vocab(unknown=reading is not None and reading.rare > 0)
        if knobs.get("labels", 0) != len(vocab.labels) or (blend is not None and blend.vocab != vocab):
            raise MakemoreError(
                f"{self.path / 'config.json'}: does not fit vocabulary.json or labels.json; restore it from a "
                "backup"
            )
        return Setup(type, knobs, settings, vocab, reading, blend)

    @cached_property
    def _checksums(self) -> dict[str, int] | None:
        """Of vocabulary.json and corpus.npy; None for a run of an early version, which wrote none at all."""
        return self._read_config().get("checksums")

    def _read_config(self) -> dict[str, Any]:  # as JSON gives it
        self._check_exists()
        config = read_json(self.path / "config.json")
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise MakemoreError(f"{self.path}: not a makemore run; another program wrote its config.json")
        if config.get("version") != VERSION:
            raise MakemoreError(
                f"{self.path}: has run format {config.get('version')}, but this makemore ({__version__}) "
                f"reads format {VERSION}; use the version that wrote it ({config.get('makemore', 'unknown')})"
            )
        checksums = config.get("checksums")
        with damage(self.path / "config.json"):
            if checksums is not None and not isinstance(checksums, dict):
                raise ValueError(f"checksums is {checksums!r}")
        return config

    def _check_exists(self) -> None:
        try:
            exists = self.path.is_dir()
            wrong = "is not a directory" if self.path.exists() else "no such directory"
            is_run = exists and (self.path / "config.json").exists()
        except OSError as error:
            raise MakemoreError(f"{self.path}: cannot be read: {error.strerror}") from None
        if not exists:
            raise MakemoreError(f"{self.path}: {wrong}; give the directory of a run")
        if not is_run and kind(self.path / OLD / "config.json"):
            raise MakemoreError(
                f"{self.path}: replacing the run there was interrupted; train again with overwrite=True",
                option="overwrite",
            )
        if not is_run:
            raise MakemoreError(
                f"{self.path}: not a makemore run, since it has no config.json; give the directory of a run"
            )

    def read_corpus(self, vocab: Vocab, reading: Reading | None) -> Corpus:
        """Return the lines that the run was started on."""
        return StoredList(self.path, self._checksums).corpus(vocab, reading)

    def write_config(self, setup: Setup) -> None:
        """Write config.json again, since resuming may change some settings."""
        if self.writes:
            self._write_config(setup, self.files)

    def _write_config(self, setup: Setup, files: Manifest) -> None:
        import torch

        config = {
            "format": FORMAT,
            "version": VERSION,
            "makemore": __version__,
            "torch": str(torch.__version__),
            "type": setup.type,
            "model": setup.knobs,
            "training": dataclasses.asdict(setup.settings),
            "data": dataclasses.asdict(setup.reading) if setup.reading else None,
            "checksums": self._checksums,
            "launch": launch_id(),
        }
        if setup.blend is not None:
            config["blend"] = setup.blend.to_json()
        with files.writing("config.json") as path:
            path.write_text(to_json(config, indent=2) + "\n", "utf-8", "backslashreplace")

    def launch(self) -> str | None:
        """Return which processes started the run, as `launch_id` names them; None if there is no run."""
        try:
            found = read_json(self.path / "config.json").get("launch")
        except (MakemoreError, AttributeError):
            return None
        return found if isinstance(found, str) else None

    # weights and checkpoints

    @property
    def has_best(self) -> bool:
        """Whether there are best weights."""
        return (self.path / "best.safetensors").exists()

    def save_best(self, model: nn.Module) -> None:
        """Save the weights of a model as the best so far."""
        if self.writes:
            with self.files.writing("best.safetensors") as path:
                write_tensors(path, model.state_dict(), {})

    def read_best(self, model: nn.Module) -> None:
        """Load the best weights so far into a model."""
        path = self.path / "best.safetensors"
        tensors, _ = read_tensors(path, checked=self._checksums is not None)
        with damage(path):
            model.load_state_dict(tensors)

    def best_arrays(self) -> dict[str, Array] | None:
        """Return the best weights as arrays, by name, or the last ones; None if there are none yet."""
        checked = self._checksums is not None
        if self.has_best:
            return read_arrays(self.path / "best.safetensors", checked)[0]
        last = self.path / "last.safetensors"
        return part(read_arrays(last, checked)[0], "model.") if last.exists() else None

    def save_checkpoint(self, tensors: Mapping[str, Tensor], progress: Mapping[str, object]) -> None:
        """Save everything needed to continue from here, in one file, so that its parts fit each other."""
        if self.writes:
            with self.files.writing("last.safetensors") as path:
                write_tensors(path, tensors, {"progress": json.dumps(progress)})

    def load_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        """Return the tensors and the progress of the last checkpoint, or None before the first."""
        path = self.path / "last.safetensors"
        if not path.exists():
            return None
        tensors, metadata = read_tensors(path, checked=self._checksums is not None)
        with damage(path):
            return tensors, json.loads(metadata["progress"])

    # metrics and results

    def add_metrics(self, row: Metrics) -> None:
        """Append one evaluation to metrics.jsonl."""
        if self.writes:
            self.files.append("metrics.jsonl", to_json(row.to_json()) + "\n")

    def metrics(self) -> list[Metrics]:
        """Return the evaluations so far; damaged rows are left out."""
        found = []
        for row in read_json_lines(self.path / "metrics.jsonl"):
            with contextlib.suppress(ValueError):
                found.append(Metrics.from_json(row))
        return found

    def rewind_metrics(self, step: int) -> None:
        """Drop the evaluations after a step: training continues from there and will make them again."""
        if self.writes:
            kept = [to_json(row.to_json()) + "\n" for row in self.metrics() if row.step <= step]
            with self.files.writing("metrics.jsonl") as path:
                path.write_text("".join(kept), "utf-8")

    def add_diagnostics(self, row: layers.Row) -> None:
        """Append what was recorded of one step to diagnostics.jsonl."""
        if self.writes:
            self.files.append(layers.FILE, to_json(row.to_json()) + "\n")

    def rewind_diagnostics(self, step: int) -> None:
        """Drop what was recorded after a step, if anything was: training continues from there."""
        if self.writes and (self.path / layers.FILE).exists():
            kept = [to_json(row.to_json()) + "\n" for row in layers.read(self.path) if row.step <= step]
            with self.files.writing(layers.FILE) as path:
                path.write_text("".join(kept), "utf-8")

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json."""
        if self.writes:
            with self.files.writing("summary.json") as path:
                path.write_text(to_json(summary.to_json(), indent=2) + "\n", "utf-8", "backslashreplace")

    def summary(self) -> Summary | None:
        """Return what summary.json says; None before training has ended."""
        path = self.path / "summary.json"
        if not path.exists():
            return None
        try:
            return Summary.from_json(read_json(path))
        except ValueError as error:
            raise MakemoreError(
                f"{path}: cannot be read as a makemore file ({error}); "
                "training with resume=True writes it again",
                option="resume",
            ) from None

    def forget_end(self) -> None:
        """Remove the files written when training ended, since it continues."""
        if self.writes:
            self.files.remove("summary.json", "loss.png", "diagnostics.png")

    def write_picture(self, name: str, figure: Figure) -> None:
        """Write a Matplotlib figure as a PNG with makemore's signature."""
        if self.writes:
            with self.files.writing(name) as path:
                figure.savefig(path, format="png", dpi=120, metadata=SIGNED)
