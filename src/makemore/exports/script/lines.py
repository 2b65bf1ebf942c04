"""Lines: split and turned into ids."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from makemore.corpus.splits import mix


def split(lines: list[str]) -> dict[str, list[str]]:
    """Divide lines by a hash of their text, as makemore does: 90 % train, 5 % validation, 5 % test."""
    codes = np.frombuffer("".join("\n" + line for line in lines).encode("utf-32-le"), "<u4")
    starts = np.flatnonzero(codes == 10)
    place = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    pairs = place.astype(np.uint64) << np.uint64(32) | codes  # each character and its place
    hashes = mix(np.add.reduceat(mix(pairs ^ np.uint64(0x8796C4A898AF9B5E)), starts))
    which = np.searchsorted(np.array([0.90, 0.95]) * 2.0**64, hashes, "right")
    if len(set(which)) < 3:  # so few lines are divided by the order of their hashes
        different, rank = np.unique(hashes, return_inverse=True)
        which = 2 - ((len(different) - 1 - rank) // max(1, round(0.05 * len(different)))).clip(max=2)
    names = ("train", "validation", "test")
    return {name: [lines[row] for row in np.flatnonzero(which == i)] for i, name in enumerate(names)}


def batch(lines: list[str], ids: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Return inputs (B, T), each line after a boundary, and targets, each before one; padding is 0 and -1."""
    inputs = [torch.tensor([ids[character] for character in "\n" + line]) for line in lines]
    return pad_sequence(inputs, True), pad_sequence([row.roll(-1) for row in inputs], True, -1)
