"""Exercises of lesson 10. Fill in the functions; `makemore lessons check 10` grades them."""

from collections.abc import Callable

from torch import Tensor


def window_attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Attention that only looks a little way back.

    q, k, v: (B, T, D), one head. window: 1 or more. Place t sees itself and the window - 1 places before it:
    with window = 1 only itself, with window = 2 itself and the one before. Near the start there are fewer.
    Scores are divided by the square root of D, and the weights of each place sum to 1.
    Returns (B, T, D).
    """
    raise NotImplementedError


def window_step(
    q: Tensor, k: Tensor, v: Tensor, past: tuple[Tensor, Tensor] | None, window: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The same attention, one place at a time, with a memory that stops growing.

    q, k, v: (B, D), of the new place alone. past: None at the first place, later what the last call returned:
    keys and values, (B, S, D) each, oldest first. Do not change the tensors that you are given.
    Returns the output of the new place, (B, D), and the new past, whose S is never more than window.
    Called place after place it gives what `window_attention` gives for all of them at once.
    """
    raise NotImplementedError


def influence(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    """Find out which inputs each output of a model depends on, by trying.

    forward: takes ids (B, T) int64 below V and returns logits (B, T, V); nothing else is known about it.
    idx: (B, T) ids to try it on; V is 2 or more. Do not change idx itself.
    Returns (T, T) bool: entry [t, s] says whether any logit at place t moves by more than 1e-6, in any line, when
    the ids at place s are replaced by any others. A causal model has nothing above the diagonal.
    """
    raise NotImplementedError
