"""The one sampling loop.

All samples of a chunk start as one row, the prompt. Samples that have drawn the same characters so far
share a row, which the model steps once for all of them; each draws its next character for itself, so
the result is distributed as if every sample had a row of its own. Rows that have ended are dropped. Empty
lines are never among the samples, which so follow the model given that a line is not empty.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex
import torch
from torch import Tensor, nn

from makemore.errors import MakemoreError
from makemore.vocab import BOUNDARY, Vocab

PATIENCE, PATIENCE_SECONDS = 200_000, 60.0
"""Draws, and seconds, without a line that is wanted, after which sampling says that there are too few."""

_ROWS = 8192
_FLOATS = 64_000_000


@dataclass(frozen=True)
class Sample:
    """One line drawn from a model."""

    text: str
    nll: float
    """-log p(the whole line and its end) under the model, in nats, whatever the temperature."""
    ended: bool
    """Whether the model ended the line; False where the longest allowed length did."""


@dataclass(frozen=True)
class Choice:
    """How the next character is chosen from the model's probabilities.

    temperature: the logits are divided by it; below 1 safer, above 1 wilder, 0 always the most likely.
    top_k: only the k most likely characters; None or more than there are means all.
    top_p: only the most likely characters that together have at least this probability.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise MakemoreError(
                f"--temperature {self.temperature:g}: must be 0 or more; 1 is the model's own"
            )
        if self.top_k is not None and self.top_k < 1:
            raise MakemoreError(
                f"--top-k {self.top_k}: must be 1 or more; leave it out to allow every character"
            )
        if not 0 < self.top_p <= 1:
            raise MakemoreError(
                f"--top-p {self.top_p:g}: must be more than 0 and at most 1; 1 allows every character"
            )

    def probabilities(self, logp: Tensor) -> Tensor:
        """Return the probabilities to draw from, float64, given log-probabilities (D, V)."""
        logp = logp.double()
        k = 1 if self.temperature == 0 else self.top_k
        if self.temperature > 0:
            logp = (logp - logp.amax(1, keepdim=True)) / self.temperature
        if k is not None and k < logp.shape[1]:
            values, ids = logp.topk(k, 1)  # (D, k)
            logp = torch.full_like(logp, -math.inf).scatter_(1, ids, values)
        p = logp.softmax(1)
        if self.top_p < 1:
            ranked, ids = p.sort(1, descending=True)
            before = ranked.cumsum(1) - ranked  # the probability of all that is more likely
            p = torch.zeros_like(p).scatter_(1, ids, torch.where(before < self.top_p, ranked, 0.0))
        return p / p.sum(1, keepdim=True)


def sample(
    model: nn.Module,
    vocab: Vocab,
    n: int,
    *,
    max_length: int,
    prefix: str = "",
    pattern: str | None = None,
    choice: Choice | None = None,
    unique: bool = False,
    keep: Callable[[list[str]], list[bool]] | None = None,
    seed: int | None = None,
) -> Iterator[Sample]:
    """Yield n lines drawn from a model, in chunks, so that any number fits in memory.

    max_length: characters after which a line is cut. prefix: what every line begins with. pattern: a
    regular expression that the whole line must match; the lines are then distributed as the model's are,
    given that they match. unique: no line twice. keep: says which of some lines are wanted at all. seed:
    the same seed gives the same lines; None draws a fresh one.
    Raises MakemoreError for an option that cannot be met, after having yielded what could be found.
    """
    choice = choice or Choice()
    if n < 0:
        raise MakemoreError(f"-n {n}: must be 0 or more")
    if seed is not None and not 0 <= seed < 2**63:
        raise MakemoreError(f"--seed {seed}: must be 0 or more, and less than 2^63")
    if max_length < 1:
        raise MakemoreError(f"--max-length {max_length}: must be 1 or more")
    if "\n" in prefix:
        raise MakemoreError("--prefix: must be one line")
    if len(prefix) > max_length:
        raise MakemoreError(
            f"--prefix {prefix!r}: is longer than the longest line allowed; raise --max-length {max_length}"
        )
    try:
        prompt = vocab.encode("\n" + prefix)
    except MakemoreError as error:
        raise MakemoreError(f"--prefix {prefix!r}: {error}") from None
    matcher = _Matcher(pattern) if pattern is not None else None
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)

    draw = _Drawing(model, vocab, prompt, max_length, choice, matcher, generator)
    found: set[str] = set()
    yielded = drawn = wanted = dry = 0
    since = time.monotonic()
    while yielded < n:
        # draw what is missing, and more where many are refused
        rate = max(wanted, 1) / max(drawn, 1)
        chunk = max(1, min(draw.rows, math.ceil((n - yielded) / rate)))
        samples = draw(chunk)
        drawn += chunk
        kept = [True] * len(samples) if keep is None else keep([s.text for s in samples])
        before = wanted
        for s, wanted_too in zip(samples, kept, strict=True):
            if not wanted_too or (unique and s.text in found):
                continue
            if unique:
                found.add(s.text)
            wanted += 1
            if yielded < n:
                yielded += 1
                yield s
        if wanted > before:
            dry, since = 0, time.monotonic()
        else:
            dry += chunk
        if yielded < n and (dry >= PATIENCE or time.monotonic() - since > PATIENCE_SECONDS):
            raise MakemoreError(_too_few(n, yielded, drawn, wanted, pattern, unique, keep is not None))


def _too_few(
    n: int, yielded: int, drawn: int, wanted: int, pattern: str | None, unique: bool, novel: bool
) -> str:
    kinds = (
        [f"match {pattern!r}"] * (pattern is not None) + ["are new"] * novel + ["are all different"] * unique
    )
    remedies = ["a looser --pattern"] * (pattern is not None)
    remedies += [f"it without {name}" for name, on in (("--novel", novel), ("--unique", unique)) if on]
    remedy = " or ".join([*remedies, "a higher --temperature"])
    return (
        f"found {yielded:,} of {n:,} lines that {' and '.join(kinds) or 'are not empty'}, and drew {drawn:,} for "
        f"them (acceptance {wanted / drawn:.2g}); ask for fewer with -n or try {remedy}"
    )


class _Matcher:
    """A regular expression that the whole line must match, asked of lines and of their beginnings."""

    # What `regex` can wrongly refuse in a partial match (its issues 553 and 589): lookbehinds, negative
    # lookaheads, word boundaries, \\G, \\K and reversed search. With one of these no line is given up early.
    _UNSURE = regex.compile(r"\\[bBmMGK]|\(\?<?!|\(\?<=|\(\?[a-zA-Z]*r")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        try:
            self._regex = regex.compile(pattern)
        except (regex.error, ValueError, RecursionError) as error:
            raise MakemoreError(f"--pattern '{pattern}': not a regular expression: {error}") from None
        self._unsure = self._UNSURE.search(pattern) is not None

    def could(self, prefix: str) -> bool:
        """Say whether a line that begins so can still match."""
        return self._unsure or self._matches(prefix, partial=True)

    def does(self, line: str) -> bool:
        """Say whether a line matches."""
        return self._matches(line, partial=False)

    def _matches(self, text: str, partial: bool) -> bool:
        try:
            return self._regex.fullmatch(text, partial=partial, timeout=2.0) is not None
        except TimeoutError:
            raise MakemoreError(
                f"--pattern '{self._pattern}': takes too long to match {text!r}; avoid repetitions inside repetitions"
            ) from None


class _Drawing:
    """Draws chunks of samples that share one prompt.

    The model and its state stay on their device; the drawing is done on the CPU in double precision.
    """

    def __init__(
        self,
        model: nn.Module,
        vocab: Vocab,
        prompt: np.ndarray[Any, Any],
        max_length: int,
        choice: Choice,
        matcher: _Matcher | None,
        generator: torch.Generator,
    ) -> None:
        self.model, self.vocab, self.max_length = model, vocab, max_length
        self.choice, self.matcher, self.generator = choice, matcher, generator
        self.device = next(model.parameters()).device
        model.eval()
        ids = torch.from_numpy(prompt.astype(np.int64)).to(self.device)[None]  # (1, P)
        with torch.inference_mode():
            logits, self.state = model(ids)
            logits, ids = logits.float().cpu(), ids.cpu()
            logp = logits.log_softmax(-1)  # (1, P, V)
            self.logits = logits[:, -1]  # (1, V)
            if self.logits.isnan().any():
                raise MakemoreError(
                    "the model's probabilities are not numbers: its weights are damaged; train again"
                )
            self.nll = -logp[:, :-1].gather(2, ids[:, 1:, None]).double().sum((1, 2))  # (1,)
        self.prefix = ids[:, 1:]  # (1, P - 1)
        # what a row takes: some sixteen arrays over the vocabulary, and a state that may grow by the step
        with torch.inference_mode():
            _, later = model(ids[:, -1:].to(self.device), self.state)
        now, then = (sum(s.numel() for s in state) for state in (self.state, later))
        self.rows = max(16, min(_ROWS, _FLOATS // (16 * len(vocab) + now + (then - now) * max_length)))
        """How many samples to draw at a time, so that memory stays in bounds."""

    @torch.inference_mode()
    def __call__(self, n: int) -> list[Sample]:
        """Draw n samples, and leave out those that cannot match the pattern and those that are empty."""
        V = len(self.vocab)
        text, nll, logits, state = self.prefix, self.nll, self.logits, self.state  # one row: the prompt
        who = torch.arange(n)  # (n,) the samples still being drawn
        row = torch.zeros(n, dtype=torch.int64)  # (n,) the row of each
        samples: list[Sample | None] = [None] * n
        if self.matcher is not None and not self.matcher.could(self._texts(text)[0]):
            return []
        while len(who):
            logp = logits.log_softmax(-1)  # (D, V)
            if text.shape[1] >= self.max_length:
                self._collect(samples, text, nll - logp[:, BOUNDARY], who, row, ended=False)
                break
            ids = self._draw(self.choice.probabilities(logp), row)  # (n,)
            # the different (row, character) pairs are the next rows
            pairs, row = torch.unique(row * V + ids, return_inverse=True)  # (D',), (n,)
            parent, character = pairs // V, pairs % V
            nll = nll[parent] - logp[parent, character]
            end = character == BOUNDARY
            ended = end[row]  # (n,)
            self._collect(samples, text[parent], nll, who[ended], row[ended], ended=True)
            text = torch.cat([text[parent], character[:, None]], 1)  # (D', t + 1)
            alive = ~end
            if self.matcher is not None:
                could = [self.matcher.could(t) for t in self._texts(text[alive])]
                alive[alive.clone()] = torch.tensor(could, dtype=torch.bool)
            who, row = who[alive[row]], row[alive[row]]
            row = (alive.cumsum(0) - 1)[row]  # the rows that stay, numbered anew
            text, nll, parent, character = text[alive], nll[alive], parent[alive], character[alive]
            if len(who):
                parent, character = parent.to(self.device), character.to(self.device)
                logits, state = self.model(character[:, None], tuple(s[parent] for s in state))
                logits = logits[:, -1].float().cpu()  # (D, V)
        return [s for s in samples if s is not None and s.text]

    def _draw(self, p: Tensor, row: Tensor) -> Tensor:
        """Draw one id for each sample from its row of p (D, V); row: (n,)."""
        # Row i's cumulative probabilities lie in [2 i, 2 i + 1], so one sorted list serves all rows: the
        # drawn id is the first whose cumulative probability is above u.
        cumulative = p.cumsum(1)
        cumulative /= cumulative[:, -1:].clone()
        cumulative += 2 * torch.arange(len(p))[:, None]
        u = torch.rand(len(row), generator=self.generator, dtype=torch.float64)
        u = u * (1 - 2.0**-32)  # so that adding 2 i cannot round it up to 2 i + 1
        return torch.searchsorted(cumulative.view(-1), u + 2 * row, right=True) - row * p.shape[1]

    def _texts(self, ids: Tensor) -> list[str]:
        """The lines of some rows of ids (D, t)."""
        stream = torch.cat([ids, ids.new_zeros(len(ids), 1)], 1)
        return self.vocab.decode(stream.numpy().reshape(-1)).split("\n")[:-1]

    def _collect(
        self, samples: list[Sample | None], text: Tensor, nll: Tensor, who: Tensor, row: Tensor, ended: bool
    ) -> None:
        """Put down the finished samples `who`, which lie in the rows `row` of text (D, t) and nll (D,)."""
        if not len(who):
            return
        rows, inverse = row.unique(return_inverse=True)
        finished = [
            Sample(text, loss, ended)
            for text, loss in zip(self._texts(text[rows]), nll[rows].tolist(), strict=True)
        ]
        if self.matcher is not None:
            wanted = [self.matcher.does(s.text) for s in finished]
        else:
            wanted = [True] * len(finished)
        for number, i in zip(who.tolist(), inverse.tolist(), strict=True):
            if wanted[i]:
                samples[number] = finished[i]
