"""The third room: samples, and why each is what it is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.errors import MakemoreError
from makemore.play.asked import Asked, answer
from makemore.play.workshop import Workshop
from makemore.runs.scoring import Explanation
from makemore.sampling.options import SampleOptions

MOST = 1_000
"""Samples at a time, at most."""

OPTIONS = ("prefix", "pattern", "ends_with", "contains", "without", "length", "max_length", "novel", "label")
CHANCE = ("temperature", "top_k", "top_p", "unique", "best", "seed")


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""

    async def sample(request: Request) -> Response:
        """Sample `n` lines from `run`; the rest are the fields of `makemore.SampleOptions`."""
        asked = await Asked.of(request)
        n, options = asked.get("n", int, 20), SampleOptions(**asked.some(*OPTIONS, *CHANCE))
        if not 1 <= n <= MOST:
            raise MakemoreError(f"n must be from 1 to {MOST:,}, not {n}", option="n")
        opened = workshop.opened(asked.get("run", str))
        found = await opened.use(lambda run: list(run.with_seen(run.stream(n, options))))
        return answer([sample.to_json() for sample in found])

    async def explain(request: Request) -> Response:
        """Explain the line `text` by `run`, with the `top` likeliest characters at each position."""
        asked = await Asked.of(request)
        name, text, top = asked.get("run", str), asked.get("text", str), asked.get("top", int, 5)
        label = asked.some("label").get("label")
        letters = await workshop.opened(name).use(lambda run: run.explain(text, top, label))
        return answer(Explanation.of(name, text, letters).to_json())

    return [
        Route("/api/sample", sample, methods=["POST"]),
        Route("/api/explain", explain, methods=["POST"]),
    ]
