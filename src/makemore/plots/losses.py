"""What a run looks like: its loss over the steps, as a picture and as TensorBoard events."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from makemore.errors import MakemoreError
from makemore.files.atomic import unwritable
from makemore.plots.style import BLUE, GREY, ORANGE, styled
from makemore.runs.run import Run


def draw_losses(run: Run, summary: dict[str, Any]) -> None:
    """Draw training and validation loss over the steps, beside the bigram's, to loss.png."""
    metrics = run.metrics()
    if len(metrics) < 2:  # a model that counts has one evaluation, which makes no curve
        return
    # the object-oriented interface: no window system, no global state
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8, 5))
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        step = [line["step"] for line in metrics]
        axes.plot(step, [line["train"] for line in metrics], color=BLUE, label="train (a sample)")
        axes.plot(step, [line["validation"] for line in metrics], color=ORANGE, label="validation")
        bigram = summary["baselines"]["bigram"]["validation"]
        axes.axhline(bigram, color=GREY, linestyle=":", label=f"bigram, validation: {bigram:.3f}")
        best, loss = min(((line["step"], line["validation"]) for line in metrics), key=lambda pair: pair[1])
        axes.plot([best], [loss], "o", color=ORANGE)
        axes.annotate(f"{loss:.3f}", (best, loss), textcoords="offset points", xytext=(0, 8), ha="center")
        # show all of the end, where overfitting shows; the untrained start would squeeze it to the bottom
        low = min(min(line["train"], line["validation"]) for line in metrics)
        end = max(line["validation"] for line in metrics if line["step"] >= best)
        axes.set_ylim(low - 0.15, max(bigram, end) + 0.2)
        axes.set(
            xlabel="step",
            ylabel="loss (nats per token)",
            title=f"{run.type}, {summary['parameters']:,} parameters",
        )
        axes.legend()
        run.write_picture("loss.png", figure)


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
        files = run.files.make_directory("tensorboard")
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
