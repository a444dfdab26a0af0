"""Read a dataset: complete, or as far as it is committed."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .binding import load_binding
from .commit import check_folders, list_stems, load_commits
from .digest import combine_digests
from .errors import DatasetCorruptError, DatasetFolderError
from .layout import Layout
from .manifest import Manifest, is_complete, load_manifest
from .samples import kept_rows, read_table, sample_columns
from .shard_file import ShardFile
from .specs import Array

_MAX_OPEN_SHARDS = 64


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Rows of one committed shard."""

    path: str
    first_row: int
    row_count: int


class Dataset:
    """An open dataset; made by `open_dataset`.

    Position i is the i-th row that is not skipped; `rows` tells the rows' own numbers. It is small when pickled
    and safe to use after a fork: files are opened where they are needed.

    Example:
        >>> dataset = open_dataset("data/tabletop")
        >>> dataset[12]["sensor/head/rgb"].shape
        (480, 640, 3)
    """

    def __init__(
        self,
        folder: Path,
        parts: Sequence[_Part],
        *,
        rows_wanted: int,
        layout: Layout,
        tables: Mapping[str, Any],
        manifest: Manifest | None,
        skip_rejected: bool,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.layout = layout
        self.tables = tables
        self.rows_wanted = rows_wanted
        self._parts = list(parts)
        self._firsts = [part.first_row for part in parts]
        self._skip_rejected = skip_rejected
        self._rows: Array | None = None
        self._open: dict[str, ShardFile] = {}
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Array]:
        row = int(self.rows[position])
        return self.row(row)

    def __iter__(self) -> Iterator[dict[str, Array]]:
        return (self.row(int(row)) for row in self.rows)

    def __repr__(self) -> str:
        return f"Dataset({str(self.folder)!r}, {self.status})"

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}, "_process": -1}

    @property
    def is_complete(self) -> bool:
        """Whether every row that was asked for is there."""
        return sum(part.row_count for part in self._parts) == self.rows_wanted

    @property
    def status(self) -> str:
        """How far the dataset is, in words: "complete, 100 rows", or "incomplete, 3 of 13 shards"."""
        if self.is_complete:
            return f"complete, {self.rows_wanted} rows"
        size, wanted = self.layout.rows_per_shard, self.rows_wanted
        done = sum(p.row_count == len(self.layout.shard_rows(p.first_row // size, wanted)) for p in self._parts)
        return f"incomplete, {done} of {self.layout.shard_count(wanted)} shards"

    @property
    def classes(self) -> Any:
        """Table of class names by id."""
        return self.tables["classes"]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, sorted."""
        return tuple(sorted(self._shard(self._parts[0]).arrays))

    @property
    def rows(self) -> Array:
        """Numbers of the rows that are read, in order, as int64."""
        if self._rows is None:
            rows = np.concatenate([np.arange(p.first_row, p.first_row + p.row_count) for p in self._parts])
            if self._skip_rejected:
                rows = rows[kept_rows(self._verdicts(len(rows)))]
            self._rows = rows.astype(np.int64)
        return self._rows

    @property
    def root_digest(self) -> str:
        """Digest of every decoded row, as the commits state it; of the rows that are there, where some are missing."""
        if self.manifest is not None:
            return self.manifest.root_digest
        records, _ = load_commits(self.folder)
        return combine_digests(digest for record in records for digest in record.row_digests)

    def _verdicts(self, count: int) -> dict[str, Array]:
        if self.manifest is not None:
            table = read_table(self.folder)
            if table.num_rows != count:
                raise DatasetCorruptError(f"{self.folder}: samples.parquet has {table.num_rows} lines for {count} rows")
            columns = [name for name in ("index", "valid", "verdict") if name in table.column_names]
            return {name: table.column(name).to_numpy() for name in columns}
        names = [name for name in ("index", "valid", "verdict") if f"sample/{name}" in self.names]
        found: dict[str, list[Array]] = {name: [] for name in names}
        for part in self._parts:
            for name in names:
                found[name].append(self._shard(part).read(f"sample/{name}"))
        return {name: np.concatenate(pieces) for name, pieces in found.items()}

    def _shard(self, part: _Part) -> ShardFile:
        if self._process != os.getpid():
            self._open, self._process = {}, os.getpid()
        shard = self._open.get(part.path)
        if shard is None:
            while len(self._open) >= _MAX_OPEN_SHARDS:
                self._open.pop(next(iter(self._open))).close()
            shard = ShardFile(self.folder / part.path)
            if shard.rows != part.row_count:
                shard.close()
                raise DatasetCorruptError(f"{shard.path}: holds {shard.rows} rows and should hold {part.row_count}")
            self._open[part.path] = shard
        return shard

    def _locate(self, row: int) -> tuple[_Part, int]:
        index = bisect_right(self._firsts, row) - 1
        if index < 0 or row >= self._parts[index].first_row + self._parts[index].row_count:
            raise IndexError(f"row {row} is not there: the dataset is {self.status}")
        return self._parts[index], row - self._parts[index].first_row

    def row(self, row: int, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Read one row by its own number, skipped or not.

        Args:
            row: Number of the row, as in `sample/index`.
            names: Arrays wanted; all by default.

        Returns:
            Values by name, without the leading axis.

        Raises:
            IndexError: The row is not there.
            DatasetCorruptError: It is damaged.
        """
        part, inner = self._locate(row)
        shard = self._shard(part)
        return {name: shard.read(name, [inner])[0] for name in (sorted(shard.arrays) if names is None else names)}

    def array(self, name: str, rows: Sequence[int] | None = None) -> Array:
        """Read one array over many rows.

        Args:
            name: Array name, e.g. "label/head/box_visible".
            rows: Row numbers as in `sample/index`; by default `self.rows`.

        Returns:
            The values, leading axis as `rows`.

        Raises:
            IndexError: A row is not there.
            KeyError: There is no such array.
            DatasetCorruptError: The data are damaged.
        """
        wanted = np.asarray(self.rows if rows is None else rows, np.int64)
        if name not in self.names:
            raise KeyError(f"no array {name!r} here; there are {', '.join(self.names)}")
        stored = self._shard(self._parts[0]).arrays[name]
        out = np.empty((len(wanted), *stored.shape[1:]), stored.dtype)
        shard_of: dict[str, tuple[_Part, list[int], list[int]]] = {}
        for position, row in enumerate(wanted.tolist()):
            part, inner = self._locate(row)
            _, positions, inners = shard_of.setdefault(part.path, (part, [], []))
            positions.append(position)
            inners.append(inner)
        for part, positions, inners in shard_of.values():
            whole = inners == list(range(part.row_count))
            out[positions] = self._shard(part).read(name, None if whole else inners)
        return out

    def table(self) -> Any:
        """Give samples.parquet, or make the same from the shards where the dataset is not complete.

        Returns:
            A `pyarrow.Table`, one line for every committed row, skipped ones too.
        """
        if self.manifest is not None:
            return read_table(self.folder)
        import pyarrow as pa

        splits = self.tables["splits"]
        return pa.concat_tables([pa.table(sample_columns(self._shard(part), splits)) for part in self._parts])

    def close(self) -> None:
        """Close the files; the dataset opens them again where it must."""
        for shard in self._open.values():
            shard.close()
        self._open = {}


def open_dataset(path: str | os.PathLike[str], *, skip_rejected: bool = True) -> Dataset:
    """Open a dataset for reading.

    Args:
        path: Its folder. Where it is not complete, the committed shards are read.
        skip_rejected: Leave out rows that are tombstones (`sample/valid` is 0) or that the checks rejected.

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
    folder = Path(path)
    check_folders(folder)
    binding = load_binding(folder)
    if binding is None:
        raise DatasetFolderError(f"{folder} is no dataset: it holds no recipe.yaml and description.json")
    manifest = load_manifest(folder)
    if manifest is not None and {shard.stem for shard in manifest.shards} == set(list_stems(folder)):
        parts = [_Part(path=s.path, first_row=s.first_row, row_count=s.row_count) for s in manifest.shards]
        wanted = manifest.rows
    else:
        # Somebody is growing the dataset, or never finished it: the commits tell.
        manifest = None
        records, _ = load_commits(folder)
        if not records:
            raise DatasetFolderError(f"{folder} holds no committed shard yet: incomplete, 0 shards")
        parts = [_Part(path=r.path, first_row=r.first_row, row_count=r.row_count) for r in records]
        wanted = max(record.rows_wanted for record in records)
        if is_complete(records):
            wanted = records[-1].rows.stop
    return Dataset(
        folder, parts, rows_wanted=wanted, layout=binding.layout, tables=binding.tables, manifest=manifest,
        skip_rejected=skip_rejected,
    )  # fmt: skip
