"""Exercises of lesson 9. Fill in the functions; `makemore lessons check 9` grades them."""

from collections.abc import Callable

from torch import Tensor


def coupled_lstm_step(
    x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """One character of an LSTM whose input gate is 1 - f: it writes where, and as much as, it forgets.

    x: (B, C). h, memory: (B, H), the old state. W: (3 H, C), U: (3 H, H), b: (3 H,): first the rows of the forget
    gate f, then those of the new g, then those of the output gate o.
    Returns the new h and the new memory, (B, H) each; the old ones stay as they are.
    """
    raise NotImplementedError


def in_pieces(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    """Run a cell over a long sequence for truncated backpropagation through time, in pieces of K characters.

    step: takes a character (B, C) and the state (B, H), returns the new state (B, H). x: (B, T, C). h: (B, H), the
    state at the start. K: 1 or more; the last piece is shorter where K does not divide T.
    Returns (B, T, H), the state after each character. The values are those of a run without pieces. A gradient
    flows back through the states of its own piece, also from the last place of a piece, but into no earlier one, nor
    into h, which ends the piece that was there before x.
    """
    raise NotImplementedError


def diagnose(forward: Callable[[Tensor], Tensor], V: int) -> str:
    """Say what is wrong with a network, from the outside.

    forward: takes ids (B, T) int64 below V, for any B and T from 1 on, and returns logits (B, T, V). The logits at a
    place should depend on the character there and on *all* those before it, and on nothing after it.
    Returns "peeks" if some logits change with a later character (whatever else is wrong);
    "forgets" if they depend on no character but the one at the place itself (as when the state is not carried);
    "fine" otherwise. An influence may be small: count as a change what is above 1e-6.
    """
    raise NotImplementedError
