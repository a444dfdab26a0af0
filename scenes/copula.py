"""Correlated groups of parameters: a Gaussian copula, which couples their ranks and leaves each one's distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .distribution import keep_inside, map_each, normal_cdf

Array = NDArray[np.float64]
MAX_GROUP: Final = 32
"""Parameters of one group."""
_LEAST_PIVOT: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class CorrelatedGroup:
    """Parameters whose coordinates are coupled by a Gaussian copula; vectors are coupled element by element.

    The first keeps its own coordinates, each later one takes up those before it: so the order of the names is the order
    in which a Rosenblatt transformation conditions.

    Raises:
        ValueError: If a name stands twice, a number is out of range, or the matrix is no correlation matrix.

    Example:
        >>> CorrelatedGroup(names=("friction", "object.mass"), correlation=0.6)

    Source: Nelsen, "An Introduction to Copulas", 2006, section 2.3; Pearson's 6/pi asin(r/2) of Spearman's rank
        correlation: Kruskal, "Ordinal measures of association", JASA 53, 1958.
    """

    names: tuple[str, ...]
    """Parameters in order, 2 to 32."""
    correlation: float | tuple[tuple[float, ...], ...]
    """Correlation of every pair, in (-1, 1), or a matrix of them in the order of the names."""
    kind: Literal["rank", "gaussian"] = "rank"
    """What is given: Spearman's rank correlation of the parameters, or the correlation of their normal scores."""
    factor: tuple[tuple[float, ...], ...] = field(init=False, repr=False, compare=False)
    """Lower Cholesky factor of the correlation of the normal scores."""

    def __post_init__(self) -> None:
        size = len(self.names)
        if not 2 <= size <= MAX_GROUP:
            raise ValueError(f"a correlated group names 2 to {MAX_GROUP} parameters, got {size}")
        if len(set(self.names)) < size:
            raise ValueError(f"a correlated group names each parameter once, got {', '.join(self.names)}")
        if self.kind not in ("rank", "gaussian"):
            raise ValueError(f"a correlation is of kind rank or gaussian, got {self.kind!r}")
        matrix = self._matrix()
        if self.kind == "rank":
            matrix = [[r if r == 1.0 else 2.0 * math.sin(math.pi * r / 6.0) for r in row] for row in matrix]
        object.__setattr__(self, "factor", _cholesky(matrix, self.names))

    def _matrix(self) -> list[list[float]]:
        size, given = len(self.names), self.correlation
        if isinstance(given, int | float):
            _check(given)
            return [[1.0 if i == k else float(given) for k in range(size)] for i in range(size)]
        if len(given) != size or any(len(row) != size for row in given):
            raise ValueError(f"a correlation is one number or {size} rows of {size} numbers, got {given!r}")
        for i in range(size):
            if given[i][i] != 1:
                raise ValueError(f"the correlation of {self.names[i]} with itself is 1, got {given[i][i]!r}")
            for k in range(i):
                _check(given[i][k])
                if given[i][k] != given[k][i]:
                    raise ValueError(
                        f"a correlation matrix is symmetric; {self.names[k]} with {self.names[i]} has {given[k][i]} and"
                        f" {given[i][k]}"
                    )
        return [[float(r) for r in row] for row in given]

    def among(self, names: tuple[str, ...]) -> CorrelatedGroup:
        """Return the group of some of its parameters: a Gaussian copula's margin is one of a part of its matrix."""
        if names == self.names:
            return self
        rows = [self.names.index(name) for name in names]
        matrix = self._matrix()
        return replace(self, names=names, correlation=tuple(tuple(matrix[i][k] for k in rows) for i in rows))

    def couple(self, u: Sequence[Array]) -> list[Array]:
        """Map independent coordinates to coupled ones.

        Args:
            u: One array per name, all of one shape, range (0, 1).

        Returns:
            The same shapes, uniform each, coupled among one another.
        """
        scores = [map_each(NormalDist().inv_cdf, each) for each in u]
        coupled = [np.asarray(u[0], np.float64)]
        for row in range(1, len(u)):
            total = self.factor[row][0] * scores[0]
            for column in range(1, row + 1):
                total = total + self.factor[row][column] * scores[column]
            coupled.append(keep_inside(map_each(normal_cdf, total)))
        return coupled

    def uncouple(self, coupled: Sequence[Array]) -> list[Array]:
        """Map coupled coordinates back to independent ones; the inverse of `couple`, to rounding."""
        scores = [map_each(NormalDist().inv_cdf, each) for each in coupled]
        out, free = [np.asarray(coupled[0], np.float64)], [scores[0]]
        for row in range(1, len(coupled)):
            rest = scores[row]
            for column in range(row):
                rest = rest - self.factor[row][column] * free[column]
            free.append(rest / self.factor[row][row])
            out.append(keep_inside(map_each(normal_cdf, free[row])))
        return out

    def log_density(self, coupled: Sequence[Array]) -> Array:
        """Return the logarithm of the copula's density at coupled coordinates, shape of one of them."""
        scores = [map_each(NormalDist().inv_cdf, each) for each in coupled]
        free = [scores[0]]
        total = np.zeros(scores[0].shape)
        for row in range(1, len(coupled)):
            rest = scores[row]
            for column in range(row):
                rest = rest - self.factor[row][column] * free[column]
            free.append(rest / self.factor[row][row])
            total = total + 0.5 * (scores[row] * scores[row] - free[row] * free[row]) - math.log(self.factor[row][row])
        return np.asarray(total)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `from_json` reads, which is a recipe's as well."""
        given = self.correlation
        body = given if isinstance(given, int | float) else [list(row) for row in given]
        return {"names": list(self.names), self.kind: body}

    @classmethod
    def from_json(cls, given: Any) -> CorrelatedGroup:
        """Read `{names: [...], rank: r}` or `{names: [...], gaussian: r}`; r is a number or rows of a matrix.

        Raises:
            ValueError: If it is not so written, or no correlation matrix.
        """
        kinds = [kind for kind in ("rank", "gaussian") if isinstance(given, Mapping) and kind in given]
        if not isinstance(given, Mapping) or len(kinds) != 1 or set(given) != {"names", kinds[0]}:
            raise ValueError(
                "a correlated group is written {names: [a, b], rank: 0.6} or, for the correlation of normal scores, "
                f"{{names: [a, b], gaussian: 0.6}}, got {given!r}"
            )
        kind: Literal["rank", "gaussian"] = "rank" if kinds[0] == "rank" else "gaussian"
        body = given[kind]
        if not isinstance(given["names"], list | tuple) or not all(isinstance(n, str) for n in given["names"]):
            raise ValueError(f"names of a correlated group are a list of parameters, got {given['names']!r}")
        if isinstance(body, list | tuple):
            if not all(isinstance(row, list | tuple) for row in body):
                raise ValueError(f"{kind} is one number or rows of a matrix, got {body!r}")
            body = tuple(tuple(row) for row in body)
        return cls(names=tuple(given["names"]), correlation=body, kind=kind)


def _check(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1.0 < value < 1.0:
        raise ValueError(f"a correlation lies between -1 and 1, neither included, got {value!r}")


def _cholesky(matrix: list[list[float]], names: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
    size = len(matrix)
    factor = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for k in range(i + 1):
            rest = matrix[i][k] - math.fsum(factor[i][j] * factor[k][j] for j in range(k))
            if k < i:
                factor[i][k] = rest / factor[k][k]
            elif rest < _LEAST_PIVOT:
                raise ValueError(
                    f"no parameters are correlated so: {names[i]} contradicts those before it (the matrix must be "
                    "positive definite); weaken its correlations"
                )
            else:
                factor[i][i] = math.sqrt(rest)
    return tuple(tuple(row) for row in factor)
