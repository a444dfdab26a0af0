"""Values between the instants of a motion."""

import numpy as np

from simloom.scenes.instruments.interpolation import find_between, interpolate_cubic, interpolate_linear

TIME = np.arange(0, 500_000_001, 100_000_000, dtype=np.int64)[None]


def test_places_and_shares() -> None:
    """A query lies between two instants; what is outside takes the nearest end."""
    place, share = find_between(TIME, np.array([[-5, 0, 150_000_000, 500_000_000, 900_000_000]]))

    assert place.tolist() == [[0, 0, 1, 4, 4]]
    np.testing.assert_allclose(share, [[0.0, 0.0, 0.5, 1.0, 1.0]])


def test_a_cubic_is_met_exactly() -> None:
    """A motion that is a cubic in time is returned to rounding, with its velocity."""
    at = np.random.default_rng(3).integers(0, 500_000_000, (1, 50))
    t, s = 1e-9 * TIME, 1e-9 * at
    values = (1.0 - 2.0 * t + 3.0 * t**2 - 4.0 * t**3)[..., None]
    rates = (-2.0 + 6.0 * t - 12.0 * t**2)[..., None]

    value, rate = interpolate_cubic(TIME, values, rates, at)

    np.testing.assert_allclose(value[..., 0], 1.0 - 2.0 * s + 3.0 * s**2 - 4.0 * s**3, atol=1e-12)
    np.testing.assert_allclose(rate[..., 0], -2.0 + 6.0 * s - 12.0 * s**2, atol=1e-10)


def test_lines_run_through_the_values() -> None:
    """At the instants themselves the values are met, halfway their mean."""
    values = np.array([[[0.0, 1.0], [2.0, 3.0], [4.0, 9.0], [0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]])

    found = interpolate_linear(TIME, values, np.array([[100_000_000, 150_000_000, 500_000_000]]))

    np.testing.assert_allclose(found, [[[2.0, 3.0], [3.0, 6.0], [2.0, 2.0]]])


def test_one_instant_stands_still() -> None:
    """A motion of a single instant gives its value at any time."""
    found = interpolate_linear(TIME[:, :1], np.array([[5.0]]), np.array([[0, 70]]))

    np.testing.assert_array_equal(found, [[5.0, 5.0]])
