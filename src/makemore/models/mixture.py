"""mixture: counting and learning together, an n-gram and an LSTM that answer as one.

    p(. | x_0 .. x_t) = softmax(u log p_lstm + v log p_ngram),    u, v = softplus(W (h_t, f_t) + b)

Counting remembers what is rare and long, the network what is common to many contexts. Two small positive
numbers say how far each is trusted at a position; they depend on the LSTM's state h_t and on how sure the
n-gram is, f_t: the entropy of its prediction and its largest log-probability. (A product of experts whose
exponents are learned.)

In training every line is predicted by an n-gram that has not counted it, for the line is left out of the
counts; otherwise the network would learn to trust counts that are never there in use. And the network's own
prediction is trained beside that of both, so that it stays a language model instead of only correcting the
n-gram.

After Hinton, "Training Products of Experts by Minimizing Contrastive Divergence" (2002); Neubig, Dyer,
"Generalizing and Hybridizing Count-based and Neural Language Models" (2016), arXiv:1606.00499.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.counting.strings import Array
from makemore.counting.tree import hashes
from makemore.models import ngram, rnn
from makemore.models.base import knob


@dataclass(frozen=True)
class Config(rnn.Config):
    """The knobs of a Mixture."""

    order: int = knob(8, "n, the length of the longest string that the n-gram counts")

    def __post_init__(self) -> None:
        super().__post_init__()
        ngram.Config(self.order)


class Mixture(rnn.LSTM):
    """An LSTM and an n-gram. State: the LSTM's, then the n-gram's."""

    config_class = Config
    counts_first = True

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__(vocab_size, config)
        self.ngram = ngram.NGram(vocab_size, ngram.Config(config.order, labels=config.labels))
        self.trust = nn.Linear(config.n_embd2 + 2, 2)
        nn.init.zeros_(self.trust.weight)
        with torch.no_grad():  # at first it is the n-gram, and the network is trusted little
            self.trust.bias.copy_(torch.tensor([-1.0, math.log(math.e - 1)]))
        none: Array = np.zeros(0, dtype=np.int64)
        # the lines by text, then by text and label: hashes, and how often each was counted
        self._counted = [(none, none)] * 2

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        self.ngram.fit(tokens, kinds)
        stream = tokens.cpu().numpy()
        lengths = np.diff(np.flatnonzero(stream % self.ngram.V == 0))
        self._counted = [np.unique(each, return_counts=True) for each in self._names(stream[1:], lengths)]

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        with torch.no_grad():
            if self.training and state is None:
                logq, counted = self.ngram.unseen(idx, *self._copies(idx)), ()
            else:
                logq, counted = self.ngram(idx, state and state[self.n_state :])
            sure = torch.stack([-(logq.exp() * logq).sum(-1), logq.amax(-1)], -1)  # (B, T, 2)
        h, last = self.hidden(idx, state and state[: self.n_state])
        h = self.dropout(h)
        logp = self.head(h).float().log_softmax(-1)  # (B, T, V)
        u, v = F.softplus(self.trust(torch.cat([h, sure], -1)).float()).split(1, -1)  # (B, T, 1)
        both = u * logp + v * logq
        return (torch.stack([both, logp]) if self.training else both), (*last, *counted)

    def _names(self, ids: Array, lengths: Array) -> tuple[Array, Array]:
        """The hashes of lines, (M,) each: by their texts, and by their labels too.

        They are signed: torch.compile turns NumPy into torch, which cannot search unsigned numbers.
        """
        text = ids % self.ngram.V
        by_text, by_both = hashes(text, lengths), hashes(np.where(text, ids, 0), lengths)
        return by_text.view(np.int64), by_both.view(np.int64)

    def _copies(self, idx: Tensor) -> Iterator[Tensor]:
        """How often each line (B, T) was counted, whatever its label, and with its label: (B,) each."""
        ids = np.pad(idx.cpu().numpy()[:, 1:], ((0, 0), (0, 1)))  # (B, T), each line with its end
        lengths = (ids % self.ngram.V == 0).argmax(1) + 1
        names = self._names(ids[np.arange(ids.shape[1]) < lengths[:, None]], lengths)
        for name, (known, times) in zip(names, self._counted, strict=True):
            at = np.searchsorted(known, name).clip(max=max(0, len(known) - 1))
            found = np.where(known[at] == name, times[at], 0) if len(known) else np.zeros(len(name))
            yield torch.from_numpy(found.astype(np.int64)).to(idx.device)
