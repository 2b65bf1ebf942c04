"""Reading what the page asks, and answering it."""

from __future__ import annotations

import json
import traceback
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from makemore.errors import MakemoreError

T = TypeVar("T", str, int, float, bool)


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
        except ValueError:
            raise MakemoreError("the request is not JSON") from None

    def get(self, name: str, kind: type[T], default: T | None = None) -> T:
        """Return a value; a whole number is also a float."""
        value = self.values.get(name, default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise MakemoreError(f"{name} is missing or not of type {kind.__name__}", option=name)
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; empty if it is missing."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise MakemoreError(f"{name} is not a list of texts", option=name)
        return value

    def some(self, *names: str) -> dict[str, Any]:
        """Return those values that are given and not null; whoever uses them checks them."""
        return {name: self.values[name] for name in names if self.values.get(name) is not None}


def answer(value: object, status: int = 200) -> JSONResponse:
    """Return an answer in JSON."""
    return JSONResponse(value, status)


def sentence(request: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence of a MakemoreError."""
    assert isinstance(error, MakemoreError)
    message = error.spelled(lambda name: name.replace("_", " "))
    return answer({"error": message, "options": list(error.options)}, 400)


def surprise(request: Request, error: Exception) -> JSONResponse:
    """Answer that something is wrong with makemore itself, and print where."""
    traceback.print_exception(error)
    return answer(
        {"error": f"Something in makemore broke ({type(error).__name__}); the terminal says where."}, 500
    )
