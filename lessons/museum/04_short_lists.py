"""Bug 4: lists that are too short.

After lesson 4.

Symptom: with a list of a few lines training dies, or goes on for ever on nothing. With longer lists all is well.
Run this file, look at the figure, and mend `split`. Then: makemore lessons check museum short_lists
"""

import random

from makemore.course import show


def split(lines: list[str], seed: int) -> tuple[list[str], list[str]]:
    """Shuffle lines, and split them: a tenth of them, 1,000 at most, to test with, the others to train on.

    From two lines on both have one at least.
    """
    shuffled = lines.copy()
    random.Random(seed).shuffle(shuffled)
    n = min(1000, int(len(lines) * 0.1))
    return shuffled[:-n], shuffled[-n:]


def symptom() -> None:
    """Show it on lists of different lengths."""
    import matplotlib.pyplot as plt

    lengths = range(2, 31)
    sizes = [[len(part) for part in split([f"line {i}" for i in range(n)], 1)] for n in lengths]
    plt.plot(lengths, [train for train, _ in sizes], marker="o", label="to train on")
    plt.plot(lengths, [test for _, test in sizes], marker="o", label="to test with")
    plt.title("How a list is split")
    plt.xlabel("lines in the list")
    plt.ylabel("lines in the part")
    plt.legend()
    show("the left end: how many lines a short list leaves to train on.")


if __name__ == "__main__":
    symptom()
