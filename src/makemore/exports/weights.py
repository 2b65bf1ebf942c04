"""The weights, the knobs and the vocabulary: all that a program of one's own needs.

    model.safetensors  the tensors of the model's state_dict
    config.json        the format and its version, the type, the model's knobs
    vocabulary.json    the characters in the order of their ids, from 1 on; id 0 is the boundary of lines

What a model that counts holds are counts of strings of up to n characters.
"""

from __future__ import annotations

from pathlib import Path

from makemore import __version__
from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.exports.own import WEIGHTS, metadata_for
from makemore.files.json_io import to_json
from makemore.runs.run import Run
from makemore.runs.weights import write_tensors

FORMAT, VERSION = "makemore weights", 1

FILES = (WEIGHTS, "config.json", "vocabulary.json")


def write(run: Run, directory: Path) -> None:
    """Write the files of a trained run to an empty directory."""
    setup, vocab = run.setup, run.vocab
    config: dict[str, object] = {
        "format": FORMAT,
        "version": VERSION,
        "makemore": __version__,
        "type": setup.type,
        "model": setup.knobs,
    }
    if setup.blend is not None:
        config["blend"] = setup.blend.to_json()
    words: dict[str, object] = {"characters": vocab.names[1:], "unknown": vocab.unknown}
    if (
        vocab.labels
    ):  # an id that a model reads is V times the number of the label, from 1 on, plus the character
        words["labels"] = vocab.labels
    write_text(directory / "config.json", to_json(config, indent=2))
    write_text(directory / "vocabulary.json", to_json(words, indent=2))
    write_tensors(directory / WEIGHTS, run.model.state_dict(), metadata_for(directory))


def never(vocab: Vocab) -> list[int]:
    """Return the ids that are never sampled: that of UNKNOWN where it stands for rare characters."""
    return [vocab.names.index(UNKNOWN)] if vocab.unknown else []


def positions(run: Run) -> int:
    """Return how many tokens the model reads at most: the boundary, and the longest line of its list or more."""
    return int(run.setup.knobs.get("block_size", run.corpus.longest + 1))


def no_text(vocab: Vocab) -> str:
    """Say that some characters are not text; an empty string if all are."""
    if any("\ud800" <= each <= "\udfff" for each in vocab.characters):
        return "some of its characters are lone surrogates, which are not text"
    return ""


def write_text(path: Path, text: str) -> None:
    """Write a text and a newline as UTF-8; lone surrogates become escapes, as JSON writes them."""
    path.write_text(text + "\n", "utf-8", "backslashreplace", newline="\n")
