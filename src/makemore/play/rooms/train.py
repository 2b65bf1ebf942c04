"""The second room: training, with what happens as it happens."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.errors import MakemoreError
from makemore.files.results import plain
from makemore.play.asked import Asked, answer
from makemore.play.workshop import Workshop

MOST = 6
"""Types in a race, at most."""


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""

    async def start(request: Request) -> Response:
        """Train `types` on `list`, each for `time` seconds. `knobs`: sizes, if there is one type."""
        asked = await Asked.of(request)
        name, types, time = asked.get("list", str), asked.texts("types"), asked.get("time", float, 0.0)
        listed, knobs = workshop.listed(name), asked.table("knobs")
        if not 1 <= len(types) <= MOST or len(set(types)) < len(types):
            raise MakemoreError(f"choose from 1 to {MOST} different types")
        runs: dict[str, dict[str, object]] = {}
        for type in types:
            run = workshop.new_run(name, type)
            runs[run] = listed.how | knobs | asked.some("seed") | ({"time": time} if time else {})
            runs[run] |= {"source": listed.source, "type": type, "work_dir": str(workshop.directory / run)}
        await workshop.trainer.start(runs)
        return answer({"runs": [*runs]})

    async def resume(request: Request) -> Response:
        """Go on with `run` for another `time` seconds."""
        asked = await Asked.of(request)
        name = asked.get("run", str)
        run = workshop.opened(name).run
        job = {"resume": True, "work_dir": str(run.directory)}
        await workshop.trainer.start({name: job | asked.some("time")})
        return answer({"runs": [name]})

    async def stop(request: Request) -> Response:
        """Stop what trains, at the next step."""
        if workshop.trainer.training is not None:
            workshop.trainer.training.stop()
        return answer({})

    async def events(request: Request) -> Response:
        """Stream the events of the last training that began, those after number `after`."""
        training = workshop.trainer.training
        last = request.headers.get("last-event-id") or request.query_params.get("after", "-1")
        after = int(last) if last.isdecimal() else -1

        async def stream() -> AsyncIterator[dict[str, str]]:
            if training is not None:
                async for event in training.follow(after):
                    yield {"id": str(event["id"]), "data": json.dumps(event)}
            yield {"event": "over", "data": "{}"}

        return EventSourceResponse(stream())

    async def curve(request: Request) -> Response:
        """Return the evaluations and the summary of a run."""
        run = workshop.opened(request.query_params.get("run")).run
        rows = [dataclasses.asdict(row) for row in run.metrics()]
        return answer({"metrics": plain(rows), "summary": plain(run.summary())})

    return [
        Route("/api/train", start, methods=["POST"]),
        Route("/api/resume", resume, methods=["POST"]),
        Route("/api/stop", stop, methods=["POST"]),
        Route("/api/events", events),
        Route("/api/curve", curve),
    ]
