"""Bug 3: descent with a swing.

After lesson 3.

Symptom: the loss falls, rises, falls again, like a ball in a bowl; a smaller rate only makes the swings longer.
Run this file, look at the figure, and mend `descend`. Then: makemore lessons check museum the_swing
"""

from collections.abc import Callable

import torch
from torch import Tensor

from makemore.course import show


def descend(weights: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, rate: float) -> list[float]:
    """Plain gradient descent: after each step w is w - rate * (the gradient of the loss at w).

    weights: any shape, requires_grad; changed in place. Returns the loss before each step.
    """
    losses = []
    for _ in range(steps):
        loss = loss_of(weights)
        loss.backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        losses.append(loss.item())
    return losses


def symptom() -> None:
    """Show it in a bowl."""
    import matplotlib.pyplot as plt

    weights = torch.tensor([3.0, -2.0], requires_grad=True)
    plt.plot(descend(weights, lambda w: (w**2).sum(), 60, 0.01), marker="o", markersize=3)
    plt.title("Descent in a bowl, where nothing can go wrong")
    plt.xlabel("step")
    plt.ylabel("loss")
    show("the rise after the fall: a ball in a bowl, where each step should only go down.")


if __name__ == "__main__":
    symptom()
