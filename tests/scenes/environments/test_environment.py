"""The environments: Gymnasium's checker, seeds, options, tasks, pictures."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import simloom.scenes
from simloom.scenes.environments import environment as module

IDS = ("simloom/Driving-v0", "simloom/Tabletop-v0")
RIG = {"head": {"camera": "generic_rgb", "width": 64, "height": 48}}


@pytest.fixture(scope="module", params=IDS)
def environment(request):
    """Each environment, without the wrappers."""
    made = gymnasium.make(request.param, render_mode="rgb_array", rig=RIG, images=True, threads=1).unwrapped
    yield made
    made.close()


@pytest.fixture(scope="module")
def tabletop():
    """The tabletop without pictures."""
    made = simloom.scenes.TabletopEnvironment()
    yield made
    made.close()


@pytest.fixture(scope="module")
def driving():
    """The yard without pictures."""
    made = simloom.scenes.DrivingEnvironment()
    yield made
    made.close()


def _equal(first, second):
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_gymnasium_accepts_it(environment):
    """The official checker finds nothing, not even a warning."""
    check_env(environment, skip_render_check=True)


def test_spaces_are_exact(environment):
    """Spaces have finite bounds, and what comes back has their types and lies within them."""
    environment.action_space.seed(1)
    observations = [environment.reset(seed=1)[0]]
    observations += [environment.step(environment.action_space.sample())[0] for _ in range(5)]

    for name, space in environment.observation_space.spaces.items():
        assert not isinstance(space, gymnasium.spaces.Box) or np.isfinite([space.low, space.high]).all(), name
        for observation in observations:
            assert observation[name].dtype == space.dtype
            assert space.contains(observation[name]), name
    assert environment.action_space.dtype == np.float32


def test_docstrings_have_gymnasiums_headings(environment):
    """The documentation follows Gymnasium's headings."""
    headings = [line.strip() for line in type(environment).__doc__.splitlines() if line.strip().startswith("## ")]

    assert headings == [
        f"## {name}"
        for name in (
            "Description", "Action Space", "Observation Space", "Rewards", "Starting State", "Episode End", "Arguments",
            "Version History",
        )
    ]  # fmt: skip


def test_episodes_follow_the_seed(environment):
    """A seed starts a series of episodes; without one the next is taken; the same seed repeats the series."""
    series = []
    for _ in range(2):
        run = [environment.reset(seed=3), environment.reset(), environment.reset()]
        series.append([observation for observation, _ in run])
        assert [info["episode"] for _, info in run] == [0, 1, 2]
        assert all(type(info["seed"]) is int and info["margins"] for _, info in run)

    for first, second in zip(*series, strict=True):
        _equal(first, second)
    assert not np.array_equal(series[0][0]["image"], series[0][1]["image"])


def test_actions_repeat(environment):
    """The same seed and actions give the same bytes, pictures included."""
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (4, *environment.action_space.shape)).astype(np.float32)
    runs = []
    for _ in range(2):
        environment.reset(seed=6)
        runs.append([environment.step(action) for action in actions])

    for first, second in zip(*runs, strict=True):
        _equal(first[0], second[0])
        assert first[1:] == second[1:]


def test_a_picture_is_drawn(environment):
    """The picture has the camera's size, the world moving on changes it, and asking for it changes nothing."""
    first, _ = environment.reset(seed=5)
    for _ in range(8):
        after, *_ = environment.step(np.full(environment.action_space.shape, 0.7, np.float32))
    picture = environment.render()

    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 5
    np.testing.assert_array_equal(picture, after["image"])
    assert not np.array_equal(first["image"], picture)


def test_mistakes_are_answered(environment):
    """Wrong actions, options and calls out of turn are refused with what is allowed."""
    environment.reset(seed=1)
    size = environment.action_space.shape[0]
    for action in (np.full(size, np.nan), np.zeros(size + 1)):
        with pytest.raises(ValueError, match=f"an action is {size} finite numbers"):
            environment.step(action)
    for options, words in (
        ({"parameter": {}}, "did you mean 'parameters'"),
        ({"parameters": {"object_cont": 1}}, "did you mean 'object_count'"),
        ({"u": np.full(3, 0.5)}, "coordinates"),
    ):
        with pytest.raises(ValueError, match=words):
            environment.reset(options=options)
    for arguments, words in (
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"render_mode": "ansi"}, "rgb_array, human or None"),
    ):
        with pytest.raises(ValueError, match=words):
            type(environment)(**arguments)


def test_calls_out_of_turn_are_refused(tabletop):
    """Before the first reset nothing can be stepped or seen."""
    made = simloom.scenes.TabletopEnvironment(render_mode="rgb_array")
    for call in (lambda: made.step(np.zeros(9, np.float32)), made.render):
        with pytest.raises(RuntimeError, match="call reset"):
            call()
    made.close()
    made.close()


def test_human_needs_a_display(monkeypatch):
    """Without a display `human` is not offered, and the class says what to do; with one it is."""
    monkeypatch.setattr(module, "has_display", lambda: False)
    assert module.render_modes() == ["rgb_array"]
    with pytest.raises(ValueError, match="needs a display"):
        simloom.scenes.TabletopEnvironment(render_mode="human")
    monkeypatch.setattr(module, "has_display", lambda: True)
    assert module.render_modes() == ["rgb_array", "human"]


def test_human_shows_every_step(monkeypatch):
    """Where a display is, every reset and step is shown, and render returns nothing."""
    shown = []

    class Recorder:
        def __init__(self, title, frames_per_second):
            assert frames_per_second == 10

        def show(self, picture):
            shown.append(picture)

        def close(self):
            shown.append("closed")

    monkeypatch.setattr(module, "has_display", lambda: True)
    monkeypatch.setattr(module, "Window", Recorder)
    made = simloom.scenes.DrivingEnvironment(render_mode="human", rig=RIG, threads=1)
    observation, _ = made.reset(seed=1)
    made.step(np.zeros(2, np.float32))
    assert made.render() is None
    made.close()

    assert "image" not in observation
    assert [picture.shape for picture in shown[:-1]] == [(48, 64, 3)] * 3
    assert shown[-1] == "closed"


def test_options_are_taken(tabletop):
    """Parameters and u act on the episode, and u on nothing else than what it says."""
    few, _ = tabletop.reset(seed=1, options={"parameters": {"object_count": 4}})
    u = np.full(tabletop.space.size, 0.4)
    first, _ = tabletop.reset(options={"u": u})
    second, _ = tabletop.reset(seed=9, options={"u": u})

    assert few["object_valid"].sum() == 4
    _equal(first, second)


def test_the_arm_moves_and_the_reward_is_its_distance(tabletop):
    """Joints go towards their targets, and the reward is minus the distance to the first object."""
    before, _ = tabletop.reset(seed=4)
    target = np.zeros(tabletop.action_space.shape, np.float32)
    for _ in range(30):
        after, reward, _, _, info = tabletop.step(target)
    box = tabletop.observation_space["joint_position"]
    middle = 0.5 * (box.low + box.high)
    away = after["hand_position"] - after["object_position"][:3]

    assert reward == -info["distance"] == pytest.approx(-np.linalg.norm(away), abs=1e-5)
    assert (np.abs(after["joint_position"] - middle)[:7] < np.abs(before["joint_position"] - middle)[:7] + 1e-6).all()


def test_the_horizon_truncates(driving):
    """An episode is cut off after its horizon."""
    made = simloom.scenes.DrivingEnvironment(horizon=3)
    made.reset(seed=1)
    ends = [made.step(np.zeros(2, np.float32))[2:4] for _ in range(3)]
    made.close()

    assert ends == [(False, False), (False, False), (False, True)]


def test_a_goal_is_reached(driving):
    """Steering at the goal brings the robot there; the rewards are the way made good, and 1."""
    observation, _ = driving.reset(seed=3, options={"parameters": {"wall_count": 0, "object_count": 1}})
    way, total = float(np.hypot(*observation["goal"])), 0.0
    for _ in range(120):
        turn = math.atan2(observation["goal"][1], observation["goal"][0])
        action = np.array([max(0.0, math.cos(turn)), np.clip(2.0 * turn, -1.0, 1.0)], np.float32)
        observation, reward, terminated, _, info = driving.step(action)
        total += reward
        if terminated:
            break

    assert info["is_success"]
    assert not info["is_collision"]
    assert info["distance"] < 0.5
    assert total == pytest.approx(way - info["distance"] + 1.0, abs=1e-5)


def test_a_collision_ends_the_episode(driving):
    """Driving at what stands ahead ends with a collision, which costs 1."""
    for seed in range(20):
        observation, _ = driving.reset(seed=seed, options={"parameters": {"goal.bearing": math.pi}})
        if observation["range"][0] < 4.0:
            break
    for _ in range(100):
        observation, reward, terminated, _, info = driving.step(np.array([1.0, 0.0], np.float32))
        if terminated:
            break

    assert info["is_collision"]
    assert not info["is_success"]
    assert reward < -0.8


def test_commands_change_at_the_stated_rate(driving):
    """Full speed is asked for at once and reached at the acceleration of the scenario."""
    driving.reset(seed=2, options={"parameters": {"drive.acceleration": 1.0}})
    speeds = [driving.step(np.array([1.0, 0.0], np.float32))[0]["velocity"][0] for _ in range(5)]

    np.testing.assert_allclose(speeds, 0.1 * np.arange(1, 6), atol=0.05)


def test_a_refused_reset_takes_no_episode(tabletop):
    """What is refused leaves the series where it was, and before physics was asked also the episode."""
    tabletop.reset(seed=5)
    for arguments, words in (
        ({"options": {"u": np.full(3, 0.5)}}, "coordinates"),
        ({"options": {"parameters": {"object_cont": 1}}}, "did you mean"),
        ({"seed": 8, "options": {"u": np.full(3, 0.5)}}, "coordinates"),
    ):
        with pytest.raises(ValueError, match=words):
            tabletop.reset(**arguments)
    tabletop.step(np.zeros(9, np.float32))
    with pytest.raises(ValueError, match="must lie inside"):
        tabletop.reset(options={"u": np.full(tabletop.space.size, 1.5)})
    _, info = tabletop.reset()

    assert (info["seed"], info["episode"]) == (5, 1)


def test_a_closed_environment_says_so():
    """After closing, every call is answered by what to do."""
    made = simloom.scenes.DrivingEnvironment(render_mode="rgb_array", rig=RIG, threads=1)
    made.reset(seed=1)
    made.close()
    for call in (made.reset, lambda: made.step(np.zeros(2, np.float32)), made.render):
        with pytest.raises(RuntimeError, match="the environment is closed; make a new one"):
            call()


def test_a_step_too_many_is_warned_of(driving):
    """After the end Gymnasium's logger warns, once, and says which end it was."""
    made = simloom.scenes.DrivingEnvironment(horizon=1)
    stay = np.zeros(2, np.float32)
    made.reset(seed=1)
    made.step(stay)
    with pytest.warns(UserWarning, match="already returned truncated = True.*call 'reset"):
        made.step(stay)
    *_, truncated, _ = made.step(stay)
    made.reset()
    made.step(stay)
    made.close()

    assert truncated


@pytest.mark.parametrize("rig", [{"imu": {"imu": "bmi088", "mount": "panda/hand"}}, {"scan": {"lidar": "vlp16"}}])
def test_a_rig_needs_no_camera(rig):
    """Without a camera there are no pictures, and who asks for them is told."""
    made = simloom.scenes.TabletopEnvironment(rig=rig, window=0.1, slots=2)
    made.reset(seed=1, options={"parameters": {"object_count": 1}})
    made.step(np.zeros(9, np.float32))
    made.close()
    for options in ({"images": True}, {"render_mode": "rgb_array"}):
        with pytest.raises(ValueError, match="the rig has no camera; add one, or leave out images and render_mode"):
            simloom.scenes.TabletopEnvironment(rig=rig, window=0.1, slots=2, **options)


def test_devices_are_checked_at_once():
    """A device that there is not is refused when the environment is made."""
    with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda', got 'gpu'"):
        simloom.scenes.TabletopEnvironment(device="gpu")


def test_what_cannot_be_required_is_refused_at_once(driving):
    """Every condition is named with how often it held, when the environment is made and at a reset."""
    conditions = ["object_count > 9", "object_count < 3", "yard.side > 1"]
    with pytest.raises(ValueError, match=r"of 4096 draws 0 met all, 'object_count > 9' held in \d+, .* < 3' held in"):
        gymnasium.make("simloom/Driving-v0", require=conditions)
    made = simloom.scenes.DrivingEnvironment(require=["object_count > 4", "wall_count < 9"])
    with pytest.raises(
        RuntimeError, match=r"in 1 draws; the last: not met: object_count > 4; .* > 4' held in 0, 'wall"
    ):
        made.reset(options={"parameters": {"object_count": 2}})
    made.close()
