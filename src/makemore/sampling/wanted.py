"""Which lines are wanted, and what to say when too few are found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from makemore.errors import MakemoreError, quoted, shown
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Tree
from makemore.sampling.wishes import Outlook

if TYPE_CHECKING:
    from makemore.sampling.pattern import Matcher

Keep = Callable[[list[str]], list[bool]]
"""Returns for each of some lines whether it is wanted."""

PATIENCE, PATIENCE_SECONDS = 200_000, 60.0
"""Samples, and seconds, without a wanted line, after which sampling gives up."""


class Wanted:
    """The n lines of a tree that the caller wants; `keep` is a further condition, such as `novel`; None accepts all.

    Raises MakemoreError if n is negative or too large, or no line can be wanted.
    """

    def __init__(self, n: int, options: SampleOptions, tree: Tree, keep: Keep | None = None) -> None:
        if not 0 <= n < 2**63:
            raise MakemoreError(f"n must be 0 or more and less than 2^63, not {shown(n)}", option="n")
        self.n, self.options, self.keep = n, options, keep
        self.matcher: Matcher | None = None
        if options.pattern is not None:
            from makemore.sampling.pattern import Matcher

            self.matcher = Matcher(options.pattern)
            if options.prefix and not self.matcher.could(options.prefix):
                raise MakemoreError(
                    f"prefix={quoted(options.prefix)} and pattern={quoted(options.pattern)} cannot both hold for "
                    "one line; change one of them",
                    option=("prefix", "pattern"),
                )
        self.forms, self.wishes = tree.vocab.forms, options.wishes
        self._inner = self.wishes.inner(self.forms)
        self.outlook: Outlook | None = None
        if self.wishes:
            self.outlook = Outlook(self.wishes, tree.vocab, options.prefix, tree.max_length)
        self.prunes = self.matcher is not None or self.outlook is not None
        """Whether there are beginnings that cannot become wanted lines."""
        self.every = not self.prunes and keep is None and not self.forms.clusters
        """Whether every line that ends is wanted."""

    def could(self, beginnings: list[str]) -> list[bool]:
        """Return which beginnings can still become lines that match the pattern and satisfy the wishes.

        They are in their inner form, as the lines of `matching` are.
        """
        outlook, matcher, outer = self.outlook, self.matcher, self.forms.outer
        return [
            (outlook is None or outlook.could(each)) and (matcher is None or matcher.could(outer(each)))
            for each in beginnings
        ]

    def matching(self, lines: list[str]) -> list[bool]:
        """Return which lines match the pattern, satisfy the wishes and would be read as they were written."""
        wishes, matcher, forms = self._inner, self.matcher, self.forms
        return [
            (not wishes or wishes.does(line))
            and (matcher is None or matcher.does(forms.outer(line)))
            and forms.is_read_back(line)
            for line in lines
        ]

    def kept(self, lines: list[str]) -> list[bool]:
        """Return which lines, as people see them, meet the further condition."""
        return [True] * len(lines) if self.keep is None else self.keep(lines)

    def should_give_up(self, refused: int, since: float) -> bool:
        """Return whether too many lines were rejected in a row, or none was found for too long."""
        same = self.options.temperature == 0 or self.options.top_k == 1  # there is only one line
        patience = 1 if same else PATIENCE
        return refused >= patience or time.monotonic() - since > PATIENCE_SECONDS
