"""The Gymnasium environment: its checker, seeds, options, pictures."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import simloom.scenes


@pytest.fixture(scope="module")
def environment():
    """The environment, without the wrappers."""
    made = gymnasium.make("simloom/Tabletop-v0", render_mode="rgb_array").unwrapped
    yield made
    made.close()


def test_gymnasium_accepts_it(environment):
    """The official checker finds nothing, not even a warning."""
    check_env(environment, skip_render_check=True)


def test_registering_again_does_nothing():
    """Registration is idempotent."""
    before = gymnasium.registry["simloom/Tabletop-v0"]
    simloom.scenes.register_environments()

    assert gymnasium.registry["simloom/Tabletop-v0"] is before


def test_episodes_follow_the_seed(environment):
    """A seed starts a series of episodes; without one the next is taken; the same seed repeats the series."""
    series = []
    for _ in range(2):
        run = [environment.reset(seed=3), environment.reset(), environment.reset()]
        series.append([observation["object_position"] for observation, _ in run])
        assert [info["episode"] for _, info in run] == [0, 1, 2]

    np.testing.assert_array_equal(series[0], series[1])
    assert not np.array_equal(series[0][0], series[0][1])


def test_options_are_taken(environment):
    """Parameters and u act on the episode; mistakes are answered."""
    few, _ = environment.reset(seed=1, options={"parameters": {"object_count": 4}})
    u = np.full(environment.scene.space.size, 0.4)
    first, _ = environment.reset(options={"u": u})
    second, _ = environment.reset(seed=9, options={"u": u})

    assert few["object_valid"].sum() == 4
    np.testing.assert_array_equal(first["object_position"], second["object_position"])
    for options, words in (
        ({"parameter": {}}, "did you mean 'parameters'"),
        ({"parameters": {"object_cont": 1}}, "did you mean 'object_count'"),
        ({"u": u[:-1]}, "coordinates"),
    ):
        with pytest.raises(ValueError, match=words):
            environment.reset(options=options)


def test_the_arm_moves_and_the_reward_is_its_distance(environment):
    """Joints go towards their targets, the reward is minus the distance, and bad actions are refused."""
    before, _ = environment.reset(seed=4)
    target = np.zeros(environment.action_space.shape, np.float32)
    for _ in range(30):
        after, reward, _, _, info = environment.step(target)
    middle = 0.5 * (environment._lower + environment._upper)

    assert reward == -info["distance"] < 0
    moved = np.abs(after["joint_position"] - middle)[:7] < np.abs(before["joint_position"] - middle)[:7] + 1e-6
    assert moved.all()
    assert environment.observation_space.contains(after)
    with pytest.raises(ValueError, match="finite"):
        environment.step(np.full(9, np.nan))


def test_a_picture_is_drawn(environment):
    """The picture has the rig's size, and the world moving on changes it."""
    environment.reset(seed=5)
    first = environment.render()
    for _ in range(15):
        environment.step(-np.ones(9, np.float32))

    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8
    assert first.std() > 5
    assert not np.array_equal(environment.render(), first)
