"""Merge datasets."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ..dataset.dataset import Dataset
from .derivation import Arrays, plan_derivation
from .row_writer import write_rows
from .source_rows import Given, Rejected, open_source, take_rows


def merge_datasets(
    datasets: Sequence[Given],
    *,
    out: str | os.PathLike[str],
    arrays: Arrays = None,
    rejected: Rejected = "keep",
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Copy the rows of several datasets into one; the same call again resumes.

    Classes and users' assets are matched by name and renumbered where ids differ. Every row keeps its split and its
    lineage: `sample/source` and `sample/source_index` tell where it was first made.

    Args:
        datasets: Datasets, views of some, or their paths; their rows follow each other in this order.
        out: Folder of the merged dataset.
        arrays: Arrays to keep, names or patterns; "common" for those that all have alike; all by default.
        rejected: Whether tombstones and rejected rows of paths are kept, with their verdict. Of a view, its rows are
            what is seen.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The merged dataset.

    Raises:
        DatasetFolderError: They hold different arrays, the same row twice, or differ in what a parameter means.
        DatasetError: A dataset is damaged, or a write was refused.

    Example:
        >>> len(merge_datasets(["data/day", "data/night"], out="data/both"))
        2000
    """
    sources = [take_rows(open_source(given, rejected), rejected) for given in datasets]
    title = f"simloom  merged from {len(sources)} datasets  {sum(len(source.rows) for source in sources)} rows"
    plan = plan_derivation(sources, {"operation": "merge", "rejected": rejected}, arrays=arrays, title=title)
    return write_rows(plan, out, codec=codec, rows_per_shard=rows_per_shard, progress=progress)
