"""Scenes of episodes: instants as the environment steps them, cameras that ride along, and who acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from simloom.kernels.transforms import compose_pose, invert_pose
from simloom.scenes import DrivingEnvironment, SceneSpec, Stage, TabletopEnvironment
from simloom.scenes.environments.episode_scene import EpisodeScene, make_episode_scene
from simloom.scenes.episode import Episode
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.stage import Reason

CHASE = {
    "camera": "generic_rgb",
    "mount": "husky/base_link",
    "position": [-1.5, 0.0, 1.3],
    "quaternion": [0.5963678, -0.5963678, 0.3799282, -0.3799282],
}
YARD = {
    "slots": 4,
    "rig": {"head": {"camera": "generic_rgb"}, "chase": CHASE},
    "overrides": {"object_count": 2, "wall_count": 0, "goal.distance": 2.0, "goal.bearing": 0.5},
}
TABLE = {
    "slots": 4,
    "rig": {"head": {"camera": "generic_rgb"}, "wrist": {"camera": "generic_rgb", "mount": "panda/hand"}},
    "overrides": {"object_count": 2},
}
ENVIRONMENTS = {"driving": DrivingEnvironment, "tabletop": TabletopEnvironment}
OPTIONS = {"driving": YARD, "tabletop": TABLE}


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[..., EpisodeScene]]:
    """Scenes of episodes, closed at the end."""
    made: dict[tuple[str, str, int], EpisodeScene] = {}

    def find(name: str, policy: str, horizon: int) -> EpisodeScene:
        key = (name, policy, horizon)
        if key not in made:
            episode = Episode(horizon=horizon, policy=policy)
            found = SceneSpec(name=name, options=OPTIONS[name], episode=episode).make()
            assert isinstance(found, EpisodeScene)
            made[key] = found
        return made[key]

    yield find
    for scene in made.values():
        scene.close()


def _play(scene: EpisodeScene, index: int = 0) -> Stage:
    return scene.stage(draw_scenario(scene.space, seed=5, index=index, views=2, looks=1))


def _live(stage: Stage) -> list[Stage]:
    return [instant for instant in stage.instants if instant.valid]


@pytest.mark.parametrize("name", ["driving", "tabletop"])
def test_an_episode_is_the_environment_stepped_by_hand(make: Callable[..., EpisodeScene], name: str) -> None:
    """The same actions, given by hand, lead to the same states and rewards, to the bit."""
    scene = make(name, "expert", 40)
    stage = _play(scene)
    live = _live(stage)
    given = {key: value for key, value in OPTIONS[name].items() if key != "overrides"}
    own = {key: value for key, value in OPTIONS[name]["overrides"].items() if not key.startswith("goal")}
    environment = ENVIRONMENTS[name](horizon=40, threads=1, overrides=own, **given)
    try:
        environment.start(stage.scenario, scene.space)
        assert len(live) > 3
        for instant in live:
            moment = environment.moment
            poses = instant.object["pose_world_object"]
            np.testing.assert_array_equal(instant.state["joint_position"], moment.joint_position)
            np.testing.assert_array_equal(poses[0], moment.links[0])
            np.testing.assert_array_equal(poses[1:3], moment.body_poses[:2])
            action = instant.task["action"]
            assert action.dtype == np.float32
            assert np.abs(action).max() <= 1.0
            _, reward, terminated, truncated, info = environment.advance(action)
            assert instant.task["reward"] == np.float32(reward)
            assert instant.task["terminated"] == terminated
            assert instant.task["truncated"] == (truncated and not terminated)
            assert instant.task["success"] == info["is_success"]
    finally:
        environment.close()


def test_after_an_early_end_comes_padding(make: Callable[..., EpisodeScene]) -> None:
    """A driver that arrives leaves instants that are no valid rows, and say why."""
    stage = _play(make("driving", "expert", 60))
    live = _live(stage)
    rest = stage.instants[len(live) :]

    assert len(stage.instants) == 60
    assert [bool(instant.task["terminated"]) for instant in live] == [False] * (len(live) - 1) + [True]
    assert bool(live[-1].task["success"])
    assert 5 < len(live) < 60
    assert {instant.reason for instant in rest} == {Reason.EPISODE_OVER}
    assert all(not instant.snapshots and not instant.task for instant in rest)


def test_the_last_of_the_horizon_is_cut_off(make: Callable[..., EpisodeScene]) -> None:
    """An episode that the horizon ends says so at its last instant alone."""
    stage = _play(make("tabletop", "hold", 5))

    assert [int(instant.task["truncated"]) for instant in stage.instants] == [0, 0, 0, 0, 1]
    assert all(instant.valid for instant in stage.instants)


@pytest.mark.parametrize("name, fixed, carried, period", [
    ("driving", "head", "chase", 0.1), ("tabletop", "head", "wrist", 1.0 / 30.0),
])  # fmt: skip
def test_cameras_ride_along_and_time_goes_on(
    make: Callable[..., EpisodeScene], name: str, fixed: str, carried: str, period: float
) -> None:
    """What the world carries stands still in each view, what a link carries keeps its place on it."""
    scene = make(name, "expert", 40)
    live = _live(_play(scene))
    first, last = live[0], live[-1]
    row = scene.rig.mounts[1].mount.partition("/")[2]
    part = next(k for k, link in enumerate(scene._inner.links) if link.name.endswith(row))
    shown = int(np.flatnonzero((first.snapshots[0].instance == 1) & (first.snapshots[0].part == part))[0])

    for view in range(2):
        assert last.cameras[fixed][view] is first.cameras[fixed][view]
        there, here = (
            compose_pose(
                invert_pose(stage.snapshots[view].pose_world_instance[shown]),
                stage.cameras[carried][view].pose_world_camera,
            )
            for stage in (first, last)
        )
        np.testing.assert_allclose(there, here, atol=2e-6)
    assert not np.array_equal(first.cameras[carried][0].pose_world_camera, last.cameras[carried][0].pose_world_camera)
    times = [float(stage.state["time"]) for stage in live]
    np.testing.assert_allclose(np.diff(times), period, atol=1e-9)


@pytest.mark.parametrize("name", ["driving", "tabletop"])
def test_pictures_show_the_objects_where_the_truth_says(make: Callable[..., EpisodeScene], name: str) -> None:
    """At each instant the first mesh of each object stands at the object's pose; all views share it."""
    for instant in _live(_play(make(name, "random", 12))):
        for snapshot in instant.snapshots:
            for slot in (1, 2):
                row = int(np.flatnonzero(snapshot.instance == slot + 1)[0])
                pose = snapshot.pose_world_instance[row]
                np.testing.assert_array_equal(pose, instant.object["pose_world_object"][slot])


def test_nothing_sinks_or_jumps(make: Callable[..., EpisodeScene]) -> None:
    """A driver's base keeps its height, and goes no farther in a step than its top speed lets it."""
    live = _live(_play(make("driving", "expert", 60)))
    base = np.array([instant.object["pose_world_object"][0, :3, 3] for instant in live])
    way = np.linalg.norm(np.diff(base[:, :2], axis=0), axis=1)

    assert np.ptp(base[:, 2]) < 0.01
    assert way.max() < 0.11
    assert way.sum() > 0.5


@pytest.mark.parametrize("name, bound", [("driving", 0.005), ("tabletop", 0.01)])
def test_holding_leaves_the_robot_where_it_is(make: Callable[..., EpisodeScene], name: str, bound: float) -> None:
    """Who holds keeps all joints, wheels too, where they stood [rad or m]."""
    stages = _play(make(name, "hold", 20)).instants
    joints = np.array([stage.state["joint_position"] for stage in stages])

    assert np.abs(joints - joints[0]).max() < bound
    assert len({stage.task["action"].tobytes() for stage in stages}) == 1


def test_random_actions_are_drawn_by_address(make: Callable[..., EpisodeScene]) -> None:
    """They differ by step and scenario, fill the action space, and are the same again whatever was made between."""
    scene = make("driving", "random", 30)
    one, other, again = _play(scene, 1), _play(scene, 2), _play(scene, 1)
    actions = np.array([stage.task["action"] for stage in _live(one)])

    assert [stage.task["action"].tobytes() for stage in _live(again)] == [action.tobytes() for action in actions]
    assert actions[0].tobytes() != other.instants[0].task["action"].tobytes()
    assert len(np.unique(actions, axis=0)) == len(actions)
    assert actions.min() < -0.5 < 0.5 < actions.max()
    # Evenly over [-1, 1]: a mean of n numbers has the deviation 1 / sqrt(3 n).
    assert abs(actions.mean()) < 5.0 / np.sqrt(3.0 * actions.size)


def test_the_reacher_reaches(make: Callable[..., EpisodeScene]) -> None:
    """The script brings the hand within 5 cm of the first object, and never presses a thing into another by 2 mm."""
    live = _live(_play(make("tabletop", "expert", 150)))

    assert bool(live[-1].task["success"])
    assert min(float(stage.state["contact_distance"].min()) for stage in live) > -0.002


def test_reported_cameras_follow_the_reported_joints() -> None:
    """With offsets, the camera on the wrist is believed to be where the joints' reports put the hand."""
    scene = make_episode_scene(
        "tabletop",
        {**TABLE, "randomize": ["robot"]},
        Episode(horizon=3, policy="random"),
    )
    try:
        stage = _play(scene)
        inner = scene._inner
        last = stage.instants[-1]
        links = inner._arm.reported_links(last.state["joint_position"])
        mount = scene.rig.mounts[1]
        expected = compose_pose(links[inner.mount_rows[mount.mount]], mount.pose_mount_camera)

        assert np.abs(inner.joint_offsets).max() > 0
        np.testing.assert_allclose(last.nominal_cameras["wrist"][0].pose_world_camera, expected, atol=1e-6)
        assert not np.allclose(
            last.cameras["wrist"][0].pose_world_camera, last.nominal_cameras["wrist"][0].pose_world_camera, atol=1e-6
        )
    finally:
        scene.close()


def test_what_cannot_be_is_refused() -> None:
    """Instruments, unknown policies, horizons and scenes without an environment are told in one sentence."""
    imu = {"rig": {"head": {"camera": "generic_rgb"}, "wrist": {"imu": "bosch_bmi088", "mount": "panda/hand"}}}
    with pytest.raises(ValueError, match="sensor 'wrist': episodes hold cameras"):
        make_episode_scene("tabletop", {"window": 0.1, **imu}, Episode())
    with pytest.raises(ValueError, match="did you mean 'tabletop'"):
        make_episode_scene("tabletp", {}, Episode())
    with pytest.raises(ValueError, match="has no environment"):
        make_episode_scene("simloom.scenes.tabletop:TabletopScene", {}, Episode(), allow_code=True)
    with pytest.raises(ValueError, match="did you mean 'expert'"):
        Episode(policy="exprt")
    with pytest.raises(ValueError, match="must be in"):
        Episode(horizon=0)
