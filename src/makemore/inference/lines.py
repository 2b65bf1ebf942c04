"""How likely whole lines are, in NumPy: the probability of each character and of the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from makemore.inference.base import Array, Inference, State, log_softmax


def score(form: Inference, lines: Sequence[Array], labels: Sequence[int]) -> list[list[float]]:
    """Return -log p of every character of some lines, in nats.

    Args:
        form: The model.
        lines: The ids of each line, with the boundary, id 0, before it and after it.
        labels: The label of each.

    """
    order = sorted(range(len(lines)), key=lambda i: -len(lines[i]))  # longest first: those that end drop off
    found: list[list[float]] = [[] for _ in lines]
    state: State | None = None
    for t in range(len(lines[order[0]]) - 1 if lines else 0):
        while len(lines[order[-1]]) - 1 <= t:
            order.pop()
        now, target = (np.array([lines[i][t + k] for i in order], dtype=np.intp) for k in (0, 1))
        state = state and tuple(s[: len(order)] for s in state)
        logits, state = form.step(now + form.V * np.array([labels[i] for i in order], dtype=np.intp), state)
        nll = -log_softmax(logits)[np.arange(len(order)), target]
        for i, value in zip(order, nll.tolist(), strict=True):
            found[i].append(value)
    return found


def expected(form: Inference, line: Array, label: int = 0) -> Iterator[Array]:
    """Yield the probabilities (V,) of all characters at each position of a line of ids that begins with 0.

    `label` is the line's.
    """
    state: State | None = None
    for i in line[:-1]:
        logits, state = form.step(np.array([i], dtype=np.intp) + form.V * label, state)
        yield np.exp(log_softmax(logits))[0]
