"""The result of `inspect`: what is in a file, as fields.

Lines are counted as training would see them: stripped, in normal form C, none blank. Shares are from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from makemore.errors import with_flags
from makemore.files.results import Flag, Result
from makemore.metrics.advice import Warned
from makemore.metrics.looks import Mark


@dataclass(frozen=True)
class Repeated(Result):
    """A line that the list holds more than once."""

    line: str
    count: int


@dataclass(frozen=True)
class Bar(Result):
    """A row of the histogram of lengths: lines with `low` to `high` characters."""

    low: int = field(metadata={"json": "from"})
    high: int = field(metadata={"json": "to"})
    count: int


@dataclass(frozen=True)
class Lengths(Result):
    """How long the lines are, in characters."""

    minimum: int
    median: float
    mean: float
    percentile_95: float
    maximum: int
    histogram: tuple[Bar, ...]


@dataclass(frozen=True)
class Character(Result):
    """A character and how often it occurs."""

    character: str
    count: int


@dataclass(frozen=True)
class Suspicious(Result):
    """A character that is probably a mistake."""

    character: str
    code_point: str
    name: str
    """Its name in Unicode."""
    count: int
    line: int
    """The first line with it, from 1."""


@dataclass(frozen=True)
class Place(Result):
    """A line of the file."""

    line: int
    """Its number, from 1."""
    text: str


@dataclass(frozen=True)
class MixedScripts(Result):
    """Lines with a Latin letter right beside a Cyrillic or Greek one."""

    lines: int
    examples: tuple[Place, ...]


@dataclass(frozen=True)
class NearDuplicates(Result):
    """Different lines that differ only in case, white space or invisible characters."""

    lines: int
    share: float
    """Share of all lines, from 0 to 1."""
    groups: int
    examples: tuple[tuple[str, ...], ...]
    """Lines of some groups."""


@dataclass(frozen=True)
class Neighbours(Result):
    """How near some of the different lines are to others."""

    lines: int
    """Lines whose nearest other line was looked for."""
    beside: int
    """Lines that it was looked for among."""
    share: float
    """Share of lines that are one edit from another line, from 0 to 1."""
    median: float
    """Edits to the nearest other line."""


@dataclass(frozen=True)
class FormatFound(Result):
    """The format that most lines have."""

    name: str
    """A name of `looks.FORMATS`, or list."""
    share: float
    """Share of lines that have it."""
    header: str | None
    """The first line, if it looks like a header."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The columns of a table, and an example of each; without a header their names are numbers."""
    column: str | None = None
    """The column that probably has the things."""


@dataclass(frozen=True)
class SplitSize(Result):
    """Lines of a split, and different lines among them."""

    lines: int
    unique: int


@dataclass(frozen=True)
class Expected(Result):
    """What counting reaches on the test lines."""

    type: str
    test: float
    """Nats per token."""
    half_width: float | None
    """1.96 standard errors of that loss; None if all test lines are equal."""


@dataclass(frozen=True)
class Recommendation(Result):
    """Which type and settings suit the list, and how long training the default type takes on this machine."""

    type: str
    max_length: int | None
    """Longest line to keep; None keeps all."""
    reasons: tuple[str, ...]
    steps: int
    seconds_per_step: float
    seconds: float
    """Seconds for all steps of the default type, without evaluations."""

    def spelled(self, flag: Flag) -> tuple[str, ...]:
        """Return the reasons. flag: Spells the arguments that they name."""
        return tuple(with_flags(reason, ("type", "max_length"), flag) for reason in self.reasons)

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields. flag: Spells the arguments that the reasons name."""
        return super().to_json(flag) | {"reasons": list(self.spelled(flag))}


@dataclass(frozen=True)
class Inspection(Result):
    """What is in a file.

    Lines are counted as training would see them: stripped, in normal form C, none blank. Shares are from 0 to
    1, places are line numbers of the file, from 1.
    """

    source: str
    """The path, or the name of the bundled list."""
    lines: int
    """Lines in the file."""
    blank: int
    """Blank lines, which were dropped."""
    too_long: int
    """Lines that were dropped for their length."""
    undecodable: int
    """Lines that were dropped because they could not be decoded."""
    stripped: int
    """Lines that lost white space at their ends."""
    kept: int
    """Lines that remain."""
    unique: int
    """Different lines among those."""
    looked_at: int
    """Lines that `near_duplicates` and `neighbours` come from: all of them or, for a large file, a subsample
    that keeps together lines that differ only in case and the like. The numbers of `near_duplicates` are then
    estimates for the whole file, and `expected` comes from a subsample of the test lines."""
    duplicates: int
    """kept - unique."""
    most_frequent: tuple[Repeated, ...]
    lengths: Lengths
    alphabet: tuple[Character, ...]
    """Every character, the most frequent first."""
    rare: tuple[Character, ...]
    """Those that occur fewer than `advice.RARE` times."""
    suspicious: tuple[Suspicious, ...]
    not_nfc: int
    """Lines that are not in Unicode's normal form C."""
    mixed_scripts: MixedScripts
    near_duplicates: NearDuplicates
    neighbours: Neighbours
    format: FormatFound
    marks: tuple[Mark, ...]
    """Things on some of the lines that may not belong there."""
    labels: Mapping[str, int]
    """How many lines have each label, the commonest first; "" if they have none."""
    splits: Mapping[str, SplitSize]
    expected: Expected
    recommendation: Recommendation
    warnings: tuple[Warned, ...]
