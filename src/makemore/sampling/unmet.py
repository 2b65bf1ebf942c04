"""The error if too few of the wanted lines were found: which conditions there were, and what to do."""

from __future__ import annotations

from makemore.errors import MakemoreError, quoted
from makemore.sampling.wanted import Wanted


def unmet(wanted: Wanted, found: int, tried: str, *, random: bool) -> MakemoreError:
    """Return the error for too few lines.

    `tried` says what was tried, and `random` whether a higher temperature would give other lines.
    """
    # each condition: its option, how the sentence names it, the remedy
    conditions = {
        "pattern": (f"match pattern={quoted(wanted.options.pattern)}", "loosen the pattern"),
        "novel": ("are new (novel=True)", "allow lines of the corpus"),
        "unique": ("are all different (unique=True)", "allow repeats"),
    }
    given = {
        "pattern": wanted.matcher is not None,
        "novel": wanted.keep is not None,
        "unique": wanted.options.unique,
    }
    asked = [name for name in conditions if given[name]]
    kinds = " and ".join(conditions[name][0] for name in asked) or "are not empty"
    remedies = ["ask for fewer", *(conditions[name][1] for name in asked)]
    remedies += ["raise temperature"] * random
    *most, last = remedies
    remedy = f"{', '.join(most)} or {last}" if most else last
    return MakemoreError(
        f"found {found:,} of {wanted.n:,} lines that {kinds}, {tried}; {remedy}",
        option=tuple(asked) + ("temperature",) * random,
    )
