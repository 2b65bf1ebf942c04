"""The first room: a list is pasted, dropped or chosen, and looked at."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.corpus.source import bundled_lists
from makemore.corpus.unpack import read_block, unpacked
from makemore.errors import MakemoreError
from makemore.files.atomic import atomic
from makemore.play.asked import Asked, answer
from makemore.play.guard import LARGEST, TooLargeError
from makemore.play.workshop import Workshop

HOW = (
    "column",
    "label",
    "as_lines",
    "separator",
    "graphemes",
    "max_length",
    "min_count",
    "encoding",
    "drop_undecodable",
)
"""The fields of `makemore.How` that the page can set."""


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""

    async def bundled(request: Request) -> Response:
        lists = bundled_lists()
        return answer([{"name": e.name, "description": e.description, "lines": e.lines} for e in lists])

    async def upload(request: Request) -> Response:
        """Keep the body as a file, named as `name` says; what it holds is seen when it is inspected."""
        path = workshop.new_file(request.query_params.get("name", "pasted.txt"))
        with atomic(path) as made:
            with made.open("wb") as file:
                async for part in request.stream():
                    file.write(part)
            await asyncio.to_thread(check_unpacked, made)
        return answer({"name": workshop.add_list(str(path))})

    async def inspect(request: Request) -> Response:
        """Look at the list `name`, read as `how` says; `how.header` says that a table's first row names its columns.

        `unnamed` is whether that can be said: no header was recognised.
        """
        asked = await Asked.of(request)
        name, how = asked.get("name", str), Asked(asked.table("how"))
        listed = await workshop.inspect(name, how.some(*HOW), how.get("header", bool, False))
        found = {"found": listed.found, "examples": listed.examples, "columns": listed.choices}
        return answer({"name": name, "how": listed.asked, "unnamed": listed.unnamed, **found})

    async def measure(request: Request) -> Response:
        """Measure how long training on the list `name` takes here, and what the simplest models reach."""
        asked = await Asked.of(request)
        if workshop.trainer.busy:  # which would take longer then, and slow it down
            return answer({"seconds": None, "baselines": {}})
        return answer((await workshop.measure(asked.get("name", str))).to_json())

    return [
        Route("/api/bundled", bundled),
        Route("/api/lists", upload, methods=["POST"]),
        Route("/api/inspect", inspect, methods=["POST"]),
        Route("/api/measure", measure, methods=["POST"]),
    ]


def check_unpacked(path: Path) -> None:
    """Raise TooLargeError if a file, unpacked, is larger than an upload may be. A damaged one is reported later."""
    size = 0
    with path.open("rb") as file, contextlib.suppress(MakemoreError):
        content = unpacked(file, path.name)
        while block := read_block(content, path.name, 1 << 20):
            size += len(block)
            if size > LARGEST:
                raise TooLargeError
