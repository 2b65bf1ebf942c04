"""Bug 7: statistics that jump.

After lesson 8.

Symptom: the network works, but its statistics jump about from batch to batch far more than they should with so
many values.
Run this file, look at the figure, and mend `batch_norm`. Then: makemore lessons check museum jumping_statistics
"""

import torch
from torch import Tensor

from makemore.course import show


def batch_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Give each of the C channels mean 0 and variance 1 over the batch, then scale and shift it.

    x: (B, C) or (B, T, C). gain, bias: (C,). Returns the shape of x.
    """
    mean = x.mean(0, keepdim=True)
    variance = x.var(0, keepdim=True, unbiased=False)
    return gain * (x - mean) / (variance + 1e-5).sqrt() + bias


def symptom() -> None:
    """Show what a value of 1 becomes in 200 random batches: how far the results lie apart.

    The same numbers are given twice: as (B, T, C), and as (B T, C), for which the function was written. It is the
    same B T values of each channel either way, so their mean and variance should be equally certain.
    """
    import matplotlib.pyplot as plt

    generator = torch.Generator().manual_seed(1)
    sizes, T, gain, bias = [4, 8, 16, 32, 64], 8, torch.ones(1), torch.zeros(1)
    spreads = []
    for B in sizes:
        values = []
        for _ in range(200):
            x = torch.randn(B, T, 1, generator=generator)
            x[0, 0] = 1.0
            flat = x.view(B * T, 1)
            values.append([batch_norm(x, gain, bias)[0, 0, 0], batch_norm(flat, gain, bias)[0, 0]])
        spreads.append(torch.tensor(values).std(0).tolist())  # one for each shape
    plt.loglog(sizes, [three for three, _ in spreads], marker="o", label="given as (B, T, C)")
    plt.loglog(sizes, [two for _, two in spreads], marker=".", linestyle="--", label="given as (B T, C)")
    plt.title("Noise that a batch adds to the value 1 (T = 8 positions)")
    plt.xlabel("B, lines in a batch")
    plt.ylabel("standard deviation of the normalised value")
    plt.legend()
    show("how far the noise of (B, T, C) lies above that of the same values given as (B T, C).")


if __name__ == "__main__":
    symptom()
