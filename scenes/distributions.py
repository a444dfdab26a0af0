"""Distributions: inverse CDFs from coordinates of u in (0, 1) to values, with densities and a JSON form."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Array, Distribution, check_finite, check_ordered, density_inside, map_each
from .vector_distributions import InBox, OnDisk, Rotation


@dataclass(frozen=True, kw_only=True)
class Uniform(Distribution):
    """Uniform between two bounds."""

    kind: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        check_ordered(self.kind, self.low, self.high)

    def ppf(self, u: ArrayLike) -> Array:
        return np.asarray(self.low + (self.high - self.low) * np.asarray(u, np.float64))

    def log_density(self, x: ArrayLike) -> Array:
        return density_inside(x, self.low, self.high, -math.log(self.high - self.low))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(self, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class LogUniform(Distribution):
    """Uniform in the logarithm between two positive bounds."""

    kind: ClassVar[str] = "loguniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        check_ordered(self.kind, self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"{self.kind}: both bounds must be above 0, got [{self.low}, {self.high}]; use uniform")

    def ppf(self, u: ArrayLike) -> Array:
        start, span = math.log(self.low), math.log(self.high) - math.log(self.low)
        return map_each(lambda value: min(max(math.exp(start + span * value), self.low), self.high), u)

    def log_density(self, x: ArrayLike) -> Array:
        norm = math.log(math.log(self.high) - math.log(self.low))
        return map_each(lambda v: -math.log(v) - norm if self.low <= v <= self.high else -math.inf, x)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(self, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class Normal(Distribution):
    """Normal with mean and standard deviation."""

    kind: ClassVar[str] = "normal"
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        check_finite(self.kind, mean=self.mean, deviation=self.deviation)
        if self.deviation <= 0:
            raise ValueError(f"{self.kind}: the standard deviation must be above 0, got {self.deviation}")

    def ppf(self, u: ArrayLike) -> Array:
        inverse = NormalDist().inv_cdf  # Wichura's AS241
        return map_each(lambda value: self.mean + self.deviation * inverse(value), u)

    def log_density(self, x: ArrayLike) -> Array:
        z = (np.asarray(x, np.float64) - self.mean) / self.deviation
        return np.asarray(-0.5 * z * z - (math.log(self.deviation) + 0.5 * math.log(2.0 * math.pi)))

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.deviation]}

    def scaled(self, factor: float) -> Self:
        return replace(self, mean=self.mean * factor, deviation=self.deviation * factor)


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Distribution):
    """Normal with mean and standard deviation of the parent, kept between two bounds."""

    kind: ClassVar[str] = "truncnormal"
    mean: float
    deviation: float
    low: float
    high: float

    def __post_init__(self) -> None:
        check_finite(self.kind, mean=self.mean, deviation=self.deviation)
        check_ordered(self.kind, self.low, self.high)
        if self.deviation <= 0:
            raise ValueError(f"{self.kind}: the standard deviation must be above 0, got {self.deviation}")
        if self._mass()[2] < 1e-300:
            raise ValueError(f"{self.kind}: the bounds [{self.low}, {self.high}] lie too far out; use uniform")

    def _mass(self) -> tuple[float, float, float, bool]:
        """Return the lower tail at both bounds, their difference, and whether the axis was mirrored for accuracy."""
        a, b = (self.low - self.mean) / self.deviation, (self.high - self.mean) / self.deviation
        mirrored = a > 0
        if mirrored:
            a, b = -b, -a
        tail_a, tail_b = 0.5 * math.erfc(-a / math.sqrt(2.0)), 0.5 * math.erfc(-b / math.sqrt(2.0))
        return tail_a, tail_b, tail_b - tail_a, mirrored

    def ppf(self, u: ArrayLike) -> Array:
        start, _, mass, mirrored = self._mass()
        inverse = NormalDist().inv_cdf

        def value(v: float) -> float:
            z = -inverse(start + mass * (1.0 - v)) if mirrored else inverse(start + mass * v)
            return min(max(self.mean + self.deviation * z, self.low), self.high)

        return map_each(value, u)

    def log_density(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        z = (given - self.mean) / self.deviation
        norm = math.log(self.deviation) + 0.5 * math.log(2.0 * math.pi) + math.log(self._mass()[2])
        return np.where((given >= self.low) & (given <= self.high), -0.5 * z * z - norm, -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.deviation, self.low, self.high]}

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def scaled(self, factor: float) -> Self:
        return replace(
            self,
            mean=self.mean * factor,
            deviation=self.deviation * factor,
            low=self.low * factor,
            high=self.high * factor,
        )


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

    def ppf(self, u: ArrayLike) -> Array:
        count = self.high - self.low + 1
        return np.asarray(self.low + np.minimum(np.floor(np.asarray(u, np.float64) * count), count - 1))

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
        if self.weights is not None:
            if len(self.weights) != len(self.options):
                raise ValueError(f"{self.kind}: {len(self.options)} options need as many weights, got {self.weights}")
            for weight in self.weights:
                check_finite(self.kind, weight=weight)
            if min(self.weights) < 0 or not sum(self.weights) > 0:
                raise ValueError(f"{self.kind}: weights must be >= 0 and not all 0, got {list(self.weights)}")

    def _probabilities(self) -> tuple[float, ...]:
        weights = self.weights or (1.0,) * len(self.options)
        total = math.fsum(weights)
        return tuple(weight / total for weight in weights)

    def ppf(self, u: ArrayLike) -> Array:
        probabilities = self._probabilities()
        edges = [math.fsum(probabilities[: index + 1]) for index in range(len(probabilities))]
        last = max(index for index, value in enumerate(probabilities) if value > 0)
        index = np.searchsorted(edges, np.asarray(u, np.float64), side="right")
        return np.asarray(np.minimum(index, last), np.float64)

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
class Fixed(Distribution):
    """One value, which takes no coordinate."""

    kind: ClassVar[str] = "fixed"
    coordinate_count: ClassVar[int] = 0
    value: float

    def __post_init__(self) -> None:
        check_finite(self.kind, value=self.value)

    def ppf(self, u: ArrayLike) -> Array:
        return np.full(np.asarray(u).shape[:-1], float(self.value))

    def log_density(self, x: ArrayLike) -> Array:
        return np.where(np.asarray(x, np.float64) == self.value, 0.0, -math.inf)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: self.value}

    @property
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    def scaled(self, factor: float) -> Self:
        return replace(self, value=self.value * factor)


_FORMS = {
    "uniform": "[low, high]",
    "loguniform": "[low, high]",
    "normal": "[mean, deviation]",
    "truncnormal": "[mean, deviation, low, high]",
    "integer": "[low, high]",
    "choice": "[option, ...] or {options: [...], weights: [...]}",
    "fixed": "number",
    "so3": "[]",
    "on_disk": "radius",
    "in_box": "[[x, y, z], [x, y, z]]",
}


def _construct(kind: str, given: Any) -> Distribution:
    match kind:
        case "uniform" | "loguniform" | "integer":
            low, high = given
            if kind == "integer":
                return Integer(low=low, high=high)
            return Uniform(low=low, high=high) if kind == "uniform" else LogUniform(low=low, high=high)
        case "normal":
            mean, deviation = given
            return Normal(mean=mean, deviation=deviation)
        case "truncnormal":
            mean, deviation, low, high = given
            return TruncatedNormal(mean=mean, deviation=deviation, low=low, high=high)
        case "choice":
            if isinstance(given, Mapping):
                if not set(given) <= {"options", "weights"}:
                    raise KeyError(given)
                weights = given.get("weights")
                return Choice(options=tuple(given["options"]), weights=None if weights is None else tuple(weights))
            if isinstance(given, str):
                raise TypeError(given)
            return Choice(options=tuple(given))
        case "fixed":
            if isinstance(given, list):
                (given,) = given
            return Fixed(value=given)
        case "so3":
            if given not in ([], None, {}):
                raise TypeError(given)
            return Rotation()
        case "on_disk":
            return OnDisk(radius=given)
        case _:
            low, high = given
            return InBox(low=tuple(low), high=tuple(high))


def parse_distribution(given: Any) -> Distribution:
    """Read a distribution from its JSON form.

    Args:
        given: A mapping of one name to its arguments, such as `{"uniform": [0, 1]}`, or a number for a fixed value.

    Returns:
        The distribution.

    Raises:
        ValueError: If the name is unknown or the arguments do not fit.

    Example:
        >>> parse_distribution({"loguniform": [0.2, 1.2]})
        LogUniform(low=0.2, high=1.2)
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Fixed(value=given)
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"a distribution is one name with its arguments, such as {{uniform: [0, 1]}}, got {given!r}")
    kind, arguments = next(iter(given.items()))
    if kind not in _FORMS:
        near = difflib.get_close_matches(str(kind), _FORMS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FORMS)}"
        raise ValueError(f"unknown distribution {kind!r}; {hint}")
    try:
        return _construct(kind, arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{kind} is written {{{kind}: {_FORMS[kind]}}}, got {arguments!r}") from error
    except ValueError as error:
        if "unpack" in str(error):
            raise ValueError(f"{kind} is written {{{kind}: {_FORMS[kind]}}}, got {arguments!r}") from error
        raise
