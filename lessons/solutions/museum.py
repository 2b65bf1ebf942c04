"""What was wrong in the museum of bugs, and each function mended."""

import hashlib
import random
from collections.abc import Callable

import torch
from torch import Tensor, nn


# 1: the sums had shape (V,), so column b was divided by the sum of row b
def probabilities(counts: Tensor) -> Tensor:
    raised = counts.float() + 1
    return raised / raised.sum(1, keepdim=True)


# 2: without the boundary nothing is known of beginnings and ends
def pairs(words: list[str]) -> list[tuple[str, str]]:
    found = []
    for word in words:
        line = f".{word}."
        found += list(zip(line, line[1:]))
    return found


# 3: backward() adds to the gradient that is there, so every step took all earlier ones again
def descend(weights: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, rate: float) -> list[float]:
    losses = []
    for _ in range(steps):
        loss = loss_of(weights)
        weights.grad = None
        loss.backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        losses.append(loss.item())
    return losses


# 4: with fewer than ten lines n is 0, and lines[:-0] is lines[:0]
def split(lines: list[str], seed: int) -> tuple[list[str], list[str]]:
    shuffled = lines.copy()
    random.Random(seed).shuffle(shuffled)
    n = min(1000, max(1, int(len(lines) * 0.1)))
    return shuffled[:-n], shuffled[-n:]


# 5: a line's side was drawn for each place, not for each text
def sides(lines: list[str]) -> list[str]:
    tenths = [int.from_bytes(hashlib.sha256(line.encode()).digest()[:4]) / 2**32 for line in lines]
    return ["test" if x < 0.1 else "train" for x in tenths]


# 6: in training mode the batch at hand is normalised by its own mean, and the running mean moves besides
def predict(model: nn.Module, contexts: Tensor) -> Tensor:
    training = model.training
    model.eval()
    with torch.no_grad():
        p = model(contexts).softmax(-1)
    model.train(training)
    return p


# 7: one mean for each position of the line, from B values, instead of one from B x T
def batch_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    over = tuple(range(x.dim() - 1))  # all but the channels
    mean = x.mean(over, keepdim=True)
    variance = x.var(over, keepdim=True, unbiased=False)
    return gain * (x - mean) / (variance + 1e-5).sqrt() + bias


# 8: every step began from the start state again
def run_through(cell: nn.Module, start: Tensor, inputs: Tensor) -> Tensor:
    states, state = [], start
    for t in range(inputs.shape[1]):
        state = cell(inputs[:, t], state)
        states.append(state)
    return torch.stack(states, 1)


# 9: padding counted as tokens without loss, and a batch of few tokens as much as one of many
def loss(batches: list[tuple[Tensor, Tensor]]) -> float:
    total = sum((nll * mask).sum().item() for nll, mask in batches)
    return total / sum(mask.sum().item() for _, mask in batches)


# 10: the softmax had shared out the weight before the future was taken away
def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    T, C = q.shape[1:]
    scores = q @ k.transpose(1, 2) / C**0.5  # (B, T, T)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(-1) @ v


# 11: the threshold was that of the last row
def top_k(logits: Tensor, k: int) -> Tensor:
    best, _ = torch.topk(logits, min(k, logits.shape[1]))
    return logits.masked_fill(logits < best[:, [-1]], -torch.inf)
