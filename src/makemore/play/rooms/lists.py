"""The first room: a list is pasted, dropped or chosen, and looked at."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.corpus.source import bundled_lists
from makemore.play.asked import Asked, answer
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
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    file.write(part)
        except BaseException:  # too large, or the page was closed
            path.unlink(missing_ok=True)
            raise
        return answer({"name": workshop.add_list(path)})

    async def inspect(request: Request) -> Response:
        """Look at the list `name`, read as `how` says."""
        asked = await Asked.of(request)
        listed = await workshop.inspect(asked.get("name", str), Asked(asked.table("how")).some(*HOW))
        found = {"found": listed.found, "examples": listed.examples, "columns": listed.columns}
        return answer({"name": asked.get("name", str), "how": listed.how, **found})

    async def measure(request: Request) -> Response:
        """Measure how long training on the list `name` takes here, and what the simplest models reach."""
        asked = await Asked.of(request)
        if workshop.trainer.busy:  # which would take longer then, and slow it down
            return answer({"seconds": None, "baselines": {}})
        measured = await workshop.measure(asked.get("name", str))
        return answer({"seconds": measured.seconds, "baselines": measured.baselines})

    return [
        Route("/api/bundled", bundled),
        Route("/api/lists", upload, methods=["POST"]),
        Route("/api/inspect", inspect, methods=["POST"]),
        Route("/api/measure", measure, methods=["POST"]),
    ]
