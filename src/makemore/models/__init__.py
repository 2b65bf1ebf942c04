"""The models and the contract they share.

    forward(idx, state=None) -> (logits, state)

idx     (B, T) int64, the characters so far; at the start of a line position 0 is the boundary, id 0
logits  (B, T, V); logits[:, t] predicts what follows idx[:, t]
state   what the model must remember to go on from here: a flat tuple of tensors whose first dimension is
        B; None at the start of a line

Training calls it once with whole lines. Sampling calls it again and again with one character and the state,
so that no work is repeated. Padding follows the line and has id 0. A model is built from the vocabulary's
size and a frozen config of its own knobs; loss, optimiser, device, sampling and saving are not its business.
By convention the input table is called `embedding` and the last layer `head`.

A model that learns by counting sets `counting = True` and has a method `fit(tokens, kinds)`, which takes the
ids of the training lines as one stream with boundaries around them, and the kind of each character; its logits are log-probabilities. A model whose
rows see each other in training (batch normalisation) sets `mixes_lines = True` and gets batches of mixed
lengths. A model with a part that counts and parts that are trained sets `counts_first = True` and has both;
in training it may return the logits of several predictions, (P, B, T, V), its own first.

In reading order:

    base.py         Model and ModelConfig, which every family subclasses
    embedding.py    ids to vectors, and labels
    loss.py         the negative log-likelihood, the loss of every model
    bigram.py       counts of pairs
    ngram.py        counts of up to 8 characters, with Kneser-Ney smoothing (counted in makemore.counting)
    ctw.py          counts of contexts of all lengths, weighed by Bayes' rule
    bigram_nn.py    the table of pairs, learned by gradient descent
    mlp.py          a window of embeddings and one hidden layer
    mlp_bn.py       several hidden layers with batch normalisation
    wavenet.py      dilated causal convolutions
    rnn.py          RNN, GRU and LSTM
    bow.py          the last character and the average of all so far
    transformer.py  causal self-attention
    mingru.py       a recurrence that can be trained in parallel
    llama.py        the Transformer as it is built today
    mixture.py      an LSTM and an n-gram that answer as one
    blend.py        trained models that answer as one; it is made of runs, and no type to train
    knobs.py        the knobs of a type, described and set by name
    limits.py       how large a knob may be

To add a model, write one file and add one line to makemore/inference/ladder.py.
"""

from __future__ import annotations

import importlib

from torch import nn

from makemore.errors import MakemoreError, alike, shown
from makemore.files.typed import checked
from makemore.inference.ladder import TYPES
from makemore.models.base import Model, ModelConfig
from makemore.models.knobs import Knob, configured, knobs_of

MODELS: dict[str, type[Model]] = {
    name: getattr(importlib.import_module(f"makemore.models.{each.module}"), each.class_name)
    for name, each in TYPES.items()
}
"""The classes of the types."""


def model_class(type: str) -> type[Model]:
    """Return the class of a type; raises MakemoreError with a suggestion if there is none."""
    if checked("type", type, str) == "blend":
        raise MakemoreError("type blend: is made of trained runs, with `makemore blend`", option="type")
    if type not in MODELS:
        guess = alike(type, MODELS) or f" there are {', '.join(MODELS)}"
        raise MakemoreError(f"type {shown(type)}: no such model;{guess}", option="type")
    return MODELS[type]


def knobs(type: str) -> list[Knob]:
    """Return the knobs of a type."""
    return knobs_of(model_class(type).config_class)


def configure(type: str, longest: int, **given: float) -> ModelConfig:
    """Return the config of a type.

    Args:
        type: A name in MODELS.
        longest: Characters of the longest line, for a model that must know how many positions to expect.
        given: Values for the type's knobs, and `labels`, how many labels the lines have; the others keep their
            defaults.

    Raises:
        MakemoreError: The type has no such knob, or a knob cannot have this value.

    """
    return configured(type, model_class(type).config_class, longest, given)


def build(type: str, vocab_size: int, config: ModelConfig) -> Model:
    """Return a new model of a type, with weights initialised from torch's global generator."""
    model = model_class(type)
    if not isinstance(config, model.config_class):
        raise MakemoreError(
            f"config must be what configure({type!r}, ...) returns, not {shown(repr(config))}"
        )
    return model(checked("vocab_size", vocab_size, int), config)


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers the model has learned: weights, or counts if it learns by counting."""
    return sum(parameter.numel() for parameter in model.parameters())
