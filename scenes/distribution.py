"""What every distribution offers: an inverse CDF, its own inverse, a density, a JSON form."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .interval import Interval

Array = NDArray[np.float64]
LEAST_COORDINATE: Final = 2.0**-54
"""Smallest coordinate that an inverse gives; the largest is `MOST_COORDINATE`."""
MOST_COORDINATE: Final = 1.0 - 2.0**-53
"""Largest double below 1."""


@dataclass(frozen=True, kw_only=True)
class Distribution(ABC):
    """A named distribution; a value of a scalar one is a number, of another a vector along the last axis."""

    kind: ClassVar[str]
    """Name in the JSON form."""

    @property
    def coordinate_count(self) -> int:
        """Coordinates of u that one value takes; they stand along the last axis where there are several."""
        return 1

    @property
    def value_count(self) -> int:
        """Numbers of one value; they stand along the last axis where there are several."""
        return 1

    @property
    def continuous(self) -> bool:
        """Whether a value has a density, and not a probability."""
        return True

    @property
    def in_turn(self) -> int:
        """Values that the random sampler takes one after another, 0 where it draws."""
        return 0

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that it depends on."""
        return ()

    @property
    def is_dependent(self) -> bool:
        """Whether it must be `given` other parameters, or its place in a vector, before it maps anything."""
        return False

    def given(self, values: Mapping[str, Array], count: int) -> Distribution:
        """Return the distribution once what it depends on is known.

        Args:
            values: Name to numbers, shape (..., numbers of that parameter).
            count: Elements of the parameter that it is for.
        """
        return self

    def reach(self, ranges: Mapping[str, Interval], count: int) -> tuple[float, float]:
        """Return bounds of every value, given the ranges of the parameters that it depends on."""
        return self.support

    @abstractmethod
    def ppf(self, u: ArrayLike) -> Array:
        """Map coordinates in (0, 1) to values.

        Args:
            u: Shape (...) for one coordinate, (..., coordinate_count) otherwise, range (0, 1).

        Returns:
            Values of shape (...) or (..., value_count), float64.
        """

    @abstractmethod
    def coordinates(self, x: ArrayLike) -> Array:
        """Map values to coordinates in (0, 1) that `ppf` maps to them, to rounding: the CDF of a scalar one.

        Args:
            x: Values, shape (...) or (..., value_count).

        Returns:
            Shape (...) for one coordinate, (..., coordinate_count) otherwise; NaN where no coordinate gives the value.
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

    def typical(self) -> float:
        """Return the median of a distribution of one number.

        Raises:
            ValueError: If there is none: its values are vectors, or depend on other parameters.
        """
        if self.value_count > 1 or self.is_dependent:
            raise ValueError(f"{self.kind} has no median")
        return float(self.ppf(np.full((1,) if self.coordinate_count else (1, 1), 0.5)).reshape(-1)[0])

    def scaled(self, factor: float) -> Distribution:
        """Return the distribution of the value times a factor, for changes of unit."""
        raise ValueError(f"{self.kind} has no unit that can be changed; leave the unit away")


def map_each(function: Callable[[float], float], values: ArrayLike) -> Array:
    """Apply a scalar function elementwise: the same bits for an element wherever it stands, unlike vector units'."""
    given = np.asarray(values, np.float64)
    return np.array([function(value) for value in given.reshape(-1).tolist()], np.float64).reshape(given.shape)


def normal_cdf(z: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def keep_inside(u: ArrayLike) -> Array:
    """Keep coordinates inside the open interval (0, 1); what is not in [0, 1] becomes NaN."""
    given = np.asarray(u, np.float64)
    kept = np.minimum(np.maximum(given, LEAST_COORDINATE), MOST_COORDINATE)
    # A value on a bound may come out of it by rounding.
    return np.where((given >= -1e-9) & (given <= 1.0 + 1e-9), kept, math.nan)


def check_finite(kind: str, **values: object) -> None:
    """Raise unless all values are finite numbers."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{kind}: {name} must be a finite number, got {value!r}")


def check_ordered(kind: str, low: float, high: float) -> None:
    """Raise unless both bounds are finite and low lies below high."""
    check_finite(kind, low=low, high=high)
    if math.isinf(high - low):
        raise ValueError(f"{kind}: [{low}, {high}] is too wide to draw from")
    if not low < high:
        raise ValueError(f"{kind}: low must be below high, got [{low}, {high}]; for one value write {{fixed: {low}}}")


def density_inside(x: ArrayLike, low: float, high: float, value: float) -> Array:
    """Return a log density that is one value between two bounds and -inf outside."""
    given = np.asarray(x, np.float64)
    return np.where((given >= low) & (given <= high), value, -math.inf)
