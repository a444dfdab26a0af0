"""Parameter spaces: named distributions over u in (0, 1)^d, split by what they vary with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .copula import CorrelatedGroup
from .dependency import check_dependencies, check_groups, count_elements, order_parameters
from .parameter import AXES as AXES
from .parameter import GROUPS as GROUPS
from .parameter import Axis as Axis
from .parameter import Moment as Moment
from .parameter import Parameter as Parameter
from .parameter_override import override_parameter
from .requirement import Requirement
from .spelling import nearest as nearest

Array = NDArray[np.float64]


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
    correlated: tuple[CorrelatedGroup, ...] = ()
    """Groups of parameters that are coupled by a copula."""
    requirements: tuple[Requirement, ...] = ()
    """What must hold between them."""
    slices: dict[str, slice] = field(init=False, repr=False, compare=False)
    """Each parameter's coordinates within the u of its axis."""
    sizes: dict[Axis, int] = field(init=False, repr=False, compare=False)
    """Coordinates on each axis."""
    order: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Names in the order of evaluation."""
    _by_name: dict[str, Parameter] = field(init=False, repr=False, compare=False)
    _lengths: dict[str, int] = field(init=False, repr=False, compare=False)

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
        by_name = {parameter.name: parameter for parameter in self.parameters}
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "order", order_parameters(self.parameters))
        check_dependencies(by_name, self.order)
        check_groups(self.correlated, by_name)
        lengths = {one.condition: count_elements(one.expression, by_name) for one in self.requirements}
        object.__setattr__(self, "_lengths", lengths)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        if name not in self._by_name:
            raise KeyError(f"no parameter {name!r}; {nearest(name, self.names)}")
        return self._by_name[name]

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
        given: dict[Axis, Array] = {
            "scenario": np.asarray(u_scenario),
            "view": np.asarray(u_view),
            "look": np.asarray(u_look),
        }
        for rank, axis in enumerate(AXES, start=1):
            u = given[axis]
            if u.ndim != rank or u.shape[-1] != self.sizes[axis]:
                raise ValueError(f"u_{axis} must have {rank} axes, the last of {self.sizes[axis]}, got {u.shape}")
            if u.size and not (u.min() > 0.0 and u.max() < 1.0):
                raise ValueError(f"u_{axis} must lie inside (0, 1), got [{u.min()}, {u.max()}]")
        return self.evaluate(given)

    def evaluate(self, u: Mapping[Axis, Array], names: Iterable[str] | None = None) -> dict[str, Array]:
        """Map coordinates of any leading shape to values: what `resolve` does, without its checks.

        Args:
            u: Coordinates by axis, shape (..., coordinates of the axis); a finer axis has all that a coarser one leads
                with, or all have the same.
            names: Parameters that are wanted; None = all.

        Returns:
            Name to value, in the declared order, of the parameters that are wanted and those that they depend on.
        """
        wanted = set(self._by_name) if names is None else self.needed(names)
        parts = {p.name: u[p.varies][..., self.slices[p.name]] for p in self.parameters if p.name in wanted}
        for names_of, group in self.coupled(wanted):
            parts |= dict(zip(names_of, group.couple([parts[name] for name in names_of]), strict=True))
        values: dict[str, Array] = {}
        for name in self.order:
            if name in wanted:
                parameter = self._by_name[name]
                values[name] = parameter.values(parts[name], self.known(parameter, values, parts[name].ndim))
        return {name: values[name] for name in self._by_name if name in wanted}

    def needed(self, names: Iterable[str]) -> set[str]:
        """Return names, all that they depend on, and those before them in a correlated group."""
        wanted: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in wanted:
                wanted.add(name)
                pending += self[name].distribution.names
                pending += [other for group in self.correlated if name in group.names for other in group.names]
        return wanted

    def coupled(self, wanted: Iterable[str] | None = None) -> Iterator[tuple[tuple[str, ...], CorrelatedGroup]]:
        """Yield each correlated group's parameters that vary, where all are wanted (None = yes), with their copula."""
        chosen = set(self._by_name if wanted is None else wanted)
        for group in self.correlated:
            varying = tuple(name for name in group.names if self._by_name[name].coordinate_count)
            if len(varying) > 1 and chosen.issuperset(varying):
                yield varying, group.among(varying)

    def known(self, parameter: Parameter, values: Mapping[str, Array], rank: int) -> dict[str, Array]:
        """Return what a parameter depends on, with an axis of numbers behind the leading ones of its own."""
        return {name: self._numbers(name, values[name], rank) for name in parameter.distribution.names}

    def _numbers(self, name: str, value: Array, rank: int) -> Array:
        """Return a value with a last axis of its numbers, `rank` axes in all."""
        numbers = value[..., None] if self._by_name[name].value_count == 1 else value
        return numbers.reshape(*numbers.shape[:-1], *(1,) * (rank - numbers.ndim), numbers.shape[-1])

    def coordinates(self, values: Mapping[str, Array]) -> dict[Axis, Array]:
        """Map values to coordinates that `resolve` maps to them, to rounding: for replay and for densities.

        Args:
            values: What `resolve` returned, or values of such shapes.

        Returns:
            Coordinates by axis: shapes (Ds,), (V, Dv) and (V, L, Dl), range (0, 1).

        Raises:
            ValueError: If a value is missing or is none that its distribution gives.
        """
        parts = self.coordinates_of(values, self.names)
        found: dict[Axis, Array] = {}
        for rank, axis in enumerate(AXES):
            each = [parts[p.name] for p in self.parameters if p.varies == axis]
            found[axis] = np.concatenate(each, axis=-1) if each else np.zeros((1,) * rank + (0,))
        return found

    def coordinates_of(self, values: Mapping[str, Array], names: Iterable[str]) -> dict[str, Array]:
        """Map values of some parameters to their own coordinates; see `coordinates`.

        Args:
            values: Values of any leading shape, as `evaluate` returns them: of the parameters that are wanted, of those
                they depend on, and of all that vary in their correlated groups.
            names: Parameters that are wanted.

        Returns:
            Name to coordinates, shape (..., coordinates of the parameter), range (0, 1).

        Raises:
            ValueError: If a value is missing or is none that its distribution gives.
        """
        wanted = list(names)
        groups = [each for each in self.coupled() if not set(each[0]).isdisjoint(wanted)]
        taken = dict.fromkeys([*wanted, *(name for coupled, _ in groups for name in coupled)])
        missing = [name for name in taken if name not in values]
        if missing:
            raise ValueError(f"no values for {', '.join(missing[:8])}; all parameters need one")
        parts: dict[str, Array] = {}
        for name in taken:
            parameter, value = self._by_name[name], np.asarray(values[name], np.float64)
            rank = value.ndim + (parameter.value_count == 1)
            parts[name] = parameter.coordinates(value, self.known(parameter, values, rank))
        for coupled, group in groups:
            parts |= dict(zip(coupled, group.uncouple([parts[name] for name in coupled]), strict=True))
        return {name: parts[name] for name in wanted}

    def requirements_met(self, values: Mapping[str, Array]) -> dict[str, NDArray[np.bool_]]:
        """Tell for each requirement where it holds, whether it is enforced or not.

        Args:
            values: What `resolve` or `evaluate` returned, of the parameters that the requirements name.

        Returns:
            Condition to truth, of the leading shape of the finest parameter in it.
        """
        met: dict[str, NDArray[np.bool_]] = {}
        for requirement in self.requirements:
            names = requirement.expression.names
            rank = max(values[name].ndim + (self._by_name[name].value_count == 1) for name in names)
            numbers = {name: self._numbers(name, values[name], rank) for name in names}
            met[requirement.condition] = requirement.holds(numbers, self._lengths[requirement.condition])
        return met

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

        def add(each: Array) -> None:
            nonlocal total
            total = total + each.reshape(*each.shape, *(1,) * (2 - each.ndim))

        for parameter in self.parameters:
            value = values[parameter.name]
            rank = value.ndim + (parameter.value_count == 1)
            add(parameter.log_density(value, self.known(parameter, values, rank)))
        for names, group in self.coupled():
            coupled = []
            for name in names:
                known = self.known(self[name], values, values[name].ndim + (self[name].value_count == 1))
                coupled.append(self[name].shares(values[name], known))
            each = group.log_density(coupled)
            for element in range(each.shape[-1]):
                add(each[..., element])
        return np.asarray(total)

    def override(self, overrides: Mapping[str, Any]) -> ParameterSpace:
        """Return the space with other distributions for some parameters.

        Args:
            overrides: Name to what `override_parameter` takes.

        Returns:
            A space with the same names in the same order.

        Raises:
            ValueError: If a name is unknown (the nearest one is named) or a value cannot be.
        """
        for name in overrides:
            if name not in self.slices:
                raise ValueError(f"unknown parameter {name!r}; {nearest(name, self.names)}")
        changed = {p.name: override_parameter(p, overrides[p.name]) for p in self.parameters if p.name in overrides}
        return replace(self, parameters=tuple(changed.get(p.name, p) for p in self.parameters))

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
        chosen = tuple(p if p.group in wanted or p.name in kept else p.fixed() for p in self.parameters)
        return replace(self, parameters=chosen)

    def constrain(self, *, correlated: Sequence[Any] = (), require: Sequence[Any] = ()) -> ParameterSpace:
        """Return the space with more correlated groups and requirements.

        Args:
            correlated: Groups, or their JSON form: `{"names": ["a", "b"], "rank": 0.6}`.
            require: Requirements, or their JSON form: `"a > 0.3"` or `{"condition": "a > 0.3", "probability": 0.9}`.

        Returns:
            A space with the same parameters.

        Raises:
            ValueError: If a name is unknown, or a group or a condition cannot be.

        Example:
            >>> space.constrain(require=["friction > 0.3"])
        """
        groups = tuple(g if isinstance(g, CorrelatedGroup) else CorrelatedGroup.from_json(g) for g in correlated)
        wanted = tuple(r if isinstance(r, Requirement) else Requirement.from_json(r) for r in require)
        return replace(self, correlated=(*self.correlated, *groups), requirements=(*self.requirements, *wanted))

    def to_json(self) -> dict[str, Any]:
        """Return a description of JSON types, which `from_json` reads."""
        return {
            "parameters": [parameter.to_json() for parameter in self.parameters],
            "correlated": [group.to_json() for group in self.correlated],
            "require": [requirement.to_json() for requirement in self.requirements],
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ParameterSpace:
        """Read what `to_json` wrote.

        Raises:
            ValueError: If something in it cannot be.
        """
        return cls(
            parameters=tuple(Parameter.from_json(each) for each in given["parameters"]),
            correlated=tuple(CorrelatedGroup.from_json(each) for each in given["correlated"]),
            requirements=tuple(Requirement.from_json(each) for each in given["require"]),
        )

    def digest(self) -> str:
        """Return the SHA-256 of the JSON form; it binds what was generated to the space it came from."""
        whole = self.to_json()
        # A space of parameters alone has the digest of their list, as it always had.
        value = whole if self.correlated or self.requirements else whole["parameters"]
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
