"""Distributions that depend on a choice: one for each of its options, such as lamps by context."""

# ruff: noqa: D102 (each method is documented once, at Distribution)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .conditional_distribution import Dependent, Elementwise
from .distribution import Array, Distribution
from .expression import Expression
from .expression_tree import ELEMENT, Name
from .interval import Interval


@dataclass(frozen=True, kw_only=True)
class Cases(Dependent):
    """One distribution for each option of a choice; all take as many coordinates.

    Raises:
        ValueError: If there are no cases, or they differ in coordinates or numbers of a value.
    """

    kind: ClassVar[str] = "cases"
    of: str
    """Name of the choice."""
    cases: tuple[Distribution, ...]
    """Distribution for each option, in the order of the options."""

    def __post_init__(self) -> None:
        if not self.cases:
            raise ValueError("cases: at least one distribution is needed")
        tree = Expression(self.of).tree
        if not isinstance(tree, Name) or tree.index is not None or tree.name == ELEMENT:
            raise ValueError(f"cases: of is the name of a choice, got {self.of!r}")
        first = self.cases[0]
        for case in self.cases:
            if (case.coordinate_count, case.value_count) != (first.coordinate_count, first.value_count):
                raise ValueError(f"cases: all must take as many coordinates; {case.kind} and {first.kind} do not")
            if case.is_dependent:
                raise ValueError("cases: a case cannot depend on parameters itself")

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return (Expression(self.of),)

    @property
    def coordinate_count(self) -> int:
        return self.cases[0].coordinate_count

    @property
    def value_count(self) -> int:
        return self.cases[0].value_count

    @property
    def continuous(self) -> bool:
        return all(case.continuous for case in self.cases)

    def typical(self) -> float:
        return self.cases[0].typical()

    def given(self, values: Mapping[str, Array], count: int) -> Distribution:
        chosen = self.expressions[0].evaluate(values, count)
        return Elementwise(template=self, values=(chosen,), filled=self._pick)

    def _pick(self, numbers: tuple[float, ...]) -> Distribution | None:
        return self.cases[int(numbers[0])] if numbers[0] in range(len(self.cases)) else None

    def reach(self, ranges: Mapping[str, Interval], count: int) -> tuple[float, float]:
        if ranges[self.of].low < 0 or ranges[self.of].high > len(self.cases) - 1:
            raise ValueError(f"{self.of} has more than the {len(self.cases)} options that there are cases for")
        return min(case.support[0] for case in self.cases), max(case.support[1] for case in self.cases)

    def to_json(self) -> dict[str, Any]:
        return {self.kind: {"of": self.of, "distributions": [case.to_json() for case in self.cases]}}
