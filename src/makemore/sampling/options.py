"""How to sample: one frozen dataclass that checks itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError, shown
from makemore.files.typed import check_fields
from makemore.sampling.pattern import Matcher

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleOptions:
    """How to sample lines from a model, and which lines are wanted. By default, all are.

    Args:
        prefix: What every line begins with.
        pattern: A regular expression that the whole line must match. The lines are distributed as the model's
            lines are, given that they match.
        temperature: Divides the logits. Below 1 samples are safer, above 1 wilder; at 0 each character is the
            most likely one.
        top_k: Sample from the k most likely characters only. None, or more than there are, allows all.
        top_p: Sample only from the most likely characters that together have at least this probability.
        max_length: Characters after which a line is cut. For a `Run`, None means the length of the longest
            line of its corpus, plus that of the prefix if the prefix is at least as long.
        unique: Sample without replacement, so that no line occurs twice.
        novel: Only lines that are not in the run's corpus.
        seed: The same seed gives the same lines; None picks a new one.

    Raises:
        MakemoreError: A value is not valid.

    """

    prefix: str = ""
    pattern: str | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    max_length: int | None = None
    unique: bool = False
    novel: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        check_fields(self)
        if "\n" in self.prefix:
            raise MakemoreError("prefix must be one line", option="prefix")
        if self.pattern is not None:
            Matcher(self.pattern)
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise MakemoreError(
                f"temperature must be 0 or more, not {self.temperature:g}; 1 leaves the model as it is",
                option="temperature",
            )
        if self.top_k is not None and self.top_k < 1:
            raise MakemoreError(
                f"top_k must be 1 or more, not {shown(self.top_k)}; leave it out to allow every character",
                option="top_k",
            )
        if not 0 < self.top_p <= 1:
            raise MakemoreError(
                f"top_p must be more than 0 and at most 1, not {self.top_p:g}; 1 allows every character",
                option="top_p",
            )
        if self.max_length is not None and self.max_length < 1:
            raise MakemoreError(
                f"max_length must be 1 or more, not {shown(self.max_length)}", option="max_length"
            )
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise MakemoreError(
                f"seed must be 0 or more and less than 2^63, not {shown(self.seed)}", option="seed"
            )

    def log_probabilities(self, logp: Floats) -> Floats:
        """Return the model's log-probabilities (D, V) after temperature, then top_k, then top_p."""
        if self.temperature == 1 and self.top_k is None and self.top_p == 1:
            return logp
        with np.errstate(divide="ignore", over="ignore"):
            return self._limited(logp)

    def _limited(self, logp: Floats) -> Floats:
        k = 1 if self.temperature == 0 else self.top_k
        if self.temperature > 0:
            logp = (logp - logp.max(1, keepdims=True)) / self.temperature
        if k is not None and k < logp.shape[1]:
            others = np.argpartition(-logp, k - 1, axis=1)[:, k:]  # (D, V - k)
            logp = logp.copy()
            np.put_along_axis(logp, others, -np.inf, axis=1)
        logp = log_softmax(logp)
        if self.top_p < 1:
            ids = np.argsort(-logp, axis=1)
            ranked = np.exp(np.take_along_axis(logp, ids, axis=1))
            before = ranked.cumsum(1) - ranked  # the probability of everything more likely
            out = np.empty_like(before, dtype=bool)
            np.put_along_axis(out, ids, before >= self.top_p, axis=1)
            logp = log_softmax(np.where(out, -np.inf, logp))
        return logp


def log_softmax(x: Floats) -> Floats:
    """Return x - log(sum(exp(x))) of each row of x (D, V)."""
    x = x - x.max(1, keepdims=True)
    shifted: Floats = x - np.log(np.exp(x).sum(1, keepdims=True))
    return shifted
