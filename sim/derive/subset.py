"""Cut a dataset down to some of its rows and arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from ..dataset.dataset import Dataset
from ..dataset.errors import DatasetFolderError
from ..dataset.specs import Array
from ..errors import UsageError
from .derivation import Arrays, plan_derivation
from .row_writer import write_rows
from .source_rows import Given, Rejected, open_source, take_rows, whole_rows


def subset_dataset(
    dataset: Given,
    *,
    out: str | os.PathLike[str],
    query: str | None = None,
    rows: Sequence[int] | Array | None = None,
    arrays: Arrays = None,
    rejected: Rejected = "keep",
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Copy some rows and arrays of a dataset into one of their own; the same call again resumes.

    Args:
        dataset: A dataset, a view of one, or its path.
        out: Folder of the subset.
        query: Condition that rows must meet, as in `Dataset.where`.
        rows: Numbers of the rows, as in `sample/index`, in the order wanted; in place of a query.
        arrays: Arrays to keep, names or patterns; all by default. `sample/` arrays are kept always.
        rejected: Whether tombstones and rejected rows are kept where `dataset` is a path.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The subset.

    Raises:
        UsageError: Both a query and rows are given.
        QueryError: The query cannot be.
        DatasetFolderError: No row is left, or a row is not there or is named twice.
        DatasetError: The dataset is damaged, or a write was refused.

    Example:
        >>> subset_dataset("data/tabletop", query="param.light_count > 2", arrays=["sensor/*"], out="data/bright")
    """
    if query is not None and rows is not None:
        raise UsageError("give a query or rows, not both: select rows of dataset.where(query) instead")
    opened = open_source(dataset, rejected)
    if query is not None:
        rows = whole_rows(opened).where(query).rows
        if not len(rows):
            raise DatasetFolderError(f"no row of {opened.folder} meets {query!r}; a dataset has at least one row")
    elif rows is not None:
        rows = _check_rows(opened, rows)
    source = take_rows(opened, rejected, rows)
    operation = {"operation": "subset", "query": query, "rejected": rejected}
    plan = plan_derivation([source], operation, arrays=arrays, title=f"simloom  subset  {len(source.rows)} rows")
    return write_rows(plan, out, codec=codec, rows_per_shard=rows_per_shard, progress=progress)


def _check_rows(dataset: Dataset, rows: Sequence[int] | Array) -> Array:
    wanted = np.asarray(rows)
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise UsageError(f"rows are a list of whole numbers, got {rows!r:.80}")
    try:
        dataset.select(wanted.astype(np.int64))
    except IndexError as error:
        raise DatasetFolderError(str(error)) from None
    return wanted.astype(np.int64)
