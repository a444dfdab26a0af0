"""Requirements: what must hold between parameters, always or with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.philox import philox_uniforms
from .expression import Expression

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A condition on parameters; of a vector it must hold for every element, of views and looks for each.

    A soft one, of a probability below 1, is enforced in that share of the scenarios, chosen by the scenario's number:
    it then holds with at least that probability, p + (1 - p) q where q of all draws meet it.

    Raises:
        ValueError: If the text is no condition, or the probability is not in (0, 1].

    Example:
        >>> Requirement(condition="friction > 0.3", probability=0.9)
    """

    condition: str
    """Expression that compares, such as `table.height > 0.7`."""
    probability: float = 1.0
    """Share of the scenarios that it is enforced in, range (0, 1]."""
    expression: Expression = field(init=False, repr=False, compare=False)
    """The condition, parsed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", Expression(self.condition))
        if not self.expression.is_condition:
            raise ValueError(f"a requirement compares, such as friction > 0.3, got {self.condition!r}")
        if not self.expression.names:
            raise ValueError(f"a requirement is about parameters, got {self.condition!r}")
        given: object = self.probability
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 < given <= 1.0:
            raise ValueError(f"{self.condition}: the probability must be in (0, 1], got {given!r}")

    @property
    def is_hard(self) -> bool:
        """Whether it is enforced in every scenario."""
        return self.probability == 1.0

    def is_enforced(self, seed: int, index: int) -> bool:
        """Tell whether a scenario must meet it: a pure function of the seed and the scenario's number.

        Args:
            seed: Seed of the campaign, range [0, 2^64).
            index: Number of the scenario, range [0, 2^32).
        """
        if self.is_hard:
            return True
        share = float(philox_uniforms(seed, f"require/{self.condition}", [[0, index, 0]])[0])
        return share < self.probability

    def holds(self, values: Mapping[str, Array], count: int = 1) -> NDArray[np.bool_]:
        """Tell whether it holds, whether it is enforced or not.

        Args:
            values: Name to numbers, shape (..., numbers of the parameter).
            count: Elements of the vectors that it compares.

        Returns:
            Shape (...), of every element together; what has no value does not hold.
        """
        return np.asarray((self.expression.evaluate(values, count) == 1.0).all(axis=-1))

    def to_json(self) -> str | dict[str, Any]:
        """Return the JSON form that `from_json` reads, which is a recipe's as well."""
        return self.condition if self.is_hard else {"condition": self.condition, "probability": self.probability}

    @classmethod
    def from_json(cls, given: Any) -> Requirement:
        """Read a condition, or `{condition: ..., probability: ...}`.

        Raises:
            ValueError: If it is not so written, or cannot be.
        """
        if isinstance(given, str):
            return cls(condition=given)
        if not isinstance(given, Mapping) or not {"condition"} <= set(given) <= {"condition", "probability"}:
            raise ValueError(
                'a requirement is a condition, such as "friction > 0.3", or {condition: "friction > 0.3", '
                f"probability: 0.9}}, got {given!r}"
            )
        return cls(condition=given["condition"], probability=given.get("probability", 1.0))
