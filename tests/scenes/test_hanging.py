"""What hangs: in its equilibrium, at its string's length, known to every check, the same everywhere."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from simloom.kernels.transforms import transform_points
from simloom.scenes import draw_scenario, make_scene, tabletop
from simloom.scenes.contact_check import check_contacts
from simloom.scenes.hanging import HELD_DAMPING, highest_point
from simloom.scenes.strings import add_strings, held_slots
from simloom.scenes.world import World
from simloom.sim.quality.appearance import _resting

HANGING = {"placement": "hanging", "object_count": {"integer": [4, 9]}}
COUNT = 10
PROGRAM = """
import hashlib
from simloom.scenes import draw_scenario, make_scene, tabletop
scene = make_scene("tabletop", {"overrides": {"placement": "hanging", "object_count": {"integer": [4, 9]}}})
stage = scene.stage(draw_scenario(scene.space, seed=6, index=1))
snapshot = stage.snapshots[0]
arrays = (snapshot.pose_world_instance, snapshot.scale, stage.state["contact_force"])
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
"""


@pytest.fixture(scope="module")
def hung():
    """Ten stages of hanging objects with their plans, and the scene that made them."""
    scene = make_scene("tabletop", {"overrides": HANGING})
    stages = []
    for index in range(COUNT):
        stage = scene.stage(draw_scenario(scene.space, seed=6, index=index))
        stages.append((stage, scene._plans))
    yield scene, stages
    scene.close()


def _held(stage, plans):
    """Yield the slot, plan, pose and, of its string, the end at the object [m] of all that hangs."""
    for k, plan in enumerate(plans):
        if plan.hold is not None:
            pose = stage.object["pose_world_object"][k + 1]
            yield k + 1, plan, pose, transform_points(pose, plan.hold.point[None])[0]


def _swing(plan):
    """Return the largest angle at which a swinging object may still count as at rest [rad].

    At rest, the turn rate is below 0.15 rad/s and the speed below 5 mm/s at four looks 1/30 s apart. A swing of
    amplitude A has the rate A w sin(w t); the four looks see the least of it around the turning point, up to 0.05 s
    from it. A physical pendulum has w^2 = g d / (d^2 + k^2), with a radius of gyration k of at most the box's.
    """
    lever = float(np.linalg.norm(plan.hold.point))
    gyration = float(np.linalg.norm(np.abs(plan.box_center) + 0.5 * plan.extent))
    rate = math.sqrt(9.81 * lever / (lever**2 + gyration**2))
    return min(0.15, 0.005 / lever) / (rate * math.sin(0.05 * rate))


def test_things_hang_below_where_they_are_held(hung):
    """The mass centre is below the string's end but for a swing that counts as rest; the length is as planned."""
    _, stages = hung
    count = 0
    for stage, plans in stages:
        if not stage.valid:
            continue
        touched = stage.state["contact_instances"][: int(stage.state["contact_count"])]
        for slot, plan, pose, end in _held(stage, plans):
            count += 1
            lever = end - pose[:3, 3]
            angle = math.atan2(math.hypot(lever[0], lever[1]), lever[2])
            assert abs(np.linalg.norm(plan.hold.anchor - end) - plan.hold.length) < 1e-4
            assert angle < _swing(plan)
            if (touched == slot + 1).sum() == 1:  # by its string alone
                assert angle < 0.01
    assert count > 20


def test_most_worlds_are_valid_and_no_margin_trips(hung):
    """Worlds with hanging objects are as good as others, and what hangs counts neither as floating nor as fallen."""
    _, stages = hung
    valid = [stage for stage, _ in stages if stage.valid]

    assert len(valid) >= 0.8 * COUNT
    for stage in valid:
        assert min(stage.margins.values()) > 0


def test_rows_tell_what_hangs(hung):
    """The string is a contact with the background that carries the weight; checks of floating know it."""
    scene, stages = hung
    for stage, plans in stages:
        if not stage.valid:
            continue
        slots = [slot for slot, _, _, _ in _held(stage, plans)]
        held = held_slots(stage.object["pose_world_object"], stage.state)
        assert np.flatnonzero(held).tolist() == slots
        assert not set(slots) & set(_resting(stage))
        lifted = np.zeros(scene.slots + 1)
        for row in range(int(stage.state["contact_count"])):
            force = stage.state["contact_force"][row] * stage.state["contact_normal"][row, 2]
            first, second = stage.state["contact_instances"][row]
            lifted[first] += force
            lifted[second] -= force
        for slot in slots:
            assert lifted[slot + 1] == pytest.approx(9.81 * stage.object["mass"][slot], rel=1e-6)
        found = check_contacts(
            scene.assets,
            asset=stage.object["asset"],
            scale=stage.object["scale"],
            pose_world_object=stage.object["pose_world_object"],
            table_height=float(stage.param["table.height"][0, 0]),
            held=held,
        )
        assert found.is_ok[stage.object["asset"] >= 0].all()


def test_strings_and_bar_are_seen(hung):
    """Each string reaches from its object to the bar's lower side; all belong to the background."""
    scene, stages = hung
    distractor = scene.class_names.index("distractor")
    for stage, plans in stages[:4]:
        snapshot = stage.snapshots[0]
        rows = np.flatnonzero(snapshot.class_id == distractor)
        assert (snapshot.instance[rows] == 0).all()
        assert (np.diff(snapshot.instance) >= 0).all()
        held = list(_held(stage, plans))
        assert len(rows) == 3 + len(held)
        for row, (_, plan, _, end) in zip(rows[3:], held, strict=True):
            half = np.array([[0.0, 0.0, -0.5], [0.0, 0.0, 0.5]]) * snapshot.scale[row]
            ends = transform_points(snapshot.pose_world_instance[row], half)
            np.testing.assert_allclose(ends, [end, plan.hold.anchor], atol=1e-6)
        top = snapshot.pose_world_instance[rows[0]][2, 3] - 0.5 * snapshot.scale[rows[0], 2]
        assert top == pytest.approx(held[0][1].hold.anchor[2], abs=1e-6)


def test_strings_follow_a_tilted_gravity():
    """Under a tilt of 4 degrees, strings and mass centres line up with gravity."""
    tilt, toward = 0.07, 1.0
    scene = make_scene("tabletop", {"overrides": HANGING | {"gravity.tilt": tilt, "gravity.direction": toward}})
    up = np.array([-math.sin(tilt) * math.cos(toward), -math.sin(tilt) * math.sin(toward), math.cos(tilt)])
    count = 0
    for index in range(3):
        stage = scene.stage(draw_scenario(scene.space, seed=6, index=index))
        for _, plan, pose, end in _held(stage, scene._plans):
            string, lever = plan.hold.anchor - end, end - pose[:3, 3]
            count += 1
            assert np.linalg.norm(np.cross(string, up)) < 2e-3 * np.linalg.norm(string)
            assert np.linalg.norm(np.cross(lever, up)) < math.sin(_swing(plan)) * np.linalg.norm(lever)
    scene.close()
    assert count > 6


def test_knocks_die_away():
    """A hanging box that is set spinning by 5 rad/s is at rest again within 3 s, where it was."""
    with World() as world:
        bar = world.add_box((0.01, 0.5, 0.01), position=(0.0, 0.0, 1.0))
        box = world.add_box((0.02, 0.03, 0.05), position=(0.0, 0.1, 0.4), mass=0.3, damping=HELD_DAMPING)
        world.hold_body(box, (0.0, 0.0, 0.05), bar, (0.0, 0.1, -0.55))
        world.set_velocity(box, (0.0, 0.0, 0.0), (5.0, 0.0, 1.0))
        settled = world.settle([box])
        pose = world.body_pose(box)

    assert settled.at_rest
    np.testing.assert_allclose(pose[:3, 3], (0.0, 0.1, 0.4), atol=1e-3)


@pytest.mark.parametrize("kind", ["box", "sphere", "cylinder", "capsule", "hulls"])
def test_the_highest_point_is_on_the_hull(scene, kind):
    """No corner of the drawn mesh lies farther in the direction, and one lies as far."""
    asset = next(asset for asset in scene.assets.assets if asset.kind == kind)
    scale = np.full(3, 0.1) if kind in ("capsule", "hulls", "sphere") else np.array([0.1, 0.1, 0.06])
    points = np.concatenate([scene.library.level(part.mesh).vertices * scale for part in asset.parts])
    for up in ((0.6, 0.0, 0.8), (-0.48, 0.6, -0.64), (0.0, 0.0, 1.0)):
        high = float(highest_point(asset, scale, up) @ np.array(up))
        # Round shapes are drawn with facets, whose corners lie on the round.
        assert high - 2e-3 < float((points @ np.array(up)).max()) < high + 1e-4


def test_what_hangs_may_be_in_a_window():
    """While the arm moves and is recorded, objects go on hanging and strings stay."""
    scene = make_scene("tabletop", {"window": 0.1, "overrides": HANGING})
    stages = [scene.stage(draw_scenario(scene.space, seed=6, index=index)) for index in range(3)]
    scene.close()
    valid = [stage for stage in stages if stage.valid]

    assert valid
    for stage in valid:
        assert stage.motion is not None
        assert held_slots(stage.object["pose_world_object"], stage.state).any()


def test_struck_objects_pass_through_strings(monkeypatch):
    """What is knocked after staging never touches what stands for a string, its own or another's."""
    strings = []

    def record(*given):
        strings.extend(add_strings(*given))
        return strings

    monkeypatch.setattr(tabletop, "add_strings", record)
    scene = make_scene("tabletop", {"overrides": {"placement": "hanging", "object_count": 6}})
    scene.stage(draw_scenario(scene.space, seed=0, index=0))
    scene.world.set_velocity(scene.bodies[0], (1.0, 0.0, 0.0))
    touched = set()
    for _ in range(60):
        scene.world.step()
        touched.update(scene.world.contacts().bodies.reshape(-1).tolist())
    scene.close()

    assert strings
    assert not touched & set(strings)


def test_what_does_not_hang_is_as_ever(scene, digest):
    """Dropped, no value of the rack's or the strings' parameters changes anything but itself."""
    other = make_scene("tabletop", {"overrides": {"object.hang_height": 0.2, "rack.height": 0.9, "rack.x": 0.45}})
    scenario = draw_scenario(scene.space, seed=6, index=2)
    first, second = scene.stage(scenario), other.stage(scenario)
    other.close()
    own = {name: first.param[name] for name in ("object.hang_height", "rack.height", "rack.x")}

    assert digest(first) == digest(replace(second, param={**second.param, **own}))


def test_another_process_hangs_the_same(hung):
    """The same scenario in another process gives the same bytes."""
    import hashlib

    _, stages = hung
    stage = stages[1][0]
    snapshot = stage.snapshots[0]
    arrays = (snapshot.pose_world_instance, snapshot.scale, stage.state["contact_force"])
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
