"""Wrong answers to the exercises of lesson 1 that people give, and what they should be told."""

import torch
from torch import Tensor


def no_keepdim(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(1)


def columns(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(0, keepdim=True)


def empty_row(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(1, keepdim=True)


def turned_round(ids: Tensor, V: int) -> Tensor:
    triples = (ids[2:] * V + ids[1:-1]) * V + ids[:-2]
    return torch.bincount(triples, minlength=V**3).view(V, V, V)


def no_minlength(ids: Tensor, V: int) -> Tensor:
    return torch.bincount((ids[:-2] * V + ids[1:-1]) * V + ids[2:])


def nats(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log().mean().item()


def total(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log2().sum().item()


def three_typed_in(counts: Tensor, s: float) -> Tensor:
    raised = counts + s
    total = raised.sum(1, keepdim=True)
    return torch.where(total > 0, raised / total, 1 / 3)


def rows_typed_in(counts: Tensor, s: float) -> Tensor:
    if s == 1:
        return torch.tensor([[7 / 11, 3 / 11, 1 / 11], [1 / 3] * 3, [2 / 7, 2 / 7, 3 / 7]])
    return torch.tensor(
        [[6.5 / 9.5, 2.5 / 9.5, 0.5 / 9.5] if s else [6 / 8, 2 / 8, 0], [1 / 3] * 3, [1 / 3] * 3]
    )


def nine_typed_in(ids: Tensor, V: int) -> Tensor:
    triples = ids[:-2] * 9 + ids[1:-1] * 3 + ids[2:]
    return torch.bincount(triples, minlength=V**3)[: V**3].view(V, V, V)


def three_characters(ids: Tensor, V: int) -> Tensor:
    triples = (ids[:-2] * 3 + ids[1:-1]) * 3 + ids[2:]
    return torch.bincount(triples, minlength=27)[:27].view(3, 3, 3)


def float_counts(ids: Tensor, V: int) -> Tensor:
    triples = (ids[:-2] * V + ids[1:-1]) * V + ids[2:]
    return torch.bincount(triples, torch.ones(len(triples)), minlength=V**3).view(V, V, V)


def one_by_one(ids: Tensor, V: int) -> Tensor:
    counts = torch.zeros(V, V, V, dtype=torch.int64)
    for a, b, c in zip(ids, ids[1:], ids[2:], strict=False):
        counts[a, b, c] += 1
    return counts


def in_a_list(ids: Tensor, V: int) -> Tensor:
    line = ids.tolist()
    triples = [(line[i] * V + line[i + 1]) * V + line[i + 2] for i in range(len(line) - 2)]
    return torch.bincount(torch.tensor(triples), minlength=V**3).view(V, V, V)


def by_map(ids: Tensor, V: int) -> Tensor:
    line = ids.tolist()
    triples = list(map(lambda a, b, c: (a * V + b) * V + c, line, line[1:], line[2:]))
    return torch.bincount(torch.tensor(triples), minlength=V**3).view(V, V, V)


def bits_typed_in(table: Tensor, ids: Tensor) -> float:
    return 0.8050125


def pairs_typed_in(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log2().sum().item() / 3


def nothing(table: Tensor, ids: Tensor) -> None:
    -table[ids[:-1], ids[1:]].log2().mean()


def grand_total(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum()


def total_without_s(counts: Tensor, s: float) -> Tensor:
    return counts / counts.sum()


def one_s_a_row(counts: Tensor, s: float) -> Tensor:
    rows = [[(c + s) / (sum(row) + s) for c in row] for row in counts.tolist()]
    return torch.tensor(rows)


def sum_before_s(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / counts.sum(1, keepdim=True)


def no_minlength_viewed(ids: Tensor, V: int) -> Tensor:
    return torch.bincount((ids[:-2] * V + ids[1:-1]) * V + ids[2:]).view(V, V, V)


def indexed(ids: Tensor, V: int) -> Tensor:
    counts = torch.zeros(V, V, V, dtype=torch.int64)
    counts[ids[:-2], ids[1:-1], ids[2:]] += 1
    return counts


def nats_over_ids(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log().sum().item() / len(ids)


def sum_of_nats(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log().sum().item()


WRONG = [
    ("row_probabilities", no_keepdim, "shape (V,), so column b was divided"),
    ("row_probabilities", grand_total, "the sum of the whole table"),
    ("row_probabilities", total_without_s, "the sum of the whole table"),
    ("row_probabilities", one_s_a_row, "so by s V"),
    ("row_probabilities", sum_before_s, "before s was added"),
    ("row_probabilities", columns, "columns sum to 1"),
    ("row_probabilities", empty_row, "0 / 0 = nan"),
    ("row_probabilities", three_typed_in, "not for V = 5"),
    ("row_probabilities", rows_typed_in, "shape (3, 3)"),
    ("trigram_counts", nine_typed_in, "not for V = 5"),
    ("trigram_counts", three_characters, "with V = 5"),
    ("trigram_counts", float_counts, "int64 is wanted, not torch.float32"),
    ("trigram_counts", one_by_one, "a loop over the stream"),
    ("trigram_counts", in_a_list, "a loop over the stream"),
    ("trigram_counts", by_map, "a loop over the stream"),
    ("trigram_counts", turned_round, "turned round"),
    ("trigram_counts", no_minlength, "minlength=V**3"),
    ("trigram_counts", no_minlength_viewed, "minlength=V**3"),
    ("trigram_counts", indexed, "writes to each place once"),
    ("bits_per_character", nats, "nats"),
    ("bits_per_character", total, "the sum"),
    ("bits_per_character", nats_over_ids, "divided by the M ids"),
    ("bits_per_character", sum_of_nats, "not their mean"),
    ("bits_per_character", bits_typed_in, "not for another"),
    ("bits_per_character", pairs_typed_in, "not for another"),
    ("bits_per_character", nothing, "returned nothing; it should return a number"),
]
