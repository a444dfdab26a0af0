"""The yard as an environment: what its scan and its goals know of, and what its motors do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh

from simloom.scenes import DrivingEnvironment

STEP = 2.0 * math.pi / 24
CUBES = {
    f"distractor.{name}": value for name, value in (("kind", "box"), ("size", 0.6), ("aspect", 1), ("flatness", 1))
}
BARE = {"object_count": 0, "wall_count": 0}


@pytest.fixture(scope="module")
def crowded():
    """A yard with distractors alone."""
    made = DrivingEnvironment(threads=1, randomize=["distractors"], overrides=BARE | {"distractor_count": 6})
    yield made
    made.close()


def _way(environment, body):
    """Return where a body is from the robot: distance [m], and direction to the left of ahead [rad]."""
    base = environment.moment.links[0]
    dx, dy = environment.scene.world.body_pose(body)[:2, 3] - base[:2, 3]
    return math.hypot(dx, dy), math.atan2(dy, dx) - math.atan2(base[1, 0], base[0, 0])


def test_the_scan_sees_distractors(crowded):
    """Beams that point at a distractor's middle end before it, or at something nearer."""
    seen = 0
    for seed in range(6):
        observation, _ = crowded.reset(seed=seed, options={"parameters": CUBES})
        assert len(crowded.moment.bodies) == len(crowded.scene.distractors)
        assert crowded.moment.object_count == 0
        for body in crowded.scene.distractors:
            far, turn = _way(crowded, body)
            beam = round(turn / STEP)
            aside = far * abs(math.sin(turn - beam * STEP))
            if aside < 0.25 and far < 7.0:
                seen += 1
                assert observation["range"][beam % 24] < far

    assert seen >= 10


def test_a_collision_is_seen_coming(crowded):
    """Who drives at a distractor sees the range ahead fall before the episode ends in a collision."""
    crowded.reset(seed=4)
    body = next(b for b in crowded.scene.distractors if crowded.scene.world.body_pose(b)[2, 3] > 0.09)
    lowest, info = math.inf, {}
    for _ in range(150):
        _, turn = _way(crowded, body)
        turn = math.remainder(turn, 2.0 * math.pi)
        action = np.array([1.0 if abs(turn) < 0.3 else 0.0, np.clip(3.0 * turn, -1.0, 1.0)], np.float32)
        observation, _, terminated, _, info = crowded.step(action)
        lowest = min(lowest, float(observation["range"].min()))
        if terminated:
            break

    assert info["is_collision"]
    assert lowest < 1.2


def test_goals_keep_off_distractors(crowded):
    """No goal lies within 0.7 m of a distractor's box."""
    for seed in range(8):
        crowded.reset(seed=seed)
        goal = np.array(crowded.task._goal)
        for body in crowded.scene.distractors:
            # The middle is farther away than the surface.
            assert np.linalg.norm(crowded.scene.world.body_pose(body)[:2, 3] - goal) > 0.7


def test_own_classes_of_assets_are_known(tmp_path):
    """A folder whose asset.yaml names a class of its own can be driven among."""
    folder = tmp_path / "mug"
    folder.mkdir()
    trimesh.creation.box((0.3, 0.2, 0.25)).export(folder / "mug.stl")
    (folder / "asset.yaml").write_text("class: mug\nmass: 1.0\n")
    environment = DrivingEnvironment(
        threads=1,
        object_folders=[str(tmp_path)],
        cache=False,
        slots=4,
        overrides={"object_count": 3, "wall_count": 0, "object.kind": "random_object"},
    )
    try:
        observation, _ = environment.reset(seed=1)
        assert environment.scene.class_names[-1] == "mug"
        assert environment.moment.object_count == 3
        assert observation["range"].min() < 8.0
    finally:
        environment.close()


@pytest.fixture(scope="module")
def motors():
    """An empty yard whose robot's motors vary."""
    made = DrivingEnvironment(threads=1, randomize=["robot"], overrides=BARE | {"drive.acceleration": 1.0})
    yield made
    made.close()


def _speeds(environment, steps, **actuator):
    """Return the speed after each step of full speed ahead."""
    given = {f"actuator.{name}": value for name, value in actuator.items()}
    environment.reset(seed=3, options={"parameters": given | {"goal.distance": 5.0}})
    return [float(environment.step(np.array([1.0, 0.0], np.float32))[0]["velocity"][0]) for _ in range(steps)]


def test_commands_act_late(motors):
    """With a delay of three steps the robot stands for three steps, and then does what it does without one."""
    at_once = _speeds(motors, 5, delay=0.0, torque=1.0)
    late = _speeds(motors, 8, delay=0.3, torque=1.0)

    assert np.abs(late[:3]).max() < 0.01
    np.testing.assert_allclose(late[3:], at_once, atol=0.02)


def test_weak_motors_accelerate_less(motors):
    """With a twentieth of the torque the robot lags behind what it is told."""
    strong = _speeds(motors, 5, delay=0.0, torque=1.0)
    weak = _speeds(motors, 5, delay=0.0, torque=0.05)

    np.testing.assert_allclose(strong, 0.1 * np.arange(1, 6), atol=0.05)
    assert weak[-1] < 0.5 * strong[-1]


def test_a_delay_is_forgotten_by_the_next_episode(motors):
    """What was under way when an episode ended does not reach the next."""
    first = _speeds(motors, 3, delay=0.3, torque=1.0)
    _speeds(motors, 5, delay=0.3, torque=1.0)

    assert _speeds(motors, 3, delay=0.3, torque=1.0) == first


def test_a_yard_without_room_for_a_goal_is_drawn_anew(monkeypatch):
    """No goal is the robot itself: what has no free point is redrawn, and refused where that does not help."""
    from simloom.scenes.environments import environment as module

    monkeypatch.setattr(module, "MAX_ATTEMPTS", 3)
    crowd = {"yard.side": 6.0, "object_count": 15, "wall_count": 4}
    environment = DrivingEnvironment(threads=1, horizon=5)
    try:
        with pytest.raises(RuntimeError, match="no point within the yard is free for a goal"):
            environment.reset(seed=1, options={"parameters": crowd})
        some = crowd | {"object_count": {"integer": [0, 15]}, "wall_count": 0}
        for _ in range(3):
            environment.reset(options={"parameters": some})
            assert environment.task._distance(environment.moment) > 1.0
            *_, info = environment.step(np.zeros(2, np.float32))
            assert not info["is_success"]
    finally:
        environment.close()
