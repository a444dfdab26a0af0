"""Synthetic rows with the names that a dataset has; every row is a function of its index alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from simloom.sim.dataset.specs import Array
from simloom.sim.dataset.writer import DatasetWriter

ROWS_PER_SCENARIO = 4
LOOKS = 2
SLOTS = 3
HEIGHT, WIDTH = 24, 32
RECIPE = "simloom: 1\nscene: tabletop\nseed: 7\nviews: 2\nlooks: 2\n"
TABLES: dict[str, Any] = {"classes": {"0": "background", "4": "box"}, "parameters": {"friction": {"unit": "1"}}}
PLATFORM = {"device": "cpu", "simloom": "0.1.0"}


def make_row(index: int) -> dict[str, Array]:
    """One row; two looks of a view share their labels."""
    own = np.random.default_rng([1, index])
    shared = np.random.default_rng([2, index // LOOKS])
    scenario, inner = divmod(index, ROWS_PER_SCENARIO)
    image = (HEIGHT, WIDTH)
    return {
        "sample/index": np.int64(index),
        "sample/scenario": np.int64(scenario),
        "sample/step": np.int32(0),
        "sample/view": np.int32(inner // LOOKS),
        "sample/look": np.int32(inner % LOOKS),
        "sample/valid": np.uint8(index % 11 != 10),
        "sample/verdict": np.uint8(index % 7 == 6),
        "sample/seed": np.uint64(2**63 + 7),
        "sample/weight": np.float64(1.0 + index / 3),
        "sample/u": own.random(3),
        "param/friction": np.float64(own.random()),
        "param/light.azimuth": np.float64(own.random() * 360),
        "param/position": own.random(2),
        "sensor/head/rgb": own.integers(0, 255, (*image, 3), dtype=np.uint8),
        "sensor/head/depth": (1 + own.random(image)).astype(np.float32).round(2),
        "sensor/head/depth_status": own.integers(0, 7, image, dtype=np.uint8),
        "label/head/instance": shared.integers(0, SLOTS, image).astype(np.uint16),
        "label/head/normal": shared.normal(size=(*image, 3)).astype(np.float16),
        "label/head/box_visible": shared.random((SLOTS, 4)).astype(np.float32),
        "camera/head/intrinsics": np.diag([30.0, 30.0, 1.0]),
        "object/valid": np.ones(SLOTS, np.uint8),
        "object/pose_world_object": shared.normal(size=(SLOTS, 4, 4)),
    }


def make_rows(rows: range) -> dict[str, Array]:
    """Rows stacked to arrays."""
    made = [make_row(index) for index in rows]
    return {name: np.stack([row[name] for row in made]) for name in made[0]}


def open_writer(folder: Path, rows: int = 20, **more: Any) -> DatasetWriter:
    """A writer with the arguments that the tests share: shards of two scenarios, eight rows."""
    arguments: dict[str, Any] = {
        "rows_wanted": rows,
        "rows_per_scenario": ROWS_PER_SCENARIO,
        "scenarios_per_shard": 2,
        "tables": TABLES,
        "platform": PLATFORM,
        "threads": 2,
    }
    recipe = more.pop("recipe", RECIPE)
    return DatasetWriter.open(folder, recipe, **{**arguments, **more})


def make_dataset(folder: Path, rows: int = 20, **more: Any) -> str:
    """A finished dataset; returns its root digest."""
    writer = open_writer(folder, rows, **more)
    for shard in writer.missing():
        writer.commit_shard(shard, make_rows(writer.shard_rows(shard)))
    manifest = writer.finish()
    assert manifest is not None
    return manifest.root_digest
