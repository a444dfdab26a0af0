"""Calibration errors: none while neutral, exact otherwise, independent for each camera."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.transforms import invert_pose
from simloom.renderers.view import Camera
from simloom.scenes import ParameterSpace, draw_scenario, make_scene
from simloom.scenes.calibration import camera_parameters, has_errors, miscalibrate, quaternion_of
from simloom.scenes.capture import Capturer

CAMERA = Camera.from_field_of_view(width=320, height=240, field_of_view=1.0, pose_world_camera=np.eye(4))


@pytest.fixture(scope="module")
def offset_scene():
    """An empty table whose arm's joints are off, and cameras near it: one that stands, one on the hand."""
    rig = {
        name: {"camera": "generic_rgb", "width": 64, "height": 48, "mount": mount}
        for name, mount in (("head", "world"), ("wrist", "panda/hand"))
    }
    near = {"object_count": 0, "camera.distance": {"uniform": [0.6, 0.8]}}
    scene = make_scene("tabletop", {"randomize": ["camera", "robot"], "rig": rig, "overrides": near})
    yield scene
    scene.close()


def _param(**given):
    sizes = {"focal": 1, "aspect": 1, "center": 2, "position": 3, "rotation": 3}
    return {
        f"calibration.{n}": np.array(given.get(n, [0.0] * 2 * k), float).reshape(1, 1, -1) for n, k in sizes.items()
    }


def test_no_error_is_the_same_camera():
    """Neutral values, or a scene without calibration, return the very camera."""
    assert miscalibrate(CAMERA, _param(), 0, 1) is CAMERA
    assert miscalibrate(CAMERA, {}, 0, 0) is CAMERA


def test_errors_go_where_they_belong():
    """Each number changes its own part of the camera that it is for, and nothing else."""
    param = _param(focal=[0.0, 0.01], center=[0, 0, 0.1, -0.05], position=[0, 0, 0, 0.1, 0.2, 0.3])
    first, second = (miscalibrate(CAMERA, param, 0, number) for number in (0, 1))

    assert first is CAMERA
    assert second.fx == CAMERA.fx * 1.01
    assert second.fy == CAMERA.fy * 1.01
    assert second.cx == CAMERA.cx + 32.0
    assert second.cy == CAMERA.cy - 16.0
    np.testing.assert_allclose(second.pose_world_camera[:3, 3], (0.1, 0.2, 0.3))
    np.testing.assert_array_equal(second.pose_world_camera[:3, :3], np.eye(3))


def test_a_rotation_vector_turns_by_its_length():
    """The turn between nominal and true camera is the length of the error, about its direction."""
    turned = miscalibrate(CAMERA, _param(rotation=[0.0, 0.02, 0.0, 0, 0, 0]), 0, 0).pose_world_camera

    assert np.arccos((np.trace(turned[:3, :3]) - 1) / 2) == pytest.approx(0.02, abs=1e-9)
    assert turned[0, 2] == pytest.approx(np.sin(0.02))
    assert quaternion_of((0.0, 0.0, 0.0)) == (0.0, 0.0, 0.0, 1.0)


def test_errors_are_known_to_the_space():
    """A still space has none; a drawn one, or one fixed off zero, has."""
    space = ParameterSpace(parameters=tuple(camera_parameters(2)))

    assert has_errors(space)
    assert not has_errors(space.randomize([]))
    assert not has_errors(space, "joint_offset")
    assert has_errors(space.override({"calibration.focal": 0.01}).randomize([], keep=["calibration.focal"]))
    assert camera_parameters(0) == []


def test_a_stage_holds_true_and_nominal_cameras(scene):
    """With errors, the true camera differs from the nominal one as drawn; the rest stays."""
    space = ParameterSpace(
        parameters=tuple({p.name: p for p in camera_parameters(1)}.get(p.name, p) for p in scene.space.parameters)
    )
    still = scene.stage(draw_scenario(scene.space, seed=5, index=1))
    wrong = scene.stage(draw_scenario(space, seed=5, index=1), space)
    true, nominal = wrong.cameras["head"][0], wrong.nominal_cameras["head"][0]
    error = invert_pose(nominal.pose_world_camera) @ true.pose_world_camera

    assert scene.space.sizes["scenario"] < space.sizes["scenario"]
    np.testing.assert_array_equal(nominal.pose_world_camera, still.cameras["head"][0].pose_world_camera)
    np.testing.assert_array_equal(nominal.intrinsics, still.cameras["head"][0].intrinsics)
    np.testing.assert_allclose(error[:3, 3], wrong.param["calibration.position"][0, 0], atol=1e-12)
    assert true.fx == nominal.fx * (1 + wrong.param["calibration.focal"][0, 0])
    np.testing.assert_array_equal(still.object["pose_world_object"], wrong.object["pose_world_object"])
    np.testing.assert_array_equal(still.snapshots[0].lighting.sun_direction, wrong.snapshots[0].lighting.sun_direction)


def test_labels_belong_to_the_true_camera():
    """Points of objects, projected with the true K and pose, hit the pixels that show them."""
    rig = {"head": {"camera": "generic_rgb", "width": 64, "height": 48, "mount": "world"}}
    options = {"rig": rig, "randomize": ["calibration", "camera"], "overrides": {"calibration.focal": 0.05}}
    scene = make_scene("tabletop", options)
    capturer = Capturer(
        scene=scene, outputs=("instance", "object_coordinates", "poses"), seed=0, views=1, looks=1, threads=1
    )
    rows = {name: np.full_like(array, 77) for name, array in capturer.allocate(1).items()}
    stages = (scene.stage(draw_scenario(scene.space, seed=5, index=index)) for index in range(9))
    capturer.fill([next(stage for stage in stages if stage.valid)], rows, start=0)
    scene.close()
    seen = rows["label/head/instance"][0]
    v, u = np.nonzero(seen > 1)
    slots = seen[v, u].astype(int) - 1
    poses = rows["object/pose_world_object"][0][slots]
    local = rows["label/head/object_coordinates"][0][v, u].astype(float)
    world = np.einsum("nij,nj->ni", poses[:, :3, :3], local) + poses[:, :3, 3]

    def project(prefix):
        pose = invert_pose(rows[f"camera/head/{prefix}pose_world_camera"][0])
        pixel = (world @ pose[:3, :3].T + pose[:3, 3]) @ rows[f"camera/head/{prefix}intrinsics"][0].T
        return np.hypot(pixel[:, 0] / pixel[:, 2] - u, pixel[:, 1] / pixel[:, 2] - v)

    assert len(u) > 20
    assert np.median(project("")) < 0.02
    assert project("").max() < 0.2
    assert np.median(project("nominal_")) > 0.1


def test_a_still_rig_has_no_nominal_arrays(scene):
    """Without errors nothing is said of them."""
    capturer = Capturer(scene=scene, outputs=("instance",), seed=0, views=1, looks=1)

    assert not [name for name in capturer.shapes if "nominal" in name or "reported" in name]


@pytest.mark.parametrize("index", [44, 144, 202, 228, 291])
def test_joint_offsets_leave_the_belief_in_a_standing_camera(offset_scene, index):
    """A camera of the world is believed to be where it is, though it steps back from the arm; the arm's is not."""
    stage = offset_scene.stage(draw_scenario(offset_scene.space, seed=3, index=index, views=4))
    for view in range(4):
        true, nominal = (
            {name: cameras[view].pose_world_camera for name, cameras in found.items()}
            for found in (stage.cameras, stage.nominal_cameras)
        )

        assert stage.valid
        np.testing.assert_array_equal(true["head"], nominal["head"])
        assert np.abs(true["wrist"] - nominal["wrist"]).max() > 1e-4
