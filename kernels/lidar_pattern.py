"""One frame of a LiDAR as a list of firings: when each happens, from where, and in what direction.

The sensor frame is ROS's (REP-103): x forward, y left, z up. Azimuth counts counter-clockwise from x seen from above,
elevation upwards from the horizon:

    d = (cos e cos a, cos e sin a, sin e)

Many real spinners turn clockwise, so that their azimuth falls with time here (`LidarScan.spin`).

    spinning    a(t) = a0 + spin 2 pi f t + channel's,   t = (column + k0) period + channel's
    rosette     (u, v) = sum over the prisms of d (cos 2 pi f t, sin 2 pi f t); thin prisms add as vectors

A sensor with a clock of its own does not fire a whole number of columns in a turn (the VLP-16 fires 1808.45 at 600
rpm), so that no frame begins at the azimuth of the one before. Here every frame has the same number of columns; what is
left over of a turn is left out.

Sources: Velodyne, "VLP-16 user manual", 63-9243 rev. D (timing, geometry); Liu, Wu and Zhang, "Low-cost retina-like
robotic lidars based on incommensurable scanning", IEEE/ASME Transactions on Mechatronics 27(1), 2022 (rosettes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from .lidar_scan import TABLE_COLUMNS, LidarScan


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LidarPattern:
    """The P firings of one frame, in the order of time but for channels that fire at once."""

    time: NDArray[np.float64]
    """Time of each firing after the frame's start [s], shape (P,)."""
    azimuth: NDArray[np.float64]
    """Azimuth, counter-clockwise from x [rad], [-pi, pi), shape (P,)."""
    elevation: NDArray[np.float64]
    """Elevation above the horizon [rad], shape (P,)."""
    ring: NDArray[np.int32]
    """Number of the channel counted from the lowest elevation up, or what the table says, shape (P,)."""
    origin: NDArray[np.float64]
    """Where the ray leaves, in the sensor frame [m], shape (P, 3)."""
    duration: float
    """Time from this frame's start to the next one's [s]."""

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors in the sensor frame, shape (P, 3)."""
        level = np.cos(self.elevation)
        return np.stack(
            (level * np.cos(self.azimuth), level * np.sin(self.azimuth), np.sin(self.elevation)), axis=1
        )  # fmt: skip


def make_pattern(scan: LidarScan, *, first_time: float | None = None, frame: int = 0) -> LidarPattern:
    """Return the firings of one frame.

    Args:
        scan: How the LiDAR sweeps; a `LidarProfile` is one.
        first_time: When the frame starts, on the sensor's clock [s], [0, 1e9]; None for frame / frame_rate.
        frame: Number of the frame, ≥ 0, where `first_time` is not given.

    Returns:
        The frame: the same number of firings for each; the first is the first one at or after its start.

    Raises:
        ValueError: If the time or the frame's number is out of range.

    Source: see the module.

    Example:
        >>> pattern = make_pattern(load_profile("velodyne_vlp16"), frame=3)
        >>> pattern.directions.shape
        (28928, 3)
    """
    if first_time is None:
        if isinstance(frame, bool) or frame != int(frame) or not 0 <= frame <= 1 << 53:
            raise ValueError(f"frame must be a whole number ≥ 0, got {frame!r}")
        first_time = frame / scan.frame_rate
    if not 0.0 <= first_time <= 1e9:
        raise ValueError(f"first_time must be in [0, 1e9] seconds, got {first_time!r}; count from the sensor's start")
    if scan.scan == "table":
        return _make_table(scan, first_time)
    return _make_raster(scan) if scan.scan == "raster" else _make_columns(scan, first_time)


def _make_columns(scan: LidarScan, first_time: float) -> LidarPattern:
    """Return a frame whose channels are fired column by column."""
    channels = len(scan.channel_elevation_deg)
    delay = np.array(scan.channel_time or (0.0,) * channels)
    side = np.radians(np.array(scan.channel_azimuth_deg or (0.0,) * channels))
    height = np.array(scan.channel_height or (0.0,) * channels)
    rise = np.radians(np.array(scan.channel_elevation_deg))
    # The columns stand on a clock that began at time 0; the division's last bit shall not skip one.
    first = math.ceil(first_time / scan.period * (1.0 - 1e-15) - 1e-6)
    column = np.repeat(np.arange(scan.column_count, dtype=np.float64), channels)
    delay, side, rise, height = (np.tile(value, scan.column_count) for value in (delay, side, rise, height))
    offset = first * scan.period - first_time
    offset = offset if offset > 1e-12 else 0.0
    time = offset + column * scan.period + delay
    clock = (first + column) * scan.period + delay
    if scan.scan == "spinning":
        turns = scan.frame_rate * clock
        azimuth = math.radians(scan.start_azimuth_deg) + scan.spin * 2.0 * math.pi * (turns - np.floor(turns)) + side
        elevation = rise
    else:
        u, v = side, rise
        for rate, deflection in zip(scan.prism_rate, scan.prism_deflection_deg, strict=True):
            turns = rate * clock
            angle = 2.0 * math.pi * (turns - np.floor(turns))
            u, v = u + math.radians(deflection) * np.cos(angle), v + math.radians(deflection) * np.sin(angle)
        azimuth, elevation = _aim(u, v)
    ring = np.tile(_rank(scan.channel_elevation_deg), scan.column_count)
    origin = np.zeros((len(time), 3))
    origin[:, 2] = height
    return LidarPattern(
        time=time, azimuth=_wrap(azimuth), elevation=elevation, ring=ring, origin=origin, duration=1.0 / scan.frame_rate
    )


def _make_raster(scan: LidarScan) -> LidarPattern:
    """Return a frame of lines that are swept to and fro."""
    lines, columns = len(scan.channel_elevation_deg), scan.column_count
    left, right = scan.azimuth_span_deg
    # The middles of equal cells, so that lines swept either way have the same azimuths.
    across = left + (right - left) * (np.arange(columns) + 0.5) / columns
    side = np.array(scan.channel_azimuth_deg or (0.0,) * lines)
    height = np.array(scan.channel_height or (0.0,) * lines)
    azimuth = np.concatenate([(across if line % 2 == 0 else across[::-1]) + side[line] for line in range(lines)])
    delay = np.array(scan.channel_time or (0.0,) * lines)
    origin = np.zeros((lines * columns, 3))
    origin[:, 2] = np.repeat(height, columns)
    return LidarPattern(
        time=np.arange(lines * columns) * scan.period + np.repeat(delay, columns),
        azimuth=_wrap(np.radians(azimuth)),
        elevation=np.repeat(np.radians(np.array(scan.channel_elevation_deg)), columns),
        ring=np.repeat(_rank(scan.channel_elevation_deg), columns),
        origin=origin,
        duration=1.0 / scan.frame_rate,
    )


def _make_table(scan: LidarScan, first_time: float) -> LidarPattern:
    """Return the firings of a table from a time on, beginning again at its end."""
    table = np.array(scan.table, dtype=np.float64).reshape(-1, TABLE_COLUMNS)
    # A table holds whole frames: it begins again after as many as its last firing needs.
    frames = max(math.floor(table[-1, 0] * scan.frame_rate) + 1, 1)
    length = frames / scan.frame_rate
    start = first_time - math.floor(first_time / length) * length
    first = int(np.searchsorted(table[:, 0], start - 1e-9))
    place = first + np.arange(scan.column_count)
    lap = place // len(table)
    chosen = table[place - lap * len(table)]
    return LidarPattern(
        time=np.maximum(chosen[:, 0] + lap * length - start, 0.0),
        azimuth=_wrap(np.radians(chosen[:, 1])),
        elevation=np.radians(chosen[:, 2]),
        ring=chosen[:, 3].astype(np.int32),
        origin=np.zeros((len(chosen), 3)),
        duration=1.0 / scan.frame_rate,
    )


def _aim(u: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return azimuth and elevation of beams turned away from x by the angles (u, v), as one turn about one axis."""
    angle = np.sqrt(u * u + v * v)
    scale = np.sinc(angle / math.pi)  # sin(angle) / angle
    return np.arctan2(scale * u, np.cos(angle)), np.arcsin(np.clip(scale * v, -1.0, 1.0))


def _rank(elevation: tuple[float, ...]) -> NDArray[np.int32]:
    """Return the number of each channel, counted from the lowest elevation up."""
    rank = np.empty(len(elevation), np.int32)
    rank[np.argsort(np.array(elevation), kind="stable")] = np.arange(len(elevation), dtype=np.int32)
    return rank


def _wrap(azimuth: NDArray[np.float64]) -> NDArray[Any]:
    """Return angles in [-pi, pi)."""
    return azimuth - 2.0 * math.pi * np.floor((azimuth + math.pi) / (2.0 * math.pi))
