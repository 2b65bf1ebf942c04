"""The loss of a run over the steps, as a picture."""

from __future__ import annotations

from typing import Any

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
