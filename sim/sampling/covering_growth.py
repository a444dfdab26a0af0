"""Growth of large covering arrays, row by row, where the library's greedy search takes seconds to hours."""

from __future__ import annotations

import hashlib
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox_uniforms

if TYPE_CHECKING:
    from .covering_array import LevelSpace

_CANDIDATES = 4
_MANY_ROWS = 1000  # so many that candidates gain little


def grow_covering_array(space: LevelSpace, strength: int, *, salt: str) -> NDArray[np.int64]:
    """Grow a covering array: each row takes up a combination that is missing, then the levels that cover most.

    Args:
        space: Factors, and what must not be combined.
        strength: Factors of a combination, t.
        salt: Chooses among arrays.

    Returns:
        Level numbers, shape (rows, factors): every combination that can occur, and nothing forbidden.

    Source: Cohen, Dalal, Fredman and Patton, "The AETG system", IEEE Trans. Software Eng. 23, 1997 (one row at a time,
        the best of some candidates).

    Example:
        >>> grow_covering_array(LevelSpace(counts=(4,) * 60), 2, salt="").shape[1]
        60
    """
    growth = _Growth(space, strength, int.from_bytes(hashlib.sha256(salt.encode()).digest()[:8], "little"))
    rows: list[NDArray[np.int64]] = []
    candidates = _CANDIDATES if math.prod(sorted(space.counts)[-strength:]) <= _MANY_ROWS else 1
    while (seed := growth.next_missing()) is not None:
        tries = [growth.make_row(seed, len(rows) * candidates + turn) for turn in range(candidates)]
        _, row = max(tries, key=lambda one: one[0])
        rows.append(row)
        growth.cover(row)
    return np.array(rows, np.int64).reshape(-1, len(space.counts))


class _Growth:
    """Which combinations are missing still, and the rows that cover them."""

    def __init__(self, space: LevelSpace, strength: int, seed: int) -> None:
        self._space, self._strength, self._seed = space, strength, seed
        self._counts = np.array(space.counts, np.int64)
        chosen = itertools.combinations(range(len(space.counts)), strength)
        self._factors = np.array(list(chosen), np.int64)  # (combinations of factors, t)
        levels = self._counts[self._factors]
        self._strides = np.ones_like(levels)
        for column in range(strength - 2, -1, -1):
            self._strides[:, column] = self._strides[:, column + 1] * levels[:, column + 1]
        cells = self._strides[:, 0] * levels[:, 0]
        self._starts = np.cumsum(cells) - cells
        self._missing = np.ones(int(cells.sum()), np.bool_)
        self._bound = {factor for clause in space.forbidden for factor in clause}
        self._next = 0

    def next_missing(self) -> dict[int, int] | None:
        """Return the next combination that is missing and can occur."""
        while self._next < len(self._missing):
            left = np.flatnonzero(self._missing[self._next : self._next + 4096])
            if not len(left):
                self._next += 4096
                continue
            self._next += int(left[0])
            at = int(np.searchsorted(self._starts, self._next, side="right")) - 1
            factors = self._factors[at]
            levels = (self._next - self._starts[at]) // self._strides[at] % self._counts[factors]
            wanted = dict(zip(factors.tolist(), levels.tolist(), strict=True))
            if not self._bound or self._space.complete(wanted) is not None:
                return wanted
            self._missing[self._next] = False  # it cannot occur
        return None

    def make_row(self, wanted: dict[int, int], turn: int) -> tuple[int, NDArray[np.int64]]:
        """Make a row that holds a combination; return how many missing ones it holds, and the row."""
        count = len(self._counts)
        addresses = np.zeros((2 * count, 3), np.int64)
        addresses[:, 0], addresses[:, 1] = np.arange(2 * count), turn
        drawn = philox_uniforms(self._seed, "sampler/covering/growth", addresses)
        rank = drawn[:count] + 1.0
        rank[list(wanted)] = 0.0
        order = np.argsort(rank, kind="stable")
        place = np.empty(count, np.int64)
        place[order] = np.arange(count)
        # A combination is told once its last factor has a level.
        last = place[self._factors].argmax(axis=1)
        each = np.arange(len(last))
        moment = place[self._factors[each, last]]
        by_moment = np.argsort(moment, kind="stable")
        ends = np.searchsorted(moment[by_moment], np.arange(count + 1))
        row = np.zeros(count, np.int64)
        row[list(wanted)] = list(wanted.values())
        gained = 1
        for step in range(self._strength, count):
            factor = int(order[step])
            told = by_moment[ends[step] : ends[step + 1]]
            stride = self._strides[told, last[told]]
            row[factor] = 0
            cells = self._starts[told] + (row[self._factors[told]] * self._strides[told]).sum(axis=1)
            options = np.arange(self._counts[factor])
            gains = self._missing[cells[:, None] + stride[:, None] * options].sum(axis=0)
            # Equal gains are told apart by a turn of the levels.
            turned = (options + int(drawn[count + factor] * len(options))) % len(options)
            ranked = options[np.lexsort((turned, -gains))]
            level = next(level for level in ranked.tolist() if self._allows(row, order[:step], factor, level))
            row[factor] = level
            gained += int(gains[level])
        return gained, row

    def _allows(self, row: NDArray[np.int64], fixed: NDArray[np.int64], factor: int, level: int) -> bool:
        if factor not in self._bound:
            return True
        levels = {int(other): int(row[other]) for other in fixed if int(other) in self._bound}
        return self._space.complete({**levels, factor: level}) is not None

    def cover(self, row: NDArray[np.int64]) -> None:
        """Strike out the combinations that a row holds."""
        self._missing[self._starts + (row[self._factors] * self._strides).sum(axis=1)] = False
