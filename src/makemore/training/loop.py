"""The one training loop, for every model: a generator of events."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from makemore.corpus.batches import WINDOW, Batches
from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.distributed import group as parallel
from makemore.distributed.devices import pick_device
from makemore.errors import MakemoreError
from makemore.files.atomic import damage, from_json
from makemore.metrics.advice import overfitted
from makemore.metrics.baselines import SCORED_TOKENS, baseline, count_lines
from makemore.metrics.copying import copied, judge
from makemore.metrics.losses import Losses
from makemore.metrics.losses import losses as losses_of
from makemore.models import count_parameters
from makemore.models.base import Model
from makemore.models.loss import IGNORE
from makemore.runs.run import Run
from makemore.runs.settings import Settings
from makemore.runs.summary import Baselines, Metrics, Summary, finite
from makemore.runs.weights import part
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.training import watch as watching
from makemore.training.events import (
    Checkpoint,
    Diagnosed,
    Done,
    Ended,
    Evaluation,
    Event,
    Overfitting,
    Samples,
    Started,
    Step,
)
from makemore.training.optimizer import optimizers, schedule, update
from makemore.training.teacher import fit_teacher

EVALUATED_TOKENS = {"train": 10_000, "validation": 30_000}
"""About how many predicted tokens of a split are scored at each evaluation, at most."""

MASS_SAMPLES = 2_000
"""Samples that tell how likely training lines are, where not all of them were scored."""

COUNTED_TOKENS = 16_000_000
"""Tokens that a model which counts is fitted to at most; of more that many are drawn."""

EARLY = (20, 50, 100, 200, 500, 1000)
"""Steps after which a few samples are shown, as far as they lie in the first quarter of the training: one sees it learn."""

EARLY_SAMPLES, EARLY_LENGTH = 5, 60
"""How many of them, and their characters at most, so that they cost next to nothing."""

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is written at every evaluation, and also when the last one is this old."""


@dataclasses.dataclass
class Progress:
    """What changes as training goes, besides weights and optimiser. Saved with every checkpoint."""

    step: int = 0
    epoch: int = 0
    pool: int = 0
    """Pools of the epoch that are done."""
    position: int = 0
    """Batches of the pool that are done."""
    best: float = math.inf
    best_step: int = 0
    stale: int = 0
    """Evaluations since the best."""
    threads: int = 0
    """Threads that the steps so far were done with."""
    evaluated: int = -1
    """The step of the last evaluation."""
    seconds: float = 0.0
    loss: float = 0.0
    """Sum of the batch losses since the last evaluation, over their number:"""
    losses: int = 0


def steps(
    run: Run,
    device: str = "auto",
    stop: Callable[[], bool] = lambda: False,
    top_k: int | None = None,
    compile: bool = False,
    diagnostics: bool = False,
) -> Iterator[Event]:
    """Train a run from its last checkpoint, or from the start, to its end, and yield what happens.

    stop: asked after every step; when it says True the state is saved and the generator ends. top_k: for
    the samples shown. compile: let torch compile the model's pass forward and back, which takes a minute or more;
    no gain on a CPU (benchmarks/NOTES.md). diagnostics: note what goes on inside the model at some steps, in
    diagnostics.jsonl, as `diagnostics` says; of one that counts there is nothing to note. `train` is what one calls: it also holds the directory against
    other processes.

    Everything random comes from the run's seed through torch's global generator, whose state is part of the
    checkpoint: on one CPU with the same number of threads a run that was interrupted ends in the same
    weights, bit for bit, as one that was not, unless it is the clock that ends it.
    """
    settings, corpus, to = run.settings, run.corpus, pick_device(device)
    torch.manual_seed(settings.seed)
    model = run.new_model()
    if model.counting:
        yield from _count(run, model)
        return
    model.to(to)
    opts = optimizers(model, settings.learning_rate, settings.weight_decay, settings.muon)
    tokens_per_line = corpus.tokens_of("train") / corpus.counts()["train"]
    batches = Batches(
        corpus,
        "train",
        round(settings.batch_size * tokens_per_line),
        settings.seed,
        1 if model.mixes_lines else WINDOW,
    )
    progress = Progress()
    if (checkpoint := run.disk.load_checkpoint()) is not None:
        progress = _restore(run, *checkpoint, model, opts)
        batches.epoch, batches.pool, batches.position = progress.epoch, progress.pool, progress.position
    if parallel.first():
        run.disk.rewind_metrics(progress.evaluated)
        watching.rewind(run.directory, progress.step)
    parallel.wait()
    watch = watching.Watch(run.directory, model, settings.max_steps) if diagnostics else None
    warning = ""
    if to.type == "cpu" and progress.step and progress.threads != torch.get_num_threads():
        warning = (
            f"so far with {progress.threads} threads, now with {torch.get_num_threads()}: the weights will not be "
            f"bit for bit those of a run left alone (set OMP_NUM_THREADS={progress.threads} for that)"
        )
    over = progress.seconds >= settings.time if settings.time else 0 <= settings.max_steps <= progress.step
    if progress.step and over:
        had = f"{progress.seconds:.1f} s" if settings.time else f"{progress.step:,} steps"
        warning = (
            f"it has had its {had} already: give more in all with --time or --max-steps to train further"
        )
    progress.threads = torch.get_num_threads()
    yield Started(run, progress.step, count_parameters(model), str(to), warning)

    evaluated = _evaluated(run)
    best: Losses | None = None  # of the validation lines, at the best step
    served = iter(batches)
    already = progress.step
    saved = began = time.monotonic()
    before = progress.seconds

    def save() -> Checkpoint:
        nonlocal saved
        saved = time.monotonic()
        progress.epoch, progress.pool, progress.position = batches.epoch, batches.pool, batches.position
        progress.seconds = before + saved - began
        if parallel.first():
            run.disk.save_checkpoint(_state(model, opts), dataclasses.asdict(progress))
        return Checkpoint(progress.step)

    def spent() -> float:
        """Seconds since training began or went on, by the clock of the first process."""
        return parallel.told(time.monotonic() - began)

    def done(more: float = 0.0) -> float | None:
        """The share of the training that is done, or will be after so many more steps; None if it has no end."""
        if settings.time:
            return min(1.0, (before + spent()) / settings.time)
        return min(1.0, (progress.step + more) / settings.max_steps) if settings.max_steps > 0 else None

    def part_of(parts: int) -> int:
        """In which part of the training, of so many, the last step was."""
        share = done()
        return progress.step // (settings.eval_every * 20 // parts) if share is None else int(share * parts)

    teacher = None
    if settings.teacher:
        teacher = fit_teacher(corpus, to)
    evaluated_in, sampled_in = part_of(20), part_of(4)
    forward = parallel.spread(model, torch.compile(model, dynamic=True) if compile else model)
    precision = getattr(torch, settings.precision)
    model.train()
    reason = "finished"
    while True:
        last = done() == 1
        due = part_of(20) > evaluated_in if settings.time else progress.step % settings.eval_every == 0
        due = due or progress.step == 0
        if progress.step > progress.evaluated and (last or due):
            evaluated_in = part_of(20)
            losses = {split: losses_of(model, corpus, rows) for split, rows in evaluated.items()}
            _finite(losses["validation"].loss.nll, progress.step, settings)
            event = _judge(progress, losses)
            error = None
            if event.best:
                if parallel.first():
                    run.disk.save_best(model)
                parallel.wait()
                best = losses["validation"]
            elif progress.best_step:
                if best is None:  # going on: the best was scored by another process
                    with torch.random.fork_rng(devices=[]):
                        again = run.new_model()
                    run.disk.read_best(again)
                    best = losses_of(again.to(to), corpus, evaluated["validation"])
                error = losses["validation"].difference(best)
            batch = progress.loss / max(1, progress.losses)
            if parallel.first():
                run.disk.add_metrics(_metrics(event, losses, error, batch, before + time.monotonic() - began))
            parallel.wait()
            progress.loss, progress.losses = 0.0, 0
            yield event
            curve = run.metrics()
            if (since := overfitted(curve)) is not None and overfitted(curve[:-1]) is None:
                yield Overfitting(progress.step, since)
            yield save()
            if part_of(4) > sampled_in and not last:
                sampled_in = part_of(4)
                yield _draw(run, model, progress.step, top_k)
                model.train()
        if last:
            break
        if settings.patience and progress.stale >= settings.patience:
            reason = "no better"
            break
        if parallel.anybody(stop() or parallel.orphaned()):
            yield save()
            yield Done(progress.step, "stopped", None)
            return

        if (
            progress.step == already and parallel.first()
        ):  # what a finished run said of itself is no longer so
            run.disk.forget_end()

        share = done(0.5)  # in the middle of the step
        rate = settings.learning_rate * (
            min(1.0, (progress.step + 1) / 200) if share is None else schedule(share)
        )
        rows = next(served)
        inputs, targets, tokens = _batch(corpus, rows, to)
        seen = (
            watch.watching(progress.step + 1, targets, forward) if watch else contextlib.nullcontext(forward)
        )
        with _explained(settings, compile), seen as call:
            value = float(
                update(call, opts, rate, inputs, targets, precision, teacher, settings.teacher, tokens)
            )
        value = parallel.mean(value)
        if compile and progress.step == already:  # the first step compiled, which is not training time
            began = time.monotonic()
        progress.step += 1
        if watch:
            watch.write(progress.step, value, rate)
        _finite(value, progress.step, settings)
        progress.loss, progress.losses = progress.loss + value, progress.losses + 1
        share = done()
        yield Step(progress.step, value, rate, int((corpus.lengths_of(rows) + 1).sum()), share)
        if progress.step in EARLY and (share is None or share < 0.25):
            early = None
            with contextlib.suppress(MakemoreError):  # if the weights are lost, the next step's loss says so
                early = _draw(run, model, progress.step, top_k, EARLY_SAMPLES, EARLY_LENGTH)
            model.train()
            if early:
                yield early
        if parallel.told(time.monotonic() - saved > CHECKPOINT_SECONDS):
            yield save()

    seconds = before + time.monotonic() - began
    yield Ended(progress.step)
    teacher, opts, forward = None, [], None  # what follows takes as much memory
    summary = _finish(run, progress, seconds)
    if watch:
        yield Diagnosed(progress.step, watching.finish(run))
    yield Done(progress.step, reason, summary)


def _batch(
    corpus: Corpus, rows: npt.NDArray[np.int64], to: torch.device
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return this process's part of a batch, and the number that its summed loss is divided by; None is its tokens."""
    if parallel.size() == 1:
        inputs, targets = (torch.from_numpy(array).to(to) for array in corpus.batch(rows))
        return inputs, targets, None
    lengths = corpus.lengths_of(rows)
    parallel.Dropout.lines = len(rows)
    own = parallel.share(rows)
    arrays = corpus.batch(own if len(own) else rows[:1], int(lengths.max()))
    inputs, targets = (torch.from_numpy(array).to(to) for array in arrays)
    if not len(own):  # fewer lines than processes: this one has nothing to learn from
        targets = torch.full_like(targets, IGNORE)
    # gradients are averaged over the processes, and are to be summed
    return inputs, targets, torch.tensor(int((lengths + 1).sum()) / parallel.size(), device=to)


@contextlib.contextmanager
def _explained(settings: Settings, compile: bool) -> Iterator[None]:
    """Turn what can go wrong in a step for want of memory or of a compiler into a sentence."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise MakemoreError(
            f"the device has too little memory for a step; resume is of no use here, so train again with "
            f"--overwrite and a smaller --batch-size than {settings.batch_size}"
        ) from None
    except RuntimeError as error:
        if not compile:
            raise
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MakemoreError(
            f"--compile: torch could not compile the model ({said}); go on without it"
        ) from None


def _finite(loss: float, step: int, settings: Settings) -> None:
    """Refuse to go on from a loss that is no number, or beyond all measure: the weights are lost."""
    if not loss < 1000:
        raise MakemoreError(
            f"the loss became {loss:g} at step {step}: train again with --overwrite and a lower --learning-rate than "
            f"{settings.learning_rate:g}"
        )


def _judge(progress: Progress, losses: dict[str, Losses]) -> Evaluation:
    """Note an evaluation in the progress: is it the best, and for how long has there been none?"""
    progress.evaluated = progress.step
    # before the first step there is nothing worth keeping, though with few lines held out it may look best
    train, validation = losses["train"].loss.nll, losses["validation"].loss.nll
    best = progress.step > 0 and validation < progress.best
    if best:
        progress.best, progress.best_step, progress.stale = validation, progress.step, 0
    elif progress.step > 0:
        progress.stale += 1
    return Evaluation(progress.step, train, validation, best)


def _metrics(
    event: Evaluation, losses: dict[str, Losses], rise_error: float | None, batch: float, seconds: float
) -> Metrics:
    """One line of metrics.jsonl. rise_error: standard error of how much worse than the best the validation loss is."""
    return Metrics(
        step=event.step,
        batch=batch,
        train=event.train,
        validation=event.validation,
        validation_error=losses["validation"].loss.error,
        rise_error=rise_error,
        seconds=round(seconds, 3),
    )


def _count(run: Run, model: Model) -> Iterator[Event]:
    """Fit a model that counts: one pass over the training lines instead of the loop."""
    corpus = run.corpus
    yield Started(run, 0, count_parameters(model), "cpu")
    began = time.monotonic()
    count_lines(model, corpus, COUNTED_TOKENS)
    seconds = time.monotonic() - began
    losses = {split: losses_of(model, corpus, rows) for split, rows in _evaluated(run).items()}
    progress = Progress(step=1, seconds=seconds)
    event = _judge(progress, losses)
    run.disk.save_best(model)
    run.disk.save_checkpoint(
        {"model." + k: v for k, v in model.state_dict().items()}, dataclasses.asdict(progress)
    )
    run.disk.rewind_metrics(-1)
    run.disk.add_metrics(_metrics(event, losses, None, event.train, seconds))
    yield event
    yield Done(1, "finished", _finish(run, progress, seconds))


def _state(model: nn.Module, opts: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Everything that training changes, as named tensors."""
    tensors = {"model." + name: tensor for name, tensor in model.state_dict().items()}
    for i, opt in enumerate(opts):
        for number, state in opt.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{number}.{name}": tensor for name, tensor in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return tensors


def _restore(
    run: Run,
    tensors: dict[str, Tensor],
    progress: dict[str, Any],
    model: nn.Module,
    opts: list[torch.optim.Optimizer],
) -> Progress:
    """Put a checkpoint back; the inverse of `_state`."""
    with damage(run.directory / "last.safetensors"):
        restored = from_json(Progress, progress)
        if progress.keys() != dataclasses.asdict(restored).keys():  # defaults would start over in silence
            raise ValueError("its progress is not whole")
        if restored.best_step:  # say now, not at the end, if the best weights cannot be read
            run.disk.read_best(run.new_model())
        model.load_state_dict(part(tensors, "model."))
        for i, opt in enumerate(opts):
            weights = [weight for group in opt.param_groups for weight in group["params"]]
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in part(tensors, f"optimizer.{i}.").items():
                number, key = name.split(".")
                if tensor.ndim and tensor.shape != weights[int(number)].shape:
                    raise ValueError(f"{name} has the wrong shape")
                state.setdefault(int(number), {})[key] = tensor
            if restored.step and state.keys() != set(range(len(weights))):
                raise ValueError("the optimiser's state is not that of this model")
            opt.load_state_dict({**opt.state_dict(), "state": state})
        torch.set_rng_state(tensors["random.cpu"])
        if torch.cuda.is_available() and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
    return restored


def _evaluated(run: Run) -> dict[str, npt.NDArray[np.int64]]:
    """The rows that are scored while training: validation lines, and fewer training lines beside them."""
    random = np.random.default_rng(run.settings.seed)
    chosen = {}
    for split, most in EVALUATED_TOKENS.items():
        rows = random.permutation(run.corpus.at_most(split, SCORED_TOKENS))
        tokens = run.corpus.lengths_of(rows) + 1
        before = np.cumsum(tokens) - tokens
        chosen[split] = rows[before < most]
    return chosen


def _draw(
    run: Run, model: nn.Module, step: int, top_k: int | None, n: int = 10, most: float = math.inf
) -> Samples:
    """Draw lines from the model as it is, with randomness of their own. most: characters of them."""
    length = int(min(run.corpus.longest, most))
    options = SampleOptions(top_k=top_k, max_length=length, seed=run.settings.seed + step)
    samples = list(sample(model, run.vocab, n, options))
    return Samples(step, samples, run.corpus.seen([s.text for s in samples]), run.cut(samples, model))


def _finish(run: Run, progress: Progress, seconds: float) -> Summary:
    """Score the best weights on every split beside the two baselines; write the summary and the picture."""
    corpus = run.corpus
    run.__dict__.pop("model", None)  # the best weights are new
    rows = {split: corpus.at_most(split, SCORED_TOKENS) for split in SPLITS}
    bigram = baseline(corpus, "bigram", rows)
    found = {split: losses_of(run.model, corpus, rows[split]) for split in SPLITS}
    losses = {split: each.loss for split, each in found.items()}
    copies = copied(run.model, corpus, found, run.new_model if run.model.counting else None)
    train_mass = copies.train
    if math.isnan(train_mass):
        kinds = corpus.seen(run.sample(MASS_SAMPLES, seed=run.settings.seed))
        train_mass = kinds.count("train") / MASS_SAMPLES
    del found
    low, high = copies.interval
    summary = Summary(
        type=run.type,
        parameters=count_parameters(run.model),
        steps=progress.step,
        best_step=progress.best_step,
        seconds=round(seconds, 2),
        lines=corpus.counts(),
        tokens={split: loss.tokens for split, loss in losses.items()},
        nll={split: loss.nll for split, loss in losses.items()},
        copy_ratio=finite(copies.ratio),
        copy_ratio_interval=(finite(low), finite(high)),
        train_mass=finite(train_mass),
        memorising=judge(copies, train_mass),
        baselines=Baselines(
            uniform=math.log(len(corpus.vocab)), bigram={split: bigram[split].loss.nll for split in SPLITS}
        ),
    )
    run.disk.write_summary(summary)
    if parallel.first() and len(run.metrics()) > 1:  # one that counts is evaluated once, which makes no curve
        from makemore.plots.losses import draw_losses  # here, since matplotlib takes a second to import

        draw_losses(run, summary)
    return summary
