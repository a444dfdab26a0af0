"""The tabletop as an environment: what is seen of it as it moves, what its joints say, what is asked."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.scenes import TabletopEnvironment

RIG = {"head": {"camera": "generic_rgb", "width": 64, "height": 48}}


@pytest.fixture(scope="module")
def cluttered():
    """A table with objects and distractors."""
    made = TabletopEnvironment(
        threads=1, slots=4, rig=RIG, randomize=["distractors"], render_mode="rgb_array", overrides={"object_count": 3}
    )
    yield made
    made.close()


def _hold(environment):
    """Return the action that keeps the joints where they are."""
    box, now = environment.task, environment.moment.joint_position
    return (2.0 * (now - box._lower) / (box._upper - box._lower) - 1.0).astype(np.float32)


def test_distractors_are_shown_where_they_are(cluttered):
    """A distractor that was struck is seen where the physics has it, as by the scene's own view of the world."""
    cluttered.reset(seed=1, options={"parameters": {"distractor_count": 6, "distractor.place": "table"}})
    world, (body, *_) = cluttered.scene.world, cluttered.scene.distractors
    start, before = world.body_pose(body)[:3, 3].copy(), cluttered.render()
    world.set_velocity(body, (0.0, 2.0, 0.5))
    for _ in range(8):
        cluttered.step(_hold(cluttered))
    shown, _ = cluttered.view.at(cluttered.moment.links, cluttered.moment.bodies)
    expected, _ = cluttered.scene.observe(cluttered._stage)

    assert np.linalg.norm(world.body_pose(body)[:3, 3] - start) > 0.2
    np.testing.assert_allclose(shown.pose_world_instance, expected.pose_world_instance, atol=1e-9)
    assert (before != cluttered.render()).any(axis=2).sum() > 20


def test_distractors_are_no_objects(cluttered):
    """Observations hold the objects alone, in their slots."""
    observation, _ = cluttered.reset(seed=2, options={"parameters": {"distractor_count": 6}})

    assert len(cluttered.scene.distractors) > 0
    assert len(cluttered.moment.bodies) == 3 + len(cluttered.scene.distractors)
    np.testing.assert_array_equal(observation["object_valid"], [1, 1, 1])
    for row, body in enumerate(cluttered.scene.bodies):
        place = cluttered.scene.world.body_pose(body)[:3, 3]
        np.testing.assert_allclose(observation["object_position"][3 * row : 3 * row + 3], place, atol=1e-6)


def test_joints_stand_off_by_their_offsets():
    """An arm told to be somewhere says that it is there, and stands off by its offsets."""
    environment = TabletopEnvironment(threads=1, slots=2, randomize=["robot"], overrides={"object_count": 1})
    try:
        observation, _ = environment.reset(seed=0)
        offsets, box = environment.scene.joint_offsets, environment.task
        assert np.abs(offsets).max() > 0.006
        np.testing.assert_allclose(
            observation["joint_position"], environment.moment.joint_position - offsets, atol=1e-6
        )
        told = observation["joint_position"].astype(np.float64)
        action = (2.0 * (told - box._lower) / (box._upper - box._lower) - 1.0).astype(np.float32)
        for _ in range(30):
            observation, *_ = environment.step(action)
        np.testing.assert_allclose(observation["joint_position"], told, atol=1.5e-3)
        np.testing.assert_allclose(environment.moment.joint_position, told + offsets, atol=1.5e-3)
    finally:
        environment.close()


def test_motors_follow_as_drawn():
    """Where the scene has motors of its own, commands act late, and with the drawn gains."""
    environment = TabletopEnvironment(
        threads=1,
        slots=2,
        window=0.1,
        randomize=["robot"],
        overrides={"object_count": 1, "calibration.joint_offset": 0},
    )
    runs = {}
    try:
        for name, delay, gain in (("plain", 0.0, 1.0), ("late", 0.1, 1.0), ("soft", 0.0, 0.1)):
            parameters = {"actuator.delay": delay, "actuator.position_gain": gain, "actuator.velocity_gain": 1.0}
            first, _ = environment.reset(seed=0, options={"parameters": parameters})
            box, start = environment.task, environment.moment.joint_position
            action = (2.0 * (start - 0.1 - box._lower) / (box._upper - box._lower) - 1.0).astype(np.float32)[:7]
            action = np.concatenate((action, np.zeros(2, np.float32)))
            steps = [environment.step(action)[0]["joint_position"] for _ in range(6)]
            runs[name] = np.abs(np.array(steps) - first["joint_position"])[:, :7].min(axis=1)
    finally:
        environment.close()

    np.testing.assert_allclose(runs["late"][:3], 0.0, atol=1e-4)
    np.testing.assert_allclose(runs["late"][3:], runs["plain"][:3], atol=5e-3)
    assert runs["plain"][3] > 0.09
    assert runs["soft"][3] < 0.06


def test_there_is_something_to_reach(cluttered):
    """Without objects there is no task, and no success: draws without one are not taken, and none at all is refused."""
    for seed in range(4):
        observation, _ = cluttered.reset(seed=seed, options={"parameters": {"object_count": {"integer": [0, 1]}}})
        assert observation["object_valid"].sum() == 1
    with pytest.raises(RuntimeError, match=r"in 1 draws.*not met: object_count >= 1.*held in 0"):
        cluttered.reset(options={"parameters": {"object_count": 0}})
    with pytest.raises(ValueError, match="'object_count >= 1' held in 0"):
        TabletopEnvironment(overrides={"object_count": 0})
