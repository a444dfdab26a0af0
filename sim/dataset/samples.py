"""samples.parquet: one line a row, with what people filter and weigh rows by."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .commit import CommitRecord
from .errors import DatasetCorruptError
from .lineage import own_scenario
from .plain_file import read_plain
from .shard_file import ShardFile
from .specs import Array

SAMPLES = "samples.parquet"
"""File name of the table."""

DEFAULT_SPLITS: Mapping[str, float] = {"train": 0.9, "val": 0.05, "test": 0.05}
"""Fractions of the scenarios in each split, where the description says nothing else."""

_COLUMNS = (
    "index", "scenario", "step", "view", "look", "split", "weight", "log_density", "valid", "reason", "attempt", "seed",
    "is_real", "generation", "verdict", "source", "source_index",
)  # fmt: skip
_MAX_TABLE_BYTES = 4 << 30


def split_of(scenario: int, splits: Mapping[str, float] | None = None) -> str:
    """Tell the split of a scenario; all its rows share it, so that no world is in two splits.

    Args:
        scenario: Number of the scenario, of which its number within its source decides and nothing else: neither
            growing a dataset nor merging it moves a row.
        splits: Fractions by split name, in an order that counts; they sum to 1.

    Returns:
        A split name.

    Example:
        >>> split_of(0) in DEFAULT_SPLITS
        True
    """
    digest = hashlib.sha256(f"simloom split {own_scenario(scenario)}".encode()).digest()
    return choose_split(digest, splits or DEFAULT_SPLITS)


def choose_split(digest: bytes, splits: Mapping[str, float]) -> str:
    """Choose a split by the first eight bytes of a digest, as a number in [0, 1).

    Args:
        digest: At least eight bytes.
        splits: Fractions by split name, in an order that counts; they sum to 1.
    """
    point = int.from_bytes(digest[:8], "big") / 2.0**64
    edge = 0.0
    for name, fraction in splits.items():
        edge += fraction
        if point < edge:
            return name
    return list(splits)[-1]


def sample_columns(shard: ShardFile, splits: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Read the columns of one shard: `sample/` arrays, the split, and every parameter that is one number.

    Args:
        shard: An open shard.
        splits: As in `split_of`.

    Returns:
        Arrays or lists by column name; parameters as "param/<name>".
    """
    columns: dict[str, Any] = {}
    for name in _COLUMNS:
        if f"sample/{name}" in shard.arrays:
            columns[name] = shard.read(f"sample/{name}")
        elif name == "split" and "sample/scenario" in shard.arrays:
            scenarios = shard.read("sample/scenario").tolist()
            known = {scenario: split_of(scenario, splits) for scenario in set(scenarios)}
            columns[name] = [known[scenario] for scenario in scenarios]
    for name, stored in shard.arrays.items():
        if name.startswith("param/") and len(stored.shape) == 1:
            columns[name] = shard.read(name)
    return columns


def sample_table(folder: Path, records: Iterable[CommitRecord], splits: Mapping[str, float] | None = None) -> Any:
    """Make the table from the shards.

    Args:
        folder: The dataset.
        records: Commit records in order.
        splits: As in `split_of`.

    Returns:
        A `pyarrow.Table`, one line a row, in index order.
    """
    import pyarrow as pa

    tables = []
    for record in records:
        with ShardFile(folder / record.path) as shard:
            tables.append(pa.table(sample_columns(shard, splits)))
    return pa.concat_tables(tables).combine_chunks()


def table_bytes(table: Any) -> bytes:
    """Write a table as Parquet; equal tables give equal bytes with one pyarrow version."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=1 << 16)
    return sink.getvalue()


def read_table(folder: Path, names: Sequence[str] | None = None, sha256: str | None = None) -> Any:
    """Read samples.parquet.

    Args:
        folder: The dataset.
        names: Columns wanted, of which those that are not there are left out; all by default.
        sha256: What the file's sum must be, where that is known.

    Returns:
        A `pyarrow.Table`.

    Raises:
        FileNotFoundError: It is not there.
        DatasetCorruptError: It is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_plain(folder / SAMPLES, limit=_MAX_TABLE_BYTES)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetCorruptError(f"{folder / SAMPLES} is not the file that the manifest states")
    try:
        # On this thread alone: Arrow's own may still hold the bytes when the interpreter ends, and abort the process.
        with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
            chosen = None if names is None else [name for name in names if name in file.schema_arrow.names]
            return file.read(chosen, use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DatasetCorruptError(f"{folder / SAMPLES} is damaged: {str(error).splitlines()[0]}") from None


def kept_rows(columns: Mapping[str, Array]) -> Array:
    """Tell which rows readers get: valid, and not rejected by the checks.

    Args:
        columns: "valid" and "verdict", where they are there.

    Returns:
        One flag per row.
    """
    size = len(next(iter(columns.values())))
    kept = np.ones(size, bool)
    if "valid" in columns:
        kept &= np.asarray(columns["valid"]) != 0
    if "verdict" in columns:
        kept &= np.asarray(columns["verdict"]) != 1
    return kept
