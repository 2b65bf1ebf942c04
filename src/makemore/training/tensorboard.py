"""The events of training, written for TensorBoard."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from makemore.errors import MakemoreError
from makemore.files.atomic import unwritable
from makemore.runs.run import Run


@contextlib.contextmanager
def board(run: Run, wanted: bool) -> Iterator[Callable[[Any], None]]:
    """Give a function that writes events of training as TensorBoard events, or one that does nothing."""
    if not wanted:
        yield lambda event: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MakemoreError(
            "--tensorboard: is not installed; add it with `pip install 'makemore[tensorboard]'`"
        ) from None
    writer: Any = None

    def started(step: int) -> Any:
        """Return a writer whose file is noted as makemore's; events after a checkpoint are made again."""
        files = run.disk.files.make_directory("tensorboard")
        files.claim()
        before = set(os.listdir(files.directory))
        try:
            made = SummaryWriter(str(files.directory), purge_step=step + 1)
        except OSError as error:
            raise unwritable(files.directory, error) from None
        for name in set(os.listdir(files.directory)) - before:
            if f".{os.getpid()}." in name:
                files.note(name)
        return made

    def write(event: Any) -> None:
        nonlocal writer
        match type(event).__name__:
            case "Started":
                writer = started(event.step)
            case "Step":
                writer.add_scalar("loss/batch", event.loss, event.step)
                writer.add_scalar("learning_rate", event.learning_rate, event.step)
            case "Evaluation":
                writer.add_scalar("loss/train", event.train, event.step)
                writer.add_scalar("loss/validation", event.validation, event.step)
            case "Samples":
                writer.add_text("samples", "\n\n".join(s.text for s in event.samples), event.step)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
