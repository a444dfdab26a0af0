"""Describing parameter spaces for people: tables in the documentation and on the command line."""

from __future__ import annotations

from typing import Any, NamedTuple

from .parameter import Parameter
from .space import ParameterSpace


class ParameterRow(NamedTuple):
    """What a table tells of one parameter."""

    name: str
    """Name, with the number of elements of a vector."""
    distribution: str
    unit: str
    varies: str
    when: str
    group: str
    meaning: str


def describe_parameter(parameter: Parameter) -> ParameterRow:
    """Describe one parameter in words.

    Example:
        >>> describe_parameter(space["friction"]).distribution
        'loguniform [0.3, 1.2]'
    """
    times = f" x {parameter.count}" if parameter.count > 1 else ""
    return ParameterRow(
        name=f"{parameter.name}{times}",
        distribution=_write(parameter.distribution.to_json()),
        unit=parameter.unit,
        varies=parameter.varies,
        when=parameter.when,
        group=parameter.group,
        meaning=parameter.meaning,
    )


def describe_space(space: ParameterSpace) -> str:
    """Write a space as a Markdown table.

    Args:
        space: The space.

    Returns:
        One line per parameter: name, distribution, unit, what it varies with, group, meaning.

    Example:
        >>> print(describe_space(scene.space))
    """
    lines = ["| parameter | distribution | unit | varies | group | meaning |", "|---|---|---|---|---|---|"]
    for parameter in space:
        row = describe_parameter(parameter)
        name, times, count = row.name.partition(" x ")
        lines.append(
            f"| `{name}`{times}{count} | {row.distribution} | {row.unit} | {row.varies} | {row.group} | {row.meaning} |"
        )
    return "\n".join(lines) + "\n"


def _write(form: dict[str, Any]) -> str:
    (kind, arguments), *rest = form.items()
    if rest:  # relative to a nominal
        ((_, nominal),) = rest
        return f"{_show(nominal)} {'+' if kind == 'add' else 'times'} {_write(arguments)}"
    if kind == "cases":
        each = " | ".join(_write(case) for case in arguments["distributions"])
        return f"by {arguments['of']}: {each}"
    return f"{kind} {_show(arguments)}"


def _show(arguments: Any) -> str:
    if isinstance(arguments, dict):
        weights = arguments.get("weights")
        options = arguments["options"]
        if weights is None:
            return ", ".join(str(option) for option in options)
        pairs = zip(options, weights, strict=True)
        return ", ".join(f"{option} {100 * weight:.3g} %" for option, weight in pairs if weight > 0)
    if isinstance(arguments, list):
        return "[" + ", ".join(_show(value) for value in arguments) + "]" if arguments else ""
    return f"{arguments:.4g}" if isinstance(arguments, float) else str(arguments)
