"""Covering arrays: few rows in which every combination of the levels of any t factors occurs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Clause = Mapping[int, frozenset[int]]
"""A combination that must not occur: factor to some of its levels, all at once."""

MAX_TUPLES = 1 << 18
"""Most combinations that one array is asked to cover."""

_MAX_LOOKED_THROUGH = 1 << 13


@dataclass(frozen=True, kw_only=True)
class LevelSpace:
    """Factors with their numbers of levels, and what must not be combined."""

    counts: tuple[int, ...]
    """Levels of each factor."""
    forbidden: tuple[Clause, ...] = ()
    """Combinations that must not occur."""

    def allows(self, levels: Mapping[int, int]) -> bool:
        """Tell whether a partial row holds no forbidden combination as it stands."""
        return not any(all(levels.get(f, -1) in banned for f, banned in clause.items()) for clause in self.forbidden)

    def complete(self, levels: Mapping[int, int]) -> tuple[int, ...] | None:
        """Complete a partial row.

        Args:
            levels: Factor to level.

        Returns:
            A whole row that holds them and nothing forbidden; None where there is none.
        """
        if not self.allows(levels):
            return None
        bound = sorted({factor for clause in self.forbidden for factor in clause} - set(levels))
        row = self._search(dict(levels), bound)
        return None if row is None else tuple(row.get(factor, 0) for factor in range(len(self.counts)))

    def _search(self, row: dict[int, int], left: Sequence[int]) -> dict[int, int] | None:
        if not left:
            return row
        for level in range(self.counts[left[0]]):
            trial = {**row, left[0]: level}
            if self.allows(trial) and (found := self._search(trial, left[1:])) is not None:
                return found
        return None

    def tuple_count(self, strength: int) -> int:
        """Count the combinations of levels of any `strength` factors, forbidden ones included."""
        # Elementary symmetric polynomial of the counts.
        sums = [1, *(0 for _ in range(strength))]
        for count in self.counts:
            for order in range(strength, 0, -1):
                sums[order] += sums[order - 1] * count
        return sums[strength]


def make_covering_array(space: LevelSpace, strength: int, *, salt: str = "", effort: int = 20) -> Rows:
    """Make an array in which every combination that can occur does.

    The library proposes; what it leaves out, if anything, is found by an exhaustive look and added.

    Args:
        space: Factors, and what must not be combined.
        strength: Factors of a combination, t.
        salt: Chooses among arrays; the same salt gives the same array.
        effort: Rounds of 8192 annealing steps that look for a smaller array.

    Returns:
        Level numbers, shape (rows, factors).

    Raises:
        ValueError: If the strength exceeds the factors, there are too many combinations, or nothing is allowed.
        ImportError: If covertable is not installed.

    Source: covertable (greedy, one row at a time, constraints in three-valued logic).

    Example:
        >>> make_covering_array(LevelSpace(counts=(2, 2, 2)), 2).shape
        (4, 3)
    """
    count = len(space.counts)
    if not 1 <= strength <= count:
        raise ValueError(f"strength must be 1 to the number of parameters, {count}, got {strength}")
    if (tuples := space.tuple_count(strength)) > MAX_TUPLES:
        raise ValueError(
            f"{tuples} combinations of {strength} parameters are more than {MAX_TUPLES}; take fewer parameters, bins, "
            "or a lower strength"
        )
    if space.complete({}) is None:
        raise ValueError("exclude: nothing is left, every combination is excluded")
    rows = np.array(_ask_library(space, strength, salt, effort), np.int64).reshape(-1, count)
    added: list[tuple[int, ...]] = []
    for wanted in find_missing(rows, space, strength):
        if any(all(row[f] == level for f, level in wanted.items()) for row in added):
            continue
        if (row := space.complete(wanted)) is not None:
            added.append(row)
    return np.concatenate([rows, np.array(added, np.int64).reshape(-1, count)])


def find_missing(rows: Rows, space: LevelSpace, strength: int) -> Iterable[dict[int, int]]:
    """Yield the combinations that no row holds, those that cannot occur included.

    Args:
        rows: Level numbers, shape (rows, factors); rows with a negative one are left out where it counts.
        space: Factors.
        strength: Factors of a combination.

    Yields:
        Factor to level.
    """
    for factors in itertools.combinations(range(len(space.counts)), strength):
        counts = [space.counts[factor] for factor in factors]
        for cell in np.flatnonzero(count_cells(rows, factors, counts) == 0):
            levels = np.unravel_index(int(cell), counts)
            yield {factor: int(level) for factor, level in zip(factors, levels, strict=True)}


def count_cells(rows: Rows, factors: Sequence[int], counts: Sequence[int]) -> NDArray[np.int64]:
    """Count the rows in each combination of levels of some factors, shape (product of counts,), last one fastest."""
    columns = rows[:, list(factors)]
    columns = columns[(columns >= 0).all(axis=1)]
    cells = np.ravel_multi_index(tuple(columns.T), tuple(counts)) if len(columns) else np.zeros(0, np.int64)
    return np.bincount(cells, minlength=math.prod(counts)).astype(np.int64)


def smallest_binary_pairwise(factors: int) -> int:
    """Return the size of the smallest pairwise array over factors of two levels.

    Args:
        factors: Number of factors, k >= 2.

    Returns:
        The least N with k <= C(N - 1, ceil(N / 2)).

    Source: Katona, "Two applications (for search theory and truth functions) of Sperner type theorems", Period. Math.
        Hung. 3, 1973; Kleitman and Spencer, "Families of k-independent sets", Discrete Math. 6, 1973.

    Example:
        >>> [smallest_binary_pairwise(k) for k in (3, 4, 10, 15, 35, 100)]
        [4, 5, 6, 7, 8, 10]
    """
    size = 4
    while factors > math.comb(size - 1, math.ceil(size / 2)):
        size += 1
    return size


class _Budget:
    """Stops an annealing after so many looks, or at the least size: at the same step everywhere, never at a time."""

    def __init__(self, looks: int, least: int) -> None:
        self._left, self._least = looks, least

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0

    def note(self, progress: Mapping[str, float]) -> None:
        if progress["rows"] <= self._least:
            self._left = 0


def least_size(space: LevelSpace, strength: int) -> int:
    """Return a number of rows below which no array can be: for pairs of two levels, the least there is.

    Args:
        space: Factors, and what must not be combined.
        strength: Factors of a combination.

    Returns:
        Katona's number, or the most combinations that any `strength` factors have: a row holds one of them. 1 where
        combinations are forbidden and there are too many to look through.
    """
    if space.forbidden:
        if space.tuple_count(strength) > _MAX_LOOKED_THROUGH:
            return 1
        return max(
            sum(
                space.complete(dict(zip(chosen, levels, strict=True))) is not None
                for levels in itertools.product(*(range(space.counts[factor]) for factor in chosen))
            )
            for chosen in itertools.combinations(range(len(space.counts)), strength)
        )
    bound = math.prod(sorted(space.counts, reverse=True)[:strength])
    binary = sum(count >= 2 for count in space.counts)
    return max(bound, smallest_binary_pairwise(binary)) if strength == 2 and binary >= 2 else bound


def _ask_library(space: LevelSpace, strength: int, salt: str, effort: int) -> list[list[int]]:
    from covertable.main import Controller

    names = [f"f{factor}" for factor in range(len(space.counts))]
    constraints = [
        {
            "operator": "or",
            "conditions": [
                {
                    "operator": "in",
                    "left": names[factor],
                    "values": [level for level in range(space.counts[factor]) if level not in banned],
                }
                for factor, banned in clause.items()
            ],
        }
        for clause in space.forbidden
    ]
    controller = Controller(
        {name: list(range(count)) for name, count in zip(names, space.counts, strict=True)},
        strength=strength,
        salt=salt,
        constraints=constraints,
    )
    rows = controller.make()
    least = least_size(space, strength)
    if effort and len(rows) > least:
        budget = _Budget(effort, least)
        tuning = {"budget_ms": 1e15, "cancel": budget, "on_progress": budget.note, **_ANNEALING}
        rows = controller.optimize(rows, tuning)
    return [[row[name] for name in names] for row in rows]


_ANNEALING = {"seed": 0x9E3779B9, "initial_iterations": 40000, "iteration_growth": 1.6}
