"""What a prefix and a length may be, and how many lines are made at a time."""

from __future__ import annotations

from torch import Tensor, nn

from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.errors import MakemoreError, quoted, shown

_FLOATS = 64_000_000


def rows_at_once(
    model: nn.Module, vocab_size: int, max_length: int, state: tuple[Tensor, ...], floats: int | None
) -> int:
    """Return how many rows to step at a time, so that the states of whole lines fit in memory.

    `floats` is the size of one row's state at the end of the line; None takes the size of `state`'s rows.
    """
    now = sum(s.numel() for s in state) // len(state[0]) if state else 0
    # and some sixteen arrays over the vocabulary
    each = 16 * vocab_size + max_length + (now * max_length if floats is None else floats)
    widest = max((max(p.shape) for p in model.parameters() if p.ndim == 2), default=0)
    return max(16, _FLOATS // max(each, widest // 4))


def checked_length(vocab: Vocab, prefix: str, max_length: int | None) -> int:
    """Return the longest length; raise MakemoreError for a prefix or a length that is impossible."""
    if max_length is None or max_length < 1:
        raise MakemoreError(f"max_length must be 1 or more, not {max_length}", option="max_length")
    if len(prefix) > max_length:
        raise MakemoreError(
            f"prefix {quoted(prefix)} is longer than max_length={shown(max_length)}; raise it",
            option=("prefix", "max_length"),
        )
    try:
        known = vocab.decode(vocab.encode(prefix))
    except MakemoreError as error:
        raise MakemoreError(f"prefix {quoted(prefix)}: {error}", option="prefix") from None
    if vocab.unknown and UNKNOWN in known:
        character = prefix[known.index(UNKNOWN)]
        raise MakemoreError(
            f"prefix {quoted(prefix)}: the character {character!r} (U+{ord(character):04X}) is too rare in "
            "the training file; choose another prefix, or train with a lower min_count",
            option=("prefix", "min_count"),
        )
    return max_length
