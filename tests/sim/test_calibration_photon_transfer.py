"""Photon transfer gives a simulated camera's values back, in intervals of honest width, and agrees with EMVA's own."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest

from naive.recordings import Camera, Sensor, colour_rates
from simloom.kernels import apply_camera, load_profile
from simloom.sim.calibration.photon_transfer import PhotonTransfer, Recording, measure_photon_transfer
from simloom.sim.errors import UsageError

TIMES = (0.01, 0.04, 0.08, 0.12, 0.4)
DARK_TIMES = (0.01, 0.5, 2.0)


def _record(sensor: Sensor, seed: int, rate, count: int = 2, times=TIMES, dark_times=DARK_TIMES):
    camera = Camera(sensor, seed)
    flats = [Recording(time, camera.grab(rate, time, count)) for time in times]
    return flats, [Recording(time, camera.grab(0.0, time, count)) for time in dark_times]


def _truth(sensor: Sensor) -> dict[str, float]:
    return {
        "gain": sensor.gain,
        "read_noise": sensor.read_noise,
        "temporal_dark_noise": math.hypot(sensor.read_noise, sensor.row_noise, sensor.column_noise),
        "row_noise": sensor.row_noise,
        "column_noise": sensor.column_noise,
        "row_pattern": sensor.row_pattern,
        "column_pattern": sensor.column_pattern,
        "black_level": sensor.black_level,
        "dark_current": sensor.dark_current,
        "dark_current_from_variance": sensor.dark_current,
        "photo_response_nonuniformity": sensor.prnu,
        "dark_signal_nonuniformity": sensor.dsnu,
        "full_well": min(sensor.full_well, (2**sensor.bits - 1 - sensor.black_level) / sensor.gain),
        "hot_pixel_fraction": sensor.hot_fraction,
        "hot_pixel_current": sensor.hot_current,
    }


LINES = Sensor(
    row_noise=0.8, column_noise=0.3, row_pattern=0.5, column_pattern=0.4, height=96, width=128, hot_fraction=3e-3
)


@pytest.mark.parametrize("mosaic", ["mono", "RGGB"])
def test_intervals_cover_the_truth_as_often_as_they_say(mosaic: str) -> None:
    """Over repeated recordings 95 % of the intervals cover, and the stated deviation is that of the estimates."""
    sensor = Sensor() if mosaic == "mono" else LINES
    rate = 50e3 if mosaic == "mono" else colour_rates(sensor.height, sensor.width, [30e3, 50e3, 50e3, 25e3])
    repeats = 60
    runs = [
        measure_photon_transfer(*_record(sensor, 1000 + k, rate), mosaic=mosaic, bits=sensor.bits).estimates
        for k in range(repeats)
    ]
    # Five deviations of a binomial of 60 at 0.95 below its mean: 48.6.
    least = repeats * 0.95 - 5.0 * math.sqrt(repeats * 0.95 * 0.05)
    for name, truth in _truth(sensor).items():
        if mosaic == "mono" and name.startswith("hot"):
            continue
        found = [run[name] for run in runs]
        assert sum(one.low <= truth <= one.high for one in found) >= least, name
        if truth > 0.0:  # at zero the values are cut off
            spread = np.std([one.value for one in found], ddof=1)
            ratio = np.mean([one.deviation for one in found]) / spread
            # A sample deviation of n values has the relative deviation 1 / sqrt(2 n); DSNU's counts its lines too.
            assert 1 - 5 / math.sqrt(2 * repeats) < ratio < 1.25 + 5 / math.sqrt(2 * repeats), name


@pytest.fixture(scope="module")
def large() -> PhotonTransfer:
    """A colour camera on larger frames, 4 at each exposure."""
    rate = colour_rates(192, 256, [30e3, 50e3, 50e3, 25e3])
    sensor = Sensor(height=192, width=256, full_well=9000.0)
    return measure_photon_transfer(*_record(sensor, 5, rate, 4), mosaic="RGGB", bits=12)


@pytest.mark.parametrize(
    "name, truth, tolerance",
    [
        ("gain", 0.37, 0.01),
        ("read_noise", 2.3, 0.02),
        ("dark_current", 5.0, 0.02),
        ("dark_current_from_variance", 5.0, 0.05),
        ("photo_response_nonuniformity", 0.006, 0.05),
        ("dark_signal_nonuniformity", 0.6, 0.1),
        ("full_well", 9000.0, 0.01),
        ("black_level", 240.0, 0.001),
    ],
)
def test_values_are_found_with_useful_precision(
    large: PhotonTransfer, name: str, truth: float, tolerance: float
) -> None:
    """Frames of 0.05 Mpx tell each value to the per cent that matters, and the interval is not wider than that."""
    found = large.estimates[name]

    assert abs(found.value / truth - 1.0) < tolerance
    assert found.high - found.low < 2.0 * tolerance * truth
    # A single interval misses one time in twenty; five deviations are the band of a single draw.
    assert abs(found.value - truth) < 5.0 * found.deviation


def test_every_phase_has_its_non_uniformity_and_response(large: PhotonTransfer) -> None:
    """R, G1, G2 and B are measured apart; responses stand as the light does."""
    assert large.phases == ("R", "G1", "G2", "B")
    for phase in large.phases:
        found = large.estimates[f"photo_response_nonuniformity[{phase}]"]
        assert abs(found.value - 0.006) < 5.0 * found.deviation
    ratio = large.estimates["responsivity[G1]"].value / large.estimates["responsivity[R]"].value
    assert ratio == pytest.approx(5 / 3, rel=5e-3)
    assert large.saturated


def test_only_points_below_70_percent_of_saturation_are_fitted(large: PhotonTransfer) -> None:
    """Saturated and bright points are left out, and what is fitted departs from the line by its noise alone."""
    share = large.signal / (9000.0 * 0.37)

    assert not large.used[share > 0.71].any()
    assert large.used[(share > 0.02) & (share < 0.69)].all()
    deviation = large.variance_deviation[large.used] / large.variance[large.used]
    assert (np.abs(large.residual[large.used]) < 5.0 * deviation + 0.01).all()


def test_flicker_and_uneven_light_do_not_pass_for_noise() -> None:
    """A lamp that changes by 3 % between frames and a fall-off to 70 % leave K and PRNU as they are."""
    sensor = Sensor(height=96, width=96)
    v, u = np.mgrid[:96, :96] / 95.0 - 0.5
    light = 50e3 * (1.0 - 0.6 * (u**2 + v**2))
    camera = Camera(sensor, 3)
    flats = [
        Recording(time, np.concatenate([camera.grab(light * (1 + 0.03 * (k % 2)), time, 1) for k in range(4)]))
        for time in TIMES
    ]
    darks = [Recording(time, camera.grab(0.0, time, 4)) for time in DARK_TIMES]
    found = measure_photon_transfer(flats, darks, bits=12).estimates

    assert abs(found["gain"].value - 0.37) < 5.0 * found["gain"].deviation
    prnu = found["photo_response_nonuniformity"]
    assert abs(prnu.value - 0.006) < 5.0 * prnu.deviation
    assert prnu.value < 0.008


def test_the_same_recordings_give_the_same_result() -> None:
    """Resampling draws from Philox: values and intervals repeat, another seed moves the intervals alone."""
    recordings = _record(Sensor(), 8, 50e3)
    first, again, other = (measure_photon_transfer(*recordings, bits=12, seed=seed).estimates for seed in (0, 0, 1))

    assert first == again
    assert first["gain"].value == other["gain"].value
    assert first["gain"].low != other["gain"].low
    assert first["gain"].deviation == pytest.approx(other["gain"].deviation, rel=0.2)


def test_left_aligned_values_are_shifted_down() -> None:
    """12 bits in the upper bits of 16 give the same camera, and a note says so."""
    flats, darks = _record(Sensor(), 9, 50e3)
    shifted = [[Recording(r.exposure_time, r.frames << 4) for r in recordings] for recordings in (flats, darks)]
    plain, aligned = measure_photon_transfer(flats, darks), measure_photon_transfer(*shifted)

    assert aligned.estimates == plain.estimates
    assert aligned.bit_depth == 12
    assert "lowest 4 bits" in aligned.notes[0]


def test_recordings_that_cannot_tell_say_what_to_record() -> None:
    """One dark, no saturation and short darks leave values open, with a note each."""
    flats, darks = _record(Sensor(), 10, 50e3, times=(0.01, 0.02, 0.05), dark_times=(0.01,))
    result = measure_photon_transfer(flats, darks, bits=12)

    assert not result.saturated
    assert not {"dark_current", "full_well", "hot_pixel_fraction"} & set(result.estimates)
    assert ["full well", "dark current", "hot pixels"] == [note.partition(":")[0] for note in result.notes]
    assert abs(result.estimates["gain"].value - 0.37) < 5.0 * result.estimates["gain"].deviation


def test_impossible_recordings_are_refused() -> None:
    """Single frames, one exposure, mixed sizes, no light, all saturated and copies are answered by what to do."""
    flats, darks = _record(Sensor(), 11, 50e3)
    copies = [Recording(r.exposure_time, np.repeat(r.frames[:1], 2, axis=0)) for r in flats]
    bright = [Recording(time, np.full((2, 64, 64), 4095, np.uint16)) for time in (0.1, 0.2)]
    for wrong, message in (
        ([flats[0]], "2 or more different exposure times"),
        ([Recording(0.1, flats[0].frames[:1]), flats[1]], "at least 2"),
        ([Recording(0.1, flats[0].frames[:, :48]), flats[1]], "same size"),
        ([Recording(0.1, flats[0].frames[:, :16]), flats[1]], "at least 32x32"),
        ([Recording(1.0, darks[0].frames), Recording(2.0, darks[1].frames)], "not brighter"),
        (bright, "not brighter and noisier"),
        (copies, "not brighter and noisier"),
    ):
        with pytest.raises(UsageError, match=message):
            measure_photon_transfer(wrong, darks, bits=12)
    with pytest.raises(UsageError, match="did you mean 'RGGB'"):
        measure_photon_transfer(flats, darks, mosaic="RGBG")
    with pytest.raises(UsageError, match="bits must be"):
        measure_photon_transfer(flats, darks, bits=10)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_values_agree_with_the_standards_own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """EMVA's `emva1288` analyses the same frames to the same K, dark noise, dark current, DSNU and PRNU."""
    emva = pytest.importorskip("emva1288.process.results")
    from emva1288.process.data import Data1288

    monkeypatch.setattr(np, "asfarray", lambda a: np.asarray(a, np.float64), raising=False)  # gone since NumPy 2
    # One dark per exposure, as the package wants it, and many frames for its spatial values.
    times = (0.01, 0.03, 0.05, 0.07, 0.09, 0.11, 0.14, 0.17, 0.2, 0.25, 0.3, 0.4)
    sensor = Sensor(height=160, width=160, dark_current=400.0, full_well=9000.0)
    flats, darks = _record(sensor, 12, 35e3, 2, times, times)
    camera = Camera(sensor, 12)
    half = camera.grab(35e3, 0.11, 24), camera.grab(0.0, 0.11, 24)

    def pair(frames):
        a, b = frames.astype(np.int64)
        return {"sum": (a + b).sum(), "pvar": 2 * ((a - b) ** 2).sum(), "dmean": a.mean() - b.mean()}

    def stack(frames):
        frames = frames.astype(np.int64)
        total, count = frames.sum(axis=0), len(frames)
        return {"sum": total, "pvar": ((count * frames - total) ** 2).sum(axis=0), "L": count}

    data = Data1288(
        {
            "width": 160,
            "height": 160,
            "temporal": {
                flat.exposure_time * 1e9: {0.0: pair(dark.frames), flat.exposure_time * 5e4: pair(flat.frames)}
                for flat, dark in zip(flats, darks, strict=True)
            },
            "spatial": {0.11e9: {0.0: stack(half[1]), 5.5e3: stack(half[0])}},
        },
        loglevel=logging.ERROR,
    ).data
    oracle = emva.Results1288(data, loglevel=logging.ERROR)
    flats[5], darks[5] = Recording(0.11, half[0]), Recording(0.11, half[1])
    # DSNU from the dark that the package has: ours takes the shortest.
    ours = measure_photon_transfer(flats, darks, bits=12).estimates
    still = measure_photon_transfer(flats, darks[5:], bits=12).estimates

    assert ours["gain"].value == pytest.approx(oracle.K, rel=0.01)
    assert ours["temporal_dark_noise"].value == pytest.approx(oracle.sigma_d, rel=0.02)
    assert ours["dark_current"].value == pytest.approx(oracle.u_I_mean, rel=0.01)
    assert ours["dark_current_from_variance"].value == pytest.approx(oracle.u_I_var, rel=0.05)
    assert ours["photo_response_nonuniformity"].value == pytest.approx(oracle.PRNU1288 / 100, rel=0.03)
    assert still["dark_signal_nonuniformity"].value == pytest.approx(oracle.DSNU1288, rel=0.03)


def test_the_built_in_camera_is_found_again() -> None:
    """Raw frames of `apply_camera` give its profile's values back: what is simulated is what would be measured."""
    profile, shape = load_profile("generic_rgb"), (4, 192, 256, 3)
    lit, unlit = np.full(shape, 0.05, np.float32), np.zeros(shape, np.float32)

    def record(radiance, times, first):
        return [
            Recording(
                time,
                apply_camera(
                    radiance, profile, seed=3, index=first + 4 * k + np.arange(4), exposure_time=time, raw=True
                ).raw,
            )
            for k, time in enumerate(times)
        ]  # fmt: skip

    flats = record(lit, (0.005, 0.02, 0.05, 0.1, 0.15, 1.0), 0)
    darks = record(unlit, (0.005, 0.5, 2.0), 100)
    found = measure_photon_transfer(flats, darks, mosaic=profile.mosaic, bits=profile.bit_depth)

    assert found.saturated
    end = (2.0**profile.bit_depth - 1.0 - profile.black_level) / profile.gain
    for name in (
        "gain", "read_noise", "row_noise", "column_noise", "row_pattern", "column_pattern", "black_level",
        "dark_current", "dark_signal_nonuniformity", "photo_response_nonuniformity",
    ):  # fmt: skip
        one, truth = found.estimates[name], getattr(profile, name)
        if truth > 0.0:
            assert abs(one.value - truth) < 5.0 * one.deviation, name
        else:
            assert one.value**2 < 5.0 * (one.high**2 - one.low**2) / (2 * 1.96), name
    full = found.estimates["full_well"]
    assert abs(full.value - min(profile.full_well, end)) < 5.0 * full.deviation
    for name, tolerance in (("gain", 0.01), ("read_noise", 0.02), ("photo_response_nonuniformity", 0.04)):
        assert found.estimates[name].value == pytest.approx(getattr(profile, name), rel=tolerance)
