"""Values relative to a nominal: so much more, or so many times as much."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from .discrete_distributions import Fixed, Integer, Sequence
from .distribution import Array, Distribution, check_finite
from .interval import Interval

OPERATIONS: Final = ("add", "scale")
"""How a relative value acts on the nominal."""


@dataclass(frozen=True, kw_only=True)
class Relative(Distribution):
    """A nominal plus, or times, what another distribution gives; made by `relate`."""

    kind: ClassVar[str] = "relative"
    operation: Literal["add", "scale"]
    base: Distribution
    nominal: float

    def __post_init__(self) -> None:
        check_finite(self.operation, nominal=self.nominal)
        if self.base.value_count > 1 or not self.base.continuous or isinstance(self.base, Relative):
            raise ValueError(
                f"{self.operation} takes a number or a continuous distribution of one number, got {self.base.kind}; "
                "write the whole value as {expression: ...}"
            )
        if self.operation == "scale" and self.nominal == 0.0:
            raise ValueError("scale: the nominal is 0, and so would be every value; use add")

    @property
    def coordinate_count(self) -> int:
        return self.base.coordinate_count

    @property
    def names(self) -> tuple[str, ...]:
        return self.base.names

    @property
    def is_dependent(self) -> bool:
        return self.base.is_dependent

    def given(self, values: Mapping[str, Array], count: int) -> Distribution:
        return replace(self, base=self.base.given(values, count)) if self.is_dependent else self

    def reach(self, ranges: Mapping[str, Interval], count: int) -> tuple[float, float]:
        low, high = self.base.reach(ranges, count)
        if self.operation == "add":
            return self.nominal + low, self.nominal + high
        return min(self.nominal * low, self.nominal * high), max(self.nominal * low, self.nominal * high)

    def ppf(self, u: ArrayLike) -> Array:
        drawn = self.base.ppf(u)
        return self.nominal + drawn if self.operation == "add" else self.nominal * drawn

    def _added(self, x: ArrayLike) -> Array:
        given = np.asarray(x, np.float64)
        return given - self.nominal if self.operation == "add" else given / self.nominal

    def coordinates(self, x: ArrayLike) -> Array:
        return self.base.coordinates(self._added(x))

    def log_density(self, x: ArrayLike) -> Array:
        stretch = math.log(abs(self.nominal)) if self.operation == "scale" else 0.0
        return np.asarray(self.base.log_density(self._added(x)) - stretch)

    def to_json(self) -> dict[str, Any]:
        return {self.operation: self.base.to_json(), "nominal": self.nominal}

    @property
    def support(self) -> tuple[float, float]:
        return self.reach({}, 1)

    def scaled(self, factor: float) -> Relative:
        base = self.base.scaled(factor) if self.operation == "add" else self.base
        return replace(self, base=base, nominal=self.nominal * factor)


def relate(operation: str, base: Distribution, nominal: float) -> Distribution:
    """Return the distribution of a nominal plus, or times, what another gives.

    Args:
        operation: `add` or `scale`.
        base: What is added, or multiplied by.
        nominal: Finite; not 0 where it is scaled.

    Returns:
        Another distribution of the same kind where it is discrete, otherwise a `Relative`.

    Raises:
        ValueError: If the operation is unknown, or the distribution cannot be related.

    Example:
        >>> relate("scale", Uniform(low=0.8, high=1.2), 2.0).support
        (1.6, 2.4)
    """
    if operation not in OPERATIONS:
        raise ValueError(f"a relative value is written {{add: ...}} or {{scale: ...}}, got {operation!r}")

    def apply(value: float) -> float:
        return nominal + value if operation == "add" else nominal * value

    if isinstance(base, Fixed):
        return Fixed(value=apply(base.value))
    if isinstance(base, Sequence):
        return Sequence(options=tuple(apply(value) for value in base.options))
    if isinstance(base, Integer) and operation == "add" and float(nominal).is_integer():
        return Integer(low=base.low + int(nominal), high=base.high + int(nominal))
    chosen: Literal["add", "scale"] = "add" if operation == "add" else "scale"
    return Relative(operation=chosen, base=base, nominal=nominal)
