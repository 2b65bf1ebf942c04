"""Wrong answers to the exercises of lesson 9 that people give, and what they should be told."""

from collections.abc import Callable

import torch
from torch import Tensor


def turned_round(
    x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    f, g, o = (x @ W.T + h @ U.T + b).chunk(3, 1)
    memory = (1 - f.sigmoid()) * memory + f.sigmoid() * g.tanh()
    return o.sigmoid() * memory.tanh(), memory


def old_memory(
    x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    f, g, o = (x @ W.T + h @ U.T + b).chunk(3, 1)
    return o.sigmoid() * memory.tanh(), f.sigmoid() * memory + (1 - f.sigmoid()) * g.tanh()


def in_place(x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    f, g, o = (x @ W.T + h @ U.T + b).chunk(3, 1)
    memory *= f.sigmoid()
    memory += (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * memory.tanh(), memory


def all_sigmoid(
    x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    f, g, o = torch.sigmoid(x @ W.T + h @ U.T + b).chunk(3, 1)
    memory = f * memory + (1 - f) * g
    return o * memory.tanh(), memory


def other_order(
    x: Tensor, h: Tensor, memory: Tensor, W: Tensor, U: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    f, o, g = (x @ W.T + h @ U.T + b).chunk(3, 1)
    memory = f.sigmoid() * memory + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * memory.tanh(), memory


def never_detached(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
        hs.append(h)
    return torch.stack(hs, 1)


def always_detached(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h.detach())
        hs.append(h)
    return torch.stack(hs, 1)


def start_not_detached(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h.detach() if t and t % K == 0 else h)
        hs.append(h)
    return torch.stack(hs, 1)


def started_anew(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for piece in x.split(K, 1):
        state = h
        for t in range(piece.shape[1]):
            state = step(piece[:, t], state)
            hs.append(state)
    return torch.stack(hs, 1)


def detached_too_soon(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
        if t % K == K - 1:
            h = h.detach()
        hs.append(h)
    return torch.stack(hs, 1)


def detached_late(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
        hs.append(h)
        if t % K == 0:
            h = h.detach()
    return torch.stack(hs, 1)


def whole_pieces_only(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor, K: int) -> Tensor:
    hs = []
    for t in range(x.shape[1] // K * K):
        h = step(x[:, t], h.detach() if t % K == 0 else h)
        hs.append(h)
    return torch.stack(hs, 1)


def _changes(forward: Callable[[Tensor], Tensor], V: int, at: int) -> Tensor:
    idx = torch.randint(V, (20, 6), generator=torch.Generator().manual_seed(1))
    other = idx.clone()
    other[:, at] = (other[:, at] + 1) % V
    return (forward(other) - forward(idx)).abs().amax((0, 2))


def any_change(forward: Callable[[Tensor], Tensor], V: int) -> str:
    if (_changes(forward, V, 5)[:5] > 1e-6).any():
        return "peeks"
    return "fine" if (_changes(forward, V, 0) > 1e-6).any() else "forgets"


def never_looks_ahead(forward: Callable[[Tensor], Tensor], V: int) -> str:
    return "fine" if (_changes(forward, V, 0)[1:] > 1e-6).any() else "forgets"


def blind_to_small(forward: Callable[[Tensor], Tensor], V: int) -> str:
    if (_changes(forward, V, 5)[:5] > 0.1).any():
        return "peeks"
    return "fine" if (_changes(forward, V, 0)[1:] > 0.1).any() else "forgets"


def only_the_last_place(forward: Callable[[Tensor], Tensor], V: int) -> str:
    return "fine" if _changes(forward, V, 0)[-1] > 1e-6 else "forgets"


def first_against_last(forward: Callable[[Tensor], Tensor], V: int) -> str:
    if any((_changes(forward, V, t)[:t] > 1e-6).any() for t in range(1, 6)):
        return "peeks"
    return "fine" if _changes(forward, V, 0)[-1] > 1e-6 else "forgets"


WRONG = [
    ("coupled_lstm_step", other_order, "in the order f, g, o"),
    ("in_pieces", detached_late, "which begins at 0"),
    ("diagnose", first_against_last, "fades from place to place"),
    ("coupled_lstm_step", turned_round, "keeps where it should forget"),
    ("coupled_lstm_step", old_memory, "shows the old memory"),
    ("coupled_lstm_step", in_place, "in place"),
    ("coupled_lstm_step", all_sigmoid, "sigmoid instead of a tanh"),
    ("in_pieces", never_detached, "earlier piece"),
    ("in_pieces", always_detached, "through its own piece"),
    ("in_pieces", start_not_detached, "start state h"),
    ("in_pieces", started_anew, "starts anew"),
    ("in_pieces", detached_too_soon, "before it is detached"),
    ("in_pieces", whole_pieces_only, "shorter piece"),
    ("diagnose", any_change, "is not carried"),
    ("diagnose", never_looks_ahead, "before* it"),
    ("diagnose", blind_to_small, "influence of about"),
    ("diagnose", only_the_last_place, "before* it"),
]
