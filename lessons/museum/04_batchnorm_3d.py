"""Bug 4: batch normalisation that counts to four.

Symptom: the network works, but its statistics jump about from batch to batch far more than with so many values
they should. The function was written for (B, C), and now gets (B, T, C).
Run this file, look at the figure, and mend `batch_norm`. Then: makemore lessons check museum
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
    """Show it: values of 1, added to every position of one line, should be seen by its own channel's mean only."""
    import matplotlib.pyplot as plt

    generator = torch.Generator().manual_seed(1)
    sizes, spreads = [4, 8, 16, 32, 64], []
    for B in sizes:  # how far the normalised value of the same input scatters over many batches
        values = []
        for _ in range(200):
            x = torch.randn(B, 8, 1, generator=generator)
            x[0] = 1.0
            values.append(batch_norm(x, torch.ones(1), torch.zeros(1))[0, 0, 0])
        spreads.append(torch.stack(values).std().item())
    plt.loglog(sizes, spreads, marker="o", label="measured")
    plt.loglog(
        sizes, [(1.5 / (B * 8)) ** 0.5 for B in sizes], linestyle="--", label="expected of B x T values"
    )
    plt.title("Noise that a batch adds to the value 1 (T = 8 positions)")
    plt.xlabel("B, lines in a batch")
    plt.ylabel("standard deviation of the normalised value")
    plt.legend()
    show("how far the measured noise lies above what is expected: as if T did not exist.")


if __name__ == "__main__":
    symptom()
