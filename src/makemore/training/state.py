"""Everything that training changes: the model, its optimisers, the random state, the place in the data.

One checkpoint holds it all, in one file, so that its parts cannot disagree.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from makemore.errors import MakemoreError
from makemore.files.json_io import from_json
from makemore.files.paths import damage
from makemore.metrics.layers import LOST
from makemore.runs.run import Run
from makemore.runs.weights import part
from makemore.training.engine import Engine
from makemore.training.events import Checkpoint, Evaluation
from makemore.training.learner import Learner
from makemore.training.watch import rewind


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


class TrainState:
    """A model in training, from its first step or from its last checkpoint."""

    def __init__(self, run: Run, learner: Learner, engine: Engine) -> None:
        """Bring a learner to the run's last checkpoint, if there is one; else training starts from scratch."""
        self.learner = learner
        self.progress = Progress()
        self._settings, self._disk = run.settings, run.disk
        if (checkpoint := run.disk.load_checkpoint()) is not None:
            self._restore(run, *checkpoint)
        # what came after the checkpoint will be repeated
        run.disk.rewind_metrics(self.progress.evaluated)
        rewind(run.disk, self.step)
        engine.wait()
        self.warning = self._resumed(engine.device)
        """Why the results may differ from those of an uninterrupted run, or why nothing is left to do."""
        self.progress.threads = torch.get_num_threads()
        self._first = self.step  # the step that this process started from

    @property
    def step(self) -> int:
        """Steps done."""
        return self.progress.step

    def count(self, loss: float) -> None:
        """Count a step, with the loss of its batch."""
        if self.step == self._first:
            self._disk.forget_end()  # what a finished run wrote at its end is no longer true
        self.progress.step += 1
        self.progress.loss += loss
        self.progress.losses += 1

    def take_mean_loss(self) -> float:
        """Return the mean loss of the batches since this was last called, and start over."""
        mean = self.progress.loss / max(1, self.progress.losses)
        self.progress.loss, self.progress.losses = 0.0, 0
        return mean

    def check(self, loss: float) -> None:
        """Raise MakemoreError if a loss is not a number, or huge: the weights are lost."""
        if not loss < LOST:
            raise MakemoreError(
                f"the loss diverged ({loss:g} at step {self.step}): rerun with overwrite and a learning_rate "
                f"below {self._settings.learning_rate:g}",
                option=("overwrite", "learning_rate"),
            )

    def record(self, evaluation: Evaluation) -> None:
        """Add an evaluation to the metrics, and keep the weights if they are the best so far."""
        if evaluation.best:
            self._disk.save_best(self.learner.model)
        self._disk.add_metrics(evaluation.row())

    def save(self, seconds: float) -> Checkpoint:
        """Save a checkpoint, with the training time so far in seconds."""
        progress, batches = self.progress, self.learner.batches
        progress.epoch, progress.pool, progress.position = batches.epoch, batches.pool, batches.position
        progress.seconds = seconds
        self._disk.save_checkpoint(self._tensors(), dataclasses.asdict(progress))
        return Checkpoint(self.step)

    def _resumed(self, device: torch.device) -> str:
        """Return the warning for the event `Started`."""
        progress, settings, threads = self.progress, self._settings, torch.get_num_threads()
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

    def _tensors(self) -> dict[str, Tensor]:
        """Return everything that training changes, as named tensors."""
        tensors = {"model." + name: tensor for name, tensor in self.learner.model.state_dict().items()}
        for i, optimizer in enumerate(self.learner.optimizers):
            for number, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{number}.{name}": tensor for name, tensor in state.items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        return tensors

    def _restore(self, run: Run, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Restore a checkpoint; the inverse of `_tensors`."""
        with damage(run.directory / "last.safetensors"):
            progress = from_json(Progress, values)
            if values.keys() != dataclasses.asdict(progress).keys():  # a default would silently start over
                raise ValueError("its progress is incomplete")
            if progress.best_step:  # if the best weights are unreadable, say so now
                run.disk.read_best(run.new_model())
            self.learner.model.load_state_dict(part(tensors, "model."))
            for i, optimizer in enumerate(self.learner.optimizers):
                _restore_optimizer(optimizer, part(tensors, f"optimizer.{i}."), bool(progress.step))
            torch.set_rng_state(tensors["random.cpu"])
            if torch.cuda.is_available() and "random.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["random.cuda"])
        self.progress, batches = progress, self.learner.batches
        batches.epoch, batches.pool, batches.position = progress.epoch, progress.pool, progress.position


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
