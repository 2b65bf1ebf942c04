"""Stub."""

from __future__ import annotations

from starlette.routing import Route

from makemore.play.workshop import Workshop


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""
    return []
