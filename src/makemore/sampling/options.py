"""How to sample: one frozen dataclass that checks itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError, shown
from makemore.files.typed import check_fields
from makemore.inference.base import log_softmax
from makemore.sampling.wishes import Wishes, several

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleOptions:
    """How to sample lines from a model, and which lines are wanted. By default, all are.

    Args:
        prefix: What every line begins with.
        pattern: A regular expression that the whole line must match. The lines are distributed as the model's
            lines are, given that they match.
        ends_with: What every line ends with. As with a pattern, the lines are distributed as the model's are,
            given that they do; likewise for the next three.
        contains: A text that every line contains, or several, all of which it contains.
        without: A text that no line contains, or several, none of which it contains.
        length: How many characters a line has: "5-8", "5" or "5-".
        max_length: The most characters of a line. For a `Run`, None allows as many after the prefix as the
            longest line of its corpus has.
        novel: Only lines that are not in the run's corpus.
        label: Which kind of lines, or several, if lines have labels; none: all, as often as in the corpus.
        temperature: Divides the logits. Below 1 samples are safer, above 1 wilder; at 0 each character is the
            most likely one.
        top_k: Sample from the k most likely characters only. None, or more than there are, allows all.
        top_p: Sample only from the most likely characters that together have at least this probability.
        unique: Sample without replacement, so that no line occurs twice.
        cut: Also lines that go on after max_length characters, which are cut there. Otherwise the lines are
            distributed as the model's lines are, given that they end within max_length characters.
        best: Of many lines drawn, those that a person would choose, best first (best.py): no copies or near
            copies of lines of the corpus, unlike one another, and of a shape that lines of the corpus have.
        seed: The same seed gives the same lines; None picks a new one.

    Raises:
        MakemoreError: A value is not valid.

    """

    prefix: str = ""
    pattern: str | None = None
    ends_with: str = ""
    contains: str | Sequence[str] = ()
    without: str | Sequence[str] = ()
    length: str | None = None
    max_length: int | None = None
    novel: bool = False
    label: str | Sequence[str] = ()
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    unique: bool = False
    cut: bool = False
    best: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        check_fields(self)
        if self.pattern is not None:  # the library for patterns is loaded only for one
            from makemore.sampling.pattern import Matcher

            Matcher(self.pattern)
        for name in ("contains", "without", "label"):
            object.__setattr__(self, name, several(name, getattr(self, name)))
        _ = self.wishes  # checks itself
        warm, k, p, most, seed = self.temperature, self.top_k, self.top_p, self.max_length, self.seed
        finite = math.isfinite(warm)
        _must(warm >= 0 and finite, "temperature", warm, "0 or more", "; 1 leaves the model as it is")
        _must(k is None or k >= 1, "top_k", k, "1 or more", "; leave it out to allow every character")
        _must(0 < p <= 1, "top_p", p, "more than 0 and at most 1", "; 1 allows every character")
        _must(most is None or most >= 1, "max_length", most, "1 or more")
        _must(seed is None or 0 <= seed < 2**63, "seed", seed, "0 or more and less than 2^63")

    @property
    def wishes(self) -> Wishes:
        """What the lines end with, contain and leave out, and their lengths."""
        contains, without = several("contains", self.contains), several("without", self.without)
        return Wishes(self.ends_with, contains, without, self.length)

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


def _must(valid: bool, name: str, value: float | None, says: str, instead: str = "") -> None:
    if not valid:
        found = f"{value:g}" if isinstance(value, float) else shown(value)
        raise MakemoreError(f"{name} must be {says}, not {found}{instead}", option=name)
