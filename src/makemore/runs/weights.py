"""Tensors in a file, with a checksum of its whole content; nothing is unpickled.

They are read as NumPy arrays, which need no torch, and become tensors where they are wanted as such.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import safetensors

from makemore.files.paths import damage, regular
from makemore.inference.base import Array

if TYPE_CHECKING:
    from torch import Tensor

Value = TypeVar("Value")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors, by name, and text that belongs to them."""
    from safetensors.torch import save

    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = str(_checksum({name: tensor.numpy() for name, tensor in on_cpu.items()}, metadata))
    path.write_bytes(save(on_cpu, metadata={**metadata, "checksum": checksum}))


def read_tensors(path: Path, checked: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `write_tensors` wrote, as `read_arrays` does."""
    import torch

    arrays, metadata = read_arrays(path, checked)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, metadata


def read_arrays(path: Path, checked: bool = True) -> tuple[dict[str, Array], dict[str, str]]:
    """Return what `write_tensors` wrote; `checked` requires a checksum, which files of early versions lack.

    Raises MakemoreError if the file is missing or damaged, or an array holds infinities or NaN.
    """
    with damage(path):
        with safetensors.safe_open(regular(path), framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        for key, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{key} holds infinities or NaN")
        said = metadata.pop("checksum", None)
        if said is None and not checked:
            return arrays, metadata
        if said != str(_checksum(arrays, metadata)):
            raise ValueError("its checksum is wrong")
    return arrays, metadata


def _checksum(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> int:
    """Return the CRC-32 of arrays, their names, types and shapes, and the text."""
    found = zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        found = zlib.crc32(f"{name} torch.{array.dtype} {array.shape}".encode(), found)
        found = zlib.crc32(array.reshape(-1).view(np.uint8).data, found)
    return found


def part(tensors: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Return the tensors whose names begin with a prefix, under their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
