"""Bug 9: a loss that depends on the batch size.

After lesson 9.

Symptom: the same model on the same lines gets another loss for every batch size, and the difference is larger
than that between good and bad models.
Run this file, look at the figure, and mend `loss`. Then: makemore lessons check museum loss_by_batch_size
"""

import torch
from torch import Tensor

from makemore.course import show


def loss(batches: list[tuple[Tensor, Tensor]]) -> float:
    """Mean of -log p over all tokens of all batches.

    A batch is (nll, mask), both (B, T): -log p at each place, and 1 where a token stands, 0 where only padding.
    """
    return sum((nll * mask).mean().item() for nll, mask in batches) / len(batches)


def some_batches(size: int) -> list[tuple[Tensor, Tensor]]:
    """The same 500 lines of different lengths, so many in a batch, each padded to the batch's longest."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(2, 16, (500,), generator=generator)
    lines = [torch.rand(int(n), generator=generator) * 2 + 30 / n for n in lengths]
    batches = []
    for i in range(0, len(lines), size):
        some = lines[i : i + size]
        nll = torch.nn.utils.rnn.pad_sequence(some, batch_first=True, padding_value=7.0)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(x)) for x in some], batch_first=True)
        batches.append((nll, mask))
    return batches


def symptom() -> None:
    """Show the loss over the batch size."""
    import matplotlib.pyplot as plt

    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 500]
    plt.semilogx(sizes, [loss(some_batches(size)) for size in sizes], marker="o")
    plt.title("The loss of one model on the same 500 lines")
    plt.xlabel("lines in a batch")
    plt.ylabel("loss (nats per token)")
    plt.ylim(bottom=0)
    show("a line that should be level: nothing but the batch size changes.")


if __name__ == "__main__":
    symptom()
