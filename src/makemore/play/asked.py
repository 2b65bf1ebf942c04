"""Reading what the page asks, and answering it."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from makemore.errors import MakemoreError
from makemore.files.typed import checked
from makemore.play.wording import sentence_of

T = TypeVar("T", str, int, float, bool)
Made = TypeVar("Made")


class Asked:
    """The values of a request, each of its type. Raises MakemoreError if one is missing or of another type."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            raise MakemoreError("the request is not a JSON object")
        self.values: dict[str, Any] = values

    @classmethod
    async def of(cls, request: Request) -> Asked:
        """Return what a request holds: the JSON of its body."""
        try:
            return cls(json.loads(await request.body()))
        except (ValueError, RecursionError):
            raise MakemoreError("the request is not JSON") from None

    def get(self, name: str, kind: type[T], default: T | None = None) -> T:
        """Return a value; a whole number is also a float."""
        if (value := self.values.get(name, default)) is None:
            raise MakemoreError(f"{name} is missing", option=name)
        return checked(name, value, kind)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; empty if it is missing."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise MakemoreError(f"{name} is not a list of texts", option=name)
        return value

    def values_of(self, name: str) -> list[object]:
        """Return a list of whatever it holds; empty if it is missing."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise MakemoreError(f"{name} is not a list", option=name)
        return value

    def table(self, name: str) -> dict[str, Any]:
        """Return an object of JSON; an empty one if it is missing."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise MakemoreError(f"{name} is not a JSON object", option=name)
        return value

    def some(self, *names: str) -> dict[str, Any]:
        """Return the values of these names that are not null, unchecked."""
        return {name: self.values[name] for name in names if self.values.get(name) is not None}


def answer(value: object, status: int = 200) -> JSONResponse:
    """Return an answer in JSON."""
    return JSONResponse(value, status)


async def unless_given_up(request: Request, work: Awaitable[Made]) -> Made:
    """Return what `work` returns; cancel it if the page gives up this request, whose body has been read."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise MakemoreError("given up")  # nobody receives it
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


def problem(error: MakemoreError, sampling: bool = False) -> dict[str, object]:
    """Return the sentence of an error, in the page's words, and the arguments that it is about, as JSON."""
    return {"error": sentence_of(error, sampling), "options": list(error.options)}


def sentence(request: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence of a MakemoreError."""
    assert isinstance(error, MakemoreError)
    return answer(problem(error, sampling=request.url.path.endswith("/api/sample")), 400)


def unknown(request: Request, error: Exception) -> JSONResponse:
    """Answer that nothing is at an address, or that it takes another method."""
    assert isinstance(error, HTTPException)
    why = "this address takes another method" if error.status_code == 405 else "nothing is at this address"
    return answer({"error": why, "options": []}, error.status_code)


def surprise(request: Request, error: Exception) -> JSONResponse:
    """Answer that makemore has a bug, and print the traceback."""
    traceback.print_exception(error)
    return answer(
        {"error": f"Something in makemore broke ({type(error).__name__}); the terminal says where."}, 500
    )
