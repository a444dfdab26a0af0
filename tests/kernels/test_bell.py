"""The area under the bell curve against SciPy."""

import numpy as np
from scipy import special

from simloom.kernels.bell import bell_area


def test_areas_are_those_of_the_normal_distribution() -> None:
    """The area is the distribution function less a half, within the bound of the interpolation."""
    x = np.linspace(-7.0, 7.0, 5001)
    found = np.array([bell_area(value) for value in x])

    assert np.abs(found - (special.ndtr(x) - 0.5)).max() < 4e-9
    assert (np.diff(found) >= 0.0).all()


def test_areas_are_odd() -> None:
    """Areas on both sides are exactly alike, and there is none beyond six deviations."""
    x = np.linspace(0.001, 6.5, 999)

    assert all(bell_area(-value) == -bell_area(value) for value in x)
    assert bell_area(1e300) == 0.5
    assert bell_area(0.0) == 0.0
