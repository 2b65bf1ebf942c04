"""The class of all models in NumPy, and the few functions that they share."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # of the weights' own type: 32 bits, 64 for counts
State = tuple[Array, ...]
Layer = Callable[[Array], Array]

GELU = np.array(
    [
        7.97884268e-1,
        3.63341491e-2,
        -3.30266777e-5,
        -5.52733949e-5,
        3.97407197e-6,
        -1.33783278e-7,
        1.81392914e-9,
    ],
    dtype=np.float32,
)
GELU_TANH = np.array(
    [0.7978845608, 0.7978845608 * 0.044715], dtype=np.float32
)  # sqrt(2 / pi), as GPT-2 has it
GELU_END = np.float32(36)  # of x^2; tanh is 1 from there on


class Noting(dict[str, Array]):
    """Weights that note which of them were used."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        super().__init__(weights)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> Array:
        self.used.add(name)
        return super().__getitem__(name)


class Inference(ABC):
    """A model that reads one character at a time.

    Args:
        V: The size of the vocabulary.
        config: The model's knobs, by name.
        weights: The tensors of the torch model's state_dict, by name.

    """

    knobs: tuple[str, ...] = ()
    """The fields of the torch model's config."""

    _seen: dict[str, list[Array]] | None = None

    def __init__(self, V: int, config: Mapping[str, float], weights: Mapping[str, Array]) -> None:
        self.V, self.config, self.weights = V, config, Noting(weights)
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Take the weights into the form that `step` needs."""

    @abstractmethod
    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        """Read one character in each of B lines.

        Args:
            ids: The characters, (B,).
            state: What the previous call returned; None at the start of a line.

        Returns:
            The logits of the next characters, (B, V), and the next state.

        """

    def fits(self) -> bool:
        """Return whether the weights fit each other, the knobs and the vocabulary.

        Weights that do not fit each other may also raise ValueError or IndexError.
        """
        sizes = {size for weight in self.weights.values() for size in weight.shape}
        knobs = {"n_embd": min(sizes), "n_embd2": min(sizes)} | dict(self.config)
        logits, _ = self.step(np.zeros(1, dtype=np.intp))
        return (
            set(self.config) <= {*self.knobs, "labels"}
            and self.weights.used == self.weights.keys()
            and {knobs["n_embd"], knobs["n_embd2"]} <= sizes
            and logits.shape == (1, self.V)
            and not np.isnan(logits).any()
        )

    def note(self, name: str, value: Array) -> None:
        """Keep a value from inside `step` for those who watch; do nothing if nobody does."""
        if self._seen is not None:
            self._seen.setdefault(name, []).append(np.array(value))  # a copy: some change in place

    @contextlib.contextmanager
    def watched(self) -> Iterator[dict[str, list[Array]]]:
        """Watch what `step` notes: the values by name, those of the first step and the first layer first."""
        self._seen = {}
        try:
            yield self._seen
        finally:
            self._seen = None

    def embedded(self, W: Array | None = None, b: Array | None = None) -> Layer:
        """Return what turns ids (...) into their embeddings x (..., C), or into x W + b, given W and b.

        An id is V times the label of the line plus the character. There are few of both, so the products
        become tables.
        """
        names = ("embedding.weight", "embedding.labels.weight")
        E, *more = (self.weights[name] for name in names if name in self.weights)
        if W is not None:
            E, *more = E @ W + b, *(table @ W for table in more)
        if not more:
            return lambda ids: E[ids]
        return lambda ids: E[ids % self.V] + more[0][ids // self.V]

    def linear(self, name: str, bias: bool = True) -> Layer:
        """Return a linear layer: x (B, I) to x W^T + b (B, O)."""
        W = self.matrix(name)
        if not bias:
            return lambda x: x @ W
        b = self.weights[f"{name}.bias"]

        def product(x: Array) -> Array:
            x = x @ W
            x += b
            return x

        return product

    def matrix(self, name: str) -> Array:
        """Return a linear layer's weights as (I, O), which multiply fastest from the right."""
        return np.ascontiguousarray(self.weights[f"{name}.weight"].T)

    def layer_norm(self, name: str) -> Layer:
        """Return a layer that gives each row mean 0 and variance 1, then scales and shifts it: (B, C)."""
        gain, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        mean = np.full((len(gain), 1), 1 / len(gain), np.float32)  # as a product, quicker than .mean()

        def normalised(x: Array) -> Array:
            x = x - x @ mean
            x /= np.sqrt((x * x) @ mean + np.float32(1e-5))
            x *= gain
            x += bias
            return x

        return normalised


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written so that nothing overflows."""
    half = np.float32(0.5)
    p: Array = half * x
    np.tanh(p, out=p)
    p *= half
    p += half
    return p


def softmax(x: Array, axis: int) -> Array:
    """Return exp(x), scaled to add up to 1 along an axis."""
    p: Array = np.exp(x - x.max(axis, keepdims=True))
    p /= p.sum(axis, keepdims=True)
    return p


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)), without overflow."""
    y: Array = np.logaddexp(np.zeros((), x.dtype), x)
    return y


def log_softmax(logits: Array) -> Array:
    """Return log-probabilities (B, V) in double precision."""
    logits = logits.astype(np.float64)
    logits -= logits.max(1, keepdims=True)
    logp: Array = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return logp


def gelu(x: Array, q: Array = GELU) -> Array:
    """Return x Phi(x), Phi being the normal distribution, within 6e-7.

    NumPy has no erf, so Phi(x) is (1 + tanh(x q(x^2))) / 2, with the polynomial q that scripts/fit_gelu.py finds.
    With GELU_TANH for q it is GPT-2's approximation.
    """
    square = np.minimum(x * x, GELU_END)
    y: Array = q[-1] * square
    for c in q[-2:0:-1]:
        y += c
        y *= square
    y += q[0]
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= x
    y *= np.float32(0.5)
    return y
