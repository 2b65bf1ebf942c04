"""Wrong answers to the exercises of lesson 5 that people give, and what they should be told."""

import torch


def interpolates(counts, shorter, D):
    total = counts.sum()
    taken = counts.clamp(max=D)
    return (counts - taken + taken.sum() * shorter) / total if total else shorter


def not_normalised(counts, shorter, D):
    total, seen = counts.sum(), counts > 0
    return torch.where(seen, (counts - D) / total, D * seen.sum() / total * shorter)


def evenly(counts, shorter, D):
    total, seen = counts.sum(), counts > 0
    return torch.where(seen, (counts - D) / total, D * seen.sum() / total / (~seen).sum())


def never_seen_is_nan(counts, shorter, D):
    total, seen = counts.sum(), counts > 0
    rest = D * seen.sum() / total * shorter / shorter[~seen].sum()
    return torch.where(seen, (counts - D) / total, rest)


def all_seen_loses(counts, shorter, D):
    total, seen = counts.sum(), counts > 0
    if total == 0:
        return shorter
    rest = D * seen.sum() / total * shorter / shorter[~seen].sum()
    return torch.where(seen, (counts - D) / total, rest)


def adds_counts(counts, context):
    found = torch.zeros(len(next(iter(counts.values()))))
    for longer, row in counts.items():
        if longer[1:] == context and len(longer) == len(context) + 1:
            found += row
    return found


def any_ending(counts, context):
    found = torch.zeros(len(next(iter(counts.values()))))
    for longer, row in counts.items():
        if longer.endswith(context) and longer != context:
            found += row > 0
    return found


def behind(counts, context):
    found = torch.zeros(len(next(iter(counts.values()))))
    for longer, row in counts.items():
        if longer[:-1] == context and len(longer) == len(context) + 1:
            found += row > 0
    return found


def contexts_only(counts, context):
    found = torch.zeros(len(next(iter(counts.values()))))
    for longer in counts:
        if longer[1:] == context and len(longer) == len(context) + 1:
            found += 1
    return found


def four_typed_in(counts, context):
    found = torch.zeros(4)
    for longer, row in counts.items():
        if longer[1:] == context and len(longer) == len(context) + 1:
            found += row[:4] > 0
    return found


def nothing_left_out(counts, shorter, D):
    T, total = (counts > 0).sum(), counts.sum()
    return (counts > 0) * ((counts - D).clamp(min=0) + D * T * shorter) / total


def same_total(counts, shorter, D):
    T = (counts > 0).sum() - (counts == 1).float()
    return (counts > 0) * ((counts - 1 - D).clamp(min=0) + D * T * shorter) / counts.sum()


def same_number(counts, shorter, D):
    T = (counts > 0).sum()
    return (counts > 0) * ((counts - 1 - D).clamp(min=0) + D * T * shorter) / (counts.sum() - 1)


def below_zero(counts, shorter, D):
    T = (counts > 0).sum() - (counts == 1).float()
    return (counts > 0) * (counts - 1 - D + D * T * shorter) / (counts.sum() - 1)


def once_is_nan(counts, shorter, D):
    T = (counts > 0).sum() - (counts == 1).float()
    p = ((counts - 1 - D).clamp(min=0) + D * T * shorter) / (counts.sum() - 1)
    return torch.where(counts > 0, p, 0.0)


def in_place(counts, shorter, D):
    found = torch.zeros(len(counts))
    for w in range(len(counts)):
        if counts[w] > 0:
            counts[w] -= 1
            kept = (counts[w] - D).clamp(min=0)
            found[w] = (kept + D * (counts > 0).sum() * shorter[w]) / counts.sum()
    return found


WRONG = [
    ("back_off", interpolates, "this is interpolation"),
    ("back_off", not_normalised, "divide by its sum over them"),
    ("back_off", evenly, "shared evenly"),
    ("back_off", never_seen_is_nan, "never seen this is nan"),
    ("back_off", all_seen_loses, "nothing is taken off"),
    ("continuations", adds_counts, "counts added up"),
    ("continuations", any_ending, "one more character in front"),
    ("continuations", behind, "it should be in front"),
    ("continuations", contexts_only, "in which the letter followed"),
    ("continuations", four_typed_in, "should be (6,)"),
    ("left_out", nothing_left_out, "nothing was left out"),
    ("left_out", same_total, "1 less"),
    ("left_out", same_number, "one letter fewer"),
    ("left_out", below_zero, "max(count - D, 0)"),
    ("left_out", once_is_nan, "0 / 0 is nan"),
    ("left_out", in_place, "work on a copy"),
]
