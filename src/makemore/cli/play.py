"""The command `play`: the playground in the browser."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from pathlib import Path
from typing import Annotated

from makemore.cli.options import option, path, whole
from makemore.cli.terminal import tell
from makemore.errors import MakemoreError


def play(
    *what: Annotated[
        str, option("Lists (a file of lines, a directory of files, -, a bundled list), or run directories.")
    ],
    work_dir: Annotated[Path, path("Directory for the lists and runs that are made.", "-o")] = Path("play"),
    port: Annotated[int, whole("The port on this machine; 0 takes a free one.")] = 0,
    no_open: Annotated[bool, option("Print the address, and do not open the browser.")] = False,
) -> int:
    """Open a playground in the browser: train, sample and look inside models, on your own list."""
    if not 0 <= port < 65536:
        raise MakemoreError(f"port must be from 0 to 65535, not {port}", option="port")
    try:
        import sse_starlette  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise MakemoreError(
            "the playground needs a few more packages; install them with: pip install 'makemore[play]'"
        ) from None
    from makemore.files.locks import held
    from makemore.play.server import serve
    from makemore.play.workshop import Workshop

    workshop = Workshop(work_dir)
    way = workshop.way
    busy = f"open {way} in a browser to see its playground, end it by Ctrl-C" if way.exists() else None
    with held(work_dir, busy=busy):
        for sentence in workshop.damaged:
            tell(f"left out: {sentence}")
        for each in what:
            workshop.bring(each)
        serve(workshop, port, not no_open, tell)
    return 0
