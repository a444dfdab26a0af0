"""Suite `write`: rows and megabytes per second of shard building and of plain h5py."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from cases import WriteCase
from naive_writer import write_frames, write_rows
from numpy.typing import NDArray
from report import CaseResult

from simloom.scenes.capture import Capturer
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene
from simloom.sim.bench.machine import core_count
from simloom.sim.bench.timing import Contestant, Measurement, measure
from simloom.sim.dataset.shard import build_shard
from simloom.sim.dataset.writer import DatasetWriter

OUTPUTS = ("rgb", "depth", "instance", "class", "boxes", "poses", "contacts")
_MOST_SHARDS = 1000
FRAMES, DISK = "h5py gzip 4, a file a row", "raw disk"
NOTES = (
    "Rows of the tabletop with sensor noise (8 rows a scenario), the same arrays on both sides. `build_shard` makes "
    "the bytes of the HDF5 file in memory: deflate level 1 in threads where an array shrinks by a third. `commit` is "
    "all that a campaign does for a shard of a folder that is open: digests of every row, the same bytes, file and "
    "commit record written and synced to disk.",
    "h5py writes a file in a temporary folder, one chunk per row for images, `compression='gzip'` at its default "
    "level 4, without digests or sync. `a file a row` is BlenderProc's way: every array with gzip, chunks of h5py's "
    "choice. `raw disk` writes the uncompressed bytes to one file and syncs it. Megabytes are of uncompressed rows.",
)


def make_rows(case: WriteCase) -> dict[str, NDArray[Any]]:
    """Make the rows to be written: real scenes with noise."""
    rig = {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": case.width, "height": case.height}}
    scene = TabletopScene(rig=rig)
    views = min(8, case.rows)
    try:
        capturer = Capturer(scene=scene, outputs=OUTPUTS, seed=1, views=views, looks=1)
        rows = capturer.allocate(case.rows)
        for first in range(0, case.rows - views + 1, views):
            scenario = draw_scenario(scene.space, seed=1, index=first // views, views=views)
            capturer.fill([scene.stage(scenario)], rows, start=first)
    finally:
        scene.close()
    rows["sample/index"][:] = np.arange(case.rows)
    rows["sample/scenario"][:] = np.arange(case.rows)
    return rows


def run_case(case: WriteCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    rows = make_rows(case)
    size = sum(array.nbytes for array in rows.values())
    cores = core_count()
    with tempfile.TemporaryDirectory(prefix="simloom-bench-") as name, ThreadPoolExecutor(1) as single:
        folder, stored = Path(name), dict[str, int]()
        contestants = [
            Contestant(
                name=f"commit{codec}, {cores} threads",
                items=case.rows,
                run=_committer(rows, case.rows, folder, stored, codec.strip() or "deflate"),
            )
            for codec in ("", " zstd", " raw")
        ] + [
            Contestant(name=f"build_shard, {cores} threads", items=case.rows, run=lambda: _drop(build_shard(rows))),
            Contestant(
                name="build_shard, 1 thread", items=case.rows, run=lambda: _drop(build_shard(rows, executor=single))
            ),
        ]
        for level in (4, 1):
            contestants.append(
                Contestant(
                    name=f"h5py gzip {level}", items=case.rows, run=_h5py(rows, folder / f"{level}.h5", level, stored)
                )
            )
        contestants.append(Contestant(name=FRAMES, items=case.rows, run=_frames(rows, folder / "frames", stored)))
        contestants.append(Contestant(name=DISK, items=case.rows, run=lambda: _write_raw(rows, folder / "raw", stored)))
        measured = measure(contestants, repeats=repeats)
    ours = [m.name for m in measured if "h5py" not in m.name and m.name != DISK]
    return CaseResult(
        case=case.name,
        unit="row",
        settings={"resolution": [case.width, case.height], "rows": case.rows, "bytes_per_row": size // case.rows},
        measurements=measured,
        ratios=[(name, other) for name in ours for other in ("h5py gzip 4", FRAMES, DISK)],
        facts={
            "megabytes_per_second": {m.name: _megabytes(m, size / case.rows) for m in measured},
            "stored_over_raw": {name: written / size for name, written in stored.items()},
        },
    )


def _committer(rows: Mapping[str, NDArray[Any]], count: int, folder: Path, stored: dict[str, int], codec: str) -> Any:
    # One folder, shard after shard, as a campaign writes them.
    writer = DatasetWriter.open(
        folder / f"dataset {codec}",
        "scene: tabletop",
        rows_wanted=count * _MOST_SHARDS,
        rows_per_scenario=1,
        scenarios_per_shard=count,
        codec=codec,
    )
    shards = iter(range(_MOST_SHARDS))

    def run() -> None:
        shard = next(shards)
        index = np.arange(shard * count, (shard + 1) * count)
        numbered = {**rows, "sample/index": index, "sample/scenario": index}
        stored[f"commit {codec}"] = writer.commit_shard(shard, numbered).size

    return run


def _h5py(rows: Mapping[str, NDArray[Any]], path: Path, level: int, stored: dict[str, int]) -> Any:
    def run() -> None:
        write_rows(path, rows, level)
        stored[f"h5py gzip {level}"] = path.stat().st_size

    return run


def _frames(rows: Mapping[str, NDArray[Any]], folder: Path, stored: dict[str, int]) -> Any:
    folder.mkdir()

    def run() -> None:
        write_frames(folder, rows)
        stored[FRAMES] = sum(path.stat().st_size for path in folder.iterdir())

    return run


def _write_raw(rows: Mapping[str, NDArray[Any]], path: Path, stored: dict[str, int]) -> None:
    with path.open("wb", buffering=0) as file:
        for array in rows.values():
            left = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
            while left:
                left = left[file.write(left) :]
        os.fsync(file.fileno())
    stored[DISK] = path.stat().st_size


def _megabytes(measurement: Measurement, row_bytes: float) -> float:
    return measurement.rate * row_bytes / 1e6


def _drop(_: Any) -> None:
    return None
