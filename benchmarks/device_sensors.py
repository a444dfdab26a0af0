"""Device suite `sensors`: sensor models on images that are on the device, beside a copy of as many bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from device_cases import DeviceSensorCase
from device_differences import DEPTH_SENSORS
from report import CaseResult

from simloom.kernels.camera import apply_camera
from simloom.kernels.depth import apply_depth
from simloom.sim.bench.bandwidth import COPY, copy_contestant
from simloom.sim.bench.gpu import PeakGpuMemory, gpu_memory, synchronize
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "Images lie on the device as tensors, readings stay there; every image has a row number of its own, and so noise "
    "of its own. The device is waited for before and after each call.",
    "Bytes of a pixel: the camera reads 12 (radiance) and writes 3 (sRGB); a depth sensor reads 4 (depth) and writes 5 "
    "(depth and status). The copy moves as many; passes in between count for nothing.",
)
_BYTES = {"camera": 12 + 3}
_DEPTH_BYTES = 4 + 4 + 1


def run_case(case: DeviceSensorCase, *, repeats: int, device: str) -> CaseResult:
    """Measure one case."""
    shape = (case.images, case.height, case.width)
    rows = np.arange(case.images)
    if case.kernel == "camera":
        radiance = place(np.random.default_rng(5).uniform(0.05, 2.0, (*shape, 3)).astype(np.float32), device)
        exposure = np.full(case.images, 2e-3)

        def run() -> None:
            apply_camera(radiance, seed=1, index=rows, exposure_time=exposure, device=device)
    else:
        depth = place(_scene(*shape), device)
        profile = DEPTH_SENSORS[case.kernel]

        def run() -> None:
            apply_depth(depth, profile, fx=0.9 * case.width, seed=1, index=rows, device=device)

    pixels = float(case.images * case.height * case.width)
    moved = _BYTES.get(case.kernel, _DEPTH_BYTES)
    size = case.copied if device == "cuda" else min(case.copied, 1 << 28)
    with PeakGpuMemory() as watched:
        run()
        synchronize(device)
    measured = measure(
        [
            Contestant(name=f"{case.kernel} on {device}", items=pixels, run=run),
            copy_contestant(device, moved, size=size),
        ],
        repeats=repeats,
        warmups=2,
        seconds=4.0,
        synchronize=lambda: synchronize(device),
    )
    return CaseResult(
        case=case.name,
        unit="px",
        settings={"images": case.images, "resolution": [case.width, case.height], "bytes_per_pixel": moved},
        measurements=measured,
        ratios=[(measured[0].name, COPY)],
        facts={
            "ns_per_pixel": 1e9 / measured[0].rate,
            "copy_gb_per_second": measured[1].rate * moved / 1e9,
            "peak_device_memory_mib": round(watched.bytes / 2**20, 1),
        },
    )


def place(array: Any, device: str) -> Any:
    """Put an array where the device is: a tensor on a GPU, NumPy elsewhere and in the simulator."""
    if device == "cpu" or gpu_memory() is None:
        return array
    import torch

    return torch.from_numpy(array).cuda()


def _scene(images: int, height: int, width: int) -> Any:
    """Make depths of a floor, boxes on it, sky above."""
    depth = np.zeros((images, height, width), np.float32)
    depth[:] = np.linspace(3.0, 0.6, height, dtype=np.float32)[:, None]
    depth[:, height // 3 : height // 2, :: max(width // 8, 1)] = 0.7
    depth[:, : height // 8] = 0.0
    return depth
