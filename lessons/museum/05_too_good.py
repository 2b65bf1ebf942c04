"""Bug 5: a score that is too good.

After lesson 4.

Symptom: a model that learns its lines by heart looks excellent on the test lines, and is not on new ones.
Run this file, look at the figure, and mend `sides`. Then: makemore lessons check museum too_good
"""

import random

from makemore.course import names, show


def sides(lines: list[str]) -> list[str]:
    """Return "train" or "test" for each line, in order: about a tenth "test", the same at every call.

    Lines may stand in the list more than once, and a test line must not have been trained on.
    """
    generator = random.Random(42)
    return ["test" if generator.random() < 0.1 else "train" for _ in lines]


def symptom() -> None:
    """Show it on the bundled names."""
    import matplotlib.pyplot as plt

    words = names()
    side = sides(words)
    train = {w for w, s in zip(words, side) if s == "train"}
    test = [w for w, s in zip(words, side) if s == "test"]
    known = sum(w in train for w in test) / len(test)
    plt.bar(["in train too", "not in train"], [100 * known, 100 * (1 - known)])
    plt.title("Test lines that were trained on")
    plt.xlabel("test lines")
    plt.ylabel("share (%)")
    show("the bar on the left, which should not be there.")


if __name__ == "__main__":
    symptom()
