"""The bench: every stage of the pipeline measured on this machine, on a recipe's own rows or on saved snapshots."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...kernels.device import require_device
from ..campaign.plan import make_plan
from ..errors import UsageError
from ..recipe import Recipe, load_recipe
from .capture_stage import measure_capture
from .machine import describe_machine
from .physics_stage import measure_physics
from .pipeline_stage import measure_pipeline
from .replay_stage import measure_replay, watch_replay
from .report import BenchReport
from .snapshots import open_snapshots
from .stage_result import StageResult
from .storage_stages import measure_loading, measure_writing

WORLDS = 8
"""Worlds whose rows are rendered, written and read."""
VIEWS = {"cpu": 64, "cuda": 1024}
"""Views of a batch of saved snapshots."""
_SHARE = {"physics": 0.15, "capture": 0.3, "write": 0.2, "load": 0.1, "pipeline": 0.25}


def run_bench(
    recipe: Recipe | str | Path | Mapping[str, Any] = "tabletop",
    *,
    device: str = "cpu",
    snapshots: str | Path | None = None,
    seconds: float = 40.0,
    views: int | None = None,
    folder: str | Path | None = None,
    allow_code: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> BenchReport:
    """Measure physics, rendering, sensors, compressing, writing, loading, and the whole pipeline.

    Args:
        recipe: Whose rows; what `load_recipe` takes.
        device: Where rendering and sensing run, "cpu" or "cuda".
        snapshots: A replay file to render instead; physics is then left out, and so it is with the snapshots that come
            with the package, which serve where PyBullet is not installed.
        seconds: About how long is measured; starting and compiling come on top [s].
        views: Views of a batch of snapshots; None chooses by the device.
        folder: Where files are written, which chooses the disk that is measured; None = the temporary folder.
        allow_code: Whether the recipe may name a scene as `module:Class`.
        tell: Called with what comes next.

    Returns:
        The report.

    Raises:
        UsageError: If the recipe, the file or the device cannot be used.

    Example:
        >>> report = run_bench("tabletop", seconds=10.0)
        >>> report.stages[0].stage
        'physics'
    """
    if not seconds > 0.0:
        raise UsageError(f"seconds must be above 0, got {seconds}")
    try:
        require_device(device)
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"--device {device}: {error}") from error
    metadata = describe_machine(device)
    room = Path(tempfile.mkdtemp(prefix="simloom-bench-", dir=folder))
    try:
        if snapshots is not None or find_spec("pybullet") is None:
            return _bench_snapshots(
                snapshots, metadata, room, device=device, seconds=seconds, views=views or VIEWS[device], tell=tell
            )
        if views is not None:
            raise UsageError(f"views={views} is for snapshots; a recipe has a key of that name")
        loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        return _bench_recipe(loaded, metadata, room, device=device, seconds=seconds, allow_code=allow_code, tell=tell)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _bench_recipe(
    recipe: Recipe,
    metadata: Mapping[str, Any],
    room: Path,
    *,
    device: str,
    seconds: float,
    allow_code: bool,
    tell: Callable[[str], None],
) -> BenchReport:
    tell("the scene")
    plan = make_plan(recipe, allow_code=allow_code)
    try:
        per_world = recipe.rows_per_scenario
        tell("physics")
        physics, stages = measure_physics(plan, seconds=_SHARE["physics"] * seconds, keep=WORLDS)
        if not stages:
            raise UsageError("no world of the recipe settled; see what `simloom preview` says of it")
        tell("rendering and sensors")
        captured, rows = measure_capture(plan, stages, device=device, seconds=_SHARE["capture"] * seconds)
        stored = _store(rows, room, device=device, seconds=seconds, codec=recipe.codec, tell=tell)
        results = [physics, *captured, *stored]
        alone = {r.stage: r.ours.rate * (per_world if r.stage == "physics" else 1) for r in results}
        tell("the whole pipeline")
        slowest = min(alone[name] for name in alone if name in ("physics", "render", "sensors", "write"))
        wanted = max(int(_SHARE["pipeline"] * seconds * 0.5 * slowest / per_world), 2) * per_world
        pipeline = measure_pipeline(
            plan, room / "pipeline", rows=wanted, device=device, alone=alone, allow_code=allow_code
        )
    finally:
        plan.scene.close()
    return BenchReport(
        subject=f"recipe {recipe.scene}, {recipe.views} views x {recipe.looks} looks",
        device=device,
        metadata=metadata,
        stages=tuple(results),
        pipeline=pipeline,
        notes=(f"Rows of {len(stages)} worlds, {len(rows['sample/index'])} rows, all that the recipe asks for.",),
    )


def _bench_snapshots(
    snapshots: str | Path | None,
    metadata: Mapping[str, Any],
    room: Path,
    *,
    device: str,
    seconds: float,
    views: int,
    tell: Callable[[str], None],
) -> BenchReport:
    replay = open_snapshots(snapshots)
    why = f"{snapshots} is rendered" if snapshots is not None else "PyBullet is not installed here"
    tell("rendering and sensors")
    captured, capture = measure_replay(replay, device=device, views=views, seconds=_SHARE["capture"] * seconds)
    stored = _store(capture.rows(), room, device=device, seconds=seconds, codec="deflate", tell=tell)
    results = [*captured, *stored]
    alone = {result.stage: result.ours.rate for result in results}
    tell("the pipeline behind physics")
    pipeline = watch_replay(capture, room / "pipeline", seconds=_SHARE["pipeline"] * seconds, alone=alone)
    return BenchReport(
        subject="snapshots of a Panda at a table" if snapshots is None else f"snapshots of {Path(snapshots).name}",
        device=device,
        metadata=metadata,
        stages=tuple(results),
        pipeline=pipeline,
        notes=(
            f"Physics is left out: {why}. Poses move in every batch of {views} views and are uploaded.",
            "A row is a view: colour, depth, ids; a camera image and a stereo depth image measured from them.",
        ),
    )


def _store(
    rows: Mapping[str, Any],
    room: Path,
    *,
    device: str,
    seconds: float,
    codec: Any,
    tell: Callable[[str], None],
) -> list[StageResult]:
    tell("compressing and writing")
    written, dataset = measure_writing(rows, room, seconds=_SHARE["write"] * seconds, codec=codec)
    tell("loading")
    loaded = measure_loading(dataset, room / "naive.h5", room, device=device, seconds=_SHARE["load"] * seconds)
    return [*written, loaded]
