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
