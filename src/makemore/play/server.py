"""Running the playground until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from makemore.errors import MakemoreError
from makemore.files.paths import unwritable
from makemore.play.app import application
from makemore.play.workshop import Workshop

ADDRESS = "127.0.0.1"


def serve(workshop: Workshop, port: int, open_browser: bool, say: Callable[[str], None]) -> None:
    """Serve the playground until Ctrl-C, then save the training in progress.

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
    say("Ctrl-C ends it, and saves the training in progress")
    way = workshop.way
    try:
        _write_redirect(way, address)
        if open_browser:
            threading.Thread(target=_open, args=(server, way), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has shut down
            server.run(sockets=[listening])
    finally:
        way.unlink(missing_ok=True)
    for each in workshop.ended:
        say(each)


def _write_redirect(path: Path, address: str) -> None:
    """Write a page that only this user can read, and that leads to an address."""
    try:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(
                f'<!doctype html><title>makemore</title><meta http-equiv="refresh" content="0; url={address}">'
            )
    except OSError as error:
        raise unwritable(path, error) from None


def _open(server: uvicorn.Server, way: Path) -> None:
    """Open the browser once the server answers; some browsers return only when they are closed.

    Other users can read the command line of a browser, so the address, which holds the token, is in a file.
    """
    while not server.started and not server.should_exit:
        time.sleep(0.02)
    webbrowser.open(way.as_uri())
