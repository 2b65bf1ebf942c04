"""ctw: context-tree weighting, the mean over all ways to choose how far back to look, by Bayes' rule.

Each context s of 0 to D characters predicts from its own counts and b, the shares of the characters in the text:

    p(w | s) = (count(s, w) + alpha b(w)) / (count(s, .) + alpha)

The characters after s have the probability P(s) if one always stops looking back there; and, if one stops or
looks further back with probability 1/2 each,

    Q(s) = 1/2 P(s) + 1/2 product of Q over the contexts one character longer that end in s

So s is where one should stop with probability 1/2 P(s) / Q(s). alpha is the one that makes Q of the empty context
largest. makemore/counting/context_tree.py is the same, for long lists and with labels.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch
from torch import Tensor

from makemore.counting.strings import Array
from makemore.exports.script.base import Model, State
from makemore.exports.script.counts import children, contexts_of, count


class CTW(Model):
    """Counts of all strings of 1 to D + 1 characters, and the probability to stop at each context."""

    config_class = Namespace
    counting = True

    def __init__(self, vocab_size: int, config: Namespace) -> None:
        super().__init__()
        assert config.depth >= 0, "depth must be 0 or more"
        self.V, self.depth = vocab_size, config.depth

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        """Count lines: a stream (M,) with boundaries."""
        strings, counts, _ = count(tokens[1:].cpu().numpy(), self.depth + 1, self.V, False)
        base = np.full(self.V, 0.5)
        base[strings[0]] += counts[0]
        base /= base.sum()
        found = [(*stops(strings, counts, base, 2.0**k), 2.0**k) for k in range(-3, 9)]
        _, best, strength = max(found, key=lambda each: each[0])
        values = {"sizes": [len(each) for each in strings], "keys": np.concatenate(strings), "base": base}
        values |= {
            "counts": np.concatenate(counts) * 1.0,
            "stops": np.concatenate(best),
            "strength": [strength],
        }
        self.load_state_dict({name: torch.tensor(np.array(value)) for name, value in values.items()})

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: object) -> None:
        names = ("sizes", "keys", "counts", "stops", "base", "strength")
        for name in names:
            self.register_buffer(name, state[prefix + name])
        super()._load_from_state_dict(state, prefix, *args)
        sizes, keys, counts, stops, base, alpha = (state[prefix + name].cpu().numpy() for name in names)
        n = [1, *sizes[:-1]]  # contexts of each length
        self.b, self.strings, self.levels = base, np.split(keys, sizes.cumsum()[:-1]), []
        all_stops = np.split(stops, np.cumsum(n)[:-1])
        each = zip(self.strings, np.split(counts, sizes.cumsum()[:-1]), all_stops, n, strict=True)
        for strings, times, stop, size in each:
            total = np.bincount(strings // self.V, times, size)
            first = np.searchsorted(strings, np.arange(size + 1) * self.V)
            given = times / (total + alpha)[strings // self.V]
            self.levels.append((first, total, given, alpha / (total + alpha), stop))

    def forward(self, idx: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        contexts = contexts_of(idx.cpu().numpy(), state, self.strings, self.V)
        p = np.repeat(self.b[None], idx.numel(), 0)  # (B T, V)
        deeper = np.zeros(idx.numel(), dtype=bool)  # a longer context was seen
        for k in range(self.depth, -1, -1):
            first, total, given, back, stops = self.levels[k]
            context = contexts[..., k].ravel()
            rows = np.flatnonzero((context >= 0) & (total[context] > 0))
            some = context[rows]
            stop = np.where(deeper[rows], stops[some], 1.0)
            p[rows] = (1 - stop)[:, None] * p[rows] + (stop * back[some])[:, None] * self.b
            child, which = children(first, some)
            p[rows[which], self.strings[k][child] % self.V] += stop[which] * given[child]
            deeper[rows] = True
        logp = torch.from_numpy(np.log(p)).float().view(*idx.shape, self.V).to(idx.device)
        return logp, (torch.from_numpy(contexts[:, -1, 1:]),)


def stops(strings: list[Array], counts: list[Array], base: Array, alpha: float) -> tuple[float, list[Array]]:
    """Return log Q of the empty context, and the probabilities to stop at the contexts of each length."""
    V, sizes, own = len(base), [1, *(len(each) for each in strings[:-1])], []  # own: log P
    for string, n, size in zip(strings, counts, sizes, strict=True):
        prior, total = alpha * base[string % V], np.bincount(string // V, n, size)
        gained = np.bincount(string // V, log_gamma(n + prior) - log_gamma(prior), size)
        own.append(gained - log_gamma(total + alpha) + log_gamma(np.array([alpha])))
    shorter = [np.zeros(0, dtype=np.int64)]  # of each context, the one without its first character
    for k in range(1, len(strings)):
        head, last = np.divmod(strings[k - 1], V)
        shorter.append(np.searchsorted(strings[k - 2], shorter[-1][head] * V + last) if k > 1 else head)
    whole, found = own[-1], [np.ones(sizes[-1])]  # whole: log Q
    for k in range(len(strings) - 2, -1, -1):
        split = np.bincount(shorter[k + 1], whole, sizes[k])
        followed = np.bincount(strings[k + 1] // V, minlength=sizes[k + 1]) > 0  # not those that end a line
        leaf = np.bincount(shorter[k + 1][followed], minlength=sizes[k]) == 0
        found.append(np.where(leaf, 1.0, 1 / (1 + np.exp(np.clip(split - own[k], -700, 700)))))
        whole = np.where(leaf, own[k], np.logaddexp(own[k], split) - np.log(2))
    return float(whole.sum()), found[::-1]


def log_gamma(x: Array) -> Array:
    found: Array = torch.lgamma(torch.from_numpy(x).double()).numpy()
    return found
