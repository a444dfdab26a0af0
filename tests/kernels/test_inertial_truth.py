"""What an ideal unit feels on analytic motions, and that strapdown integration leads back to them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from naive.twin import run_simulated
from simloom.kernels.inertial_truth import inertial_motion
from simloom.kernels.strapdown import integrate_inertial
from simloom.kernels.transforms import compose_pose

MOUNT = np.eye(4)
MOUNT[:3, :3] = Rotation.from_rotvec([0.4, -0.7, 0.2]).as_matrix()
MOUNT[:3, 3] = (0.5, -0.1, 0.2)


def _circle(rate: float, seconds: float, turn: float = 1.7, radius: float = 2.0) -> tuple[np.ndarray, ...]:
    """A body that drives round a circle, its nose along the path's radius."""
    t = np.arange(round(seconds * rate) + 1) / rate
    pose = np.tile(np.eye(4), (1, len(t), 1, 1))
    pose[0, :, :3, :3] = Rotation.from_rotvec(np.outer(turn * t, [0, 0, 1])).as_matrix()
    pose[0, :, :2, 3] = radius * np.stack([np.cos(turn * t), np.sin(turn * t)], axis=1)
    linear = np.zeros((1, len(t), 3))
    linear[0, :, :2] = radius * turn * np.stack([-np.sin(turn * t), np.cos(turn * t)], axis=1)
    return pose, linear, np.tile([0.0, 0.0, turn], (1, len(t), 1))


def _tumble(rate: float, seconds: float) -> tuple[np.ndarray, ...]:
    """A body that nods and rolls at changing rates on a path of sines: R = Rz(a) Rx(b), w = a' z + b' Rz x."""
    t = np.arange(round(seconds * rate) + 1) / rate
    a, da = 1.3 * np.sin(1.1 * t), 1.43 * np.cos(1.1 * t)
    b, db = 0.9 * np.sin(1.7 * t + 0.4), 1.53 * np.cos(1.7 * t + 0.4)
    turned = Rotation.from_rotvec(np.outer(a, [0, 0, 1]))
    pose = np.tile(np.eye(4), (1, len(t), 1, 1))
    pose[0, :, :3, :3] = (turned * Rotation.from_rotvec(np.outer(b, [1, 0, 0]))).as_matrix()
    pose[0, :, :3, 3] = np.stack([np.sin(t), 0.5 * np.cos(2 * t), 0.3 * np.sin(3 * t)], axis=1)
    linear = np.stack([np.cos(t), -np.sin(2 * t), 0.9 * np.cos(3 * t)], axis=1)
    angular = np.outer(da, [0, 0, 1]) + db[:, None] * turned.apply([1, 0, 0])
    return pose, linear[None], angular[None]


def test_circle_is_centripetal() -> None:
    """On a circle a unit ahead of the body feels w^2 (radius + arm) inwards, the mean over the step less by sinc."""
    turn, rate = 1.7, 50.0
    mount = np.eye(4)
    mount[:3, 3] = (0.5, 0.0, 0.1)

    force, felt = inertial_motion(*_circle(rate, 2.0), rate=rate, pose_body_sensor=mount)

    half = 0.5 * turn / rate
    inwards = turn**2 * 2.5 * math.sin(half) / half
    assert np.allclose(force, [-inwards, 0.0, 9.81], rtol=0, atol=1e-11)
    assert np.allclose(felt, [0.0, 0.0, turn], rtol=0, atol=1e-14)


def test_lever_arm_adds_its_three_terms() -> None:
    """The difference to a unit at the origin is alpha x r + w x (w x r), in the unit's axes."""
    rate = 2000.0
    pose, linear, angular = _tumble(rate, 1.0)
    arm = np.eye(4)
    arm[:3, 3] = MOUNT[:3, 3]
    at_arm, _ = inertial_motion(pose, linear, angular, rate=rate, pose_body_sensor=arm)
    at_origin, _ = inertial_motion(pose, linear, angular, rate=rate)

    w = 0.5 * (angular[0, 1:] + angular[0, :-1])
    alpha = np.diff(angular[0], axis=0) * rate
    middle = Rotation.from_matrix(pose[0, :-1, :3, :3]) * Rotation.from_rotvec(
        0.5 * (Rotation.from_matrix(pose[0, :-1, :3, :3]).inv() * Rotation.from_matrix(pose[0, 1:, :3, :3])).as_rotvec()
    )
    r = middle.apply(MOUNT[:3, 3])
    wanted = middle.inv().apply(np.cross(alpha, r) + np.cross(w, np.cross(w, r)))
    assert np.allclose((at_arm - at_origin)[0], wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("motion, bound", [(_circle, 20.0), (_tumble, 40.0)])
@pytest.mark.parametrize("rate", [100.0, 400.0])
def test_strapdown_leads_back(motion, bound: float, rate: float) -> None:
    """Integrating what an ideal unit feels gives the unit's path back, within bound / rate^2 after five seconds."""
    pose, linear, angular = motion(rate, 5.0)
    force, turn = inertial_motion(pose, linear, angular, rate=rate, pose_body_sensor=MOUNT)
    truth = compose_pose(pose, MOUNT)
    velocity = linear + np.cross(angular, np.einsum("rtij,j->rti", pose[..., :3, :3], MOUNT[:3, 3]))

    path = integrate_inertial(force, turn, rate=rate, pose=truth[:, 0], linear_velocity=velocity[:, 0])

    assert np.abs(path.pose - truth[:, 1:]).max() < bound / rate**2
    assert np.abs(path.linear_velocity - velocity[:, 1:]).max() < bound / rate**2


def test_an_impact_keeps_its_impulse() -> None:
    """A velocity that jumps within a step is felt as jump over step, whatever the poses say."""
    rate, instants = 240.0, 6
    pose = np.tile(np.eye(4), (1, instants, 1, 1))
    linear, still = np.zeros((1, instants, 3)), np.zeros((1, instants, 3))
    linear[0, :3, 2], linear[0, 3:, 2] = -3.0, 1.5

    force, _ = inertial_motion(pose, linear, still, rate=rate, gravity=0.0)

    assert force[0, :, 2].tolist() == [0.0, 0.0, 4.5 * rate, 0.0, 0.0]


def test_free_fall_feels_nothing() -> None:
    """A body that falls feels no specific force, however it hangs."""
    rate = 100.0
    t = np.arange(11) / rate
    pose = np.tile(MOUNT, (1, 11, 1, 1))
    linear = np.zeros((1, 11, 3))
    linear[0, :, 2] = -9.81 * t

    force, turn = inertial_motion(pose, linear, np.zeros((1, 11, 3)), rate=rate)

    assert np.abs(force).max() < 1e-12
    assert not turn.any()


def test_twists_of_a_step_turn_the_whole_step() -> None:
    """With twists that led to their poses the turn rate is that of the step's end, and attitude is kept to rounding."""
    rate = 50.0
    rates = np.array([[0, 0, 0], [1, 2, 3], [-2, 0.5, 1], [4, 4, -4]], float)
    attitude, pose = Rotation.identity(), np.tile(np.eye(4), (1, 4, 1, 1))
    for k in range(1, 4):
        attitude = Rotation.from_rotvec(rates[k] / rate) * attitude
        pose[0, k, :3, :3] = attitude.as_matrix()

    force, turn = inertial_motion(pose, np.zeros((1, 4, 3)), rates[None], rate=rate, twists="step")
    path = integrate_inertial(force, turn, rate=rate, pose=np.eye(4))

    assert np.abs(path.pose[..., :3, :3] - pose[:, 1:, :3, :3]).max() < 1e-14
    assert np.abs(path.linear_velocity).max() < 1e-14


def test_rows_are_their_own(tmp_path: Path) -> None:
    """Rows do not depend on the batch, tensors come back as tensors, and the CUDA twin agrees."""
    torch = pytest.importorskip("torch")
    motions = [np.concatenate(parts) for parts in zip(_tumble(30.0, 0.3), _circle(30.0, 0.3), strict=True)]
    force, turn = inertial_motion(*motions, rate=30.0, pose_body_sensor=MOUNT)
    alone, _ = inertial_motion(*_circle(30.0, 0.3), rate=30.0, pose_body_sensor=MOUNT)
    tensors = inertial_motion(*(torch.from_numpy(m) for m in motions), rate=30.0, pose_body_sensor=MOUNT)
    path = integrate_inertial(force, turn, rate=30.0, pose=np.eye(4))
    code = """
from simloom.kernels.inertial_truth import inertial_motion
from simloom.kernels.strapdown import integrate_inertial
force, turn = inertial_motion(pose, linear, angular, rate=30.0, pose_body_sensor=mount, device="cuda")
path = integrate_inertial(force, turn, rate=30.0, pose=np.eye(4), device="cuda")
out = {"force": force, "turn": turn, "pose": path.pose, "velocity": path.linear_velocity}
"""
    twin = run_simulated(code, tmp_path, mount=MOUNT, **dict(zip(("pose", "linear", "angular"), motions, strict=True)))

    assert force[1:].tobytes() == alone.tobytes()
    assert np.array_equal(tensors[0].numpy(), force)
    for name, value in (("force", force), ("turn", turn), ("pose", path.pose), ("velocity", path.linear_velocity)):
        assert np.allclose(twin[name], value, rtol=0, atol=1e-12), name


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"rate": 0.0}, "rate must be"),
        ({"twists": "mean"}, "twists must be"),
        ({"gravity": float("nan")}, "gravity must be"),
        ({"pose_body_sensor": np.eye(3)}, "pose_body_sensor must have shape"),
        ({"linear_velocity": np.zeros((1, 2, 3))}, "linear_velocity must have shape"),
        ({"pose_world_body": np.zeros((1, 1, 4, 4))}, "at least 2 instants"),
    ],
)
def test_wrong_motions_are_answered(changes: dict[str, object], message: str) -> None:
    """What cannot be is told with what is allowed."""
    still = np.zeros((1, 3, 3))
    arguments: dict[str, object] = {
        "pose_world_body": np.tile(np.eye(4), (1, 3, 1, 1)), "linear_velocity": still, "angular_velocity": still,
        "rate": 10.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        inertial_motion(**{**arguments, **changes})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"pose": np.eye(3)}, "pose must have shape"),
        ({"linear_velocity": (0.0, 1.0)}, "linear_velocity must have shape"),
        ({"gravity": float("inf")}, "gravity must be"),
        ({"rate": float("nan")}, "rate must be"),
    ],
)
def test_wrong_readings_are_answered(changes: dict[str, object], message: str) -> None:
    """So are wrong arguments of the integration."""
    still = np.zeros((1, 3, 3))
    with pytest.raises(ValueError, match=message):
        integrate_inertial(still, still, **{"rate": 10.0, "pose": np.eye(4), **changes})
