"""Covering arrays: few rows in which every combination of the levels of any t factors occurs."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...scenes.asset_cache import cache_folder, keep_file
from .covering_growth import grow_covering_array

Rows = NDArray[np.int64]
Clause = Mapping[int, frozenset[int]]
"""A combination that must not occur: factor to some of its levels, all at once."""

MAX_TUPLES = 1 << 18
"""Most combinations that one array is asked to cover."""

MAX_ROWS = 1 << 15
"""Most rows that an array may need, but one of all combinations of all factors."""

_LIBRARY_TUPLES = 1 << 12  # the library's time goes with their square: 2 s for 3000 of them, 13 s for 7000
_MAX_LOOKED_THROUGH = 1 << 13
_MAX_STEPS = 1 << 14


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

        Raises:
            ValueError: If the search takes too many steps: whether there is one is a hard question in general.
        """
        if not self.allows(levels):
            return None
        left = [factor for factor in self._clauses if factor not in levels]
        row = self._search(dict(levels), left, itertools.count())
        return None if row is None else tuple(row.get(factor, 0) for factor in range(len(self.counts)))

    @cached_property
    def _clauses(self) -> dict[int, list[Clause]]:
        """The clauses that each factor is in, ascending."""
        bound = sorted({factor for clause in self.forbidden for factor in clause})
        return {factor: [clause for clause in self.forbidden if factor in clause] for factor in bound}

    def _search(self, row: dict[int, int], left: Sequence[int], steps: Iterator[int]) -> dict[int, int] | None:
        if not left:
            return row
        clauses = self._clauses[left[0]]
        for level in range(self.counts[left[0]]):
            if next(steps) >= _MAX_STEPS:
                raise ValueError(
                    f"exclude: after {_MAX_STEPS} tries it is not settled whether anything is left by these "
                    f"{len(self.forbidden)} combinations; exclude fewer, or name fewer parameters"
                )
            trial = {**row, left[0]: level}
            if any(all(trial.get(f, -1) in banned for f, banned in clause.items()) for clause in clauses):
                continue
            if (found := self._search(trial, left[1:], steps)) is not None:
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


def is_of_library(space: LevelSpace, strength: int) -> bool:
    """Tell whether an array is the library's: ours is grown beyond 4096 combinations.

    The library's time goes with their square, and reaches seconds there, hours at the most that are allowed.
    """
    return space.tuple_count(strength) <= _LIBRARY_TUPLES


def make_covering_array(
    space: LevelSpace, strength: int, *, salt: str = "", effort: int = 20, cache: bool = False
) -> Rows:
    """Make an array in which every combination that can occur does.

    The library proposes, or for more than 4096 combinations our own growth; what is left out, if anything, is found by
    an exhaustive look and added.

    Args:
        space: Factors, and what must not be combined.
        strength: Factors of a combination, t.
        salt: Chooses among arrays; the same salt gives the same array.
        effort: Rounds of 8192 annealing steps that look for a smaller array, where the library makes it.
        cache: Keep the library's array on disk, below the user's cache, and take it from there.

    Returns:
        Level numbers, shape (rows, factors).

    Raises:
        ValueError: If the strength exceeds the factors, there are too many combinations, or nothing is allowed.
        ImportError: If covertable is not installed and the array is the library's.

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
    least = math.prod(sorted(space.counts)[-strength:])
    if strength < count and least > MAX_ROWS:
        raise ValueError(f"the array has {least} scenarios or more, and at most {MAX_ROWS} are made; take fewer bins")
    if is_of_library(space, strength):
        rows = _library_rows(space, strength, salt, effort, cache)
    elif strength == count:
        every = np.indices(space.counts).reshape(count, -1).T.astype(np.int64)
        rows = every[[space.allows(dict(enumerate(row))) for row in every.tolist()]] if space.forbidden else every
    else:
        rows = grow_covering_array(space, strength, salt=salt)
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


def _library_rows(space: LevelSpace, strength: int, salt: str, effort: int, cache: bool) -> Rows:
    """Return the library's array, from the disk where it is known."""
    from importlib.metadata import version

    count = len(space.counts)
    if not cache:
        return np.array(_ask_library(space, strength, salt, effort), np.int64).reshape(-1, count)
    clauses = [{str(f): sorted(banned) for f, banned in sorted(clause.items())} for clause in space.forbidden]
    told = [version("covertable"), space.counts, clauses, strength, salt, effort, _ANNEALING]
    path = cache_folder("designs") / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}.json"
    rows = _read_rows(path, space)
    if rows is None:
        rows = np.array(_ask_library(space, strength, salt, effort), np.int64).reshape(-1, count)
        _keep_rows(path, rows)
    return rows


def _read_rows(path: Path, space: LevelSpace) -> Rows | None:
    """Read kept rows; None where there are none, or they are none of the space."""
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
        rows = np.array(kept["rows"], np.int64).reshape(-1, len(space.counts))
        if kept["sha256"] != _digest(rows):
            return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    inside = ((rows >= 0) & (rows < np.array(space.counts))).all()
    return rows if inside and all(space.allows(dict(enumerate(row))) for row in rows.tolist()) else None


def _keep_rows(path: Path, rows: Rows) -> None:
    text = json.dumps({"sha256": _digest(rows), "rows": rows.tolist()})
    keep_file(path, lambda file: file.write(text.encode("ascii")))


def _digest(rows: Rows) -> str:
    return hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()


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
