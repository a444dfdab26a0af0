"""The beam of a LiDAR as a handful of rays, each of which stands for a part of its energy.

The beam is Gaussian with full width F at half its maximum. Sub-rays stand in the middle and on rings of 6 k rays at the
angles k D, where F = (rings + 1/2) D; a ring stands for the annulus half a step to either side, which holds

    2^(-4 ((k - 1/2) D / F)^2) - 2^(-4 ((k + 1/2) D / F)^2)

of the energy. Beyond F lies a sixteenth of it, which is given to the rays in proportion.

Sub-rays leave from a disc of the aperture's width, so that the beam is aperture + divergence times range wide.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .lidar_pattern import LidarPattern
from .lidar_profile import LidarProfile
from .philox import draw_block, stream_key
from .variates import normal

BLOCK: Final = 0
"""Draw block of a firing: where it points (words 0 and 1); the others are `lidar`'s."""


def subray_offsets(profile: LidarProfile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the sub-rays of a beam point and what share of its energy each has.

    Args:
        profile: The LiDAR.

    Returns:
        Angles from the beam's middle along azimuth and elevation [rad], shape (S, 2), and weights, shape (S,), that add
        to one; the middle comes first.

    Source: integral of a Gaussian over an annulus; rings of 6 k rays after Winiwarter et al., "Virtual laser scanning
        with HELIOS++", Remote Sensing of Environment 269, 2022.

    Example:
        >>> offsets, weights = subray_offsets(load_profile("velodyne_vlp16"))
        >>> offsets.shape
        (7, 2)
    """
    unit, weights = _unit_subrays(profile.subray_rings)
    return unit * np.array(profile.divergence), weights


def _unit_subrays(rings: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sub-rays of a beam of width 1, and their weights."""
    step = 1.0 / (rings + 0.5)
    places, weights = [(0.0, 0.0)], [1.0 - 2.0 ** (-4.0 * (0.5 * step) ** 2)]
    for ring in range(1, rings + 1):
        inner, outer = (ring - 0.5) * step, (ring + 0.5) * step
        share = (2.0 ** (-4.0 * inner * inner) - 2.0 ** (-4.0 * outer * outer)) / (6 * ring)
        for k in range(6 * ring):
            # Every other ring is turned by half a step, so that rays do not line up.
            angle = 2.0 * math.pi * (k + 0.5 * (ring % 2)) / (6 * ring)
            places.append((ring * step * math.cos(angle), ring * step * math.sin(angle)))
            weights.append(share)
    total = math.fsum(weights)
    return np.array(places), np.array([weight / total for weight in weights])


@scalar
def _aim_firing(
    element: Any, azimuth_in: Any, elevation_in: Any, place_in: Any, offset_in: Any, row_in: Any, deviation_in: Any,
    key_0: Any, key_1: Any, sensor: Any, origin_out: Any, direction_out: Any,
) -> None:  # fmt: skip
    firings, subrays = azimuth_in.shape[0], offset_in.shape[0]
    image = element // firings
    firing = element - image * firings
    azimuth, elevation = azimuth_in[firing], elevation_in[firing]
    if deviation_in[0] > 0.0 or deviation_in[1] > 0.0:
        w0, w1, _, _ = draw_block(key_0, key_1, firing, row_in[image], sensor, BLOCK)
        azimuth += deviation_in[0] * normal(w0)
        elevation += deviation_in[1] * normal(w1)
    cos_a, sin_a = math.cos(azimuth), math.sin(azimuth)
    cos_e, sin_e = math.cos(elevation), math.sin(elevation)
    for k in range(subrays):
        # Along azimuth the beam's frame has (-sin a, cos a, 0), along elevation (-sin e cos a, -sin e sin a, cos e).
        u, v = offset_in[k, 0], offset_in[k, 1]
        x, y, z = cos_e * cos_a, cos_e * sin_a, sin_e
        x += -u * sin_a - v * sin_e * cos_a
        y += u * cos_a - v * sin_e * sin_a
        z += v * cos_e
        scale = 1.0 / math.sqrt(1.0 + u * u + v * v)
        direction_out[element, k, 0] = x * scale
        direction_out[element, k, 1] = y * scale
        direction_out[element, k, 2] = z * scale
        u, v = offset_in[k, 2], offset_in[k, 3]
        origin_out[element, k, 0] = place_in[firing, 0] - u * sin_a - v * sin_e * cos_a
        origin_out[element, k, 1] = place_in[firing, 1] + u * cos_a - v * sin_e * sin_a
        origin_out[element, k, 2] = place_in[firing, 2] + v * cos_e


_AIM: Final = Kernel(_aim_firing)


def aim_rays(
    pattern: LidarPattern,
    profile: LidarProfile,
    *,
    seed: int,
    index: ArrayLike,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sub-rays of a frame, in the sensor frame, where they truly go.

    What is measured along them belongs to the pattern's own directions: a firing's azimuth and elevation are reported
    as if the sensor pointed where it says.

    Args:
        pattern: The firings.
        profile: The LiDAR: divergence, aperture and pointing errors.
        seed: Seed of the pointing errors, [0, 2^64).
        index: Global row index of each frame, int64, shape (N,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        device: "cpu" or "cuda", where the rays are made; they come back to the host.
        threads: CPU threads; None for all.

    Returns:
        Origins [m] and unit directions, float64, shape (N, P, S, 3) each.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> origins, directions = aim_rays(make_pattern(profile), profile, seed=1, index=[0])
    """
    count = len(np.asarray(index))
    rows = check_rows(index, count)
    unit, _ = _unit_subrays(profile.subray_rings)
    # A sub-ray leaves where the aperture's Gaussian has what its angle has in the divergence's.
    offsets = np.concatenate((np.tan(unit * np.array(profile.divergence)), unit * profile.aperture), axis=1)
    shape = (count * len(pattern.time), len(offsets), 3)
    origins, directions = np.empty(shape), np.empty(shape)
    _AIM.launch(
        shape[0], pattern.azimuth, pattern.elevation, pattern.origin, offsets, rows,
        np.array((profile.azimuth_error, profile.elevation_error)), *stream_key(seed, "lidar"), check_sensor(sensor),
        origins, directions, device=device, threads=threads,
    )  # fmt: skip
    full = (count, len(pattern.time), *shape[1:])
    return origins.reshape(full), directions.reshape(full)
