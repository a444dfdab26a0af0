"""Device suite `render`: nanoseconds per pixel in batches of one to thousands of views, and the memory they take."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
from device_cases import DeviceRenderCase
from device_world import make_batch, make_cameras, make_raster, open_world
from report import CaseResult

from simloom.renderers.frames import Frames
from simloom.sim.bench.bandwidth import copy_contestant
from simloom.sim.bench.gpu import PeakGpuMemory, gpu_memory, synchronize
from simloom.sim.bench.timing import Contestant, Measurement, measure

NOTES = (
    "Views of saved snapshots of the tabletop with the Panda and ten objects, each view with a world, poses and a "
    "shadow map of its own, one colour sample a pixel, no ambient occlusion; colour is float32 in linear light.",
    "Three batches of poses are gone round, so that poses move in every call; the call packs and uploads them and "
    "draws, and is waited for: the device is idle when the clock starts and when it stops. Frames stay on the device.",
    "A view's bytes are those of its outputs, each written once; the copy counts bytes read and written. Excluded: "
    "physics, making the snapshots, the first calls. `host_share` is the part of a call's time that has passed when it "
    "returns: near 1 the host binds, not the device.",
)
_BYTES = {"colour": 12, "depth": 4, "instance": 2}
_SHARE_OF_MEMORY = 0.3
_LONGEST = 35.0
"""Time after which no larger batch is begun [s]: a step that is ended has no result at all."""


def run_case(case: DeviceRenderCase, *, repeats: int, device: str) -> CaseResult:
    """Measure one case."""
    world = open_world(case.small)
    raster = make_raster(world, device, case.small, ambient_occlusion=False)
    pixel_bytes = sum(_BYTES[name] for name in case.outputs)
    view_bytes = pixel_bytes * case.side**2
    measured: list[Measurement] = []
    peak: dict[str, float] = {}
    returned: dict[str, float] = {}
    left_out: list[str] = []
    begun = time.perf_counter()
    for views in case.batches:
        if views == case.batches[1]:
            begun = time.perf_counter()  # the first has compiled
        if time.perf_counter() - begun > _LONGEST:
            left_out.append(f"{views} views: smaller batches took {_LONGEST:.0f} s")
            continue
        memory = gpu_memory()
        if memory is not None and views * view_bytes > _SHARE_OF_MEMORY * memory[0]:
            left_out.append(f"{views} views: their outputs take more than {_SHARE_OF_MEMORY:.0%} of the free memory")
            continue
        batch = _batch(case, raster, world, views)
        with PeakGpuMemory() as watched:  # apart: asking for the free memory holds the device up
            batch.run()
            synchronize(device)
        measured += measure([batch], repeats=repeats, seconds=case.seconds, synchronize=lambda: synchronize(device))
        peak[batch.name] = round(watched.bytes / 2**20, 1)
        returned[batch.name] = _time_host(batch, device)
    size = 1 << 12 if case.small else 1 << 30 if device == "cuda" else 1 << 28
    (copied,) = measure(
        [copy_contestant(device, view_bytes, size=size)], repeats=repeats, synchronize=lambda: synchronize(device)
    )
    pixels = case.side**2
    return CaseResult(
        case=case.name,
        unit="view",
        settings={
            "resolution": [case.side, case.side],
            "outputs": list(case.outputs),
            "bytes_per_pixel": pixel_bytes,
            "instances": int(np.mean([len(snapshot.mesh) for snapshot in world.snapshots])),
            "triangles_full_detail": sum(len(world.library.level(int(m)).triangles) for m in world.snapshots[0].mesh),
        },
        measurements=[*measured, copied],
        facts={
            "ns_per_pixel": {m.name: 1e9 / (m.rate * pixels) for m in measured},
            "share_of_copy": {m.name: m.rate / copied.rate for m in measured},
            "copy_gb_per_second": copied.rate * view_bytes / 1e9,
            "host_share": returned,
            "peak_device_memory_mib": peak,
            **({"left_out": left_out} if left_out else {}),
        },
    )


def _batch(case: DeviceRenderCase, raster: Any, world: Any, views: int) -> Contestant:
    cameras = make_cameras(world, views, case.side)
    batches = [make_batch(case.small, views, batch) for batch in range(3)]
    turn = itertools.cycle(batches)
    kept: Frames | None = None

    def run() -> None:
        nonlocal kept
        kept = raster.render(next(turn), cameras, outputs=case.outputs, out=kept)

    return Contestant(name=f"batches of {views}", items=views, run=run)


def _time_host(batch: Contestant, device: str) -> float:
    """Return which share of a call's time has passed when it returns: the host's, where the device is faster."""
    synchronize(device)
    begun = time.perf_counter()
    batch.run()
    back = time.perf_counter()
    synchronize(device)
    return (back - begun) / max(time.perf_counter() - begun, 1e-9)
