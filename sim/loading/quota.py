"""How many rows of each source a batch takes: whole numbers whose sums follow the weights exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

_DENOMINATOR: Final = 1_000_000
"""Weights are rounded to this part where they have no smaller common denominator."""


def exact_weights(weights: Sequence[float | Fraction]) -> tuple[Fraction, ...]:
    """Turn weights into fractions with a common denominator of at most a million that sum to one.

    Args:
        weights: Positive, of sum 1 up to rounding.

    Returns:
        The fractions; 0.25 is 1/4 and `1 / 3` is 1/3.

    Raises:
        ValueError: A weight is under a millionth, or they do not sum to 1.
    """
    if not weights or not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError(f"weights must be positive numbers, got {list(weights)}")
    if abs(sum(map(float, weights)) - 1) > 1e-6:
        raise ValueError(f"weights must sum to 1, got {' + '.join(map(str, weights))} = {sum(map(float, weights)):.6g}")
    near = [Fraction(weight).limit_denominator(_DENOMINATOR) for weight in weights]
    if not min(near):
        raise ValueError(f"weights must be at least a millionth, got {min(weights)}")
    near = [weight / sum(near) for weight in near]
    if math.lcm(*(weight.denominator for weight in near)) <= _DENOMINATOR:
        return tuple(near)
    parts = [max(1, math.floor(weight * _DENOMINATOR)) for weight in near]
    rests = sorted(range(len(near)), key=lambda source: parts[source] - near[source] * _DENOMINATOR)
    for source in rests[: _DENOMINATOR - sum(parts)]:
        parts[source] += 1
    return tuple(Fraction(part, sum(parts)) for part in parts)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Rows of each source in each batch, by error diffusion.

    A batch of B rows takes floor(B w) or ceil(B w) rows of a source of weight w, and n batches together n B w, off by
    less than 1: a theorem for up to five sources, tested for more. Counts repeat after a period, so the sum up to any
    batch is known at once.

    Args:
        weights: Fractions that sum to 1, see `exact_weights`.
        batch_size: Rows in a batch, at least 1.

    Source: Baruah, Cohen, Plaxton, Varvel, "Proportionate progress", Algorithmica 15 (1996); Anderson and Srinivasan,
        "Early-release fair scheduling", ECRTS 2000, for the rule of the earliest deadline.

    Example:
        >>> Quota(weights=exact_weights([0.25, 0.75]), batch_size=6).totals(2)
        array([3, 9])
    """

    weights: tuple[Fraction, ...]
    batch_size: int

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        if sum(self.weights) != 1 or min(self.weights) <= 0:
            raise ValueError(f"weights must be positive and sum to exactly 1, got {self.weights}")

    def totals(self, batch: int) -> NDArray[np.int64]:
        """Count the rows of each source in all batches before one.

        Args:
            batch: Number of the batch, from 0.

        Returns:
            Counts that sum to `batch * batch_size`, shape (sources,).
        """
        periods, rest = divmod(batch, len(self._table) - 1)
        return np.asarray(periods * self._table[-1] + self._table[rest])

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """Totals before each batch of one period, shape (period + 1, sources)."""
        shares = [weight * self.batch_size for weight in self.weights]
        period = math.lcm(*(share.denominator for share in shares))
        certain = np.array([share.numerator // share.denominator for share in shares], np.int64)
        parts = [int((share % 1) * period) for share in shares]  # of `period`
        extra = sum(parts) // period
        inverted = 2 * extra > len(parts)  # fewer sources to leave out than to take: the same problem turned over
        if inverted:
            parts, extra = [period - part for part in parts], len(parts) - extra
        taken = [0] * len(parts)
        rows = np.zeros((period + 1, len(parts)), np.int64)
        for batch in range(period):
            for source in _earliest(parts, taken, period, batch, extra):
                taken[source] += 1
            rows[batch + 1] = taken
        count = np.arange(period + 1)[:, None]
        return (count - rows if inverted else rows) + count * certain


def _earliest(parts: list[int], taken: list[int], period: int, batch: int, count: int) -> list[int]:
    """Choose the sources whose next row is due first, among those whose next row would not come too early."""
    if not count:
        return []
    due = []
    for source, (part, had) in enumerate(zip(parts, taken, strict=True)):
        if part:
            early = had * period // part > batch
            deadline = -(-(had + 1) * period // part)
            follows = (had + 1) * period % part == 0  # the row after next begins after this one's deadline
            due.append((early, deadline, follows, -part, source))
    return [source for *_, source in sorted(due)[:count]]
