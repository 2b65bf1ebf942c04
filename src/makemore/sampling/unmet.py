"""The error if too few of the wanted lines were found: which conditions there were, and what to do."""

from __future__ import annotations

from makemore.errors import MakemoreError, quoted
from makemore.sampling.wanted import Wanted
from makemore.sampling.wishes import listed, several


def unmet(wanted: Wanted, found: int, tried: str, *, random: bool, long: bool) -> MakemoreError:
    """Return the error for too few lines.

    `tried` says what was tried, `random` whether a higher temperature would give other lines, and `long`
    whether most of the rejected lines did not end within max_length.
    """
    options, limit = wanted.options, wanted.options.max_length
    wishes = {name: f"{name}={' and '.join(map(quoted, texts))}" for name, texts in _begun(wanted) if texts}
    wishes |= wanted.wishes.named()
    lines = "things" if wanted.forms.line_breaks else "lines"
    # each condition: its option, how the sentence names it, the remedy
    conditions = {
        "max_length": (f"end within {limit:,} character{'s' * (limit != 1)}", "raise max_length"),
        "pattern": (f"match pattern={quoted(options.pattern)}", "loosen the pattern"),
        "wishes": (f"satisfy {listed(list(wishes.values()), 'and')}", "wish for less"),
        "novel": ("are new (novel=True)", f"allow {lines} of the corpus"),
        "unique": ("are all different (unique=True)", "allow repeats"),
    }
    given = {
        "max_length": long,
        "pattern": wanted.matcher is not None,
        "wishes": bool(wishes),
        # things of several lines are also kept for being read as one
        "novel": wanted.keep is not None and (options.novel or not wanted.forms.line_breaks),
        "unique": options.unique,
    }
    asked = [name for name in conditions if given[name]]
    kinds = " and ".join(conditions[name][0] for name in asked) or "are not empty"
    remedies = [conditions[name][1] for name in asked]
    if long and (random or options.unique):  # the most likely lines are never cut
        asked.append("cut")
        remedies.append("use cut=True")
    remedies += ["raise temperature"] * random
    if found or not remedies:
        remedies.insert(0, "ask for fewer")
    asked += wishes
    return MakemoreError(
        f"found {found:,} of {wanted.n:,} {lines} that {kinds}, {tried}; {listed(remedies, 'or')}",
        option=tuple(asked) + ("temperature",) * random,
    )


def _begun(wanted: Wanted) -> list[tuple[str, tuple[str, ...]]]:
    """Return what every line tried has already: its beginning, and the labels it may have."""
    options = wanted.options
    return [("prefix", (options.prefix,) * bool(options.prefix)), ("label", several("label", options.label))]
