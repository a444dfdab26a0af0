"""Keypoints: where they are seen, and what hides them."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import BOX, PLANE, Thing, camera, look, pose, primitive_library, random_things, still_life, turn
from simloom.renderers import Raster

OUTPUTS = ("keypoints", "depth", "instance")


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def test_keypoints_are_projected_by_pose_and_camera(library):
    """x, y and depth are K [R t] of the point, in float64; snapshots with fewer points are padded with 0."""
    generator = np.random.default_rng(2)
    scene = still_life(*random_things(generator, 6, away=0.0))
    rows = generator.integers(0, 6, 40).astype(np.int32)
    local = generator.uniform(-0.4, 0.4, (40, 3))
    few = replace(scene, keypoint_row=rows[:7], keypoint_position=local[:7])
    many = replace(scene, keypoint_row=rows, keypoint_position=local)
    views = [camera(60, 45, 40.0, at=look(eye, (0, 0, 0))) for eye in ((2.1, 0.3, 0.8), (-0.4, 1.2, 1.9))]
    frames = Raster(library).render([few, many], views, outputs=OUTPUTS)
    assert frames.keypoints.shape == (2, 40, 3)
    assert frames.keypoint_state.shape == (2, 40)
    assert not frames.keypoints[0, 7:].any()
    assert not frames.keypoint_state[0, 7:].any()
    for k, (view, count) in enumerate(zip(views, (7, 40), strict=True)):
        pose_camera_part = np.linalg.inv(view.pose_world_camera) @ scene.pose_world_instance[rows[:count]]
        point = (pose_camera_part[:, :3, :3] * local[:count, None, :]).sum(-1) + pose_camera_part[:, :3, 3]
        u, v = view.fx * point[:, 0] / point[:, 2] + view.cx, view.fy * point[:, 1] / point[:, 2] + view.cy
        assert frames.keypoints[k, :count] == pytest.approx(np.stack([u, v, point[:, 2]], -1), rel=1e-6, abs=1e-5)
        inside = (u >= -0.5) & (u < view.width - 0.5) & (v >= -0.5) & (v < view.height - 0.5)
        assert np.array_equal(frames.keypoint_state[k, :count] > 0, inside)


def test_states_tell_what_hides_a_point(library):
    """Front face seen; back face and inside hidden by its own; behind a wall by another; beside the frame."""
    box = Thing(mesh=BOX, at=pose(0, 0, 3, turn((0, 1, 0), 0.3)), scale=(1.0, 1.0, 1.0), instance=1)
    lid = Thing(mesh=BOX, at=pose(0, -0.55, 3), scale=(0.2, 0.1, 0.2), instance=1)
    wall = Thing(mesh=PLANE, at=pose(1.2, 0, 2), scale=(1.0, 4.0, 1.0), instance=2)
    behind = Thing(mesh=BOX, at=pose(2.0, 0, 4), scale=(0.5, 0.5, 0.5), instance=3)
    scene = still_life(box, lid, wall, behind)
    points = [
        (0, (0.1, 0.1, -0.5), 3), (0, (0.1, 0.1, 0.5), 2), (0, (0, 0, 0), 2), (1, (0, 0, 0.1), 2),
        (1, (0, -0.05, -0.1), 3),
        (2, (0.1, 0.3, 0), 3), (3, (0, 0, -0.25), 1), (0, (9.0, 0, 0), 0), (0, (0, 0, -9.0), 0),
        (0, (0.1, 0.1, 500), 0),
    ]  # fmt: skip
    # A point in the air before everything is seen, and one a millimetre under the surface still counts as on it.
    points += [(2, (-0.3, 0.3, -0.5), 3), (0, (0.1, 0.1, -0.499), 3)]
    scene = replace(
        scene,
        keypoint_row=np.array([row for row, _, _ in points], np.int32),
        keypoint_position=np.array([at for _, at, _ in points], float),
    )
    frames = Raster(library).render([scene], [camera(200, 150, 150.0)], outputs=OUTPUTS)
    assert frames.keypoint_state[0].tolist() == [state for _, _, state in points]
    assert not frames.keypoints[0, 8, :2].any()
    assert frames.keypoints[0, 8, 2] < 0


def test_no_keypoints_are_an_empty_array(library):
    """A call whose snapshots have no keypoints answers with none."""
    frames = Raster(library).render([still_life(Thing(mesh=BOX, at=pose(0, 0, 3)))], [camera()], outputs=OUTPUTS)
    assert frames.keypoints.shape == (1, 0, 3)
    assert frames.keypoint_state.shape == (1, 0)
