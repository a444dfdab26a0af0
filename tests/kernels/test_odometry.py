"""Wheel odometry: oracle, growth of errors in closed form, UMBmark, addresses, pieces, the simulated device."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.odometry import count
from naive.twin import run_simulated
from simloom.kernels.odometry import OdometryReading, apply_odometry
from simloom.kernels.odometry_profile import OdometryProfile
from simloom.kernels.profiles import load_sensor_profile

BURGER: OdometryProfile = load_sensor_profile("odometry", "turtlebot3_burger")
EXACT = dataclasses.replace(
    BURGER, radius_sigma=0.0, difference_sigma=0.0, base_sigma=0.0, slip_variance=0.0, turn_variance=0.0,
    ticks_per_turn=1e8,
)  # fmt: skip
PARTS = ("ticks", "pose", "twist", "covariance", "true_pose")


def _winding(rows: int, samples: int) -> np.ndarray:
    time = np.arange(samples) / 20.0
    twist = np.stack([0.15 + 0.1 * np.sin(time), 0.8 * np.cos(0.7 * time)], axis=-1)
    return np.tile(twist, (rows, 1, 1))


def _straight(profile: OdometryProfile, rows: int, samples: int, rate: float, speed: float = 1.0) -> OdometryReading:
    twist = np.broadcast_to([speed, 0.0], (rows, samples, 2))
    return apply_odometry(twist, profile, rate=rate, seed=3, index=np.arange(rows), threads=1)


def test_readings_are_those_of_the_oracle() -> None:
    """Counts, poses and covariances follow from matrices and the circle's centre."""
    twist = _winding(2, 120)
    twist[1, 40:60] = 0.0
    ours = apply_odometry(twist, seed=5, index=[3, 2**35], sensor=4, unit=[0, 9], threads=1)

    for row, (index, unit) in enumerate(((3, 0), (2**35, 9))):
        theirs = count(twist[row], BURGER, 20.0, 5, index, 4, unit)
        assert np.abs(ours.ticks[row] - theirs.ticks).max() == 0
        np.testing.assert_allclose(ours.pose[row], theirs.pose, atol=1e-11)
        np.testing.assert_allclose(ours.true_pose[row], theirs.true_pose, atol=1e-11)
        np.testing.assert_allclose(ours.covariance[row], theirs.covariance, atol=1e-9)
        np.testing.assert_allclose(ours.radius[row], theirs.radius, rtol=1e-8)
        np.testing.assert_allclose(ours.base[row], theirs.base, rtol=1e-8)


def test_a_perfect_drive_ends_where_it_is() -> None:
    """Without errors odometry is the truth, to the counts of a fine encoder."""
    reading = apply_odometry(_winding(1, 600), EXACT, seed=0, index=[0], threads=1)

    np.testing.assert_allclose(reading.pose, reading.true_pose, atol=2e-6)
    np.testing.assert_allclose(reading.twist[0, 1:], _winding(1, 600)[0, 1:], atol=1e-5)


@pytest.mark.parametrize("rate", [5.0, 20.0])
def test_errors_of_a_straight_way_grow_in_closed_form(rate: float) -> None:
    """Way k s / 2, heading q t with q = 2 k v / B^2, and across v^2 q t^3 / 3, at any rate; so says the covariance."""
    profile = dataclasses.replace(EXACT, slip_variance=1e-8)  # small: the closed form is linear in the heading
    rows, duration, speed = 4000, 8.0, 0.5
    samples = 1 + round(duration * rate)
    reading = _straight(profile, rows, samples, rate, speed)
    along, across, heading = np.moveaxis((reading.pose - reading.true_pose)[:, -1], -1, 0)
    k, width = 1e-8, profile.base_width
    q = 2 * k * speed / width**2
    band = 5 * math.sqrt(2 / rows)
    steps = samples - 1

    assert abs(along.var() / (k * speed * duration / 2) - 1) < band
    assert abs(heading.var() / (q * duration) - 1) < band
    # The sum of (n - i - 1/2)^2 is n^3/3 - n/12: what a step's own arc leaves out.
    cubic = speed**2 * q * duration**3 / 3
    assert abs(across.var() / (cubic * (1 - 0.25 / steps**2)) - 1) < band
    expected = math.sqrt(3) / 2
    assert abs(np.corrcoef(across, heading)[0, 1] - expected) < 5 * (1 - expected**2) / math.sqrt(rows)
    stated = reading.covariance[:, -1].mean(axis=0)
    assert stated[0, 0] == pytest.approx(k * speed * duration / 2, rel=1e-2)
    assert stated[1, 1] == pytest.approx(cubic * (1 - 0.25 / steps**2), rel=1e-2)
    assert stated[2, 2] == pytest.approx(q * duration, rel=1e-2)
    assert stated[1, 2] == pytest.approx(speed * q * duration**2 / 2, rel=1e-2)


def test_turning_on_the_spot_scrubs() -> None:
    """Heading deviates by the turn's variance and by the wheels' slip."""
    profile = dataclasses.replace(EXACT, slip_variance=1e-6, turn_variance=2e-4)
    rows, turn = 4000, 6.0
    twist = np.broadcast_to([0.0, 1.0], (rows, 61, 2))
    reading = apply_odometry(twist, profile, rate=10.0, seed=3, index=np.arange(rows), threads=1)
    heading = reading.pose[:, -1, 2] - turn
    variance = 2e-4 * turn + 1e-6 * turn / profile.base_width

    assert abs(heading.var() / variance - 1) < 5 * math.sqrt(2 / rows)
    assert reading.covariance[:, -1, 2, 2].mean() == pytest.approx(variance, rel=1e-2)


def test_unequal_wheels_make_a_straight_way_a_circle() -> None:
    """Odometry's circle has the radius that both wheels' ways give: B / 2 times their sum over their difference."""
    profile = dataclasses.replace(EXACT, difference_sigma=0.01, radius_sigma=0.01)
    reading = _straight(profile, 1, 2001, 20.0)
    left, right = 1.0 / reading.radius[0]
    bend = profile.base_width / 2 * (left + right) / (right - left)
    centre = np.array([0.0, bend])
    distance = np.hypot(*(reading.pose[0, :, :2] - centre).T)

    assert abs(left / right - 1.0) > 1e-4
    np.testing.assert_allclose(distance, abs(bend), rtol=1e-5)
    length = profile.wheel_radius * (left + right) / 2 * 100.0
    assert reading.pose[0, -1, 2] == pytest.approx(length / bend, rel=1e-4)


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_a_square_with_a_wrong_base_ends_as_umbmark_says(turn: float) -> None:
    """Each corner is seen as E_b quarter turns; four sides then end where their polygon does, either way round."""
    profile = dataclasses.replace(EXACT, base_sigma=0.03)
    side, corner = np.tile([1.0, 0.0], (40, 1)), np.tile([0.0, turn * math.pi / 2], (10, 1))
    path = np.concatenate([[[0.0, 0.0]], *[part for _ in range(4) for part in (side, corner)]])[None]

    reading = apply_odometry(path, profile, rate=10.0, seed=1, index=[0], unit=2, threads=1)

    seen = turn * math.pi / 2 * reading.base[0] / profile.base_width
    end = sum(4.0 * np.exp(1j * k * seen) for k in range(4))
    assert abs(reading.base[0] / profile.base_width - 1) > 0.005
    np.testing.assert_allclose(reading.true_pose[0, -1], [0.0, 0.0, turn * 2 * math.pi], atol=1e-9)
    np.testing.assert_allclose(reading.pose[0, -1], [end.real, end.imag, 4 * seen], atol=2e-5)


def test_specimens_deviate_as_stated() -> None:
    """Radii and bases of many specimens have the profile's deviations, whatever row and seed's rows they are in."""
    units = np.arange(5000)
    reading = apply_odometry(np.zeros((5000, 1, 2)), BURGER, seed=0, index=units, unit=units, threads=1)
    radius, base = reading.radius / BURGER.wheel_radius, reading.base / BURGER.base_width
    band = 5 / math.sqrt(2 * 5000)

    assert abs(radius.mean(axis=1).std() / BURGER.radius_sigma - 1) < band
    assert abs((radius[:, 1] - radius[:, 0]).std() / BURGER.difference_sigma - 1) < band
    assert abs(base.std() / BURGER.base_sigma - 1) < band
    other = apply_odometry(np.zeros((1, 1, 2)), BURGER, seed=0, index=[77], unit=4, threads=1)
    assert other.base[0] == reading.base[4]


def test_counts_are_whole_and_follow_the_wheel() -> None:
    """Counts never stray by one from the wheel's angle, and a coarse encoder steps."""
    profile = dataclasses.replace(EXACT, ticks_per_turn=40.0)
    reading = _straight(profile, 3, 200, 20.0, 0.02)
    angle = 0.02 / 20.0 * np.arange(200) / profile.wheel_radius * 40.0 / (2 * math.pi)

    assert reading.ticks.dtype == np.int64
    assert (np.abs(reading.ticks[..., 0] - angle) < 1.0).all()
    step = profile.wheel_radius * 2 * math.pi / 40.0 * 20.0
    assert np.unique((reading.twist[..., 0] / step * 2).round(6)).size <= 3


def test_wheel_angles_and_twists_agree() -> None:
    """Angles of nominal wheels that belong to a twist give its reading."""
    twist = _winding(2, 80)
    way, turn = twist[..., 0] / 20.0, twist[..., 1] / 20.0
    way[:, 0] = turn[:, 0] = 0.0
    ways = np.stack([way - turn * BURGER.base_width / 2, way + turn * BURGER.base_width / 2], axis=-1)
    angles = 5.0 + np.cumsum(ways / BURGER.wheel_radius, axis=1)

    one = apply_odometry(twist, seed=1, index=[0, 1], threads=1)
    two = apply_odometry(angles, given="wheel_angle", seed=1, index=[0, 1], threads=1)

    np.testing.assert_allclose(two.true_pose, one.true_pose, atol=1e-12)
    assert np.abs(two.ticks - one.ticks).max() <= 1
    assert (two.ticks != one.ticks).mean() < 0.01


@pytest.mark.parametrize("given", ["twist", "wheel_angle"])
def test_pieces_and_other_batches_have_the_same_bytes(given: str) -> None:
    """Cut in time, shuffled in rows, on two threads: the numbers of a row are its own."""
    motion = _winding(3, 90) if given == "twist" else np.cumsum(_winding(3, 90), axis=1)
    index, unit = np.array([7, 2**33, 1]), np.array([0, 5, 2])
    keys = {"given": given, "seed": 2}
    whole = apply_odometry(motion, BURGER, **keys, index=index, unit=unit, threads=1)
    head = apply_odometry(motion[:, :41], BURGER, **keys, index=index, unit=unit, threads=1)
    tail = apply_odometry(
        motion[:, 41:], BURGER, **keys, index=index, unit=unit, first=41, history=head.history, threads=2
    )
    order = np.array([2, 0, 1])
    shuffled = apply_odometry(motion[order], [BURGER] * 3, **keys, index=index[order], unit=unit[order], threads=2)

    for part in PARTS:
        joined = np.concatenate([getattr(head, part), getattr(tail, part)], axis=1)
        assert joined.tobytes() == getattr(whole, part).tobytes()
        assert getattr(shuffled, part)[np.argsort(order)].tobytes() == getattr(whole, part).tobytes()
    assert tail.history.state.tobytes() == whole.history.state.tobytes()


def test_tensors_stay_tensors() -> None:
    """Torch gives the bytes that NumPy gives."""
    ours = apply_odometry(_winding(2, 30), seed=2, index=[0, 1], threads=1)
    theirs = apply_odometry(torch.from_numpy(_winding(2, 30)), seed=2, index=[0, 1], threads=1)

    assert all(getattr(theirs, part).numpy().tobytes() == getattr(ours, part).tobytes() for part in PARTS)


def test_impossible_drives_are_refused() -> None:
    """Each error names what was given."""
    motion = _winding(2, 5)
    for keys, message in (
        ({"given": "pose"}, "given must be 'twist' or 'wheel_angle'"),
        ({"unit": -1}, "unit must be a whole number"),
        ({"unit": [1]}, "unit must be a whole number"),
        ({"profile": "generic_rgb"}, "not of kind 'odometry'"),
        ({"rate": 0.0}, "rate must be a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            apply_odometry(motion, **({"seed": 0, "index": [0, 1]} | keys))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="slip_variance must be a number in"):
        dataclasses.replace(BURGER, slip_variance=-1.0)
    with pytest.raises(ValueError, match=r"motion must have shape \(rows, samples, 2\)"):
        apply_odometry(np.zeros((2, 3)), seed=0, index=[0, 1])


def test_the_simulated_device_measures_the_same(tmp_path: Path) -> None:
    """The element in plain Python, as CUDA's simulator runs it, gives the same counts and poses."""
    motion = _winding(2, 15)
    ours = apply_odometry(motion, BURGER, seed=5, index=[3, 4], unit=6, threads=1)

    twin = run_simulated(
        """
import json
from simloom.kernels.odometry import apply_odometry
from simloom.kernels.odometry_profile import OdometryProfile
profile = OdometryProfile(**json.loads(str(settings)))
reading = apply_odometry(motion, profile, seed=5, index=[3, 4], unit=6, device="cuda")
out = {part: getattr(reading, part) for part in ("ticks", "pose", "covariance")}
""",
        tmp_path,
        motion=motion,
        settings=json.dumps(dataclasses.asdict(BURGER)),
    )

    assert np.array_equal(twin["ticks"], ours.ticks)
    np.testing.assert_allclose(twin["pose"], ours.pose, atol=1e-12)
    np.testing.assert_allclose(twin["covariance"], ours.covariance, atol=1e-12)
