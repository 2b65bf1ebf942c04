"""Processes that work together: torchrun starts them, torch.distributed connects them.

Every process serves the same batches and keeps its own lines: of each batch, the process of rank r takes
lines r, r + size, r + 2 size and so on. One process by itself needs no torch, so it is imported where several
exchange something.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from makemore.distributed.environment import MEETING, launched, variable
from makemore.errors import MakemoreError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch._C._distributed_c10d import Store

Forward: TypeAlias = "Callable[[Tensor], tuple[Tensor, tuple[Tensor, ...]]]"
"""A model, or what stands in for it: from ids (B, T) to logits (B, T, V) and a state."""

Item = TypeVar("Item")
Result = TypeVar("Result")

TIMEOUT = datetime.timedelta(days=7)
"""How long processes wait for each other: the first may read a large file. A death is noticed at once."""

MEETING_SECONDS = 30 * 60
"""How long processes wait until all have been started."""

LOST = "another process was lost, so this one cannot continue"

_SIGNS = (
    "onnection closed by peer",
    "onnection reset by peer",
    "roken pipe",
    "onnection refused",
    "NCCL",
    "unhandled cuda error",
)
"""What torch says when a process is gone."""


class Group:
    """Processes that work together.

    All must call the same methods in the same order, except `share` and `spread`, which exchange nothing.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        """Describe the group; `joined` connects its processes."""
        self.rank, self.size = rank, size
        self.lines = 0
        """The lines of the last batch that was shared, over all processes."""

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            from torch import distributed

            distributed.barrier()

    @contextlib.contextmanager
    def one_first(self) -> Iterator[None]:
        """Let one process of each machine go through the block before the others do."""
        is_first = self.size == 1 or variable("LOCAL_RANK", 0) == 0
        if not is_first:
            self.wait()
        yield
        if is_first:
            self.wait()

    def same(self, value: Item) -> Item:
        """Return the first process's value, which may be any object."""
        values = [value]
        if self.size > 1:
            from torch import distributed

            distributed.broadcast_object_list(values)
        return values[0]

    def told(self, value: float) -> float:
        """Return the number that the first process has."""
        return self._sum(value if self.first else 0.0) if self.size > 1 else value

    def mean(self, value: float) -> float:
        """Return the mean of a value over the processes."""
        return self._sum(value) / self.size if self.size > 1 else value

    def anybody(self, value: bool) -> bool:
        """Return whether the value is true in any of the processes."""
        return self._sum(float(value)) > 0 if self.size > 1 else value

    def _sum(self, value: float) -> float:
        import torch
        from torch import distributed

        total = torch.tensor(value, dtype=torch.float64, device=_exchange_device())
        distributed.all_reduce(total)
        return float(total)

    def fill(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Combine, in place, an array of which every process has filled a part and left the rest 0."""
        if self.size > 1:
            import torch
            from torch import distributed

            total = torch.from_numpy(array).to(_exchange_device())
            distributed.all_reduce(total)
            array[:] = total.cpu().numpy()
        return array

    def shared(self, items: Iterable[Item], work: Callable[[Item], Result]) -> Generator[Result, None, None]:
        """Yield work(item) for each item, in order, in every process; each process does every size-th item.

        The items must be the same in all processes. `work` runs in one process only, so it must not exchange
        anything. If the first process closes the generator early, it ends in the others too.

        Raises:
            MakemoreError: The first error that `work` raised in any process, or that `items` raised.

        """
        if self.size == 1:
            yield from map(work, items)
            return
        left, bad, ended = iter(items), None, False
        try:
            while bad is None:
                some: list[Item] = []
                try:
                    for item in itertools.islice(left, self.size):
                        some.append(item)
                except MakemoreError as failure:  # the items before it are good
                    bad = failure
                if not some:
                    break
                own = some[self.rank] if self.rank < len(some) else None
                every = self._exchanged([] if own is None else [_outcome(work, own)])
                if ended := None in every:
                    return
                for result, error in itertools.chain.from_iterable(filter(None, every)):
                    if error is not None:
                        raise error
                    yield cast(Result, result)
            if bad is not None:
                raise bad
        finally:
            if not ended:  # every process ends with this, whenever it does
                self._exchanged(None)

    def chained(
        self, items: Iterable[Item], work: Callable[[Item], Iterator[Result]]
    ) -> Generator[Result, None, None]:
        """Yield what work(item) yields, for one item after the other, as `shared` does.

        Raises:
            MakemoreError: The first error of `work`, after what it yielded before.

        """
        if self.size == 1:
            for item in items:
                yield from work(item)
            return

        def whole(item: Item) -> tuple[list[Result], MakemoreError | None]:
            found: list[Result] = []
            try:
                for result in work(item):
                    found.append(result)
            except MakemoreError as error:
                return found, error
            return found, None

        with contextlib.closing(self.shared(items, whole)) as every:
            for found, error in every:
                yield from found
                if error is not None:
                    raise error

    def _exchanged(self, value: Item) -> list[Item]:
        from torch import distributed

        every = [value] * self.size
        distributed.all_gather_object(every, value)
        return every

    def share(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the rows of a batch that are this process's own."""
        if self.size > 1:
            self.lines = len(rows)
        return rows[self.rank :: self.size]

    def spread(self, model: nn.Module, forward: Forward) -> Forward:
        """Return what to call instead of `forward`, so that gradients are averaged over the processes.

        `forward` is the model, or the model compiled. The model's dropout modules are replaced by ones that
        make the mask of the whole batch.
        """
        if self.size == 1:
            return forward
        from torch import nn

        from makemore.distributed.dropout import SharedDropout

        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.Dropout):
                    setattr(parent, name, SharedDropout(child.p, self))
        return nn.parallel.DistributedDataParallel(cast(nn.Module, forward))


ALONE = Group()
"""One process by itself."""


def _outcome(work: Callable[[Item], Result], item: Item) -> tuple[Result, None] | tuple[None, MakemoreError]:
    try:
        return work(item), None
    except MakemoreError as error:
        return None, error


@contextlib.contextmanager
def joined(device: torch.device | None = None) -> Iterator[Group]:
    """Connect this process to those that were started with it, until the end of the block.

    Args:
        device: Where they compute. None is the CPU.

    Yields:
        The group; ALONE if this process was started by itself.

    Raises:
        MakemoreError: The processes cannot connect, or one of them was lost.

    """
    if "torch" not in sys.modules and not launched():
        yield ALONE
        return
    import torch
    from torch import distributed

    if distributed.is_initialized():
        yield Group(distributed.get_rank(), distributed.get_world_size())
        return
    if not launched():
        yield ALONE
        return
    gpu = device is not None and device.type == "cuda"
    if gpu:
        n = torch.cuda.device_count()
        if variable("LOCAL_RANK", 0) >= n:
            raise MakemoreError(f"this machine has {n} GPUs; start {n} processes or fewer")
        torch.cuda.set_device(variable("LOCAL_RANK", 0))
    group = Group(variable("RANK", 0), variable("WORLD_SIZE", 1))
    distributed.init_process_group(
        "nccl" if gpu else "gloo", timeout=TIMEOUT, store=_meet(), rank=group.rank, world_size=group.size
    )
    try:
        yield group
        distributed.barrier()  # if a process ended early, the meeting place would go with it
    except RuntimeError as error:
        # gloo and nccl have no error class of their own for this
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise MakemoreError(LOST) from None
    finally:
        distributed.destroy_process_group()


def _meet() -> Store:
    """Return the store through which the processes find each other.

    The processes of `launch` meet in a file: torch's own store would listen on every interface, without a
    password, and unpickle what it is sent.
    """
    from torch._C._distributed_c10d import FileStore, PrefixStore
    from torch.distributed.rendezvous import rendezvous

    if directory := os.environ.get(MEETING):
        attempt = variable("TORCHELASTIC_RESTART_COUNT", 0)
        path = os.path.join(directory, f"processes.{attempt}")
        store: Store = FileStore(path, variable("WORLD_SIZE", 1))
    else:
        wait = datetime.timedelta(seconds=MEETING_SECONDS)
        try:
            store, _, _ = next(rendezvous("env://", timeout=wait))
        except RuntimeError as error:  # torch has several subclasses for this
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise MakemoreError(
                f"the processes cannot meet at MASTER_ADDR={os.environ['MASTER_ADDR']} and "
                f"MASTER_PORT={os.environ['MASTER_PORT']} ({problem}); correct them, or unset WORLD_SIZE"
            ) from None
    store.set_timeout(TIMEOUT)
    return PrefixStore("default_pg", store)  # as torch does


def _exchange_device() -> str:
    """Return where tensors must be to be exchanged."""
    from torch import distributed

    return "cuda" if distributed.get_backend() == "nccl" else "cpu"
