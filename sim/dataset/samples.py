"""samples.parquet: one line a row, with what people filter and weigh rows by."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .commit import CommitRecord
from .errors import DatasetCorruptError
from .lineage import own_scenario
from .plain_file import hash_plain, open_plain
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
_MAX_COLUMNS = 4096
_MAX_CELLS = 1 << 34
_LONGEST_WORD = 256


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


def read_table(
    folder: Path, names: Sequence[str] | None = None, *, sha256: str | None = None, rows: int | None = None
) -> Any:
    """Read samples.parquet.

    Args:
        folder: The dataset.
        names: Columns wanted, of which those that are not there are left out; all by default.
        sha256: What the file's sum must be, where that is known.
        rows: How many lines it must have, where that is known.

    Returns:
        A `pyarrow.Table`.

    Raises:
        DatasetCorruptError: It is damaged, or missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / SAMPLES
    try:
        if sha256 is not None and hash_plain(path)[0] != sha256:
            raise DatasetCorruptError(f"{path} is not the file that the manifest states")
        source = os.fdopen(open_plain(path), "rb")
    except FileNotFoundError:
        raise DatasetCorruptError(f"{path} is missing; simloom verify --repair makes it again") from None
    try:
        # On this thread alone: Arrow's own may still hold the file when the interpreter ends, and abort the process.
        with source, pq.ParquetFile(source, pre_buffer=False) as file:
            texts = _check_columns(file, rows, path)
            chosen = None if names is None else [name for name in names if name in file.schema_arrow.names]
            # Texts by their number in a dictionary: a column of one long word takes no more than that word.
            source.seek(0)
            with pq.ParquetFile(source, pre_buffer=False, read_dictionary=texts) as again:
                return _spell_out(again.read(chosen, use_threads=False), path)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DatasetCorruptError(f"{path} is damaged: {reason}") from None


def _check_columns(file: Any, rows: int | None, path: Path) -> list[str]:
    """Refuse columns of anything but numbers and texts, and more than the file can hold; returns those of texts."""
    import pyarrow.types as kinds

    schema, names = file.schema_arrow, file.schema_arrow.names
    if len(set(names)) != len(names) or not {"index"}.issubset(names):
        raise DatasetCorruptError(f"{path}: has no column 'index', or one twice")
    for field in schema:
        kind = field.type
        if not (kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind) or kinds.is_string(kind)):
            raise DatasetCorruptError(
                f"{path}: the column {field.name!r} is of type {kind}; numbers and texts are known"
            )
    count = file.metadata.num_rows
    if rows is not None and count != rows:
        raise DatasetCorruptError(f"{path} has {count} lines for {rows} rows")
    if len(names) > _MAX_COLUMNS or count * len(names) > _MAX_CELLS:
        raise DatasetCorruptError(f"{path}: claims {count} lines of {len(names)} columns")
    return [field.name for field in schema if kinds.is_string(field.type)]


def _spell_out(table: Any, path: Path) -> Any:
    """Turn columns of numbered words back into words, and refuse long ones and empty places."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(table.schema):
        column = table.column(position)
        if column.null_count:
            raise DatasetCorruptError(f"{path}: the column {field.name!r} has empty places")
        if not pa.types.is_dictionary(field.type):
            continue
        longest = max((pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks), default=0)
        if longest > _LONGEST_WORD:
            raise DatasetCorruptError(f"{path}: a word of {longest} bytes in the column {field.name!r}")
        table = table.set_column(position, field.name, column.cast(pa.string()))
    return table


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
