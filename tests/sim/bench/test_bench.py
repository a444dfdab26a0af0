"""The bench: what it measures, and what it says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from device_world import open_world
from typer.testing import CliRunner

from simloom.kernels.device import Kernel
from simloom.renderers.replay import save_replay
from simloom.renderers.view import Camera
from simloom.sim.bench import bandwidth, peers, run_bench
from simloom.sim.bench.bandwidth import copy_memory, write_raw
from simloom.sim.bench.motion import keep_first_look, move_snapshots, resize_camera
from simloom.sim.bench.pipeline_stage import PipelineResult, measure_pipeline
from simloom.sim.bench.report import BenchReport
from simloom.sim.bench.snapshots import BUILT_IN, open_snapshots
from simloom.sim.bench.stage_result import StageResult
from simloom.sim.bench.storage_stages import measure_writing
from simloom.sim.bench.timing import Measurement
from simloom.sim.campaign.plan import make_plan
from simloom.sim.campaign.stage_counter import StageCounter
from simloom.sim.cli import app
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.errors import UsageError
from simloom.sim.recipe import load_recipe

STAGES = ["physics", "render", "sensors", "compress", "write", "load"]
TINY = ["views=1", "looks=1", "rig.head.width=24", "rig.head.height=16", "parameters.object_count={fixed: 3}"]


def make_report() -> BenchReport:
    """A report of one stage: 2 rows in 1 s under a roof of 8, beside a peer's 0.5, and a pipeline."""
    ours, roof, peer = (
        Measurement(name=name, items=items, seconds=(1.0, 1.0, 1.0), first_call=9.0)
        for name, items in (("ours", 2.0), ("memory copy", 8.0), ("peer", 0.5))
    )
    stage = StageResult(
        stage="render", unit="row", measurements=(ours, roof, peer), roof="memory copy", peers=(("ours", "peer"),),
        bytes_per_item=1000.0, facts={"ns_per_pixel": 12.5}, excluded="physics",
    )  # fmt: skip
    counters = (
        StageCounter(stage="physics", wall=4.0, busy=1.0, items=3, item="world"),
        StageCounter(stage="capture", wall=4.0, busy=3.0, items=8, item="row"),
    )
    metadata = {
        "simloom": "0", "commit": "0123456789abcdef", "modified": False, "python": "3", "cpu": "a processor",
        "versions": {"numpy": "2", "pybullet": "absent"}, "cores": 2, "memory_gib": 4.0, "system": "an OS",
        "load_before": 0.1,
    }  # fmt: skip
    pipeline = PipelineResult(rows=8, seconds=4.0, start=1.0, counters=counters, alone={"render": 2.0})
    return BenchReport(
        subject="a recipe", device="cpu", metadata=metadata, stages=(stage,), pipeline=pipeline, notes=("a note",)
    )


def test_a_report_says_what_a_reader_of_a_paper_asks() -> None:
    """Rate, share of the roof, peers, machine, versions, commit, exclusions, and the stage that binds."""
    page = make_report().to_markdown()

    for words in (
        "| render | 2 rows/s | 2 to 2 | 25 % of memory copy | 4x peer |", "a processor, 2 cores", "`0123456789ab`",
        "numpy 2", "1,000 bytes a row", "Excluded: physics", "**capture** binds", "2 rows/s over 4.0 s", "- a note",
    ):  # fmt: skip
        assert words in page
    assert "pybullet" not in page


def test_a_report_is_json_for_machines() -> None:
    """What is printed can be read back, with every repeat."""
    read = json.loads(json.dumps(make_report().to_json()))

    assert "capture" == read["pipeline"]["binding_stage"]
    assert {"median": 0.25, "quartiles": [0.25, 0.25]} == read["stages"][0]["roof_fraction"]
    assert [1.0, 1.0, 1.0] == read["stages"][0]["measurements"][0]["seconds"]


def test_the_snapshots_that_come_along_are_small_and_move() -> None:
    """Less than a megabyte; batches differ in poses, not in what stands still, and can be made again."""
    assert BUILT_IN.stat().st_size < 1_000_000
    replay = open_snapshots()
    assert 8 == len(replay.cameras)
    first, again, other = (move_snapshots(replay.snapshots, 3, batch) for batch in (0, 0, 1))
    still = first[2].instance == 0

    assert np.array_equal(first[2].pose_world_instance, again[2].pose_world_instance)
    assert (first[2].pose_world_instance[~still] != other[2].pose_world_instance[~still]).any(axis=(1, 2)).all()
    assert np.array_equal(first[2].pose_world_instance[still], replay.snapshots[2].pose_world_instance[still])
    turned = first[2].pose_world_instance[:, :3, :3]
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(3))
    assert 1 == keep_first_look(replay.snapshots[0]).look_count


def test_a_camera_of_another_size_sees_the_same() -> None:
    """The field of view along the shorter side stays."""
    camera = Camera.from_field_of_view(width=320, height=240, field_of_view=1.0, pose_world_camera=np.eye(4))
    small = resize_camera(camera, 64)

    assert (64, 64) == (small.width, small.height)
    assert small.fy / small.height == pytest.approx(camera.fy / camera.height)
    assert 31.5 == small.cx


def test_roofs_move_the_bytes_that_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy copies, and the raw disk gets as many bytes as asked."""
    launched = []
    launch = Kernel.launch
    monkeypatch.setattr(
        Kernel, "launch", lambda *arguments, **options: (launched.append(arguments), launch(*arguments, **options))[1]
    )
    copy_memory("cpu", 1 << 12)()
    write_raw(tmp_path / "raw", 5_000_001)()

    (arguments,) = launched
    assert 1 << 12 == arguments[2].nbytes
    assert np.array_equal(arguments[2], arguments[3])
    assert 5_000_001 == (tmp_path / "raw").stat().st_size


@pytest.mark.parametrize("wish", [{"seconds": 0.0}, {"device": "tpu"}, {"snapshots": "none.npz"}, {"views": 2}])
def test_what_cannot_be_is_said(wish: dict[str, object]) -> None:
    """One sentence, before anything is measured."""
    with pytest.raises(UsageError, match=r"seconds must|device must|does not exist|is for snapshots"):
        run_bench(**wish)  # type: ignore[arg-type]


def test_a_report_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Not after the minute that measuring takes."""
    done = CliRunner().invoke(app, ["bench", "-o", str(tmp_path / "none" / "report.md"), "--seconds", "0.1"])

    assert done.exit_code == 2, done.output
    assert "cannot write" in done.output


def test_changes_of_a_recipe_are_no_use_to_snapshots(tmp_path: Path) -> None:
    """What would have no effect is refused."""
    given = ["bench", "--snapshots", str(tmp_path / "any.npz"), "--set", "views=2"]
    done = CliRunner().invoke(app, given)

    assert done.exit_code == 2, done.output
    assert "leave one out" in " ".join(done.output.split())


@pytest.mark.slow
def test_a_long_design_is_measured_in_part(tmp_path: Path) -> None:
    """A design has its own number of rows; of its shards some are made."""
    plan = make_plan(load_recipe("tabletop", overrides=[*TINY, "sampler={sobol: {scenarios: 64}}"]))
    try:
        found = measure_pipeline(plan, tmp_path / "d", rows=8, device="cpu", alone={})
    finally:
        plan.scene.close()

    assert found.rows == 8
    with open_dataset(tmp_path / "d", skip_rejected=False) as dataset:
        assert "4 of 32" in dataset.status


def test_writing_keeps_one_dataset_on_the_disk(tmp_path: Path) -> None:
    """However often a shard is committed."""
    rows: dict[str, np.ndarray] = {
        "sample/index": np.arange(2),
        "sample/scenario": np.arange(2),
        "sample/valid": np.ones(2, np.uint8),
    }
    _, folder = measure_writing(rows, tmp_path, seconds=0.1)

    assert [folder] == [path for path in tmp_path.iterdir() if path.is_dir()]
    assert 2 == len(open_dataset(folder))


def test_saved_snapshots_are_measured_without_physics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage but physics has a rate, absent peers are told, and the command writes the page."""
    monkeypatch.setattr(bandwidth, "COPY_BYTES", 1 << 16)
    monkeypatch.setattr(peers, "find_obstacle", lambda: "MuJoCo is not installed")
    page, file, world = tmp_path / "report.md", tmp_path / "boxes.npz", open_world(small=True)
    save_replay(file, world.library, world.snapshots, world.cameras, world.view_snapshot)
    done = CliRunner().invoke(
        app, ["bench", "--snapshots", str(file), "--seconds", "0.3", "--views", "2", "--json", "-o", str(page)]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)

    assert STAGES[1:] == [stage["stage"] for stage in report["stages"]]
    assert all(stage["rate"] > 0 for stage in report["stages"])
    assert report["pipeline"]["binding_stage"] in ("capture", "write")
    assert "Physics is left out" in page.read_text()
    assert "MuJoCo is not installed" == report["stages"][0]["facts"]["peers_absent"]
    assert ["colour, depth, ids / PyBullet TinyRenderer"] == list(report["stages"][0]["peers"])


@pytest.mark.slow
def test_a_recipe_is_measured_from_physics_to_loading(tmp_path: Path) -> None:
    """Every stage has a rate and the whole pipeline a binding stage; nothing is left behind."""
    changes = [word for change in TINY for word in ("--set", change)]
    done = CliRunner().invoke(app, ["bench", "tabletop", "--seconds", "1", "--folder", str(tmp_path), *changes])

    assert done.exit_code == 0, done.output
    assert all(stage in done.stdout for stage in STAGES)
    assert "binds" in done.stdout
    assert [] == list(tmp_path.iterdir())
