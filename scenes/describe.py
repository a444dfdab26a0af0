"""Describing parameter spaces for people: the table in the documentation."""

from __future__ import annotations

from typing import Any

from .space import ParameterSpace


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
        ((kind, arguments),) = parameter.distribution.to_json().items()
        times = f" x {parameter.count}" if parameter.count > 1 else ""
        lines.append(
            f"| `{parameter.name}`{times} | {kind} {_show(arguments)} | {parameter.unit} | {parameter.varies}"
            f" | {parameter.group} | {parameter.meaning} |"
        )
    return "\n".join(lines) + "\n"


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
