"""Several processes that train one model, on one machine or on many: torchrun starts them, torch.distributed joins them.

Every process serves the same batches and keeps the lines that are its own: of the lines of a batch the process of rank r
takes r, r + size, r + 2 size and so on. Gradients are averaged by DistributedDataParallel. What is random is drawn for the
whole batch by every process, so that the result does not depend on how many there are, but for the order of sums.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed, nn
from torch._C._distributed_c10d import FileStore, PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from makemore.errors import MakemoreError

Item = TypeVar("Item")
Result = TypeVar("Result")

TIMEOUT = datetime.timedelta(days=7)
"""How long processes wait for each other: the first one may be reading a large file. Of one that died they know at once."""

LOST = "another of the processes was lost, so this one cannot go on"

_SIGNS = (
    "onnection closed by peer", "onnection reset by peer", "roken pipe", "onnection refused", "NCCL", "unhandled cuda error",
)  # fmt: skip
"""What torch says when a process is gone."""

MEETING_SECONDS = 30 * 60
"""How long processes wait until all have been started."""

LAUNCHER = "MAKEMORE_LAUNCHER"
"""The environment variable with the number of the process that started this one, if it was --nproc."""

MEETING = "MAKEMORE_MEETING"
"""The environment variable with the private directory where the processes of --nproc find each other."""

_launcher = os.environ.get(LAUNCHER, "")
_PARENT = int(_launcher) if _launcher.isdecimal() else os.getppid()

_alone = False
"""Whether this process is doing something that the others do not do with it."""


def launched() -> bool:
    """Whether this process is one of several that torchrun started. Raises MakemoreError for an environment it cannot have made."""
    several = _whole("WORLD_SIZE", 1, 1)
    if several == 1:
        return False
    for name in ("RANK", *(() if MEETING in os.environ else ("MASTER_ADDR", "MASTER_PORT"))):
        if not os.environ.get(name):
            raise MakemoreError(
                f"the environment says WORLD_SIZE={several}, for several processes, but not {name}: "
                "start them with --nproc or torchrun, or unset WORLD_SIZE"
            )
    if _whole("RANK", 0) >= several:
        raise MakemoreError(
            f"the environment says RANK={_whole('RANK', 0)}, which must be less than WORLD_SIZE={several}: "
            "correct it, or unset WORLD_SIZE"
        )
    if MEETING not in os.environ:
        _whole("MASTER_PORT", 0, 1, 65535)
    _whole("LOCAL_RANK", 0)
    return True


def restarted() -> bool:
    """Whether torchrun started this process in the place of one that died."""
    return "TORCHELASTIC_RUN_ID" in os.environ and _whole("TORCHELASTIC_RESTART_COUNT", 0) > 0


def _whole(name: str, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """The whole number in an environment variable that torchrun sets."""
    text = os.environ.get(name, "")
    if not text:
        return default
    if not (text.isdecimal() and len(text) <= 10 and least <= int(text) <= most):
        raise MakemoreError(
            f"the environment variable {name} is {text[:80]!r}, and torchrun, which reads it, wants a whole number from "
            f"{least:,}; unset it, or start the processes with --nproc or torchrun"
        )
    return int(text)


def launch() -> str:
    """Return a name of all processes that torchrun started together, "" without it."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    on_one_machine = os.environ.get("LOCAL_WORLD_SIZE") == os.environ.get("WORLD_SIZE")
    return f"none {_PARENT}" if name == "none" and on_one_machine else name


def orphaned() -> bool:
    """Whether what started this process is gone, so that nobody would start it again."""
    return launched() and os.getppid() != _PARENT


@contextlib.contextmanager
def joined(device: torch.device | None = None) -> Iterator[None]:
    """Join the other processes, if there are any, until the end of the block. device: where they compute; None is the CPU."""
    if not launched() or distributed.is_initialized():
        yield
        return
    gpu = device is not None and device.type == "cuda"
    if gpu:
        there = torch.cuda.device_count()
        if _whole("LOCAL_RANK", 0) >= there:
            raise MakemoreError(f"this machine has {there} GPUs; use --nproc {there} or fewer")
        torch.cuda.set_device(_whole("LOCAL_RANK", 0))
    store = _meet()
    distributed.init_process_group(
        "nccl" if gpu else "gloo",
        timeout=TIMEOUT,
        store=store,
        rank=_whole("RANK", 0),
        world_size=_whole("WORLD_SIZE", 1),
    )
    try:
        yield
        distributed.barrier()  # or one that is done takes the meeting place from the others
    except RuntimeError as error:
        # gloo and nccl have no error of their own for it; what else goes wrong is said as it is
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise MakemoreError(LOST) from None
    finally:
        distributed.destroy_process_group()


def _meet() -> Store:
    """Return the store through which the processes find each other.

    Those of --nproc meet in a file, since torch's own store would listen on every interface without a password, and what
    is in it is unpickled.
    """
    if directory := os.environ.get(MEETING):
        attempt = _whole("TORCHELASTIC_RESTART_COUNT", 0)
        store: Store = FileStore(os.path.join(directory, f"processes.{attempt}"), _whole("WORLD_SIZE", 1))
    else:
        wait = datetime.timedelta(seconds=MEETING_SECONDS)
        try:
            store, _, _ = next(rendezvous("env://", timeout=wait))
        except RuntimeError as error:  # torch's own errors for it are some
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise MakemoreError(
                f"MASTER_ADDR={os.environ['MASTER_ADDR']} and MASTER_PORT={os.environ['MASTER_PORT']}: the processes "
                f"cannot meet there ({problem}); correct them, or unset WORLD_SIZE"
            ) from None
    store.set_timeout(TIMEOUT)
    return PrefixStore("default_pg", store)  # as torch does


def rank() -> int:
    """Return the number of this process, 0 where it is alone."""
    return distributed.get_rank() if distributed.is_initialized() and not _alone else 0


def size() -> int:
    """Return how many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() and not _alone else 1


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let this process do something by itself, as if there were no others."""
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def first() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0


def wait() -> None:
    """Wait until every process is here."""
    if size() > 1:
        distributed.barrier()


@contextlib.contextmanager
def one_first() -> Iterator[None]:
    """Let one process of each machine go through the block before the others do."""
    is_first = not launched() or _whole("LOCAL_RANK", 0) == 0
    if not is_first:
        wait()
    yield
    if is_first:
        wait()


def shared(items: Iterable[Item], work: Callable[[Item], Result]) -> Generator[Result, None, None]:
    """Yield what work gives for each of the items, in their order, to every process: each does every size()-th.

    All must go through the same items. If the first process ends early, so do the others. A MakemoreError of any is raised by all.
    """
    if size() == 1:
        yield from map(work, items)
        return

    def exchanged(value: Any) -> list[Any]:
        every = [None] * size()
        distributed.all_gather_object(every, value)
        return every

    left, bad, ended = iter(items), None, False
    try:
        while bad is None:
            some = []
            try:
                for item in itertools.islice(left, size()):
                    some.append(item)
            except MakemoreError as error:  # what came before is good
                bad = error
            if not some:
                break
            found: Any = None
            number = rank()
            if number < len(some):
                try:
                    with alone():
                        found = work(some[number])
                except MakemoreError as error:
                    found = error
            every = exchanged(found)
            if ended := any(isinstance(result, _Enough) for result in every):
                return
            for result in every[: len(some)]:
                if isinstance(result, MakemoreError):
                    raise result
                yield result
        if bad is not None:
            raise bad
    finally:
        if not ended:  # all end with this, whenever they do
            exchanged(_Enough())


class _Enough:
    """Said by a process that goes on no more."""


def same(value: Item) -> Item:
    """Return the value that the first process has."""
    values = [value]
    if size() > 1:
        distributed.broadcast_object_list(values)
    return values[0]


def mean(value: float) -> float:
    """Return the mean of a value over the processes."""
    return _summed(value) / size() if size() > 1 else value


def anybody(value: bool) -> bool:
    """Whether the value is true in any of the processes."""
    return _summed(float(value)) > 0 if size() > 1 else value


def told(value: float) -> float:
    """Return the value that the first process has, which all go by."""
    return _summed(value if first() else 0.0) if size() > 1 else value


def _summed(value: float) -> float:
    summed = torch.tensor(value, dtype=torch.float64, device=_device())
    distributed.all_reduce(summed)
    return float(summed)


def _device() -> str:
    """Where what is exchanged must lie."""
    return "cuda" if distributed.get_backend() == "nccl" else "cpu"


def fill(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Put together an array of which every process has filled in a part and left 0 elsewhere; in place."""
    if size() > 1:
        summed = torch.from_numpy(array).to(_device())
        distributed.all_reduce(summed)
        array[:] = summed.cpu().numpy()
    return array


def share(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows of a batch that are this process's own."""
    return rows[rank() :: size()]


def spread(model: nn.Module, forward: Any) -> Any:
    """Return what to call instead of forward, so that gradients are averaged over the processes."""
    if size() == 1:
        return forward
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.__class__ = Dropout
    return nn.parallel.DistributedDataParallel(forward)


class Dropout(nn.Dropout):
    """Draws for the whole batch (B, ...) as one process would, and keeps its own rows."""

    lines = 0
    """B, the lines of the batch over all processes: the same for all modules, set before each step."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        # drawn in the order in which the input lies in memory, as torch does
        order = sorted(range(input.dim()), key=input.stride().__getitem__, reverse=True)
        shape = [Dropout.lines if d == 0 else input.shape[d] for d in order]
        whole = torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - self.p)
        own = whole.div_(1 - self.p).permute([order.index(d) for d in range(input.dim())])[rank() :: size()]
        return input * own if len(own) else input * 0
