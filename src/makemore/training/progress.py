"""The progress of training from Python: one line in a terminal, a bar in a notebook, nothing elsewhere."""

from __future__ import annotations

import contextlib
import html
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from makemore.errors import duration, visible
from makemore.training.events import Done, Ended, Evaluation, Event, Started, Step

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

EVERY = 0.2
"""Seconds between updates, at least."""

WIDTH = 20
"""Characters of the bar."""

Write = Callable[[str, float | None], None]
"""Shows a text, and the share of training that is done (None if it has no end), over the last text."""


@contextlib.contextmanager
def shown(wanted: bool) -> Iterator[Callable[[Event], None]]:
    """Yield a listener that shows the events of training, if that is wanted and a person is watching."""
    if wanted and in_notebook():
        yield _Listener(_Notebook())
    elif wanted and sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        try:
            yield _Listener(_terminal)
        finally:
            print(file=sys.stderr)  # what follows begins a new line, even after an error
    else:
        yield lambda event: None


class _Listener:
    """Turns events into a line of text."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._losses = self._of = ""
        self._began = self._written = time.monotonic()
        self._first: tuple[float, float] | None = None
        """When the first step ended, and the share done by then."""

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Started):
            self._write(f"{event.run.type}, {event.parameters:,} parameters, on {event.device}", 0.0)
            self._began = now
            if (most := event.run.settings.max_steps) > 0:
                self._of = f" of {most:,}"
        elif isinstance(event, Evaluation):
            self._losses = f", losses {event.train:.3f} train, {event.validation:.3f} validation"
        elif isinstance(event, Step):
            self._first = self._first or (now, event.done or 0.0)
            if now - self._written < EVERY:
                return
            self._written = now
            text = f"step {event.step:,}{self._of}, loss {event.loss:.3f}{self._losses}"
            self._write(text + self._left(event.done, now), event.done)
        elif isinstance(event, Ended):
            self._write(f"{event.step:,} steps{self._losses}; scoring every line", 1.0)
        elif isinstance(event, Done):
            losses = self._losses
            if event.summary is not None:
                nll = event.summary.nll
                losses = f", losses {', '.join(f'{value:.3f} {split}' for split, value in nll.items())}"
            self._write(f"{event.step:,} steps{losses}, {duration(now - self._began)}; {event.reason}", 1.0)

    def _left(self, done: float | None, now: float) -> str:
        """Return how much longer training will take, at the speed of this session."""
        since, share = self._first or (now, 0.0)
        if done is None or done <= share:
            return ""
        return f", {duration((1 - done) * (now - since) / (done - share))} left"


def _terminal(text: str, share: float | None) -> None:
    """Write over the last line of standard error."""
    full = round(WIDTH * (share or 0.0))
    bar = "" if share is None else f"[{'=' * full:{WIDTH}}] {share:4.0%} "
    line = f"{bar}{text}"[: shutil.get_terminal_size().columns - 1]
    print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)


class _Notebook:
    """Writes over its own output in a notebook."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def __call__(self, text: str, share: float | None) -> None:
        from IPython.display import HTML, display

        bar = "" if share is None else f"<progress max='1' value='{share:.4f}'></progress> "
        page = HTML(f"{bar}<small>{html.escape(visible(text))}</small>")
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell"
