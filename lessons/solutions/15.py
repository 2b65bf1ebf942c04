"""Solutions of lesson 15's exercises."""

import torch
from torch import Tensor


def perplexity_by_position(losses: Tensor, lengths: Tensor) -> Tensor:
    starts = lengths.cumsum(0) - lengths  # (M,) where each line begins
    place = torch.arange(len(losses)) - starts.repeat_interleave(lengths)  # (N,) from 0 in each line
    return (torch.bincount(place, losses) / torch.bincount(place)).exp()


def copy_ratio(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    logs = []
    for logp, ids in ((train_logp, train_ids), (new_logp, new_ids)):
        different = dict(zip(ids.tolist(), logp.double().tolist()))
        values = torch.tensor(list(different.values()), dtype=torch.float64)
        logs.append(values.logsumexp(0) - torch.tensor(len(values)).log())  # log of the mean of p
    return (logs[0] - logs[1]).exp().item()


def compare(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    difference = (a - b)[draws].sum(1) / tokens[draws].sum(1)  # (R,)
    low, high = torch.quantile(difference, torch.tensor([0.025, 0.975], dtype=difference.dtype)).tolist()
    return low, high, "tie" if low <= 0 <= high else "a" if high < 0 else "b"
