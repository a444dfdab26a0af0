"""Trajectories, de-skewing and points against closed forms, matrices, torch, and the CUDA simulator."""

from __future__ import annotations

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.deskew import deskew_points
from simloom.kernels.points import points_from_ranges
from simloom.kernels.trajectory import interpolate_trajectory
from simloom.kernels.transforms import (
    compose_pose,
    interpolate_pose,
    invert_pose,
    pose_from_position_quaternion,
    transform_points,
)

START = 1_700_000_000_123_456_789
"""An instant of this decade [ns]: no float64 holds it exactly."""


def random_trajectory(generator, knots):
    """Instants and poses of a wild trajectory."""
    time = START + np.cumsum(generator.integers(1_000_000, 50_000_000, knots))
    return time, pose_from_position_quaternion(generator.normal(size=(knots, 3)) * 5, generator.normal(size=(knots, 4)))


def test_trajectories_pass_their_knots_and_interpolate_between():
    """At the knots the poses themselves; between them what `interpolate_pose` gives, to 1e-12."""
    generator = np.random.default_rng(3)
    time, pose = random_trajectory(generator, 9)
    at_knots = interpolate_trajectory(pose, time, time[None], threads=1)
    assert np.abs(at_knots[0] - pose).max() < 1e-12
    asked = np.sort(generator.integers(time[0], time[-1], 200))
    found = interpolate_trajectory(pose, time, asked[None], threads=1)[0]
    for instant, matrix in zip(asked, found, strict=True):
        k = int(np.searchsorted(time, instant, side="right")) - 1
        share = float(instant - time[k]) / float(time[k + 1] - time[k])
        assert np.abs(matrix - interpolate_pose(pose[k], pose[k + 1], share)).max() < 1e-12


def test_small_turns_are_exact():
    """Turns from a microradian down to a picoradian follow the angle, where a cosine would round to one."""
    for angle in (1e-3, 1e-5, 1e-6, 3e-7, 1e-9, 1e-12):
        quaternion = np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, np.sin(0.5 * angle), np.cos(0.5 * angle)]])
        pose = pose_from_position_quaternion(np.zeros((2, 3)), quaternion)
        found = interpolate_trajectory(pose, [0, 1000], [[250]], threads=1)[0, 0]
        assert found[1, 0] == pytest.approx(np.sin(0.25 * angle), rel=1e-9)


def test_trajectories_are_not_continued():
    """Beyond the knots, and for instants that do not ascend, there is an error with the numbers."""
    pose = np.stack([np.eye(4), np.eye(4)])
    for asked in ([[-1]], [[11]]):
        with pytest.raises(ValueError, match="known from 0 to 10 ns"):
            interpolate_trajectory(pose, [0, 10], asked)
    with pytest.raises(ValueError, match="must ascend"):
        interpolate_trajectory(pose, [10, 10], [[10]])
    with pytest.raises(ValueError, match="whole nanoseconds"):
        interpolate_trajectory(pose, [0.0, 1.0], [[0]])
    with pytest.raises(ValueError, match=r"got \(2, 4, 4\) and \(3,\)"):
        interpolate_trajectory(pose, [0, 1, 2], [[0]])
    with pytest.raises(ValueError, match="finite"):
        interpolate_trajectory(pose * np.nan, [0, 1], [[0]])


def measure(generator, rows=2, firings=300, echoes=None):
    """World points and what a moving sensor measures of them: points, instants, poses, instants of the poses."""
    knots = [random_trajectory(generator, 5) for _ in range(rows)]
    pose_time, pose = np.stack([k[0] for k in knots]), np.stack([k[1] for k in knots])
    time = np.stack([np.sort(generator.integers(t[0], t[-1], firings)) for t in pose_time])
    world = generator.normal(size=(rows, firings, 1 if echoes is None else echoes, 3)) * 20
    at = interpolate_trajectory(pose, pose_time, time, threads=1)
    local = np.stack([[transform_points(invert_pose(m), w) for m, w in zip(*row, strict=True)]
                      for row in zip(at, world, strict=True)])  # fmt: skip
    target = pose_time[:, -1] - 777
    frame = interpolate_trajectory(pose, pose_time, target[:, None], threads=1)[:, 0]
    expected = transform_points(invert_pose(frame)[:, None], world)
    if echoes is None:
        local, expected = local[:, :, 0], expected[:, :, 0]
    return local, time, pose, pose_time, target, expected


@pytest.mark.parametrize("echoes", [None, 2])
def test_deskewed_points_are_where_they_stand(echoes):
    """Points that stand still in the world come back together, to 1e-11 m in float64 and 1e-5 m in float32."""
    local, time, pose, pose_time, target, expected = measure(np.random.default_rng(6), echoes=echoes)
    found = deskew_points(local, time, pose, pose_time, target, threads=1)
    assert found.shape == local.shape
    assert np.abs(found - expected).max() < 1e-11
    assert np.abs(local - expected).max() > 1.0
    single = deskew_points(local.astype(np.float32), time, pose, pose_time, target, threads=1)
    assert single.dtype == np.float32
    assert np.abs(single - expected).max() < 2e-5


def test_a_pose_at_one_instant_stands_for_all():
    """A sensor with a single known pose has not moved: points stay where they are, to rounding."""
    points = np.random.default_rng(4).normal(size=(1, 50, 3))
    _, pose = random_trajectory(np.random.default_rng(1), 1)
    found = deskew_points(points, START + np.arange(50) * 1_000_000, pose, [START], START, threads=1)
    assert np.abs(found - points).max() < 1e-14


def test_beams_without_a_return_stay_zero():
    """Zeros in, zeros out; all other points move."""
    local, time, pose, pose_time, target, _ = measure(np.random.default_rng(7))
    local[:, ::3] = 0.0
    found = deskew_points(local, time, pose, pose_time, target, threads=1)
    assert not found[:, ::3].any()
    assert (found[:, 1::3] != local[:, 1::3]).all()


def test_points_do_not_depend_on_their_neighbours():
    """Rows and points cut out, and two threads, give the same bytes; one trajectory and one frame's times serve all."""
    local, time, pose, pose_time, target, _ = measure(np.random.default_rng(8), rows=3)
    whole = deskew_points(local, time, pose, pose_time, target, threads=1)
    part = deskew_points(local[1:, 50:60], time[1:, 50:60], pose[1:], pose_time[1:], target[1:], threads=2)
    assert part.tobytes() == whole[1:, 50:60].tobytes()
    shared = deskew_points(local, time[0], pose[0], pose_time[0], int(target[0]), threads=1)
    each = deskew_points(local, np.stack([time[0]] * 3), np.stack([pose[0]] * 3), pose_time[0], target[[0] * 3])
    assert shared.tobytes() == each.tobytes()


def test_torch_gives_what_numpy_gives():
    """Tensors in, tensors out, the same bytes, with times for each row or for all."""
    import torch

    local, time, pose, pose_time, target, _ = measure(np.random.default_rng(9))
    found = deskew_points(torch.from_numpy(local), torch.from_numpy(time), pose, pose_time, target, threads=1)
    assert isinstance(found, torch.Tensor)
    assert found.numpy().tobytes() == deskew_points(local, time, pose, pose_time, target, threads=1).tobytes()
    found = deskew_points(torch.from_numpy(local), torch.from_numpy(time[0]), pose[0], pose_time[0], int(target[0]))
    assert found.numpy().tobytes() == deskew_points(local, time[0], pose[0], pose_time[0], int(target[0])).tobytes()


def test_wrong_points_get_one_clear_error():
    """Shapes, kinds of numbers, and instants beyond the knots."""
    points, still = np.ones((1, 4, 3)), np.stack([np.eye(4), np.eye(4)])
    for arguments, match in (
        ((points[0], np.arange(4), still, [0, 9], 0), "points must have shape"),
        ((points, np.arange(3), still, [0, 9], 0), "time must have shape"),
        ((points, np.arange(4.0), still, [0, 9], 0), "whole nanoseconds"),
        ((points, np.arange(4), still, [0, 9], 0.5), "target must be"),
        ((points, np.arange(4), still, [0, 2], 0), "instants of row 0 run from 0 to 3 ns"),
        ((points, np.arange(4), still, [0, 9], 10), "targets of row 0 run from 10 to 10 ns"),
    ):
        with pytest.raises(ValueError, match=match):
            deskew_points(*arguments)
    with pytest.raises(ValueError, match="range must have shape"):
        points_from_ranges(np.ones(4), np.ones((4, 3)))
    with pytest.raises(ValueError, match="directions and origin"):
        points_from_ranges(np.ones((1, 4)), np.ones((3, 3)))


def test_points_lie_along_their_rays():
    """Origin plus range times direction, one set of rays for all rows or one for each, with echoes and without."""
    import torch

    generator = np.random.default_rng(2)
    ranges, directions, origin = (generator.normal(size=s) for s in ((2, 6, 3), (2, 6, 3), (2, 6, 3)))
    ranges = np.abs(ranges)
    ranges[0, 2] = 0.0
    found = points_from_ranges(ranges, directions, origin, threads=1)
    expected = origin[:, :, None] + ranges[..., None] * directions[:, :, None]
    expected[0, 2] = 0.0
    assert np.abs(found - expected).max() < 1e-14
    alone = points_from_ranges(ranges[..., 0].astype(np.float32), directions[0], threads=1)
    assert alone.dtype == np.float32
    assert np.abs(alone - ranges[..., :1] * directions[0]).max() < 1e-6
    tensor = points_from_ranges(torch.from_numpy(ranges), torch.from_numpy(directions), torch.from_numpy(origin))
    assert tensor.numpy().tobytes() == found.tobytes()


TWIN = """
from simloom.kernels.deskew import deskew_points
from simloom.kernels.points import points_from_ranges

out = {
    "points": deskew_points(local, time, pose, pose_time, target, device=str(device), threads=1),
    "placed": points_from_ranges(local[..., 0], local, device=str(device), threads=1),
}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path):
    """The same kernels in Numba's CUDA simulator, to rounding."""
    local, time, pose, pose_time, target, _ = measure(np.random.default_rng(10), firings=20)
    values = {"local": local, "time": time, "pose": pose, "pose_time": pose_time, "target": target}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"device": "cpu", **values}
    exec(compile(TWIN, "twin", "exec"), found)
    for name, expected in found["out"].items():
        assert np.abs(simulated[name] - expected).max() < 1e-11, name


def test_composed_frames_agree():
    """De-skewing to one instant and moving on to another is de-skewing to the other."""
    local, time, pose, pose_time, target, expected = measure(np.random.default_rng(12), rows=1)
    middle = int(pose_time[0, 2])
    found = deskew_points(local, time, pose, pose_time, middle, threads=1)
    frames = interpolate_trajectory(pose, pose_time, np.array([[target[0], middle]]), threads=1)[0]
    moved = transform_points(compose_pose(invert_pose(frames[0]), frames[1]), found[0])
    assert np.abs(moved - expected[0]).max() < 1e-11
