"""The third room: samples, why each is what it is, and those that are kept."""

from __future__ import annotations

import threading

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.errors import MakemoreError
from makemore.files.results import plain
from makemore.play.asked import Asked, answer, problem, unless_given_up
from makemore.play.kept import Kept, key_of
from makemore.play.workshop import Workshop
from makemore.runs.run import Run
from makemore.runs.scoring import Explanation
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample

MOST = 1_000
"""Samples at a time, at most."""

OPTIONS = ("prefix", "pattern", "ends_with", "contains", "without", "length", "max_length", "novel", "label")
CHANCE = ("temperature", "top_k", "top_p", "unique", "best", "seed")


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""
    kept_samples = Kept(workshop.directory / "kept.json")

    async def key(run: object) -> str:
        """Return the key of a run. Raises MakemoreError if there is none of that name, or it is damaged."""
        return await workshop.opened(run).use(lambda run: key_of(run, workshop.directory))

    async def sample(request: Request) -> Response:
        """Sample `n` lines from `run`; the rest are the fields of `makemore.SampleOptions`.

        If only some are found, the answer holds these, and why there are no more.
        """
        asked = await Asked.of(request)
        n, options = asked.get("n", int, 20), SampleOptions(**asked.some(*OPTIONS, *CHANCE))
        if not 1 <= n <= MOST:
            raise MakemoreError(f"n must be from 1 to {MOST:,}, not {n:,}", option="n")
        opened, over = workshop.opened(asked.get("run", str)), threading.Event()

        def work(run: Run) -> dict[str, object]:
            found, why = list[Sample](), None
            try:
                for each in run.stream(n, options, stop=over.is_set):
                    found.append(each)
            except MakemoreError as error:
                if not found:
                    raise
                why = problem(error, sampling=True)
            return {"samples": [each.to_json() for each in run.with_seen(found)], "problem": why}

        try:
            return answer(await unless_given_up(request, opened.use(work, long=True)))
        finally:
            over.set()

    async def explain(request: Request) -> Response:
        """Explain the line `text` by `run`, with the `top` likeliest characters at each position."""
        asked = await Asked.of(request)
        name, text, top = asked.get("run", str), asked.get("text", str), asked.get("top", int, 5)
        label = asked.some("label").get("label")
        letters = await workshop.opened(name).use(lambda run: run.explain(text, top, label))
        return answer(Explanation.of(name, text, letters).to_json())

    async def kept(request: Request) -> Response:
        """Return the samples of `run` that are kept."""
        return answer(plain(kept_samples.of(await key(request.query_params.get("run")))))

    async def keep(request: Request) -> Response:
        """Keep samples of `run`, and drop others; return those that are kept then."""
        asked = await Asked.of(request)
        found = kept_samples.change(
            await key(asked.get("run", str)), asked.values_of("keep"), asked.values_of("drop")
        )
        return answer(plain(found))

    return [
        Route("/api/kept", kept),
        Route("/api/kept", keep, methods=["POST"]),
        Route("/api/sample", sample, methods=["POST"]),
        Route("/api/explain", explain, methods=["POST"]),
    ]
