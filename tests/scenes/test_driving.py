"""The driving scene: a free start, a continuous drive, rows that are pure, things that stand on the ground."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from simloom.kernels.transforms import compose_pose, transform_points
from simloom.scenes import draw_scenario, make_scene, scene_names
from simloom.scenes.driving_layout import FREE, plan_yard
from simloom.scenes.physics import Settled
from simloom.scenes.stage import Reason

FORWARD = {"position": [0.36, 0.0, 0.33], "quaternion": [-0.5, 0.5, -0.5, 0.5], "field_of_view": 1.3}
RIG = {
    "front": {"camera": "generic_rgb", "width": 64, "height": 48, "mount": "husky/base_link"} | FORWARD,
    "head": {"camera": "generic_rgb", "width": 64, "height": 48},
}
COUNT = 12


@pytest.fixture(scope="module")
def scene():
    """The yard with a camera on the robot and one around it."""
    made = make_scene("driving", {"rig": RIG, "slots": 10, "window": 0.25})
    yield made
    made.close()


@pytest.fixture(scope="module")
def stages(scene):
    """A dozen stages of two views and two looks."""
    return [scene.stage(draw_scenario(scene.space, seed=5, index=i, views=2, looks=2)) for i in range(COUNT)]


def test_most_scenarios_are_valid(stages):
    """At least 75 % of draws make a row; the others say why, and no start is blocked."""
    assert np.mean([stage.valid for stage in stages]) >= 0.75
    for stage in stages:
        assert stage.valid == (stage.reason == Reason.NONE) == (stage.message == "")
        assert stage.margins["start_clearance"] > 0


def test_the_drive_is_continuous(stages):
    """Over the window, positions change by the velocities between them, and the last are those of the row."""
    for stage in stages:
        motion = stage.motion
        frame = motion.frames["husky/base_link"]
        position, velocity = frame.pose[:, :3, 3], frame.linear_velocity
        change = 0.5 * (velocity[1:] + velocity[:-1]) / 240
        np.testing.assert_allclose(np.diff(position, axis=0), change, atol=2e-4)
        assert motion.time.size == 61
        assert stage.state["time"] == motion.time[-1] * 1e-9
        np.testing.assert_array_equal(motion.pose_world_instance[-1], stage.snapshots[0].pose_world_instance)
        np.testing.assert_array_equal(stage.state["joint_velocity"], motion.joint_velocity[-1])


def test_wheels_tell_the_way(stages):
    """Speed forwards is that of the rims within a tenth and 5 cm/s, wherever the robot neither touches nor ramps."""
    compared = 0
    for stage in stages:
        motion = stage.motion
        frame = motion.frames["husky/base_link"]
        touched = stage.margins["clearance"] <= 0 or np.abs(motion.touch["husky/base_link"]).any()
        if touched or not stage.valid:
            continue
        ahead = (frame.pose[:, :3, 0] * frame.linear_velocity).sum(axis=1).mean()
        rims = 0.17775 * motion.joint_velocity.mean()
        assert abs(ahead - rims) < 0.1 * abs(rims) + 0.05
        compared += 1
    assert compared >= COUNT // 3


def test_things_stand_on_the_ground(scene, stages):
    """No wheel floats or sinks by more than 4 mm, no object by more than 5 mm, seen from the meshes that are drawn."""
    for stage in stages:
        if not stage.valid:
            continue
        snapshot, lowest = stage.snapshots[0], {}
        for row in np.flatnonzero(snapshot.instance > 0):
            vertices = scene.library.level(int(snapshot.mesh[row])).vertices * snapshot.scale[row]
            points = transform_points(snapshot.pose_world_instance[row], vertices)
            key = int(snapshot.instance[row])
            lowest[key] = min(lowest.get(key, math.inf), float(points[:, 2].min()))
        for instance, height in lowest.items():
            tolerance = 0.004 if instance == 1 else 0.005
            lies_on_another = height > tolerance and stage.object["class"][instance - 1] == 6
            assert abs(height) < tolerance or lies_on_another, (instance, height)


def test_nothing_overlaps_by_plan(scene):
    """Objects keep apart from each other, from walls' middles and from the robot's start."""
    for index in range(40):
        drawn = draw_scenario(scene.space, seed=9, index=index)
        values = scene.space.resolve(drawn.u_scenario, drawn.u_view, drawn.u_look)
        first = {name: value[0, 0] for name, value in scene.space.spread(values, 1, 1).items()}
        yard = plan_yard(first, scene.assets.assets)
        centers = np.array([plan.position[:2] for plan in yard.plans])
        reach = np.array([np.hypot(*(0.5 * plan.extent[:2])) for plan in yard.plans])
        gaps = np.linalg.norm(centers[:, None] - centers, axis=-1) - reach[:, None] - reach
        off = ~np.eye(len(centers), dtype=bool)
        kinds = np.array([plan.class_id for plan in yard.plans])
        plain = off & (kinds[:, None] != 6) & (kinds != 6)
        assert (gaps[plain] > 0.049).all()
        assert (np.linalg.norm(centers - yard.start[:2, 3], axis=1) > FREE).all()
        for wall in yard.walls:
            away = wall.pose[:2, :2].T @ (yard.start[:2, 3] - wall.pose[:2, 3])
            beyond = np.maximum(np.abs(away) - 0.5 * wall.sides[:2], 0.0)
            assert np.hypot(*beyond) > 0.99 * FREE


def test_the_same_u_has_the_same_bytes(scene, stages, digest):
    """Staged again in another order, and by another scene, every array has the same bits."""
    other = make_scene("driving", {"rig": RIG, "slots": 10, "window": 0.25})
    for index in (6, 1):
        for made in (scene, other):
            again = made.stage(draw_scenario(made.space, seed=5, index=index, views=2, looks=2))
            assert digest(again) == digest(stages[index])
            assert again.motion.joint_effort.tobytes() == stages[index].motion.joint_effort.tobytes()
            poses = stages[index].motion.pose_world_instance
            assert again.motion.pose_world_instance.tobytes() == poses.tobytes()
    other.close()


def test_cameras_ride_and_look_at_the_robot(scene, stages):
    """The front camera sits on the base and looks ahead; those around it have the robot before them."""
    for stage in stages:
        base = stage.motion.frames["husky/base_link"].pose[-1]
        for camera in stage.cameras["front"]:
            np.testing.assert_allclose(
                camera.pose_world_camera, compose_pose(base, scene.rig.mounts[0].pose_mount_camera), atol=1e-12
            )
            np.testing.assert_allclose(camera.pose_world_camera[:3, 2], base[:3, 0], atol=1e-9)
        first, second = stage.cameras["head"]
        assert not np.array_equal(first.pose_world_camera, second.pose_world_camera)
        for camera in (first, second):
            away = base[:3, 3] - camera.pose_world_camera[:3, 3]
            assert away @ camera.pose_world_camera[:3, 2] > 0.5
            assert camera.pose_world_camera[2, 3] > 0.2


def test_snapshots_are_in_order(scene, stages):
    """Ground and walls are background, the robot is instance 1, objects follow; classes agree with the slots."""
    for stage in stages:
        snapshot, valid = stage.snapshots[0], int(stage.object["valid"].sum())
        assert np.unique(snapshot.instance).tolist() == list(range(valid + 1))
        assert (np.diff(snapshot.instance) >= 0).all()
        assert set(np.unique(snapshot.class_id[snapshot.instance == 0])) <= {1, 2}
        for slot in range(valid):
            assert (snapshot.class_id[snapshot.instance == slot + 1] == stage.object["class"][slot]).all()


def stage_of(overrides, seed=5):
    """Make one stage of the yard with some parameters fixed."""
    scene = make_scene("driving", {"rig": RIG, "slots": 2, "overrides": overrides, "window": 0.1})
    stage = scene.stage(draw_scenario(scene.space, seed=seed, index=0))
    scene.close()
    return stage


def test_who_leaves_the_yard_is_rejected():
    """Five seconds at 2 m/s from the middle lead out of a yard of 8 m."""
    stage = stage_of(
        {
            "yard.side": 8.0,
            "wall_count": 0,
            "object_count": 0,
            "drive.time": 5.0,
            "drive.speed": 2.0,
            "drive.turn": 0.0,
            "drive.acceleration": 2.0,
        }
    )

    assert (stage.valid, stage.reason) == (False, Reason.OUT_OF_WORKSPACE)
    assert stage.margins["yard_edge"] < 0


def test_who_leans_or_starts_blocked_is_rejected(scene):
    """Tipping, a blocked start and a yard that does not come to rest each have a reason of their own."""
    rest = Settled(at_rest=True, steps=8, linear_speed=0.0, angular_speed=0.0)
    fair = {"start_clearance": 0.1, "tilt_degrees": 5.0, "yard_edge": 1.0, "penetration": 0.01}
    found = [scene._judge(rest, fair | {name: -1.0})[0] for name in fair]

    assert scene._judge(rest, fair) == (Reason.NONE, "")
    assert found == [Reason.COLLISION, Reason.TIPPED_OVER, Reason.OUT_OF_WORKSPACE, Reason.PENETRATION]
    assert scene._judge(dataclasses.replace(rest, at_rest=False), fair)[0] == Reason.NOT_SETTLED


def test_a_wall_stops_the_robot():
    """Driven against a wall it touches it, feels it, and does not pass through."""
    stage = stage_of(
        {
            "yard.side": 12.0,
            "wall_count": 1,
            "wall.x": 0.5,
            "wall.y": 0.5,
            "wall.heading": 1.5707963,
            "wall.length": 8.0,
            "wall.height": 2.0,
            "object_count": 0,
            "start.x": 0.4,
            "start.y": 0.5,
            "start.heading": 0.0,
            "drive.time": 4.0,
            "drive.speed": 0.8,
            "drive.turn": 0.0,
        }
    )
    base = stage.motion.frames["husky/base_link"].pose[-1]

    assert stage.valid
    assert abs(stage.margins["clearance"]) < 0.01
    assert np.abs(stage.motion.touch["husky/base_link"][:, :, 3:]).max() > 20.0
    assert base[0, 3] + 0.5037 < 0.0


@pytest.mark.parametrize(
    "options, words",
    [
        ({"window": 0.0}, "window must be"),
        ({"slots": 1}, r"slots must be in \[2, 256\]"),
        ({"overrides": {"drive.sped": 1}}, "did you mean 'drive.speed'"),
        ({"rig": {"w": {"camera": "generic_rgb", "mount": "husky/base_lnk"}}}, "no link 'base_lnk'"),
    ],
    ids=str,
)
def test_mistakes_are_answered(options, words):
    """A wrong name or option is one sentence with what is allowed."""
    with pytest.raises(ValueError, match=words):
        make_scene("driving", options)
    assert "driving" in scene_names()
