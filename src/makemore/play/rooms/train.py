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
from makemore.play.training import AT_ONCE
from makemore.play.wording import ending
from makemore.play.workshop import Workshop

MOST = 6
"""Types to train one after another, at most."""

SIZES = (0.5, 1.0, 2.0)
"""How many times as wide as usual networks can be."""

FIRST = ("mixture", "ngram", "lstm", "transformer")
"""Types that the page shows first."""


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""

    async def start(request: Request) -> Response:
        """Train `types` on `list`, each for `time` seconds, networks `size` times as wide as usual."""
        asked = await Asked.of(request)
        listed, jobs = workshop.listed(asked.get("list", str)), _jobs(workshop, asked)
        await workshop.trainer.start(jobs, dict(listed.expected.baselines) if listed.expected else None)
        return answer({"runs": [*jobs]})

    async def ready(request: Request) -> Response:
        """Prepare for `types` types, so that the first ones start at once."""
        asked = await Asked.of(request)
        if not workshop.trainer.busy:
            await workshop.processes.keep_warm(min(max(asked.get("types", int), 1), AT_ONCE))
        return answer({})

    async def resume(request: Request) -> Response:
        """Go on with `runs` to their ends, or, if they were there, for `more` seconds."""
        jobs = _jobs_to_resume(workshop, await Asked.of(request))
        await workshop.trainer.start(jobs)
        return answer({"runs": [*jobs]})

    async def stop(request: Request) -> Response:
        """Stop what trains, at the next step."""
        if workshop.trainer.training is not None:
            workshop.trainer.training.stop()
        return answer({})

    async def events(request: Request) -> Response:
        """Stream the events of the last training that began and of those to come; "over" is the end of one."""
        last = request.headers.get("last-event-id", "")

        async def stream() -> AsyncIterator[dict[str, str]]:
            async for id, event in workshop.trainer.follow(last):
                yield (
                    {"event": "over", "data": "{}"}
                    if event is None
                    else {"id": id, "data": json.dumps(event)}
                )

        return EventSourceResponse(stream())

    async def curve(request: Request) -> Response:
        """Return the evaluations of a run, and how it ended."""
        run = workshop.opened(request.query_params.get("run")).run
        rows, summary = [dataclasses.asdict(row) for row in run.metrics()], run.summary()
        end = ending(run, summary) if summary else {"summary": None, "warnings": []}
        return answer({"type": run.type, "metrics": plain(rows), **end})

    return [
        Route("/api/train", start, methods=["POST"]),
        Route("/api/ready", ready, methods=["POST"]),
        Route("/api/resume", resume, methods=["POST"]),
        Route("/api/stop", stop, methods=["POST"]),
        Route("/api/events", events),
        Route("/api/curve", curve),
    ]


Jobs = dict[str, dict[str, object]]
"""The arguments of `makemore.train` for each run, by its name."""


def _jobs(workshop: Workshop, asked: Asked) -> Jobs:
    """Return what to train, as `start` is asked."""
    name, time, size = asked.get("list", str), asked.get("time", float, 0.0), asked.get("size", float, 1.0)
    if size not in SIZES:
        raise MakemoreError(
            f"size must be one of {', '.join(f'{each:g}' for each in SIZES)}, not {size:g}", option="size"
        )
    listed, jobs = workshop.listed(name), Jobs()
    for run, type in workshop.new_runs(name, _some(asked, "types")).items():
        jobs[run] = listed.how | asked.some("seed") | ({"time": time} if time else {})
        jobs[run] |= {"source": listed.source, "type": type, "work_dir": str(workshop.directory / run)}
        jobs[run] |= {"size": size}
    return jobs


def _jobs_to_resume(workshop: Workshop, asked: Asked) -> Jobs:
    """Return what to go on with, as `resume` is asked."""
    more, jobs = asked.get("more", float), Jobs()
    for name in _some(asked, "runs"):
        run = workshop.opened(name).run
        jobs[name] = {"resume": True, "work_dir": str(run.directory)}
        if run.settings.time or run.summary() is not None:
            before = run.metrics()[-1].seconds if run.metrics() else None
            jobs[name]["time"] = (before or 0) + more
    return jobs


def _some(asked: Asked, what: str) -> list[str]:
    """Return the types or runs that are asked for: different ones, and not too many."""
    found = asked.texts(what)
    if not 1 <= len(found) <= MOST or len(set(found)) < len(found):
        raise MakemoreError(f"choose from 1 to {MOST} different {what}", option=what)
    return found
