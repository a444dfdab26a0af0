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
) -> Dataset:
    """A dataset of the rows from `first` on, none skipped; `size` crops its images to a square."""
    writer = open_writer(folder, rows, recipe=f"simloom: 1\nscene: tabletop\nseed: {first}\n")
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
