"""Distributions by name: reading them from their JSON form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .cases_distribution import Cases
from .conditional_distribution import Conditional, Derived, Words, freeze_arguments
from .continuous_distributions import Beta as Beta
from .continuous_distributions import LogUniform as LogUniform
from .continuous_distributions import Normal as Normal
from .continuous_distributions import TruncatedNormal as TruncatedNormal
from .continuous_distributions import Uniform as Uniform
from .discrete_distributions import Choice as Choice
from .discrete_distributions import Fixed as Fixed
from .discrete_distributions import Integer as Integer
from .discrete_distributions import Sequence as Sequence
from .distribution import Distribution
from .expression import Expression
from .interval import WHOLE, Interval
from .region_distributions import InBall, InShell, OnBox, OnSphere
from .relative_distribution import OPERATIONS, relate
from .spelling import nearest
from .vector_distributions import FixedVector, InBox, OnDisk, Permutation, Rotation

_Bounds = Callable[[tuple[Interval, ...]], tuple[float, float]]


# Plain functions and not lambdas: what a distribution holds can be pickled.


def _ends(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return numbers[-2].low, numbers[-1].high


def _unbounded(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return WHOLE.low, WHOLE.high


def _stretched(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return (numbers[2].low, numbers[3].high) if len(numbers) == 4 else (0.0, 1.0)


def _weighed(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return 0.0, float(len(numbers) - 1)


def _around(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return -numbers[-1].high, numbers[-1].high


def _cornered(numbers: tuple[Interval, ...]) -> tuple[float, float]:
    return min(number.low for number in numbers[:3]), max(number.high for number in numbers[3:])


@dataclass(frozen=True)
class _Form:
    """How a distribution is written and, where its arguments may be expressions, what it then is."""

    written: str
    make: Callable[..., Distribution]
    bounds: _Bounds | None = None
    sizes: tuple[int, int] = (1, 1)


def _corners(kind: type[InBox] | type[OnBox]) -> Callable[..., Distribution]:
    return lambda low, high: kind(low=tuple(low), high=tuple(high))


def _shell(inner: float, outer: float) -> Distribution:
    return InShell(inner_radius=inner, outer_radius=outer)


def _fixed(*given: Any) -> Distribution:
    return Fixed(value=given[0]) if len(given) == 1 else FixedVector(value=given)


def _cases(given: Mapping[str, Any]) -> Distribution:
    if set(given) != {"of", "distributions"} or not isinstance(given["of"], str):
        raise KeyError(given)
    return Cases(of=given["of"], cases=tuple(parse_distribution(each) for each in given["distributions"]))


_FORMS: Final = {
    "uniform": _Form("[low, high]", lambda low, high: Uniform(low=low, high=high), _ends),
    "loguniform": _Form("[low, high]", lambda low, high: LogUniform(low=low, high=high), _ends),
    "normal": _Form(
        "[mean, deviation]",
        lambda mean, deviation: Normal(mean=mean, deviation=deviation),
        _unbounded,
    ),
    "truncnormal": _Form(
        "[mean, deviation, low, high]",
        lambda mean, deviation, low, high: TruncatedNormal(mean=mean, deviation=deviation, low=low, high=high),
        _ends,
    ),
    "beta": _Form(
        "[a, b] or [a, b, low, high]",
        lambda a, b, low=0.0, high=1.0: Beta(a=a, b=b, low=low, high=high),
        _stretched,
    ),
    "integer": _Form("[low, high]", lambda low, high: Integer(low=low, high=high), _ends),
    "choice": _Form("[option, ...] or {options: [...], weights: [...]}", lambda *options: Choice(options=options)),
    "sequence": _Form("[value, ...]", lambda *values: Sequence(options=values)),
    "permutation": _Form("number of things", lambda size: Permutation(size=size)),
    "fixed": _Form("number or [number, ...]", _fixed),
    "expression": _Form("text", lambda text: Derived(expression=Expression(text))),
    "cases": _Form("{of: choice, distributions: [distribution of each option]}", lambda given: _cases(given)),
    "so3": _Form("[]", lambda: Rotation()),
    "on_disk": _Form("radius", lambda radius: OnDisk(radius=radius), _around, (2, 2)),
    "on_sphere": _Form("radius", lambda radius: OnSphere(radius=radius), _around, (2, 3)),
    "on_box": _Form("[[x, y, z], [x, y, z]]", _corners(OnBox), _cornered, (3, 3)),
    "in_box": _Form("[[x, y, z], [x, y, z]]", _corners(InBox), _cornered, (3, 3)),
    "in_ball": _Form("radius", lambda radius: InBall(radius=radius), _around, (3, 3)),
    "in_shell": _Form("[inner, outer]", _shell, _around, (3, 3)),
}
"""Every distribution by its name; the same names in Python, recipes and datasets."""

DISTRIBUTION_NAMES: Final = (*_FORMS, *OPERATIONS)
"""Names that a distribution may have in its JSON form."""


def _construct(kind: str, given: Any) -> Distribution:
    form = _FORMS[kind]
    if kind == "choice" and isinstance(given, Mapping):
        return _weighted(given)
    if isinstance(given, list | tuple):
        if form.bounds is not None and _holds_text(given):
            return _conditional(kind, form, given)
        return form.make(*given)
    if kind == "cases":
        return form.make(given)
    if given is None or isinstance(given, Mapping):
        if kind == "so3" and not given:
            return Rotation()
        raise TypeError(given)
    if isinstance(given, str) and kind != "expression":
        if form.bounds is None or form.written != "radius":
            raise TypeError(given)
        return _conditional(kind, form, given)
    return form.make(given)


def _weighted(given: Mapping[str, Any]) -> Distribution:
    if not set(given) <= {"options", "weights"}:
        raise KeyError(given)
    options, weights = tuple(given["options"]), given.get("weights")
    if weights is not None and _holds_text(list(weights)):
        chosen = Words(options, freeze_arguments(list(weights)))
        if len(chosen.weights) != len(options):
            raise ValueError(f"choice: {len(options)} options need as many weights, got {len(chosen.weights)}")
        return Conditional(name="choice", arguments=chosen, make=_construct, sizes=(1, 1), bounds=_weighed)
    return Choice(options=options, weights=None if weights is None else tuple(weights))


def _conditional(kind: str, form: _Form, given: Any) -> Distribution:
    assert form.bounds is not None
    arguments = freeze_arguments(given)
    made = Conditional(name=kind, arguments=arguments, make=_construct, sizes=form.sizes, bounds=form.bounds)
    # The right number of arguments: a trial with ones says so, whatever it says of their values.
    try:
        form.make(*_ones(arguments)) if isinstance(arguments, tuple) else form.make(1.0)
    except TypeError:
        raise
    except ValueError as error:
        if "3 numbers" in str(error):
            raise TypeError(given) from error
    return made


def _ones(arguments: Any) -> Any:
    return tuple(_ones(item) for item in arguments) if isinstance(arguments, tuple) else 1.0


def _holds_text(given: Any) -> bool:
    return isinstance(given, str) or (isinstance(given, list | tuple) and any(_holds_text(item) for item in given))


def parse_distribution(given: Any) -> Distribution:
    """Read a distribution from its JSON form.

    Args:
        given: A mapping of one name to its arguments, such as `{"uniform": [0, 1]}`, or a number for a fixed value.
            Where a number stands, a text is an expression of other parameters: `{"uniform": [0.1, "size * 2"]}`.

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
    if isinstance(given, Mapping) and any(operation in given for operation in OPERATIONS):
        return _parse_relative(given)
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"a distribution is one name with its arguments, such as {{uniform: [0, 1]}}, got {given!r}")
    kind, arguments = next(iter(given.items()))
    if kind not in _FORMS:
        raise ValueError(f"unknown distribution {kind!r}; {nearest(str(kind), DISTRIBUTION_NAMES)}")
    try:
        return _construct(kind, arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{kind} is written {{{kind}: {_FORMS[kind].written}}}, got {arguments!r}") from error


def _parse_relative(given: Mapping[str, Any]) -> Distribution:
    (operation, *more) = [name for name in given if name in OPERATIONS]
    if more or not set(given) <= {operation, "nominal"} or "nominal" not in given:
        raise ValueError(
            f"a relative value is written {{{operation}: distribution or number, nominal: number}}, got {dict(given)!r}"
        )
    return relate(operation, parse_distribution(given[operation]), given["nominal"])
