"""One step of a model as an ONNX graph, which onnxruntime runs in Python, in a browser or on a phone.

The graph reads one character in each of B lines and says what comes next, as makemore.inference does:

    ids        (batch,) int64: the last characters; at the start of a line the boundary, id 0. If lines have
               labels, V times the number of the label is added, in every step
    state_0 .. what the model remembers, in the shapes that the graph gives; all zeros at the start of a line
    logp       (batch, V) float32: log-probabilities of the next characters
    next_0 ..  the state for the next step

`batch` is any number. The state of a model with attention also has a dimension `past`, the number of
characters read so far: 0 at the start of a line, one more after each step. The metadata of the graph hold, as
JSON, `makemore.vocabulary`, what people see for each id (id 0 is the boundary), `makemore.labels`, whose
numbers begin at 1, `makemore.longest`, the most steps that make sense, and `makemore.never`, the ids that are
never sampled: the one that stands for rare characters, if there is one. `makemore.type` is the type.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from makemore import __version__
from makemore.errors import MakemoreError
from makemore.exports.counts_graph import CTWGraph, NGramGraph
from makemore.exports.own import BLANK, CHECKSUM, MARK, sealed
from makemore.exports.weights import never, positions
from makemore.inference import counts
from makemore.inference.recurrent import Mixture
from makemore.runs.run import Run

_BATCH, _PAST = 3, 5
"""Sizes of the example that the graph is made from; any other numbers than these two, 0 and 1 would do."""


def refusal(run: Run) -> str:
    """Say why a run cannot be exported; an empty string if it can."""
    return "" if run.setup.blend is None else "a blend holds several models"


class _Step(nn.Module):
    """A model that reads one character."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.model: nn.Module = run.model
        if isinstance(run.form, counts.NGram):
            self.model = NGramGraph(run.form)
        elif isinstance(run.form, counts.CTW):
            self.model = CTWGraph(run.form.tree)
        elif isinstance(run.form, Mixture):
            self.model = copy.copy(run.model)  # the run keeps its own n-gram
            self.model._modules = run.model._modules | {"ngram": NGramGraph(run.form.ngram)}

    def forward(self, ids: Tensor, state: tuple[Tensor, ...] = ()) -> tuple[Tensor, ...]:
        """ids: (B,). Returns the log-probabilities, (B, V), and the next state."""
        logits, new = self.model(ids[:, None], state or None)
        return logits[:, 0].log_softmax(-1), *new


def write(run: Run, path: Path) -> None:
    """Write the graph of a trained run to a file; takes seconds.

    Raises:
        MakemoreError: The packages onnx and onnxscript are not installed.

    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise MakemoreError(
            "onnx and onnxscript are not installed; install them with `pip install 'makemore[onnx]'`"
        ) from None
    ids = torch.zeros(_BATCH, dtype=torch.int64)
    step, states = _Step(run).eval(), list[tuple[Tensor, ...]]([()])
    with torch.no_grad():
        for _ in range(_PAST + 1):
            states.append(step(ids, states[-1])[1:])
    *_, state, longer = states
    batch, past = (torch.export.Dim(name, min=2) for name in ("batch", "past"))
    shapes = tuple(
        {0: batch} if one.shape == other.shape else {0: batch, 1: past}
        for one, other in zip(state, longer, strict=True)
    )
    numbers = range(len(state))
    with _quiet():
        program = torch.onnx.export(
            step,
            (ids, state) if state else (ids,),
            input_names=["ids", *(f"state_{i}" for i in numbers)],
            output_names=["logp", *(f"next_{i}" for i in numbers)],
            dynamic_shapes=({0: batch}, shapes) if state else ({0: batch},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(_about(run))
    program.save(path, external_data=False)
    path.write_bytes(sealed(path.read_bytes()))


def _about(run: Run) -> dict[str, str]:
    """Return the metadata of the graph."""
    return {
        "makemore": __version__,
        CHECKSUM: BLANK,
        "makemore.type": run.type,
        "makemore.longest": json.dumps(positions(run)),
        MARK: json.dumps(run.vocab.names),
        "makemore.never": json.dumps(never(run.vocab)),
        "makemore.labels": json.dumps(run.vocab.labels),
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch's exporter says about itself from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
