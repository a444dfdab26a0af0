"""Datasets of episodes: pure rows, addresses that count steps, padding that readers skip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simloom.renderers import load_replay
from simloom.sim import generate, load_recipe, open_dataset, regenerate_row
from simloom.sim.campaign.plan import make_plan
from simloom.sim.dataset.dataset import Dataset
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import RecipeError
from simloom.sim.preview import preview_recipe
from simloom.sim.quality.gate import run_gate

HORIZON = 20
RECIPE: dict[str, Any] = {
    "scene": "driving",
    "seed": 4,
    "views": 2,
    "slots": 4,
    "supersample": 1,
    "episode": {"horizon": HORIZON, "policy": "expert"},
    "parameters": {
        "object_count": 1,
        "wall_count": 0,
        "goal.distance": {"uniform": [1.05, 3.5]},
        "drive.acceleration": 2.0,
        "goal.bearing": 0.0,
    },
    "rig": {
        "head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 32, "height": 24},
        "front": {
            "camera": "generic_rgb",
            "width": 32,
            "height": 24,
            "mount": "husky/base_link",
            "position": [1, 0, 1],
        },
    },
}
PER_SCENARIO = HORIZON * 2
ROWS = 3 * PER_SCENARIO


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenarios, made in one go in this process."""
    made = tmp_path_factory.mktemp("episodes") / "whole"
    generate(RECIPE, samples=ROWS, out=made, workers=0)
    return made


@pytest.fixture(scope="module")
def everything(folder: Path) -> Dataset:
    """All its rows, padding included."""
    return open_dataset(folder, skip_rejected=False)


def test_rows_are_pure(folder: Path, everything: Dataset, tmp_path: Path) -> None:
    """By workers, in other batches and shards, begun small and gone on with, rows are the same, and again."""
    generate(RECIPE, samples=PER_SCENARIO + 7, out=tmp_path / "parts", workers=2, batch=1, scenarios_per_shard=1)
    parts = generate(RECIPE, samples=ROWS, out=tmp_path / "parts", workers=0, batch=3)
    report = verify_dataset(folder, regenerate=regenerate_row(str(folder)), regenerate_count=3)

    assert parts.root_digest == everything.root_digest
    assert report.ok


def test_rows_count_scenario_step_view_and_look(everything: Dataset) -> None:
    """The look counts fastest, then the view, then the step; nothing is missing."""
    found = np.stack([everything.array(f"sample/{name}") for name in ("scenario", "step", "view", "look")], axis=1)
    expected = np.stack(np.unravel_index(np.arange(ROWS), (3, HORIZON, 2, 1)), axis=1)

    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(everything.array("sample/index"), np.arange(ROWS))


def test_padding_is_skipped_and_no_failure(folder: Path, everything: Dataset) -> None:
    """Rows after an early end are invalid for a reason of their own, hold nothing, and count as no tombstones."""
    kept = open_dataset(folder)
    reason, valid = everything.array("sample/reason"), everything.array("sample/valid")
    manifest = kept.manifest
    padding = np.flatnonzero(valid == 0)

    assert 0 < len(padding) < ROWS
    assert set(reason[padding]) == {12}
    assert set(reason[valid == 1]) == {0}
    assert manifest is not None
    assert manifest.outcomes.tombstone_count == 0
    assert len(kept) == int(valid.sum())
    for name in ("task/action", "task/reward", "sensor/head/rgb", "state/time", "task/terminated"):
        assert not everything.array(name, padding[:4].tolist()).any()
    address = everything.array("sample/step").reshape(3, HORIZON, 2)
    alive = valid.reshape(3, HORIZON, 2)
    # Once over, over; and all views and looks of a step share it.
    assert (np.diff(alive.astype(int), axis=1) <= 0).all()
    assert (alive == alive[:, :, :1]).all()
    assert address.max() == HORIZON - 1


def test_episodes_can_be_read_in_order(folder: Path) -> None:
    """Each episode's rows come with rising steps and time, and end once."""
    dataset = open_dataset(folder)
    episodes = dataset.episodes()

    assert len(episodes) == 3 * 2
    for rows in episodes:
        read = dataset.read_rows(
            rows, ["sample/step", "state/time", "task/terminated", "task/truncated", "task/action"]
        )
        np.testing.assert_array_equal(read["sample/step"], np.arange(len(rows)))
        np.testing.assert_allclose(np.diff(read["state/time"]), 0.1, atol=1e-9)
        ended = read["task/terminated"] | read["task/truncated"]
        np.testing.assert_array_equal(ended, np.arange(len(rows)) == len(rows) - 1)
        assert read["task/action"].shape == (len(rows), 2)


def test_views_differ_and_show_one_episode(everything: Dataset) -> None:
    """Of one step, the views have cameras of their own, and the same world; over time the robot's camera moves."""
    pose = everything.array("camera/head/pose_world_camera").reshape(3, HORIZON, 2, 4, 4)
    front = everything.array("camera/front/pose_world_camera").reshape(3, HORIZON, 2, 4, 4)
    joints = everything.array("state/joint_position").reshape(3, HORIZON, 2, -1)
    rgb = everything.array("sensor/front/rgb").reshape(3, HORIZON, 2, -1)

    assert not np.array_equal(pose[0, 0, 0], pose[0, 0, 1])
    np.testing.assert_array_equal(pose[0, 0], pose[0, 3])
    np.testing.assert_array_equal(joints[:, :, 0], joints[:, :, 1])
    assert np.abs(front[0, 3] - front[0, 0])[:, :3, 3].max() > 0.01
    assert not np.array_equal(rgb[0, 0, 0], rgb[0, 3, 0])


def test_an_episode_dataset_can_be_shown_and_judged(folder: Path, tmp_path: Path) -> None:
    """The contact sheet is there, the preview draws, the gate answers, and a replay of its points makes the worlds."""
    again = {**RECIPE, "sampler": {"replay": str(folder)}, "views": 1, "episode": {"horizon": 3}}
    made = generate(again, out=tmp_path / "again", workers=0, snapshots=tmp_path / "again.npz")
    first = open_dataset(folder, skip_rejected=False).row(0)

    assert (folder / "contact_sheet.png").stat().st_size > 10_000
    assert preview_recipe(load_recipe(RECIPE), rows=2, tile_width=64).startswith(b"\x89PNG")
    assert run_gate(folder, scenarios=1)
    assert len(load_replay(tmp_path / "again.npz").cameras) == 3 * 3 * 2
    np.testing.assert_array_equal(made[0]["object/pose_world_object"], first["object/pose_world_object"])


@pytest.mark.parametrize(
    "change, words",
    [
        ({"rig": {"top": {"lidar": "velodyne_vlp16", "mount": "husky/base_link"}}}, "'top': episodes hold cameras"),
        ({"episode": {"horizon": 3, "policy": "expert"}, "scene": "drivng"}, "did you mean 'driving'"),
        ({"parameters": {"goal.distance": 400.0}}, "goal.distance"),
    ],
)
def test_what_an_episode_cannot_be_is_told(change: dict[str, Any], words: str) -> None:
    """Where and why, in one sentence."""
    with pytest.raises(RecipeError, match=words):
        make_plan(load_recipe({**RECIPE, **change}))


def test_recipes_without_episodes_keep_their_digest() -> None:
    """`episode: null`, said or not, is what it was."""
    assert load_recipe({"episode": None}).sha256 == load_recipe({}).sha256
    assert load_recipe({}).to_json()["episode"] is None
    assert load_recipe({"episode": {}}).to_json()["episode"] == {"horizon": 200, "policy": "expert"}
