"""Parameters that depend on a choice, such as the context that a scene is set in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .cases_distribution import Cases
from .discrete_distributions import Choice, Fixed
from .distribution import Distribution
from .parameter import Parameter
from .space import ParameterSpace
from .spelling import nearest


def depend_on(
    parameter: Parameter, choice: str, cases: Mapping[str, Distribution], options: Sequence[str]
) -> Parameter:
    """Make a parameter depend on a choice.

    Args:
        parameter: The parameter; its distribution stays that of all options that are not named.
        choice: Name of the choice.
        cases: Option to distribution.
        options: The choice's options, in order.

    Returns:
        The parameter with a distribution for each option.

    Raises:
        ValueError: If an option is unknown, or a distribution does not fit.

    Example:
        >>> depend_on(lamp_count, "context", {"warehouse": Integer(low=2, high=6)}, CONTEXTS)
    """
    for option in cases:
        if option not in options:
            raise ValueError(f"{parameter.name}: {choice} has no option {option!r}; {nearest(option, options)}")
    chosen = tuple(cases.get(option, parameter.distribution) for option in options)
    return replace(parameter, distribution=Cases(of=choice, cases=chosen))


def settle_cases(space: ParameterSpace) -> ParameterSpace:
    """Return a space whose parameters no longer depend on choices that stand still, so that designs may vary them.

    Args:
        space: A space, some of whose parameters depend on a choice.

    Returns:
        The space of the same names and values.

    Example:
        >>> settle_cases(space.randomize(["lighting"]))["light.irradiance"].distribution
        LogUniform(low=..., high=...)
    """

    def settle(parameter: Parameter) -> Parameter:
        cases = parameter.distribution
        if not isinstance(cases, Cases) or cases.of not in space.names:
            return parameter
        row = only_option(space[cases.of].distribution)
        return parameter if row is None else replace(parameter, distribution=cases.cases[row])

    return replace(space, parameters=tuple(settle(parameter) for parameter in space))


def only_option(distribution: Distribution) -> int | None:
    """Return the number of the one option that a choice takes; None where it takes several."""
    if isinstance(distribution, Fixed):
        return int(distribution.value)
    if not isinstance(distribution, Choice):
        return None
    weights = distribution.weights or (1.0,) * len(distribution.options)
    taken = [row for row, weight in enumerate(weights) if weight > 0.0]
    return taken[0] if len(taken) == 1 else None
