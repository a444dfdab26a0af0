"""Yard scans: distances against geometry worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simloom.scenes.driving_layout import Wall
from simloom.scenes.environments.yard_scan import BEAMS, REACH, YardScan
from simloom.scenes.instance_rows import at

NOTHING = np.zeros((0, 7))


def test_distances_to_walls_are_exact():
    """A wall across the first beam is met at its face, slanted beams by the cosine, and others reach out."""
    wall = Wall(pose=at(3.0, 0.0, 0.5), sides=np.array([0.2, 4.0, 1.0]))
    ranges = YardScan((wall,), ()).measure(0.0, 0.0, 0.0, NOTHING)
    step = 2.0 * math.pi / BEAMS

    expected = np.full(BEAMS, REACH)
    for beam in (-2, -1, 0, 1, 2):
        expected[beam] = 2.9 / math.cos(beam * step)
    np.testing.assert_allclose(ranges, expected, rtol=1e-12)


def test_beams_turn_with_the_robot():
    """Turned to the left by a step, the robot sees ahead what was on its left."""
    walls = (Wall(pose=at(1.0, 2.0, 0.5, 0.7), sides=np.array([2.0, 0.3, 1.0])),)
    scan = YardScan(walls, ())
    still = scan.measure(-0.5, 0.2, 0.1, NOTHING)
    turned = scan.measure(-0.5, 0.2, 0.1 + 2.0 * math.pi / BEAMS, NOTHING)

    np.testing.assert_allclose(turned, np.roll(still, -1), rtol=1e-9)
    assert still.min() < REACH


def test_inside_and_above():
    """Within a box the distance is 0; a thing lower or higher than the plane is not seen."""
    low = Wall(pose=at(2.0, 0.0, 0.02), sides=np.array([1.0, 1.0, 0.04]))
    around = Wall(pose=at(0.0, 0.0, 0.5), sides=np.array([1.0, 1.0, 1.0]))

    assert (YardScan((low,), ()).measure(0.0, 0.0, 0.0, NOTHING) == REACH).all()
    assert (YardScan((around,), ()).measure(0.0, 0.0, 0.0, NOTHING) == 0.0).all()


def test_gap_is_the_distance_to_the_nearest_box():
    """Beside a face, at a corner, within, and where nothing is."""
    wall = Wall(pose=at(0.0, 0.0, 0.5, math.pi / 2), sides=np.array([2.0, 1.0, 1.0]))
    scan = YardScan((wall,), ())

    assert scan.gap(1.5, 0.3, NOTHING) == pytest.approx(1.0)
    assert scan.gap(0.8, 1.4, NOTHING) == pytest.approx(0.5)
    assert scan.gap(0.1, 0.1, NOTHING) == 0.0
    assert YardScan((), ()).gap(0.0, 0.0, NOTHING) == REACH
