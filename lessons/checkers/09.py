"""What grades the exercises of lesson 9."""

from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_tensor


def coupled_lstm_step(answers: Any) -> None:
    g = torch.Generator().manual_seed(1)
    B, C, H = 3, 4, 5
    x, h, memory = (torch.randn(shape, generator=g) for shape in ((B, C), (B, H), (B, H)))
    W, U, b = (torch.randn(shape, generator=g) for shape in ((3 * H, C), (3 * H, H), (3 * H,)))
    old = h.clone(), memory.clone()
    got = answers.coupled_lstm_step(x, h, memory, W, U, b)
    expect(
        torch.equal(h, old[0]) and torch.equal(memory, old[1]),
        "the old h or memory was changed in place; autograd needs it as it was, so make new tensors",
    )
    expect(
        isinstance(got, tuple) and len(got) == 2, "two tensors are wanted: return h, memory (in this order)"
    )
    for value, name in zip(got, ("the new h", "the new memory"), strict=True):
        expect_tensor(value, (B, H), f"coupled_lstm_step's {name}")
    f, n, o = (x @ W.T + h @ U.T + b).chunk(3, 1)
    f, n, o = torch.sigmoid(f), torch.tanh(n), torch.sigmoid(o)
    right = f * memory + (1 - f) * n
    new_h, new_memory = got
    swapped = torch.allclose(new_memory, o * torch.tanh(right), atol=1e-5)
    expect(not swapped, "h and memory are returned the wrong way round: h comes first")
    turned = (1 - f) * memory + f * n
    expect(
        not torch.allclose(new_memory, turned, atol=1e-5),
        "it keeps where it should forget: f is the share of the old memory that is kept, 1 - f that of the new",
    )
    expect(
        not torch.allclose(new_memory, f * memory + n, atol=1e-5),
        "the new g is written in full; it should be multiplied by 1 - f",
    )
    raw, squashed = (
        (x @ W.T + h @ U.T + b).chunk(3, 1)[1],
        torch.sigmoid((x @ W.T + h @ U.T + b).chunk(3, 1)[1]),
    )
    for other, name in ((raw, "without its tanh"), (squashed, "through a sigmoid instead of a tanh")):
        expect(
            not torch.allclose(new_memory, f * memory + (1 - f) * other, atol=1e-5),
            f"the new g is used {name}: what is written must be able to be negative, and lie between -1 and 1",
        )
    expect_close(
        new_memory,
        right,
        "the memory is not f * memory + (1 - f) * g; are the three parts taken in the order f, g, o?",
    )
    expect(
        not torch.allclose(new_h, o * right, atol=1e-5),
        "h is o times the memory; the memory goes through a tanh first, so that h stays between -1 and 1",
    )
    expect(
        not torch.allclose(new_h, o * torch.tanh(memory), atol=1e-5),
        "h shows the old memory; it should be computed from the new one",
    )
    expect_close(new_h, o * torch.tanh(right), "the memory is right, but h is not o * tanh(new memory)")


def in_pieces(answers: Any) -> None:
    g = torch.Generator().manual_seed(2)
    B, C, H = 2, 3, 4
    W, U = torch.randn(H, C, generator=g), torch.randn(H, H, generator=g)

    def step(x: Tensor, h: Tensor) -> Tensor:
        expect(
            x.shape == (B, C),
            f"step was given a character of shape {tuple(x.shape)}; ({B}, {C}) is wanted: x[:, t]",
        )
        return torch.tanh(x @ W.T + h @ U.T)

    for T, K in ((6, 2), (7, 3), (5, 8), (4, 1)):
        x = torch.randn(B, T, C, generator=g).requires_grad_()
        h = torch.randn(B, H, generator=g).requires_grad_()
        got = answers.in_pieces(step, x, h, K)
        kept = (
            "are the states of the last, shorter piece left out?"
            if T % K
            else "stack the states along dimension 1"
        )
        expect(isinstance(got, Tensor), f"in_pieces returned {type(got).__name__}; a tensor is wanted")
        expect(
            tuple(got.shape) == (B, T, H),
            f"with T = {T} and K = {K} the shape is {tuple(got.shape)}, and ({B}, {T}, {H}) is wanted; {kept}",
        )
        state, states, anew = h, [], []
        for t in range(T):
            state = step(x[:, t], state)
            again = step(x[:, t], h if t % K == 0 else anew[-1])
            states.append(state)
            anew.append(again)
        if K < T:
            expect(
                not torch.allclose(got, torch.stack(anew, 1), atol=1e-5),
                "each piece starts anew from the first state; the state at the end of a piece must be carried into the next",
            )
        expect_close(
            got,
            torch.stack(states, 1),
            f"with T = {T} and K = {K} the values differ from a run without pieces",
        )
        for t in range(T):
            expect(
                got.requires_grad,
                "no gradient flows at all: detach the state that enters a piece, not the states that are returned",
            )
            (felt,) = torch.autograd.grad(got[:, t].sum(), x, retain_graph=True)
            reached = (felt.abs().amax((0, 2)) > 0).tolist()  # (T,): which characters the state at t reaches
            first = t // K * K
            expect(
                not any(reached[:first]),
                f"with K = {K} the gradient at place {t} reaches back into an earlier piece; where is the state detached?",
            )
            expect(
                reached[t],
                f"the state at place {t} has no gradient, even for its own character; it must be returned before it is detached",
            )
            expect(
                all(reached[first : t + 1]),
                f"with K = {K} the gradient at place {t} does not flow through its own piece, which begins at {first}; "
                "detach at the borders of pieces only",
            )
            expect(not any(reached[t + 1 :]), "a state depends on characters after it")
        (felt,) = torch.autograd.grad(got.sum(), h, allow_unused=True)
        expect(
            felt is None or not felt.any(),
            "the gradient reaches the start state h, which belongs to what came before: detach it too",
        )


def _net(kind: str, V: int, seed: int, small: float) -> Any:
    """A random network that is fine, forgets or peeks."""
    g = torch.Generator().manual_seed(seed)
    H = 8
    E, U, out = (torch.randn(shape, generator=g) for shape in ((V, H), (H, H), (V, H)))

    def run(e: Tensor) -> Tensor:
        h, hs = torch.zeros(e.shape[0], H), []
        for t in range(e.shape[1]):
            h = torch.tanh(e[:, t] + small * ((0 * h if kind == "forgets" else h) @ U))
            hs.append(h)
        return torch.stack(hs, 1)

    def forward(idx: Tensor) -> Tensor:
        expect(idx.ndim == 2, f"forward was given ids of shape {tuple(idx.shape)}; they must be (B, T)")
        expect(bool(((idx >= 0) & (idx < V)).all()), f"forward was given ids that are not from 0 to {V - 1}")
        h = run(E[idx])
        if kind == "peeks":  # only what comes next, and not at the last place
            h = h + small * torch.cat([E[idx][:, 1:], torch.zeros(len(idx), 1, H)], 1)
        if kind == "peeks far":
            h = h + small * run(E[idx].flip(1)).flip(1)
        if kind == "peeks and forgets":
            h = torch.tanh(E[idx]) + small * run(E[idx].flip(1)).flip(1)
        return h @ out.T

    return forward


def diagnose(answers: Any) -> None:
    told = {
        "fine": "there is nothing wrong with it: each place depends on itself and on all before it",
        "forgets": "its state is not carried: change an early character, and only the logits at that very place change",
        "peeks": "its logits change with the next character: change one, and compare those of the places *before* it",
        "peeks far": "its logits change with characters farther on: compare all places before the one that was changed",
        "peeks and forgets": "it peeks, which comes first whatever else is wrong",
    }
    for V, seed, small in ((5, 1, 0.5), (27, 2, 0.01), (2, 3, 0.5)):
        for kind, what in told.items():
            got = answers.diagnose(_net(kind, V, seed, small), V)
            expect(
                got in ("fine", "forgets", "peeks"),
                f'diagnose returned {got!r}; "fine", "forgets" or "peeks" is wanted',
            )
            right = "peeks" if kind.startswith("peeks") else kind
            weak = f", with an influence of about {small}" if small < 0.1 else ""
            if (right, got) == ("fine", "forgets"):
                what += (
                    "; but an influence fades from place to place, so compare all the places after the one that was "
                    "changed, above all the very next, not just the last"
                )
            expect(got == right, f'a network (V = {V}{weak}) was called "{got}" that is "{right}": {what}')


CHECKS = {
    "coupled_lstm_step": coupled_lstm_step,
    "in_pieces": in_pieces,
    "diagnose": diagnose,
}
