"""What checkers expect of an answer. If it is not met, Wrong is raised with a message for the learner."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a list of lessons must not wait for torch
    from torch import Tensor


class Wrong(AssertionError):  # noqa: N818 - it is the learner's word for it
    """What a checker raises. The message tells the learner what is wrong and where to look."""


def expect(right: object, message: str) -> None:
    """Raise Wrong with the message unless `right` is true."""
    if not right:
        raise Wrong(message)


def expect_number(value: object, name: str) -> float:
    """Return an answer of the function `name`, which must be a number, or a tensor of one."""
    import torch

    if isinstance(value, torch.Tensor) and value.dim() == 0:
        value = value.item()
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Wrong(f"{name} returned {_type_of(value)}; it should return a number")
    return float(value)


def expect_tensor(value: object, shape: tuple[int, ...], name: str) -> None:
    """Raise Wrong unless an answer of the function `name` is a tensor of the given shape."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise Wrong(f"{name} returned {_type_of(value)}; it should return a tensor")
    found, right = tuple(value.shape), tuple(shape)
    expect(found == right, f"{name} returned a tensor of shape {found}; the shape should be {right}")


def expect_close(value: Tensor | float, right: Tensor | float, message: str, tolerance: float = 1e-5) -> None:
    """Raise Wrong with the message unless two numbers or tensors agree everywhere."""
    import torch

    a, b = (torch.as_tensor(x, dtype=torch.float64).detach() for x in (value, right))
    agree = a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    expect(agree, message)


@contextlib.contextmanager
def explaining(messages: dict[str, str]) -> Iterator[None]:
    """Raise Wrong in place of an error in the block whose message contains one of these texts.

    Args:
        messages: By the text, what the learner should read instead of torch's own words.

    """
    try:
        yield
    except (RuntimeError, TypeError, ValueError) as error:
        for text, message in messages.items():
            if text in str(error):
                raise Wrong(message) from error
        raise


@contextlib.contextmanager
def by_hand() -> Iterator[None]:
    """Raise Wrong if autograd is asked for a gradient in the block."""
    import torch

    def refusal() -> Callable[..., None]:
        def refuse(*_: object, **__: object) -> None:
            raise Wrong("autograd was asked for the gradient; in this exercise, work it out yourself")

        return refuse

    places: list[tuple[object, str]] = [
        (torch.autograd, "grad"),
        (torch.autograd, "backward"),
        (torch.Tensor, "backward"),
        *((torch.func, name) for name in ("grad", "grad_and_value", "vjp", "jacrev", "hessian")),
    ]
    before = [getattr(where, name) for where, name in places]
    try:
        for where, name in places:
            setattr(where, name, refusal())
        yield
    finally:
        for (where, name), own in zip(places, before, strict=True):
            setattr(where, name, own)


def _type_of(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
