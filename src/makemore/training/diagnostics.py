"""What goes on inside a model while it trains: activations, gradients and updates, layer by layer.

At some steps of a training, one line of diagnostics.jsonl is made:

    {"step", "loss", "learning_rate", "gradient_norm",
     "activations": {layer: {"mean", "std", "saturated", "dead"}},
     "parameters": {name: {"dims", "gradient_std", "weight_std", "update_ratio"}}}

Nothing of a model is written for it: what modules return is seen by forward hooks, what functions such as
`torch.tanh` return by a mode of torch that sees every call. Nothing is drawn and nothing changed, so that
the weights are bit for bit those of a training that was not watched.

After Karpathy, "Building makemore, part 3: activations and gradients, BatchNorm" (2022).
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from makemore.files.atomic import read_json_lines, to_json
from makemore.files.records import is_diagnostic
from makemore.metrics.advice import RED, Warned
from makemore.models.loss import IGNORE
from makemore.plots.style import GREY, look, styled
from makemore.runs.directory import owned
from makemore.runs.run import Run

FILE, PICTURE = "diagnostics.jsonl", "diagnostics.png"

BOUNDED = {"tanh": -1.0, "sigmoid": 0.0}
"""Non-linearities between this and 1: flat where the output is near either end."""

ONE_SIDED = {"relu": 0.0, "gelu": -3.0, "silu": -6.0}
"""Non-linearities that are flat, or nearly, where the input is no more than this."""

REPEATS = 16
"""Calls of one function within one module that are told apart: a loop over characters makes very many."""

SATURATED, DEAD = 0.8, 0.2
VANISHING, EXPLODING = 1e-4, 100.0
TOO_LARGE, TOO_LARGE_SETTLED, TOO_SMALL = 10**-1.0, 10**-1.7, 1e-5
"""Limits of `warnings`. The usual step is large while weights are young: after 200 steps it should be less."""

LOST = 1000.0
"""A loss, in nats per token, beyond all measure: the weights are lost."""

LEGEND = 12
"""Kinds of layers that a picture shows."""


def due(step: int, max_steps: int) -> bool:
    """Say whether a step, the first being 1, is to be watched.

    Of a training of known length the first ten and about a hundred others; else, since nobody knows how
    long it will be, 16 in every doubling. By the number of the step alone, so that going on after a stop
    watches the same ones.
    """
    if max_steps > 0:
        return step <= 10 or step % max(1, max_steps // 100) == 0
    return step % (1 << max(0, step.bit_length() - 5)) == 0


class Diagnostics:
    """Watches the training of one model and keeps what it sees in a run's directory."""

    def __init__(self, directory: Path, model: nn.Module, max_steps: int) -> None:
        """max_steps: of the training, -1 if it has no such end."""
        self._files = owned(directory)
        self._model, self._max_steps = model, max_steps
        self._row: dict[str, Any] | None = None

    @contextlib.contextmanager
    def watching(self, step: int, targets: Tensor, forward: Any) -> Iterator[Any]:
        """Give what is to be called instead of `forward` in one step of training.

        step: counted from 1. targets: (B, T), IGNORE at padding, which is left out of the activations.
        forward: the model, or the model compiled, whose activations cannot be seen.
        """
        if not due(step, self._max_steps):
            yield forward
            return
        parameters = {name: p for name, p in self._model.named_parameters() if p.requires_grad}
        before = {name: p.detach().clone() for name, p in parameters.items()}
        gradients: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[Tensor], None]:
            def hook(parameter: Tensor) -> None:  # now, since later the gradient is clipped
                assert parameter.grad is not None
                gradients[name] = torch.stack([parameter.grad.std(correction=0), parameter.grad.norm()])

            return hook

        hooks = [p.register_post_accumulate_grad_hook(keep(name)) for name, p in parameters.items()]
        seeing = _Seeing(self._model, targets != IGNORE)
        try:
            yield seeing if forward is self._model else forward
        finally:
            for hook in hooks:
                hook.remove()
        found: dict[str, dict[str, float | None]] = {}
        squares = 0.0
        for name, parameter in parameters.items():
            update = (parameter.detach() - before[name]).std(correction=0)
            gradient, norm = gradients[name].tolist() if name in gradients else (0.0, 0.0)
            weight = float(before[name].std(correction=0))
            squares += norm**2
            found[name] = {
                "dims": parameter.ndim,
                "gradient_std": gradient,
                "weight_std": weight,
                "update_ratio": float(update) / weight if weight else None,
            }
        self._row = {
            "gradient_norm": math.sqrt(squares),
            "activations": seeing.found(),
            "parameters": found,
        }

    def write(self, step: int, loss: float, rate: float) -> None:
        """Append what was seen of a step, if anything; and in any case a loss from which the loop refuses to go on."""
        if self._row is None and loss < LOST:
            return
        row = {"step": step, "loss": loss, "learning_rate": rate}
        row |= self._row or {"gradient_norm": None, "activations": {}, "parameters": {}}
        self._row = None
        self._files.append(FILE, to_json(row) + "\n")


class _Seeing(TorchFunctionMode):
    """Calls a model once and notes what its layers and non-linearities return."""

    def __init__(self, model: nn.Module, real: Tensor) -> None:
        """real: (B, T) bool, false at padding."""
        super().__init__()
        self._model, self._shape = model, real.shape
        self._at = real.flatten().nonzero()[:, 0]  # (R,) where the real positions are among the B T
        self._inside: list[str] = []  # the modules being called, the innermost last
        self._seen: list[tuple[str, dict[str, Tensor]]] = []

    def __call__(self, inputs: Tensor) -> Any:
        with contextlib.ExitStack() as stack:
            for name, module in self._model.named_modules():
                stack.callback(module.register_forward_pre_hook(self._enter(name)).remove)
                stack.callback(module.register_forward_hook(self._leave).remove)
            with self:
                return self._model(inputs)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        kind = getattr(func, "__name__", "").rstrip("_")
        if self._inside and (kind in BOUNDED or kind in ONE_SIDED):
            given = args[0] if args else kwargs["input"]
            self._note(_joined(self._inside[-1], kind), kind, result, given)
        return result

    def _enter(self, name: str) -> Callable[..., None]:
        return lambda module, args: self._inside.append(name)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        name = self._inside.pop()
        silent = (
            nn.Dropout,
            nn.Identity,
            nn.Tanh,
            nn.Sigmoid,
            nn.ReLU,
            nn.GELU,
            nn.SiLU,
        )  # noted as functions
        if next(module.children(), None) is not None or isinstance(module, silent):
            return
        while isinstance(output, tuple) and output:
            output = output[0]
        kind = module.nonlinearity if isinstance(module, nn.RNN) else ""  # one fused function
        if isinstance(output, Tensor) and output.is_floating_point():
            self._note(_joined(name, kind) or "output", kind, output, output)

    @torch.no_grad()
    def _note(self, name: str, kind: str, output: Tensor, given: Tensor) -> None:
        """Note the output of a layer. given: what a non-linearity made it from."""
        y, x = self._real(output), self._real(given)
        numbers = {"mean": y.mean(), "std": y.std(correction=0)}
        if kind in BOUNDED:
            middle = (1 + BOUNDED[kind]) / 2  # 0 or 0.5
            way = (y - middle).abs() / (1 - middle)  # 0 in the middle, 1 at the ends
            numbers |= {"saturated": (way > 0.97).float().mean()}
            numbers |= {"dead": (way > 0.99).all(0).float().mean()}
        elif kind:
            flat = x <= ONE_SIDED[kind]
            numbers |= {"saturated": flat.float().mean(), "dead": flat.all(0).float().mean()}
        self._seen.append((name, numbers))

    def _real(self, x: Tensor) -> Tensor:
        """One row for each real position: (R, units), as far as the shape tells them from padding."""
        x = x.detach().float()
        if x.shape[:2] == self._shape:
            x = x.flatten(0, 1)
        if len(x) == self._shape.numel():
            x = x[self._at]
        return x.flatten(1) if x.ndim > 1 else x[:, None]

    def found(self) -> dict[str, dict[str, float]]:
        """What was noted, by the names of the layers: numbered where one has several calls."""
        times = Counter(name for name, _ in self._seen)
        numbers: Counter[str] = Counter()
        found = {}
        for name, values in self._seen:
            number, numbers[name] = numbers[name], numbers[name] + 1
            if number < REPEATS:
                full = name if times[name] == 1 else f"{name}.{number}"
                found[full] = {key: float(value) for key, value in values.items()}
        return found


def _joined(*names: str) -> str:
    return ".".join(filter(None, names))


def read(directory: Path) -> list[dict[str, Any]]:
    """Return the rows of a run directory, without lines that are damaged or were cut off; [] if there are none."""
    return [row for row in read_json_lines(directory / FILE) if is_diagnostic(row)]


def rewind(directory: Path, step: int) -> None:
    """Forget the rows after a step, if there are any: training goes on from there and may make them again."""
    if (directory / FILE).exists():
        kept = [to_json(row) + "\n" for row in read(directory) if row["step"] <= step]
        with owned(directory).writing(FILE) as path:
            path.write_text("".join(kept), "utf-8")


def warnings(rows: list[dict[str, Any]]) -> list[Warned]:
    """Say what is wrong inside the model, by its rows. How the limits were found: tests/test_diagnostics.py."""
    found = []

    def say(code: str, message: str, advice: str, red: bool = False) -> None:
        found.append(Warned(code, message, advice, *([RED] if red else [])))

    norms = np.array([row["gradient_norm"] or 0.0 for row in rows])
    lost = any(None in (row["gradient_norm"], row["loss"]) or row["loss"] >= LOST for row in rows)
    if lost or (len(rows) >= 20 and norms.max() > EXPLODING * np.median(norms) > 0):
        what = (
            "the loss is beyond all measure"
            if lost
            else f"their norm rose to {norms.max():.2g}, usual is {np.median(norms):.2g}"
        )
        say("exploding", f"exploding gradients: {what}", "lower --learning-rate", True)
    rows = [row for row in rows if row["parameters"]]
    if len(rows) < 20:  # too few to judge by
        return found

    half = rows[len(rows) // 2 :]
    layers = [name for name, numbers in half[0]["activations"].items() if "dead" in numbers]
    gated = {name.rpartition("sigmoid")[0] for name in layers if "sigmoid" in name}
    # gates may well be shut, and what they gate may well be at its ends
    layers = [name for name in layers if name.rpartition(_kind(name))[0] not in gated]
    saturated = {n: _mean(half, n, "saturated") for n in layers if _kind(n) == "tanh"}
    if (worst := max(saturated.values(), default=0)) > SATURATED:
        say(
            "saturated",
            f"saturated: {worst:.0%} of what {_largest(saturated)} puts out is near -1 or 1, where hardly any gradient passes",
            "lower --learning-rate, or draw smaller weights at the start",
        )
    dead = {n: _mean(half, n, "dead") for n in layers}
    if (worst := max(dead.values(), default=0)) > DEAD:
        say(
            "dead_units",
            f"dead units: {worst:.0%} of those of {_largest(dead)} gave no gradient at any place of a batch",
            "lower --learning-rate, or draw smaller weights at the start",
        )

    matrices = [name for name, numbers in rows[0]["parameters"].items() if numbers["dims"] > 1]
    if len(matrices) < 2:  # a single table starts small and must grow
        return found
    first, last = (_series(rows, "parameters", name, "gradient_std") for name in (matrices[0], matrices[-1]))
    if (got := np.median(first)) < max(VANISHING * np.median(last), 1e-8):
        say(
            "vanishing",
            f"vanishing gradients: those of {matrices[0]} are about {got:.1g}, those of {matrices[-1]} {np.median(last):.1g}",
            "use fewer layers or larger weights at the start, or normalise between the layers",
        )
    # the output layer starts near zero, so that its first updates are large beside it
    ratios = np.array([_series(rows, "parameters", name, "update_ratio") for name in matrices[:-1]])
    usual = np.nanmedian(np.where(np.isfinite(ratios), ratios, 0), 0)  # (rows,)
    rates = np.array([row["learning_rate"] for row in rows])
    settled = usual[(np.array([row["step"] for row in rows]) > 200) & (rates >= rates.max() / 2)]
    if np.quantile(usual, 0.9) > TOO_LARGE or (len(settled) >= 10 and np.median(settled) > TOO_LARGE_SETTLED):
        large = max(np.quantile(usual, 0.9), np.median(settled) if len(settled) else 0)
        say(
            "step_too_large",
            f"steps too large: often a step changes weights by {large:.1%} of their size; 0.1% to 1% is usual",
            "lower --learning-rate",
        )
    if np.nanmax(np.median(ratios[:, : len(rows) // 2], 1)) < TOO_SMALL:
        say(
            "step_too_small",
            f"steps too small: none changes weights by more than {TOO_SMALL:g} of their size",
            "raise --learning-rate",
        )
    return found


def _kind(name: str) -> str:
    """The non-linearity that a layer's name ends in, numbered or not."""
    return re.sub(r"\.\d+$", "", name).rpartition(".")[2]


def _series(rows: list[dict[str, Any]], group: str, name: str, key: str) -> Any:
    """(rows,) one number over the steps, NaN where there is none."""
    values = [row[group].get(name, {}).get(key) for row in rows]
    return np.array([math.nan if value is None else value for value in values])


def _mean(rows: list[dict[str, Any]], name: str, key: str) -> float:
    values = _series(rows, "activations", name, key)
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else 0.0


def _largest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda name: shares[name])


def figure(rows: list[dict[str, Any]]) -> Any:
    """Return a matplotlib Figure of the rows over the steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in rows if row["parameters"]]
    picture = Figure(figsize=(13, 8))
    FigureCanvasAgg(picture)
    panels = (
        ("activations", "std", "activations: standard deviation", False),
        ("activations", "saturated", "non-linearities: share of outputs where they are flat", False),
        ("parameters", "gradient_std", "gradients: standard deviation", True),
        ("parameters", "update_ratio", "updates: log10 of their size over the weights'", False),
    )
    steps = [row["step"] for row in rows]
    for axes, (group, key, title, log) in zip(picture.subplots(2, 2).flat, panels, strict=True):
        names = list(dict.fromkeys(name for row in rows for name in row[group]))
        if group == "parameters":
            names = [name for name in names if rows[0][group][name]["dims"] > 1]
        alike: dict[str, list[str]] = {}  # blocks.0.fc, blocks.1.fc, ... have one colour, the last darkest
        for name in names:
            if np.isfinite(series := _series(rows, group, name, key)).any():
                alike.setdefault(re.sub(r"\b\d+\b", "*", name), []).append(name)
        for i, (shared, members) in enumerate(list(alike.items())[:LEGEND]):
            for j, name in enumerate(members):
                series = _series(rows, group, name, key)
                if key == "update_ratio":
                    series = np.log10(np.where(series > 0, series, math.nan))
                last = j == len(members) - 1
                label = members[0] if len(members) == 1 else f"{shared} ({len(members)})"
                axes.plot(
                    steps,
                    series,
                    color=look(i)[0],
                    linestyle=look(i)[1],
                    alpha=0.3 + 0.7 * (j + 1) / len(members),
                    linewidth=1,
                    label=label if last else None,
                )
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda x, _: f"{x:g}")  # not as a formula
            axes.yaxis.set_minor_formatter(lambda x, _: "")
        if key == "saturated":
            axes.set_ylim(-0.02, 1.02)
        if key == "update_ratio":
            axes.axhline(-3, color=GREY, linestyle=":", label="-3, a good size")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        if alike:
            more = f"{len(alike) - LEGEND} more not drawn" if len(alike) > LEGEND else None
            axes.legend(fontsize=7, title=more, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        else:
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center")
    return picture


def finish(run: Run) -> list[Warned]:
    """Draw what was seen of a run to diagnostics.png and return what is wrong with it."""
    rows = read(run.directory)
    if any(row["parameters"] for row in rows):
        with styled():
            run.write_picture(PICTURE, figure(rows))
    return warnings(rows)
