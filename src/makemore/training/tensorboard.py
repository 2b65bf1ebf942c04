"""A listener that writes the events of training for TensorBoard."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Protocol

from makemore.errors import MakemoreError
from makemore.files.paths import unwritable
from makemore.runs.run import Run
from makemore.training.events import Evaluation, Event, Samples, Started, Step


class _Writer(Protocol):
    """The methods used of torch's writer, which has no types."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...
    def add_text(self, tag: str, text_string: str, global_step: int) -> None: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def board(run: Run, wanted: bool) -> Iterator[Callable[[Event], None]]:
    """Yield a listener that writes to the run's directory if that is wanted, or one that does nothing."""
    if not wanted:
        yield lambda event: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError:
        raise MakemoreError(
            "tensorboard is not installed; install it with `pip install 'makemore[tensorboard]'`",
            option="tensorboard",
        ) from None
    writer: _Writer | None = None

    def write(event: Event) -> None:
        nonlocal writer
        if isinstance(event, Started):
            writer = _writer(run, event.step)
        elif writer is None:
            return
        elif isinstance(event, Step):
            writer.add_scalar("loss/batch", event.loss, event.step)
            writer.add_scalar("learning_rate", event.learning_rate, event.step)
        elif isinstance(event, Evaluation):
            writer.add_scalar("loss/train", event.train, event.step)
            writer.add_scalar("loss/validation", event.validation, event.step)
        elif isinstance(event, Samples):
            writer.add_text("samples", "\n\n".join(sample.text for sample in event.samples), event.step)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _writer(run: Run, step: int) -> _Writer:
    """Return torch's writer of events after a step, with its file in the run's manifest."""
    from torch.utils.tensorboard import SummaryWriter

    files = run.disk.files.make_directory("tensorboard")
    files.claim()
    before = set(os.listdir(files.directory))
    try:
        writer: _Writer = SummaryWriter(str(files.directory), purge_step=step + 1)
    except OSError as error:
        raise unwritable(files.directory, error) from None
    for name in set(os.listdir(files.directory)) - before:
        if f".{os.getpid()}." in name:
            files.note(name)
    return writer
