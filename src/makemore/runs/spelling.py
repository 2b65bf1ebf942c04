"""How a run reads the lines that people give it: as its training lines were read."""

from __future__ import annotations

import unicodedata

from makemore.corpus.characters import LINE_BREAK
from makemore.corpus.reading import FILE, LONGEST, Reading
from makemore.corpus.things import separates, thing_of
from makemore.corpus.vocab import Vocab
from makemore.errors import MakemoreError, quoted


class Spelling:
    """Brings lines to the form that a model needs: stripped, in normal form C, not too long."""

    def __init__(self, vocab: Vocab, reading: Reading | None, longest: int) -> None:
        """Keep how the training lines were read, and the length of the longest."""
        self._forms, self._characters = vocab.forms, frozenset(vocab.characters)
        self.things = reading is not None and bool(reading.separator)
        """Whether lines are things of several lines."""
        self._separator = reading.separator if reading is not None and not reading.column else FILE
        self._keep_spaces = reading is not None and reading.keep_spaces
        self.most = max(LONGEST, longest)
        """Characters that a line may have."""

    def stripped(self, line: str) -> str:
        """Return a line without white space at its ends, or without its newline if the spaces were kept.

        A blank line becomes empty. Of a thing of several lines, the lines are stripped at their ends.
        """
        if self.things:
            return thing_of(line, self._keep_spaces).replace(LINE_BREAK, "\n")
        bare = line.strip()
        return line.rstrip("\r\n") if bare and self._keep_spaces else bare

    def is_thing(self, text: str) -> bool:
        """Return whether a text would be read as this one thing where it stands between others."""
        lines = text.split("\n")
        return self.stripped(text) == text and not any(separates(line, self._separator) for line in lines)

    def normal(self, text: str) -> str:
        """Return a text in Unicode's normal form C, as the training lines are.

        A sampled letter and accent may combine in normal form C to a character that no training line has. If
        the model only knows the text as it was given, it is returned unchanged.
        """
        composed = unicodedata.normalize("NFC", text)
        if composed == text or self._all_known(composed) or not self._all_known(text):
            return composed
        return text

    def _all_known(self, text: str) -> bool:
        return set(self._forms.inner(text)) <= self._characters

    def check_length(self, line: str) -> None:
        """Raise MakemoreError if a line is too long to score or to sample."""
        if len(self._forms.inner(line)) > self.most:
            raise MakemoreError(
                f"{quoted(line)}: is too long for this run, which takes up to {self.most:,} characters a line"
            )

    def cleaned(self, line: str) -> str:
        """Return a line stripped and in normal form; raise MakemoreError if it is too long."""
        line = self.stripped(line)
        self.check_length(line)
        return self.normal(line)
