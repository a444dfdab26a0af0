"""What hangs on a force/torque sensor: weight, inertia, compensation, identification."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.force_torque import apply_force_torque
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.tool_load import (
    GRAVITY,
    RigidTool,
    compensate_wrench,
    identify_tool,
    move_tool,
    tool_wrench,
)

TOOL = RigidTool(
    mass=1.3,
    center=(0.02, -0.03, 0.11),
    inertia=((4e-3, 3e-4, -2e-4), (3e-4, 5e-3, 1e-4), (-2e-4, 1e-4, 2e-3)),
)


def _uniform(*shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(8, "tool", np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _rotations(*shape: int) -> np.ndarray:
    """Rotations from random quaternions."""
    q = _uniform(*shape, 4) - 0.5
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _poses(*shape: int) -> np.ndarray:
    poses = np.tile(np.eye(4), (*shape, 1, 1))
    poses[..., :3, :3] = _rotations(*shape)
    poses[..., :3, 3] = _uniform(*shape, 3)
    return poses


def _swing(time: np.ndarray):
    """A sensor on a pendulum about world y through the origin, at radius 0.7 m, with closed-form derivatives."""
    angle, rate, change = 0.8 * np.sin(3 * time), 2.4 * np.cos(3 * time), -7.2 * np.sin(3 * time)
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(time), np.ones_like(time)
    pose = np.tile(np.eye(4), (len(time), 1, 1))
    pose[:, :3, :3] = np.moveaxis(np.array([[c, zero, s], [zero, one, zero], [-s, zero, c]]), (0, 1), (1, 2))
    pose[:, :3, 3] = 0.7 * np.stack([s, zero, c], axis=1)
    acceleration = 0.7 * np.stack([c * change - s * rate**2, zero, -s * change - c * rate**2], axis=1)
    return {
        "pose": pose,
        "linear_acceleration": acceleration,
        "angular_velocity": np.stack([zero, rate, zero], axis=1),
        "angular_acceleration": np.stack([zero, change, zero], axis=1),
    }


def test_weight_pulls_along_gravity() -> None:
    """At rest the force is m g down in any pose, and the torque about the centre of mass is nothing."""
    poses = _poses(4, 5)
    wrench = tool_wrench(poses, TOOL.mass, TOOL.center)
    world = np.einsum("...ij,...j->...i", poses[..., :3, :3], wrench[..., :3])

    assert np.allclose(world, [0, 0, -TOOL.mass * GRAVITY], rtol=0, atol=1e-12)
    assert np.allclose(wrench[..., 3:], np.cross(TOOL.center, wrench[..., :3]), rtol=0, atol=1e-12)


def test_what_falls_freely_weighs_nothing() -> None:
    """An acceleration of g downwards cancels gravity."""
    wrench = tool_wrench(_poses(3), TOOL.mass, TOOL.center, center_acceleration=(0.0, 0.0, -GRAVITY))

    assert np.abs(wrench).max() < 1e-14


def test_a_dumbbell_follows_its_point_masses() -> None:
    """A rigid tool made of point masses exerts the sum of what its points do."""
    points, masses = _uniform(5, 3) * 0.2, 0.1 + _uniform(5)
    center = (masses[:, None] * points).sum(axis=0) / masses.sum()
    arms = points - center
    inertia = sum(m * ((r @ r) * np.eye(3) - np.outer(r, r)) for m, r in zip(masses, arms, strict=True))
    tool = RigidTool(mass=masses.sum(), center=tuple(center), inertia=tuple(map(tuple, inertia)))
    motion = _swing(np.linspace(0.0, 2.0, 20))
    pose = motion.pop("pose")
    moved = move_tool(tool, pose, **motion)
    whole = tool_wrench(
        pose, tool.mass, tool.center, center_acceleration=moved.center_acceleration,
        angular_momentum_rate=moved.angular_momentum_rate,
    )  # fmt: skip

    total = np.zeros_like(whole)
    for mass, point in zip(masses, points, strict=True):
        alone = RigidTool(mass=mass, center=tuple(point))
        total += tool_wrench(
            pose, mass, point, center_acceleration=move_tool(alone, pose, **motion).center_acceleration
        )
    assert np.allclose(whole, total, rtol=0, atol=1e-12)


def test_the_swing_is_that_of_a_pendulum() -> None:
    """About the pivot, the torque that turns the tool is what a physical pendulum's equation says."""
    motion = _swing(np.linspace(0.0, 2.0, 50))
    pose = motion["pose"]
    tool = RigidTool(mass=2.0, center=(0.0, 0.0, 0.1), inertia=((0.0,) * 3, (0.0, 6e-3, 0.0), (0.0,) * 3))
    moved = move_tool(tool, **motion)
    wrench = tool_wrench(
        pose, tool.mass, tool.center, center_acceleration=moved.center_acceleration,
        angular_momentum_rate=moved.angular_momentum_rate,
    )  # fmt: skip
    about_pivot = wrench[:, 4] + 0.7 * wrench[:, 0]  # the pivot is 0.7 m below the sensor along its z

    inertia = 6e-3 + 2.0 * 0.8**2
    height = np.arctan2(pose[:, 0, 2], pose[:, 2, 2])
    expected = 2.0 * GRAVITY * 0.8 * np.sin(height) - inertia * motion["angular_acceleration"][:, 1]
    assert np.allclose(about_pivot, expected, rtol=0, atol=1e-12)


def test_compensation_leaves_the_contact() -> None:
    """Weight and inertia of a moving tool are taken out to the last digits; what touches it stays."""
    motion = _swing(np.linspace(0.0, 2.0, 200))
    moved = move_tool(TOOL, **motion)
    touch = _uniform(200, 6) * 10.0
    bias = np.array([1.0, -2.0, 3.0, 0.1, 0.2, -0.3])
    load = tool_wrench(
        motion["pose"], TOOL.mass, TOOL.center, center_acceleration=moved.center_acceleration,
        angular_momentum_rate=moved.angular_momentum_rate,
    )  # fmt: skip

    found = compensate_wrench(load + touch + bias, TOOL, bias=bias, **motion)
    assert np.abs(found - touch).max() < 1e-9
    assert np.abs(load[:, 0] - load[0, 0]).max() > 1.0


def test_a_tool_is_identified_from_poses_at_rest() -> None:
    """Without noise, mass, centre and offset come out to the last digits."""
    poses = _poses(12)
    bias = np.array([1.0, -2.0, 3.0, 0.1, 0.2, -0.3])
    wrench = tool_wrench(poses, TOOL.mass, TOOL.center) + bias
    found = identify_tool(wrench, -poses[:, 2, :3])

    assert found.tool.mass == pytest.approx(TOOL.mass, abs=1e-9)
    assert found.tool.center == pytest.approx(TOOL.center, abs=1e-9)
    assert np.abs(found.bias - bias).max() < 1e-9
    assert np.abs(found.residual).max() < 1e-9


def test_a_tool_is_identified_through_the_sensor() -> None:
    """With the built-in sensor's errors, mass and centre come out within what its crosstalk and hysteresis allow."""
    poses = _poses(24)
    loads = tool_wrench(poses, TOOL.mass, TOOL.center).repeat(100, axis=0)
    reading = apply_force_torque(loads[None], "robotiq_ft300s", seed=6)
    means = reading.wrench[0].reshape(24, 100, 6).mean(axis=1)
    found = identify_tool(means, -poses[:, 2, :3])

    assert found.tool.mass == pytest.approx(TOOL.mass, rel=0.05)
    assert np.abs(np.subtract(found.tool.center, TOOL.center)).max() < 0.01


def test_poses_that_cannot_tell_are_refused() -> None:
    """Poses about one axis leave mass or centre open, and so does a wrong sign."""
    down = np.tile([0.0, 0.0, -1.0], (5, 1))
    wrench = np.zeros((5, 6))
    with pytest.raises(ValueError, match="the poses must turn gravity"):
        identify_tool(wrench, down)
    with pytest.raises(ValueError, match="unit vectors"):
        identify_tool(wrench, 2 * down)
    poses = _poses(6)
    with pytest.raises(ValueError, match="check the sign"):
        identify_tool(-tool_wrench(poses, 1.0, (0.0, 0.0, 0.1)), -poses[:, 2, :3])
    with pytest.raises(ValueError, match=r"shapes \(P, 6\), \(P, 3\)"):
        identify_tool(wrench[:3], down)


def test_impossible_tools_are_refused() -> None:
    """Errors name the field to mend."""
    with pytest.raises(ValueError, match=r"mass must be .*; set RigidTool\.mass"):
        RigidTool(mass=-1.0, center=(0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"center must be .*; set RigidTool\.center"):
        RigidTool(mass=1.0, center=(0.0, 0.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"inertia must be .*; set RigidTool\.inertia"):
        RigidTool(mass=1.0, center=(0.0, 0.0, 0.0), inertia=((0.0, 1.0, 0.0), (0.0,) * 3, (0.0,) * 3))
    with pytest.raises(ValueError, match=r"pose must have shape \(\.\.\., 4, 4\)"):
        tool_wrench(np.eye(3), 1.0, (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"wrench must have shape \(\.\.\., 6\)"):
        compensate_wrench(np.zeros(3), TOOL, np.eye(4))
