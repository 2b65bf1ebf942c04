"""Bug 8: a recurrent network no better than pairs.

After lesson 9.

Symptom: it trains, to about the loss of a bigram, and never gets better, however large its state.
Run this file, look at the figure, and mend `run_through`. Then: makemore lessons check museum no_better_than_pairs
"""

import torch
from torch import Tensor, nn

from makemore.course import show


def run_through(cell: nn.Module, start: Tensor, inputs: Tensor) -> Tensor:
    """Run a cell over lines. cell(x, h) takes x (B, C) and the state h (B, H) and returns the next state.

    start: (B, H), the state before the first character. inputs: (B, T, C).
    Returns (B, T, H): the state after each character.
    """
    states = []
    for t in range(inputs.shape[1]):
        states.append(cell(inputs[:, t], start))
    return torch.stack(states, 1)


def symptom() -> None:
    """Show what each state knows of each character."""
    import matplotlib.pyplot as plt

    torch.manual_seed(1)
    T, cell = 8, nn.RNNCell(6, 16)
    inputs = torch.randn(1, T, 6, requires_grad=True)
    states = run_through(cell, torch.zeros(1, 16), inputs)
    known = torch.zeros(T, T)
    for t in range(T):
        (gradient,) = torch.autograd.grad(states[0, t].sum(), inputs, retain_graph=True)
        known[t] = gradient[0].norm(dim=-1)
    image = plt.imshow(known.numpy(), cmap="Blues")
    plt.colorbar(image, label="size of the gradient")
    plt.title("What the state after each character knows")
    plt.xlabel("s: character")
    plt.ylabel("t: state after character")
    show("the squares left of the diagonal, which stand for the characters before. They should not be empty.")


if __name__ == "__main__":
    symptom()
