"""n-gram: counts of the next character after the last n - 1, with shorter contexts to fall back on.

    p(w | c) = (max(count(c, w) - D, 0) + (a + all that was taken) p(w | c without its first character))
               / (count(c, .) + a)

Interpolated Kneser-Ney smoothing, from the empty context to the longest. D is one of three discounts, for counts
of 1, 2, and 3 or more, and a the strength of the shorter context: those under which training lines are likeliest
when each is left out. Below the empty context, another n-gram predicts the kind of character: a capital, a digit.
makemore/models/ngram.py is the same, for long lists and with labels.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from makemore.counting.smoothing import formulas
from makemore.counting.strings import Array
from makemore.exports.script.base import Model, ModelConfig, knob
from makemore.exports.script.counts import children, contexts_of, count


@dataclass(frozen=True)
class NGramConfig(ModelConfig):
    """The knobs of an NGram."""

    order: int = knob(6, "n, the length of the longest string counted")


class NGram(Model):
    """Counts of all strings of 1 to n characters. State: the contexts of 1 to n - 1 characters, then those of kinds."""

    config_class = NGramConfig
    counting = True

    def __init__(self, vocab_size: int, config: NGramConfig) -> None:
        super().__init__()
        self.V, self.order = vocab_size, config.order
        for name in ("sizes", "keys", "counts", "discounts", "kinds"):
            self.register_buffer(name, torch.zeros(0))
        self.shape: NGram | None = None

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        """Count lines: a stream (M,) with boundaries. kinds: (V,), the kind of each character."""
        ids, of, state = tokens[1:].cpu().numpy(), np.zeros(self.V, dtype=np.int64), dict[str, Tensor]()
        places, copies = some_places(ids)
        strings, counts, ends = count(ids, self.order, self.V, True)
        levels = left_out(strings, counts, ends, of if kinds is None else kinds.cpu().numpy(), places, copies)
        if kinds is not None:
            of = kinds.cpu().numpy()
            shape = NGram(int(of.max()) + 1, NGramConfig(4))
            shape.fit(kinds[tokens])
            state = {f"shape.{name}": value for name, value in shape.state_dict().items()}
            each = left_out(*count(of[ids], 4, shape.V, True), np.zeros(shape.V, int), places, copies)
            p = torch.full((len(places),), 1 / shape.V, dtype=torch.float64)
            for level, discounts in zip(each, state["shape.discounts"], strict=True):
                p = probability(level, discounts, p)
            levels[0] = (*levels[0][:3], p)  # what the kind leaves to the empty context
        base = torch.from_numpy(1 / np.bincount(of)[of[ids[places]]])
        state |= {
            "sizes": torch.tensor([len(each) for each in strings]),
            "keys": torch.from_numpy(np.concatenate(strings)),
            "counts": torch.from_numpy(np.concatenate(counts).astype(float)),
            "discounts": likeliest(levels, base, np.stack([formulas(each) for each in counts])),
            "kinds": torch.from_numpy(of),
        }
        self.load_state_dict(state)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: object) -> None:
        names = ("sizes", "keys", "counts", "discounts", "kinds")
        for name in names:
            setattr(self, name, state[prefix + name])
        sizes, keys, counts, discounts, kinds = (state[prefix + name].cpu() for name in names)
        if prefix + "shape.keys" in state:
            self.shape = NGram(int(kinds.max()) + 1, NGramConfig(4))
        super()._load_from_state_dict(state, prefix, *args)
        self.strings = [each.numpy() for each in keys.split(sizes.tolist())]
        self.of, self.levels, n = kinds.numpy(), [], int(kinds.max()) + 1
        each = zip(self.strings, counts.split(sizes.tolist()), discounts.numpy(), strict=True)
        for k, (strings, times, (a, *D)) in enumerate(each):
            context = strings // self.V if k else self.of[strings]
            taken = np.array([0, *D])[times.clamp(max=3).long()]
            total, back = (np.bincount(context, x, n) + a for x in (times, taken))
            first = np.searchsorted(strings, np.arange(n + 1) * self.V)
            self.levels.append((first, strings % self.V, times.numpy() - taken, total, back))
            n = len(strings)
        _, last, worth, total, back = self.levels[0]
        self.p = (back / total / np.bincount(self.of))[self.of]  # of each character among those of its kind
        self.p[last] += worth / total[self.of[last]]

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        before = state[0].cpu().numpy() if state else None
        contexts = contexts_of(idx.cpu().numpy(), before, self.strings, self.V)
        p, more = self.start(idx, state)
        for k in range(1, self.order):
            self.interpolate(k, contexts[..., k].ravel(), p)
        logp = torch.from_numpy(np.log(p)).float().view(*idx.shape, self.V).to(idx.device)
        return logp, (torch.from_numpy(contexts[:, -1, 1:]), *more)

    def start(self, idx: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Array, tuple[Tensor, ...]]:
        """Return p without a context, (B T, V), given the kinds before, and what is remembered of these."""
        if self.shape is None:
            return np.repeat(self.p[None], idx.numel(), 0), ()
        logp, more = self.shape(torch.from_numpy(self.of[idx.cpu().numpy()]), state and state[1:])
        return np.exp(logp.double().cpu().numpy()).reshape(-1, logp.shape[-1])[:, self.of] * self.p, more

    def interpolate(self, k: int, context: Array, p: Array) -> None:
        """Turn p (N, V), given contexts of k - 1 characters, into p given `context` (N,), where it is known."""
        first, last, worth, total, back = self.levels[k]
        rows = np.flatnonzero(context >= 0)
        some = context[rows]
        p[rows] *= (back[some] / total[some])[:, None]
        child, which = children(first, some)
        p[rows[which], last[child]] += worth[child] / total[some][which]


def some_places(ids: Array) -> tuple[Array, Array]:
    """Return places in lines (M,) of about 30,000 characters, and how often the line of each occurs."""
    line = np.cumsum(ids == 0) - (ids == 0)
    texts = [each.tobytes() for each in np.split(ids, np.flatnonzero(ids == 0)[:-1] + 1)]
    copies = Counter(texts)
    n = max(1, len(texts) * 30_000 // max(30_000, len(ids)))
    places = np.flatnonzero(np.isin(line, np.random.default_rng(0).permutation(len(texts))[:n]))
    return places, np.array([copies[text] for text in texts])[line[places]]


def left_out(
    strings: list[Array], counts: list[Array], ends: list[Array], kinds: Array, places: Array, lost: Array
) -> list[tuple[Tensor, ...]]:
    """Return what is left of the counts at some places (N,) without their lines, for contexts of 0, 1, ... characters.

    The count of the character there (N,); the total of its context (N,); how many characters follow it once, twice,
    and more often (3, N); and a factor of the probability. lost: how often each line was counted.
    """
    V, found = len(kinds), list[tuple[Tensor, ...]]()
    for k in range(len(strings) - 1, -1, -1):
        child, of = ends[k][places], strings[k] // V if k else kinds[strings[k]]
        n, seen = int(of.max(initial=0)) + 2, child >= 0
        context = np.where(seen, np.append(of, 0)[child], n - 1)
        count = np.where(seen, np.append(counts[k], 0)[child], 0)
        left = np.where(seen, np.maximum(count - lost, 0), 0)
        total = np.bincount(of, counts[k], n)[context] - (count - left)
        times = [np.bincount(of, np.minimum(counts[k], 3) == i, n)[context] for i in (1, 2, 3)]
        times = [x + (np.minimum(left, 3) == i) - (np.minimum(count, 3) == i) for i, x in enumerate(times, 1)]
        found.append((*map(torch.from_numpy, (left, total, np.stack(times))), torch.ones(len(places))))
        lost = np.where(seen, left == 0, lost)  # a string that is gone is one fewer before the shorter one
    return found[::-1]


def probability(level: tuple[Tensor, ...], discounts: Tensor, shorter: Tensor) -> Tensor:
    """Return p of the characters that were left out, (N,), given those in the shorter contexts."""
    (count, total, times, weight), a, D = level, discounts[0], discounts[1:]
    taken = torch.cat([D.new_zeros(1), D])[count.clamp(max=3)]
    return weight * (count - taken + (a + D @ times) * shorter) / (total + a)


def likeliest(levels: list[tuple[Tensor, ...]], base: Tensor, usual: Array) -> Tensor:
    """Return a and three D of each length, (n, 4), under which the characters that were left out are likeliest.

    usual: (n, 3), Chen and Goodman's discounts, around which the prior is.
    """
    most, D = torch.tensor([1.0, 2.0, 3.0]).double(), torch.from_numpy(usual)
    start = torch.cat([torch.full((len(D), 1), 0.1).double().log(), (D / (most - D)).log()], 1)
    at = start.clone().requires_grad_()
    adam = torch.optim.Adam([at], betas=(0.9, 0.9), eps=1e-12)
    for step in range(120):
        p = base
        for level, each in zip(levels, at, strict=True):
            p = probability(level, torch.cat([each[:1].exp(), most * each[1:].sigmoid()]), p)
        adam.zero_grad()
        (((at - start) / 2.0).square().sum() / 2 - p.log().sum()).backward()
        adam.param_groups[0]["lr"] = 0.15 * (1 - step / 120)
        adam.step()
    return torch.cat([at[:, :1].exp(), most * at[:, 1:].sigmoid()], 1).detach()
