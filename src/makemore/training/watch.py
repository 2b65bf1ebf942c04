"""Records what goes on inside a model while it trains: activations, gradients and updates, layer by layer.

Some steps of training add one line each to diagnostics.jsonl:

    {"step", "loss", "learning_rate", "gradient_norm",
     "activations": {layer: {"mean", "std", "saturated", "dead"}},
     "parameters": {name: {"dims", "gradient_std", "weight_std", "update_ratio"}}}

A model needs no code for it: forward hooks see what its modules return, and a torch function mode sees what
functions such as `torch.tanh` return. Watching uses no randomness and changes nothing, so the weights are bit
for bit those of training without it. `metrics.layers` reads the lines back and judges them.

After Karpathy, "Building makemore, part 3: activations and gradients, BatchNorm" (2022).
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from makemore.distributed.group import Forward
from makemore.metrics.advice import Warned
from makemore.metrics.layers import DIVERGED, PICTURE, Numbers, Row, read, warnings
from makemore.models.loss import IGNORE
from makemore.runs.directory import RunDirectory
from makemore.runs.run import Run
from makemore.training.events import Event, Step

BOUNDED = {"tanh": -1.0, "sigmoid": 0.0}
"""Non-linearities whose output lies between this and 1: flat where it is near either end."""

ONE_SIDED = {"relu": 0.0, "gelu": -3.0, "silu": -6.0}
"""Non-linearities that are flat, or nearly so, where the input is at most this."""

_MODULES = (nn.Dropout, nn.Identity, nn.Tanh, nn.Sigmoid, nn.ReLU, nn.GELU, nn.SiLU)
"""Modules that call a non-linearity, which is recorded as a function, or that have nothing to record."""

REPEATS = 16
"""How many calls of one function in one module are recorded: a loop over characters makes very many."""


def due(step: int, max_steps: int) -> bool:
    """Return whether to record a step, counted from 1, of a training of `max_steps`; -1 is unknown.

    If the number of steps is known, the first ten and about a hundred others are recorded; if not, 16 in
    every doubling. This depends on the step alone, so a resumed run records the same steps.
    """
    if max_steps > 0:
        return step <= 10 or step % max(1, max_steps // 100) == 0
    return step % (1 << max(0, step.bit_length() - 5)) == 0


class _Seen(NamedTuple):
    """What a `Row` says of the inside of the model."""

    gradient_norm: float | None
    activations: Numbers
    parameters: Numbers


class Watch:
    """Records some steps of training in the run's directory. It listens to the events of training."""

    def __init__(self, disk: RunDirectory, max_steps: int) -> None:
        """Prepare to record in a run's directory; max_steps: of the whole training, -1 if unknown."""
        self._disk, self._max_steps = disk, max_steps
        self._seen: _Seen | None = None  # in the last step

    @contextlib.contextmanager
    def step(self, number: int, model: nn.Module, forward: Forward, targets: Tensor) -> Iterator[Forward]:
        """Yield what to call instead of `forward` in step `number` of training, counted from 1.

        The activations of a compiled model cannot be seen. Those at padding, where targets (B, T) are IGNORE,
        are left out.
        """
        if not due(number, self._max_steps):
            yield forward
            return
        parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        before = {name: p.detach().clone() for name, p in parameters.items()}
        gradients: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[Tensor], None]:
            def hook(parameter: Tensor) -> None:  # now, since later the gradient is clipped
                assert parameter.grad is not None
                gradients[name] = torch.stack([parameter.grad.std(correction=0), parameter.grad.norm()])

            return hook

        hooks = [p.register_post_accumulate_grad_hook(keep(name)) for name, p in parameters.items()]
        seeing = _Seeing(model, targets != IGNORE)
        try:
            yield seeing if forward is model else forward
        finally:
            for hook in hooks:
                hook.remove()
        norm, changes = _changes(parameters, before, gradients)
        self._seen = _Seen(norm, seeing.found(), changes)

    def __call__(self, event: Event) -> None:
        """Write what was recorded of a step; always write a loss so large that training stops."""
        if not isinstance(event, Step) or (self._seen is None and event.loss < DIVERGED):
            return
        seen, self._seen = self._seen or _Seen(None, {}, {}), None
        self._disk.add_diagnostics(Row(event.step, event.loss, event.learning_rate, *seen))


def _changes(
    parameters: dict[str, nn.Parameter], before: dict[str, Tensor], gradients: dict[str, Tensor]
) -> tuple[float, Numbers]:
    """Return the norm of the gradient, and for each parameter its size, its gradient's and its update's.

    `gradients` holds for each parameter the standard deviation and the norm of its gradient, before clipping.
    """
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
    return math.sqrt(squares), found


class _Seeing(TorchFunctionMode):
    """Calls a model once and records what its layers and non-linearities return."""

    def __init__(self, model: nn.Module, real: Tensor) -> None:
        """Prepare to call a model; real: (B, T) bool, False at padding."""
        super().__init__()
        self._model, self._shape = model, real.shape
        self._at = real.flatten().nonzero()[:, 0]  # (R,) where the real positions are among the B T
        self._inside: list[str] = []  # the modules being called, the innermost last
        self._seen: list[tuple[str, dict[str, Tensor]]] = []

    def __call__(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        with contextlib.ExitStack() as stack:
            for name, module in self._model.named_modules():
                stack.callback(module.register_forward_pre_hook(self._enter(name)).remove)
                stack.callback(module.register_forward_hook(self._leave).remove)
            with self:
                result: tuple[Tensor, tuple[Tensor, ...]] = self._model(inputs)
                return result

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        kind = getattr(func, "__name__", "").rstrip("_")
        if self._inside and (kind in BOUNDED or kind in ONE_SIDED):
            given = args[0] if args else kwargs["input"]
            assert isinstance(result, Tensor)
            assert isinstance(given, Tensor)
            self._note(_joined(self._inside[-1], kind), kind, result, given)
        return result

    def _enter(self, name: str) -> Callable[..., None]:
        return lambda module, args: self._inside.append(name)

    def _leave(self, module: nn.Module, args: object, output: object) -> None:
        name = self._inside.pop()
        if next(module.children(), None) is not None or isinstance(module, _MODULES):
            return
        while isinstance(output, tuple) and output:
            output = output[0]
        kind = module.nonlinearity if isinstance(module, nn.RNN) else ""  # one fused function
        if isinstance(output, Tensor) and output.is_floating_point():
            self._note(_joined(name, kind) or "output", kind, output, output)

    @torch.no_grad()
    def _note(self, name: str, kind: str, output: Tensor, given: Tensor) -> None:
        """Record the output of a layer.

        Args:
            name: The name of the layer.
            kind: Its non-linearity, "" for none.
            output: (B, T, units), or another shape.
            given: What a non-linearity computed it from.

        """
        y, x = self._real(output), self._real(given)
        numbers = {"mean": y.mean(), "std": y.std(correction=0)}
        if kind in BOUNDED:
            middle = (1 + BOUNDED[kind]) / 2  # 0 or 0.5
            distance = (y - middle).abs() / (1 - middle)  # 0 in the middle, 1 at the ends
            numbers |= {"saturated": (distance > 0.97).float().mean()}
            numbers |= {"dead": (distance > 0.99).all(0).float().mean()}
        elif kind:
            flat = x <= ONE_SIDED[kind]
            numbers |= {"saturated": flat.float().mean(), "dead": flat.all(0).float().mean()}
        self._seen.append((name, numbers))

    def _real(self, x: Tensor) -> Tensor:
        """Return one row per position that is not padding, (R, units), if the shape shows the positions."""
        x = x.detach().float()
        if x.shape[:2] == self._shape:
            x = x.flatten(0, 1)
        if len(x) == self._shape.numel():
            x = x[self._at]
        return x.flatten(1) if x.ndim > 1 else x[:, None]

    def found(self) -> dict[str, dict[str, float]]:
        """Return what was recorded, by the names of the layers, numbered if one is called several times."""
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


def finish(run: Run) -> list[Warned]:
    """Plot what was recorded of a run to diagnostics.png, and return what is wrong with the run."""
    rows = read(run.directory)
    if any(row.parameters for row in rows):
        # here, since matplotlib takes a second to import
        from makemore.plots.inside import diagnostics
        from makemore.plots.style import styled

        with styled():
            run.disk.write_picture(PICTURE, diagnostics(rows))
    return warnings(rows)
