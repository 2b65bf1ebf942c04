"""Where a model computes, and everything that makemore sets for a whole process.

A library must leave its caller's torch, environment and warnings alone. So only the command line, whose
process is its own, calls `own_process`; without that, the functions below it change nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from makemore.errors import MakemoreError, alike, quoted
from makemore.files.typed import checked

if TYPE_CHECKING:  # `makemore --help` must not wait for torch
    import torch

owned = False
"""Whether `own_process` was called."""


DEVICES = ("auto", "cpu", "cuda", "mps")
"""What `pick_device` understands."""


def pick_device(name: str) -> torch.device:
    """Return the device with a name.

    Args:
        name: "cpu", "cuda", "mps", or "auto" for the best of these that this machine has.

    Raises:
        MakemoreError: There is no such device, or not on this machine.

    """
    import torch

    name = checked("device", name, str)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_there in available.items() if is_there)
    if name not in available:
        guess = alike(name, DEVICES)
        raise MakemoreError(
            f"device must be auto, cpu, cuda or mps, not {quoted(name)}{';' * bool(guess)}{guess}",
            option="device",
        )
    if not available[name]:
        raise MakemoreError(f"device={name}: torch finds none on this machine; leave it out", option="device")
    return torch.device(name)


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device multiplies such matrices in hardware, else float32."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    # torch 2.9 cannot tell what a CPU can do
    can: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


def own_process() -> None:
    """Let makemore change settings of this process: torch's threads, oneDNN, memory limits and warnings.

    The command line calls this. A program that uses torch for nothing else can call it too.
    """
    global owned
    owned = True
    # On a busy machine torch's threads should sleep while they wait for each other: spinning beside another
    # process makes a step tens of times slower, though on a quiet machine it is a third quicker
    # (benchmarks/NOTES.md). The setting is read when torch is imported.
    if "torch" not in sys.modules and hasattr(os, "getloadavg") and os.getloadavg()[0] >= 1:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not sys.warnoptions:  # warnings that libraries address to programmers
        for kind in (RuntimeWarning, UserWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)


def one_thread() -> None:
    """Compute with one thread from now on: for small tasks, several would wait longer than they work."""
    if not owned:
        return
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    else:  # NumPy and torch read this when they are imported
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@contextlib.contextmanager
def one_thread_meanwhile() -> Iterator[None]:
    """Compute with one thread, and afterwards with as many as before: for tasks that run beside others."""
    import torch

    before = torch.get_num_threads()
    one_thread()
    try:
        yield
    finally:
        if owned:
            torch.set_num_threads(before)


def bound_memory() -> None:
    """Limit the memory that torch and the C library keep for later (measured in benchmarks/NOTES.md).

    When large blocks are freed, glibc returns them to the system, but not if blocks of that size, up to 32
    MB, were freed before. And oneDNN keeps kernels for the last 1,024 shapes of batches; long lines have
    thousands of shapes.
    """
    if not owned:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(-3, 1 << 23)  # M_MMAP_THRESHOLD
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):  # read when the first is made
        os.environ.setdefault(name, "64")
