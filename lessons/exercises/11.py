"""Exercises of lesson 11. Fill in the functions; `makemore lessons check 11` grades them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bag_of_words(V: int, C: int, T: int, layers: int) -> nn.Module:
    """The average of the past as a module. Write a class in here (or above), and return an object of it.

    It holds, under these names,

        embedding   an nn.Embedding, (V, C)
        gain        a parameter (C,), all ones at the start
        average     a buffer (T, T): row t has 1 / (t + 1) in its first t + 1 places, and 0 after them
        layers      `layers` times nn.Linear(C, C)
        head        nn.Linear(C, V)

    and nothing else that is in the state dict. It takes ids (B, t) with t <= T, and returns logits (B, t, V):

        e = embedding(ids)                      (B, t, C)
        u = gain * e + average[:t, :t] @ e
        u = u + tanh(layer(u))                  for each of the layers
        logits = head(u)
    """
    raise NotImplementedError


def padded(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    """A collate function. lines: B tensors of ids, of unequal length, each without start and end.

    Returns inputs and targets, (B, T) and int64, where T is the length of the longest line plus 1. A row of
    inputs is 0, then the line; the target of each place is what comes next, and after the line comes 0, its
    end. Where there is nothing left to predict, inputs are 0 and targets -1. A line may be empty.
    """
    raise NotImplementedError


def train_and_score(
    model: nn.Module,
    batches: list[tuple[Tensor, Tensor]],
    held_out: list[tuple[Tensor, Tensor]],
    rate: float,
    decay: float,
) -> float:
    """Train a model in place, one step on each of the batches, and return its loss on the held-out batches.

    model: takes ids (B, T), returns logits (B, T, V). You do not know in which mode it comes, nor whether its
    parameters have gradients already. A batch is inputs and targets, (B, T) each; targets of -1 do not count.

    The optimiser is torch.optim.AdamW with learning rate `rate`. The weight decay is `decay` for parameters of
    two or more dimensions and 0 for the others. The loss of a batch is the mean over its targets.

    Returns the mean of -log p over all targets of all held-out batches, each counting once, as a float. It is
    measured as the model is used, and without computing gradients.
    """
    raise NotImplementedError
