"""Parameters: named distributions with a unit and a meaning, and what a value is drawn anew for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .distribution import Distribution
from .distributions import Fixed, parse_distribution

Array = NDArray[np.float64]
Axis = Literal["scenario", "view", "look"]
Moment = Literal["build", "reset", "step"]
AXES: Final[tuple[Axis, ...]] = get_args(Axis)
"""What a parameter may vary with, coarsest first."""
GROUPS: Final = (
    "objects", "dynamics", "camera", "materials", "lighting",
    "context", "lamps", "calibration", "physics", "robot", "placement", "distractors",
)  # fmt: skip
"""Groups of parameters. `objects` is what the scene is about and always varies; a recipe's `randomize` names others.

Scenes vary dynamics, camera, materials and lighting by themselves; the others stand still until they are named.
"""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One named parameter of a scene.

    Raises:
        ValueError: If the distribution leaves the allowed range, or an axis, moment, group or count is unknown.
    """

    name: str
    """Name, dotted by what it belongs to, such as `light.azimuth`."""
    distribution: Distribution
    """What a value is drawn from; with `count` > 1 each element is drawn on its own."""
    unit: str
    """SI unit of the value, "1" for numbers without one."""
    meaning: str
    """One line for people."""
    varies: Axis = "scenario"
    """What it is drawn anew for."""
    when: Moment = "build"
    """When it acts."""
    count: int = 1
    """Elements of a vector parameter."""
    group: str = "objects"
    """What `randomize` switches on and off."""
    nominal: float | None = None
    """Value while the group is off; the median where there is none. Vectors (so3, in_box) have none."""
    allowed: tuple[float, float] = (-math.inf, math.inf)
    """Physically possible range, which an override must keep to."""

    def __post_init__(self) -> None:
        if self.varies not in AXES:
            raise ValueError(f"{self.name}: varies must be one of {', '.join(AXES)}, got {self.varies!r}")
        if self.when not in get_args(Moment):
            raise ValueError(f"{self.name}: when must be build, reset or step, got {self.when!r}")
        if self.group not in GROUPS:
            raise ValueError(f"{self.name}: group must be one of {', '.join(GROUPS)}, got {self.group!r}")
        if self.count < 1:
            raise ValueError(f"{self.name}: count must be at least 1, got {self.count}")
        if not self.distribution.is_dependent:
            self.check_reach(self.distribution.support)

    def check_reach(self, reach: tuple[float, float]) -> None:
        """Raise unless values within these bounds are allowed."""
        low, high = reach
        if not (low >= self.allowed[0] and high <= self.allowed[1]):
            text = json.dumps(self.distribution.to_json())
            clamp = "; keep it in by min and max" if self.distribution.is_dependent else ""
            unit = "" if self.unit == "1" else f" {self.unit}"
            raise ValueError(
                f"{self.name} must lie in [{self.allowed[0]:g}, {self.allowed[1]:g}]{unit},"
                f" but {text} reaches [{low:g}, {high:g}]{clamp}"
            )

    @property
    def coordinate_count(self) -> int:
        """Coordinates of u that it takes."""
        return self.count * self.distribution.coordinate_count

    @property
    def value_count(self) -> int:
        """Numbers in one value; more than 1 make a last axis."""
        return self.count * self.distribution.value_count

    def _known(self, known: Mapping[str, Array] | None) -> Distribution:
        return self.distribution.given(known or {}, self.count) if self.distribution.is_dependent else self.distribution

    def values(self, u: Array, known: Mapping[str, Array] | None = None) -> Array:
        """Map coordinates to values.

        Args:
            u: Its own coordinates, shape (..., coordinate_count), range (0, 1).
            known: Values of the parameters that its distribution depends on, shape (..., numbers), by name.

        Returns:
            Values, shape (...) where `value_count` is 1, (..., value_count) otherwise.
        """
        lead, distribution = u.shape[:-1], self._known(known)
        inner = distribution.coordinate_count
        if inner == 0:
            drawn = distribution.ppf(np.zeros((*lead, self.count, 1)))
        elif inner == 1:
            drawn = distribution.ppf(u.reshape(*lead, self.count))
        else:
            drawn = distribution.ppf(u.reshape(*lead, self.count, inner))
        return drawn.reshape(lead if self.value_count == 1 else (*lead, self.value_count))

    def _elements(self, values: Array) -> Array:
        """Return values with an axis of elements, then one of numbers where an element has several."""
        lead = values.shape if self.value_count == 1 else values.shape[:-1]
        tail = (self.distribution.value_count,) if self.distribution.value_count > 1 else ()
        return values.reshape(*lead, self.count, *tail)

    def coordinates(self, values: Array, known: Mapping[str, Array] | None = None) -> Array:
        """Map values to coordinates that `values` maps to them, to rounding.

        Args:
            values: Shape (...) where `value_count` is 1, (..., value_count) otherwise.
            known: See `values`.

        Returns:
            Coordinates, shape (..., coordinate_count), range (0, 1).

        Raises:
            ValueError: If the distribution gives no such value.
        """
        found = self.shares(values, known)
        if np.isnan(found).any() or np.isneginf(self.log_density(values, known)).any():
            raise ValueError(f"{self.name}: {json.dumps(self.distribution.to_json())} gives no {_brief(values)}")
        return found

    def shares(self, values: Array, known: Mapping[str, Array] | None = None) -> Array:
        """Map values to coordinates as `coordinates` does, NaN where the distribution gives no such value."""
        lead = values.shape if self.value_count == 1 else values.shape[:-1]
        found = self._known(known).coordinates(self._elements(values))
        return found.reshape(*lead, self.coordinate_count)

    def log_density(self, values: Array, known: Mapping[str, Array] | None = None) -> Array:
        """Return the log density of values, summed over the elements of a vector parameter, in their order."""
        each = self._known(known).log_density(self._elements(values))
        total = np.zeros(each.shape[:-1])
        for element in range(self.count):
            total = total + each[..., element]
        return np.asarray(total)

    def to_json(self) -> dict[str, Any]:
        """Return a description of JSON types."""
        low, high = (None if math.isinf(bound) else bound for bound in self.allowed)
        return {
            "name": self.name,
            "distribution": self.distribution.to_json(),
            "unit": self.unit,
            "meaning": self.meaning,
            "varies": self.varies,
            "when": self.when,
            "count": self.count,
            "group": self.group,
            "nominal": self.nominal,
            "allowed": [low, high],
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Parameter:
        """Read what `to_json` wrote."""
        low, high = given["allowed"]
        rest = {name: value for name, value in given.items() if name not in ("distribution", "allowed")}
        return cls(
            distribution=parse_distribution(given["distribution"]),
            allowed=(-math.inf if low is None else low, math.inf if high is None else high),
            **rest,
        )

    @property
    def reference(self) -> float:
        """The nominal value, or the median where none is declared.

        Raises:
            ValueError: If its values are vectors, or follow from other parameters.
        """
        return self.distribution.typical() if self.nominal is None else self.nominal

    def fixed(self) -> Parameter:
        """Return the parameter at its nominal value; one of vectors, or that follows from others, is left as it is."""
        if self.distribution.value_count > 1:
            return self
        try:
            return replace(self, distribution=Fixed(value=self.reference))
        except ValueError:  # it follows from others
            return self


def _brief(values: Array) -> str:
    numbers = np.asarray(values).reshape(-1).tolist()
    return ", ".join(f"{number:g}" for number in numbers[:6]) + (", ..." if len(numbers) > 6 else "")
