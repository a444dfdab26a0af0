"""Poses: against matrix algebra and SciPy, and independent of the batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from simloom.kernels.philox import philox_uniforms
from simloom.kernels.transforms import (
    compose_pose,
    invert_pose,
    look_at,
    pose_from_position_quaternion,
    quaternion_from_pose,
    transform_points,
)


def _numbers(*shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    u = philox_uniforms(1, f"test{shape}", np.stack([np.arange(count)] * 3, axis=1))
    return (2 * u - 1).reshape(shape)


def _poses(*leading: int) -> np.ndarray:
    return pose_from_position_quaternion(_numbers(*leading, 3), _numbers(*leading, 4))


def test_composition_and_inverse_follow_matrix_algebra() -> None:
    """Composed, inverted and applied poses agree with `@` and `inv`."""
    a, b, p = _poses(5, 7), _poses(7), _numbers(5, 7, 11, 3)

    assert np.allclose(compose_pose(a, b), a @ b, atol=1e-14)
    assert np.allclose(invert_pose(a), np.linalg.inv(a), atol=1e-13)
    expected = p @ np.swapaxes(a[..., :3, :3], -1, -2) + a[..., None, :3, 3]
    assert np.allclose(transform_points(a, p), expected, atol=1e-14)
    assert np.allclose(transform_points(a, p[:, :, 0]), expected[:, :, 0], atol=1e-14)
    assert np.allclose(transform_points(a[0, 0], p), p @ a[0, 0, :3, :3].T + a[0, 0, :3, 3], atol=1e-14)


def test_quaternions_follow_scipy() -> None:
    """Rotations agree with SciPy's, and come back with w ≥ 0, half turns included."""
    q = np.concatenate([_numbers(500, 4), np.eye(4), [[0.0, 0.6, 0.8, 0.0], [1.0, 1.0, 1.0, -1e-9]]])
    pose = pose_from_position_quaternion(np.zeros(3), q)
    back = quaternion_from_pose(pose)

    assert np.allclose(pose[:, :3, :3], Rotation.from_quat(q).as_matrix(), atol=1e-14)
    assert np.allclose(pose_from_position_quaternion(np.zeros(3), back), pose, atol=1e-14)
    assert (back[:, 3] >= 0).all()


def test_a_pose_does_not_depend_on_its_batch() -> None:
    """One at a time or all at once, the bytes are the same."""
    a, b = _poses(33), _poses(33)[::-1]
    p = _numbers(33, 9, 3)
    together = compose_pose(a, b), invert_pose(a), transform_points(a, p), quaternion_from_pose(a)

    for k in range(33):
        alone = compose_pose(a[k], b[k]), invert_pose(a[k]), transform_points(a[k], p[k]), quaternion_from_pose(a[k])
        assert all(np.array_equal(one[k], other) for one, other in zip(together, alone, strict=True))


def test_look_at_uses_opencv_axes() -> None:
    """The target lies on +z, the world's up appears as -y, and a roll turns the image."""
    eye, target = np.array([1.0, 2.0, 3.0]), np.array([-2.0, 0.5, 1.0])
    pose = look_at(eye, target)
    seen = transform_points(invert_pose(pose), np.stack([target, target + np.array([0, 0, 0.1])]))

    assert np.allclose(seen[0], [0, 0, np.linalg.norm(target - eye)], atol=1e-14)
    assert abs(seen[1, 0]) < 1e-14
    assert seen[1, 1] < 0
    assert np.allclose(np.linalg.det(pose[:3, :3]), 1)
    turned = transform_points(invert_pose(look_at(eye, target, roll=np.pi / 2)), target + np.array([0, 0, 0.1]))
    assert turned[0] < 0
    assert abs(turned[1]) < 1e-14


def test_looking_along_up_is_defined() -> None:
    """Straight down, the pose is still rigid."""
    pose = look_at((0, 0, 2), (0, 0, 0))

    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3))
    assert np.allclose(pose[:3, 2], [0, 0, -1])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: look_at((0, 0, 0), (0, 0, 0)), "apart"),
        (lambda: look_at((0, 0, np.nan), (0, 0, 0)), "finite"),
        (lambda: compose_pose(np.eye(3), np.eye(4)), "shape"),
        (lambda: transform_points(np.eye(4), np.zeros(2)), "shape"),
        (lambda: pose_from_position_quaternion(np.zeros(3), np.zeros(4)), "positive length"),
        (lambda: pose_from_position_quaternion(np.zeros(2), np.ones(4)), "must end in"),
    ],
)
def test_bad_input_is_refused(call, message) -> None:
    """Wrong shapes and degenerate input get an error that says so."""
    with pytest.raises(ValueError, match=message):
        call()
