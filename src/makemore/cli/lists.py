"""The commands that list things: models, data, cache."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from typing import Annotated, Literal

from makemore.cli.options import READING, ReadingOptions, flat, one_of, option
from makemore.cli.terminal import tell, waiting


def models(
    file: Annotated[str | None, option("A file of lines, or a bundled list. [default: names]")] = None,
    *,
    input_file: Annotated[str | None, option("The same as FILE.", "-i")] = None,
    type: Annotated[str | None, option("List only this type.")] = None,
    reading: Annotated[ReadingOptions, flat()] = READING,
) -> int:
    """List the types of models, with the number of parameters each has for the characters of a file."""
    source = one_of(file, input_file, "-i")
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate

    how = How(**vars(reading))
    locate(source)  # a missing file is reported without waiting for torch
    with waiting("loading PyTorch ..."):
        from rich.console import Console

        from makemore.cli.described import describe_labels
        from makemore.cli.layout import notes, say
        from makemore.corpus.cache import read_corpus
        from makemore.inference.ladder import TYPES
        from makemore.metrics.rows import check_no_table
        from makemore.models import MODELS
        from makemore.training.capacity import untrained_size

        chosen = [*MODELS] if type is None else [type]
        corpus = check_no_table(read_corpus(source, how), how)
        rows = [(name, f"{untrained_size(name, corpus):,}", TYPES[name].says) for name in chosen]
    console = Console()
    for said in describe_labels(corpus):
        say(console, f"{said}; the parameters include what each type has for them")
    notes(console, [("type", "parameters", "what it does"), *rows])
    return 0


def data() -> int:
    """List the bundled lists, with their sources and licences."""
    from makemore.corpus.source import bundled_lists

    for entry in bundled_lists():
        tell(f"{entry.name}: {entry.description} ({entry.lines:,} lines)", "  ")
        tell(f"  source:  {entry.source}", "    ")
        tell(f"  licence: {entry.licence}", "    ")
    return 0


def cache(action: Annotated[Literal["list", "clear"], option("list or clear.")] = "list") -> int:
    """List the cached copies of large files, or remove them."""
    from makemore.corpus.cache import clear_cache, entries, root

    if action == "clear":
        tell(f"{clear_cache() / 1e6:,.1f} MB freed in {root()}")
        return 0
    for entry in entries():
        unread = "unfinished or damaged"
        lines = unread if entry.lines is None else f"{entry.lines:>13,} lines  {entry.source}"
        tell(f"{entry.size / 1e6:10,.1f} MB  {lines}", "    ")
    tell(f"in {root()}; `makemore cache clear` removes everything; runs keep what they need")
    return 0
