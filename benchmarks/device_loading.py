"""Device suite `loading`: batches of a dataset as tensors of the device, beside a copy from the host."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from device_cases import DeviceLoadCase
from report import CaseResult

from simloom.sim.bench.gpu import gpu_memory, synchronize
from simloom.sim.bench.timing import Contestant, measure
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.writer import DatasetWriter

NOTES = (
    "Rows of colour, depth and ids, shuffled, from the page cache, into tensors of the device by `dataset.torch`. The "
    "roof copies as many bytes from page-locked memory of the host, batch by batch.",
)
ARRAYS = ("sensor/head/rgb", "sensor/head/depth", "label/head/instance", "sample/index")


def run_case(case: DeviceLoadCase, *, repeats: int, device: str) -> CaseResult:
    """Measure one case."""
    with tempfile.TemporaryDirectory(prefix="simloom-device-") as name:
        size = _write(case, Path(name) / "data")
        on_gpu = device == "cuda" and gpu_memory() is not None
        with open_dataset(Path(name) / "data") as dataset:
            loader = dataset.torch(batch_size=case.batch, arrays=ARRAYS, **({"device": "cuda"} if on_gpu else {}))

            def load() -> None:
                for _ in loader:
                    pass

            measured = measure(
                [
                    Contestant(name="dataset.torch, raw", items=case.rows, run=load),
                    Contestant(name="copy from the host", items=case.rows, run=_copy(case, size, on_gpu)),
                ],
                repeats=repeats,
                seconds=6.0,
                synchronize=lambda: synchronize(device),
            )
    return CaseResult(
        case=case.name,
        unit="row",
        settings={"resolution": [case.side, case.side], "rows": case.rows, "batch": case.batch, "bytes_per_row": size},
        measurements=measured,
        ratios=[(measured[0].name, measured[1].name)],
        facts={"megabytes_per_second": {m.name: m.rate * size / 1e6 for m in measured}, "tensors_on_a_gpu": on_gpu},
    )


def _write(case: DeviceLoadCase, folder: Path) -> int:
    rng, shape = np.random.default_rng(3), (case.rows, case.side, case.side)
    rows: dict[str, Any] = {
        "sample/index": np.arange(case.rows),
        "sample/scenario": np.arange(case.rows),
        "sample/valid": np.ones(case.rows, np.uint8),
        "sensor/head/rgb": rng.integers(0, 255, (*shape, 3), dtype=np.uint8),
        "sensor/head/depth": rng.random(shape, dtype=np.float32),
        "sensor/head/depth_status": np.zeros(shape, np.uint8),
        "label/head/instance": rng.integers(0, 12, shape).astype(np.uint16),
    }
    writer = DatasetWriter.open(
        folder, "simloom: 1\nscene: tabletop\n", rows_wanted=case.rows, rows_per_scenario=1,
        scenarios_per_shard=case.rows, codec="raw",
    )  # fmt: skip
    writer.commit_shard(0, rows)
    writer.finish()
    return sum(rows[name][0].nbytes for name in ARRAYS)


def _copy(case: DeviceLoadCase, size: int, on_gpu: bool) -> Any:
    import torch

    source = torch.zeros(case.batch * size, dtype=torch.uint8, pin_memory=on_gpu)
    target = torch.empty_like(source, device="cuda" if on_gpu else "cpu")

    def run() -> None:
        for _ in range(case.rows // case.batch):
            target.copy_(source, non_blocking=True)

    return run
