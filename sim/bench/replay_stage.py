"""The render and sensor stages, and the pipeline behind them, from snapshots in a file: no physics, no PyBullet."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.camera import apply_camera
from ...kernels.depth import apply_depth
from ...renderers.frames import Frames
from ...renderers.raster.raster import Raster
from ...renderers.replay import Replay
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from ..campaign.shard_writer import ShardWriter
from ..campaign.stage_counter import StageCounter
from ..dataset.writer import DatasetWriter
from .bandwidth import COPY, copy_contestant
from .capture_stage import PLAIN, PLAIN_OUTPUTS
from .gpu import bring_home, synchronize
from .motion import keep_first_look, move_snapshots
from .peers import explain_absent, open_peers
from .pipeline_stage import PipelineResult
from .stage_result import StageResult
from .timing import Contestant, measure

_BATCHES: Final = 3
"""Batches that are gone round: two that follow each other never have equal poses."""
_DRAWN_BYTES: Final = 12 + 4 + 2
_CAMERA_BYTES: Final = 12 + 3
_DEPTH_BYTES: Final = 4 + 4 + 1


class ReplayCapture:
    """Renders and senses batches of moving snapshots: a camera and a stereo depth sensor look at each view.

    Args:
        replay: The snapshots.
        device: "cpu" or "cuda".
        views: Views of a batch.
    """

    def __init__(self, replay: Replay, *, device: str, views: int) -> None:
        self.device, self.views = device, views
        self.raster = Raster(replay.library, device=device, ambient_occlusion=False)
        rows = replay.view_snapshot.tolist()
        base = [keep_first_look(replay.snapshots[row]) for row in rows]
        self.cameras: list[Camera] = [replay.cameras[number % len(rows)] for number in range(views)]
        self.batches: list[list[Snapshot]] = [move_snapshots(base, views, batch) for batch in range(_BATCHES)]
        self._turn = itertools.cycle(range(_BATCHES))
        self._frames: Frames | None = None

    def render(self) -> Frames:
        """Render the next batch, its poses uploaded, into the same arrays."""
        reusable = all(camera.shutter is None for camera in self.cameras)
        frames = self.raster.render(
            self.batches[next(self._turn)], self.cameras, outputs=PLAIN_OUTPUTS, out=self._frames if reusable else None
        )
        self._frames = frames
        return frames

    def sense(self, frames: Frames) -> tuple[Any, Any, Any]:
        """Return images, depths and their statuses, where the frames are."""
        assert frames.colour is not None
        assert frames.depth is not None
        index = np.arange(self.views)
        shape = (self.views, self.cameras[0].height, self.cameras[0].width, 3)
        picture = apply_camera(frames.colour.reshape(shape), seed=1, index=index, device=self.device)
        fx = np.array([camera.fx for camera in self.cameras])
        reading = apply_depth(frames.depth, "realsense_d435", fx=fx, seed=1, index=index, device=self.device)
        return picture.rgb, reading.depth, reading.status

    def rows(self) -> dict[str, NDArray[Any]]:
        """Make the rows of the next batch, on the host."""
        frames = self.render()
        rgb, depth, status = self.sense(frames)
        count = np.arange(self.views)
        return {
            "sample/index": count,
            "sample/scenario": count.copy(),
            "sample/valid": np.ones(self.views, np.uint8),
            "sensor/head/rgb": bring_home(rgb),
            "sensor/head/depth": bring_home(depth),
            "sensor/head/depth_status": bring_home(status),
            "label/head/instance": bring_home(frames.instance).copy(),
        }


def measure_replay(
    replay: Replay, *, device: str, views: int, seconds: float
) -> tuple[list[StageResult], ReplayCapture]:
    """Time rendering and sensing of snapshots whose poses move in every batch.

    Args:
        replay: The snapshots.
        device: "cpu" or "cuda".
        views: Views of a batch.
        seconds: About how long [s].

    Returns:
        The results, and what made them.
    """
    capture = ReplayCapture(replay, device=device, views=views)
    camera = replay.cameras[0]
    pixels = camera.width * camera.height
    # One snapshot alone: a peer loads the meshes of one world.
    one = [(capture.batches[0][0], capture.cameras[0])]
    with open_peers(replay.library, one) as drawers:
        others = [Contestant(name=name, items=1, run=run) for name, run in drawers.items()]
        measured = measure(
            [
                Contestant(name=PLAIN, items=views, run=lambda: _drop(capture.render())),
                copy_contestant(device, _DRAWN_BYTES * pixels),
                *others,
            ],
            seconds=0.6 * seconds,
            repeats=50,
            synchronize=lambda: synchronize(device),
        )
    rate = measured[0].rate
    size = f"{camera.width}x{camera.height}"
    render = StageResult(
        stage="render",
        unit="view",
        measurements=tuple(measured),
        roof=COPY,
        peers=tuple((PLAIN, name) for name in drawers),
        bytes_per_item=_DRAWN_BYTES * pixels,
        facts={
            "ns_per_pixel": 1e9 / (rate * pixels), "picture": size, "views_per_batch": views, "samples_per_pixel": 1,
            **({"peers_absent": absent} if (absent := explain_absent()) else {}),
        },
        excluded="bytes are those of the outputs, each written once; every view has a world and a shadow map of its "
        "own, no ambient occlusion; poses move in every batch and are uploaded; ours in batches, a peer view by view",
    )  # fmt: skip
    frames = capture.render()
    sensed = measure(
        [
            Contestant(name="camera and stereo depth", items=views, run=lambda: _drop(capture.sense(frames))),
            copy_contestant(device, (_CAMERA_BYTES + _DEPTH_BYTES) * pixels),
        ],
        seconds=0.4 * seconds,
        repeats=50,
        synchronize=lambda: synchronize(device),
    )
    sensors = StageResult(
        stage="sensors",
        unit="view",
        measurements=tuple(sensed),
        roof=COPY,
        bytes_per_item=(_CAMERA_BYTES + _DEPTH_BYTES) * pixels,
        facts={"ns_per_pixel": 1e9 / (sensed[0].rate * pixels), "picture": size},
        excluded="bytes are those of each picture that is read and each reading that is written, once",
    )
    return [render, sensors], capture


def watch_replay(capture: ReplayCapture, folder: Path, *, seconds: float, alone: dict[str, float]) -> PipelineResult:
    """Render, sense and write batch after batch, the writer in a thread of its own.

    Args:
        capture: What makes rows.
        folder: A folder that is not there yet.
        seconds: About how long [s].
        alone: Rows per second of each stage measured by itself, to be reported beside.

    Returns:
        What came of it.
    """
    views, begun = capture.views, time.perf_counter()
    shards = 1 << 16
    writer = DatasetWriter.open(
        folder, "simloom: 1\nscene: tabletop\n", rows_wanted=shards * views, rows_per_scenario=1,
        scenarios_per_shard=views,
    )  # fmt: skip
    made, busy = 0, 0.0
    with ShardWriter(writer, on_commit=lambda shard: None) as thread:
        while made == 0 or time.perf_counter() - begun < seconds:
            before = time.perf_counter()
            rows = capture.rows()
            for name in ("sample/index", "sample/scenario"):
                rows[name] += made * views
            busy += time.perf_counter() - before
            thread.put(made, rows)
            made += 1
    wall = time.perf_counter() - begun
    size = sum(array.nbytes for array in rows.values())
    counters = (
        StageCounter(
            stage="capture", wall=wall, busy=busy, output_wait=thread.wait_seconds, items=made, item="batch",
            bytes=made * size,
        ),
        StageCounter(
            stage="write", wall=wall, busy=thread.busy_seconds, input_wait=max(wall - thread.busy_seconds, 0.0),
            items=made, item="shard", bytes=made * size, queue_limit=1,
        ),
    )  # fmt: skip
    return PipelineResult(rows=made * views, seconds=wall, start=0.0, counters=counters, alone=alone)


def _drop(_: Any) -> None:
    return None
