"""Rows so small that a whole dataset is written in a few milliseconds; every row is a function of its index alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.shard_file import read_shard
from simloom.sim.dataset.specs import Array
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.dataset.writer import DatasetWriter

ROWS = 10
"""Rows of the finished dataset: two full shards of four rows, and a short one."""
FEWER = 6
"""Rows of the dataset that grows to `ROWS`: its second shard is short."""
RECIPE = "simloom: 1\nscene: tabletop\nseed: 7\n"
EXTRAS = {"contact_sheet.png": bytes(range(256))}
TABLES = {"classes": {"0": "background", "4": "box"}, "parameters": {"friction": {"unit": "1"}}}
PLATFORM = {"device": "cpu", "simloom": "0.1.0"}


@cache
def make_rows(start: int, stop: int) -> Mapping[str, Array]:
    """Rows of one shard."""
    index = np.arange(start, stop, dtype=np.int64)
    # Smooth enough to be worth compressing, so that shards hold chunks, a chunk index, and values stored as they are.
    image = index[:, None, None, None] * 37 + np.arange(24 * 20 * 3).reshape(24, 20, 3) // 17
    return {
        "sample/index": index,
        "sample/scenario": index // 2,
        "sample/valid": np.ones(len(index), np.uint8),
        "sample/verdict": (index % 3 == 1).astype(np.uint8),
        "sample/weight": 1.0 + index / 3,
        "param/friction": index / 7,
        "sensor/head/rgb": (image % 251).astype(np.uint8),
        "label/head/instance": (image[..., 1] // 40 % 3).astype(np.uint16),
        "sensor/head/depth": (image[..., 0] % 101 / 7).astype(np.float32),
    }


def open_writer(folder: Path, rows: int = ROWS, **more: Any) -> DatasetWriter:
    """A writer of shards of four rows."""
    arguments = {
        "rows_per_scenario": 2,
        "scenarios_per_shard": 2,
        "platform": PLATFORM,
        "threads": 1,
        "tables": TABLES,
        **more,
    }
    return DatasetWriter.open(folder, RECIPE, rows_wanted=rows, **arguments)


def write_dataset(
    folder: Path, rows: int = ROWS, report: Callable[[str], None] = lambda text: None, **more: Any
) -> str | None:
    """Write what is missing, telling of each shard as soon as it is promised; returns the root digest at the end."""
    writer = open_writer(folder, rows, **more)
    for shard in writer.missing():
        there = writer.shard_rows(shard)
        writer.commit_shard(shard, make_rows(there.start, there.stop))
        report(f"{there.start} {there.stop}")
    manifest = writer.finish(EXTRAS)
    return None if manifest is None else manifest.root_digest


def check_survivors(folder: Path, promised: list[str]) -> int:
    """Read what is left after a fault; returns the number of shards that are there.

    Raises:
        AssertionError: A promised shard is gone, a shard is partial, or a value is another.
    """
    whole = make_rows(0, ROWS)
    for path in sorted((folder / "shards").glob("*.h5")) if (folder / "shards").is_dir() else ():
        stored = read_shard(path)
        rows = stored["sample/index"]
        assert rows.tolist() == list(range(int(rows[0]), int(rows[-1]) + 1)), path
        for name, array in stored.items():
            assert np.array_equal(array, whole[name][rows]), (path, name)
    commits = list((folder / "commits").glob("*.json")) if (folder / "commits").is_dir() else []
    if not commits:
        assert not promised, f"{promised} were promised and none is there"
        return 0
    with open_dataset(folder, skip_rejected=False) as dataset:
        there = dataset.rows
        for line in promised:
            start, stop = map(int, line.split())
            assert set(range(start, stop)) <= set(there.tolist()), f"rows {line} were promised and are gone"
        for name, array in dataset.read_rows(there).items():
            assert np.array_equal(array, whole[name][there]), name
    return len(commits)


def finish_and_verify(folder: Path, digest: str) -> None:
    """Run the same command again, and check that nothing tells of the fault."""
    found = write_dataset(folder)
    assert found == digest, f"root digest {found}"
    report = verify_dataset(folder)
    assert not report.findings, report.lines()
    assert not list(folder.rglob("*.tmp")), "a temporary file is left"


def warm_up(folder: Path) -> None:
    """Do once what a process does only once, so that processes forked from this one start at once."""
    finish_and_verify(folder, str(write_dataset(folder)))
    check_survivors(folder, [])
