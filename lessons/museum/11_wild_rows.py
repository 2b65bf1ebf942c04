"""Bug 11: wild names in a batch.

After lesson 16.

Symptom: sampled one at a time, names are fine. Sampled by the batch, some are wild and some are always the same,
and with k above the size of the vocabulary the program dies.
Run this file, look at the figure, and mend `top_k`. Then: makemore lessons check museum wild_rows
"""

import torch
from torch import Tensor

from makemore.course import show


def top_k(logits: Tensor, k: int) -> Tensor:
    """Leave each row its k largest logits; the others become -inf. More than V leaves all.

    logits: (B, V), not changed. Returns (B, V).
    """
    best, _ = torch.topk(logits, k)  # (B, k), the largest first
    left = logits.clone()
    left[left < best[-1, -1]] = -torch.inf
    return left


def symptom() -> None:
    """Show how many characters each row of a batch may choose from."""
    import matplotlib.pyplot as plt

    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(12, 27, generator=generator) + torch.randn(12, 1, generator=generator)
    plt.bar(range(12), top_k(logits, 5).isfinite().sum(1).tolist())
    plt.axhline(5, color="black", linestyle="--", linewidth=0.8)
    plt.title("Characters left of 27 with k = 5")
    plt.xlabel("row of the batch")
    plt.ylabel("logits that are not -inf")
    show("how many are left of each row, where 5 should be (dashed).")


if __name__ == "__main__":
    symptom()
