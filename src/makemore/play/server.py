"""Running the playground until Ctrl-C."""

from __future__ import annotations

import contextlib
import secrets
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from makemore.errors import MakemoreError
from makemore.play.app import application
from makemore.play.workshop import Workshop

ADDRESS = "127.0.0.1"


def serve(workshop: Workshop, port: int, open_browser: bool, say: Callable[[str], None]) -> None:
    """Serve a workshop until Ctrl-C, then save what trains.

    Args:
        workshop: What the page shows.
        port: The port, or 0 for a free one.
        open_browser: Whether to open the page.
        say: Prints a line.

    Raises:
        MakemoreError: The port is taken.

    """
    # named TCP, so that asyncio sends each answer at once; otherwise half of it waits 40 ms for a confirmation
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
    except OSError as error:
        raise MakemoreError(
            f"port {port} cannot be used ({error.strerror}); choose another one, or leave it out for a free one",
            option="port",
        ) from None
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(16)
    address = f"http://{ADDRESS}:{port}/{token}/"
    app = application(workshop, token, port)
    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    listening.listen()  # a browser that is quicker than the server waits
    say(f"the playground is at {address}")
    say("Ctrl-C ends it, and saves what trains")
    if open_browser:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has shut down
        server.run(sockets=[listening])
