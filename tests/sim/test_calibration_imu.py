"""Allan deviation against published figures and another library; units measured from logs; wrong logs refused."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import allantools
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from simloom.kernels import apply_imu, load_profile
from simloom.sim.calibration.allan import AllanCovariance, octave_factors, overlapping_allan_deviation
from simloom.sim.calibration.inertial_log import InertialLog, load_inertial_log
from simloom.sim.calibration.inertial_noise import measure_inertial_noise
from simloom.sim.cli import app
from simloom.sim.errors import UsageError
from simloom.sim.profile_file import load_profile_file

RATE = 20.0
UNIT = dataclasses.replace(
    load_profile("bosch_bmi088"), rate=RATE, gyroscope_bias_instability=4e-5, gyroscope_flicker_time=(10.0, 1000.0),
    gyroscope_random_walk=1e-6, accelerometer_bias_instability=4e-4, accelerometer_random_walk=1e-5,
)  # fmt: skip


def _log(samples: int = 400_000, seed: int = 2) -> np.ndarray:
    still = np.zeros((1, samples, 3))
    reading = apply_imu(still + np.array([0.0, 0.0, 9.81]), still, UNIT, seed=seed)
    time = np.arange(samples) / RATE
    return np.concatenate([time[:, None], reading.angular_rate[0], reading.specific_force[0]], axis=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five and a half hours of a unit at rest."""
    path = tmp_path_factory.mktemp("log") / "still.npy"
    np.save(path, _log())
    return path


def test_the_published_example_comes_out() -> None:
    """The 1000 frequencies of NIST SP 1065 have its overlapping Allan deviations."""
    n, values = 1234567890, []
    for _ in range(1000):
        values.append(n / (2**31 - 1))
        n = 16807 * n % (2**31 - 1)

    found = overlapping_allan_deviation(values, 1.0, [1, 10, 100])

    assert np.allclose(found, [2.922319e-01, 9.159953e-02, 3.241343e-02], rtol=2e-6)


def test_another_library_agrees() -> None:
    """So does allantools, for every factor and column."""
    values = _log(3000)[:, 1:]
    factors = octave_factors(3000)

    found = overlapping_allan_deviation(values, RATE, factors)

    assert factors.tolist() == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    for k in range(6):
        _, theirs, _, _ = allantools.oadev(values[:, k], rate=RATE, data_type="freq", taus=factors / RATE)
        assert np.allclose(found[:, k], theirs, rtol=1e-9)
    with pytest.raises(ValueError, match=r"factors must be in \[1, 1500\]"):
        overlapping_allan_deviation(values, RATE, [1501])


def test_the_covariance_is_that_of_many_series() -> None:
    """Deviations and correlations of the estimates are those of a thousand series of white noise and walk."""
    samples, series = 1500, 1200
    profile = dataclasses.replace(
        UNIT, gyroscope_resolution=0.0, gyroscope_bias_instability=0.0, gyroscope_noise_density=1.0,
        gyroscope_random_walk=0.05, gyroscope_range=1e6,
    )  # fmt: skip
    still = np.zeros((series // 3, samples, 3))
    values = apply_imu(still, still, profile, rate=1.0, seed=1).angular_rate.transpose(1, 0, 2).reshape(samples, -1)
    factors = octave_factors(samples)

    found = np.cov(overlapping_allan_deviation(values, 1.0, factors) ** 2)
    told = AllanCovariance(samples, 1.0, factors).at([1.0, 0.0, 0.05**2])

    assert np.allclose(np.diag(found) / np.diag(told), 1.0, atol=5 * math.sqrt(2 / series) + 0.05)
    of = [c / np.sqrt(np.outer(np.diag(c), np.diag(c))) for c in (found, told)]
    assert np.abs(of[0] - of[1]).max() < 5 / math.sqrt(series) + 0.03


def test_our_own_unit_is_found_again(log: Path) -> None:
    """N, B and K of gyroscopes and accelerometers lie within their intervals, which are no wider than they must be."""
    result = measure_inertial_noise(load_inertial_log(log))

    for part in ("gyroscope", "accelerometer"):
        for field, most in (("noise_density", 0.01), ("bias_instability", 0.6), ("random_walk", 2.0)):
            estimate, true = result.estimates[f"{part}_{field}"], getattr(UNIT, f"{part}_{field}")
            assert estimate.low <= true <= estimate.high, (estimate.text, true)
            assert estimate.high - estimate.low < most * true, (estimate.text, true)
        resolution = result.estimates[f"{part}_resolution"].value
        assert resolution == pytest.approx(getattr(UNIT, f"{part}_resolution"), rel=1e-6)
        times = result.flicker_time[part]
        assert times is not None
        assert times[1] == pytest.approx(100 * times[0], rel=0.01)
    assert result.rate == pytest.approx(RATE, rel=1e-9)


def test_intervals_cover_the_truth() -> None:
    """Over 24 short logs at most a few of the 95 % intervals of N and B miss it."""
    missed = 0
    for seed in range(24):
        values = _log(6000, seed=seed)
        estimates = measure_inertial_noise(InertialLog(RATE, values[:, 1:4], values[:, 4:7])).estimates
        for name in ("gyroscope_noise_density", "accelerometer_noise_density", "accelerometer_bias_instability"):
            missed += not estimates[name].low <= getattr(UNIT, name) <= estimates[name].high
    # of 72, 3.6 are expected: more than 12 come once in ten thousand
    assert missed <= 12


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", "imu", *map(str, arguments)])


def test_profiles_are_written_and_load(log: Path, tmp_path: Path) -> None:
    """The profile holds what was measured over the base and can be used at once; the plot is a picture."""
    out, plot = tmp_path / "mine.yaml", tmp_path / "mine.png"
    done = _run(log, "-o", out, "--plot", plot, "--base", "xsens_mti")
    assert done.exit_code == 0, done.output
    profile = load_profile_file(out)

    assert profile.name == "mine"
    assert profile.rate == RATE
    assert profile.gyroscope_noise_density == pytest.approx(UNIT.gyroscope_noise_density, rel=0.01)
    assert profile.gyroscope_range == load_profile("xsens_mti").gyroscope_range
    assert apply_imu(np.zeros((1, 2, 3)), np.zeros((1, 2, 3)), profile).history.shape == (1, 72)
    assert "note: gyroscope_turn_on_bias" in done.output
    assert min(cv2.imread(str(plot)).shape[:2]) > 400


def test_text_logs_are_read(tmp_path: Path) -> None:
    """CSV files with and without names, stamps in nanoseconds; JSON for machines."""
    values = _log(2000)
    named, bare = tmp_path / "named.csv", tmp_path / "bare.csv"
    np.savetxt(named, values, delimiter=",", header="time,wx,wy,wz,ax,ay,az", comments="", fmt="%.12g")
    values[:, 0] *= 1e9
    np.savetxt(bare, values, delimiter=",", fmt="%.12g")

    first = json.loads(_run(named, "--json").output)
    second = json.loads(_run(bare, "--json", "--time-unit", "ns").output)

    assert first["estimates"] == second["estimates"]
    assert first["rate"] == pytest.approx(RATE)
    assert first["estimates"]["gyroscope_mean_x"]["unit"] == "rad/s"


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda v: v[:, :6], "a log has the 7 columns"),
        (lambda v: v[:500], "500 samples are too few"),
        (lambda v: np.delete(v, 700, axis=0), "the rate is not steady: sample 700 comes 0.1 s after"),
        (lambda v: v * np.array([1e9, 1, 1, 1, 1, 1, 1]), "give another unit of time"),
        (lambda v: v * np.array([1, 1, 1, 1, 0.1, 0.1, 0.1]), "a unit at rest feels 9.8"),
        (lambda v: np.where(np.arange(7) == 2, 0.0, v), "the gyroscope's y axis never changes"),
        (lambda v: np.where((np.arange(len(v)) == 9)[:, None], np.nan, v), "sample 9 holds what is not a finite"),
    ],
)
def test_wrong_logs_get_one_sentence(tmp_path: Path, change, message: str) -> None:
    """What is wrong with a log is told with what to do, and the command ends with 2."""
    path = tmp_path / "log.npy"
    np.save(path, change(_log(2000)))

    done = _run(path)

    assert done.exit_code == 2
    (line,) = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert message in line


def test_wrong_files_get_one_sentence(tmp_path: Path, log: Path) -> None:
    """So are files that are no logs, and bases that are no units."""
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    (tmp_path / "words.npy").write_text("nothing")
    (tmp_path / "log.bag").write_text("")
    for path, message in (
        ("words.csv", "not a table"), ("words.npy", "cannot read the log"), ("log.bag", ".csv or .npy"),
        ("none.csv", "cannot read the log"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=message):
            load_inertial_log(tmp_path / path)
    with pytest.raises(UsageError, match="unit of time must be one of"):
        load_inertial_log(log, time_unit="h")
    assert "does not take these values" in _run(log, "-o", tmp_path / "x.yaml", "--base", "generic_rgb").output
    with pytest.raises(UsageError, match="too few from 10000 s on"):
        measure_inertial_noise(load_inertial_log(log), shortest=1e4)


def test_files_that_are_no_logs_are_answered(tmp_path: Path) -> None:
    """Broken, lying and unfit files give a sentence, whatever they claim to hold."""
    import zipfile

    empty, zipped, huge, still = (tmp_path / name for name in ("empty.npy", "zip.npy", "huge.npy", "still.npy"))
    empty.write_bytes(b"")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.npy", b"nothing")
    with huge.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**13, 7)})
    for path in (empty, zipped, huge):
        with pytest.raises(UsageError, match="cannot read the log"):
            load_inertial_log(path)
    rows = np.zeros((4000, 7))
    rows[:, 0] = -0.01 * np.arange(4000)
    np.save(still, rows)
    with pytest.raises(UsageError, match="the stamps must rise"):
        load_inertial_log(still)


@pytest.mark.parametrize("size", [10.0, 1.0])
def test_what_drifts_is_no_log_at_rest(size: float) -> None:
    """A log whose turn rate runs away is refused, with what it should have been."""
    count = 40_000
    rates = 1e-6 * size * np.sin(0.7 * np.arange(count))[:, None] * np.ones(3)
    rates += size * (np.arange(count) / count)[:, None]
    gravity = np.array([0.0, 0.0, 9.81])
    log = InertialLog(100.0, rates, gravity + 1e-3 * np.cos(0.3 * np.arange(count))[:, None] * np.ones(3))
    with pytest.raises(UsageError, match="does not look like noise at rest"):
        measure_inertial_noise(log)
