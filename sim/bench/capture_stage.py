"""The render and sensor stages of a recipe: its own rows, made over and over on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...renderers.frames import Frames
from ...renderers.raster.raster import Raster
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from ...scenes.sensing import ideal_signals
from ...scenes.sensors import SensorMount
from ...scenes.stage import Stage
from ..campaign.plan import Plan
from ..campaign.resources import Resources
from ..campaign.row_maker import RowMaker
from .bandwidth import COPY, copy_contestant
from .gpu import synchronize
from .motion import keep_first_look
from .peers import explain_absent, open_peers
from .stage_result import StageResult
from .timing import Contestant, Measurement, measure

PLAIN: Final = "colour, depth, ids"
"""Name of our renders of what peers can give too."""
PLAIN_OUTPUTS: Final = ("colour", "depth", "instance")

_FRAME_OF: Final = {
    "ideal/colour": "colour", "ideal/depth": "depth", "ideal/range": "range", "normal": "normal",
    "instance": "instance", "class": "class_id", "object_coordinates": "object_coordinates",
}  # fmt: skip
# Bytes of a pixel; colour and albedo have one picture a look, the others one for all.
_PER_LOOK: Final = {"colour": 12, "albedo": 12}
_PER_VIEW: Final = {
    "depth": 4, "range": 4, "normal": 12, "instance": 2, "class_id": 1, "object_coordinates": 12,
}  # fmt: skip
_CAMERA_BYTES: Final = 12 + 3
"""Radiance in, sRGB out, of a pixel."""
_DEPTH_BYTES: Final = 4 + 12 + 12 + 4 + 1
"""Depth, normal and albedo in, depth and status out, of a pixel."""


def measure_capture(
    plan: Plan, stages: Sequence[Stage], *, device: str, seconds: float
) -> tuple[list[StageResult], dict[str, NDArray[Any]]]:
    """Time rendering and sensing of some stages.

    Args:
        plan: Whose rig and outputs.
        stages: Valid stages; they are one batch.
        device: "cpu" or "cuda".
        seconds: About how long [s].

    Returns:
        The results of both, none where the rig has no camera, and the rows that were made, as a dataset holds them.
    """
    maker = RowMaker(plan, Resources(device=device), apart=True)
    captured = maker.allocate(len(stages))
    if not plan.scene.rig.mounts:
        maker.fill(stages, captured, start=0)
        return [], maker.finish(captured)
    count = len(captured["sample/index"])
    steps: list[dict[str, float]] = []

    def capture() -> float:
        before = dict(maker.seconds)
        maker.fill(stages, captured, start=0)
        steps.append({name: taken - before[name] for name, taken in maker.seconds.items()})
        return steps[-1]["render"]

    drawn, sensed, pixels = count_bytes(plan)
    ours = Contestant(name="the recipe's outputs", items=count, run=capture)
    mount, views = _plain_views(plan, stages)
    plain = _plain(Raster(plan.scene.library, device=device, ambient_occlusion=False), views)
    # Every mesh of a view must be known to a peer before it is timed: the views of one world.
    with open_peers(plan.scene.library, views[: plan.recipe.views]) as drawers:
        few = min(plan.recipe.views, len(views))
        others = [Contestant(name=name, items=few, run=run) for name, run in drawers.items()]
        roof = copy_contestant(device, max(drawn, 1.0))
        measured = measure(
            [ours, plain, roof, *others], seconds=seconds, repeats=50, synchronize=lambda: synchronize(device)
        )
    by_name = {m.name: m for m in measured}
    copied = by_name[COPY]
    side = f"{mount.width}x{mount.height}"
    render = StageResult(
        stage="render",
        unit="row",
        measurements=tuple(measured),
        roof=COPY,
        peers=tuple((PLAIN, name) for name in drawers),
        bytes_per_item=drawn,
        facts={
            "ns_per_pixel": 1e9 / (by_name[ours.name].rate * pixels),
            f"ns_per_pixel, {PLAIN}": 1e9 / (by_name[PLAIN].rate * mount.width * mount.height),
            "pixels_per_row": pixels,
            "picture_of_peers": side,
            "samples_per_pixel": plan.recipe.supersample**2,
            "copy_gb_per_second": copied.rate * drawn / 1e9,
            **({"peers_absent": absent} if (absent := explain_absent()) else {}),
        },
        excluded=f"bytes are those of the outputs, each written once. Beside peers: {PLAIN} of {side}, one sample a "
        "pixel, shadows, no ambient occlusion; ours in threads and batches, a peer in one thread, view by view",
    )
    timed = tuple(max(step["sensors"], 1e-9) for step in steps[1:])
    sensors = StageResult(
        stage="sensors",
        unit="row",
        measurements=(
            Measurement(name="the recipe's sensors", items=count, seconds=timed, first_call=steps[0]["sensors"]),
            replace(copied, items=copied.items * drawn / max(sensed, 1.0)),
        ),
        roof=COPY,
        bytes_per_item=sensed,
        facts={"ns_per_pixel": 1e9 * float(np.median(timed)) / (count * pixels), "pixels_per_row": pixels},
        excluded="bytes are those of each picture that is read and each reading that is written, once",
    )
    return [render, sensors], maker.finish(captured)


def count_bytes(plan: Plan) -> tuple[float, float, int]:
    """Count what a row moves at least.

    Args:
        plan: Whose rows.

    Returns:
        Bytes that the renderer writes, bytes that the cameras and depth sensors read and write, and pixels.
    """
    scene, wanted = plan.scene, set(plan.recipe.outputs)
    drawn, sensed, pixels = 0.0, 0.0, 0
    for mount in scene.rig.mounts:
        area = mount.width * mount.height
        asked = {*ideal_signals(mount, wanted, scene.space.names)} | {_FRAME_OF[o] for o in wanted if o in _FRAME_OF}
        each = sum(_PER_LOOK.get(name, 0) + _PER_VIEW.get(name, 0) / plan.recipe.looks for name in asked)
        drawn += area * each
        if mount.camera is not None and wanted & {"rgb", "raw"}:
            sensed += area * _CAMERA_BYTES
        if mount.depth is not None and "depth" in wanted:
            sensed += area * _DEPTH_BYTES
        pixels += area
    return drawn, sensed, pixels


def _plain_views(plan: Plan, stages: Sequence[Stage]) -> tuple[SensorMount, list[tuple[Snapshot, Camera]]]:
    mounts = plan.scene.rig.mounts
    mount = next((mount for mount in mounts if mount.camera is not None), mounts[0])
    views = [
        (keep_first_look(snapshot), camera)
        for stage in stages
        for snapshot, camera in zip(stage.snapshots, stage.cameras[mount.name], strict=True)
    ]
    return mount, views


def _plain(raster: Raster, views: Sequence[tuple[Snapshot, Camera]]) -> Contestant:
    """Return our renderer on what peers can draw, into the same arrays over and over."""
    kept: Mapping[str, Frames] = {}
    snapshots, cameras = [snapshot for snapshot, _ in views], [camera for _, camera in views]
    reusable = all(camera.shutter is None for camera in cameras)

    def run() -> None:
        nonlocal kept
        frames = raster.render(snapshots, cameras, outputs=PLAIN_OUTPUTS, out=kept.get("frames"))
        if reusable:
            kept = {"frames": frames}

    return Contestant(name=PLAIN, items=len(views), run=run)
