"""The one sampling loop, and what else can be asked of a model's lines.

All samples of a chunk start as one row, the prompt. Samples that have drawn the same characters so far
share a row, which the model steps once for all of them; each draws its next character for itself, so
the result is distributed as if every sample had a row of its own. Rows that have ended are dropped. Empty
lines are never among the samples, which so follow the model given that a line is not empty.

Different lines (`unique`) and the most likely ones come from a search instead: see `search`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from makemore.corpus.vocab import BOUNDARY, UNKNOWN, Vocab
from makemore.distributed import group as parallel
from makemore.distributed.devices import few_rows
from makemore.errors import MakemoreError, quoted, shown
from makemore.sampling.pattern import Matcher
from makemore.sampling.search import MOST_ROWS, Search, Tree, log_softmax, not_empty

PATIENCE, PATIENCE_SECONDS = 200_000, 60.0
"""Draws, and seconds, without a line that is wanted, after which sampling says that there are too few."""

BLOCK = MOST_ROWS
"""Lines that are drawn from one stream of randomness."""

Array = npt.NDArray[Any]


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

    def log_probabilities(self, logp: Array) -> Array:
        """Return the log-probabilities to draw by, float64, given the model's (D, V)."""
        if self.temperature == 1 and self.top_k is None and self.top_p == 1:
            return logp
        with np.errstate(divide="ignore", over="ignore"):
            return self._limited(logp)

    def _limited(self, logp: Array) -> Array:
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
            before = ranked.cumsum(1) - ranked  # the probability of all that is more likely
            out = np.empty_like(before, dtype=bool)
            np.put_along_axis(out, ids, before >= self.top_p, axis=1)
            logp = log_softmax(np.where(out, -np.inf, logp))
        return logp


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
    tree: Tree | None = None,
    together: bool = False,
) -> Generator[Sample, None, None]:
    """Yield n lines drawn from a model, in chunks, so that any number fits in memory.

    max_length: characters after which a line is cut. prefix: what every line begins with. pattern: a
    regular expression that the whole line must match; the lines are then distributed as the model's are,
    given that they match. unique: no line twice; they are draws without replacement. keep: says which of
    some lines are wanted at all. seed: the same seed gives the same lines; None draws a fresh one. tree: that
    of the same model, prefix and max_length, for who draws often: it has the first steps done. together: whether
    the processes that torchrun started share the work; all must ask for the same, and all get all lines, which are
    those of one process.
    Raises MakemoreError for an option that cannot be met, after having yielded what could be found.
    """
    choice = choice or Choice()
    if seed is not None:
        check_seed(seed)
    wishes = _Wishes(n, "-n", pattern, keep, unique)
    tree = tree or tree_of(model, vocab, prefix, max_length)
    if seed is None:
        seed = int(np.random.default_rng().integers(2**63))
    if unique:
        yield from _searched(tree, wishes, choice, int(np.random.default_rng(seed).integers(2**63)))
        return
    draw = _Drawing(tree, choice, wishes.matcher)
    if not together:
        for i in range(0, n, BLOCK):
            yield from _block(draw, wishes, seed, i)
        return
    seed = parallel.same(seed)

    def whole(start: int) -> tuple[list[Sample], MakemoreError | None]:
        found = []
        try:
            for s in _block(draw, wishes, seed, start):
                found.append(s)
        except MakemoreError as error:
            return found, error
        return found, None

    with contextlib.closing(parallel.shared(range(0, n, BLOCK), whole)) as blocks:
        for found, error in blocks:
            yield from found
            if error is not None:
                raise error


def _block(draw: _Drawing, wishes: _Wishes, seed: int, start: int) -> Iterator[Sample]:
    """Yield the lines from number `start` on, up to BLOCK, which have a stream of randomness of their own."""
    random = np.random.default_rng([seed, start // BLOCK] if start else seed)
    n = min(BLOCK, wishes.n - start)
    yielded = drawn = wanted = dry = 0
    since = time.monotonic()
    while yielded < n:
        # draw what is missing, and more where many are refused
        rate = max(wanted, 1) / max(drawn, 1)
        chunk = max(1, min(MOST_ROWS, math.ceil((n - yielded) / rate)))
        chunk = min(chunk, draw.rows()) if chunk > 16 else chunk
        with few_rows(chunk):
            samples = draw(chunk, random)
        drawn += chunk
        if wishes.keep is not None:
            kept = wishes.keep([s.text for s in samples])
            samples = [s for s, is_kept in zip(samples, kept, strict=True) if is_kept]
        wanted += len(samples)
        for s in samples[: n - yielded]:
            yielded += 1
            yield s
        if samples:
            dry, since = 0, time.monotonic()
        else:
            dry += chunk
        if yielded < n and (dry >= PATIENCE or time.monotonic() - since > PATIENCE_SECONDS):
            tried = f"drew {drawn:,} for them (acceptance {wanted / drawn:.2g})"
            raise wishes.unmet(start + yielded, tried, "a higher --temperature")


def most_likely(
    model: nn.Module,
    vocab: Vocab,
    n: int,
    *,
    max_length: int,
    prefix: str = "",
    pattern: str | None = None,
    keep: Callable[[list[str]], list[bool]] | None = None,
) -> Generator[Sample, None, None]:
    """Yield the n lines of at most max_length characters with the lowest nll, lowest first, then by text.

    The other options are those of `sample`, and so is what it raises. Nothing is random. As in `sample` a
    line's nll counts its end, also that of a line of max_length characters, whose `ended` is False.
    """
    wishes = _Wishes(n, "--most-likely", pattern, keep)
    yield from _searched(tree_of(model, vocab, prefix, max_length), wishes, Choice(), None)


def check_seed(seed: int) -> None:
    """Raise MakemoreError for a seed that cannot be."""
    if not 0 <= seed < 2**63:
        raise MakemoreError(f"--seed {seed}: must be 0 or more, and less than 2^63")


def tree_of(model: nn.Module, vocab: Vocab, prefix: str, max_length: int) -> Tree:
    """Return the tree of a model's lines; raise MakemoreError for a beginning or a length that cannot be."""
    if max_length < 1:
        raise MakemoreError(f"--max-length {max_length}: must be 1 or more")
    if "\n" in prefix:
        raise MakemoreError("--prefix: must be one line")
    if len(prefix) > max_length:
        raise MakemoreError(
            f"--prefix {quoted(prefix)}: is longer than the longest line allowed; raise --max-length {max_length}"
        )
    try:
        written = vocab.decode(vocab.encode(prefix))
    except MakemoreError as error:
        raise MakemoreError(f"--prefix {quoted(prefix)}: {error}") from None
    if vocab.unknown and UNKNOWN in written:
        character = prefix[written.index(UNKNOWN)]
        raise MakemoreError(
            f"--prefix {quoted(prefix)}: the character {character!r} (U+{ord(character):04X}) is too rare in the training file: "
            "--min-count left it out; choose another prefix, or train with a lower --min-count"
        )
    with few_rows(1):
        return Tree(model, vocab, prefix, max_length)


def _searched(tree: Tree, wishes: _Wishes, choice: Choice, seed: int | None) -> Iterator[Sample]:
    """Yield the best lines of a search, and say so if there are fewer than are wanted."""
    search = Search(tree, choice.log_probabilities, seed, wishes.met if wishes.picky else None, wishes.could)
    yielded = 0
    for text, nll in search.best(wishes.n, PATIENCE, PATIENCE_SECONDS):
        yielded += 1
        yield Sample(text, nll, ended=len(text) < tree.max_length)
    if yielded < wishes.n:
        if search.exhausted:
            raise wishes.unmet(yielded, "there are no more")
        raise wishes.unmet(yielded, f"looked at {search.looked_at:,} beginnings of lines for them")


class _Wishes:
    """Which lines are wanted, and how to say that there are too few."""

    def __init__(
        self,
        n: int,
        flag: str,
        pattern: str | None,
        keep: Callable[[list[str]], list[bool]] | None,
        unique: bool = False,
    ) -> None:
        if not 0 <= n < 2**63:
            raise MakemoreError(f"{flag} {shown(n)}: must be 0 or more, and less than 2^63")
        self.n, self.flag, self.pattern, self.keep, self.unique = n, flag, pattern, keep, unique
        self.matcher = Matcher(pattern) if pattern is not None else None
        self.could = self.matcher.could if self.matcher is not None else None
        self.picky = self.matcher is not None or keep is not None

    def met(self, lines: list[str]) -> list[bool]:
        """Say which lines are wanted."""
        does = [self.matcher is None or self.matcher.does(line) for line in lines]
        kept = does if self.keep is None else self.keep(lines)
        return [a and b for a, b in zip(does, kept, strict=True)]

    def unmet(self, found: int, tried: str, *more: str) -> MakemoreError:
        """Return what to raise when too few were found."""
        matching, novel = self.pattern is not None, self.keep is not None
        kinds = [f"match {quoted(self.pattern)}"] * matching + ["are new"] * novel
        kinds += ["are all different"] * self.unique
        remedies = ["a looser --pattern"] * matching + ["it without --novel"] * novel
        remedies += ["it without --unique"] * self.unique
        remedy = " or ".join(f"try {s}" if i == 0 else s for i, s in enumerate([*remedies, *more]))
        return MakemoreError(
            f"found {found:,} of {self.n:,} lines that {' and '.join(kinds) or 'are not empty'}, and {tried}; "
            f"ask for fewer with {self.flag}{' or ' * bool(remedy)}{remedy}"
        )


class _Drawing:
    """Draws chunks of samples, on the CPU in double precision."""

    def __init__(self, tree: Tree, choice: Choice, matcher: Matcher | None) -> None:
        self.tree, self.choice, self.matcher = tree, choice, matcher
        self._rows: int | None = None

    def rows(self) -> int:
        """How many samples to draw at a time, so that memory stays in bounds."""
        if self._rows is None:
            state, tree = self.tree.state, self.tree
            one = np.zeros(1, dtype=np.intp)
            _, later = tree.step(state, one, one)  # a state may grow by the step
            now, then = (sum(s.numel() for s in tensors) for tensors in (state, later))
            self._rows = tree.rows(state, now + (then - now) * tree.max_length)
        return self._rows

    def __call__(self, n: int, random: np.random.Generator) -> list[Sample]:
        """Draw n samples, and leave out those that do not match the pattern and those that are empty."""
        tree, V = self.tree, len(self.tree.vocab)
        lines = np.zeros((n, len(tree.prefix) + 16), dtype=tree.vocab.dtype)  # ids, and 0 after the end
        lines[:, : len(tree.prefix)] = tree.prefix
        nll = np.full(n, tree.nll)  # (n,)
        ended = np.ones(n, dtype=bool)
        who = np.arange(n)  # the samples still being drawn
        row = np.zeros(n, dtype=np.intp)  # the row of each; at first there is one, the prompt
        known = tuple(tree.known)  # of another thread's draw it may grow
        logp, state = known[0]  # (D, V), and what the model remembers of the D rows
        path = np.zeros(1, dtype=np.intp)  # (D,) the number of each row's beginning among all of its length
        for t in range(len(tree.prefix), tree.max_length):
            logq = self.choice.log_probabilities(tree.allowed(logp))
            if t == 0:
                logq = not_empty(logq)
                if np.isnan(logq).any():  # all lines are empty
                    return []
            ids = draw(np.exp(logq), row, random.random(len(who)))
            nll[who] -= logp[row, ids]
            if t == lines.shape[1]:
                lines = np.concatenate([lines, np.zeros_like(lines)], 1)
            lines[who, t] = ids
            goes_on = ids != BOUNDARY
            who = who[goes_on]
            # the different (row, character) pairs are the next rows
            pairs = row[goes_on] * V + ids[goes_on]
            rows = np.unique(pairs)
            row = np.searchsorted(rows, pairs)
            if self.matcher is not None:
                some = np.empty(len(rows), dtype=np.intp)
                some[row] = who  # a sample of each row
                texts = tree.texts(lines[some, : t + 1])
                could = np.array([self.matcher.could(text) for text in texts], dtype=bool)
                lines[who[~could[row]]] = BOUNDARY  # as good as empty
                who, row = who[could[row]], row[could[row]]
                rows, row = rows[could], (could.cumsum() - 1)[row]  # those that stay, numbered anew
            if not len(who):
                break
            parent, character = np.divmod(rows, V)
            depth = t + 1 - len(tree.prefix)
            if depth <= len(known):  # the state has a row for each beginning of the length before
                parent = path[parent]
            if depth < len(known):  # all beginnings of this length were looked at in advance
                path = parent * V + character
                logp, state = known[depth][0][path], known[depth][1]
            else:
                logp, state = tree.step(state, parent, character)
        else:
            nll[who] -= logp[row, BOUNDARY]
            ended[who] = False
        texts = tree.texts(lines)
        good = dict.fromkeys(texts, True)
        if self.matcher is not None:
            good = {text: self.matcher.does(text) for text in good}
        good[""] = False
        return [
            Sample(*line) for line in zip(texts, nll.tolist(), ended.tolist(), strict=True) if good[line[0]]
        ]


def draw(p: Array, row: Array, u: Array) -> Array:
    """Draw one id for each sample from its row of the probabilities p (D, V); row, u in [0, 1): (n,)."""
    # Row i's cumulative probabilities lie in [2 i, 2 i + 1], so one sorted list serves all rows: the
    # drawn id is the first whose cumulative probability is above u.
    cumulative = p.cumsum(1)
    cumulative /= cumulative[:, -1:].copy()
    cumulative += 2 * np.arange(len(p))[:, None]
    u = u * (1 - 2.0**-32)  # so that adding 2 i cannot round it up to 2 i + 1
    found: Array = np.searchsorted(cumulative.reshape(-1), u + 2 * row, side="right") - row * p.shape[1]
    return found
