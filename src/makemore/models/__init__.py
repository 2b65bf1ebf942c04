"""The eleven models and the contract they share.

    forward(idx, state=None) -> (logits, state)

idx     (B, T) int64, the characters so far; at the start of a line position 0 is the boundary, id 0
logits  (B, T, V); logits[:, t] predicts what follows idx[:, t]
state   what the model must remember to go on from here: a flat tuple of tensors whose first dimension is
        B; None at the start of a line

One call with whole lines trains; repeated calls with one character and the state sample, and repeat no
work. Padding follows the line and has id 0. A model is built from the vocabulary's size and a frozen
Config of its own knobs; loss, optimiser, device, sampling and saving are not its business. By
convention the input table is called `embedding` and the last layer `head`.

A model that learns by counting has a method `fit(tokens)` that takes the stream of ids of the training
lines, boundaries between them, and returns log-probabilities as logits. A model whose rows see each
other in training (batch normalisation) says `mixed_lengths = True` and gets batches of mixed lengths.

To add a model, write one file and add one line to MODELS.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from torch import nn

from makemore.errors import MakemoreError, alike, shown
from makemore.models.bigram import Bigram
from makemore.models.bigram_nn import BigramNN
from makemore.models.bow import BagOfWords
from makemore.models.mlp import MLP
from makemore.models.mlp_bn import MLPBatchNorm
from makemore.models.ngram import NGram
from makemore.models.rnn import GRU, LSTM, RNN
from makemore.models.transformer import Transformer
from makemore.models.wavenet import WaveNet

MODELS: dict[str, Any] = {
    "bigram": Bigram,
    "ngram": NGram,
    "bigram_nn": BigramNN,
    "mlp": MLP,
    "mlp_bn": MLPBatchNorm,
    "wavenet": WaveNet,
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "bow": BagOfWords,
    "transformer": Transformer,
}


@dataclasses.dataclass(frozen=True)
class Knob:
    """One field of a model's Config, as the command line offers it."""

    name: str
    type: type
    default: Any
    help: str


def model_class(type: str) -> Any:
    """Return the class of a type, or raise MakemoreError naming the types there are."""
    if type not in MODELS:
        guess = alike(type, MODELS) or f" there are {', '.join(MODELS)}"
        raise MakemoreError(f"--type {shown(type)}: no such model;{guess}")
    return MODELS[type]


def knobs(type: str) -> list[Knob]:
    """Return what can be set about a type, with the help text of its Config's docstring."""
    config = model_class(type).config_class
    helps = dict(re.findall(r"^\s*(\w+): (.+)$", config.__doc__, re.MULTILINE))
    return [
        Knob(f.name, float if isinstance(f.default, float) else int, f.default, helps[f.name].rstrip("."))
        for f in dataclasses.fields(config)
    ]


def configure(type: str, longest: int, **given: Any) -> Any:
    """Return the Config of a type from the knobs that were given.

    longest: characters of the longest line, for a model that must know how many positions to expect.
    Raises MakemoreError for a knob that the type does not have or a value it cannot take.
    """
    names = [knob.name for knob in knobs(type)]
    for name in given:
        if name not in names:
            has = "has " + ", ".join(map(flag, names)) if names else "has nothing to set"
            raise MakemoreError(f"{flag(name)} is not an option of --type {type}, which {has}")
    if "block_size" in names and not given.get("block_size"):
        given["block_size"] = longest + 1
    try:
        return model_class(type).config_class(**given)
    except ValueError as error:
        said = re.sub(r"\w+", lambda word: flag(word[0]) if word[0] in names else word[0], str(error))
        raise MakemoreError(f"--type {type}: {said}") from None


def build(type: str, vocab_size: int, config: Any) -> Any:
    """Return a new model of a type, its weights drawn from torch's global generator."""
    return model_class(type)(vocab_size, config)


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers the model learned: weights, or counts where it counts."""
    return sum(parameter.numel() for parameter in model.parameters())


def flag(name: str) -> str:
    """Return a knob's name as the command line writes it."""
    return "--" + name.replace("_", "-")
