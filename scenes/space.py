"""Parameter spaces: named distributions over u in (0, 1)^d, split by what they vary with."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .distribution import Distribution
from .distributions import Choice, Fixed, Integer, parse_distribution

Array = NDArray[np.float64]
Axis = Literal["scenario", "view", "look"]
Moment = Literal["build", "reset", "step"]
AXES: Final[tuple[Axis, ...]] = get_args(Axis)
"""What a parameter may vary with, coarsest first."""
GROUPS: Final = ("objects", "dynamics", "camera", "materials", "lighting")
"""Groups of parameters. `objects` is what the scene is about and always varies; a recipe's `randomize` names others."""

_UNITS: Final[dict[str, dict[str, float]]] = {
    "rad": {"deg": math.pi / 180.0},
    "m": {"mm": 1e-3, "cm": 1e-2},
    "kg": {"g": 1e-3},
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence's end that helps who misspelt a name."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are {', '.join(names[:40])}{', ...' if len(names) > 40 else ''}"


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
        low, high = self.distribution.support
        if low < self.allowed[0] or high > self.allowed[1]:
            raise ValueError(
                f"{self.name} must lie in [{self.allowed[0]:g}, {self.allowed[1]:g}] {self.unit},"
                f" but {json.dumps(self.distribution.to_json())} reaches [{low:g}, {high:g}]"
            )

    @property
    def coordinate_count(self) -> int:
        """Coordinates of u that it takes."""
        return self.count * self.distribution.coordinate_count

    @property
    def value_count(self) -> int:
        """Numbers in one value; more than 1 make a last axis."""
        return self.count * self.distribution.value_count

    def values(self, u: Array) -> Array:
        """Map coordinates to values.

        Args:
            u: Its own coordinates, shape (..., coordinate_count), range (0, 1).

        Returns:
            Values, shape (...) where `value_count` is 1, (..., value_count) otherwise.
        """
        lead = u.shape[:-1]
        inner = self.distribution.coordinate_count
        if inner == 0:
            drawn = self.distribution.ppf(np.zeros((*lead, self.count, 1)))
        elif inner == 1:
            drawn = self.distribution.ppf(u.reshape(*lead, self.count))
        else:
            drawn = self.distribution.ppf(u.reshape(*lead, self.count, inner))
        return drawn.reshape(lead if self.value_count == 1 else (*lead, self.value_count))

    def log_density(self, values: Array) -> Array:
        """Return the log density of values, summed over the elements of a vector parameter, in their order."""
        lead = values.shape if self.value_count == 1 else values.shape[:-1]
        tail = (self.distribution.value_count,) if self.distribution.value_count > 1 else ()
        each = self.distribution.log_density(values.reshape(*lead, self.count, *tail))
        total = np.zeros(lead)
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

    def fixed(self) -> Parameter:
        """Return the parameter at its nominal value; one with a vector distribution is left as it is."""
        if self.distribution.value_count > 1:
            return self
        value = self.nominal
        if value is None:
            coordinates = np.full((1,) if self.distribution.coordinate_count else (1, 1), 0.5)
            value = float(self.distribution.ppf(coordinates).reshape(-1)[0])
        return replace(self, distribution=Fixed(value=value))

    def overridden(self, given: Any) -> Parameter:
        """Return the parameter with what a recipe says of it.

        Args:
            given: A number, or a distribution in its JSON form with, beside it, `unit` and `varies` where they differ.

        Returns:
            The parameter; its unit stays the declared one, values in another are converted.

        Raises:
            ValueError: If the distribution, unit or axis cannot be.
        """
        unit, varies, body = self.unit, self.varies, given
        if isinstance(given, Mapping):
            rest = dict(given)
            unit, varies = rest.pop("unit", unit), rest.pop("varies", varies)
            body = rest
            if not rest:
                return replace(self, varies=self._coarser(varies))
        if isinstance(self.distribution, Choice) and isinstance(body, str):
            body = {"choice": [body]}
        try:
            distribution = parse_distribution(body)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error
        if unit != self.unit:
            factor = _UNITS.get(self.unit, {}).get(unit)
            if factor is None:
                known = ", ".join([self.unit, *_UNITS.get(self.unit, {})])
                raise ValueError(f"{self.name} is given in {known}, got {unit!r}")
            distribution = distribution.scaled(factor)
        return replace(self, distribution=self._compatible(distribution), varies=self._coarser(varies))

    def _coarser(self, varies: Any) -> Axis:
        if varies not in AXES:
            raise ValueError(f"{self.name}: varies must be one of {', '.join(AXES)}, got {varies!r}")
        if AXES.index(varies) > AXES.index(self.varies):
            raise ValueError(f"{self.name} varies by {self.varies}; it cannot vary by {varies}, only more coarsely")
        chosen: Axis = varies
        return chosen

    def _compatible(self, distribution: Distribution) -> Distribution:
        """Keep whole numbers whole and choices among the declared options, whose indices the scene reads."""
        declared = self.distribution
        if distribution.value_count != declared.value_count and not isinstance(distribution, Fixed):
            raise ValueError(f"{self.name} has {declared.value_count} numbers a value, {distribution.kind} does not")
        if isinstance(distribution, Fixed) and declared.value_count > 1:
            raise ValueError(f"{self.name} has {declared.value_count} numbers a value and cannot be one number")
        if isinstance(declared, Choice):
            if not isinstance(distribution, Choice):
                raise ValueError(f"{self.name} is a choice of {', '.join(map(str, declared.options))}")
            for option in distribution.options:
                if option not in declared.options:
                    hint = nearest(str(option), map(str, declared.options))
                    raise ValueError(f"{self.name} has no option {option!r}; {hint}")
            weights = distribution.weights or (1.0,) * len(distribution.options)
            asked = dict(zip(distribution.options, weights, strict=True))
            return Choice(options=declared.options, weights=tuple(float(asked.get(o, 0.0)) for o in declared.options))
        if isinstance(declared, Integer):
            if isinstance(distribution, Fixed) and float(distribution.value).is_integer():
                return Fixed(value=int(distribution.value))
            if not isinstance(distribution, Integer):
                raise ValueError(f"{self.name} is a whole number; write {{integer: [low, high]}}")
        return distribution


@dataclass(frozen=True, kw_only=True)
class ParameterSpace:
    """Parameters in order, with unique names; each owns a slice of u on the axis it varies with.

    Example:
        >>> space = ParameterSpace(parameters=(...))
        >>> values = space.resolve(u_scenario, u_view, u_look)
        >>> values["light.azimuth"].shape  # views, looks
        (4, 2)
    """

    parameters: tuple[Parameter, ...]
    slices: dict[str, slice] = field(init=False, repr=False, compare=False)
    """Each parameter's coordinates within the u of its axis."""
    sizes: dict[Axis, int] = field(init=False, repr=False, compare=False)
    """Coordinates on each axis."""

    def __post_init__(self) -> None:
        slices: dict[str, slice] = {}
        sizes: dict[Axis, int] = dict.fromkeys(AXES, 0)
        for parameter in self.parameters:
            if parameter.name in slices:
                raise ValueError(f"two parameters are named {parameter.name!r}; names must be unique")
            start = sizes[parameter.varies]
            sizes[parameter.varies] = start + parameter.coordinate_count
            slices[parameter.name] = slice(start, sizes[parameter.varies])
        object.__setattr__(self, "slices", slices)
        object.__setattr__(self, "sizes", sizes)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(f"no parameter {name!r}; {nearest(name, self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def size(self) -> int:
        """Coordinates of one row: those of its scenario, its view and its look, one after another."""
        return sum(self.sizes.values())

    def resolve(self, u_scenario: Array, u_view: Array, u_look: Array) -> dict[str, Array]:
        """Map u to named values.

        Args:
            u_scenario: Shape (Ds,), range (0, 1).
            u_view: Shape (V, Dv), range (0, 1).
            u_look: Shape (V, L, Dl), range (0, 1).

        Returns:
            Name to value; shape () or (V,) or (V, L) by what the parameter varies with, then (K,) for several numbers.

        Raises:
            ValueError: If a shape does not fit or a coordinate lies outside (0, 1).
        """
        given = {"scenario": np.asarray(u_scenario), "view": np.asarray(u_view), "look": np.asarray(u_look)}
        for rank, axis in enumerate(AXES, start=1):
            u = given[axis]
            if u.ndim != rank or u.shape[-1] != self.sizes[axis]:
                raise ValueError(f"u_{axis} must have {rank} axes, the last of {self.sizes[axis]}, got {u.shape}")
            if u.size and not (u.min() > 0.0 and u.max() < 1.0):
                raise ValueError(f"u_{axis} must lie inside (0, 1), got [{u.min()}, {u.max()}]")
        return {p.name: p.values(given[p.varies][..., self.slices[p.name]]) for p in self.parameters}

    def spread(self, values: Mapping[str, Array], views: int, looks: int) -> dict[str, Array]:
        """Repeat values over views and looks, so that each has shape (V, L[, K]) whatever it varies with."""
        out: dict[str, Array] = {}
        for parameter in self.parameters:
            value = values[parameter.name]
            tail = () if parameter.value_count == 1 else (parameter.value_count,)
            lead = value.shape[: value.ndim - len(tail)]
            shaped = value.reshape(*lead, *(1,) * (2 - len(lead)), *tail)
            out[parameter.name] = np.ascontiguousarray(np.broadcast_to(shaped, (views, looks, *tail)))
        return out

    def log_density(self, values: Mapping[str, Array], views: int, looks: int) -> Array:
        """Return the log density of each row's values, shape (V, L)."""
        total = np.zeros((views, looks))
        for parameter in self.parameters:
            each = parameter.log_density(values[parameter.name])
            total = total + each.reshape(*each.shape, *(1,) * (2 - each.ndim))
        return np.asarray(total)

    def override(self, overrides: Mapping[str, Any]) -> ParameterSpace:
        """Return the space with other distributions for some parameters.

        Args:
            overrides: Name to what `Parameter.overridden` takes.

        Returns:
            A space with the same names in the same order.

        Raises:
            ValueError: If a name is unknown (the nearest one is named) or a value cannot be.
        """
        for name in overrides:
            if name not in self.slices:
                raise ValueError(f"unknown parameter {name!r}; {nearest(name, self.names)}")
        return ParameterSpace(
            parameters=tuple(p.overridden(overrides[p.name]) if p.name in overrides else p for p in self.parameters)
        )

    def randomize(self, groups: Iterable[str], keep: Iterable[str] = ()) -> ParameterSpace:
        """Return the space with only some groups random; parameters of the others stand at their nominal values.

        Args:
            groups: Names out of `GROUPS`; `objects` is always among them.
            keep: Parameters left as they are whatever their group, such as overridden ones.

        Returns:
            A space with the same names in the same order.

        Raises:
            ValueError: If a group is unknown.
        """
        wanted, kept = {*groups, "objects"}, set(keep)
        for group in sorted(wanted):
            if group not in GROUPS:
                raise ValueError(f"unknown group {group!r}; {nearest(group, GROUPS)}")
        return ParameterSpace(
            parameters=tuple(p if p.group in wanted or p.name in kept else p.fixed() for p in self.parameters)
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Return a description of JSON types, in order."""
        return [parameter.to_json() for parameter in self.parameters]

    def digest(self) -> str:
        """Return the SHA-256 of the JSON form; it binds what was generated to the space it came from."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
