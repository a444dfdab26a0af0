"""Geodetic coordinates: published points, there and back, poles and equator."""

from pathlib import Path

import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.geodesy import FLATTENING, SEMI_MAJOR_AXIS, enu_from_geodetic, geodetic_from_enu


def test_a_published_point_is_met() -> None:
    """East, north, up of pymap3d's tests (azimuth 33, elevation 70 deg, 1 km) lie where its tests say."""
    found = geodetic_from_enu(np.array([[186.277521, 286.842228, 939.692621]]), (42.0, -82.0, 200.0), threads=1)

    np.testing.assert_allclose(found[:, :2], [[42.002582, -81.997752]], atol=5e-7)
    np.testing.assert_allclose(found[:, 2], [1139.7018], atol=5e-5)


def test_there_and_back_is_exact() -> None:
    """All over the Earth, 40 km about the origin, both ways together keep a point to 20 nm."""
    grid = np.linspace(-4e4, 4e4, 5)
    points = np.stack(np.meshgrid(grid, grid, [-1e3, 0.0, 2e4], indexing="ij"), axis=-1)
    for latitude in (-89.9, -45.0, -1e-3, 0.0, 37.0, 60.0, 89.5):
        for longitude in (-179.99, -10.0, 0.0, 123.0):
            origin = (latitude, longitude, 321.0)
            back = enu_from_geodetic(geodetic_from_enu(points, origin, threads=1), origin, threads=1)
            assert np.abs(back - points).max() < 2e-8


def test_simple_places_are_met() -> None:
    """A quarter of the way round the equator, and the pole, seen from latitude and longitude zero."""
    polar = SEMI_MAJOR_AXIS * (1.0 - FLATTENING)
    points = np.array([[SEMI_MAJOR_AXIS + 7.0, 0.0, -SEMI_MAJOR_AXIS], [0.0, polar + 5.0, -SEMI_MAJOR_AXIS]])

    found = geodetic_from_enu(points, (0.0, 0.0, 0.0), threads=1)

    np.testing.assert_allclose(found[0], [0.0, 90.0, 7.0], atol=1e-8)
    np.testing.assert_allclose(found[1, [0, 2]], [90.0, 5.0], atol=1e-8)


def test_tensors_and_the_simulated_device_agree(tmp_path: Path) -> None:
    """Torch and CUDA's simulator give what NumPy gives."""
    points = np.array([[[1.0, 2.0, 3.0], [-400.0, 30.0, 2.0]]])
    ours = geodetic_from_enu(points, (48.0, 11.0, 500.0), threads=1)
    theirs = geodetic_from_enu(torch.from_numpy(points), (48.0, 11.0, 500.0), threads=1)

    twin = run_simulated(
        """
from simloom.kernels.geodesy import enu_from_geodetic, geodetic_from_enu
there = geodetic_from_enu(points, (48.0, 11.0, 500.0), device="cuda")
out = {"there": there, "back": enu_from_geodetic(there, (48.0, 11.0, 500.0), device="cuda")}
""",
        tmp_path,
        points=points,
    )

    assert theirs.numpy().tobytes() == ours.tobytes()
    np.testing.assert_allclose(twin["there"], ours, atol=1e-9)
    np.testing.assert_allclose(twin["back"], points, atol=1e-8)


def test_impossible_places_are_refused() -> None:
    """A wrong origin or shape is named."""
    with pytest.raises(ValueError, match="origin must be latitude"):
        geodetic_from_enu(np.zeros((1, 3)), (91.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"geodetic must have shape \(..., 3\)"):
        enu_from_geodetic(np.zeros((3, 2)), (0.0, 0.0, 0.0))
