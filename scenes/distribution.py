"""What every distribution offers: an inverse CDF, a density, a JSON form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Distribution(ABC):
    """A named distribution; a value of a scalar one is a number, of another a vector along the last axis."""

    kind: ClassVar[str]
    """Name in the JSON form."""
    coordinate_count: ClassVar[int] = 1
    """Coordinates of u that one value takes; they stand along the last axis where there are several."""
    value_count: ClassVar[int] = 1
    """Numbers of one value; they stand along the last axis where there are several."""

    @abstractmethod
    def ppf(self, u: ArrayLike) -> Array:
        """Map coordinates in (0, 1) to values.

        Args:
            u: Shape (...) for one coordinate, (..., coordinate_count) otherwise, range (0, 1).

        Returns:
            Values of shape (...) or (..., value_count), float64.
        """

    @abstractmethod
    def log_density(self, x: ArrayLike) -> Array:
        """Return the logarithm of the density (of the probability for whole numbers and choices) at values."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `parse_distribution` reads."""

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value, possibly infinite."""
        return -math.inf, math.inf

    def scaled(self, factor: float) -> Distribution:
        """Return the distribution of the value times a factor, for changes of unit."""
        raise ValueError(f"{self.kind} has no unit that can be changed; leave the unit away")


def map_each(function: Callable[[float], float], values: ArrayLike) -> Array:
    """Apply a scalar function elementwise: the same bits for an element wherever it stands, unlike vector units'."""
    given = np.asarray(values, np.float64)
    return np.array([function(value) for value in given.reshape(-1).tolist()], np.float64).reshape(given.shape)


def check_finite(kind: str, **values: object) -> None:
    """Raise unless all values are finite numbers."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{kind}: {name} must be a finite number, got {value!r}")


def check_ordered(kind: str, low: float, high: float) -> None:
    """Raise unless both bounds are finite and low lies below high."""
    check_finite(kind, low=low, high=high)
    if not low < high:
        raise ValueError(f"{kind}: low must be below high, got [{low}, {high}]; for one value write {{fixed: {low}}}")


def density_inside(x: ArrayLike, low: float, high: float, value: float) -> Array:
    """Return a log density that is one value between two bounds and -inf outside."""
    given = np.asarray(x, np.float64)
    return np.where((given >= low) & (given <= high), value, -math.inf)
