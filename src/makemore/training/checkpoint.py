"""A checkpoint: everything that training changes, in one file, so that its parts cannot disagree."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from makemore.files.json_io import flat_from_json
from makemore.files.paths import damage
from makemore.runs.directory import RunDirectory
from makemore.runs.run import Run
from makemore.runs.settings import Settings
from makemore.runs.weights import part
from makemore.training.learner import Learner


@dataclasses.dataclass
class Progress:
    """The numbers of a checkpoint."""

    step: int = 0
    """Steps done."""
    epoch: int = 0
    pool: int = 0
    """Pools of the epoch that are done."""
    position: int = 0
    """Batches of the pool that are done."""
    best: float = math.inf
    """The lowest validation loss."""
    best_step: int = 0
    stale: int = 0
    """Evaluations since the best."""
    threads: int = 0
    """Threads that the steps so far used."""
    evaluated: int = -1
    """The step of the last evaluation."""
    seconds: float = 0.0
    """Training time."""
    loss: float = 0.0
    """Sum of the batch losses since the last evaluation."""
    losses: int = 0
    """Their number."""


def save(disk: RunDirectory, learner: Learner, progress: Progress) -> None:
    """Save a learner, its place in the data, the random state and the progress, which gets that place."""
    batches = learner.batches
    progress.epoch, progress.pool, progress.position = batches.epoch, batches.pool, batches.position
    tensors = {"model." + name: tensor for name, tensor in learner.model.state_dict().items()}
    for i, optimizer in enumerate(learner.optimizers):
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{number}.{name}": tensor for name, tensor in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    disk.save_checkpoint(tensors, dataclasses.asdict(progress))


def restored(run: Run, learner: Learner) -> Progress:
    """Bring an untrained learner to the run's last checkpoint, if there is one, and return the progress.

    What the run recorded after the checkpoint is removed, since it will be repeated.
    """
    progress = Progress()
    if (checkpoint := run.disk.load_checkpoint()) is not None:
        progress = _restore(run, learner, *checkpoint)
    run.disk.rewind_metrics(progress.evaluated)
    run.disk.rewind_diagnostics(progress.step)
    return progress


def warning_of(progress: Progress, settings: Settings, device: torch.device) -> str:
    """Return why a resumed training may differ, or why nothing is left to do; else an empty string."""
    threads = torch.get_num_threads()
    if not progress.step:
        return ""
    if progress.seconds >= settings.time if settings.time else 0 <= settings.max_steps <= progress.step:
        had = f"{progress.seconds:.1f} s" if settings.time else f"all {progress.step:,} steps"
        return f"already trained for {had}; give it more steps or more time to continue"
    if device.type == "cpu" and progress.threads != threads:
        return (
            f"trained with {progress.threads} threads so far, now with {threads}: the weights will not "
            "be bit for bit those of an uninterrupted run (for that, set "
            f"OMP_NUM_THREADS={progress.threads})"
        )
    return ""


def _restore(run: Run, learner: Learner, tensors: dict[str, Tensor], values: dict[str, object]) -> Progress:
    with damage(run.directory / "last.safetensors"):
        progress = flat_from_json(Progress, values)
        if values.keys() != dataclasses.asdict(progress).keys():  # a default would silently start over
            raise ValueError("its progress is incomplete")
        if progress.best_step:  # if the best weights are unreadable, say so now
            run.disk.read_best(run.new_model())
        learner.model.load_state_dict(part(tensors, "model."))
        for i, optimizer in enumerate(learner.optimizers):
            _restore_optimizer(optimizer, part(tensors, f"optimizer.{i}."), bool(progress.step))
        torch.set_rng_state(tensors["random.cpu"])
        if torch.cuda.is_available() and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
    batches = learner.batches
    batches.epoch, batches.pool, batches.position = progress.epoch, progress.pool, progress.position
    return progress


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], begun: bool) -> None:
    """Restore the state of an optimiser, or raise ValueError if it does not fit its weights.

    The tensors are named "WEIGHT.KEY", with the number of a weight. Before its first step it has no state.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".")
        if tensor.ndim and tensor.shape != weights[int(number)].shape:
            raise ValueError(f"{name} has the wrong shape")
        state.setdefault(int(number), {})[key] = tensor
    if begun and state.keys() != set(range(len(weights))):
        raise ValueError("the optimiser's state is not that of this model")
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
