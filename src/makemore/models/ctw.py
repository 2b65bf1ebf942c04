"""ctw: context-tree weighting, the mean over all ways to choose how far back to look.

Each context of 0 to D characters predicts from its own counts; how much each is trusted at a position follows
by Bayes' rule from how well it predicted the training lines, and nothing is set or trained:
makemore/counting/context_tree.py has the idea and the equations.

After Willems, Shtarkov, Tjalkens, "The Context-Tree Weighting Method: Basic Properties" (1995).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from makemore.counting.context_tree import ContextTree, weighted
from makemore.models.base import Model, ModelConfig, knob

DEEPEST = 7


@dataclass(frozen=True)
class Config(ModelConfig):
    """The knobs of a CTW."""

    depth: int = knob(5, "D, the length of the longest context")

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= DEEPEST:
            raise ValueError(f"depth must be from 1 to {DEEPEST}")


class CTW(Model):
    """Counts of all strings of 1 to D + 1 characters, and the probability to stop at each context."""

    config_class = Config
    counting = True

    def __init__(self, vocab_size: int, config: Config) -> None:
        super().__init__()
        self.V, self.depth = vocab_size, config.depth
        sizes = {"sizes": (config.depth + 1, torch.int64), "keys": (0, torch.int64)}
        sizes |= {"stops": (0, torch.float64), "base": (0, torch.float64), "strength": (0, torch.float64)}
        self.strength: Tensor
        for name, (size, dtype) in sizes.items():
            self.register_buffer(name, torch.zeros(size, dtype=dtype))
        self.counts = nn.Parameter(torch.zeros(0, dtype=torch.float64), requires_grad=False)
        self.own = CTW(vocab_size, Config(config.depth)) if config.labels else None  # the labels' tree
        self.n_labels = config.labels + 1 if config.labels else 0
        self._tree: ContextTree | None = None  # made of the weights when it is first needed

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        weights = weighted(tokens.cpu().numpy(), self.V, self.depth, self.n_labels)
        self.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        contexts = tuple(each.cpu().numpy() for each in state or ())  # (B, D) each
        if len(self.strength) == 0:  # nothing was counted: uniform
            trees = 2 if self.own is not None else 1
            logits = torch.zeros(*idx.shape, self.V, device=idx.device)
            return logits, state or (idx.new_full((len(idx), self.depth), -1),) * trees
        if self._tree is None:
            weights = {name: value.detach().numpy() for name, value in self.state_dict().items()}
            self._tree = ContextTree(self.V, weights)
        logp = []
        for ids in idx.cpu().numpy().T:  # (B,) at a time
            p, contexts = self._tree.step(ids, contexts)
            logp.append(torch.from_numpy(p).log_().float())
        return torch.stack(logp, 1).to(idx.device), tuple(
            torch.from_numpy(each).to(idx.device) for each in contexts
        )

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: object) -> None:
        # the lengths of the lists are only known once the lines are counted
        for name in ("keys", "stops", "base", "strength"):
            setattr(self, name, torch.empty_like(state_dict[prefix + name], device="cpu"))
        self.counts = nn.Parameter(torch.empty_like(state_dict[prefix + "counts"], device="cpu"), False)
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._tree = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> CTW:
        return self  # it is computed on the CPU
