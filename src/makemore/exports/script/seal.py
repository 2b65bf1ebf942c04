"""Whether a script and its weights are as makemore wrote them: both carry a checksum of the rest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from torch import Tensor

CHECKSUM = "checksum"
"""The word before a script's checksum, and the key of that of its weights."""


def sealed(text: str) -> str:
    """Return the text of a script with its checksum in the place of the first one in it."""
    pattern = rf"\b{CHECKSUM} [0-9a-f]{{12}}\b"
    blank = re.sub(pattern, f"{CHECKSUM} {'0' * 12}", text, count=1)
    return re.sub(pattern, f"{CHECKSUM} {hashlib.sha256(blank.encode()).hexdigest()[:12]}", text, count=1)


def checksum_of(weights: dict[str, Tensor]) -> str:
    """Return the checksum of a model's weights."""
    digest = hashlib.sha256()
    for name, values in sorted(weights.items()):
        digest.update(name.encode() + values.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def is_changed(path: Path) -> bool:
    """Return whether a file that an export wrote is a script that somebody has edited, or weights that one has trained."""
    import torch

    try:
        data = path.read_bytes()
        if data[:2] == b"PK":  # the zip file that torch writes
            saved = torch.load(path, "cpu", weights_only=True)
            return bool(saved[CHECKSUM] != checksum_of(saved["weights"]))
        text = path.read_text("utf-8")
        return f"{CHECKSUM} " not in text or text != sealed(text)
    except Exception:  # whatever is wrong with it, it is not what makemore wrote
        return True
