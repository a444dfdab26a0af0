"""Scan patterns: VLP-16's published timing to the last digit, OS1's columns, rosettes, rasters and tables."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from simloom.kernels.lidar_pattern import make_pattern
from simloom.kernels.lidar_profile import LidarProfile
from simloom.kernels.profiles import list_profiles, load_profile

VLP16, OS1, LIVOX, SOLID = (
    load_profile(name) for name in ("velodyne_vlp16", "ouster_os1_64", "livox_like", "solid_state")
)
assert isinstance(VLP16, LidarProfile)
assert isinstance(OS1, LidarProfile)
assert isinstance(LIVOX, LidarProfile)
assert isinstance(SOLID, LidarProfile)


@pytest.mark.parametrize("name", list_profiles("lidar"))
def test_a_frame_holds_what_its_profile_says(name: str) -> None:
    """Every frame has the same number of firings, within its duration, along unit vectors."""
    profile = load_profile(name)
    for frame in (0, 1, 7, 1000):
        pattern = make_pattern(profile, frame=frame)
        count = profile.firing_count
        assert pattern.time.shape == pattern.azimuth.shape == pattern.elevation.shape == pattern.ring.shape == (count,)
        assert pattern.origin.shape == (count, 3)
        assert pattern.time[0] >= 0.0
        assert pattern.time[-1] < pattern.duration + 1e-4
        assert (np.diff(pattern.time) > -1e-12).all()
        assert np.abs((pattern.directions**2).sum(axis=1) - 1.0).max() < 1e-12
        assert (np.abs(pattern.azimuth) <= math.pi).all()


@pytest.mark.parametrize("rpm, step", [(300, 0.0995), (600, 0.1991), (1200, 0.3981)])
def test_vlp16_times_and_angles(rpm: int, step: float) -> None:
    """A cycle takes 55.296 us, firings 2.304 us, and 600 rpm turn 0.1991 deg per cycle, clockwise."""
    pattern = make_pattern(dataclasses.replace(VLP16, frame_rate=rpm / 60))
    time, azimuth = pattern.time.reshape(-1, 16), np.degrees(pattern.azimuth.reshape(-1, 16))

    assert np.allclose(np.diff(time[:, 0]), 55.296e-6, rtol=1e-9)
    assert np.allclose(np.diff(time, axis=1), 2.304e-6, rtol=1e-6)
    turn = -(np.diff(azimuth[:, 0]) % -360.0)
    assert np.allclose(turn, 360.0 * rpm / 60 * 55.296e-6, rtol=1e-9)
    assert round(turn[0], 4) == pytest.approx(step, abs=1e-4)
    # Within a cycle the head turns on.
    assert np.allclose(azimuth[5] - azimuth[5, 0], -360.0 * rpm / 60 * 2.304e-6 * np.arange(16), atol=1e-9)


def test_vlp16_makes_289352_points_a_second() -> None:
    """Sixteen firings in 55.296 us are 289 352 a second, and 1808.45 cycles a turn at 600 rpm."""
    pattern = make_pattern(VLP16)
    assert math.floor(16 / VLP16.column_period) == 289351  # 289 351.85, which the literature rounds up
    assert round(16 / VLP16.column_period) == 289352
    assert 0.1 / VLP16.column_period == pytest.approx(1808.45, abs=5e-3)
    assert len(pattern.time) == 1808 * 16
    assert make_pattern(dataclasses.replace(VLP16, frame_rate=5.0)).time.shape == (3616 * 16,)


def test_vlp16_geometry() -> None:
    """Elevations by laser, rings from below, and origins that are corrected in height."""
    pattern = make_pattern(VLP16)
    elevation = np.degrees(pattern.elevation[:16])

    assert np.allclose(elevation, [-15, 1, -13, 3, -11, 5, -9, 7, -7, 9, -5, 11, -3, 13, -1, 15])
    assert np.array_equal(pattern.ring[:16], np.argsort(np.argsort(elevation)))
    assert pattern.ring[0] == 0
    assert np.allclose(1e3 * pattern.origin[[0, 1, 7, 15], 2], [11.2, -0.7, -5.1, -11.2])
    assert not pattern.origin[:, :2].any()


def test_frames_follow_the_sensors_clock() -> None:
    """Frames of VLP-16 do not begin at one azimuth: cycles stand on a clock that knows nothing of turns."""
    starts = []
    for frame in range(40):
        pattern = make_pattern(VLP16, frame=frame)
        clock = frame / 10 + pattern.time
        cycles = clock[::16] / 55.296e-6
        assert np.abs(cycles - np.round(cycles)).max() < 1e-5
        assert pattern.time[0] < 55.296e-6
        turns = clock * 10.0
        expected = -2 * math.pi * (turns - np.floor(turns))
        off = np.angle(np.exp(1j * (pattern.azimuth - expected)))
        assert np.abs(off).max() < 1e-9
        starts.append(float(np.degrees(pattern.azimuth[0])))
    assert len({round(value, 6) for value in starts}) > 10
    assert min(starts) > -0.2
    assert max(starts) <= 0.0
    again = make_pattern(VLP16, first_time=0.7)
    assert np.array_equal(again.azimuth, make_pattern(VLP16, frame=7).azimuth)


@pytest.mark.parametrize("columns, rate", [(512, 10.0), (1024, 10.0), (2048, 10.0), (512, 20.0), (1024, 20.0)])
def test_os1_columns(columns: int, rate: float) -> None:
    """Columns stand at equal angles, the same in each frame, and all channels of one fire at once, in four steps."""
    profile = dataclasses.replace(OS1, columns=columns, frame_rate=rate)
    pattern = make_pattern(profile)
    time, azimuth = pattern.time.reshape(columns, 64), np.degrees(pattern.azimuth.reshape(columns, 64))
    elevation = np.degrees(pattern.elevation[:64])

    assert np.allclose(time, (np.arange(columns) / (columns * rate))[:, None], atol=1e-12)
    assert np.allclose(-(np.diff(azimuth[:, 0]) % -360.0), 360.0 / columns)
    assert np.allclose((azimuth[3, :5] - azimuth[3, 0]) % 360.0, [0.0, 2.15, 4.31, 6.46, 0.0])
    assert elevation[0] == pytest.approx(17.042)
    assert elevation[-1] == pytest.approx(-16.300)
    assert np.array_equal(pattern.ring[:64], np.arange(64)[::-1])
    later = make_pattern(profile, frame=12345)
    assert np.abs(np.angle(np.exp(1j * (later.azimuth - pattern.azimuth)))).max() < 1e-7


def test_a_rosette_fills_a_circle_and_does_not_repeat() -> None:
    """Points lie within 19.2 deg of the axis and reach it; after ten frames far more cells are seen than after one."""
    first = make_pattern(LIVOX)
    away = np.degrees(np.arccos(np.clip(first.directions[:, 0], -1, 1)))
    assert away.max() == pytest.approx(19.2, abs=0.01)
    assert away.min() < 0.5

    seen: set[tuple[int, int]] = set()
    counts = []
    for frame in range(10):
        pattern = make_pattern(LIVOX, frame=frame)
        cells = np.floor(np.degrees(np.stack((pattern.azimuth, pattern.elevation), axis=1)) / 0.2).astype(int)
        seen |= set(map(tuple, cells.tolist()))
        counts.append(len(seen))
    assert counts[9] > 3 * counts[0]
    # At one instant the pattern is the same, whichever frame it belongs to.
    a, b = make_pattern(LIVOX, first_time=0.05), make_pattern(LIVOX, first_time=0.0)
    assert np.allclose(a.azimuth[:5000], b.azimuth[5000:], atol=1e-9)


def test_a_raster_goes_to_and_fro() -> None:
    """Lines follow one another from the top, and every other one runs back over the same azimuths."""
    pattern = make_pattern(SOLID)
    azimuth = np.degrees(pattern.azimuth.reshape(80, 600))

    assert azimuth[0, 0] == pytest.approx(59.9)
    assert np.allclose(np.diff(azimuth[0]), -0.2)
    assert np.allclose(azimuth[1], azimuth[0][::-1])
    assert np.allclose(np.diff(pattern.time), 0.1 / 48000)
    assert (np.diff(pattern.elevation.reshape(80, 600)[:, 0]) < 0).all()


def test_a_table_goes_round() -> None:
    """A table is read from the frame's time on, and begins again at its end."""
    table = tuple(value for k in range(40) for value in (0.01 * k, float(k), -float(k) / 2, float(k % 3)))
    profile = dataclasses.replace(LIVOX, scan="table", columns=10, table=table)
    first, last, again = (make_pattern(profile, frame=frame) for frame in (0, 3, 4))

    assert profile.firing_count == 10
    assert np.allclose(np.degrees(first.azimuth), np.arange(10))
    assert np.allclose(np.degrees(last.azimuth), np.arange(30, 40))
    assert np.allclose(last.time, 0.01 * np.arange(10))
    assert np.array_equal(again.azimuth, first.azimuth)
    across = make_pattern(profile, first_time=0.355)
    assert np.allclose(np.degrees(across.azimuth), [36, 37, 38, 39, 0, 1, 2, 3, 4, 5])
    assert np.allclose(across.time, 0.005 + 0.01 * np.arange(10))


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("scan", "flash", "scan must be one of spinning"),
        ("spin", 0, "spin must be 1 or -1"),
        ("columns", 4000, "columns must fit into a frame"),
        ("channel_time", (0.0, 1.0), "channel_time must be 16 numbers"),
        ("channel_elevation_deg", (), "channel_elevation_deg must be 1 to 256"),
        ("table", (0.0, 1.0, 2.0, 3.0), "table must be empty"),
        ("column_period", 0.0, "columns must be given"),
        ("frame_rate", 0.0, "frame_rate must be"),
    ],
)
def test_impossible_scans_are_refused(field: str, value: object, message: str) -> None:
    """A value that cannot be gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{message}.*; set LidarProfile"):
        dataclasses.replace(VLP16, **{field: value})


@pytest.mark.parametrize(
    "table, message",
    [
        ((0.0, 1.0, 2.0), "firings of 4 numbers"),
        ((0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0), "as firing 1"),
        ((0.0, math.nan, 0.0, 0.0), "as firing 0"),
        ((0.0, 0.0, 91.0, 0.0), "as firing 0"),
        ((0.0, 0.0, 0.0, 0.5), "as firing 0"),
    ],
)
def test_impossible_tables_are_refused(table: tuple[float, ...], message: str) -> None:
    """A table's firings are checked one by one."""
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LIVOX, scan="table", columns=0, table=table)


def test_impossible_times_are_refused() -> None:
    """Frames are counted from 0, and time is finite."""
    with pytest.raises(ValueError, match="frame must be"):
        make_pattern(VLP16, frame=-1)
    with pytest.raises(ValueError, match="first_time must be"):
        make_pattern(VLP16, first_time=math.inf)


def test_firings_must_fit_into_their_frame() -> None:
    """Delays in the wrong unit, and tables whose firings take longer than a frame, are refused with the reason."""
    with pytest.raises(ValueError, match="was it microseconds"):
        dataclasses.replace(VLP16, channel_time=tuple(2.304 * k for k in range(16)))
    slow = tuple(value for k in range(900) for value in (k / 900.0, 0.0, 0.0, 0))
    for columns in (100, 0):
        with pytest.raises(ValueError, match="lower columns"):
            dataclasses.replace(LIVOX, scan="table", table=slow, columns=columns)
    assert dataclasses.replace(LIVOX, scan="table", table=slow, columns=90).column_count == 90
