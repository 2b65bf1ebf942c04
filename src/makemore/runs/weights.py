"""Tensors in a file, with a checksum of its whole content; nothing is unpickled."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from makemore.files.paths import damage, regular


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors, by name, and text that belongs to them."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = str(_checksum(on_cpu, metadata))
    path.write_bytes(save(on_cpu, metadata={**metadata, "checksum": checksum}))


def read_tensors(path: Path, checked: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `write_tensors` wrote; `checked` requires a checksum, which files of early versions lack.

    Raises MakemoreError if the file is missing or damaged, or a tensor holds infinities or NaN.
    """
    with damage(path):
        with safetensors.safe_open(regular(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        for key, tensor in tensors.items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise ValueError(f"{key} holds infinities or NaN")
        said = metadata.pop("checksum", None)
        if said is None and not checked:
            return tensors, metadata
        if said != str(_checksum(tensors, metadata)):
            raise ValueError("its checksum is wrong")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    """Return the CRC-32 of tensors, their names, types and shapes, and the text."""
    found = zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, found)
    return found


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, under their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
