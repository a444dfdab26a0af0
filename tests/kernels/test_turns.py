"""Sine of turns against the library's sine."""

import numpy as np

from simloom.kernels.turns import sin_turns


def test_sines_are_the_librarys() -> None:
    """Over many turns either way the sine is right to the rounding of the angle."""
    x = np.linspace(-3.7, 3.7, 20001)

    assert np.abs(sin_turns_of(x) - np.sin(2 * np.pi * x)).max() < 1e-13
    assert np.abs(sin_turns_of(x + 2.0**20) - np.sin(2 * np.pi * x)).max() < 1e-9


def test_quarters_are_exact() -> None:
    """Zeros and peaks are where they belong."""
    assert np.allclose(sin_turns_of(np.arange(-8, 9) / 4), np.sin(np.pi * np.arange(-8, 9) / 2), rtol=0, atol=1e-13)
    assert sin_turns(0.0) == 0.0


def sin_turns_of(x: np.ndarray) -> np.ndarray:
    """Take the sine one by one."""
    return np.array([sin_turns(value) for value in x])
