"""The fourth room: what a model expects after each letter, how surprised it was, and what is inside it."""

from __future__ import annotations

import math
import random

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.errors import MakemoreError
from makemore.play.asked import Asked, answer
from makemore.play.workshop import Workshop
from makemore.runs.inside import inside
from makemore.runs.run import Run
from makemore.runs.scoring import Letter, Scored

TOP = 12
"""Characters that have a bar."""

MOST = 8
"""Runs that are compared, at most."""


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room. Each asks about `text`, the beginning of a line of `label`, or of any."""

    async def expects(request: Request) -> Response:
        """Say what `run` expects after the text: the likeliest characters, the end of the line, the rest.

        `choices` is how many equally likely characters would be as uncertain, the perplexity.
        """
        name, text, label = _asked(await Asked.of(request))

        def look(run: Run) -> dict[str, object]:
            found = ready(run, name).expects(text, label=label)
            others = [each for each in found if each[0] != run.vocab.end]
            return {
                "top": others[:TOP],
                "end": dict(found)[run.vocab.end],
                "rest": sum(p for _, p in others[TOP:]),
                "more": len(others[TOP:]),
                "choices": math.exp(-sum(p * math.log(p) for _, p in found if p > 0)),
                "breaks": run.vocab.forms.line_breaks,
            }

        return answer(await workshop.opened(name).use(look))

    async def go_on(request: Request) -> Response:
        """Sample the character after the text from `run`; null for the end of the line."""
        name, text, label = _asked(await Asked.of(request))

        def sample(run: Run) -> str | None:
            characters, p = zip(*ready(run, name).expects(text, label=label), strict=True)
            (character,) = random.choices(characters, p)
            return None if character == run.vocab.end else str(character)

        return answer({"character": await workshop.opened(name).use(sample)})

    async def letters(request: Request) -> Response:
        """Say how surprised each of `runs` is by each letter of the text and by its end, or why it cannot."""
        asked = await Asked.of(request)
        text, label, found = asked.get("text", str), asked.some("label").get("label"), []
        for name in asked.texts("runs")[:MOST]:

            def look(run: Run, name: str = name) -> dict[str, object]:
                line = ready(run, name).spelling.normal(text)
                (nlls,) = run.letters([line], label if label in run.vocab.labels else None)
                each = tuple(map(Letter, [*run.vocab.forms.split(line), run.vocab.end], nlls))
                return Scored(line, sum(nlls), each).to_json()

            try:
                found.append({"run": name} | await workshop.opened(name).use(look))
            except MakemoreError as error:
                found.append({"run": name, "error": str(error)})
        return answer(found)

    async def look_inside(request: Request) -> Response:
        """Return what there is to see inside `run` when it has read the text."""
        name, text, label = _asked(await Asked.of(request))
        found = await workshop.opened(name).use(lambda run: inside(ready(run, name), text, label))
        return answer(found.to_json())

    return [
        Route("/api/expects", expects, methods=["POST"]),
        Route("/api/go-on", go_on, methods=["POST"]),
        Route("/api/letters", letters, methods=["POST"]),
        Route("/api/inside", look_inside, methods=["POST"]),
    ]


def ready(run: Run, name: str) -> Run:
    """Return a run whose model can be read without torch. Raises MakemoreError if it has none yet."""
    if run.form is None:
        raise MakemoreError(f"{name}: its model cannot be read yet; train it for a few seconds")
    return run


def _asked(asked: Asked) -> tuple[str, str, str | None]:
    """Return the run, the text and the label of a request."""
    label = asked.get("label", str) if asked.values.get("label") is not None else None
    return asked.get("run", str), asked.get("text", str), label
