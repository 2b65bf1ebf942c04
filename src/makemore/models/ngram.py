"""n-gram: counts of the next character after the last n - 1, with shorter contexts to fall back on.

Interpolated modified Kneser-Ney smoothing, from the empty context to the longest:

    p(w | c) = max(count(c, w) - D, 0) / count(c, .)  +  B(c) p(w | c without its first character)

D is one of three discounts, for counts of 1, 2, and 3 or more; B(c) is the share that the discounts took off,
so that p adds up to 1. For all but the longest contexts, count(c, w) is not how often cw occurs in the text
but how many different characters occur before it (contexts that begin the line have none, and keep their
counts): a short context is only used when the longer one is unknown, so what matters is how widely it occurs.
The empty context falls back on the uniform distribution.

The strings of 1 to n characters form a tree, kept as one sorted list of (parent, character) per level: if
"ab" is in the text, level 1 has a and b, level 2 has (number of a on level 1, b). A context's continuations
are its children, which lie side by side; many contexts are found at once with one binary search per level.

Counting is sorting. The n characters that start at each place of the text are the digits of one number. Once
sorted, equal numbers lie side by side, and so do all that begin alike. There are far fewer different numbers
than places, and they give all the shorter strings: cut off the last digit and add up the counts of those that
are now equal.

After Kneser, Ney, "Improved backing-off for M-gram language modeling" (1995); Chen, Goodman, "An
Empirical Study of Smoothing Techniques for Language Modeling" (1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from makemore.models.base import Model, ModelConfig, knob

LONGEST = 8
FLOATS = 8_000_000  # probabilities that are computed at a time
PIECE = 1 << 17  # places that are packed at a time, to fit the processor's cache

Array = npt.NDArray[Any]


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

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.V, self.order = vocab_size, config.order
        # Level k = 1 .. n holds the strings of k characters, sorted: sizes[k - 1] of them. A string's key
        # is (number of its first k - 1 characters on the level before) * V + its last character.
        self.sizes: Tensor
        self.keys: Tensor
        self.discounts: Tensor
        self.register_buffer("sizes", torch.zeros(config.order, dtype=torch.int64))
        self.register_buffer("keys", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("discounts", torch.zeros(config.order, 4, dtype=torch.float64))
        self.counts = nn.Parameter(torch.zeros(0, dtype=torch.float64), requires_grad=False)
        self._index()

    def fit(self, tokens: Tensor) -> None:
        """Count the strings of a stream of ids (M,), of any integer type.

        There are boundaries between the lines, before the first and after the last.
        """
        n, V = self.order, self.V
        strings, count, names = _count(tokens.cpu().numpy(), n, V)
        levels = []  # n, n - 1, ... 1: which strings are whole; of those the parent, last character and count
        for k in range(n, 0, -1):
            head, last = np.divmod(strings, V)
            if k - 1 in names:
                head = names[k - 1][head]
            # a string whose head ends in the boundary is only filled up, unless the head is just that
            whole = head % V != 0 if k > 2 else np.ones(len(head), dtype=bool)
            first = _firsts(head)
            parent = np.repeat(np.arange(len(first)), np.diff(first, append=len(head)))
            levels.append((whole, parent[whole], last[whole].astype(np.int64), count[whole]))
            strings, count = head[first], np.add.reduceat(count, first)
        keys: list[Array] = []
        counts: list[Array] = []
        number = suffix = np.zeros(1, dtype=np.int64)  # level 0 has the empty string
        for whole, parent, last, count in reversed(levels):
            parent = number[parent]  # now among the whole ones
            if keys:  # the same string without its first character, on the level before
                suffix = np.searchsorted(keys[-1], suffix[parent] * V + last)
                different = np.bincount(suffix, minlength=len(keys[-1]))
                counts[-1] = np.where(different > 0, different, counts[-1])  # 0: it begins the line
            else:
                suffix = np.zeros_like(last)
            keys.append(parent * V + last)
            counts.append(count)
            number = np.cumsum(whole) - 1
        at = tokens.device
        self.sizes = torch.tensor([len(key) for key in keys], device=at)
        self.keys = torch.from_numpy(np.concatenate(keys)).to(at)
        self.counts = nn.Parameter(
            torch.from_numpy(np.concatenate(counts)).double().to(at), requires_grad=False
        )
        self.discounts = torch.stack([_discounts(c) for c in self.counts.data.split(self.sizes.tolist())])
        self._index()

    def _index(self) -> None:
        """Derive from the saved lists where each context's continuations lie, and what they are worth."""
        sizes = self.sizes.tolist()
        self._levels: list[_Level] = []
        n_contexts = 1
        for k, (keys, counts) in enumerate(
            zip(self.keys.split(sizes), self.counts.data.split(sizes), strict=True)
        ):
            first = torch.searchsorted(keys, torch.arange(n_contexts + 1, device=keys.device) * self.V)
            taken = self.discounts[k][counts.clamp(max=3).long()]  # (S,) by counts 0, 1, 2, 3 or more
            total = _sums(counts, first)
            left = torch.where(total > 0, _sums(taken, first) / total, 1)
            self._levels.append(_Level(*map(_plain, (keys, counts - taken, first, total, left))))
            n_contexts = len(keys)

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        B, T = idx.shape
        nodes = idx.new_full((B, self.order - 1), -1) if state is None else state[0]  # (B, n - 1)
        contexts = [torch.zeros_like(idx)]  # (B, T) each; first the empty context, which is always known
        for k in range(1, self.order):  # that of k - 1 characters one place before, and this character
            before = contexts[0] if k == 1 else torch.cat([nodes[:, k - 2, None], contexts[k - 1][:, :-1]], 1)
            contexts.append(self._find(k - 1, before, idx))  # -1 where it was never seen
        places = [_plain(context.reshape(-1)) for context in contexts]  # (B T,) each
        step = max(1, FLOATS // self.V)  # places at a time, to bound the memory: p has 64 bits
        logp = [self._logp([place[i : i + step] for place in places]) for i in range(0, max(1, B * T), step)]
        last = torch.stack([context[:, -1] for context in contexts[1:]], 1) if self.order > 1 else nodes
        return (torch.cat(logp) if len(logp) > 1 else logp[0]).view(B, T, self.V), (last,)

    def _logp(self, contexts: list[Array]) -> Tensor:
        """The log-probabilities at some places, (N, V).

        contexts: (N,) each, the numbers of the places' contexts of 0, 1, ... characters.
        """
        # contexts of 0 and 1 characters are few and have the most continuations: each is computed once
        p = _plain(torch.full((1, self.V), 1 / self.V, dtype=torch.float64, device=self.keys.device))
        self._interpolate(0, _plain(self.sizes.new_zeros(1)), p)
        few, which = _library(p).unique(contexts[min(1, self.order - 1)], return_inverse=True)
        p = p[few * 0]
        if self.order > 1:
            self._interpolate(1, few, p)
        p = p[which]  # (N, V)
        for k in range(2, self.order):
            self._interpolate(k, contexts[k], p)
        return torch.as_tensor(p).log_().float()

    def _find(self, k: int, before: Tensor, idx: Tensor) -> Tensor:
        """The numbers on level k of the strings `before` + `idx`; -1 where there is none."""
        keys = self._levels[k].keys
        if len(keys) == 0:
            return torch.full_like(idx, -1)
        wanted = _plain(before * self.V + idx)
        found = _library(keys).searchsorted(keys, wanted).clip(max=len(keys) - 1)
        there = torch.as_tensor(keys[found] == wanted)
        return torch.where((before >= 0) & there, torch.as_tensor(found), -1)

    def _interpolate(self, k: int, context: Array, p: Array) -> None:
        """Turn p(w | context of k - 1) into p(w | context of k) in place, in the rows whose context is known.

        context: (N,) numbers on level k, p: (N, V).
        """
        level, library = self._levels[k], _library(p)
        if len(level.keys) == 0:  # no line is so long
            return
        repeat = library.repeat if library is np else library.repeat_interleave
        known = library.argwhere((context >= 0) & (level.total[context] > 0))[:, 0]  # (n,) the rows
        context = context[known]
        p[known] *= level.left[context][:, None]
        # the continuations of all these contexts, one after another: row i has n_i of them
        first, n = level.first[context], level.first[context + 1] - level.first[context]
        start = repeat(first - (n.cumsum(0) - n), n)  # (sum of n,)
        child = start + library.ones_like(start).cumsum(0) - 1
        share = level.counts[child] / repeat(level.total[context], n)
        p[repeat(known, n), level.keys[child] % self.V] += share

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: object) -> None:
        # the lengths of the lists are only known once the lines are counted
        self.keys = torch.empty_like(state_dict[prefix + "keys"], device=self.keys.device)
        counts = torch.empty_like(state_dict[prefix + "counts"], device=self.keys.device)
        self.counts = nn.Parameter(counts, requires_grad=False)
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._index()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> NGram:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # .to(device) and the like
        self._index()
        return self


class _Level(NamedTuple):
    """The strings of one length, and their contexts, which are one character shorter."""

    keys: Array
    """(S,) the strings, sorted."""
    counts: Array
    """(S,) how often each was counted, less its discount."""
    first: Array
    """(C + 1,) of each context, the first of its continuations; that of the next is one past the last."""
    total: Array
    """(C,) the sum of its continuations' counts."""
    left: Array
    """(C,) the share that the discounts took off, B."""


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


def _count(tokens: Array, n: int, V: int) -> tuple[Array, Array, dict[int, Array]]:
    """Count the strings of n characters that begin at each place of a stream (M,) but its last boundary.

    A string is a number with its characters as digits to the base V, filled up with 0 after its line's end.
    Returns the different ones in order (S,), their counts (S,), and names: where k characters leave no room
    in 64 bits for the next one, names[k] lists the different numbers so far, and a number's place in that
    list takes its place as the first digit. The order stays.
    """
    M = len(tokens) - 1
    stream = np.zeros(M + n, dtype=np.min_scalar_type(V - 1))
    stream[: M + 1] = tokens
    strings = np.zeros(M, dtype=np.uint32 if V**n <= 2**32 else np.uint64)
    inside = np.ones(M, dtype=bool)  # the line has not ended yet
    names: dict[int, Array] = {}
    k, bound = 0, 1  # the numbers so far are of k characters, and less than bound
    while k < n:
        if k > 0:
            names[k], strings = np.unique(strings, return_inverse=True)
            strings, bound = strings.astype(np.uint64), len(names[k])
        done = k
        while k < n and bound * V <= 2**64:
            k, bound = k + 1, bound * V
        for i in range(0, M, PIECE):
            piece, within = strings[i : i + PIECE], inside[i : i + PIECE]  # views
            for j in range(done, k):
                characters = stream[i + j : i + j + len(piece)] * within
                piece[:] = piece * V + characters
                if j > 0:
                    within &= characters != 0
    strings.sort()
    first = _firsts(strings)
    return strings[first], np.diff(first, append=M), names


def _firsts(values: Array) -> Array:
    """The places in a sorted list at which a new value begins."""
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)[: len(values)]


def _sums(values: Tensor, first: Tensor) -> Tensor:
    """Sums over the stretches [first[i], first[i + 1]) of values."""
    running = torch.cat([values.new_zeros(1), values.cumsum(0)])
    return running[first[1:]] - running[first[:-1]]


def _discounts(counts: Tensor) -> Tensor:
    """Chen and Goodman's three discounts, from how many strings were counted 1, 2, 3 and 4 times.

    Returns (4,): for counts of 0, 1, 2, and 3 or more. A list too short to have all four gets 1/2, 1, 1.5.
    """
    n1, n2, n3, n4 = (float((counts == i).sum()) for i in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        return counts.new_tensor([0.0, 0.5, 1.0, 1.5])
    y = n1 / (n1 + 2 * n2)
    raw = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    # where counts of 1 are rare the formula can leave (0, count)
    return counts.new_tensor([0.0] + [min(max(d, 0.05), c - 0.05) for c, d in enumerate(raw, 1)])
