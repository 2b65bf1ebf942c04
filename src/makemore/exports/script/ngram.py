"""n-gram: counts of the next character after the last n - 1, with shorter contexts to fall back on.

    p(w | c) = (max(count(c, w) - D, 0) + (a + all that was taken) p(w | c without its first character))
               / (count(c, .) + a)

Interpolated Kneser-Ney smoothing, from the empty context to the longest. D is one of three discounts, for counts
of 1, 2, and 3 or more, and a the strength of the shorter context: those under which training lines are likeliest
when each is left out. Below the empty context, another n-gram predicts the kind of character: a capital, a digit.
makemore/models/ngram.py is the same, for long lists and with labels.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch
from torch import Tensor

from makemore.exports.script.base import Model, State
from makemore.exports.script.counts import children, contexts_of, count
from makemore.exports.script.discounts import discounts_of


class NGram(Model):
    """Counts of all strings of 1 to n characters. State: the contexts of 1 to n - 1 characters, then those of kinds."""

    config_class = Namespace
    counting = True

    def __init__(self, vocab_size: int, config: Namespace) -> None:
        super().__init__()
        assert config.order > 0, "order must be 1 or more"
        self.V, self.order = vocab_size, config.order
        self.shape: NGram | None = None

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        """Count lines: a stream (M,) with boundaries. kinds: (V,), the kind of each character."""
        ids, of, state = tokens[1:].cpu().numpy(), np.zeros(self.V, dtype=np.int64), dict[str, Tensor]()
        if kinds is not None:
            of, shape = kinds.cpu().numpy(), NGram(int(kinds.max()) + 1, Namespace(order=4))
            shape.fit(kinds[tokens])
            state = {f"shape.{name}": value for name, value in shape.state_dict().items()}
        strings, counts, _ = counted = count(ids, self.order, self.V, True)
        state |= {
            "sizes": torch.tensor([len(each) for each in strings]),
            "keys": torch.from_numpy(np.concatenate(strings)),
            "counts": torch.from_numpy(np.concatenate(counts).astype(float)),
            "discounts": discounts_of(ids, counted, of, state.get("shape.discounts")),
            "kinds": torch.from_numpy(of),
        }
        self.load_state_dict(state)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: object) -> None:
        names = ("sizes", "keys", "counts", "discounts", "kinds")
        for name in names:
            self.register_buffer(name, state[prefix + name])
        sizes, keys, counts, discounts, kinds = (state[prefix + name].cpu() for name in names)
        if prefix + "shape.keys" in state:
            self.shape = NGram(int(kinds.max()) + 1, Namespace(order=4))
        super()._load_from_state_dict(state, prefix, *args)
        self.strings = [each.numpy() for each in keys.split(sizes.tolist())]
        self.of, self.levels, n = kinds.numpy(), [], int(kinds.max()) + 1
        each = zip(self.strings, counts.split(sizes.tolist()), discounts.numpy(), strict=True)
        for k, (strings, times, (a, *D)) in enumerate(each):
            context = strings // self.V if k else self.of[strings]
            taken = np.array([0, *D])[times.clamp(max=3).int().numpy()]
            total, back = (np.bincount(context, x, n) + a for x in (times.numpy(), taken))
            first = np.searchsorted(strings, np.arange(n + 1) * self.V)
            self.levels.append((first, strings % self.V, times.numpy() - taken, total, back))
            n = len(strings)
        _, last, worth, total, back = self.levels[0]
        self.p = (back / total / np.bincount(self.of))[self.of]  # of each character among those of its kind
        self.p[last] += worth / total[self.of[last]]

    def forward(self, idx: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        contexts = contexts_of(idx.cpu().numpy(), state, self.strings, self.V)
        p, more = np.repeat(self.p[None], idx.numel(), 0), State()  # (B T, V), without a context
        if self.shape is not None:
            logp, more = self.shape(torch.from_numpy(self.of[idx.cpu().numpy()]), state and state[1:])
            p *= np.exp(logp.double().cpu().numpy()).reshape(len(p), -1)[:, self.of]
        for k, (first, last, worth, total, back) in enumerate(self.levels[1:], 1):
            rows = np.flatnonzero(contexts[..., k] >= 0)  # whose context of k characters is known
            some = contexts[..., k].ravel()[rows]
            p[rows] *= (back[some] / total[some])[:, None]
            child, which = children(first, some)
            p[rows[which], last[child]] += worth[child] / total[some][which]
        logp = torch.from_numpy(np.log(p)).float().view(*idx.shape, self.V).to(idx.device)
        return logp, (torch.from_numpy(contexts[:, -1, 1:]), *more)
