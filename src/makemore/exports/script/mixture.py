"""mixture: counting and learning together, an n-gram and an LSTM that answer as one.

    p(. | x_0 .. x_t) = softmax(u log p_lstm + v log p_ngram),    u, v = softplus(W (h_t, f_t) + b)
    p_ngram(w | c) = (max(count(c, w) - D, 0) + (a + all that was taken) p_ngram(w | c without its first character))
                     / (count(c, .) + a)

h_t is the LSTM's state, f_t how sure the n-gram is: the entropy of its prediction, and its largest log-probability.
In training every line is predicted by an n-gram that has not counted it, or the network would learn to trust counts
that are never there in use. makemore/models/mixture.py is the same, but for this and for the n-gram's discounts.
"""

from __future__ import annotations

from argparse import Namespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.exports.script.base import Model, State
from makemore.exports.script.kinds import kinds_of
from makemore.exports.script.ngram import NGram


class Mixture(Model):
    """An LSTM and an n-gram. State: the LSTM's, then the n-gram's."""

    config_class = Namespace

    def __init__(self, vocab_size: int, config: Namespace) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, config.n_embd)
        self.cell = nn.LSTM(config.n_embd, config.n_embd2, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.n_embd2, vocab_size)
        self.trust = nn.Linear(config.n_embd2 + 2, 2)
        self.ngram = NGram(vocab_size, config)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.orthogonal_(self.cell.get_parameter("weight_hh_l0"))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        nn.init.zeros_(self.trust.weight)
        self.trust.bias.data = torch.tensor([-1.0, 0.54])  # at first it is the n-gram

    def fit(self, lines: list[str], ids: dict[str, int]) -> None:
        """Count lines: all of them, then all but an eighth, eight times."""
        each = [torch.tensor([ids[character] for character in line + "\n"]) for line in lines]
        fold = [int(fold_of(line[None])) for line in each]
        self.folds = [NGram(self.ngram.V, Namespace(order=self.ngram.order)) for _ in range(8)]
        for k, ngram in enumerate([*self.folds, self.ngram]):
            some = [line for line, its in zip(each, fold, strict=True) if its != k] or each
            ngram.fit(torch.cat([torch.tensor([0]), *some]), kinds_of("".join(ids)))

    def unseen(self, idx: Tensor) -> Tensor:
        """Return the n-gram's log-probabilities (B, T, V), each line's by the one that has not counted it."""
        fold, logq = fold_of(idx[:, 1:]), torch.zeros(*idx.shape, self.ngram.V)
        for k in fold.unique().tolist():
            logq[fold == k], _ = self.folds[k](idx[fold == k])
        return logq

    def forward(self, idx: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        with torch.no_grad():
            logq, more = (self.unseen(idx), ()) if self.training else self.ngram(idx, state and state[2:])
            sure = torch.stack([-(logq.exp() * logq).sum(-1), logq.amax(-1)], -1)  # (B, T, 2)
        e = self.dropout(self.embedding(idx))  # (B, T, C)
        h, (last, memory) = self.cell(e, state and (state[0][None], state[1][None]))  # (B, T, C2)
        h = self.dropout(h)
        logp = self.head(h).log_softmax(-1)  # (B, T, V)
        u, v = F.softplus(self.trust(torch.cat([h, sure], -1))).split(1, -1)  # (B, T, 1)
        both = u * logp + v * logq
        return torch.stack([both, logp]) if self.training else both, (last[0], memory[0], *more)


def fold_of(idx: Tensor) -> Tensor:
    """Return a number below 8 for each line (B, T), the same for equal ones."""
    return (idx * (2 * torch.arange(idx.shape[1]) + 1)).sum(1) % 8
