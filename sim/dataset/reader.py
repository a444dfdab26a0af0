"""Open a dataset: complete, or as far as it is committed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .binding import DESCRIPTION, load_binding
from .commit import check_folders, list_stems, load_commits
from .committed_shards import CommittedShards
from .dataset import Dataset as Dataset
from .dataset_folder import DatasetFolder
from .errors import DatasetCorruptError, DatasetFolderError
from .manifest import is_complete, load_manifest
from .remote_folder import find_folder


def open_dataset(
    path: str | os.PathLike[str], *, skip_rejected: bool = True, storage_options: Mapping[str, Any] | None = None
) -> Dataset:
    """Open a dataset for reading.

    Args:
        path: Its folder, or a URL that fsspec opens, such as "s3://bucket/tabletop". Where the dataset is not complete,
            the committed shards are read.
        skip_rejected: Leave out rows that are tombstones (`sample/valid` is 0) or that the checks rejected.
        storage_options: For the file system of a URL.

    Returns:
        The dataset.

    Raises:
        DatasetFolderError: The folder is no dataset, or holds no committed shard yet.
        DatasetCorruptError: Its small files are damaged; shards are looked at when they are read.

    Example:
        >>> dataset = open_dataset("data/tabletop")
        >>> len(dataset)
        10000
    """
    place: DatasetFolder = find_folder(path, dict(storage_options or {}))
    folder = place.path
    if folder.is_file():
        raise DatasetFolderError(f"{place.name} is a file; a dataset is a folder")
    check_folders(folder)
    binding = load_binding(folder)
    if binding is None:
        raise DatasetFolderError(f"{place.name} is no dataset: it holds no recipe.yaml and description.json")
    manifest = load_manifest(folder)
    parts: Sequence[Any]
    if manifest is not None and {shard.stem for shard in manifest.shards} == set(list_stems(folder)):
        parts, wanted = manifest.shards, manifest.rows
    else:
        # Somebody is growing the dataset, or never finished it: the commits tell.
        manifest = None
        records, _ = load_commits(folder)
        if not records:
            raise DatasetFolderError(f"{place.name} holds no committed shard yet: incomplete, 0 shards")
        parts = records
        wanted = max(record.rows_wanted for record in records)
        if is_complete(records):
            wanted = records[-1].rows.stop
    stated = manifest.files.get(DESCRIPTION, ("", 0))[0] if manifest is not None else records[0].description_sha256
    if stated != binding.description_sha256:
        raise DatasetCorruptError(f"{place.name}/{DESCRIPTION} is not the file that the dataset was made with")
    first_rows = np.array([part.first_row for part in parts], np.int64)
    row_counts = np.array([part.row_count for part in parts], np.int64)
    dataset = Dataset(
        CommittedShards(place, binding.layout, first_rows, row_counts), rows_wanted=wanted, tables=binding.tables,
        is_finished=manifest is not None, skip_rejected=skip_rejected,
    )  # fmt: skip
    if manifest is not None:
        dataset.__dict__["manifest"] = manifest
    return dataset
