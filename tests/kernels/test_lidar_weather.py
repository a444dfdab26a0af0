"""LiDAR in rain, snow and fog: Beer and Lambert, types of returns, addresses, and the CUDA simulator."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.beam_optics import find_optics
from simloom.kernels.lidar import apply_lidar
from simloom.kernels.lidar_reading import FOG, RAIN, SNOW, SURFACE
from simloom.kernels.profiles import load_sensor_profile
from simloom.kernels.weather import Weather, fog_extinction, rain_range_noise

FIELDS = ("range", "intensity", "snr", "return_type", "subray", "truth", "spread")


def clean(name="velodyne_vlp16", **changes):
    """A built-in LiDAR without noise, drop-outs or false alarms."""
    return dataclasses.replace(
        load_sensor_profile("lidar", name), amplitude_noise=0.0, range_noise=(0.0, 0.0), range_noise_snr=(1.0, 2.0),
        range_resolution=0.0, dropout_probability=0.0, false_alarm_probability=0.0, **changes,
    )  # fmt: skip


def test_light_falls_as_beer_and_lambert_say():
    """Of the SNR in clear air exp(-2 a R) is left, so that the logarithm falls by 2 a per metre, to 1e-6."""
    distance = np.linspace(3.0, 40.0, 50, dtype=np.float32)
    ranges = distance[None, :, None]
    fog = Weather(visibility=400.0, fog_backscatter=0.0)
    before = apply_lidar(ranges, clean(), seed=1, index=[0], threads=1)
    after = apply_lidar(ranges, clean(), seed=1, index=[0], weather=fog, threads=1)
    assert (after.return_type[0, :, 0] == SURFACE).all()
    left = np.log(after.snr[0, :, 0].astype(float) / before.snr[0, :, 0])
    assert np.abs(left + 2.0 * fog_extinction(400.0) * distance).max() < 1e-6


@pytest.mark.parametrize(
    "weather, kind",
    [(Weather(rain_rate=50.0), RAIN), (Weather(snow_rate=10.0), SNOW), (Weather(visibility=60.0), FOG)],
)
def test_the_air_makes_returns_of_its_own_type(weather, kind):
    """Beams into the sky return nothing in clear air; else drops, with their truth, and no sub-ray."""
    ranges = np.zeros((1, 4000, 1), np.float32)
    reading = apply_lidar(ranges, clean(), seed=2, index=[5], weather=weather, threads=1)
    there = reading.return_type > 0
    assert 0.005 < there[..., 0].mean() <= 1.0
    assert set(reading.return_type[there]) == {kind}
    assert (reading.subray[there] == -1).all()
    assert np.abs(reading.range[there] - reading.truth[there]).max() < 1e-6
    profile = clean()
    assert reading.range[there].min() >= profile.range_min
    assert np.median(reading.range[there]) < 5.0
    assert reading.snr[there].min() >= profile.detection_snr
    assert not apply_lidar(ranges, clean(), seed=2, index=[5], weather=Weather(), threads=1).return_type.any()


def test_fog_shortens_the_range_that_is_seen():
    """The farthest white surface that is seen is where its light in fog falls to the threshold."""
    distance = np.linspace(1.0, 100.0, 2000, dtype=np.float32)
    reflectance = np.full((1, 2000, 1), 0.8, np.float32)
    profile = clean(return_mode="last", max_returns=1)
    alpha = fog_extinction(60.0)
    reading = apply_lidar(
        distance[None, :, None], profile, seed=1, index=[0], reflectance=reflectance, weather=Weather(visibility=60.0),
        threads=1,
    )  # fmt: skip
    seen = distance[reading.return_type[0, :, 0] == SURFACE]
    light = profile.snr_at_one_metre * 0.8 * np.exp(-2.0 * alpha * distance) / distance**2
    limit = distance[light >= profile.detection_snr].max()
    assert seen.max() == limit
    assert 20.0 < limit < 45.0


def test_rain_blurs_the_range_where_it_is_asked_to():
    """Goodin's deviation of the range, by 5 of the estimate's own."""
    count, distance = 20000, 20.0
    ranges = np.full((1, count, 1), distance, np.float32)
    weather = Weather(rain_rate=2.0, range_noise=True)
    profile = clean(return_mode="last", max_returns=1)
    reading = apply_lidar(ranges, profile, seed=3, index=[0], weather=weather, threads=1)
    off = reading.range[reading.return_type == SURFACE] - distance
    sigma = distance * rain_range_noise(2.0)
    assert sigma == pytest.approx(20.0 * 0.02 * (1.0 - math.exp(-2.0)) ** 2)
    assert abs(off.std() / sigma - 1.0) < 5.0 / math.sqrt(2.0 * len(off))
    assert abs(off.mean()) < 5.0 * sigma / math.sqrt(len(off))
    stepped = dataclasses.replace(profile, range_resolution=0.25)
    coarse = apply_lidar(ranges, stepped, seed=3, index=[0], weather=weather, threads=1)
    steps = coarse.range[coarse.return_type == SURFACE] / 0.25
    assert (steps == np.rint(steps)).all()


def mixed_frames(generator):
    """Ranges of six frames, with profiles and weathers of their own."""
    ranges = generator.uniform(0.0, 60.0, (6, 500, 1)).astype(np.float32)
    ranges[:, ::5] = 0.0
    profiles = ["velodyne_vlp16", "ouster_os1_64"] * 3
    weathers = [
        Weather(rain_rate=50.0), Weather(rain_rate=50.0), Weather(visibility=80.0), Weather(snow_rate=9.0), Weather(),
        Weather(rain_rate=9.0, visibility=300.0, range_noise=True),
    ]  # fmt: skip
    return ranges, profiles, weathers


def test_readings_follow_their_address():
    """Rows shuffled, cut out, or measured by two threads give the same bytes."""
    ranges, profiles, weathers = mixed_frames(np.random.default_rng(4))
    whole = apply_lidar(ranges, profiles, seed=7, index=np.arange(6), weather=weathers, threads=1)
    order = np.array([5, 0, 3])
    part = apply_lidar(
        ranges[order], [profiles[k] for k in order], seed=7, index=order, weather=[weathers[k] for k in order],
        threads=2,
    )  # fmt: skip
    for name in FIELDS:
        assert getattr(part, name).tobytes() == getattr(whole, name)[order].tobytes(), name
    clear = apply_lidar(ranges[4:5], [profiles[4]], seed=7, index=[4], threads=1)
    assert clear.range.tobytes() == whole.range[4:5].tobytes()


def test_torch_gives_what_numpy_gives():
    """Tensors in, tensors out, the same bytes."""
    import torch

    ranges, profiles, weathers = mixed_frames(np.random.default_rng(5))
    ours = apply_lidar(torch.from_numpy(ranges), profiles, seed=7, index=np.arange(6), weather=weathers, threads=1)
    theirs = apply_lidar(ranges, profiles, seed=7, index=np.arange(6), weather=weathers, threads=1)
    for name in FIELDS:
        assert getattr(ours, name).numpy().tobytes() == getattr(theirs, name).tobytes(), name


def test_weather_that_does_not_fit_is_refused():
    """Weather beside extinction or soft echoes, or too few weathers."""
    ranges = np.ones((2, 3, 1), np.float32)
    soft = {
        "soft_range": np.ones((2, 3), np.float32), "soft_power": np.ones((2, 3), np.float32),
        "soft_type": np.ones((2, 3), np.uint8),
    }  # fmt: skip
    for more in ({"extinction": 0.1}, soft):
        with pytest.raises(ValueError, match="give it or them, not both"):
            apply_lidar(ranges, seed=1, index=[0, 1], weather=Weather(), **more)
    with pytest.raises(ValueError, match="one for each of the 2 rows"):
        apply_lidar(ranges, seed=1, index=[0, 1], weather=[Weather()])


def test_optics_are_the_profiles():
    """Divergence as the round beam of the same area, and a floor below the threshold by what noise may lift."""
    profile = load_sensor_profile("lidar", "velodyne_vlp16")
    optics = find_optics(profile)
    assert optics.divergence == pytest.approx(math.sqrt(profile.divergence[0] * profile.divergence[1]))
    assert (optics.near, optics.far, optics.aperture) == (profile.range_min, profile.range_max, profile.aperture)
    assert optics.floor < profile.detection_snr / profile.snr_at_one_metre
    assert find_optics(clean()).floor == pytest.approx(profile.detection_snr / profile.snr_at_one_metre)


TWIN = """
from simloom.kernels.lidar import apply_lidar
from simloom.kernels.weather import Weather

weathers = [Weather(rain_rate=400.0, range_noise=True), Weather(snow_rate=50.0), Weather(visibility=80.0)]
found = apply_lidar(ranges, seed=7, index=np.arange(3), weather=weathers, device=str(device), threads=1)
out = {name: getattr(found, name) for name in ("range", "snr", "return_type")}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path):
    """The same kernels in Numba's CUDA simulator: types equal, numbers to rounding."""
    ranges = np.random.default_rng(1).uniform(0.5, 50.0, (3, 24, 1)).astype(np.float32)
    simulated = run_simulated(TWIN, tmp_path, ranges=ranges, device="cuda")
    found = {"ranges": ranges, "device": "cpu", "np": np}
    exec(compile(TWIN, "twin", "exec"), found)
    assert np.array_equal(simulated["return_type"], found["out"]["return_type"])
    assert len(set(simulated["return_type"].ravel())) > 3
    for name in ("range", "snr"):
        assert np.allclose(simulated[name], found["out"][name], rtol=1e-5, atol=1e-4), name
