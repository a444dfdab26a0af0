"""Sub-rays of a beam: their energy, their width, and where they go."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.lidar_beam import aim_rays, subray_offsets
from simloom.kernels.lidar_pattern import LidarPattern, make_pattern
from simloom.kernels.lidar_profile import LidarProfile
from simloom.kernels.profiles import load_profile

VLP16 = load_profile("velodyne_vlp16")
assert isinstance(VLP16, LidarProfile)
STEADY = dataclasses.replace(VLP16, azimuth_error=0.0, elevation_error=0.0)


def _few(pattern: LidarPattern, step: int) -> LidarPattern:
    return LidarPattern(
        time=pattern.time[::step], azimuth=pattern.azimuth[::step], elevation=pattern.elevation[::step],
        ring=pattern.ring[::step], origin=pattern.origin[::step], duration=pattern.duration,
    )  # fmt: skip


@pytest.mark.parametrize("rings, count", [(0, 1), (1, 7), (2, 19), (3, 37)])
def test_energy_adds_to_one(rings: int, count: int) -> None:
    """There are 1, 7, 19 or 37 rays, and their weights add to one."""
    offsets, weights = subray_offsets(dataclasses.replace(VLP16, subray_rings=rings))

    assert offsets.shape == (count, 2)
    assert dataclasses.replace(VLP16, subray_rings=rings).subray_count == count
    assert weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert (weights > 0).all()
    assert not offsets[0].any()
    assert np.abs((weights[:, None] * offsets).sum(axis=0)).max() < 1e-18


def test_weights_are_the_energy_of_annuli() -> None:
    """Rings hold what a Gaussian of full width F at half maximum holds between their middles."""
    profile = dataclasses.replace(VLP16, subray_rings=3, divergence=(2e-3, 2e-3))
    offsets, weights = subray_offsets(profile)
    radius = np.hypot(*offsets.T) / 2e-3
    step = 1 / 3.5
    rho = np.linspace(0, 1, 700001)
    density = 2 * rho * 4 * math.log(2) * np.exp(-4 * math.log(2) * rho**2)
    cumulative = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2) * (rho[1] - rho[0])))
    for ring in range(4):
        inside = np.interp([(ring - 0.5) * step if ring else 0.0, (ring + 0.5) * step], rho, cumulative)
        chosen = np.abs(radius - ring * step) < 1e-9
        assert chosen.sum() == max(6 * ring, 1)
        assert weights[chosen].sum() == pytest.approx((inside[1] - inside[0]) / cumulative[-1], abs=1e-9)


def test_rays_go_where_the_pattern_says() -> None:
    """The middle ray is the pattern's; the others stand off by their angles, from a disc of the aperture's width."""
    pattern = _few(make_pattern(VLP16, frame=2), 37)
    origins, directions = aim_rays(pattern, STEADY, seed=0, index=[0, 3])
    offsets, _ = subray_offsets(STEADY)

    assert directions.shape == (2, len(pattern.time), 7, 3)
    assert np.array_equal(directions[0], directions[1])
    assert np.abs(directions[0, :, 0] - pattern.directions).max() < 1e-15
    assert np.abs((directions**2).sum(axis=-1) - 1.0).max() < 1e-14
    cosine = (directions[0] * pattern.directions[:, None]).sum(axis=-1)
    assert np.allclose(np.arccos(np.clip(cosine[:, 1:], -1, 1)), np.hypot(*offsets[1:].T), atol=1e-7)
    up = np.arcsin(directions[0, :, :, 2]) - pattern.elevation[:, None]
    assert np.allclose(up, offsets[:, 1], atol=2e-6)
    # The spot is as wide as aperture and divergence together.
    away = origins[0] + 50.0 * directions[0]
    width = np.sqrt(((away - away[:, :1]) ** 2).sum(axis=-1))[:, 1:]
    unit = offsets[1:] / np.array(STEADY.divergence)
    expected = np.hypot(*(unit * STEADY.aperture + 50.0 * offsets[1:]).T)
    assert np.allclose(width, expected, rtol=1e-4)
    assert np.array_equal(origins[0, :, 0], pattern.origin)


def test_pointing_errors_have_their_deviation() -> None:
    """Azimuth and elevation of the middle ray deviate by what the profile says, anew for every firing and row."""
    profile = dataclasses.replace(VLP16, azimuth_error=2e-3, elevation_error=1e-3, subray_rings=0)
    pattern = make_pattern(VLP16)
    _, directions = aim_rays(pattern, profile, seed=4, index=[0, 9])
    azimuth = np.arctan2(directions[:, :, 0, 1], directions[:, :, 0, 0]) - pattern.azimuth
    azimuth = np.angle(np.exp(1j * azimuth))
    elevation = np.arcsin(directions[:, :, 0, 2]) - pattern.elevation
    count = azimuth.size

    for found, stated in ((azimuth, 2e-3), (elevation, 1e-3)):
        assert abs(found.std() - stated) < 5 * stated / math.sqrt(2 * count)
        assert abs(found.mean()) < 5 * stated / math.sqrt(count)
    assert abs(np.corrcoef(azimuth.ravel(), elevation.ravel())[0, 1]) < 5 / math.sqrt(count)
    alone = aim_rays(pattern, profile, seed=4, index=[9], threads=1)[1]
    assert np.array_equal(alone[0], directions[1])
    assert not np.array_equal(directions[0], directions[1])


def test_cuda_twin(tmp_path: Path) -> None:
    """In the CUDA simulator the rays are the same to the last bits."""
    pattern = _few(make_pattern(VLP16), 1000)
    expected = aim_rays(pattern, VLP16, seed=4, index=[2, 5], sensor=3)
    code = """
from simloom.kernels.lidar_beam import aim_rays
from simloom.kernels.lidar_pattern import LidarPattern
from simloom.kernels.profiles import load_profile
pattern = LidarPattern(
    time=azimuth, azimuth=azimuth, elevation=elevation, ring=azimuth.astype(np.int32), origin=origin, duration=0.1
)
rays = aim_rays(pattern, load_profile("velodyne_vlp16"), seed=4, index=[2, 5], sensor=3, device="cuda")
out = dict(origins=rays[0], directions=rays[1])
"""
    found = run_simulated(
        code, tmp_path, azimuth=pattern.azimuth, elevation=pattern.elevation, origin=pattern.origin
    )  # fmt: skip

    assert np.allclose(found["origins"], expected[0], rtol=0, atol=1e-12)
    assert np.allclose(found["directions"], expected[1], rtol=0, atol=1e-12)
