"""The tabletop's recorded window: nothing changes without one, and with one all readings are of its last instant."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.transforms import compose_pose
from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.motion_recorder import window_steps

RIG = {
    name: {"depth": "realsense_d435", "width": 32, "height": 24, "mount": f"panda/{link}"}
    for name, link in (("wrist", "hand"), ("left", "leftfinger"), ("right", "rightfinger"), ("arm", "link7"))
}
OPTIONS = {"slots": 6, "rig": RIG, "overrides": {"object_count": 4}}


def make(**more):
    """Make a small tabletop."""
    return make_scene("tabletop", OPTIONS | more)


@pytest.fixture(scope="module")
def scene():
    """A tabletop that records a quarter of a second."""
    made = make(window=0.25)
    yield made
    made.close()


@pytest.fixture(scope="module")
def stages(scene):
    """Eight valid stages."""
    found = [scene.stage(draw_scenario(scene.space, seed=3, index=index)) for index in range(10)]
    return [stage for stage in found if stage.valid]


def test_without_a_window_all_is_as_ever(digest, scene):
    """A window of 0 is the scene without one: the same parameters, the same bytes, nothing recorded."""
    plain, still = make(), make(window=0.0)
    names = [parameter.name for parameter in still.space]
    drawn = draw_scenario(plain.space, seed=3, index=1)
    first, second = plain.stage(drawn), still.stage(drawn)
    plain.close()
    still.close()

    assert plain.space.digest() == still.space.digest()
    assert digest(first) == digest(second)
    assert first.motion is None
    moving = [parameter.name for parameter in scene.space]
    assert set(moving) - set(names) == {
        "motion.speed", "actuator.position_gain", "actuator.velocity_gain", "actuator.delay",
    }  # fmt: skip
    assert set(names) - set(moving) == {"gravity.tilt", "gravity.direction"}


def test_a_window_ends_at_the_rows_instant(scene, stages):
    """Joints, time, poses of instances and mounts of a stage are those of the motion's last instant."""
    assert len(stages) >= 7
    for stage in stages:
        motion, snapshot = stage.motion, stage.snapshots[0]
        assert motion.time.size == 61
        np.testing.assert_array_equal(np.diff(motion.time) // 1_000, 4_166)
        assert stage.state["time"] == motion.time[-1] * 1e-9
        np.testing.assert_array_equal(stage.state["joint_position"], motion.joint_position[-1])
        np.testing.assert_array_equal(stage.state["joint_velocity"], motion.joint_velocity[-1])
        np.testing.assert_array_equal(motion.pose_world_instance[-1], snapshot.pose_world_instance)
        hand = motion.frames["panda/hand"].pose[-1]
        camera = stage.cameras["wrist"][0].pose_world_camera
        np.testing.assert_allclose(camera, compose_pose(hand, scene.rig.mounts[0].pose_mount_camera), atol=1e-12)
        for slot in range(1, 5):
            row = np.flatnonzero(snapshot.instance == slot + 1)[0]
            np.testing.assert_array_equal(motion.pose_world_instance[-1, row], stage.object["pose_world_object"][slot])


def test_the_arm_moves_to_the_drawn_pose_as_fast_as_asked(scene, stages):
    """Joints end at what was drawn, at rest; the fastest one as fast as was drawn."""
    names = [joint.name for joint in scene.joints][:7]
    ready = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
    limits = np.array([joint.max_velocity for joint in scene.joints])[:7]
    fair = 0
    for stage in stages:
        motion = stage.motion
        drawn = np.array([stage.param[f"robot.{name}"][0, 0] for name in names])
        speed = stage.param["motion.speed"][0, 0]
        way = np.abs(drawn - ready)
        reach = min(1.0, *(speed * limits * 0.25 / 1.875 / way), *(10.0 * 0.25**2 * np.sqrt(3.0) / 10.0 / way))
        fastest = np.abs(motion.joint_velocity[:, :7]).max(axis=0)
        assert (fastest < 1.05 * np.maximum(speed, 0.1) * limits).all()
        reached = np.abs(motion.joint_position[-1, :7] - drawn).max() < 0.03
        started = np.abs(motion.joint_position[0, :7] - (drawn + reach * (ready - drawn))).max() < 0.03
        fair += reached and started
    # The others were in the way of something.
    assert fair >= len(stages) // 2


def test_what_the_hand_feels_is_its_weight_and_motion(stages):
    """Over the window, what the hand of 1.01 kg pulls with is its weight and the change of its momentum."""
    for stage in stages:
        motion = stage.motion
        load, pose = motion.load["panda/hand"], motion.frames["panda/hand"].pose
        assert load.mass == pytest.approx(1.01)
        assert np.abs(load.center).max() < 0.1
        if any(np.abs(motion.touch[name]).any() for name in motion.touch):
            continue
        force = -(pose[:, :3, :3] @ motion.wrench["panda/hand"][:, :3, None])[..., 0]
        change = load.mass * (load.center_velocity[-1] - load.center_velocity[0]) / ((motion.time.size - 1) / 240)
        mean = 0.5 * (force[1:] + force[:-1]).mean(axis=0)
        weight = np.array([0.0, 0.0, load.mass * motion.gravity])
        np.testing.assert_allclose(mean, change + weight, atol=0.3)


def test_staged_again_the_motion_has_the_same_bytes(scene, stages, digest):
    """A stage's motion does not depend on what was staged before, nor on the process' scene."""
    other = make(window=0.25)
    for made in (scene, other):
        index = stages[2].scenario.index
        again = made.stage(draw_scenario(made.space, seed=3, index=index))
        assert digest(again) == digest(stages[2])
        for name in ("joint_position", "joint_effort", "pose_world_instance"):
            assert getattr(again.motion, name).tobytes() == getattr(stages[2].motion, name).tobytes()
        assert again.motion.wrench["panda/hand"].tobytes() == stages[2].motion.wrench["panda/hand"].tobytes()
    other.close()


def test_pushed_objects_move():
    """An arm that sweeps through a big ball strikes it: the arm feels it, and the row sees where it is afterwards."""
    angles = (1.5, 0.4, 0.0, -2.4, 0.0, 2.8, 0.8)
    overrides = {f"robot.panda_joint{k + 1}": angle for k, angle in enumerate(angles)} | {
        "object_count": 1,
        "object.kind": {"choice": ["sphere"]},
        "object.size": 0.6,
        "object.x": 0.5,
        "object.y": 0.8,
        "object.mass": 0.05,
        "motion.speed": 1.0,
    }
    scene = make(window=2.0, overrides=overrides)
    stage = scene.stage(draw_scenario(scene.space, seed=3, index=0))
    scene.close()
    path = stage.motion.pose_world_instance[:, -1, :3, 3]
    touched = [name for name, touch in stage.motion.touch.items() if np.abs(touch).any()]

    assert stage.margins["robot_clearance"] > 0
    assert touched
    assert np.linalg.norm(path[-1] - path[0]) > 0.05
    np.testing.assert_array_equal(stage.object["pose_world_object"][1, :3, 3], path[-1])


@pytest.mark.parametrize("window", [-1.0, 0.001, 61.0, float("nan")])
def test_windows_that_cannot_be_are_answered(window):
    """A window is 0 or from two steps to a minute."""
    with pytest.raises(ValueError, match=r"window must be 0 or in \[0.0084, 60\]"):
        window_steps(window)
    assert window_steps(0.5) == 120
    assert window_steps(0.0) == 0


def test_a_motion_tells_what_encoders_are_off_by():
    """Where joints are off, the motion holds by how much; else it holds nothing."""
    found = {}
    for offset in (0.0, 0.02):
        scene = make_scene("tabletop", {"window": 0.05, "overrides": {"calibration.joint_offset": offset}})
        found[offset] = scene.stage(draw_scenario(scene.space, seed=0, index=0))
        scene.close()
    state, motion = found[0.02].state, found[0.02].motion

    assert found[0.0].motion.joint_offset is None
    np.testing.assert_allclose(motion.joint_offset, state["joint_position"] - state["joint_reported"], atol=1e-15)
    np.testing.assert_allclose(motion.joint_offset, [0.02] * 7 + [0.0] * 2)


@pytest.mark.parametrize(
    "name, window, way",
    [
        ("gravity.tilt", 0.05, "set window: 0"),
        ("actuator.delay", 0.0, "set window above 0"),
        ("motion.speed", 0.0, "0"),
    ],
)
def test_a_parameter_of_another_window_says_so(name, window, way):
    """Whoever overrides what the window leaves out reads that the window decides."""
    with pytest.raises(ValueError, match=rf"^parameter '{name}' is there only where .*{way}") as caught:
        make(window=window, overrides={name: 0.1})

    assert len(str(caught.value)) < 250
