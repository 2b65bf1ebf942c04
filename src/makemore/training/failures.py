"""What torch's errors in a step of training mean, and what to do about them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from makemore.errors import MakemoreError


@contextlib.contextmanager
def explained(compiling: bool) -> Iterator[None]:
    """Raise MakemoreError instead of torch's errors; compiling: whether the model is compiled."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise MakemoreError(
            "the device ran out of memory in a training step; resuming would fail the same way, so rerun "
            "with overwrite and a smaller batch_size",
            option=("overwrite", "batch_size"),
        ) from None
    except RuntimeError as error:
        if not compiling:
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MakemoreError(
            f"compile is not possible: torch could not compile the model ({reason}); train without it",
            option="compile",
        ) from None
