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
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from makemore.files.atomic import to_json
from makemore.metrics.advice import Warned
from makemore.metrics.layers import FILE, LOST, PICTURE, read, warnings
from makemore.models.loss import IGNORE
from makemore.runs.ownership import owned
from makemore.runs.run import Run

BOUNDED = {"tanh": -1.0, "sigmoid": 0.0}
"""Non-linearities between this and 1: flat where the output is near either end."""

ONE_SIDED = {"relu": 0.0, "gelu": -3.0, "silu": -6.0}
"""Non-linearities that are flat, or nearly, where the input is no more than this."""

REPEATS = 16
"""Calls of one function within one module that are told apart: a loop over characters makes very many."""


def due(step: int, max_steps: int) -> bool:
    """Say whether a step, the first being 1, is to be watched.

    Of a training of known length the first ten and about a hundred others; else, since nobody knows how
    long it will be, 16 in every doubling. By the number of the step alone, so that going on after a stop
    watches the same ones.
    """
    if max_steps > 0:
        return step <= 10 or step % max(1, max_steps // 100) == 0
    return step % (1 << max(0, step.bit_length() - 5)) == 0


class Watch:
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


def rewind(directory: Path, step: int) -> None:
    """Forget the rows after a step, if there are any: training goes on from there and may make them again."""
    if (directory / FILE).exists():
        kept = [to_json(row) + "\n" for row in read(directory) if row["step"] <= step]
        with owned(directory).writing(FILE) as path:
            path.write_text("".join(kept), "utf-8")


def finish(run: Run) -> list[Warned]:
    """Plot what was seen of a run to diagnostics.png and return what is wrong with it."""
    rows = read(run.directory)
    if any(row["parameters"] for row in rows):
        # here, since matplotlib takes a second to import
        from makemore.plots.inside import diagnostics
        from makemore.plots.style import styled

        with styled():
            run.disk.write_picture(PICTURE, diagnostics(rows))
    return warnings(rows)
