"""Whole numbers, choices, sequences, and values that do not vary."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution, check_finite, keep_inside, map_each


@dataclass(frozen=True, kw_only=True)
class Integer(Distribution):
    """Whole numbers from low to high, both included, equally probable."""

    kind: ClassVar[str] = "integer"
    low: int
    high: int

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            given: object = value  # from a file: the annotation is a wish
            if isinstance(given, bool) or not isinstance(given, int) or abs(given) > 2**52:
                raise ValueError(f"{self.kind}: {name} must be a whole number, got {value!r}")
        if self.low > self.high:
            raise ValueError(f"{self.kind}: low must not be above high, got [{self.low}, {self.high}]; swap them")

    @property
    def continuous(self) -> bool:
        return False

    def ppf(self, u: ArrayLike) -> Array:
        count = self.high - self.low + 1
        return np.asarray(self.low + np.minimum(np.floor(np.asarray(u, np.float64) * count), count - 1))

    def coordinates(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        middle = (given - self.low + 0.5) / (self.high - self.low + 1)
        return keep_inside(np.where((given == np.floor(given)) & (given >= self.low), middle, math.nan))

    def log_density(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        inside = (given >= self.low) & (given <= self.high) & (given == np.floor(given))
        return np.where(inside, -math.log(self.high - self.low + 1), -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Choice(Distribution):
    """One of several options; the value is the option's index."""

    kind: ClassVar[str] = "choice"
    options: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"{self.kind}: at least one option is needed, got none")
        for option in self.options:
            if not isinstance(option, str | int | float | bool):
                raise ValueError(f"{self.kind}: options must be words or numbers, got {option!r}")
        if len({(type(option), option) for option in self.options}) < len(self.options):
            raise ValueError(f"{self.kind}: each option stands once, with its weight, got {list(self.options)}")
        if self.weights is not None:
            if len(self.weights) != len(self.options):
                raise ValueError(f"{self.kind}: {len(self.options)} options need as many weights, got {self.weights}")
            for weight in self.weights:
                check_finite(self.kind, weight=weight)
            if min(self.weights) < 0 or not 0 < sum(self.weights) < 1e300:
                raise ValueError(f"{self.kind}: weights must be >= 0, not all 0 nor huge, got {list(self.weights)}")

    def _probabilities(self) -> tuple[float, ...]:
        weights = self.weights or (1.0,) * len(self.options)
        total = math.fsum(weights)
        return tuple(weight / total for weight in weights)

    @property
    def continuous(self) -> bool:
        return False

    def ppf(self, u: ArrayLike) -> Array:
        probabilities = self._probabilities()
        edges = [math.fsum(probabilities[: index + 1]) for index in range(len(probabilities))]
        last = max(index for index, value in enumerate(probabilities) if value > 0)
        index = np.searchsorted(edges, np.asarray(u, np.float64), side="right")
        return np.asarray(np.minimum(index, last), np.float64)

    def coordinates(self, x: ArrayLike) -> Array:
        probabilities = self._probabilities()
        middles = [math.fsum(probabilities[:k]) + 0.5 * p if p > 0 else math.nan for k, p in enumerate(probabilities)]
        return keep_inside(map_each(lambda v: middles[int(v)] if v in range(len(middles)) else math.nan, x))

    def log_density(self, x: ArrayLike) -> Array:
        logs = [math.log(p) if p > 0 else -math.inf for p in self._probabilities()]
        return map_each(lambda v: logs[int(v)] if v == int(v) and 0 <= v < len(logs) else -math.inf, x)

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"options": list(self.options)}
        return {self.kind: body | ({"weights": list(self.weights)} if self.weights else {})}

    @property
    def support(self) -> tuple[float, float]:
        return 0, len(self.options) - 1


@dataclass(frozen=True, kw_only=True)
class Sequence(Distribution):
    """Values one after another, again from the first after the last.

    The random sampler takes them in turn, by the number of the scenario, view and look; to any other it is a choice of
    equal weights.
    """

    kind: ClassVar[str] = "sequence"
    options: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.options) <= 1 << 16:
            raise ValueError(f"{self.kind}: 1 to 65536 values are needed, got {len(self.options)}")
        given: tuple[object, ...] = self.options  # from a file: the annotation is a wish
        for value in given:
            if isinstance(value, str):
                raise ValueError(f"{self.kind}: values are numbers, got {value!r}; words stand for a choice's options")
            check_finite(self.kind, value=value)

    @property
    def continuous(self) -> bool:
        return False

    @property
    def in_turn(self) -> int:
        return len(self.options)

    def ppf(self, u: ArrayLike) -> Array:
        place = np.floor(np.asarray(u, np.float64) * len(self.options)).astype(np.int64)
        return np.array(self.options, np.float64)[np.minimum(place, len(self.options) - 1)]

    def coordinates(self, x: ArrayLike) -> Array:
        count = len(self.options)
        places = {float(value): (place + 0.5) / count for place, value in reversed([*enumerate(self.options)])}
        return map_each(lambda value: places.get(value, math.nan), x)

    def log_density(self, x: ArrayLike) -> Array:
        logs = {float(v): math.log(self.options.count(v) / len(self.options)) for v in self.options}
        return map_each(lambda value: logs.get(value, -math.inf), x)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: list(self.options)}

    @property
    def support(self) -> tuple[float, float]:
        return min(self.options), max(self.options)

    def scaled(self, factor: float) -> Self:
        return replace(self, options=tuple(value * factor for value in self.options))


@dataclass(frozen=True, kw_only=True)
class Fixed(Distribution):
    """One value, which takes no coordinate."""

    kind: ClassVar[str] = "fixed"
    value: float

    def __post_init__(self) -> None:
        check_finite(self.kind, value=self.value)

    @property
    def continuous(self) -> bool:
        return False

    @property
    def coordinate_count(self) -> int:
        return 0

    def ppf(self, u: ArrayLike) -> Array:
        return np.full(np.asarray(u).shape[:-1], float(self.value))

    def coordinates(self, x: ArrayLike) -> Array:
        return np.zeros((*np.asarray(x).shape, 0))

    def log_density(self, x: ArrayLike) -> Array:
        return np.where(np.asarray(x, np.float64) == self.value, 0.0, -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.value}

    @property
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    def scaled(self, factor: float) -> Self:
        return replace(self, value=self.value * factor)
