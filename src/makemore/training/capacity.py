"""What a training takes, told before it begins, beside what the machine has."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.errors import MakemoreError
from makemore.metrics.baselines import fitted
from makemore.models import build, configure, count_parameters

TABLES = {"bigram": "ngram", "bigram_nn": "mlp"}
"""Types that have a number for each pair of characters, and what to use where there are many."""

TABLE_SIDE = 8192
"""Ids of such a table, at most: 0.5 GB of counts, and 1 GB to train."""

_PARAMETER, _NUMBER = 24, 4
"""Bytes of a parameter (weight, gradient, two averages, and a copy to save), and of a number at a place in training."""


def check(type: str, vocab_size: int, config: Any, tokens: float, device: torch.device) -> None:
    """Raise MakemoreError where training cannot fit into memory.

    Args:
        type: One of MODELS.
        vocab_size: V.
        config: The type's Config.
        tokens: Predicted tokens of a step.
        device: Where it is trained.

    """
    if type in TABLES and vocab_size > TABLE_SIDE:
        raise MakemoreError(
            f"--type {type}: needs a table of {vocab_size:,} x {vocab_size:,} numbers, one for each pair of characters; "
            f"use --type {TABLES[type]}, or fewer characters with --min-count"
        )
    if type in (*TABLES, "ngram") or (has := memory(device)) is None:
        return
    most, kept = _at_most(vocab_size, config)
    if _PARAMETER * most + tokens * _NUMBER * kept < has / 4:
        return
    with torch.device("meta"):  # counts without taking memory, but takes seconds to load
        model = build(type, vocab_size, config)
    weights = _PARAMETER * count_parameters(model)
    step = tokens * _NUMBER * _numbers(model, vocab_size)
    if weights + step <= has:
        return
    there = (
        f"and this machine has {has / 1e9:,.0f} GB"
        if device.type == "cpu"
        else f"the GPU has {has / 1e9:,.0f} GB"
    )
    if weights > has / 2:
        raise MakemoreError(
            f"--type {type}: {count_parameters(model):,} parameters would take about {weights / 1e9:,.0f} GB in training, {there}; "
            f"choose smaller numbers than {config}"
        )
    raise MakemoreError(
        f"--batch-size: a step of {tokens:,.0f} characters would take about {step / 1e9:,.0f} GB, {there}; choose a smaller one"
    )


def untrained_size(type: str, corpus: Corpus) -> int:
    """Return the parameters that a type would have on a corpus, by its default Config."""
    if type == "ngram":  # how much it counts depends on the lines
        return count_parameters(fitted(corpus, type))
    if type in TABLES:
        return len(corpus.vocab) ** 2
    return count_parameters(build(type, len(corpus.vocab), configure(type, corpus.longest)))


def _at_most(vocab_size: int, config: Any) -> tuple[int, int]:
    """No fewer than the parameters of a model, and than its `_numbers`, from its knobs alone."""
    of = {"n_layer": 1, "context": 1, "n_embd": 0, "n_embd2": 0, "block_size": 0} | vars(config)
    side = of["context"] * of["n_embd"] + of["n_embd2"]
    parameters = 16 * of["n_layer"] * side**2 + 2 * (vocab_size + of["block_size"]) * (side + 1)
    return parameters, 40 * of["n_layer"] * side + 8 * vocab_size


def _numbers(model: nn.Module, vocab_size: int) -> int:
    """About how many numbers are kept for each token of a step: what goes into and out of each matrix, and the logits."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    sides = [sum(p.shape) for p in model.parameters() if p.ndim == 2 and id(p) not in tables]
    return 2 * sum(sides) + 6 * vocab_size


def memory(device: torch.device) -> int | None:
    """Return the bytes of memory that a device has in all; None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None
