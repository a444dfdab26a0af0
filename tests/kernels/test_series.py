"""Checks of time series."""

import numpy as np
import pytest

from simloom.kernels.series import borrow_series, check_first, check_rate, check_series
from simloom.kernels.tensors import find_place


def test_series_tell_rows_and_samples() -> None:
    """A series of vectors has rows, samples and channels; another shape is named in the error."""
    assert check_series(np.zeros((2, 5, 3)), "angular_rate", 3) == (2, 5)
    with pytest.raises(ValueError, match=r"angular_rate must have shape \(rows, samples, 3\), got \(5, 3\)"):
        check_series(np.zeros((5, 3)), "angular_rate", 3)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), True])
def test_impossible_rates_are_refused(rate: float) -> None:
    """A rate is a positive finite number."""
    with pytest.raises(ValueError, match="rate must be a positive number"):
        check_rate(rate)


def test_samples_must_have_an_address() -> None:
    """A series may not run over the last number that a counter word holds."""
    assert check_first((1 << 32) - 4, 4) == (1 << 32) - 4
    with pytest.raises(ValueError, match="first must be in"):
        check_first((1 << 32) - 3, 4)


def test_series_of_other_shapes_are_refused() -> None:
    """An array beside the main one must have its shape."""
    with pytest.raises(ValueError, match=r"torque must have shape \(1, 2\)"):
        borrow_series(find_place(np.zeros((1, 2))), np.zeros((2, 2)), (1, 2), "torque", np.float64)
