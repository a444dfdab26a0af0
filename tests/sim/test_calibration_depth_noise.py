"""A wall gives back the noise law and the step that a depth sensor was simulated with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from naive.recordings import wall
from simloom.kernels import apply_depth, load_profile
from simloom.sim.calibration.depth_noise import WallRecording, measure_depth_noise
from simloom.sim.errors import UsageError

FX, BASELINE = 430.0, 0.05


def _stereo(seed: int, distances=(0.7, 1.0, 2.0, 3.0), noise=0.08, step=1 / 32, shape=(96, 128), count=6, unit=1e-3):
    """Walls seen by an ideal stereo sensor, stored in millimetres (or as float where unit is 0)."""
    rng, recordings = np.random.default_rng(seed), []
    for distance in distances:
        disparity = FX * BASELINE / wall(distance, shape=shape, fx=FX)
        disparity = np.round((disparity + noise * rng.standard_normal((count, *shape))) / step) * step
        depth = FX * BASELINE / disparity
        recordings.append(WallRecording(distance, np.round(depth / unit).astype(np.uint16) if unit else depth))
    return recordings


def test_disparity_noise_and_step_are_covered_as_often_as_said() -> None:
    """Over repeats 95 % of the intervals of s and of the step cover, and stated and true deviations agree."""
    repeats = 60
    runs = [measure_depth_noise(_stereo(k), fx=FX, baseline=BASELINE).estimates for k in range(repeats)]
    least = repeats * 0.95 - 5.0 * math.sqrt(repeats * 0.95 * 0.05)
    for name, truth in (("disparity_noise", 0.08), ("disparity_noise_temporal", 0.08), ("disparity_step", 1 / 32)):
        found = [run[name] for run in runs]
        assert sum(one.low <= truth <= one.high for one in found) >= least, name
        if name == "disparity_step":  # its error is the depths' rounding, the same in every recording
            assert max(one.deviation for one in found) < 0.005 * truth
            continue
        ratio = np.mean([one.deviation for one in found]) / np.std([one.value for one in found], ddof=1)
        # The deviation is only ever widened where distances disagree.
        assert 1 - 5 / math.sqrt(2 * repeats) < ratio < 1.5 + 5 / math.sqrt(2 * repeats), name


def test_the_built_in_stereo_model_is_found_again() -> None:
    """What `apply_depth` makes of a wall, rounded to millimetres, gives its profile's s and step."""
    profile = load_profile("realsense_d435")
    recordings = []
    for k, distance in enumerate((0.7, 1.0, 2.0, 3.0)):
        ideal = np.stack([wall(distance, shape=(240, 320), fx=FX)] * 6).astype(np.float32)
        reading = apply_depth(ideal, profile, fx=FX, seed=3, index=np.arange(6) + 100 * k)
        recordings.append(WallRecording(distance, np.round(reading.depth * 1e3).astype(np.uint16)))
    result = measure_depth_noise(recordings, fx=FX, baseline=profile.baseline)
    noise, step = result.estimates["disparity_noise"], result.estimates["disparity_step"]

    assert abs(noise.value - profile.disparity_noise) < 5.0 * noise.deviation
    assert noise.value == pytest.approx(profile.disparity_noise, rel=0.03)
    assert step.value == pytest.approx(profile.disparity_step, rel=0.005)
    for found, true in zip(result.walls, (0.7, 1.0, 2.0, 3.0), strict=True):
        assert found.depth == pytest.approx(true, rel=1e-3)
        assert found.invalid == 0.0
        assert found.outliers < 1e-4


def test_noise_below_the_step_is_found_on_a_tilted_wall() -> None:
    """kinect_v1's noise is a quarter of its step: a wall that sweeps several steps tells it, a frontal one is noted."""
    profile, found = load_profile("kinect_v1"), []
    for tilt in ((0.25, 0.15), (0.0, 0.0)):
        recordings = []
        for k, distance in enumerate((1.0, 1.6, 2.4)):
            ideal = np.stack([wall(distance, shape=(240, 320), fx=FX, tilt=tilt)] * 6).astype(np.float32)
            reading = apply_depth(ideal, profile, fx=FX, seed=3, index=np.arange(6) + 100 * k)
            recordings.append(WallRecording(distance, reading.depth))
        found.append(measure_depth_noise(recordings, fx=FX, baseline=profile.baseline))
    noise = found[0].estimates["disparity_noise"]

    # On a tilt, the place where a pixel samples the depth is noise too: slope times the lateral deviation.
    slope = FX * profile.baseline / 1.0 * math.hypot(0.25, 0.15) / FX * profile.lateral_noise
    assert profile.disparity_noise * 0.9 < noise.value < 1.1 * math.hypot(profile.disparity_noise, slope)
    assert found[0].estimates["disparity_step"].value == pytest.approx(profile.disparity_step, rel=1e-3)
    assert not any(note.startswith("disparity_noise:") for note in found[0].notes)
    assert sum("are too few to tell noise; tilt the wall" in note for note in found[1].notes) == 3


def test_noise_follows_the_square_of_the_distance() -> None:
    """Each distance's standard deviation is z^2 s / (f B), s widened by the rounding."""
    result = measure_depth_noise(_stereo(70), fx=FX, baseline=BASELINE)
    level = math.hypot(0.08, 1 / 32 / math.sqrt(12)) / (FX * BASELINE)

    for one, found in zip(result.walls, result.total, strict=True):
        assert abs(found.value - one.depth**2 * level) < 5.0 * found.deviation
    for one in result.spatial:
        assert one.low == 0.0


def test_fixed_errors_count_as_spatial_noise() -> None:
    """A pattern that stays from frame to frame is told apart from what changes, and both make the frame's noise."""
    rng = np.random.default_rng(4)
    ideal = wall(1.5, shape=(96, 96), fx=FX)
    fixed = 0.003 * rng.standard_normal(ideal.shape)
    frames = ideal + fixed + 0.002 * rng.standard_normal((8, 96, 96))
    result = measure_depth_noise([WallRecording(1.5, frames)], fx=FX, baseline=BASELINE)

    for found, truth in (
        (result.temporal[0], 0.002), (result.spatial[0], 0.003), (result.total[0], math.hypot(0.002, 0.003))
    ):  # fmt: skip
        assert abs(found.value - truth) < 5.0 * found.deviation
        assert found.deviation < 0.05 * truth


def test_the_quadratic_law_is_found() -> None:
    """A + b (z - z0)^2 comes back from six distances, the published Kinect values."""
    rng, recordings = np.random.default_rng(5), []
    for distance in (0.6, 1.0, 1.5, 2.0, 3.0, 4.0):
        ideal = np.stack([wall(distance, shape=(160, 160), fx=FX)] * 6)
        noise = (0.0012 + 0.0019 * (ideal - 0.4) ** 2) * rng.standard_normal(ideal.shape)
        recordings.append(WallRecording(distance, ideal + noise))
    found = measure_depth_noise(recordings, law="quadratic").estimates

    for name, truth in (("axial_floor", 0.0012), ("axial_growth", 0.0019), ("axial_nearest", 0.4)):
        assert abs(found[name].value - truth) < 5.0 * found[name].deviation, name
        assert found[name].deviation < 0.1 * truth, name


def test_holes_and_things_off_the_wall_are_counted_and_left_out() -> None:
    """No return and a thing in front of the wall change the shares, not the noise."""
    (clean,) = _stereo(6, distances=(1.0,), shape=(128, 128))
    dirty = clean.frames.copy()
    dirty[:, 40:44, :] = 0
    dirty[:, 60:70, 60:70] = 700
    plain = measure_depth_noise([clean], fx=FX, baseline=BASELINE)
    result = measure_depth_noise([WallRecording(1.0, dirty)], fx=FX, baseline=BASELINE)

    assert result.walls[0].invalid == pytest.approx(4 / 64)
    assert result.walls[0].outliers == pytest.approx(100 / 64**2, abs=1e-3)
    both = [one.estimates["disparity_noise"] for one in (plain, result)]
    assert abs(both[0].value - both[1].value) < 3.0 * both[0].deviation


def test_a_step_below_the_stored_unit_is_not_made_up() -> None:
    """At 0.7 m the disparity step is below a millimetre: no step, and a note."""
    result = measure_depth_noise(_stereo(7, distances=(0.5, 0.7)), fx=FX, baseline=BASELINE)
    exact = measure_depth_noise(_stereo(7, distances=(0.5, 0.7), unit=0), fx=FX, baseline=BASELINE)

    assert "disparity_step" not in result.estimates
    assert any(note.startswith("step") for note in result.notes)
    assert exact.estimates["disparity_step"].value == pytest.approx(1 / 32, rel=1e-5)


def test_impossible_recordings_are_refused() -> None:
    """Missing focal lengths, too few distances, small regions, empty frames and wrong units are answered."""
    recordings = _stereo(8, distances=(1.0, 2.0))
    for wrong, options, message in (
        (recordings, {}, "needs the focal length"),
        (recordings, {"law": "quadratic"}, "needs 4 or more"),
        (recordings, {"fx": -1.0, "baseline": 0.05}, "fx must be above 0"),
        (recordings, {"fx": FX, "baseline": 0.05, "region": 0.1}, "at least 24x24"),
        (recordings, {"fx": FX, "baseline": 0.05, "unit": 100.0}, "less than half"),
        ([], {"fx": FX, "baseline": 0.05}, "needs 1 or more"),
        ([WallRecording(1.0, np.zeros((2, 96, 96)))], {"fx": FX, "baseline": 0.05}, "less than half"),
        ([WallRecording(1.0, [])], {"fx": FX, "baseline": 0.05}, "no frames"),
    ):
        with pytest.raises(UsageError, match=message):
            measure_depth_noise(wrong, **options)
