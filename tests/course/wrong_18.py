"""Wrong answers to the exercises of lesson 18 that people give, and what they should be told."""

import math

import torch
from torch import Tensor


def changes_ids(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new]
        i += 1
    return ids


def first_only(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new, *ids[i + 2 :]]
    return list(ids)


def overlapping(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    places = [i for i in range(len(ids) - 1) if (ids[i], ids[i + 1]) == pair]
    gone = {i + 1 for i in places}
    return [new if i in places else x for i, x in enumerate(ids) if i in places or i not in gone]


def any_order(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out, i = [], 0
    while i < len(ids):
        if sorted(ids[i : i + 2]) == sorted(pair):
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def loses_the_last(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out, i = [], 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out + (ids[-1:] if len(ids) > 1 and i < len(ids) else [])


def _sizes(pieces: list[list[str]]) -> tuple[int, int, int]:
    return sum(map(len, pieces)), sum(len("".join(line)) for line in pieces), len(pieces)


def in_nats(nats_per_token: float, pieces: list[list[str]]) -> float:
    tokens, characters, ends = _sizes(pieces)
    return nats_per_token * (tokens + ends) / (characters + ends)


def no_ends(nats_per_token: float, pieces: list[list[str]]) -> float:
    tokens, characters, _ = _sizes(pieces)
    return nats_per_token * tokens / characters / math.log(2)


def per_token(nats_per_token: float, pieces: list[list[str]]) -> float:
    return nats_per_token / math.log(2)


def upside_down(nats_per_token: float, pieces: list[list[str]]) -> float:
    tokens, characters, ends = _sizes(pieces)
    return nats_per_token * (characters + ends) / (tokens + ends) / math.log(2)


def by_line(nats_per_token: float, pieces: list[list[str]]) -> float:
    ratios = [(len(line) + 1) / (len("".join(line)) + 1) for line in pieces]
    return nats_per_token * sum(ratios) / len(ratios) / math.log(2)


def _rows(nll: dict[str, Tensor], tokens: Tensor, order: list[str], verdict) -> list[tuple[str, float, str]]:
    return [
        (name, (nll[name].sum() / tokens.sum()).item(), verdict(name, below) if below else "last")
        for name, below in zip(order, [*order[1:], None], strict=True)
    ]


def _sorted(nll: dict[str, Tensor], reverse: bool = False) -> list[str]:
    return sorted(nll, key=lambda name: nll[name].sum().item(), reverse=reverse)


def _means(d: Tensor, tokens: Tensor, chosen: Tensor) -> Tensor:
    return d[chosen].sum(1) / tokens[chosen].sum(1)


def worst_first(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    return _rows(nll, tokens, _sorted(nll, reverse=True), lambda a, b: "real")


def as_given(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    return _rows(nll, tokens, list(nll), lambda a, b: "real")


def apart(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    def verdict(a: str, b: str) -> str:
        high = _means(nll[a], tokens, chosen).quantile(0.975)
        low = _means(nll[b], tokens, chosen).quantile(0.025)
        return "real" if low > high else "tie"

    return _rows(nll, tokens, _sorted(nll), verdict)


def any_difference(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    return _rows(nll, tokens, _sorted(nll), lambda a, b: "real")


def means_of_lines(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    return [(name, (nll[name] / tokens).mean().item(), "last") for name in _sorted(nll)]


def own_choices(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    g = torch.Generator().manual_seed(0)
    own = torch.randint(len(tokens), (1000, len(tokens)), generator=g)

    def verdict(a: str, b: str) -> str:
        return "real" if _means(nll[b] - nll[a], tokens, own).quantile(0.025) > 0 else "tie"

    return _rows(nll, tokens, _sorted(nll), verdict)


WRONG = [
    ("merge", changes_ids, "ids was changed"),
    ("merge", first_only, "only the first pair"),
    ("merge", overlapping, "share the middle one"),
    ("merge", any_order, "the order of a pair counts"),
    ("merge", loses_the_last, "no neighbour"),
    ("per_character", in_nats, "in nats"),
    ("per_character", no_ends, "the ends are left out"),
    ("per_character", per_token, "bits per token"),
    ("per_character", upside_down, "turned round"),
    ("per_character", by_line, "add up first"),
    ("rungs", worst_first, "the worst is first"),
    ("rungs", as_given, "by loss it is"),
    ("rungs", apart, "line by line"),
    ("rungs", any_difference, "are a tie"),
    ("rungs", means_of_lines, "a mean of the lines' means"),
    ("rungs", own_choices, "use `chosen`"),
]
