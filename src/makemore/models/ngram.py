"""n-gram: counts of the next character after the last n - 1, with shorter contexts to fall back on.

Interpolated Kneser-Ney smoothing, from the empty context to the longest:

    p(w | c) = (max(count(c, w) - D, 0) + (a + all that was taken) p(w | c without its first character))
               / (count(c, .) + a)

D is one of three discounts, for counts of 1, 2, and 3 or more, taken from every continuation of c; a is the
strength of the shorter context. Each length of context has its own, fitted to the lines
(makemore/counting/smoothing.py). For all but the longest contexts, count(c, w) is not how often cw occurs in
the text but how many different characters occur before it (contexts that begin the line have none, and keep
their counts): a short context is only used when the longer one is unknown, so what matters is how widely it
occurs.

Below the empty context lies the shape of the line: which kind of character comes next (a capital, a small
letter, a digit, a space, a certain punctuation mark) after the kinds of the last three? Another n-gram counts
these, and the empty context divides the probability of a kind among its characters. So fifty lines are enough
to learn that every line begins with a capital.

If lines have labels, the strings of each label are counted apart as well, and a context of a label falls back
on two at once: the label's shorter context and, with a share that is fitted too, the same context of all lines.

The strings of 1 to n characters form a tree, kept as one sorted list of (parent, character) per level: if
"ab" is in the text, level 1 has a and b, level 2 has (number of a on level 1, b). A context's continuations
are its children, which lie side by side; many contexts are found at once with one binary search per level.

After Kneser, Ney, "Improved backing-off for M-gram language modeling" (1995); Chen, Goodman, "An
Empirical Study of Smoothing Techniques for Language Modeling" (1998); Teh, "A Hierarchical Bayesian Language
Model Based on Pitman-Yor Processes" (2006).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from makemore.counting.strings import Array
from makemore.counting.tree import SHAPE_ORDER, counted
from makemore.models.base import Model, ModelConfig, knob

LONGEST = 8
FLOATS = 8_000_000  # probabilities that are computed at a time


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of an NGram."""

    order: int = knob(
        6, "n, the length of the longest string counted: a context of n - 1 and the character after it"
    )

    def __post_init__(self) -> None:
        if not 1 <= self.order <= LONGEST:
            raise ValueError(f"order must be from 1 to {LONGEST}")


class NGram(Model):
    """Counts of all strings of 1 to n characters, and an index to find them."""

    config_class = Config
    counting = True

    def __init__(self, vocab_size: int, config: Config, roots: int = 0) -> None:
        super().__init__()
        self.V, self.order = vocab_size, config.order
        self.roots = roots  # how many empty contexts there are, if there is one for each label
        # Level k = 1 .. n holds the strings of k characters, sorted: sizes[k - 1] of them. A string's key
        # is (number of its first k - 1 characters on the level before) * V + its last character.
        self.sizes: Tensor
        self.keys: Tensor
        self.discounts: Tensor  # (n, 4): a, then D for counts of 1, 2, and 3 or more; the share
        self.kinds: Tensor  # (V,)
        self.register_buffer("sizes", torch.zeros(config.order, dtype=torch.int64))
        self.register_buffer("keys", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("discounts", torch.zeros(config.order, 5 if roots else 4, dtype=torch.float64))
        self.register_buffer("kinds", torch.zeros(vocab_size, dtype=torch.int64))
        self.counts = nn.Parameter(torch.zeros(0, dtype=torch.float64), requires_grad=False)
        self.shape: NGram | None = None  # counts the kinds; None if all characters are of one kind
        self.own: NGram | None = None  # counts the strings of each label; None if there are no labels
        if config.labels:
            self.own = NGram(vocab_size, Config(config.order), config.labels + 1)
        self._index()

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        of = None if kinds is None else kinds.cpu().numpy()
        labels = self.own.roots if self.own is not None else 0
        weights = counted(tokens.cpu().numpy(), self.V, self.order, of, labels)
        self.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

    def _index(self) -> None:
        """Derive from the saved lists where each context's continuations lie, and what they are worth."""
        sizes = self.sizes.tolist()
        self.shares: list[float] = self.discounts[:, 4:].flatten().tolist()
        self._levels: list[_Level] = []
        n_contexts = max(1, self.roots)
        for a, keys, counts in zip(
            self.discounts[:, 0].tolist(), self.keys.split(sizes), self.counts.data.split(sizes), strict=True
        ):
            first = torch.searchsorted(keys, torch.arange(n_contexts + 1, device=keys.device) * self.V)
            taken = self._taken(len(self._levels), counts)  # (S,)
            total = _sums(counts, first)
            arrays = map(_plain, (keys, counts, counts - taken, first, total, _sums(taken, first) + a))
            self._levels.append(_Level(a, *arrays))
            n_contexts = len(keys)
            if (
                len(self._levels) == 1 and not self.roots
            ):  # the characters, in the empty context, each among those of its kind
                K, of = int(self.kinds.max()) + 1, self.kinds[keys]
                total, back = (x.new_zeros(K).index_add(0, of, x) for x in (counts, taken))
                back = torch.where(total > 0, (back + a) / (total + a), 1) / torch.bincount(self.kinds)
                self._base = back[self.kinds].index_add(0, keys, (counts - taken) / (total + a)[of])  # (V,)

    def _taken(self, k: int, counts: Tensor) -> Tensor:
        """The discounts of counts on level k."""
        D = torch.cat([self.discounts.new_zeros(1), self.discounts[k, 1:4]])
        return D[counts.clamp(max=3).long()]

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self._predict(idx, state)

    def unseen(self, idx: Tensor, *copies: Tensor) -> Tensor:
        """Return the logits as if each line, one at a time, had not been counted, (B, T, V).

        At every position the strings that end in the next character lose what the line added to them: exact
        but for characters that follow the same context twice in a line, and but for the shape.

        Args:
            idx: (B, T), whole lines, of which some were counted.
            copies: (B,) how often each was; if lines have labels, then (B,) how often it was with its label.

        """
        return self._predict(idx, None, copies)[0]

    def _predict(
        self, idx: Tensor, state: tuple[Tensor, ...] | None, copies: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        (B, T), wanted = idx.shape, idx.device
        labels, idx = idx.to(self.keys.device) // self.V, idx.to(self.keys.device) % self.V
        state = state or ()
        own, state = (state[-1:], state[:-1]) if self.own is not None else ((), state)
        trees = [(self, self._contexts(idx, torch.zeros_like(idx), state[:1]))]
        shape, more = None, ()
        if self.shape is not None:
            shape, more = self.shape(self.kinds[idx], state[1:] or None)
            shape = shape.flatten(0, 1)  # (B T, K)
        if self.own is not None:
            trees.append((self.own, self.own._contexts(idx, labels, own)))
        ends = [torch.stack([each[:, -1] for each in contexts], 1)[:, 1:] for _, contexts in trees]
        places = [[_plain(each.reshape(-1)) for each in contexts] for _, contexts in trees]  # (B T,) each
        gone = []
        if copies:
            following = torch.cat([idx[:, 1:], torch.zeros_like(idx[:, :1])], 1)  # (B, T)
            each = zip(trees, copies, strict=False)
            gone = [tree._gone(contexts, following, n.to(idx.device)) for (tree, contexts), n in each]
        step = max(1, FLOATS // self.V)  # places at a time, to bound the memory: p has 64 bits
        logp = [self._logp(places, shape, gone, slice(i, i + step)) for i in range(0, max(1, B * T), step)]
        found = torch.cat(logp) if len(logp) > 1 else logp[0]
        return found.view(B, T, self.V).to(wanted), (ends[0], *more, *ends[1:])

    def _contexts(self, idx: Tensor, empty: Tensor, state: tuple[Tensor, ...]) -> list[Tensor]:
        """The numbers of the contexts of 0, 1, ... characters at each place, (B, T) each; -1 if never seen.

        empty: those of no characters, (B, T). state: those before, (B, n - 1); nothing at the start of a line.
        """
        contexts = [empty]
        for k in range(1, self.order):  # that of k - 1 characters one place before, and this character
            if k > 1:
                first = state[0][:, k - 2, None] if state else torch.full_like(idx[:, :1], -1)
                contexts.append(self._find(k - 1, torch.cat([first, contexts[-1][:, :-1]], 1), idx))
            else:
                contexts.append(self._find(0, empty, idx))
        return contexts

    def _logp(
        self, places: list[list[Array]], shape: Tensor | None, gone: list[list[_Gone]], some: slice
    ) -> Tensor:
        """The log-probabilities at some places, (N, V).

        places: the numbers of the places' contexts of 0, 1, ... characters; of all lines, then of their label.
        shape: the log-probabilities of the kinds there. gone: what is left out, on each level.
        """
        contexts, *own = ([context[some] for context in each] for each in places)
        missing, *own_missing = (
            [_Gone(*(x[some] for x in each)) for each in level] for level in gone or [[]]
        )
        if shape is None:
            p = _plain(self._base)[None][contexts[0]]  # (N, V)
        else:
            p = _plain(shape[some].double().exp()[:, self.kinds] * self._base)
        q = p  # of the label
        for k in range(self.order):
            if k == 1 and not missing:
                self._interpolate_few(contexts[1], p)
            elif k > 0:
                self._interpolate(k, contexts[k], p, missing[k - 1] if missing else None)
            if self.own is not None:
                q = q + self.own.shares[k] * (p - q)
                self.own._interpolate(k, own[0][k], q, own_missing[0][k] if own_missing else None)
        return torch.as_tensor(p if self.own is None else q).log_().float()

    def _interpolate_few(self, contexts: Array, p: Array) -> None:
        """Do as `_interpolate` for contexts of one character, which are few and have the most continuations."""
        few, which = _library(p).unique(contexts, return_inverse=True)  # each is computed once
        own = p[few * 0] * 0  # (U, V), what the counts give
        self._interpolate(1, few, own)
        p *= (1 - own.sum(1))[which][:, None]
        p += own[which]

    def _find(self, k: int, before: Tensor, idx: Tensor) -> Tensor:
        """The numbers on level k of the strings `before` + `idx`; -1 where there is none."""
        keys = self._levels[k].keys
        if len(keys) == 0:
            return torch.full_like(idx, -1)
        wanted = _plain(before * self.V + idx)
        found = _library(keys).searchsorted(keys, wanted).clip(max=len(keys) - 1)
        there = torch.as_tensor(keys[found] == wanted)
        return torch.where((before >= 0) & there, torch.as_tensor(found), -1)

    def _gone(self, contexts: list[Tensor], following: Tensor, copies: Tensor) -> list[_Gone]:
        """What is left out on levels 1, 2, ... if the characters that follow (B, T) are, `copies` (B,) times.

        From level 0 on if there is an empty context for each label.
        """
        found = []
        lost = copies[:, None].expand_as(following).double()
        for k in range(self.order - 1, -1 if self.roots else 0, -1):
            child = self._find(k, contexts[k], following)
            level = self._levels[k]
            seen = child >= 0
            count = torch.as_tensor(level.counts)[child] * seen if len(level.keys) else lost * 0
            left = (count - lost).clamp(min=0) * seen
            taken, still = self._taken(k, count), self._taken(k, left)
            values = (following, count - left, taken - still, count - taken - (left - still))
            found.append(_Gone(*(_plain(x.reshape(-1)) for x in values)))
            # a string that is gone is one fewer before the next shorter one
            lost = torch.where(seen, (left == 0).double(), lost)
        return found[::-1]

    def _interpolate(self, k: int, context: Array, p: Array, gone: _Gone | None = None) -> None:
        """Turn p(w | context of k - 1) into p(w | context of k) in place, in the rows whose context is known.

        context: (N,) numbers on level k, p: (N, V).
        """
        level, library = self._levels[k], _library(p)
        if len(level.keys) == 0:  # no line is so long
            return
        repeat = library.repeat if library is np else library.repeat_interleave
        total, back = level.total[context], level.back[context]  # (N,)
        if gone is not None:
            total, back = total - gone.times, back - gone.taken
        known = library.argwhere((context >= 0) & (total > 0))[:, 0]  # (n,) the rows
        context, total = context[known], total[known] + level.a
        p[known] *= (back[known] / total)[:, None]
        # the continuations of all these contexts, one after another: row i has n_i of them
        first, n = level.first[context], level.first[context + 1] - level.first[context]
        start = repeat(first - (n.cumsum(0) - n), n)  # (sum of n,)
        child = start + library.ones_like(start).cumsum(0) - 1
        p[repeat(known, n), level.keys[child] % self.V] += level.worth[child] / repeat(total, n)
        if gone is not None:
            p[known, gone.following[known]] -= gone.worth[known] / total

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: object) -> None:
        # the lengths of the lists are only known once the lines are counted
        at = self.keys.device
        self.keys = torch.empty_like(state_dict[prefix + "keys"], device=at)
        self.counts = nn.Parameter(torch.empty_like(state_dict[prefix + "counts"], device=at), False)
        # runs of early versions know no kinds
        kinds = state_dict.setdefault(prefix + "kinds", torch.zeros_like(self.kinds))
        self.shape = None
        if prefix + "shape.keys" in state_dict:
            self.shape = NGram(int(kinds.max()) + 1, Config(SHAPE_ORDER)).to(at)
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._index()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> NGram:
        if fn(torch.zeros(0)).device.type not in ("cpu", "cuda"):
            return self  # Apple's GPUs have no 64-bit numbers, so it stays where it is
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # .to(device) and the like
        self._index()
        return self


class _Level(NamedTuple):
    """The strings of one length, and their contexts, which are one character shorter."""

    a: float
    """The strength of the shorter context."""
    keys: Array
    """(S,) the strings, sorted."""
    counts: Array
    """(S,) how often each was counted."""
    worth: Array
    """(S,) the same, less its discount."""
    first: Array
    """(C + 1,) of each context, the first of its continuations; that of the next is one past the last."""
    total: Array
    """(C,) the sum of its continuations' counts."""
    back: Array
    """(C,) what the shorter context shares out: all that was taken, and a."""


class _Gone(NamedTuple):
    """What is left out of the counts on one level, (N,) each."""

    following: Array
    """The character at each place."""
    times: Array
    """By how much its count is less."""
    taken: Array
    """By how much its discount is less."""
    worth: Array
    """By how much its count less its discount is less."""


def _plain(values: Tensor) -> Array:
    """A tensor, as a NumPy array if it is on the CPU.

    Looking strings up is many small operations. torch would share each between threads, which on a busy
    machine wait for each other much longer than they work; NumPy uses one. On a GPU, tensors stay tensors,
    since the same code handles both.
    """
    return values.numpy() if values.device.type == "cpu" else values  # type: ignore[return-value]


def _library(values: Array) -> Any:
    """NumPy for an array, torch for a tensor."""
    return np if isinstance(values, np.ndarray) else torch


def _sums(values: Tensor, first: Tensor) -> Tensor:
    """Sums over the stretches [first[i], first[i + 1]) of values."""
    running = torch.cat([values.new_zeros(1), values.cumsum(0)])
    return running[first[1:]] - running[first[:-1]]
