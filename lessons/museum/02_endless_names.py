"""Bug 2: names that begin with anything and never end.

After lesson 1.

Symptom: the first letters of its names are spread like letters anywhere in a name, and somebody had to stop
each name after six characters, because the model never does.
Run this file, look at the figure, and mend `pairs`. Then: makemore lessons check museum endless_names
"""

import random
from collections import Counter

from makemore.course import names, show


def pairs(words: list[str]) -> list[tuple[str, str]]:
    """Return every pair of neighbours to be counted, in order. "." is the boundary of a line."""
    found = []
    for word in words:
        found += list(zip(word, word[1:]))
    return found


def symptom() -> None:
    """Show it on the bundled names."""
    import matplotlib.pyplot as plt

    words = names()
    counts = Counter(pairs(words))
    starts = {b: n for (a, b), n in counts.items() if a == "."}
    if not starts:  # no beginnings were counted: any letter will do
        starts = Counter(b for _, b in counts.elements())
    drawn = random.Random(1).choices(list(starts), weights=starts.values(), k=len(words))
    real, made, letters = Counter(w[0] for w in words), Counter(drawn), "abcdefghijklmnopqrstuvwxyz"
    plt.plot(list(letters), [real[c] / len(words) for c in letters], marker="o", label="real names")
    plt.plot(list(letters), [made[c] / len(words) for c in letters], marker="o", label="the model's names")
    plt.title("How names begin")
    plt.xlabel("first letter")
    plt.ylabel("share of names")
    plt.legend()
    show("letters that are common inside names but seldom begin one, such as n and h.")
    print("pairs that say where a name ends:", sum(n for (_, b), n in counts.items() if b == "."))


if __name__ == "__main__":
    symptom()
