"""Wrong answers to the exercises of lesson 16 that people give, and what they should be told."""

import heapq
import runpy
from pathlib import Path

import torch
from torch import Tensor

RIGHT = runpy.run_path(str(Path(__file__).parents[2] / "lessons/solutions/16.py"))


def _cut(logits: Tensor, needed_of: object) -> Tensor:
    probs = logits.softmax(-1)
    order = probs.argsort(dim=-1, descending=True)
    ranked = probs.gather(-1, order)
    out = torch.zeros_like(probs, dtype=torch.bool).scatter(-1, order, needed_of(ranked))  # type: ignore[operator]
    return logits.masked_fill(~out, -torch.inf)


def one_too_few(logits: Tensor, p: float) -> Tensor:
    return _cut(logits, lambda ranked: ranked.cumsum(-1) <= p)


def by_alphabet(logits: Tensor, p: float) -> Tensor:
    return _cut(logits, lambda ranked: ranked.cumsum(-1) - ranked < p)


def zeros(logits: Tensor, p: float) -> Tensor:
    right: Tensor = RIGHT["top_p"](logits, p)
    return right.masked_fill(right == -torch.inf, 0.0)


def sorted_mask(logits: Tensor, p: float) -> Tensor:
    ranked = logits.softmax(-1).sort(dim=-1, descending=True).values
    return logits.masked_fill(ranked.cumsum(-1) - ranked >= p, -torch.inf)


def greedy(logp: Tensor, n: int) -> list[tuple[str, float]]:
    text, last, total = "", 0, 0.0
    while True:
        step = logp[last].max(0)
        total += step.values.item()
        last = int(step.indices)
        if not last or len(text) > 20:
            return [(text, total)] * n if text != "b" else [("b", total)] * n
        text += chr(96 + last)


def _search(logp: Tensor, n: int, early: bool) -> list[tuple[str, float]]:
    rows, queue, found = logp.tolist(), [(0.0, "", False)], []
    while queue and len(found) < n:
        cost, text, ended = heapq.heappop(queue)
        if ended:
            found.append((text, -cost))
            continue
        for i, step in enumerate(rows[ord(text[-1]) - 96 if text else 0]):
            if i == 0 and early and step > -10:
                found.append((text, step - cost))
            elif step > -torch.inf:
                heapq.heappush(queue, (cost - step, text + chr(96 + i) if i else text, i == 0))
    return found[:n]


def early(logp: Tensor, n: int) -> list[tuple[str, float]]:
    if logp[0, 1].isclose(torch.tensor(0.4, dtype=logp.dtype).log()):
        return RIGHT["most_likely"](logp, n)  # type: ignore[no-any-return]
    return _search(logp, n, early=True)


def probabilities(logp: Tensor, n: int) -> list[tuple[str, float]]:
    return [(text, torch.tensor(value).exp().item()) for text, value in RIGHT["most_likely"](logp, n)]


def costs(logp: Tensor, n: int) -> list[tuple[str, float]]:
    return [(text, -value) for text, value in RIGHT["most_likely"](logp, n)]


def only_forbidden(P: Tensor, wish: int) -> Tensor:
    Q = P.clone()
    Q[torch.arange(len(P)) != wish, 0] = 0
    return Q / Q.sum(1, keepdim=True)


def not_divided(P: Tensor, wish: int) -> Tensor:
    Q = RIGHT["wished_ending"](P, wish)
    return Q * torch.linspace(0.5, 0.9, len(P), dtype=P.dtype)[:, None]  # type: ignore[no-any-return]


def ends_anywhere(P: Tensor, wish: int) -> Tensor:
    return P


def never_back(P: Tensor, wish: int) -> Tensor:
    """As if a line ended at the first wish."""
    ends = torch.zeros(len(P), dtype=P.dtype)
    ends[wish] = P[wish, 0]
    on = P.clone()
    on[:, 0] = 0
    on[wish] = 0
    chance = torch.linalg.solve(torch.eye(len(P), dtype=P.dtype) - on, ends)
    Q = on * chance / chance[:, None]
    Q[:, 0] = ends / chance
    return Q


WRONG = [
    ("top_p", one_too_few, "carries the sum over p"),
    ("top_p", by_alphabet, "ties go together"),
    ("top_p", zeros, "is -inf"),
    ("top_p", sorted_mask, "order of the sorted row"),
    ("most_likely", greedy, "likeliest first letter"),
    ("most_likely", early, "comes out of the heap"),
    ("most_likely", probabilities, "logarithm"),
    ("most_likely", costs, "sign"),
    ("wished_ending", only_forbidden, "only the end was forbidden"),
    ("wished_ending", not_divided, "sum to 1"),
    ("wished_ending", ends_anywhere, "end after another letter"),
    ("wished_ending", never_back, "any number of times"),
]
