"""Parameters that depend on a choice, such as the context that a scene is set in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .cases_distribution import Cases
from .distribution import Distribution
from .parameter import Parameter
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
