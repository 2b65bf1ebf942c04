"""One interface for sampling to both forms of a model: rows of lines that read one character at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from makemore.inference.base import Array, Inference, log_softmax
from makemore.sampling.options import Floats

if TYPE_CHECKING:
    from torch import Tensor, nn

    Steps = nn.Module | Inference  # a model in torch, or in NumPy

Integers = npt.NDArray[np.integer]
State = tuple[Any, ...]
"""What the model remembers of D rows: tensors or arrays whose first dimension is D."""


class Stepper:
    """A model in NumPy that takes steps.

    Args:
        form: The model.

    """

    def __init__(self, form: Inference) -> None:
        self.form = form
        self.widest = max((max(w.shape) for w in form.weights.values() if w.ndim == 2), default=0)
        """The largest dimension of a weight matrix."""

    @np.errstate(over="ignore", invalid="ignore")  # the caller notices lost weights
    def read(self, ids: Integers, state: State | None) -> tuple[Floats, State]:
        """Read characters (B, T); return log p(what follows each), (B, T, V), and the state after them."""
        logp: list[Floats] = []
        for column in ids.astype(np.intp).T:
            logits, state = self.form.step(column, state)
            logp.append(log_softmax(logits))
        return np.stack(logp, 1), state or ()

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, state: State, parent: Integers, character: Integers) -> tuple[Floats, State]:
        """Read a character in each of D rows that continue the rows `parent` (D,) of a state.

        Return log p(what follows), (D, V), and the new state.
        """
        if not _every(parent, state):  # otherwise the rows stay as they are
            state = tuple(s[parent] for s in state)
        logits, state = self.form.step(character.astype(np.intp), state)
        return log_softmax(logits.astype(np.float64)), state


class TorchStepper(Stepper):
    """A model in torch that takes steps. It and its states stay on their device."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval() if model.training else model
        self.device = next(model.parameters()).device
        self.widest = max((max(p.shape) for p in model.parameters() if p.ndim == 2), default=0)

    def read(self, ids: Integers, state: State | None) -> tuple[Floats, State]:
        logits, state = self._run(ids.astype(np.int64), state)
        flat = log_softmax(logits.reshape(-1, logits.shape[-1]))
        return flat.reshape(logits.shape), state

    def step(self, state: State, parent: Integers, character: Integers) -> tuple[Floats, State]:
        import torch

        if not _every(parent, state):
            rows = torch.from_numpy(parent.astype(np.int64)).to(self.device)
            state = tuple(s.index_select(0, rows) for s in state)
        logits, state = self._run(character.astype(np.int64)[:, None], state)
        return log_softmax(logits[:, -1]), state

    def _run(self, ids: Array, state: State | None) -> tuple[Floats, State]:
        """Return the logits (B, T, V) of ids (B, T) in double precision, and the state."""
        import torch

        with torch.inference_mode():
            logits: Tensor
            logits, state = self.model(torch.from_numpy(ids).to(self.device), state)
            return logits.float().cpu().numpy().astype(np.float64), state or ()


@dataclass(frozen=True)
class Shares:
    """Which labels the lines have, by their numbers (K,), and how often: shares that add up to 1, (K,)."""

    labels: Integers
    shares: Floats


class LabelledStepper(Stepper):
    """A model of lines with labels that takes steps. A row's state begins with the label of its line.

    Args:
        inner: What takes the steps of the model.
        V: The size of the vocabulary.
        labels: The labels of the first rows, (K,).

    """

    def __init__(self, inner: Stepper, V: int, labels: Integers) -> None:
        self.inner, self.V, self.labels, self.widest = inner, V, labels.astype(np.intp), inner.widest

    def read(self, ids: Integers, state: State | None) -> tuple[Floats, State]:
        """Read the same characters (1, T) as the start of a line of each label: K rows come of it."""
        labelled = ids.astype(np.intp) + self.V * self.labels[:, None]
        logp, inner = self.inner.read(labelled, state and state[1:])
        return logp, (self.labels, *inner)

    def step(self, state: State, parent: Integers, character: Integers) -> tuple[Floats, State]:
        labels = state[0][parent]
        logp, inner = self.inner.step(state[1:], parent, character.astype(np.intp) + self.V * labels)
        return logp, (labels, *inner)


def stepper(model: Steps) -> Stepper:
    """Return what takes the steps of a model."""
    return Stepper(model) if isinstance(model, Inference) else TorchStepper(model)


def numbers(state: State) -> int:
    """Return how many numbers a state has."""
    return sum(math.prod(s.shape) for s in state)


def _every(parent: Integers, state: State) -> bool:
    """Return whether the rows `parent` are all rows of a state, in order."""
    n = len(state[0]) if state else 0
    return len(parent) == n and bool((parent == np.arange(n)).all())
