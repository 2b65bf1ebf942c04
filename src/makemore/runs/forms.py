"""A run's model in its two forms: torch's, which can do everything, and NumPy's, which needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from makemore.errors import MakemoreError
from makemore.files.paths import damage
from makemore.inference import FORMS
from makemore.inference.base import Array, Inference
from makemore.inference.blend import Blend as BlendForm
from makemore.runs.blends import Blend
from makemore.runs.directory import RunDirectory
from makemore.runs.setup import Setup
from makemore.runs.weights import part

if TYPE_CHECKING:
    from makemore.models.base import Model

FEW = 50_000
"""Up to this many lines, sampling in NumPy is done before torch would be imported (benchmarks/NOTES.md)."""

SHORT = 20_000
"""Up to this many characters, scoring is."""


def untrained(disk: RunDirectory, setup: Setup) -> Model:
    """Return an untrained model, its weights initialised from torch's global generator."""
    from makemore.models import build

    with damage(disk.path / "config.json"):
        if setup.blend is None:
            return build(setup.type, len(setup.vocab), setup.config)
        parts = setup.blend.parts
        return blended(setup.blend, [build(part.type, len(part.vocab), part.config) for part in parts])


def blended(blend: Blend, parts: Sequence[Model]) -> Model:
    """Return the models of a blend as one."""
    from makemore.models.blend import Blend as BlendModel

    shares = [part.share for part in blend.parts]
    return BlendModel(parts, blend.ids(), shares, blend.how == "product")


def in_torch(disk: RunDirectory, setup: Setup) -> Model:
    """Return the best model so far, on the CPU, ready for use; the last one if none was evaluated yet."""
    import torch

    # its first weights are overwritten; on the CPU, so that no accelerator is initialised
    with torch.random.fork_rng(devices=[]):
        model = untrained(disk, setup)
    if disk.has_best:
        disk.read_best(model)
    elif (checkpoint := disk.load_checkpoint()) is not None:
        with damage(disk.path / "last.safetensors"):
            model.load_state_dict(part(checkpoint[0], "model."))
    elif setup.blend is not None:
        raise MakemoreError(
            f"{disk.path}: was not completed; blend the runs again with overwrite=True", option="overwrite"
        )
    else:
        raise MakemoreError(f"{disk.path}: not trained yet; train it with resume=True", option="resume")
    return model.eval()


def in_numpy(disk: RunDirectory, setup: Setup) -> Inference | None:
    """Return the same model in NumPy; None if it has no such form, or its files do not fit each other.

    In that case `in_torch` says what is wrong with them.
    """
    try:
        form = form_of(setup, disk.best_arrays() or {})
        return form if form.fits() else None
    except (LookupError, ValueError, TypeError, AttributeError):
        return None


def form_of(setup: Setup, arrays: Mapping[str, Array]) -> Inference:
    """Return the NumPy form of a model with these weights."""
    if setup.blend is None:
        return FORMS[setup.type](len(setup.vocab), setup.knobs, arrays)
    parts = setup.blend.parts
    forms = [
        FORMS[each.type](len(each.vocab), each.knobs, part(arrays, f"parts.{i}."))
        for i, each in enumerate(parts)
    ]
    if sum(len(form.weights) for form in forms) < len(arrays):
        raise ValueError("there are weights of no part")
    return BlendForm(forms, setup.blend.ids(), [each.share for each in parts], setup.blend.how == "product")


def of_model(model: Model, setup: Setup) -> Model | Inference:
    """Return the NumPy form of a model as it is now, for a few samples; itself if it has none or is on a GPU."""
    if setup.type not in FORMS or next(model.parameters()).device.type != "cpu":
        return model
    arrays = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return FORMS[setup.type](len(setup.vocab), setup.knobs, arrays)
