"""The knobs of a type of model, as people see them: described, and set by name."""

from __future__ import annotations

import dataclasses

from makemore.errors import MakemoreError, alike
from makemore.files.typed import checked
from makemore.models.base import ModelConfig


@dataclasses.dataclass(frozen=True)
class Knob:
    """One field of a model's config, as the command line offers it."""

    name: str
    type: type[int] | type[float]
    default: int | float
    help: str


def knobs_of(config: type[ModelConfig]) -> list[Knob]:
    """Return the knobs of a config class."""
    found = []
    for field in dataclasses.fields(config):
        if "help" not in field.metadata:
            continue
        default = getattr(config, field.name)
        found.append(Knob(field.name, type(default), default, field.metadata["help"]))
    return found


def configured(type: str, config: type[ModelConfig], longest: int, given: dict[str, float]) -> ModelConfig:
    """Return the config of a type: see `configure`."""
    kinds = {each.name: each.default.__class__ for each in dataclasses.fields(config)}
    others = [each.name for each in dataclasses.fields(config) if "help" not in each.metadata]
    fixed = {name: checked(name, given.pop(name), kinds[name]) for name in others if name in given}
    names = {knob.name: knob.type for knob in knobs_of(config)}
    for name, value in given.items():
        if name not in names:
            has = "has " + ", ".join(names) if names else "has nothing to set"
            guess = f";{found}" if (found := alike(name, names)) else ""
            raise MakemoreError(
                f"{name} does not apply to type {type}, which {has}{guess}", option=(name, "type", *names)
            )
        given[name] = checked(name, value, names[name])
    if "block_size" in names and not given.get("block_size"):
        given["block_size"] = longest + 1
    try:
        return config(labels=int(fixed.pop("labels", 0)), **given, **fixed)
    except ValueError as error:
        raise MakemoreError(f"type {type}: {error}", option=("type", *names)) from None
