"""What a recipe says of a parameter: another distribution, unit or axis, held against what the scene declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from .cases_distribution import Cases
from .conditional_distribution import Conditional, Derived, Words
from .distribution import Distribution
from .distributions import Choice, Fixed, Integer, Sequence, parse_distribution
from .expression import Expression
from .parameter import AXES, Axis, Parameter
from .relative_distribution import OPERATIONS, relate
from .spelling import nearest
from .vector_distributions import FixedVector, Permutation, Rotation

_UNITS: Final[dict[str, dict[str, float]]] = {
    "rad": {"deg": math.pi / 180.0},
    "m": {"mm": 1e-3, "cm": 1e-2},
    "kg": {"g": 1e-3},
}


def override_parameter(declared: Parameter, given: Any) -> Parameter:
    """Return a parameter with what a recipe says of it.

    Args:
        declared: As the scene declares it.
        given: A number, or a distribution in its JSON form with, beside it, `unit` and `varies` where they differ;
            `{add: ...}` and `{scale: ...}` are relative to the parameter's nominal.

    Returns:
        The parameter; its unit stays the declared one, values in another are converted.

    Raises:
        ValueError: If the distribution, unit or axis cannot be.

    Example:
        >>> override_parameter(space["light.azimuth"], {"uniform": [0, 90], "unit": "deg"})
    """
    unit, varies, body = declared.unit, declared.varies, given
    if isinstance(given, Mapping):
        rest = dict(given)
        unit, varies = rest.pop("unit", unit), rest.pop("varies", varies)
        body = rest
        if not rest:
            return replace(declared, varies=_coarser(declared, varies))
    kind = declared  # what is given takes the place of all cases
    if isinstance(declared.distribution, Cases):
        kind = replace(declared, distribution=declared.distribution.cases[0])
    try:
        distribution = _read(kind, body, _unit_factor(declared, unit))
    except ValueError as error:
        raise ValueError(f"{declared.name}: {error}") from error
    return replace(declared, distribution=_fit(kind, distribution), varies=_coarser(declared, varies))


def _unit_factor(declared: Parameter, unit: Any) -> float | None:
    if unit == declared.unit:
        return None
    others = _UNITS.get(declared.unit, {})
    factor = others.get(unit) if isinstance(unit, str) else None
    if factor is None:
        raise ValueError(f"it is given in {', '.join([declared.unit, *others])}, got {unit!r}")
    return factor


def _read(declared: Parameter, body: Any, factor: float | None) -> Distribution:
    if isinstance(declared.distribution, Choice):
        body = _indexed(declared.distribution, body)
    operation = next((name for name in OPERATIONS if isinstance(body, Mapping) and name in body), None)
    if operation is None or not isinstance(body, Mapping):
        distribution = parse_distribution(body)
        if factor is None:
            return distribution
        if distribution.is_dependent:
            raise ValueError(f"an expression is in the parameter's own unit, {declared.unit}; leave the unit away")
        return distribution.scaled(factor)
    if set(body) - {operation, "nominal"}:
        raise ValueError(f"{operation} stands alone, got {dict(body)!r}")
    inner = parse_distribution(body[operation])
    if factor is not None:
        if operation == "scale":
            raise ValueError("scale is by numbers without a unit; leave the unit away")
        inner = inner.scaled(factor)
    return relate(operation, inner, body.get("nominal", declared.reference))


def _indexed(declared: Choice, body: Any) -> Any:
    """Return what is said of a choice with words in their places."""
    if isinstance(body, str) or (isinstance(body, int | float) and body in declared.options):
        return {"choice": [body]}
    if isinstance(body, Mapping) and set(body) == {"sequence"} and isinstance(body["sequence"], list | tuple):
        return {"sequence": [_find(declared, option) for option in body["sequence"]]}
    return body


def _find(declared: Choice, option: Any) -> int:
    if option not in declared.options:
        raise ValueError(f"it has no option {option!r}; {nearest(str(option), map(str, declared.options))}")
    return declared.options.index(option)


def _coarser(declared: Parameter, varies: Any) -> Axis:
    if varies not in AXES:
        raise ValueError(f"{declared.name}: varies must be one of {', '.join(AXES)}, got {varies!r}")
    if AXES.index(varies) > AXES.index(declared.varies):
        raise ValueError(f"{declared.name} varies by {declared.varies}; it cannot vary by {varies}, only more coarsely")
    chosen: Axis = varies
    return chosen


def _fit(parameter: Parameter, distribution: Distribution) -> Distribution:
    """Keep vectors vectors, whole numbers whole, and choices among the options whose indices the scene reads."""
    declared, name = parameter.distribution, parameter.name
    if distribution.value_count != declared.value_count:
        wanted = "one number" if declared.value_count == 1 else f"{declared.value_count} numbers a value"
        given = "one number" if isinstance(distribution, Fixed) else f"{distribution.kind}'s {distribution.value_count}"
        raise ValueError(f"{name} has {wanted} and cannot be {given}")
    if declared.value_count > 1:
        return _fit_vector(name, declared, distribution)
    if isinstance(declared, Choice):
        return _fit_choice(name, declared, distribution)
    if isinstance(distribution, Choice) or getattr(distribution, "name", "") == "choice":
        raise ValueError(
            f"{name} is a number and no choice between options; write {{sequence: [...]}} for numbers in turn, or "
            "{expression: ...} of a choice"
        )
    if isinstance(declared, Integer):
        return _fit_whole(name, distribution)
    return distribution


def _fit_vector(name: str, declared: Distribution, distribution: Distribution) -> Distribution:
    if isinstance(declared, Rotation) and isinstance(distribution, FixedVector):
        length = math.hypot(*distribution.value)
        if abs(length - 1.0) > 1e-6:
            raise ValueError(f"{name} is a unit quaternion x, y, z, w; the length of {distribution.value} is {length}")
    elif isinstance(declared, Rotation | Permutation) and not isinstance(distribution, type(declared)):
        order = isinstance(declared, Permutation) and isinstance(distribution, FixedVector)
        if not (order and sorted(distribution.ppf([[0.0]])[0].tolist()) == list(range(declared.value_count))):
            raise ValueError(f"{name} is a {declared.kind}, and cannot be {distribution.kind}")
    return distribution


def _fit_choice(name: str, declared: Choice, distribution: Distribution) -> Distribution:
    options = declared.options
    if isinstance(distribution, Sequence):
        return distribution
    if isinstance(distribution, Conditional) and isinstance(distribution.arguments, Words):
        words = distribution.arguments
        asked: dict[Any, Any] = {
            _known(name, declared, o): w for o, w in zip(words.options, words.weights, strict=True)
        }
        return replace(distribution, arguments=Words(options, tuple(asked.get(option, 0.0) for option in options)))
    if not isinstance(distribution, Choice):
        raise ValueError(f"{name} is a choice of {', '.join(map(str, options))}")
    weights = distribution.weights or (1.0,) * len(distribution.options)
    given = {_known(name, declared, o): w for o, w in zip(distribution.options, weights, strict=True)}
    return Choice(options=options, weights=tuple(float(given.get(option, 0.0)) for option in options))


def _known(name: str, declared: Choice, option: Any) -> Any:
    if option not in declared.options:
        raise ValueError(f"{name} has no option {option!r}; {nearest(str(option), map(str, declared.options))}")
    return option


def _fit_whole(name: str, distribution: Distribution) -> Distribution:
    if isinstance(distribution, Fixed) and float(distribution.value).is_integer():
        return Fixed(value=int(distribution.value))
    if isinstance(distribution, Derived):
        return Derived(expression=Expression(f"floor(({distribution.expression.text}) + 0.5)"))
    whole = isinstance(distribution, Integer) or (
        isinstance(distribution, Conditional) and distribution.name == "integer"
    )
    if isinstance(distribution, Sequence):
        whole = all(float(value).is_integer() for value in distribution.options)
    if not whole:
        raise ValueError(f"{name} is a whole number; write {{integer: [low, high]}}")
    return distribution
