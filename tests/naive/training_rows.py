"""Small datasets to load from: rows of `dataset_rows`, some of them called real or made by a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simloom.sim.dataset.dataset import Dataset
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.specs import Array

from .dataset_rows import HEIGHT, WIDTH, make_rows, open_writer


def make_source(
    folder: Path,
    rows: int,
    *,
    first: int = 0,
    real: bool = False,
    generation: int = 0,
    more: bool = True,
    size: int = 0,
    recipe: str = "",
) -> Dataset:
    """A dataset of the rows from `first` on, none skipped; `size` crops its images to a square."""
    writer = open_writer(folder, rows, recipe=recipe or f"simloom: 1\nscene: tabletop\nseed: {first}\n")
    for shard in writer.missing():
        mine = writer.shard_rows(shard)
        arrays: dict[str, Array] = make_rows(range(first + mine.start, first + mine.stop))
        arrays["sample/index"] -= first
        arrays["sample/scenario"] -= first // 4
        arrays["sample/valid"][:] = 1
        arrays["sample/verdict"][:] = 0
        if more:
            arrays["sample/is_real"] = np.full(len(mine), real, np.uint8)
            arrays["sample/generation"] = np.full(len(mine), generation, np.int32)
        else:
            del arrays["label/head/normal"]
        if size:
            image = {name: array for name, array in arrays.items() if array.shape[1:3] == (HEIGHT, WIDTH)}
            arrays |= {name: array[:, :size, :size] for name, array in image.items()}
        writer.commit_shard(shard, arrays)
    writer.finish()
    return open_dataset(folder)


def make_shapes(
    folder: Path, rows: int, *, first: int = 0, millimetres: bool = False, depth_only: bool = False
) -> Dataset:
    """Pictures of a table with a robot and an object, as boxes of one colour each, with their classes.

    With `millimetres`, ideal and measured depth are there too as uint16; with `depth_only`, measured depth alone.
    """
    writer = open_writer(folder, rows, recipe=f"simloom: 1\nscene: tabletop\nseed: {first}\n")
    colours = np.array([[0.1, 0.1, 0.3], [0.0, 0.0, 0.0], [0.5, 0.4, 0.3], [0.8, 0.8, 0.8], [0.7, 0.1, 0.1]])
    for shard in writer.missing():
        mine = writer.shard_rows(shard)
        classes = np.zeros((len(mine), HEIGHT, WIDTH), np.uint8)
        classes[:, 10:] = 2
        for place, row in enumerate(mine):
            down, right = divmod((first + row) * 37 % 128, 16)
            classes[place, :14, right : right + 4] = 3
            classes[place, 12 + down : 17 + down, 26 - right : 32 - right] = 4
        radiance = colours[classes] * (1 + 0.1 * np.sin(np.arange(WIDTH))[:, None])
        index = np.arange(mine.start, mine.stop)
        arrays: dict[str, Array] = {
            "sample/index": index, "sample/scenario": index // 4, "sample/valid": np.ones(len(mine), np.uint8),
            "sensor/head/rgb": (255 * radiance.clip(0, 1)).astype(np.uint8),
            "ideal/head/colour": (30 * radiance).astype(np.float16), "label/head/class": classes,
            "camera/head/intrinsics": np.tile(np.diag([30.0, 30.0, 1.0]), (len(mine), 1, 1)),
        }  # fmt: skip
        if millimetres:
            arrays["ideal/head/depth"] = (500 + 10 * index[:, None, None] + classes).astype(np.uint16)
        if millimetres or depth_only:
            arrays["sensor/head/depth"] = np.full_like(classes, 700, np.uint16)
            arrays["sensor/head/depth_status"] = np.zeros_like(classes)
        writer.commit_shard(shard, arrays)
    writer.finish()
    return open_dataset(folder)
