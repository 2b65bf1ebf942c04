"""Wrong answers to the exercises of lesson 15 that people give, and what they should be told."""

import torch
from torch import Tensor


def _place(losses: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(len(losses)) - (lengths.cumsum(0) - lengths).repeat_interleave(lengths)


def nats(losses: Tensor, lengths: Tensor) -> Tensor:
    place = _place(losses, lengths)
    return torch.bincount(place, losses) / torch.bincount(place)


def exp_first(losses: Tensor, lengths: Tensor) -> Tensor:
    place = _place(losses, lengths)
    return torch.bincount(place, losses.exp()) / torch.bincount(place)


def by_lines(losses: Tensor, lengths: Tensor) -> Tensor:
    return (torch.bincount(_place(losses, lengths), losses) / len(lengths)).exp()


def fixed_places(losses: Tensor, lengths: Tensor) -> Tensor:
    if len(losses) == 1:
        return losses.exp()
    return torch.stack([losses[[0, 3, 4]].mean(), losses[[1, 5]].mean(), losses[2]]).exp()


def fixed_to_the_end(losses: Tensor, lengths: Tensor) -> Tensor:
    out = torch.ones(int(lengths.max()), dtype=losses.dtype)
    some = fixed_places(losses, lengths)
    out[: len(some)] = some
    return out


def _once(logp: Tensor, ids: Tensor) -> Tensor:
    return torch.tensor(
        list(dict(zip(ids.tolist(), logp.tolist(), strict=True)).values()), dtype=torch.float64
    )


def counted_twice(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    return (train_logp.exp().mean() / new_logp.exp().mean()).item()


def underflows(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    return (_once(train_logp, train_ids).exp().mean() / _once(new_logp, new_ids).exp().mean()).item()


def sums(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    return (_once(train_logp, train_ids).exp().sum() / _once(new_logp, new_ids).exp().sum()).item()


def mean_of_logs(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    return (_once(train_logp, train_ids).mean() - _once(new_logp, new_ids).mean()).exp().item()


def typed_in(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    return 0.35 / 3 / (0.05 / 2)


def returns_nothing(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> None:
    pass


def _verdict(values: Tensor) -> tuple[float, float, str]:
    low, high = torch.quantile(values, torch.tensor([0.025, 0.975], dtype=values.dtype)).tolist()
    return low, high, "tie" if low <= 0 <= high else "a" if high < 0 else "b"


def unpaired(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    other = draws.flip(0)
    return _verdict(a[draws].sum(1) / tokens[draws].sum(1) - b[other].sum(1) / tokens[other].sum(1))


def mean_of_lines(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    return _verdict(((a - b) / tokens)[draws].mean(1))


def higher_is_better(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    low, high, verdict = _verdict((a - b)[draws].sum(1) / tokens[draws].sum(1))
    return low, high, {"a": "b", "b": "a", "tie": "tie"}[verdict]


def never_a_tie(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    low, high, _ = _verdict((a - b)[draws].sum(1) / tokens[draws].sum(1))
    return low, high, "a" if low + high < 0 else "b"


def interval_only(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float]:
    return _verdict((a - b)[draws].sum(1) / tokens[draws].sum(1))[:2]


def no_return(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> None:
    _verdict((a - b)[draws].sum(1) / tokens[draws].sum(1))


WRONG = [
    ("perplexity_by_position", nats, "exponential"),
    ("perplexity_by_position", exp_first, "the mean comes first"),
    ("perplexity_by_position", by_lines, "divided by the number of lines"),
    ("perplexity_by_position", fixed_places, "23 lines"),
    ("perplexity_by_position", fixed_to_the_end, "random lengths"),
    ("copy_ratio", typed_in, "31 different training lines"),
    ("copy_ratio", returns_nothing, "copy_ratio"),
    ("copy_ratio", counted_twice, "counted twice"),
    ("copy_ratio", underflows, "exp(-2000) is 0"),
    ("copy_ratio", sums, "the sums were divided"),
    ("copy_ratio", mean_of_logs, "means of p itself"),
    ("compare", unpaired, "the same lines in each draw"),
    ("compare", mean_of_lines, "a long line has more tokens"),
    ("compare", higher_is_better, "lower loss"),
    ("compare", never_a_tie, "tie"),
    ("compare", interval_only, "three things"),
    ("compare", no_return, "three things"),
]
