"""Bug 1: samples that look drunk.

After lesson 1.

Symptom: samples look drunk, though the counts are right. Even the loss is what it should be, to all its digits.
Run this file, look at the figure, and mend `probabilities`. Then: makemore lessons check museum drunk_samples
"""

import torch
from torch import Tensor

from makemore.course import names, show


def probabilities(counts: Tensor) -> Tensor:
    """Counts (V, V) to probabilities (V, V), every count raised by 1; row a is what follows a."""
    raised = counts.float() + 1
    return raised / raised.sum(1)


def symptom() -> None:
    """Show it on the bundled names."""
    import matplotlib.pyplot as plt

    ids = torch.tensor([0] + [0 if c == "." else ord(c) - 96 for word in names() for c in word + "."])
    counts = torch.bincount(ids[:-1] * 27 + ids[1:], minlength=27 * 27).view(27, 27)
    p = probabilities(counts)
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        made = [int(torch.multinomial(p[0], 1, generator=generator))]
        while made[-1] and len(made) < 30:
            made.append(int(torch.multinomial(p[made[-1]], 1, generator=generator)))
        print("sample:", "".join(chr(96 + i) for i in made if i))
    print(f"loss: {-p[ids[:-1], ids[1:]].log().mean():.4f} nats per character, which is as it should be")
    plt.bar(range(27), p.sum(1).tolist())
    plt.title("What the probabilities of each row sum to")
    plt.xlabel("row: id of this character")
    plt.ylabel("sum of probabilities")
    show("what every bar should be, and is not.")


if __name__ == "__main__":
    symptom()
