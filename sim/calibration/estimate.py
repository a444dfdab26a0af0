"""Estimates: a measured value with its standard deviation and its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.95
"""Probability with which an interval covers the true value."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A measured value.

    Example:
        >>> make_estimate("gain", "DN/e-", 0.37, 0.001).text
        '0.3700 [0.3680, 0.3720] DN/e-'
    """

    name: str
    """What was measured."""
    value: float
    """The value, in `unit`."""
    unit: str
    """Unit; "1" for a pure number."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    deviation: float
    """Standard deviation of the value."""

    @property
    def text(self) -> str:
        """The value and its interval, to the digits that mean something."""
        width = self.high - self.low
        largest = max(abs(self.value), abs(self.low), abs(self.high))
        form = ".6g"
        if width > 0.0 and math.isfinite(width):
            digits = 1 - math.floor(math.log10(width))
            if 1e-3 <= largest < 1e7:
                form = f".{min(max(digits, 0), 9)}f"
            else:
                form = f".{max(digits + math.floor(math.log10(largest)), 1)}e"
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]{unit}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "value": self.value,
            "unit": self.unit,
            "interval": [self.low, self.high],
            "standard_deviation": self.deviation,
        }


def student_factor(freedom: float = math.inf) -> float:
    """Return how many standard deviations the half interval is wide.

    Args:
        freedom: Degrees of freedom of the standard deviation.
    """
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + 0.5 * LEVEL
    return float(ndtri(upper)) if math.isinf(freedom) else float(stdtrit(freedom, upper))


def make_estimate(name: str, unit: str, value: float, deviation: float, *, freedom: float = math.inf) -> Estimate:
    """Make the estimate of a value whose error is normal.

    Args:
        name: What was measured.
        unit: Its unit.
        value: The value.
        deviation: Its standard deviation.
        freedom: Degrees of freedom of the standard deviation.
    """
    half = student_factor(freedom) * deviation
    return Estimate(name=name, value=value, unit=unit, low=value - half, high=value + half, deviation=deviation)


def root_estimate(name: str, unit: str, square: float, deviation: float, *, freedom: float = math.inf) -> Estimate:
    """Make the estimate of a value whose square was measured, such as a noise by its variance.

    The interval is the square's, cut at zero: where the square is not clearly positive it begins at 0.

    Args:
        name: What was measured.
        unit: Its unit.
        square: The measured square; below zero counts as zero.
        deviation: Standard deviation of the square.
        freedom: Degrees of freedom of the standard deviation.
    """
    half = student_factor(freedom) * deviation
    value = math.sqrt(max(square, 0.0))
    low, high = math.sqrt(max(square - half, 0.0)), math.sqrt(max(square + half, 0.0))
    spread = 0.5 * deviation / value if square > deviation else 0.5 * (high - low) / student_factor(freedom)
    return Estimate(name=name, value=value, unit=unit, low=low, high=high, deviation=spread)


def replicate_deviation(replicates: NDArray[np.float64], block_count: int) -> float:
    """Return the standard deviation of an estimate from its bootstrap replicates.

    Args:
        replicates: The estimate from the data themselves, then from each resample, shape (1 + R,).
        block_count: Blocks that were resampled: with few of them a bootstrap is too narrow by (B - 1) / B in variance.
    """
    return float(np.std(replicates[1:], ddof=1)) * math.sqrt(block_count / (block_count - 1))
