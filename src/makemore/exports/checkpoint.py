"""Reading the checkpoint of the original makemore.py: tensors by name, and nothing else.

Code in the file is never run. torch reads tensors whose bytes have changed without a word, so the checksums that
the file holds are compared first.
"""

from __future__ import annotations

import codecs
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from makemore.errors import MakemoreError
from makemore.files.paths import reason_of, regular

Weights = Mapping[str, Tensor]

GIVE = "give the model.pt that the original makemore.py wrote"


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, in 32 bits. Nothing else in the file is ever unpickled.

    Raises:
        MakemoreError: The file cannot be read, is damaged, or holds something else.

    """
    try:
        with open(regular(path), "rb") as file:
            start = file.read(4096)
        _check_whole(path, start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held_there = torch.load(path, map_location="cpu", weights_only=True)
    except MakemoreError:
        raise
    except pickle.UnpicklingError:
        if not start.startswith((b"PK", b"\x80")):  # a pickle, packed or not
            raise foreign(path) from None
        raise MakemoreError(
            f"{path}: holds code or objects besides tensors, and nothing of it was run; {GIVE}"
        ) from None
    except OSError as error:
        raise MakemoreError(
            f"{path}: cannot be read: {reason_of(error)}; give the name of a model.pt"
        ) from None
    except Exception:  # whatever torch says about a file that is no checkpoint
        raise foreign(path) from None
    if not isinstance(held_there, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) and _is_plain(tensor)
        for name, tensor in held_there.items()
    ):
        raise foreign(path)
    tensors = {name: tensor.detach().float() for name, tensor in held_there.items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise MakemoreError(f"{path}: holds infinities or NaN; its training diverged")
    return tensors


def foreign(path: Path) -> MakemoreError:
    """Return the error for a file that is something else."""
    return MakemoreError(f"{path}: is not a checkpoint of the original; {GIVE}")


def _check_whole(path: Path, start: bytes) -> None:
    """Raise MakemoreError if a file is empty, text, or damaged; start: its first bytes."""
    if not start.strip(b"\0"):
        raise MakemoreError(
            f"{path}: {'holds nothing but zeros' if start else 'is empty'}; get the file again"
        )
    if start.startswith(b"PK"):  # a zip archive, as torch writes it
        try:
            with zipfile.ZipFile(path) as archive:
                packed = any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist())
                whole = packed or archive.testzip() is None  # torch packs nothing
        except (zipfile.BadZipFile, EOFError):
            whole = False
        if not whole:
            raise MakemoreError(f"{path}: is damaged or cut short; get the file again")
    elif b"\0" not in start and _is_utf8(start):
        raise MakemoreError(f"{path}: is text, not a checkpoint of the original; {GIVE}")


def _is_utf8(start: bytes) -> bool:
    """Return whether some bytes are the beginning of a text."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor holds numbers as the original's do, each of them in the file."""
    return (
        tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and tensor.dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)
        and 0 < tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )
