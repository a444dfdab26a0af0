"""An open dataset: rows, columns and views of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .binding import load_binding
from .choice import check_numbers, choose_names, find_room, find_rows, unknown_array
from .columns import QueryColumns, read_columns, table_columns
from .commit import load_commits
from .committed_shards import CommittedShards
from .digest import combine_digests
from .episodes import find_episodes
from .errors import DatasetFolderError
from .layout import Layout
from .manifest import Manifest, load_manifest
from .query import Query
from .samples import SAMPLES, kept_rows, read_table, sample_columns
from .specs import Array

if TYPE_CHECKING:
    from ..loading.loader import Loader
    from ..loading.torch_rows import TorchRows


class Dataset:
    """An open dataset, or a view of some of its rows and arrays; made by `open_dataset`.

    Position i is the i-th row that is read; `rows` tells the rows' own numbers. It is small when pickled and safe to
    use after a fork and from many threads: files are opened where they are needed.

    Example:
        >>> dataset = open_dataset("data/tabletop")
        >>> dataset[12]["sensor/head/rgb"].shape
        (480, 640, 3)
        >>> bright = dataset.where("param.light_count > 2 and split == 'train'")
        >>> bright[:32]["sensor/head/rgb"].shape
        (32, 480, 640, 3)
    """

    def __init__(
        self,
        shards: CommittedShards,
        *,
        rows_wanted: int,
        tables: Mapping[str, Any],
        is_finished: bool,
        skip_rejected: bool,
        rows: Array | None = None,
        names: tuple[str, ...] | None = None,
    ) -> None:
        self.rows_wanted = rows_wanted
        self.__dict__["tables"] = tables
        self._shards = shards
        self._is_finished = is_finished
        self._skip_rejected = skip_rejected
        self._rows = rows
        self._is_selected = rows is not None
        self._names = names

    def _view(self, rows: Array | None, names: tuple[str, ...] | None) -> Dataset:
        return Dataset(
            self._shards, rows_wanted=self.rows_wanted, tables=self.tables, is_finished=self._is_finished,
            skip_rejected=self._skip_rejected, rows=rows, names=names,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, key: str) -> Array: ...
    @overload
    def __getitem__(self, key: int | slice | Sequence[int] | Array) -> dict[str, Array]: ...
    def __getitem__(self, key: int | str | slice | Sequence[int] | Array) -> Array | dict[str, Array]:
        if isinstance(key, str):
            return self.array(key)
        wanted = find_rows(key, self.rows)
        return self.row(int(wanted)) if np.ndim(wanted) == 0 else self.read_rows(wanted)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            raise TypeError(f"ask for an array by its name, or look into dataset.rows; got {type(name).__name__}")
        return name in self.shapes

    def __iter__(self) -> Iterator[dict[str, Array]]:
        return (self.row(int(row)) for row in self.rows)

    def __repr__(self) -> str:
        view = [f"{len(self._rows)} rows"] if self._rows is not None and self._is_selected else []
        view += [f"{len(self._names)} arrays"] if self._names is not None else []
        of_it = f"; a view of {' and '.join(view)}" if view else ""
        return f"Dataset({self._shards.folder.name!r}, {self.status}{of_it})"

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("manifest", "shapes", "tables")}
        return state if self._is_selected else state | {"_rows": None}  # found again where they are needed

    @property
    def folder(self) -> Path:
        """The dataset's folder; of a remote one, the folder on this machine that its small files were fetched to."""
        return self._shards.folder.path

    @property
    def layout(self) -> Layout:
        """How rows are spread over shards."""
        return self._shards.layout

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest; None where the dataset is not complete."""
        manifest = load_manifest(self.folder) if self._is_finished else None
        # A copy that was pickled may find the manifest of more rows.
        return manifest if manifest is not None and manifest.rows == self._shards.row_count else None

    @cached_property
    def tables(self) -> Mapping[str, Any]:
        """Tables of the description: classes, assets, cameras, parameters, splits and more."""
        binding = load_binding(self.folder)
        if binding is None:
            raise DatasetFolderError(f"{self._shards.folder.name} is no dataset any more: its description is gone")
        return binding.tables

    @property
    def is_complete(self) -> bool:
        """Whether every row that was asked for is there."""
        return self._shards.row_count == self.rows_wanted

    @property
    def status(self) -> str:
        """How far the dataset is, in words: "complete, 100 rows", or "incomplete, 3 of 13 shards"."""
        if self.is_complete:
            return f"complete, {self.rows_wanted} rows"
        size, wanted = self.layout.rows_per_shard, self.rows_wanted
        there = zip(self._shards.first_rows.tolist(), self._shards.row_counts.tolist(), strict=True)
        done = sum(count == len(self.layout.shard_rows(first // size, wanted)) for first, count in there)
        return f"incomplete, {done} of {self.layout.shard_count(wanted)} shards"

    @property
    def classes(self) -> Any:
        """Table of class names by id."""
        return self.tables["classes"]

    @cached_property
    def shapes(self) -> Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Dtype and shape of one row, by array name."""
        there = self._shards.shapes()
        return there if self._names is None else {name: there[name] for name in self._names}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, sorted."""
        return tuple(self.shapes)

    @property
    def rows(self) -> Array:
        """Numbers of the rows that are read, in order, as int64."""
        if self._rows is None:
            rows = self._shards.rows()
            if self._skip_rejected:
                rows = rows[kept_rows(self._verdicts())]
            self._rows = rows
        return self._rows

    def _verdicts(self) -> dict[str, Array]:
        wanted = ("index", "valid", "verdict")
        folder, sha256 = self._find_table()
        if folder is not None:
            return table_columns(folder, wanted, self._shards.row_count, sha256)
        there = [f"sample/{name}" for name in wanted if f"sample/{name}" in self._shards.shapes()]
        found = read_columns(self._shards, there, self._shards.rows())
        return {name.removeprefix("sample/"): column for name, column in found.items()}

    def _find_table(self) -> tuple[Path | None, str | None]:
        """Find samples.parquet and its sum; nothing where it does not tell of these rows, as after growth."""
        manifest = load_manifest(self.folder) if self._is_finished else None
        if manifest is None or manifest.rows != self._shards.row_count:
            return None, None
        return self.folder, manifest.files[SAMPLES][0] if SAMPLES in manifest.files else None

    @property
    def root_digest(self) -> str:
        """Digest of every decoded row, as the commits state it; of the rows that are there, where some are missing."""
        if self.manifest is not None:
            return self.manifest.root_digest
        digests = {record.first_row: record.row_digests for record in load_commits(self.folder)[0]}
        there = zip(self._shards.first_rows.tolist(), self._shards.row_counts.tolist(), strict=True)
        return combine_digests(digest for first, count in there for digest in digests.get(first, ())[:count])

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
        return {name: array[0] for name, array in self.read_rows([row], names).items()}

    def read_rows(
        self,
        rows: Sequence[int] | Array,
        names: Sequence[str] | None = None,
        *,
        out: Mapping[str, Array] | None = None,
        threads: int | None = None,
    ) -> dict[str, Array]:
        """Read many rows by their own numbers, skipped or not, decoded in threads.

        Args:
            rows: Row numbers as in `sample/index`, in any order.
            names: Arrays wanted; all by default.
            out: Arrays by name to decode into, of the stored dtypes and shapes, leading axis as `rows`; new
                ones by default.
            threads: Threads that decode; by default one per core.

        Returns:
            Values by name, leading axis as `rows`.

        Raises:
            IndexError: A row is not there.
            KeyError: There is no such array.
            ValueError: An array of `out` does not fit.
            DatasetCorruptError: The data are damaged.

        Example:
            >>> dataset.read_rows([5, 3], ["sensor/head/rgb"])["sensor/head/rgb"].shape
            (2, 480, 640, 3)
        """
        wanted = check_numbers(rows)
        chosen = self.names if names is None else tuple(dict.fromkeys(names))
        result = {name: find_room(name, self._shape(name), len(wanted), out) for name in chosen}
        if len(wanted):
            self._shards.read(wanted, chosen, result, threads or os.cpu_count() or 1)
        return result

    def _shape(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        if name not in self.shapes:
            raise unknown_array(name, self.names)
        return self.shapes[name]

    def array(self, name: str, rows: Sequence[int] | Array | None = None) -> Array:
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
        return self.read_rows(self.rows if rows is None else rows, [name])[name]

    def select(self, rows: Sequence[int] | Array) -> Dataset:
        """Give a view of some rows.

        Args:
            rows: Row numbers as in `sample/index`, in the order wanted; skipped ones may be among them.

        Returns:
            The view, which shares the files.

        Raises:
            IndexError: A row is not there.
        """
        chosen = check_numbers(rows).copy()
        self._shards.locate(chosen)
        return self._view(chosen, self._names)

    def where(self, query: str) -> Dataset:
        """Give a view of the rows that meet a condition.

        Args:
            query: Condition on columns of `table()` or on small arrays, such as "weight > 0.1 and split == 'train'",
                "param.position[0] < 0.2", "max(label.head.visible_fraction) > 0.5"; see `Query`.

        Returns:
            The view, which shares the files; its rows are those of this view that meet it, in order.

        Raises:
            QueryError: It is no condition, or names what is not there.

        Example:
            >>> len(dataset.where("param.light_count > 2 and weight > 0.1"))
            17
        """
        asked = Query(query)
        columns = QueryColumns(self._shards, self.rows, self.tables["splits"], *self._find_table())
        columns.load(asked.names)
        met = asked.find(columns.__getitem__, columns, len(self), images=columns.images, words=columns.words)
        return self._view(self.rows[met], self._names)

    def columns(self, names: Sequence[str]) -> Dataset:
        """Give a view of some arrays.

        Args:
            names: Names, or patterns such as "label/*" and "*/depth".

        Returns:
            The view, which shares the files.

        Raises:
            KeyError: Nothing has that name.
        """
        view = self._view(self._rows if self._is_selected else None, choose_names(self.names, names))
        view._rows = self._rows
        return view

    def episodes(self) -> list[Array]:
        """List the rows of each episode: one scenario, view and look, in the order of its steps.

        Returns:
            Row numbers, one array an episode.
        """
        names = [f"sample/{name}" for name in ("scenario", "view", "look", "step")]
        found = read_columns(self._shards, names, self.rows)
        return find_episodes(self.rows, {name.removeprefix("sample/"): column for name, column in found.items()})

    def table(self) -> Any:
        """Give samples.parquet, or make the same from the shards where the dataset is not complete.

        Returns:
            A `pyarrow.Table`, one line for every committed row, skipped ones and those outside this view too.
        """
        folder, sha256 = self._find_table()
        if folder is not None:
            return read_table(folder, sha256=sha256, rows=self._shards.row_count)
        import pyarrow as pa

        splits = self.tables["splits"]
        tables = []
        for part in range(len(self._shards.first_rows)):
            with self._shards.open(part) as shard:
                lines = pa.table(sample_columns(shard, splits))
            tables.append(lines.slice(0, int(self._shards.row_counts[part])))
        return pa.concat_tables(tables)

    def torch(self, **settings: Any) -> Loader:
        """Give a loader of batches for PyTorch; see `simloom.sim.loading.open_loader` for what it takes.

        Example:
            >>> loader = dataset.torch(batch_size=64, arrays=["sensor/head/rgb"], device="cuda")
        """
        from ..loading.open_loader import open_loader

        return open_loader(self, **settings)

    def torch_dataset(self, arrays: Sequence[str] | None = None, **settings: Any) -> TorchRows:
        """Give the rows as a map-style torch dataset; see `simloom.sim.loading.TorchRows`."""
        from ..loading.torch_rows import TorchRows

        return TorchRows({"data": self}, arrays, **settings)

    def close(self) -> None:
        """Close the files, also for the views that share them; they are opened again where they must."""
        self._shards.close()
