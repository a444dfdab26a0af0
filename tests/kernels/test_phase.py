"""Angles in turns: sine, cosine and arc tangent against the standard library."""

from __future__ import annotations

import math

import numpy as np

from simloom.kernels.phase import phase_turns, unit_phasor


def test_phasor_follows_sine_and_cosine() -> None:
    """Cosine and sine are right to 2e-7, on every quarter turn and far from zero."""
    for turns in [*np.linspace(-2.5, 3.5, 1201), 0.125, 0.375, 1e4 + 0.3, -7.0]:
        c, s = unit_phasor(np.float64(turns))
        assert abs(c - math.cos(2 * math.pi * turns)) < 2e-7
        assert abs(s - math.sin(2 * math.pi * turns)) < 2e-7
        assert c.dtype == s.dtype == np.float32


def test_phase_follows_the_arc_tangent() -> None:
    """The angle is right to 1e-7 turns, whatever the length and the quadrant."""
    for angle in np.linspace(0.0, 2 * math.pi, 1001)[1:-1]:
        for length in (1e-6, 1.0, 3e6):
            i, q = np.float32(length * math.cos(angle)), np.float32(length * math.sin(angle))
            turns = phase_turns(i, q)
            expected = math.atan2(float(q), float(i)) / (2 * math.pi) % 1.0
            assert abs((turns - expected + 0.5) % 1.0 - 0.5) < 1e-7
            assert turns.dtype == np.float32


def test_phase_of_the_axes() -> None:
    """Whole quarter turns are exact, and the origin has phase zero."""
    zero, one = np.float32(0), np.float32(1)
    points = [(one, zero), (zero, one), (-one, zero), (zero, -one), (zero, zero)]
    assert [float(phase_turns(i, q)) for i, q in points] == [0.0, 0.25, 0.5, 0.75, 0.0]
