"""Rows of each source in a batch."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simloom.sim.loading.quota import Quota, exact_weights


@settings(max_examples=100, deadline=None, derandomize=True)
@given(parts=st.lists(st.integers(1, 20), min_size=1, max_size=8), batch_size=st.integers(1, 70))
def test_sums_follow_the_weights(parts: list[int], batch_size: int) -> None:
    """Each batch takes floor or ceil of its share, all batches up to any are off by less than one row, none is lost."""
    weights = tuple(Fraction(part, sum(parts)) for part in parts)
    quota = Quota(weights=weights, batch_size=batch_size)
    before = np.zeros(len(parts), np.int64)
    for batch in range(1, 2 * sum(parts) + 2):
        totals = quota.totals(batch)
        assert totals.sum() == batch * batch_size
        for source, weight in enumerate(weights):
            assert abs(totals[source] - batch * batch_size * weight) < 1
            assert abs(totals[source] - before[source] - batch_size * weight) < 1
        before = totals


def test_weights_become_fractions() -> None:
    """Usual numbers are exact; odd ones are rounded to a millionth, and sum to one."""
    assert exact_weights([0.25, 0.75]) == (Fraction(1, 4), Fraction(3, 4))
    assert exact_weights([1 / 3, 2 / 3]) == (Fraction(1, 3), Fraction(2, 3))
    odd = exact_weights([2**-0.5, 3**-2.5, 1 - 2**-0.5 - 3**-2.5])
    assert sum(odd) == 1
    assert abs(odd[0] - 2**-0.5) < 2e-6
    # Far in, a table of one period answers at once.
    totals = Quota(weights=odd, batch_size=64).totals(10**12)
    assert abs(totals[0] - 64 * 10**12 * odd[0]) < 1


@pytest.mark.parametrize("weights", [[], [0.0, 1.0], [-0.5, 1.5], [0.5, 0.4], [1e-8, 1 - 1e-8], [float("nan"), 1.0]])
def test_wrong_weights_are_named(weights: list[float]) -> None:
    """Weights must be positive and sum to one."""
    with pytest.raises(ValueError, match="weights must"):
        exact_weights(weights)
