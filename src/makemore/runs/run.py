"""The run directory: everything needed to sample, evaluate or train on, in one place.

    config.json          format version, type, the model's knobs, the training settings, what was read
    vocabulary.json      the characters, in the order of their ids
    corpus.npy           the lines as one stream of ids
    best.safetensors     weights at the step with the lowest validation loss
    last.safetensors     weights, optimiser, random state and progress at the last checkpoint
    metrics.jsonl        one JSON object for each evaluation
    report.html          what `makemore report` wrote, with report-plots/ beside it
    summary.json         losses on every split and the rest, once training has ended
    loss.png             the loss over the steps
    diagnostics.jsonl    what went on inside the model at some steps, where that was asked for
    diagnostics.png      its picture
    manifest.jsonl       which of these makemore wrote: nothing else is ever replaced or deleted

Every file but the .jsonl ones is written beside its place, flushed and renamed, so that a crash at any
moment leaves the previous one. config.json comes last of the first three and makes the directory a run. Weights, corpus and vocabulary have checksums.
Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import math
import unicodedata
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from makemore import __version__
from makemore.corpus.corpus import Corpus
from makemore.corpus.lines import LONGEST, Reading
from makemore.corpus.store import Store
from makemore.corpus.vocab import Vocab
from makemore.distributed import group as parallel
from makemore.errors import MakemoreError, command_line, quoted, shown
from makemore.files import records
from makemore.files.atomic import (
    checksum,
    damage,
    from_json,
    kind,
    read_json,
    read_json_lines,
    regular,
    to_json,
)
from makemore.files.manifest import Manifest
from makemore.metrics import losses as evaluation
from makemore.models import MODELS, build, model_class
from makemore.models.base import Model, ModelConfig
from makemore.runs.directory import FORMAT, OLD, SIGNED, new_run, owned
from makemore.runs.settings import Settings
from makemore.sampling import draw as sampling
from makemore.sampling.draw import Choice, Sample
from makemore.sampling.search import Tree

Item = TypeVar("Item")

VERSION = 1


class SampleOptions(TypedDict, total=False):
    """The options of `Run.sample` and `Run.stream`; the latter says what they mean."""

    prefix: str
    pattern: str | None
    temperature: float
    top_k: int | None
    top_p: float
    max_length: int | None
    unique: bool
    novel: bool
    seed: int | None
    together: bool


@dataclasses.dataclass(frozen=True)
class Explained:
    """What a model expected at one place of a line."""

    character: str
    """What stands there; a newline is the end of the line."""
    probability: float
    choices: list[tuple[str, float]]
    """The likeliest characters and their probabilities, likeliest first."""

    @property
    def nll(self) -> float:
        """The surprise: -log p, in nats."""
        return -math.log(self.probability) if self.probability > 0 else math.inf


class Run:
    """A trained, or half trained, model with its vocabulary, its corpus and its settings."""

    def __init__(
        self,
        directory: Path,
        type: str,
        config: ModelConfig,
        settings: Settings,
        vocab: Vocab,
        reading: Reading | None,
    ) -> None:
        self.directory = directory
        self.type = type
        self.config = config
        """The model's knobs, a dataclass of its own for every type."""
        self.settings = settings
        self.vocab = vocab
        self.reading = reading
        self.checksums: dict[str, int] | None = None
        """Of vocabulary.json and corpus.npy; None in a run of an older makemore."""
        self._tree: Tree | None = None  # of the last samples, and what it is the tree of
        self._tree_of: tuple[nn.Module, str, int] | None = None

    @classmethod
    def create(
        cls,
        directory: str | Path,
        type: str,
        config: ModelConfig,
        settings: Settings,
        corpus: Corpus,
        overwrite: bool = False,
    ) -> Run:
        """Start a run directory. One that holds a run is only replaced with `overwrite`."""
        directory = Path(directory)
        run = cls(directory, type, config, settings, corpus.vocab, corpus.reading)
        with new_run(directory, overwrite) as files:
            with files.writing("vocabulary.json") as path:
                path.write_text(to_json(list(corpus.vocab.characters), indent=2) + "\n", "utf-8")
                run.checksums = {"vocabulary.json": checksum(path)}
            if corpus.store:
                corpus.store.copy(files.make_directory("corpus"))
                Store(files.directory / "corpus")  # whole?
            else:
                with files.writing("corpus.npy") as path:
                    with open(path, "wb") as file:
                        np.save(file, corpus.tokens, allow_pickle=False)
                    run.checksums["corpus.npy"] = checksum(path)
            run._write_config(files)
        if not corpus.store:
            run.corpus = corpus
        return run

    @classmethod
    def load(cls, directory: str | Path) -> Run:
        """Open a run directory. Raises MakemoreError where it is missing, damaged, foreign or too new."""
        directory = Path(directory)
        try:
            there = directory.is_dir()
            missing = "is not a directory" if directory.exists() else "no such directory"
            held = there and (directory / "config.json").exists()
        except OSError as error:
            raise MakemoreError(f"{directory}: cannot be read: {error.strerror}") from None
        if not there:
            raise MakemoreError(f"{directory}: {missing}; give the directory that `makemore train -o` wrote")
        if not held and kind(directory / OLD / "config.json"):
            raise MakemoreError(
                f"{directory}: replacing the run there was interrupted; run that command again, with --overwrite"
            )
        if not held:
            raise MakemoreError(
                f"{directory}: not a makemore run, it has no config.json; give what `makemore train -o` wrote"
            )
        config = read_json(directory / "config.json")
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise MakemoreError(f"{directory}: not a makemore run, its config.json is something else's")
        if config.get("version") != VERSION:
            raise MakemoreError(
                f"{directory}: written in run format {config.get('version')}, and this makemore ({__version__}) reads "
                f"format {VERSION}; use the version that wrote it ({config.get('makemore', 'unknown')})"
            )
        with damage(directory / "config.json"):
            if config["type"] not in MODELS:
                raise ValueError(f"type is {config['type']!r}")
            type = config["type"]
            model = from_json(model_class(type).config_class, config["model"])
            settings = Settings.from_json(config["training"])
            reading = from_json(Reading, config["data"]) if config["data"] else None
            checksums = config.get("checksums")  # none by an older makemore
            if checksums is not None and not isinstance(checksums, dict):
                raise ValueError(f"checksums is {checksums!r}")
        path = directory / "vocabulary.json"
        with damage(path):
            characters = read_json(path)
            _check(path, checksums)
            vocab = Vocab("".join(characters), unknown=reading is not None and reading.rare > 0)
            if not isinstance(characters, list) or characters != list(vocab.characters):
                raise ValueError("not a list of different characters in the order of their code points")
        run = cls(directory, type, model, settings, vocab, reading)
        run.checksums = checksums
        return run

    @cached_property
    def files(self) -> Manifest:
        """Which files of the directory makemore wrote."""
        return owned(self.directory)

    def write_config(self) -> None:
        """Write config.json from what the run now says."""
        self._write_config(self.files)

    def _write_config(self, files: Manifest) -> None:
        config = {
            "format": FORMAT,
            "version": VERSION,
            "makemore": __version__,
            "torch": str(torch.__version__),
            "type": self.type,
            "model": dataclasses.asdict(self.config),
            "training": dataclasses.asdict(self.settings),
            "data": dataclasses.asdict(self.reading) if self.reading else None,
            "checksums": self.checksums,
            "launch": parallel.launch(),
        }
        with files.writing("config.json") as path:
            path.write_text(to_json(config, indent=2) + "\n", "utf-8", "backslashreplace")

    # what is in it

    @cached_property
    def corpus(self) -> Corpus:
        """The lines the run was started on."""
        if (self.directory / "corpus" / "facts.json").exists():
            store = Store(self.directory / "corpus")
            if store.vocab != self.vocab:
                raise MakemoreError(
                    f"{store.directory}: does not fit vocabulary.json; use a copy, or train again with --overwrite"
                )
            return Corpus.stored(store)
        path = self.directory / "corpus.npy"
        with damage(path):
            _check(regular(path), self.checksums)
            tokens = np.load(path, mmap_mode="r", allow_pickle=False)
            if tokens.ndim != 1 or len(tokens) < 2 or tokens.dtype.kind != "u":
                raise ValueError("not one stream of ids")
            if tokens[0] or tokens[-1] or tokens.max() >= len(self.vocab):
                raise ValueError("it does not fit vocabulary.json")
            ends = np.flatnonzero(tokens == 0)
            if len(ends) < 4 or (np.diff(ends) == 1).any():
                raise ValueError("it holds less than three lines, or an empty one")
        return Corpus(self.vocab, tokens, self.reading)

    def new_model(self) -> Model:
        """Return the run's model as it is before training, drawn from torch's global generator."""
        with damage(self.directory / "config.json"):
            return build(self.type, len(self.vocab), self.config)

    @cached_property
    def model(self) -> Model:
        """The best model so far, on the CPU, ready for use; the last one if none was evaluated yet."""
        # a model is drawn only to be overwritten; on the CPU, so an accelerator need not be woken
        with torch.random.fork_rng(devices=[]):
            model = self.new_model()
        if (self.directory / "best.safetensors").exists():
            self.read_best(model)
        elif (checkpoint := self.load_checkpoint()) is not None:
            with damage(self.directory / "last.safetensors"):
                model.load_state_dict(part(checkpoint[0], "model."))
        else:
            raise MakemoreError(
                f"{self.directory}: not trained yet; go on with `{command_line('--resume', '-o', self.directory)}`"
            )
        return model.eval()

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json says, which fits `records.SUMMARY`; empty before training has ended."""
        path = self.directory / "summary.json"
        if not path.exists():
            return {}
        found = read_json(path)
        if wrong := records.misfit(found, records.SUMMARY):
            raise MakemoreError(
                f"{path}: damaged ({wrong}); write it again with `{command_line('--resume', '-o', self.directory)}`"
            )
        return dict(found)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the evaluations so far, which fit `records.METRIC`, without lines that are damaged or were cut off."""
        lines = read_json_lines(self.directory / "metrics.jsonl")
        return [line for line in lines if not records.misfit(line, records.METRIC)]

    # using it

    def stream(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        max_length: int | None = None,
        unique: bool = False,
        novel: bool = False,
        seed: int | None = None,
        together: bool = False,
    ) -> Generator[Sample, None, None]:
        """Yield n samples, as `sampling.sample` does.

        max_length: None takes the longest line of the corpus, and as many more as a prefix that is no shorter has. novel: no line of the corpus. Who asks a second
        time finds the first steps done, so the weights of `model` must not change in between.
        """
        choice = Choice(temperature, top_k, top_p)  # checked before the model is read
        asked = self._asked(prefix, pattern, max_length, novel)
        tree, last = self._tree, (self.model, asked["prefix"], asked["max_length"])
        if tree is None or self._tree_of != last:
            tree = self._tree = sampling.tree_of(self.model, self.vocab, asked["prefix"], asked["max_length"])
            self._tree_of = last
        else:
            tree.look_ahead()
        return sampling.sample(
            self.model,
            self.vocab,
            n,
            choice=choice,
            unique=unique,
            seed=seed,
            tree=tree,
            together=together,
            **asked,
        )

    def most_likely(
        self,
        n: int = 10,
        *,
        prefix: str = "",
        pattern: str | None = None,
        max_length: int | None = None,
        novel: bool = False,
    ) -> Generator[Sample, None, None]:
        """Yield the n most likely lines, likeliest first, as `sampling.most_likely` does.

        The options are those of `stream`.
        """
        asked = self._asked(prefix, pattern, max_length, novel)
        return sampling.most_likely(self.model, self.vocab, n, **asked)

    def _asked(self, prefix: str, pattern: str | None, max_length: int | None, novel: bool) -> dict[str, Any]:
        """What is asked of lines, as the functions of `sampling` take it."""
        prefix = self.written(self._bounded(prefix))
        if max_length is not None and max_length > max(LONGEST, self.corpus.longest):
            raise MakemoreError(
                f"--max-length {shown(max_length, 40)}: must be at most {max(LONGEST, self.corpus.longest):,} for this run"
            )
        longest = self.corpus.longest
        if len(prefix) >= longest:  # nothing would be left to draw
            longest += len(prefix)
        longest = longest if max_length is None else max_length
        keep = (lambda lines: [seen == "new" for seen in self.corpus.seen(lines)]) if novel else None
        return {"prefix": prefix, "pattern": pattern, "max_length": longest, "keep": keep}

    def sample(self, n: int = 10, **options: Unpack[SampleOptions]) -> list[str]:
        """Return n new lines. The options are those of `stream`: prefix, temperature, seed and so on."""
        return [sample.text for sample in self.stream(n, **options)]

    def with_seen(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, str]]:
        """Yield each sample with "train", "held-out" or "new", looked up many at a time."""
        for chunk in _chunks(samples):
            yield from zip(chunk, self.corpus.seen([sample.text for sample in chunk]), strict=True)

    def cut(self, samples: Sequence[Sample], model: nn.Module | None = None) -> list[bool]:
        """Say for each sample whether the longest allowed length cut it where the model would rather have gone on.

        A line of the longest length may well be whole: where all lines have one length, every sample has it too.
        model: None takes the run's best.
        """
        unended = [sample.text for sample in samples if not sample.ended]
        if not unended:
            return [False] * len(samples)
        tokens = self.vocab.encode("\n" + "".join(text + "\n" for text in unended))
        scores = evaluation.score(self.model if model is None else model, Corpus(self.vocab, tokens))
        ends = iter([nlls[-1] for nlls in scores])
        return [not sample.ended and next(ends) > math.log(2) for sample in samples]

    def scored(
        self, lines: Iterable[str], together: bool = False
    ) -> Generator[tuple[str, list[float] | None], None, None]:
        """Yield each line that is not blank, stripped as the training lines were and as it is `written`, with its `letters`.

        None stands for those of a line with a character that the model has never seen. together: whether the processes
        that torchrun started share the work; all must give the same lines, and all get all scores.
        """
        clean = (self.written(self._bounded(self._bare(line))) for line in lines)

        def work(chunk: list[str]) -> list[tuple[str, list[float] | None]]:
            known = [line for line in chunk if self.vocab.knows(line)]
            letters = iter(self.letters(known))
            return [(line, next(letters) if self.vocab.knows(line) else None) for line in chunk]

        chunks = _chunks(line for line in clean if line)
        if not together:
            yield from itertools.chain.from_iterable(map(work, chunks))
            return
        with contextlib.closing(parallel.shared(chunks, work)) as found:
            for some in found:
                yield from some

    def letters(self, lines: list[str]) -> list[list[float]]:
        """Return -log p in nats of every character of the given lines, each line's end last.

        Lines are taken as they are, so that a sample is scored as the characters that were drawn. Raises MakemoreError
        for a character that the model has never seen, and for a text that is not one line.
        """
        if isinstance(lines, str):
            raise MakemoreError(f"{quoted(lines)}: give a list of lines")
        for line in lines:
            self._bounded(line)
            if "\n" in line:
                raise MakemoreError(f"{quoted(line)}: is more than one line")
            try:
                self.vocab.encode(line)
            except MakemoreError as error:
                raise MakemoreError(f"{quoted(line)}: {error}") from None
        tokens = self.vocab.encode("\n" + "".join(line + "\n" for line in lines))
        return evaluation.score(self.model, Corpus(self.vocab, tokens))

    def score(self, lines: list[str]) -> list[float]:
        """Return -log p(line and its end) of the given lines, in nats.

        Lines are scored as they are `written`. Raises MakemoreError for a character that the model has never seen.
        """
        if isinstance(lines, str):
            raise MakemoreError(f"{quoted(lines)}: give a list of lines")
        return [sum(losses) for losses in self.letters([self.written(line) for line in lines])]

    def _bare(self, line: str) -> str:
        """Return a line without white space at its ends, unless that was kept in training; a blank one is empty."""
        bare = line.strip()
        return line.rstrip("\r\n") if bare and self.reading is not None and self.reading.keep_spaces else bare

    def _bounded(self, line: str) -> str:
        """Return a line, or raise MakemoreError if it is longer than this run may score or draw."""
        if len(line) > LONGEST and len(line) > self.corpus.longest:
            raise MakemoreError(
                f"{quoted(line)}: is too long for this run, which takes lines of up to {max(LONGEST, self.corpus.longest):,} characters"
            )
        return line

    def written(self, text: str) -> str:
        """Return a text as the model knows it: in Unicode's normal form C, as its training lines were.

        A model that draws a letter and then an accent may write what normal form C would make one character that no
        training line has. Where the model knows the text only as it is given, that is returned.
        """
        composed = unicodedata.normalize("NFC", text)
        if composed == text or set(composed) <= self._characters or not set(text) <= self._characters:
            return composed
        return text

    @cached_property
    def _characters(self) -> frozenset[str]:
        return frozenset(self.vocab.characters)

    def explain(self, line: str, top: int = 5) -> list[Explained]:
        """Return, for each character of a line and its end, how likely it was and what was likelier.

        top: how many of the likeliest characters to tell. Raises MakemoreError for a character that the model has
        never seen.
        """
        line = self.written(self._bounded(self._bare(line)))
        if not line:
            raise MakemoreError("the line is empty; give one with characters in it")
        self.letters([line])  # says what is wrong with it
        corpus = Corpus(self.vocab, self.vocab.encode(f"\n{line}\n"))
        found = []
        for character, p in zip([*line, "\n"], evaluation.expected(self.model, corpus, 0), strict=True):
            least = np.partition(p, -top)[-top] if top < len(p) else 0.0
            some = np.flatnonzero(p >= least)  # sorting all would take long where there are many characters
            likeliest = some[np.argsort(-p[some], kind="stable")[:top]]
            choices = list(zip(self.vocab.decode(likeliest), p[likeliest].tolist(), strict=True))
            found.append(Explained(character, float(p[self.vocab.encode(character)[0]]), choices))
        return found

    # saving and going on

    def save_best(self, model: nn.Module) -> None:
        """Keep the weights of a model as the best so far."""
        self._save("best.safetensors", dict(model.state_dict()), {})

    def save_checkpoint(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Keep all that is needed to go on from here, in one file so that it cannot disagree with itself."""
        self._save("last.safetensors", tensors, {"progress": json.dumps(progress)})

    def _save(self, name: str, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        """Write tensors and a checksum of all that the file says."""
        tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        metadata["checksum"] = str(_checksum_of(tensors, metadata))
        with self.files.writing(name) as path:
            path.write_bytes(save(tensors, metadata=metadata))

    def load_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the last checkpoint's tensors and progress, or None before the first."""
        if not (self.directory / "last.safetensors").exists():
            return None
        tensors, metadata = self._read_tensors("last.safetensors")
        with damage(self.directory / "last.safetensors"):
            return tensors, json.loads(metadata["progress"])

    def read_best(self, model: nn.Module) -> None:
        """Put the best weights so far into a model."""
        tensors, _ = self._read_tensors("best.safetensors")
        with damage(self.directory / "best.safetensors"):
            model.load_state_dict(tensors)

    def _read_tensors(self, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        path = self.directory / name
        with damage(path):
            with safetensors.safe_open(regular(path), framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                metadata = file.metadata() or {}
            for key, tensor in tensors.items():
                if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                    raise ValueError(f"{key} holds what is no number")
            said = metadata.pop("checksum", None)
            if said is None and self.checksums is None:  # of an older makemore
                return tensors, metadata
            if said != str(_checksum_of(tensors, metadata)):
                raise ValueError("its checksum is wrong")
        return tensors, metadata

    def add_metrics(self, line: dict[str, Any]) -> None:
        """Append one evaluation to metrics.jsonl."""
        self.files.append("metrics.jsonl", to_json(line) + "\n")

    def rewind_metrics(self, step: int) -> None:
        """Forget the evaluations after a step: training goes on from there and will make them again."""
        kept = [to_json(line) + "\n" for line in self.metrics() if line["step"] <= step]
        with self.files.writing("metrics.jsonl") as path:
            path.write_text("".join(kept), "utf-8")

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write summary.json."""
        with self.files.writing("summary.json") as path:
            path.write_text(to_json(summary, indent=2) + "\n", "utf-8", "backslashreplace")

    def forget_end(self) -> None:
        """Remove what was written at the end of training, since training goes on."""
        self.files.remove("summary.json", "loss.png", "diagnostics.png")

    def write_picture(self, name: str, figure: Any) -> None:
        """Write a matplotlib figure as PNG."""
        with self.files.writing(name) as path:
            figure.savefig(path, format="png", dpi=120, metadata=SIGNED)


def _check(path: Path, checksums: dict[str, int] | None) -> None:
    """Raise ValueError if a file is not the one that config.json has the checksum of."""
    if checksums is not None and checksums.get(path.name) != checksum(path):
        raise ValueError("its checksum is wrong")


def _checksum_of(tensors: dict[str, Tensor], metadata: dict[str, str]) -> int:
    """Return a checksum of tensors, their names, types and shapes, and what else the file says."""
    found = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, found)
    return found


def load(directory: str | Path) -> Run:
    """Open a run directory that `train` wrote, with its best model.

    Raises MakemoreError where it is missing, damaged, not makemore's or of a newer format.
    """
    if directory == "":
        raise MakemoreError(
            "the name of the run directory is empty; give the directory that `makemore train -o` wrote"
        )
    return Run.load(directory)


def started_by(directory: Path) -> str | None:
    """Return the `parallel.launch` of the processes that started a run; None where there is none."""
    try:
        found = read_json(directory / "config.json").get("launch")
    except (MakemoreError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _chunks(items: Iterable[Item], size: int = 1000) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except MakemoreError:  # what came before is good
        yield chunk
        raise
    yield chunk


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
