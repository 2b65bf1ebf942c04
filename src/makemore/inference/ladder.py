"""The types of model, one line each: what every part of makemore knows of them without importing torch.

To add a model, write its file in makemore/models/ and add a line here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type of model."""

    module: str
    """In makemore.models."""
    class_name: str
    says: str
    """What it does: a sentence without "It" and its full stop."""
    counting: bool = False
    """Whether it is fitted by counting, once: it takes the time that takes, and cannot go on."""
    strings: bool = False
    """Whether it counts strings of several lengths: how much they hold depends on the lines."""
    sized: bool = True
    """Whether its networks have a width."""


TYPES = {
    "bigram": Type("bigram", "Bigram", "counts which character follows which", counting=True, sized=False),
    "ngram": Type(
        "ngram",
        "NGram",
        "counts what followed the last few characters",
        counting=True,
        strings=True,
        sized=False,
    ),
    "ctw": Type(
        "ctw",
        "CTW",
        "counts contexts of every length and weighs them all",
        counting=True,
        strings=True,
        sized=False,
    ),
    "bigram_nn": Type("bigram_nn", "BigramNN", "learns the table of pairs step by step", sized=False),
    "mlp": Type("mlp", "MLP", "looks at the last few characters through one hidden layer"),
    "mlp_bn": Type(
        "mlp_bn", "MLPBatchNorm", "looks at the last few characters through several hidden layers"
    ),
    "wavenet": Type("wavenet", "WaveNet", "joins characters layer by layer; each sees twice as far back"),
    "rnn": Type("rnn", "RNN", "carries a memory along the line, and rewrites all of it at every character"),
    "lstm": Type("rnn", "LSTM", "carries a memory along; gates decide what to write, to keep and to show"),
    "gru": Type("rnn", "GRU", "carries a memory along; two gates decide what to use of it and what to keep"),
    "bow": Type("bow", "BagOfWords", "looks at the last character and the average of all so far"),
    "transformer": Type(
        "transformer", "Transformer", "looks back at all characters; each head learns where to look"
    ),
    "mingru": Type(
        "mingru", "MinGRU", "carries a memory along; a gate, which sees only the present, replaces it"
    ),
    "llama": Type("llama", "Llama", "is a Transformer as built today: it looks back by distance"),
    "mixture": Type(
        "mixture",
        "Mixture",
        "has an LSTM and an n-gram answer together; it learns which to trust",
        strings=True,
    ),
}
"""By name, in the order of `makemore models`."""
