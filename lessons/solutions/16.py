"""Solutions of lesson 16's exercises."""

import heapq

import torch
from torch import Tensor


def top_p(logits: Tensor, p: float) -> Tensor:
    probs = logits.softmax(-1)
    ranked = probs.sort(dim=-1, descending=True).values
    before = ranked.cumsum(-1) - ranked  # the probability of everything likelier
    needed = before < p
    needed[:, 0] = True
    least = ranked.masked_fill(~needed, 2.0).min(-1, keepdim=True).values  # (B, 1)
    return logits.masked_fill(probs < least, -torch.inf)


def most_likely(logp: Tensor, n: int) -> list[tuple[str, float]]:
    rows = logp.tolist()
    queue = [(0.0, "", False)]  # cost, beginning, whether it has ended
    found = []
    while queue and len(found) < n:
        cost, text, ended = heapq.heappop(queue)
        if ended:
            found.append((text, -cost))
            continue
        last = ord(text[-1]) - 96 if text else 0
        for i, step in enumerate(rows[last]):
            if step > -torch.inf:
                heapq.heappush(queue, (cost - step, text + chr(96 + i) if i else text, i == 0))
    return found


def wished_ending(P: Tensor, wish: int) -> Tensor:
    V = len(P)
    ends = torch.zeros(V, dtype=P.dtype)
    ends[wish] = P[wish, 0]
    on = P.clone()
    on[:, 0] = 0  # going on: every step but the end
    chance = torch.linalg.solve(torch.eye(V, dtype=P.dtype) - on, ends)  # h = ends + on h
    Q = on * chance / chance[:, None]
    Q[:, 0] = ends / chance
    return Q
