"""How much memory training takes, estimated before it starts, and how much there is."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.errors import MakemoreError
from makemore.metrics.baselines import fitted
from makemore.models import build, configure, count_parameters, model_class
from makemore.models.base import Model, ModelConfig
from makemore.runs.settings import Settings
from makemore.training.optimizer import optimizers

TABLES = {"bigram": "ngram", "bigram_nn": "mlp"}
"""Types that have a number for each pair of characters, and what to use instead if there are many."""

TABLE_SIDE = 8192
"""The side of the largest such table: 0.5 GB of counts, and 1 GB to train."""

_PARAMETER, _NUMBER = 24, 4
"""Bytes of a parameter (weight, gradient, two averages, a copy to save), and of an activation."""

CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux says how much memory a container may use."""


def check(type: str, vocab_size: int, config: ModelConfig, tokens: float, device: torch.device) -> None:
    """Raise MakemoreError if training, with this many tokens in a step, cannot fit into memory."""
    rows = vocab_size * (config.labels + 1 if type == "bigram" else 1)
    if type in TABLES and rows * vocab_size > TABLE_SIDE**2:
        labels = " and label" * (rows > vocab_size)
        raise MakemoreError(
            f"type {type} needs a table of {rows:,} x {vocab_size:,} numbers, one for each pair of "
            f"characters{labels}; use {TABLES[type]} instead, or fewer characters with min_count",
            option=("type", "min_count"),
        )
    if type in TABLES or model_class(type).counting or (has := memory(device)) is None:
        return
    most, kept = bounds(vocab_size, config)
    if _PARAMETER * most + tokens * _NUMBER * kept < has / 4:
        return
    with torch.device("meta"):  # counts without taking memory, but takes seconds to load
        model = build(type, vocab_size, config)
    weights = _PARAMETER * count_parameters(model)
    step = tokens * _NUMBER * numbers_per_token(model, vocab_size)
    if weights + step <= has:
        return
    there = f"{'there are' if device.type == 'cpu' else 'the GPU has'} {has / 1e9:,.0f} GB"
    if weights > has / 2:
        raise MakemoreError(
            f"type {type}: {count_parameters(model):,} parameters would take about {weights / 1e9:,.0f} GB "
            f"in training, but {there}; choose smaller numbers than {config}",
            option="type",
        )
    raise MakemoreError(
        f"batch_size is too large: a step of {tokens:,.0f} characters would take about {step / 1e9:,.0f} GB, "
        f"but {there}",
        option="batch_size",
    )


def untrained_size(type: str, corpus: Corpus) -> int:
    """Return how many parameters a type has on a corpus with its default Config."""
    if model_class(type).counting and type not in TABLES:  # how much they count depends on the lines
        return count_parameters(fitted(corpus, type))
    V, labels = len(corpus.vocab), len(corpus.vocab.labels)
    if type in TABLES and V > TABLE_SIDE // 16:  # is not made to be counted
        return V * V * (labels + 1) if type == "bigram" else V * (V + labels + bool(labels))
    config = configure(type, corpus.longest, labels=labels)
    return count_parameters(build(type, len(corpus.vocab), config))


def bounds(vocab_size: int, config: ModelConfig) -> tuple[int, int]:
    """Return at least the parameters of a model and its `numbers_per_token`, from its knobs alone."""
    of = {"n_layer": 1, "context": 1, "n_embd": 0, "n_embd2": 0, "block_size": 0, "order": 0} | vars(config)
    side = of["context"] * of["n_embd"] + of["n_embd2"]
    parameters = 16 * of["n_layer"] * side**2 + 2 * (vocab_size + of["block_size"]) * (side + 1)
    return parameters, 48 * of["n_layer"] * side + (18 if of["order"] else 8) * vocab_size


def numbers_per_token(model: nn.Module, vocab_size: int) -> int:
    """Return about how many numbers a step keeps for each token: inputs and outputs of matrices, logits."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    sides = [sum(p.shape) for p in model.parameters() if p.ndim == 2 and id(p) not in tables]
    predictions = 3 if isinstance(model, Model) and model.counts_first else 1
    return 2 * sum(sides) + 6 * predictions * vocab_size


def memory(device: torch.device) -> int | None:
    """Return how many bytes of memory a device has in all; None if unknown.

    In a container that may use less memory than the machine has, this is the container's limit.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    limit = container_limit(CGROUPS, OWN_CGROUPS)
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return limit
    return machine if limit is None else min(machine, limit)


def container_limit(root: Path, own: Path) -> int | None:
    """Return the lowest memory limit, in bytes, of this process's control groups; None if there is none.

    Inside a container the group's own path is often not visible, and its limit is that of the root; so this
    takes the limits of the root and of every group on the way to it. The root is where control groups are
    mounted: version 2 there, version 1 in its folder "memory". `own` is a file like /proc/self/cgroup.
    """
    try:
        entries = own.read_text("utf-8").splitlines()
    except OSError:
        return None
    limits = []
    for entry in entries:
        _, controllers, path = entry.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        group = mount / path.strip("/")
        for folder in (group, *group.parents):
            try:
                text = (folder / name).read_text("utf-8").strip()
            except OSError:
                text = ""
            if text.isdecimal():  # "max" is no limit
                limits.append(int(text))
            if folder == mount:
                break
    return min(limits, default=None)


def check_training(
    type: str, corpus: Corpus, config: ModelConfig, settings: Settings, device: torch.device, processes: int
) -> None:
    """Raise MakemoreError if there is, by estimate, too little memory to train."""
    tokens = corpus.tokens_of("train")
    step = min(tokens, settings.batch_size * tokens / corpus.counts()["train"]) / processes
    check(type, len(corpus.vocab), config, step, device)


def try_building(type: str, vocab_size: int, config: ModelConfig, settings: Settings) -> None:
    """Build the model and its optimisers once, so that a run is only created if it can be trained."""
    try:
        with torch.random.fork_rng():
            model = build(type, vocab_size, config)
            if not model.counting:
                optimizers(model, settings.learning_rate, settings.weight_decay, settings.muon)
    except (RuntimeError, MemoryError):
        raise MakemoreError(
            f"type {type} does not fit into memory at this size; choose smaller numbers than {config}",
            option="type",
        ) from None
