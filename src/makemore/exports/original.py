"""A checkpoint of Andrej Karpathy's makemore.py becomes a run: the same probabilities, in the models here.

Its `model.pt` (checkpoint.py) holds the tensors of a model and nothing else: neither the list nor the number of heads. The
vocabulary follows from the list, as there: the different characters, sorted, after the boundary. The heads are
those with which the model predicts the list best.

    bigram       bigram_nn, as it is
    mlp          mlp: there a character of its own, BLANK, fills the window before the line, here the boundary
    rnn          rnn: there the state before the line is learned, here it is zero
    transformer  transformer, with GELU approximated by tanh as there

Both differences of mlp and rnn lie at the start of lines, where here the boundary is. So its embedding gets a
channel more, in which it alone is 1 and whose weights add what is missing. A `gru` there applies the reset
gate before the product with the state, and a `bow` learns positions; no weights make up for that here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.errors import MakemoreError, shown
from makemore.exports import gpt2
from makemore.exports.checkpoint import Weights, foreign, read
from makemore.files.locks import held
from makemore.files.typed import check_arguments, checked_path
from makemore.metrics.losses import evaluate
from makemore.models import build, configure
from makemore.models.base import Model, ModelConfig
from makemore.runs.directory import RunDirectory
from makemore.runs.ownership import check_free
from makemore.runs.run import Run
from makemore.runs.settings import Given
from makemore.runs.setup import Setup
from makemore.training import checkpoint as checkpoints
from makemore.training.checkpoint import Progress
from makemore.training.engine import Engine
from makemore.training.finish import summarize
from makemore.training.learner import Learner
from makemore.training.plan import settings_for

HEADS_TOKENS = 20_000
"""The most tokens of the list that numbers of heads are tried on."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What a checkpoint is here."""

    type: str
    knobs: dict[str, float]
    tensors: dict[str, Tensor]
    V: int
    longest: int | None = None
    """Characters of the longest line of its list; None if the weights do not say."""


def import_original(
    checkpoint: str | Path,
    source: str | Path | Sequence[str | Path] | None = None,
    work_dir: str | Path = "out",
    overwrite: bool = False,
) -> Run:
    """Make a run of a checkpoint that the original makemore.py wrote.

    Only tensors are read from it; code in it is never run. The original holds other lines out than makemore
    does: it has trained on most of those that the run calls validation and test, whose losses are too good.

    Args:
        checkpoint: Its model.pt, of type transformer, mlp, rnn or bigram.
        source: The list that it was trained on, as in `read`; None is "names".
        work_dir: The run directory to write.
        overwrite: Replace the run in work_dir.

    Returns:
        The run.

    Raises:
        MakemoreError: The file is not such a checkpoint, its type cannot be expressed, or it does not fit the
            list.

    """
    check_arguments(import_original, {"work_dir": work_dir, "overwrite": overwrite})
    path, directory = checked_path("checkpoint", checkpoint), checked_path("work_dir", work_dir)
    found = recognised(path, read(path))
    check_free(directory, overwrite, resumes=False)
    corpus = read_corpus(source, How())  # of a table, whole rows, as there
    _check_list(path, found, corpus)
    config, model = _model(path, found, corpus)
    device = torch.device("cpu")
    settings = settings_for(found.type, corpus, Given(), device)
    with held(directory):
        setup = Setup(found.type, dataclasses.asdict(config), settings, corpus.vocab, corpus.reading)
        disk = RunDirectory(directory)
        disk.create(setup, corpus, overwrite)
        disk.save_best(model)
        run = Run.load(directory)
        run.corpus.prepare()
        summary = summarize(run, Progress(), 0.0)
        with torch.random.fork_rng(devices=[]):  # where training goes on with it
            torch.manual_seed(settings.seed)
            learner = Learner(model, run.corpus, settings, Engine(device), None)
            checkpoints.save(disk, learner, Progress(best=summary.nll["validation"]))
    return run


def recognised(path: Path, weights: Weights) -> Found:
    """Return what a checkpoint is here.

    Raises:
        MakemoreError: It is not one of the original's, or of a type that cannot be expressed.

    """
    if "cell.xh_to_z.weight" in weights:
        raise MakemoreError(
            f"{path}: is a gru, which in the original resets its state before the product and here after it, so no "
            "weights give the same probabilities; there are transformer, mlp, rnn and bigram"
        )
    if "context_block.mlp.c_fc.weight" in weights:
        raise MakemoreError(
            f"{path}: is a bow, which in the original learns positions and here has none, so no weights give the "
            "same probabilities; there are transformer, mlp, rnn and bigram"
        )
    try:
        if "transformer.wte.weight" in weights:
            return _transformer(weights)
        if "cell.xh_to_h.weight" in weights:
            return _rnn(weights)
        if "mlp.0.weight" in weights:
            return _mlp(weights)
        V, _ = weights["logits"].shape
        return Found("bigram_nn", {}, {"weight": weights["logits"]}, V)
    except (KeyError, ValueError, RuntimeError, IndexError):
        raise foreign(path) from None


def _mlp(weights: Weights) -> Found:
    e, W = weights["wte.weight"], weights["mlp.0.weight"]  # (V + 1, C), (C2, n C): the newest character first
    (V, C), C2 = (e.shape[0] - 1, e.shape[1]), W.shape[0]
    n = W.shape[1] // C
    W = W.view(C2, n, C)
    # in a window with k characters after the boundary, BLANK fills what is older: the sum of these is missing
    missing = torch.cat([W[:, 1:] @ (e[V] - e[0]), torch.zeros(C2, 1)], 1)  # (C2, n)
    W = torch.cat([W, missing[..., None]], 2).flip(1)  # (C2, n, C + 1), the oldest first
    tensors = {
        "embedding.weight": _marked(e[:V]),
        "fc.weight": W.flatten(1),
        "fc.bias": weights["mlp.0.bias"],
        "head.weight": weights["mlp.2.weight"],
        "head.bias": weights["mlp.2.bias"],
    }
    knobs: dict[str, float] = {"context": n, "n_embd": C + 1, "n_embd2": C2, "dropout": 0.0}
    return Found("mlp", knobs, tensors, V, n - 1)


def _rnn(weights: Weights) -> Found:
    e = weights["wte.weight"]  # (V, C)
    W, U = weights["cell.xh_to_h.weight"].split(
        [e.shape[1], weights["start"].shape[1]], 1
    )  # (C2, C), (C2, C2)
    bias = weights["cell.xh_to_h.bias"]
    tensors = {
        "embedding.weight": _marked(e),
        "cell.weight_ih_l0": torch.cat([W, U @ weights["start"].T], 1),  # (C2, C + 1)
        "cell.weight_hh_l0": U,
        "cell.bias_ih_l0": bias,
        "cell.bias_hh_l0": torch.zeros_like(bias),
        "head.weight": weights["lm_head.weight"],
        "head.bias": weights["lm_head.bias"],
    }
    knobs: dict[str, float] = {"n_embd": e.shape[1] + 1, "n_embd2": len(U), "dropout": 0.0}
    return Found("rnn", knobs, tensors, len(e))


def _marked(e: Tensor) -> Tensor:
    """Return embeddings (V, C) with one channel more, in which the boundary is 1 and the others are 0."""
    return torch.cat([e, torch.eye(len(e), 1)], 1)


def _transformer(weights: Weights) -> Found:
    names, parts = ({there: here for here, there in each.items()} for each in (gpt2.NAMES, gpt2.PARTS))
    tensors, layers = {}, set()
    for name, tensor in weights.items():
        where, _, kind = name.rpartition(".")
        if where in names:
            tensors[f"{names[where]}.{kind}"] = tensor
        elif name.removesuffix(".attn.bias") == name:  # else it is the causal mask
            _, _, i, part = where.split(".", 3)
            layers.add(i)
            tensors[f"blocks.{i}.{parts[part]}.{kind}"] = tensor
    V, C = weights["transformer.wte.weight"].shape
    size = len(weights["transformer.wpe.weight"])
    knobs: dict[str, float] = {"n_layer": len(layers), "n_embd": C, "dropout": 0.0, "block_size": size}
    return Found("transformer", knobs | {"n_head": 1, "gelu_tanh": True}, tensors, V, size - 1)


def _model(path: Path, found: Found, corpus: Corpus) -> tuple[ModelConfig, Model]:
    """Return the model with its weights and its config, whose number of heads predicts the list best."""
    several = [found.knobs]
    if "n_head" in found.knobs:
        C = int(found.knobs["n_embd"])
        several = [found.knobs | {"n_head": n} for n in range(1, C + 1) if C % n == 0]
    made = []
    for knobs in several:
        try:
            config = configure(found.type, 0, **knobs)
            with torch.random.fork_rng(devices=[]):
                model = build(found.type, found.V, config).eval()
            model.load_state_dict(found.tensors)
        except (ValueError, RuntimeError, MakemoreError):  # too large, or a tensor is missing or another
            raise foreign(path) from None
        made.append((config, model))
    rows = corpus.at_most("train", HEADS_TOKENS)
    return made[0] if len(made) == 1 else min(made, key=lambda each: evaluate(each[1], corpus, rows).nll)


def _check_list(path: Path, found: Found, corpus: Corpus) -> None:
    """Raise MakemoreError if a checkpoint was trained on another list."""
    own, here = (f"{found.V - 1:,} different characters", f"{len(corpus.vocab) - 1:,}")
    if len(corpus.vocab) == found.V and found.longest in (None, corpus.longest):
        return
    if len(corpus.vocab) == found.V:
        own, here = f"lines of up to {found.longest:,} characters", f"up to {corpus.longest:,}"
    name = "lines" if corpus.reading is None else shown(corpus.reading.source)
    raise MakemoreError(
        f"{path}: was trained on a list with {own}, and {name} has {here}; give the list that it was trained on as "
        "source",
        option="source",
    )
