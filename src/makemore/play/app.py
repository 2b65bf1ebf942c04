"""The server's application: the page, its files, and what it can ask."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from makemore.errors import MakemoreError
from makemore.inference.ladder import TYPES
from makemore.play.asked import answer, sentence, surprise, unknown
from makemore.play.guard import Guard, TooLargeError, too_large
from makemore.play.rooms import games, inside, lists, make, train
from makemore.play.workshop import Workshop
from makemore.reports.render import environment
from makemore.runs.settings import DEFAULT_TYPE

ROOMS = {
    "list": "List",
    "train": "Train",
    "make": "Make",
    "inside": "Look inside",
    "games": "Play",
}
"""The rooms of the page, in the order of the data: name and title."""


def application(workshop: Workshop, token: str, port: int) -> ASGIApp:
    """Return the application of a workshop. Every path begins with the token."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await workshop.processes.keep_warm()
        yield
        await workshop.close()

    async def state(request: Request) -> Response:
        return answer(workshop.state())

    routes = [
        Route("/", page),
        Route("/style.css", style),
        Route("/api/state", state),
        *(route for room in (lists, train, make, inside, games) for route in room.routes(workshop)),
        Mount("/static", StaticFiles(packages=[("makemore.play", "static"), ("makemore.reports", "static")])),
    ]
    errors = {
        MakemoreError: sentence,
        HTTPException: unknown,
        TooLargeError: too_large,
        Exception: surprise,
    }
    app = Starlette(routes=[Mount(f"/{token}", routes=routes)], lifespan=lifespan, exception_handlers=errors)
    return Guard(app, token, port)


async def page(request: Request) -> Response:
    """Return the page. Whatever it shows of lists, it asks for later."""
    known = {"rooms": ROOMS, "types": TYPES, "first": train.FIRST, "default": DEFAULT_TYPE}
    return HTMLResponse(_templates().get_template("playground.html").render(known))


async def style(request: Request) -> Response:
    """Return the stylesheet, which the report has too."""
    return Response(_templates().get_template("playground.css").render(), media_type="text/css")


@functools.cache
def _templates() -> Environment:
    return environment(ChoiceLoader([PackageLoader("makemore.play"), PackageLoader("makemore.reports")]))
