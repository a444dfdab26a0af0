"""Campaigns: rows are a function of the recipe and their number alone, whatever makes them and whatever fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import simloom
from simloom.scenes.stage import Reason, Stage
from simloom.sim.campaign.campaign import Campaign
from simloom.sim.campaign.plan import make_plan
from simloom.sim.campaign.row_regeneration import regenerate_row
from simloom.sim.campaign.stages import StageSource
from simloom.sim.dataset.errors import DatasetFolderError, RecipeMismatchError
from simloom.sim.dataset.outcomes import Outcomes
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import PassingError, RecipeError, UsageError
from simloom.sim.recipe import load_recipe

TINY: dict[str, Any] = {
    "views": 2,
    "looks": 2,
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 48, "height": 36}},
    "parameters": {"object_count": {"integer": [3, 4]}},
    "slots": 6,
}
ROWS = 22  # five and a half scenarios


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset made in one process, a scenario at a time."""
    folder = tmp_path_factory.mktemp("campaign") / "alone"
    simloom.generate(TINY, samples=ROWS, out=folder, workers=0, batch=1, scenarios_per_shard=2)
    return folder


@pytest.fixture
def tiny_yaml(tmp_path: Path) -> Path:
    """The recipe as a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


def _digest(folder: Path) -> str:
    return simloom.open_dataset(folder).root_digest


@pytest.mark.parametrize("workers, batch, shard", [(1, 2, 1), (2, 3, None)])
def test_digest_does_not_depend_on_workers_batch_or_shards(
    alone: Path, tmp_path: Path, workers: int, batch: int, shard: int | None
) -> None:
    """The same rows come from any number of processes, in batches and shards of any size."""
    dataset = simloom.generate(
        TINY, samples=ROWS, out=tmp_path / "d", workers=workers, batch=batch, scenarios_per_shard=shard
    )

    assert dataset.root_digest == _digest(alone)


def test_two_machines_share_the_shards(alone: Path, tmp_path: Path) -> None:
    """Each makes its part; who comes last finishes the dataset."""
    parts: dict[str, Any] = {"samples": ROWS, "out": tmp_path / "d", "workers": 0, "scenarios_per_shard": 2}
    first = simloom.generate(TINY, shard_index=1, shard_count=2, **parts)
    assert not first.is_complete
    second = simloom.generate(TINY, shard_index=0, shard_count=2, **parts)

    assert second.is_complete
    assert second.root_digest == _digest(alone)


def test_a_larger_count_appends_and_a_smaller_one_is_refused(alone: Path, tmp_path: Path) -> None:
    """The first rows stay what they are."""
    folder = tmp_path / "d"
    simloom.generate(TINY, samples=6, out=folder, workers=0, scenarios_per_shard=2)
    dataset = simloom.generate(TINY, samples=ROWS, out=folder, workers=0)

    assert dataset.root_digest == _digest(alone)
    with pytest.raises(DatasetFolderError, match="was begun with 22 rows"):
        simloom.generate(TINY, samples=6, out=folder, workers=0)


def test_seeds_differ_and_seed_zero_is_a_seed(alone: Path, tmp_path: Path) -> None:
    """Another seed makes other rows; a folder belongs to one seed."""
    other = simloom.generate(TINY, samples=4, out=tmp_path / "one", seed=1, workers=0)
    zero = simloom.generate(TINY, samples=4, out=tmp_path / "zero", seed=0, workers=0)

    assert other.root_digest != zero.root_digest
    assert np.array_equal(zero.row(0)["sensor/head/rgb"], simloom.open_dataset(alone).row(0)["sensor/head/rgb"])
    with pytest.raises(RecipeMismatchError, match="seed"):
        simloom.generate(TINY, samples=4, out=tmp_path / "zero", seed=1, workers=0)


def test_rows_made_again_are_equal(alone: Path) -> None:
    """A dataset's own recipe regenerates any of its rows to the byte."""
    report = verify_dataset(alone, regenerate=regenerate_row(alone), regenerate_count=3)

    assert report.ok
    assert report.findings == ()


def test_rows_are_consistent(alone: Path) -> None:
    """Labels, sensors and truth of a row speak of the same scene."""
    dataset = simloom.open_dataset(alone)
    assert len(dataset) == ROWS
    for row in dataset:
        ids, seen = row["label/head/instance"], row["label/head/visible_pixels"]
        assert np.array_equal(np.bincount(ids.ravel(), minlength=7)[1:7], seen)
        assert (seen <= row["label/head/total_pixels"]).all()
        assert (seen[row["object/valid"] == 0] == 0).all()
        assert int(row["param/object_count"]) + 1 == row["object/valid"].sum()
        for slot in np.nonzero(seen)[0]:
            y, x = np.nonzero(ids == slot + 1)
            assert row["label/head/box_visible"][slot].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert ((row["sensor/head/depth"] > 0) == (row["sensor/head/depth_status"] == 0)).all()
        assert row["sample/verdict"] == 0


def test_views_and_looks_share_what_they_should(alone: Path) -> None:
    """Looks of a view share its labels, views of a scenario share its objects, nothing shares a picture."""
    dataset = simloom.open_dataset(alone)
    first, look, view = dataset.row(0), dataset.row(1), dataset.row(2)

    assert np.array_equal(first["label/head/instance"], look["label/head/instance"])
    assert not np.array_equal(first["sensor/head/rgb"], look["sensor/head/rgb"])
    assert not np.array_equal(first["sensor/head/depth"], look["sensor/head/depth"])
    assert not np.array_equal(first["camera/head/pose_world_camera"], view["camera/head/pose_world_camera"])
    assert np.array_equal(first["object/pose_world_object"], view["object/pose_world_object"])


def _start(recipe: Path, out: Path, rows: int, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simloom.sim.cli", "generate", str(recipe), "-n", str(rows), "-o", str(out)]
    options = ["--workers", "1", "--scenarios-per-shard", "1", "--batch", "1"]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        # A test run in the background ignores SIGINT and hands that down; a user's command does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _wait_for_commits(process: subprocess.Popen[str], out: Path, count: int) -> None:
    # The run may have kernels to compile first: minutes on a cold cache.
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        if len(list((out / "commits").glob("*.json"))) >= count:
            return
        time.sleep(0.002)


@pytest.mark.parametrize("kill, code", [(signal.SIGKILL, -9), (signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_an_interrupted_run_resumes_to_the_same_digest(
    alone: Path, tmp_path: Path, tiny_yaml: Path, kill: signal.Signals, code: int
) -> None:
    """Whatever ends the run, committed shards stay, and the same command finishes the dataset."""
    for attempt in range(10):  # a run that was done before the signal came proves nothing: again
        out = tmp_path / f"d{attempt}"
        with _start(tiny_yaml, out, ROWS) as process:
            _wait_for_commits(process, out, 1)
            process.send_signal(kill)
            _, errors = process.communicate(timeout=300)
        there = simloom.open_dataset(out)
        if not there.is_complete:
            break

    assert process.returncode == code
    assert "Traceback" not in errors
    assert not there.is_complete
    assert verify_dataset(out).ok

    resumed = simloom.generate(load_recipe(tiny_yaml), samples=ROWS, out=out, workers=0)
    assert resumed.root_digest == _digest(alone)
    assert verify_dataset(out).ok


@pytest.mark.parametrize("point", ["after-shard-half", "after-shard-link", "after-record-link", "after-manifest-write"])
def test_a_crash_at_any_step_of_a_commit_loses_nothing_committed(
    tmp_path: Path, tiny_yaml: Path, alone: Path, point: str
) -> None:
    """Killed inside a commit, the run leaves a sound dataset that the same command finishes."""
    out = tmp_path / "d"
    with _start(tiny_yaml, out, 4, SIMLOOM_CRASH_AT=point) as process:
        process.communicate(timeout=300)
    assert process.returncode == -9
    dataset = simloom.generate(load_recipe(tiny_yaml), samples=4, out=out, workers=0)

    assert verify_dataset(out).ok
    assert np.array_equal(dataset.row(3)["sensor/head/rgb"], simloom.open_dataset(alone).row(3)["sensor/head/rgb"])


class _Failing:
    """A scene whose stages fail for some scenarios and attempts; everything else is the scene's own."""

    def __init__(self, scene: Any, fails: Any) -> None:
        self._scene, self._fails = scene, fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scene, name)

    def stage(self, scenario: Any) -> Stage:
        stage: Stage = self._scene.stage(scenario)
        if not self._fails(scenario):
            return stage
        values = {field: getattr(stage, field) for field in stage.__dataclass_fields__}
        return Stage(**{**values, "valid": False, "reason": Reason.NOT_SETTLED})


def _failing_campaign(folder: Path, recipe: dict[str, Any], rows: int | None, fails: Any) -> Campaign:
    campaign = Campaign(load_recipe(recipe), folder, samples=rows, workers=0)
    object.__setattr__(campaign.plan, "scene", _Failing(campaign.plan.scene, fails))
    return campaign


def test_the_random_sampler_draws_again_and_stores_the_attempt(tmp_path: Path) -> None:
    """A scenario that fails is drawn again; the others are what they were."""
    campaign = _failing_campaign(tmp_path / "d", TINY, 12, lambda s: s.index == 1 and s.attempt < 2)
    dataset = campaign.run()

    assert dataset.array("sample/attempt").tolist() == [0] * 4 + [2] * 4 + [0] * 4
    assert campaign.outcomes == Outcomes(redraws={"not_settled": 2})
    assert dataset.manifest.outcomes == campaign.outcomes


def test_a_design_leaves_tombstones(tmp_path: Path) -> None:
    """A designed point that fails stays: zeros, the reason, its point, and no verdict that accepts it."""
    recipe = {**TINY, "sampler": {"sobol": {"scenarios": 4}}, "looks": 1}
    campaign = _failing_campaign(tmp_path / "d", recipe, None, lambda s: s.index == 2)
    dataset = campaign.run()
    tombstone, sound = (simloom.sim.open_dataset(tmp_path / "d", skip_rejected=False).row(row) for row in (4, 6))

    assert campaign.outcomes == Outcomes(tombstones={"not_settled": 1})
    assert dataset.manifest.outcomes == campaign.outcomes
    assert dataset.rows.tolist() == [0, 1, 2, 3, 6, 7]
    assert (int(tombstone["sample/valid"]), int(tombstone["sample/reason"]), int(tombstone["sample/verdict"])) == (
        0,
        1,
        1,
    )
    assert not tombstone["sensor/head/rgb"].any()
    assert tombstone["sample/u"].all()
    assert set(tombstone) == set(sound)


def test_scenarios_that_never_settle_end_in_a_tombstone(tmp_path: Path) -> None:
    """Redrawing is bounded."""
    campaign = _failing_campaign(tmp_path / "d", TINY, 4, lambda s: True)
    campaign.run()

    assert campaign.outcomes == Outcomes(redraws={"not_settled": 19}, tombstones={"not_settled": 1})


def test_stages_come_in_order_from_many_workers() -> None:
    """Whoever is done first, the stages come as asked."""
    plan = make_plan(load_recipe(TINY))
    with StageSource(plan, iter([3, 1, 4, 0]), workers=2, ahead=3) as source:
        indices = [stage.scenario.index for stage in source]

    assert indices == [3, 1, 4, 0]


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(tmp_path: Path) -> None:
    """Rows, shards and sizes are known before anything is made."""
    estimate = Campaign(load_recipe(TINY), tmp_path / "d", samples=ROWS).estimate()

    assert (estimate.rows_wanted, estimate.rows_to_make, estimate.scenarios_to_make) == (ROWS, ROWS, 6)
    assert "sensor/head/rgb" in estimate.arrays
    assert not (tmp_path / "d").exists()


def test_resolved_recipes_load_again_and_mean_the_same(alone: Path) -> None:
    """A dataset's recipe.yaml is a recipe: every default, the parameters, the assets."""
    text = (alone / "recipe.yaml").read_text()
    plan = make_plan(load_recipe(alone / "recipe.yaml"))

    assert plan.asset_sha256 in text
    assert set(yaml.safe_load(text)["resolved"]["parameters"]) == set(plan.scene.space.names)
    assert plan.recipe.sha256 == load_recipe(TINY).sha256
    tampered = load_recipe({**TINY, "resolved": {"assets_sha256": "0" * 64}})
    with pytest.raises(RecipeError, match="assets have changed"):
        make_plan(tampered)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"scene": "tabeltop"}, "did you mean 'tabletop'"),
        ({"scene": "os:path"}, "--allow-code"),
        ({"parameters": {"frction": {"fixed": 1}}}, "unknown parameter 'frction'"),
        ({"parameters": {"object_count": {"uniform": [3, 4]}}}, "whole number"),
        ({"parameters": {"object_count": {"integer": [3, 400]}}}, "object_count must lie in"),
        ({"randomize": ["lightning"]}, "did you mean 'lighting'"),
        ({"rig": {"head": {"camera": "generic_rbg"}}}, "generic_rgb"),
        ({"rig": {"head": {"camera": "realsense_d435"}}}, "not of kind 'camera'"),
        ({"rig": {"w": {"depth": "realsense_d435", "mount": "panda/hnd"}}}, "has no link"),
        ({"robot": "/nowhere/arm.urdf"}, "/nowhere/arm.urdf"),
        ({"slots": 1}, "slots"),
    ],
)
def test_what_the_scene_refuses_is_a_recipe_error(change: dict[str, Any], words: str) -> None:
    """Mistakes that only the scene can see are answered like all others."""
    with pytest.raises(RecipeError, match=words):
        make_plan(load_recipe({**TINY, **change}))


def test_arguments_out_of_range_are_refused(tmp_path: Path) -> None:
    """Each says what is allowed."""
    recipe = load_recipe(TINY)
    for arguments, words in (
        ({"samples": 0}, "at least 1"),
        ({"samples": None}, "at least 1"),
        ({"samples": 4, "workers": -1}, "workers"),
        ({"samples": 4, "batch": 0}, "batch"),
        ({"samples": 4, "shard_index": 2, "shard_count": 2}, "shard-index"),
        ({"samples": 4, "device": "tpu"}, "'cpu' or 'cuda'"),
    ):
        with pytest.raises(UsageError, match=words):
            Campaign(recipe, tmp_path / "d", **arguments)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has 16 rows"):
        Campaign(load_recipe({**TINY, "sampler": {"sobol": {"scenarios": 4}}}), tmp_path / "d", samples=20)


def test_too_small_a_disk_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that cannot fit are not begun."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))

    with pytest.raises(PassingError, match="free some space"):
        simloom.generate(TINY, samples=4, out=tmp_path / "d", workers=0)


def test_snapshots_are_saved_for_replay(tmp_path: Path) -> None:
    """The file holds every view that was rendered, and renders to the same labels."""
    from simloom.renderers import Raster, load_replay

    dataset = simloom.generate(TINY, samples=8, out=tmp_path / "d", workers=0, snapshots=tmp_path / "s.npz")
    replay = load_replay(tmp_path / "s.npz")
    frames = Raster(replay.library).render(
        replay.snapshots, replay.cameras, view_snapshot=replay.view_snapshot, outputs=("instance",)
    )

    assert frames.instance is not None
    assert len(replay.cameras) == 4
    assert [np.array_equal(frames.instance[v], dataset.row(2 * v)["label/head/instance"]) for v in range(4)] == [
        True
    ] * 4


def test_only_what_was_asked_for_is_written(tmp_path: Path) -> None:
    """Checks may need more than the outputs; the dataset holds the outputs."""
    recipe = {**TINY, "outputs": ["instance", "ideal/depth"], "checks": {"visible_fraction": {"min": 0.0}}}
    dataset = simloom.generate(recipe, samples=2, out=tmp_path / "d", workers=0)
    images = {name for name in dataset.names if name.split("/")[0] in ("sensor", "ideal", "label", "object")}

    assert images == {"label/head/instance", "ideal/head/depth"}


@pytest.fixture(autouse=True)
def _close_worlds() -> Iterator[None]:
    """Give physics clients back: Bullet has room for some thousand only."""
    import gc

    yield
    gc.collect()


def test_outputs_without_an_image_need_no_contact_sheet(tmp_path: Path) -> None:
    """A dataset of poses and visibility is finished, and whole, without a picture."""
    folder = tmp_path / "poses"
    dataset = simloom.generate({**TINY, "outputs": ["visibility", "poses"]}, samples=4, out=folder, workers=0)

    assert dataset.is_complete
    assert not any("/rgb" in name for name in dataset.names)
    assert not (folder / "contact_sheet.png").exists()
    assert verify_dataset(folder).ok
