"""Which prefixes, other texts and lengths are possible."""

from __future__ import annotations

from makemore.corpus.characters import named
from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.errors import MakemoreError, quoted, shown


def checked_length(vocab: Vocab, prefix: str, max_length: int | None) -> int:
    """Return the longest length; raise MakemoreError for a prefix or a length that is impossible."""
    if max_length is None or max_length < 1:
        raise MakemoreError(f"max_length must be 1 or more, not {max_length}", option="max_length")
    if len(vocab.forms.inner(prefix)) > max_length:
        raise MakemoreError(
            f"prefix {quoted(prefix)} is longer than max_length={shown(max_length)}; raise it",
            option=("prefix", "max_length"),
        )
    check_one_line(vocab, "prefix", prefix)
    check_known(vocab, "prefix", prefix)
    return max_length


def check_one_line(vocab: Vocab, name: str, text: str) -> None:
    """Raise MakemoreError if a text has a line break, unless lines have some in them."""
    if "\n" in vocab.forms.inner(text):
        raise MakemoreError(f"{name} must be one line", option=name)


def check_known(vocab: Vocab, name: str, text: str) -> None:
    """Raise MakemoreError if a text, the value of an argument, has a character that no line can have."""
    try:
        known = vocab.decode(vocab.stream([text])[1:-1])
    except MakemoreError as error:
        raise MakemoreError(f"{name} {quoted(text)}: {error}", option=name) from None
    if vocab.unknown and UNKNOWN in known:
        character = vocab.forms.split(text)[known.index(UNKNOWN)]
        raise MakemoreError(
            f"{name} {quoted(text)}: the character {named(character)} is too rare in "
            "the training file; choose another text, or train with a lower min_count",
            option=(name, "min_count"),
        )
