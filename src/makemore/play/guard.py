"""Only the page that this server opened is answered.

Other pages in the same browser, and other programs on the machine, can reach a local server too. So every
address begins with a random token; Host must be the server's, so that no foreign name can be pointed here
(DNS rebinding); Origin, where a browser sends one, must be the server's own page; and no body is too large.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 << 20
"""Bytes of a request's body, at most."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address holds the token
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class TooLargeError(Exception):
    """A body, or what it unpacks to, is larger than LARGEST, as is seen while it is read."""


def too_large(request: Request, error: Exception) -> PlainTextResponse:
    """Answer that a body is too large."""
    return PlainTextResponse(_TOO_LARGE, 413)


class Guard:
    """Passes on what the own page asks, and refuses everything else.

    Args:
        app: What answers.
        token: The first part of every path.
        port: The port of the server.

    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websockets here
        if refused := self._refusal(scope):
            status, why = refused
            await PlainTextResponse(why, status, HEADERS)(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, _measured(receive), sending)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason if a request is refused."""
        headers = Headers(scope=scope)
        if headers.get("host") not in self.hosts:
            return 403, "The Host of this request is not this server's."
        if headers.get("origin") not in {None, *self.origins}:
            return 403, "Only the page of this server may ask it."
        first = scope["path"].removeprefix("/").partition("/")[0]  # `OPTIONS *` has no slash
        if not secrets.compare_digest(first.encode(), self.token.encode()):
            return 403, "The address lacks its token; open the one that makemore play printed."
        if (size := headers.get("content-length", "0")).isdigit() and int(size) > LARGEST:
            return 413, _TOO_LARGE
        return None


_TOO_LARGE = f"This is larger than {LARGEST >> 20} MB; train on it with the command makemore train."


def _measured(receive: Receive) -> Receive:
    """Return a `receive` that counts the bytes of the body, whatever its header said."""
    size = 0

    async def receiving() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST:
            raise TooLargeError
        return message

    return receiving
