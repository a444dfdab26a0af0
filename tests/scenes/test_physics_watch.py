"""The physics watch: whatever physics does wrong is seen and named, and what is in order is left alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.contact_check import check_contacts
from simloom.scenes.motion import Motion
from simloom.scenes.motion_recorder import MotionRecorder, Recording
from simloom.scenes.physics import Joint, PhysicsError, Surface
from simloom.scenes.physics_watch import PhysicsFault, PhysicsLimits, PhysicsWatch, Support, check_recording
from simloom.scenes.readout import empty_objects
from simloom.scenes.stage import Reason
from simloom.scenes.world import World
from simloom.sim.dataset.specs import REASONS

TOP = 0.7
TABLE = Support(height=TOP, x=(-0.5, 0.5), y=(-0.5, 0.5))


@pytest.fixture
def world():
    """A floor and a table of 2 cm."""
    with World() as made:
        made.add_box((10.0, 10.0, 0.5), position=(0.0, 0.0, -0.5))
        made.table = made.add_box((0.5, 0.5, 0.01), position=(0.0, 0.0, TOP - 0.01), surface=Surface(restitution=0.5))
        yield made


def settle(world, *bodies):
    """Let bodies settle under a watch."""
    watch = PhysicsWatch(world=world, bodies=bodies, support=TABLE)
    return world.settle(bodies, look=watch.look), watch


def cube(world, half, position, mass=0.1):
    """Add a cube."""
    return world.add_box((half, half, half), position=position, mass=mass)


def test_reasons_are_numbered_alike():
    """The number in a row means the same to the scene that wrote it and to the registry that explains it."""
    assert tuple(reason.name.lower() for reason in Reason) == REASONS


def test_what_is_in_order_has_the_same_bits():
    """A watch reads and changes nothing: poses after settling are those without it."""
    poses = []
    for is_watched in (False, True):
        with World() as made:
            made.add_box((0.5, 0.5, 0.01), position=(0.0, 0.0, TOP - 0.01))
            bodies = [cube(made, 0.03, (0.01 * k, 0.0, TOP + 0.04 + 0.07 * k)) for k in range(3)]
            watch = PhysicsWatch(world=made, bodies=bodies, support=TABLE) if is_watched else None
            settled = made.settle(bodies, look=watch.look if watch else None)
            poses.append([made.body_pose(body).tobytes() for body in bodies])
            assert settled.at_rest
    assert poses[0] == poses[1]
    assert watch.fault is None
    assert 0.5 < watch.speed < 2.0
    assert watch.energy_gain < 0.005


def test_a_heavy_one_presses_a_light_one_through(world):
    """1 g under 100 kg is pressed into the table, and said to be."""
    light = cube(world, 0.02, (0.0, 0.0, TOP + 0.025), mass=0.001)
    heavy = cube(world, 0.1, (0.0, 0.0, TOP + 0.16), mass=100.0)
    settled, watch = settle(world, light, heavy)

    assert not settled.at_rest
    assert watch.fault.reason == Reason.SUNK
    assert "body 0 sank" in watch.fault.message


@pytest.mark.parametrize("deep", [0.03, 0.08])
def test_overlapping_starts_burst_apart(world, deep):
    """Cubes that start in one another are thrown apart: energy from nowhere."""
    _, watch = settle(
        world, cube(world, 0.05, (0.0, 0.0, TOP + 0.051)), cube(world, 0.05, (0.0, 0.0, TOP + 0.151 - deep))
    )

    assert watch.fault.reason == Reason.EXPLODED
    assert "gained energy" in watch.fault.message


def test_restitution_above_one_makes_energy(world):
    """A surface refuses it; forced upon the engine, each bounce is higher, and the watch says so."""
    with pytest.raises(ValueError, match="restitution"):
        Surface(restitution=1.5)
    ball = world.add_sphere(0.03, position=(0.0, 0.0, TOP + 0.1), mass=0.1)
    for body in (world.table, ball):
        world._bullet.changeDynamics(body, -1, restitution=2.0, physicsClientId=world._client)
    _, watch = settle(world, ball)

    assert watch.fault.reason == Reason.EXPLODED
    assert watch.energy_gain > 0.1


@pytest.mark.parametrize("speed", [5.0, 15.0])
def test_a_thin_plate_tunnels(world, speed):
    """A plate of 1 mm that is thrown at the table passes through it between two steps."""
    plate = world.add_box((0.05, 0.05, 0.0005), position=(0.0, 0.0, 0.9), mass=0.01)
    world.set_velocity(plate, (0.0, 0.0, -speed))
    _, watch = settle(world, plate)

    assert watch.fault.reason == Reason.SUNK
    assert "went through it" in watch.fault.message


@pytest.mark.parametrize(
    "linear, angular, reason, words",
    [
        ((0.0, 0.0, float("nan")), (0.0, 0.0, 0.0), Reason.EXPLODED, "no finite pose"),
        ((float("inf"), 0.0, 0.0), (0.0, 0.0, 0.0), Reason.EXPLODED, "no finite pose"),
        ((30.0, 0.0, 0.0), (0.0, 0.0, 0.0), Reason.EXPLODED, "flies at 30 m/s"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 500.0), Reason.EXPLODED, "spins at 500 rad/s"),
        ((2.5, 0.0, 0.0), (0.0, 0.0, 0.0), Reason.FELL_OFF, "fell over the edge"),
    ],
)
def test_throws_are_named(world, linear, angular, reason, words):
    """What is not finite, flies, spins or falls off has its reason, before it can end as a row."""
    body = cube(world, 0.05, (0.4, 0.0, TOP + 0.06))
    world.set_velocity(body, linear, angular)
    settled, watch = settle(world, body)

    assert (settled.at_rest, watch.fault.reason) == (False, reason)
    assert words in watch.fault.message
    assert watch.look()


def test_no_number_never_rests(world):
    """Without a watch, too, a velocity that is no number does not count as rest."""
    body = cube(world, 0.05, (0.0, 0.0, TOP + 0.06))
    world.set_velocity(body, (float("nan"), 0.0, 0.0))

    assert not world.settle([body], max_steps=64).at_rest


def recording_of(bodies, joints=None, links=None):
    """A recording with the parts that are judged."""
    steps = len(bodies)
    joints = np.zeros((steps, 1)) if joints is None else joints
    still = np.tile(np.eye(4), (steps, 2, 1, 1))
    motion = Motion(
        time=np.arange(steps), gravity=9.81, joint_position=joints, joint_velocity=0 * joints, joint_effort=0 * joints
    )
    return Recording(motion=motion, link_poses=still if links is None else links, body_poses=bodies)


def test_a_recorded_window_is_judged_throughout():
    """A leap, a fall, a number that is none, and a joint beyond its limit are seen wherever they are in the window."""
    joint = Joint(index=0, name="elbow", lower=-1.0, upper=1.0, max_force=1.0, max_velocity=1.0)
    fair = np.tile(np.eye(4), (5, 1, 1, 1))
    fair[..., 2, 3] = TOP + 0.05

    def judge(**changes):
        recording = recording_of(**({"bodies": fair} | changes))
        return check_recording(recording, joints=[joint], support=TABLE, limits=PhysicsLimits(), time_step=1.0 / 240.0)

    def bodies(axis, value, instant=2):
        changed = fair.copy()
        changed[instant, 0, axis, 3] = value
        return changed

    links = np.tile(np.eye(4), (5, 2, 1, 1))
    links[3, 1, 0, 3] = 1.0
    bent = np.zeros((5, 1))
    bent[1] = -1.2
    broken = np.zeros((5, 1))
    broken[4] = np.nan

    assert judge() is None
    assert judge(bodies=bodies(0, np.nan)).reason == Reason.EXPLODED
    assert judge(bodies=bodies(0, 0.2)).message == "a body moved at 48 m/s, the limit is 20"
    assert judge(links=links).message.startswith("a link moved at 240 m/s")
    assert judge(bodies=bodies(2, TOP - 0.02)).reason == Reason.SUNK
    assert judge(joints=broken).reason == Reason.EXPLODED
    assert judge(joints=bent) == PhysicsFault(reason=Reason.JOINT_LIMIT, message="joint elbow is 0.20 beyond its limit")


STICK = """<robot name="stick"><link name="base"><inertial><mass value="1"/>
<inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial>
<collision><geometry><box size="0.1 0.1 0.1"/></geometry></collision></link></robot>"""


@pytest.mark.parametrize("which", ["robot", "body"])
def test_what_explodes_while_it_is_recorded_is_named(world, tmp_path, which):
    """A velocity that is no number, set in the midst of a recording, ends it with a message, not with a pose."""
    (tmp_path / "stick.urdf").write_text(STICK)
    robot = world.add_urdf(tmp_path / "stick.urdf", position=(0.2, 0.0, TOP + 0.06), fixed=False)
    body = cube(world, 0.05, (0.0, 0.0, TOP + 0.06))
    recorder = MotionRecorder(world, robot, joints=(), mounts={}, bodies=(body,))

    def drive(step):
        if step == 3:
            world.set_velocity(robot if which == "robot" else body, (float("nan"), 0.0, 0.0))

    with pytest.raises(PhysicsError, match="not finite"):
        recorder.record(8, drive)


def test_limits_are_above_zero():
    """A limit of 0 would reject everything; the message says how to switch one off."""
    with pytest.raises(ValueError, match=r"speed must be above 0, got 0; math.inf"):
        PhysicsLimits(speed=0)


def is_in_order(scene, stage):
    """An oracle from poses alone: finite, on the table, nothing over 2 mm in or off what holds it."""
    arrays = [*stage.object.values(), *stage.state.values()]
    if not all(np.isfinite(array).all() for array in arrays):
        return False
    objects, top = stage.object, float(stage.param["table.height"][0, 0])
    rows = objects["asset"] >= 0
    found = check_contacts(
        scene.assets,
        asset=objects["asset"],
        scale=objects["scale"],
        pose_world_object=objects["pose_world_object"],
        table_height=top,
    )
    place = objects["pose_world_object"][rows][:, :3, 3]
    half = 0.5 * float(stage.param["table.width"][0, 0])
    return bool(found.is_ok[rows].all() and (place[:, 2] > top).all() and (np.abs(place[:, 1]) < half).all())


ABSURD = {
    "masses": {"object.mass": {"loguniform": [0.001, 100.0]}},
    "thin plates": {
        "object.kind": "box",
        "object.flatness": 0.1,
        "object.aspect": 0.1,
        "object.size": 0.02,
        "object.drop": {"uniform": [0.2, 1.0]},
    },
    "bouncing": {"restitution": 1.0, "object.drop": {"uniform": [0.2, 1.0]}, "friction": 0.0},
}


@pytest.mark.parametrize("kind", ABSURD)
def test_nothing_slips_through(kind):
    """Of absurd scenarios, each either is in order by an independent measure, or is rejected with its reason."""
    scene = make_scene("tabletop", {"slots": 9, "overrides": ABSURD[kind]})
    rejected = 0
    try:
        for index in range(12):
            stage = scene.stage(draw_scenario(scene.space, seed=3, index=index))
            if stage.valid:
                assert is_in_order(scene, stage), (index, stage.margins)
            else:
                rejected += 1
                assert stage.reason != Reason.NONE
                assert stage.message
    finally:
        scene.close()
    assert rejected


def test_an_exploded_scene_is_a_tombstone_of_zeros(scene, monkeypatch):
    """Where nothing could be read, a stage has its reason, and zeros, no cameras and no snapshots."""
    monkeypatch.setattr(World, "body_motion", lambda *_: ((np.nan,) * 3, (0.0, 0.0, 0.0, 1.0), 0.0, 0.0))
    stage = scene.stage(draw_scenario(scene.space, seed=5, index=0))

    assert (stage.valid, stage.reason) == (False, Reason.EXPLODED)
    assert "no finite pose" in stage.message
    assert stage.snapshots == ()
    for name, array in empty_objects(scene.slots).items():
        np.testing.assert_array_equal(stage.object[name], array)


def test_the_yard_rejects_what_overlaps_and_what_flies(monkeypatch):
    """In the yard an overlap of over 1 cm and a flying object have their reasons."""
    yard = make_scene("driving", {"overrides": {"drive.time": 0.1}, "window": 0.05})
    try:
        drawn = draw_scenario(yard.space, seed=3, index=1)
        fair = yard.stage(drawn)
        margins = {"start_clearance": 1.0, "tilt_degrees": 1.0, "yard_edge": 1.0, "penetration": -0.004}
        rest = dataclasses.replace(yard.world.settle([]), at_rest=True)
        found, message = yard._judge(rest, margins)
        assert fair.valid
        assert (found, message) == (Reason.PENETRATION, "bodies overlap by 14 mm")

        monkeypatch.setattr("simloom.scenes.driving.PhysicsLimits", lambda **_: PhysicsLimits(speed=0.01))
        flying = yard.stage(drawn)
        assert flying.reason == Reason.EXPLODED
    finally:
        yard.close()
