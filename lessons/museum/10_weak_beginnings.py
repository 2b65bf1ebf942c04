"""Bug 10: lines with a weak beginning.

After lesson 10.

Symptom: later characters change what comes before them, a little, and the first positions of every line are
strangely weak.
Run this file, look at the figure, and mend `attend`. Then: makemore lessons check museum weak_beginnings
"""

import torch
from torch import Tensor

from makemore.course import show


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention with one head. q, k, v: (B, T, C). Returns (B, T, C).

    Position t takes a weighted mean of v at positions up to t, weights softmax(q_t . k_s / sqrt(C)).
    """
    T, C = q.shape[1:]
    scores = q @ k.transpose(1, 2) / C**0.5  # (B, T, T)
    weights = scores.softmax(-1)
    weights = weights * torch.ones(T, T).tril()  # not the future
    return weights @ v


def symptom() -> None:
    """Show the sum of the weights of each position, by averaging ones."""
    import matplotlib.pyplot as plt

    torch.manual_seed(1)
    q, k = torch.randn(2, 4, 12, 8)
    total = attend(q, k, torch.ones(4, 12, 8))[:, :, 0]
    plt.plot(total.T, marker="o", markersize=3, label=[f"line {i + 1}" for i in range(4)])
    plt.title("What the weights of each position sum to")
    plt.xlabel("position in the line")
    plt.ylabel("sum of weights")
    plt.ylim(0, 1.1)
    plt.legend()
    show("the left end, where the lines lie below one. They should be level.")


if __name__ == "__main__":
    symptom()
