"""The lines that a model can write, as a tree: nodes are beginnings of lines, children add a character.

Sampling and searching walk down this tree. Equal beginnings are one node, so the model steps them once, and
the first steps are cached for later calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from makemore.corpus.vocab import BOUNDARY, UNKNOWN, Vocab
from makemore.errors import MakemoreError
from makemore.inference.base import log_softmax
from makemore.sampling.options import Floats
from makemore.sampling.prefix import checked_length
from makemore.sampling.stepper import Integers, LabelledStepper, Shares, State, stepper

if TYPE_CHECKING:
    from makemore.sampling.stepper import Steps

MOST_KNOWN = 1024
"""How many beginnings of one length are cached for later calls, at most."""

PROBABILITIES = 4_000_000


class StoppedError(Exception):
    """Whoever wanted lines wants no more."""


@dataclass(frozen=True)
class Sample:
    """One line sampled from a model."""

    text: str
    nll: float
    """-log p(the whole line and its end) under the model, in nats, whatever the temperature."""
    ended: bool
    """Whether the model ended the line; False if it was cut at the longest length allowed."""
    label: str = ""
    """Which kind of line it is, if the run's lines have labels; nll is given the label."""


@dataclass(frozen=True)
class Nodes:
    """D different beginnings of lines, all of the same length."""

    logp: Floats
    """(D, V): the model's log-probabilities of what follows."""
    state: State
    depth: int
    """Characters after the prefix."""
    number: Integers | None
    """(D,): the row of each in `state`, if that holds all beginnings of this length; None if only these."""


class Tree:
    """The lines that a model can write after a prefix, of at most `max_length` characters.

    The model may have either form; torch's is put into evaluation mode. If lines have labels, there is a root for
    each label that is wanted.

    Raises:
        MakemoreError: The prefix or the length is impossible, or the model's weights are damaged.

    """

    def __init__(
        self, model: Steps, vocab: Vocab, prefix: str, max_length: int | None, wanted: Shares | None = None
    ) -> None:
        self.max_length = checked_length(vocab, prefix, max_length)
        self.model, self.vocab = stepper(model), vocab
        if wanted is not None:
            self.model = LabelledStepper(self.model, len(vocab), wanted.labels)
        ids = vocab.stream([prefix])[:-1]  # (1 + P,)
        self.prefix = ids[1:]
        self.nll: Floats = np.zeros(1 if wanted is None else len(wanted.labels))
        """-log p(prefix) of each root, (K,), in nats."""
        state: State | None = None
        step = max(
            1, PROBABILITIES // (len(vocab) * len(self.nll))
        )  # characters at a time, to bound the memory
        for i in range(0, len(ids), step):
            logp, state = self.model.read(ids[None, i : i + step], state)  # (K, T, V)
            if np.isnan(logp).any():
                raise MakemoreError(
                    "the model's weights are damaged: they give no probabilities; train again"
                )
            follows = self.prefix[i : i + step]
            self.nll = self.nll - logp[:, np.arange(len(follows)), follows].sum(1)
        self.state: State = state or ()
        self.logp = logp[:, -1]
        """(K, V): log p(what follows the prefix)."""
        self.start = np.zeros(1) if wanted is None else np.log(wanted.shares) - self.nll
        """(K,): how likely each root is before a line is begun, as a logarithm."""
        self.start = self.start - np.logaddexp.reduce(self.start)
        self._barred = int(vocab.encode(UNKNOWN)[0]) if vocab.unknown else None
        """The id that stands for all rare characters: models read it and never write it."""
        self.stop: Callable[[], bool] = lambda: False
        """Once it returns true, the next step raises StoppedError."""
        self.known = [(self.logp, self.state)]
        """For all beginnings 0, 1, ... characters longer than the prefix, in the order of their ids: the
        log-probabilities of what follows (K V^d, V), and the state."""

    def allowed(self, logp: Floats) -> Floats:
        """Return log-probabilities (D, V) given that no rare character follows.

        If nothing else can follow, the line ends.
        """
        if self._barred is None:
            return logp
        logp = np.where(np.arange(logp.shape[1]) == self._barred, -np.inf, logp)
        logp[np.isneginf(logp.max(1)), BOUNDARY] = 0.0
        return log_softmax(logp)

    def look_ahead(self) -> None:
        """Step every beginning of one and two characters if there are few, to save later calls the work."""
        K, V = self.logp.shape
        while len(self.known) <= 2 and K * V ** len(self.known) <= MOST_KNOWN:
            _, state = self.known[-1]
            self.known.append(self.step(state, *np.divmod(np.arange(K * V ** len(self.known)), V)))

    def root(self) -> Nodes:
        """Return the nodes of the prefix: one, or one for each label."""
        return Nodes(self.logp, self.state, 0, np.arange(len(self.logp)))

    def labels(self, roots: Integers) -> list[str]:
        """Return the labels of some roots, by their places (N,)."""
        if not isinstance(self.model, LabelledStepper):
            return [""] * len(roots)
        names = ("", *self.vocab.labels)
        return [names[number] for number in self.model.labels[roots].tolist()]

    def children(self, nodes: Nodes, parent: Integers, character: Integers) -> Nodes:
        """Return the nodes that continue the rows `parent` (C,) of some nodes by the ids `character` (C,)."""
        depth = nodes.depth + 1
        if self.stop():
            raise StoppedError
        if nodes.number is not None:
            parent = nodes.number[parent]
            if depth < len(self.known):
                number = parent * len(self.vocab) + character
                logp, state = self.known[depth]
                return Nodes(logp[number], state, depth, number)
        return Nodes(*self.step(nodes.state, parent, character), depth, None)

    def step(self, state: State, parent: Integers, character: Integers) -> tuple[Floats, State]:
        """Let the model read a character in each of D rows: see `Stepper.step`."""
        if self.stop():
            raise StoppedError
        return self.model.step(state, parent, character)

    def texts(self, ids: Integers) -> list[str]:
        """Return the lines of some rows of ids (D, t), in each of which only zeros follow the first 0.

        They are in their inner form: one code point for each character.
        """
        ids = np.concatenate([ids, np.zeros((len(ids), 1), dtype=ids.dtype)], 1)
        written = np.ones(ids.shape, dtype=bool)  # the characters, and the first 0
        written[:, 1:] = ids[:, :-1] != BOUNDARY
        return self.vocab.decode(ids[written]).split("\n")[:-1]


def not_empty(logp: Floats) -> Floats:
    """Return the log-probabilities of a line's first character (1, V), given that the line is not empty.

    They are nan if it is always empty.
    """
    with np.errstate(invalid="ignore"):
        return log_softmax(np.where(np.arange(logp.shape[1]) == BOUNDARY, -np.inf, logp))
