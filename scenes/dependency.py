"""How parameters depend on one another: in what order they are evaluated, and whether they can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .cases_distribution import Cases
from .conditional_distribution import Dependent
from .copula import CorrelatedGroup
from .discrete_distributions import Choice, Fixed, Integer, Sequence
from .expression import Expression, ExpressionError
from .expression_tree import ELEMENT, Name, Node, Operation
from .interval import Interval
from .parameter import AXES, Parameter
from .relative_distribution import Relative
from .spelling import nearest

Array = NDArray[np.float64]
_REDUCERS: Final = ("min", "max")


def order_parameters(parameters: Iterable[Parameter]) -> tuple[str, ...]:
    """Return names in the order of evaluation: as declared, but each after those that it depends on.

    Raises:
        ValueError: If parameters depend on one another in a circle, or on what is unknown.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    order: dict[str, None] = {}
    for first in by_name:
        path: dict[str, list[str]] = {}
        pending = [first]
        while pending:  # a stack, not recursion: chains may be long
            name = pending[-1]
            if name in order:
                pending.pop()
                path.pop(name, None)
                continue
            if name not in path:
                for other in by_name[name].distribution.names:
                    if other not in by_name:
                        raise ValueError(f"{name} depends on an unknown parameter {other!r}; {nearest(other, by_name)}")
                path[name] = [other for other in by_name[name].distribution.names if other not in order]
            left = [other for other in path[name] if other not in order]
            if not left:
                order[name] = None
                continue
            if left[0] in path:
                circle = list(path)[list(path).index(left[0]) :]
                raise ValueError(f"{name} cannot depend on {left[0]}: {' -> '.join([*circle, left[0]])} is a circle")
            pending.append(left[0])
    return tuple(order)


def check_dependencies(by_name: Mapping[str, Parameter], order: Iterable[str]) -> None:
    """Raise unless every parameter can be evaluated and keeps to what is allowed.

    Raises:
        ValueError: If one depends on what varies more finely, on a vector of another length, or may leave its range.
    """
    ranges: dict[str, Interval] = {}
    for name in order:
        parameter = by_name[name]
        for expression in _expressions(parameter):
            for other in expression.names:
                if AXES.index(by_name[other].varies) > AXES.index(parameter.varies):
                    raise ValueError(
                        f"{name} varies by {parameter.varies} and cannot depend on {other}, which varies by "
                        f"{by_name[other].varies}"
                    )
            length = count_elements(expression, by_name, parameter.count)
            if length not in (1, parameter.count):
                raise ValueError(f"{name} has {parameter.count} elements, {expression.text!r} has {length}")
        if isinstance(parameter.distribution, Cases):
            _check_choice(name, by_name[parameter.distribution.of])
        reach = parameter.distribution.reach(ranges, parameter.count)
        if parameter.distribution.is_dependent:
            parameter.check_reach(reach)
        ranges[name] = Interval(*reach)


def _check_choice(name: str, chosen: Parameter) -> None:
    """Raise unless cases may depend on a parameter: whole numbers, which count options."""
    distribution = chosen.distribution
    whole = isinstance(distribution, Choice | Integer) or (
        isinstance(distribution, Fixed | Sequence)
        and all(float(value).is_integer() for value in getattr(distribution, "options", ()) or (distribution.support))
    )
    if not whole and getattr(distribution, "name", "") not in ("integer", "choice"):
        raise ValueError(f"{name}: cases depend on a choice or a whole number, {chosen.name} is {distribution.kind}")


def _expressions(parameter: Parameter) -> tuple[Expression, ...]:
    distribution = parameter.distribution
    while isinstance(distribution, Relative):
        distribution = distribution.base
    return distribution.expressions if isinstance(distribution, Dependent) else ()


def count_elements(expression: Expression, by_name: Mapping[str, Parameter], count: int | None = None) -> int:
    """Return the elements of an expression's value.

    Args:
        expression: The expression.
        by_name: Parameters that it may read.
        count: Elements that `element` counts; None = those of the vectors beside it.

    Returns:
        1, or the length of the vectors that it reads.

    Raises:
        ExpressionError: If a name or an index is unknown, or vectors of different lengths meet.
    """

    def fail(problem: str) -> ExpressionError:
        return ExpressionError(f"{expression.text!r}: {problem}")

    def length(node: Node) -> int:
        if isinstance(node, Name):
            return 1 if node.name == ELEMENT and count is None else _length(node)
        if not isinstance(node, Operation):
            return 1
        lengths = {length(argument) for argument in node.arguments} - {1}
        if len(lengths) > 1:
            raise fail(f"vectors of {' and '.join(map(str, sorted(lengths)))} elements meet; choose one by name[0]")
        return 1 if not lengths or (node.symbol in _REDUCERS and len(node.arguments) == 1) else lengths.pop()

    def _length(node: Name) -> int:
        if node.name == ELEMENT:
            if node.index is not None:
                raise fail("element is one number")
            return count or 1
        if node.name not in by_name:
            raise fail(f"unknown parameter {node.name!r}; {nearest(node.name, by_name)}")
        parameter = by_name[node.name]
        if node.index is not None:
            if node.index >= parameter.value_count:
                raise fail(
                    f"{node.name} has {parameter.value_count} numbers; write [0] to [{parameter.value_count - 1}]"
                )
            return 1
        if parameter.distribution.value_count > 1:
            raise fail(f"{node.name} is a vector of {parameter.distribution.value_count} numbers; write {node.name}[0]")
        return parameter.count

    return length(expression.tree)


def check_groups(groups: Iterable[CorrelatedGroup], by_name: Mapping[str, Parameter]) -> None:
    """Raise unless correlated groups name parameters that can be coupled, each once.

    Raises:
        ValueError: If a name is unknown or in two groups, or cannot be coupled, or differs in count or axis.
    """
    seen: set[str] = set()
    for group in groups:
        for name in group.names:
            if name not in by_name:
                raise ValueError(f"correlated: unknown parameter {name!r}; {nearest(name, by_name)}")
            if name in seen:
                raise ValueError(f"correlated: {name} stands in two groups; join them")
            seen.add(name)
            parameter, first = by_name[name], by_name[group.names[0]]
            distribution = parameter.distribution
            if distribution.coordinate_count == 0:
                continue  # a value that does not vary correlates with nothing
            if distribution.coordinate_count > 1 or not distribution.continuous:
                raise ValueError(
                    f"correlated: {name} is {distribution.kind}; what can be coupled is continuous and one number"
                )
            if (parameter.count, parameter.varies) != (first.count, first.varies):
                raise ValueError(
                    f"correlated: {name} has {parameter.count} elements and varies by {parameter.varies}, {first.name} "
                    f"has {first.count} and varies by {first.varies}; they must agree"
                )
