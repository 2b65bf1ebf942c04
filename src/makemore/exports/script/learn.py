"""Training by gradient descent."""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from makemore.exports.script.base import Model
from makemore.exports.script.chosen import DECAY, MUON, TOKENS
from makemore.exports.script.lines import batch
from makemore.exports.script.score import evaluate
from makemore.exports.script.taught import objective


def batches(lines: list[str], mixed: bool) -> Iterator[list[str]]:
    """Yield batches of about TOKENS characters for ever, of lines of similar lengths unless mixed."""
    mean = sum(len(line) + 1 for line in lines) / len(lines)
    tokens = max(TOKENS, 4 * mean)  # long lines: four of them, about
    window = round(32 * tokens / mean)  # lines that are sorted together
    random.seed(torch.initial_seed())
    while True:
        random.shuffle(lines)
        windows = [lines[i : i + window] for i in range(0, len(lines), window)]
        order = lines if mixed else [line for some in windows for line in sorted(some, key=len)]
        ends = np.cumsum([len(line) + 1 for line in order]) // tokens
        found = np.split(np.array(order, object), np.flatnonzero(np.diff(ends)) + 1)
        random.shuffle(found)
        yield from map(list, found)


def optimizers(model: Model) -> list[torch.optim.Optimizer]:
    """Return AdamW and, if MUON, Muon for the hidden matrices. Vectors do not decay."""
    outer = ("weight", "embedding.", "positions.", "head.")  # tables, and the last layer
    matrices = {name: w for name, w in model.named_parameters() if w.ndim > 1}
    hidden = [w for name, w in matrices.items() if MUON and not name.startswith(outer)]
    others: dict[str, object] = {"params": [w for w in matrices.values() if all(w is not h for h in hidden)]}
    vectors = {"params": [w for w in model.parameters() if w.ndim < 2], "weight_decay": 0.0}
    muon = [torch.optim.Muon(hidden, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")] if hidden else []
    return [torch.optim.AdamW([others, vectors], betas=(0.9, 0.99), weight_decay=DECAY, fused=True), *muon]


def train(model: Model, lines: dict[str, list[str]], ids: dict[str, int], how: Namespace) -> Iterator[object]:
    """Yield the weights whenever the model predicts the validation lines better than before."""
    loss_of, steps = objective(model, lines["train"], ids), how.max_steps
    lowest = evaluate(model, lines["validation"], ids) if "resume" in how else float("inf")
    each, stream = optimizers(model), batches(lines["train"], model.mixes_lines)
    every = min(max(1, steps // 20), max(25, 2 * sum(map(len, lines["train"])) // TOKENS))
    for step, some in zip(range(1, steps + 1), stream, strict=False):
        inputs, targets = batch(some, ids)
        loss = loss_of(some, model.train()(inputs)[0], targets)
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        done = (step - 0.5) / steps  # the rate rises in the first 5 % of training, then falls to zero
        for optimizer in each:
            for group in optimizer.param_groups:
                group["lr"] = how.learning_rate * min(done / 0.05, (1 - done) / 0.95)
            optimizer.step()
        if step % every == 0 or step == steps:
            held_out = evaluate(model, lines["validation"], ids)
            print(f"step {step}: loss {loss.item():.4f}, validation {held_out:.4f}", flush=True)
            if held_out < lowest:
                lowest = held_out
                yield {name: x.clone() for name, x in model.state_dict().items()}
