"""The ranges in which the numbers about a model's samples are healthy: rules of thumb, said and marked alike everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from makemore.metrics.advice import CALIBRATION, COLLAPSE, DISTANCE, VALID, VARIETY
from makemore.metrics.verdict import COPIED, COPIES

if TYPE_CHECKING:
    from makemore.metrics.assessment import Quality
    from makemore.metrics.calibration import Calibration

Range = tuple[float | None, float | None]
"""The lowest and the highest healthy value; None is no limit."""


@dataclass(frozen=True)
class Healthy:
    """The healthy ranges of the numbers about samples."""

    copy_ratio: Range | None
    """None if hardly any sample is a copy, so that the ratio says nothing."""
    uniqueness: tuple[float, None]
    validity: tuple[float, None]
    calibration: tuple[None, float]
    variety: tuple[float, float] = VARIETY
    distance: tuple[None, float] = (None, DISTANCE)

    @classmethod
    def of(cls, quality: Quality, calibration: Calibration) -> Healthy:
        """Return the ranges for a model with these samples and this calibration."""
        return cls(
            copy_ratio=(None, COPIES) if quality.train_mass > COPIED else None,
            uniqueness=(COLLAPSE * quality.uniqueness_of_train, None),
            validity=(VALID, None),
            calibration=(None, CALIBRATION + calibration.by_chance),
        )
