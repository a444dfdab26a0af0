"""Rows of committed shards: found by their number, decoded in threads straight to where they shall be."""

from __future__ import annotations

import math
import os
import resource
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np

from .byte_source import ByteSource
from .dataset_folder import DatasetFolder
from .errors import DatasetCorruptError
from .layout import Layout, shard_path
from .shard_file import ShardFile, ShardIndex
from .specs import Array

INDEX_BYTES = 512 << 20
"""Memory that the indices of opened shards may take together [byte]."""

COLUMN_BYTES = 256 << 20
"""Memory that the columns of small arrays may take together, once read [byte]."""

_MANY_ROWS = 1 << 24
_MAX_OPEN_SHARDS = 256
_SMALL_ROW_BYTES = 4096
_TASK_BYTES = 1 << 20


class CommittedShards:
    """The committed shards of one dataset; threads may share it, it is small when pickled, and survives a fork.

    Args:
        folder: Where they are.
        layout: How rows are spread over them.
        first_rows: First row of each, ascending.
        row_counts: Rows of each.
    """

    def __init__(self, folder: DatasetFolder, layout: Layout, first_rows: Array, row_counts: Array) -> None:
        self.folder = folder
        self.layout = layout
        self.first_rows = np.asarray(first_rows, np.int64)
        self.row_counts = np.asarray(row_counts, np.int64)
        self._reset()

    def _reset(self) -> None:
        self._open: OrderedDict[int, ShardFile] = OrderedDict()
        self._known: OrderedDict[int, ShardIndex] = OrderedDict()
        self._index_bytes = 0
        self._shapes: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        self._kept: frozenset[str] = frozenset()
        self._pools: dict[int, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        kept = ("folder", "layout", "first_rows", "row_counts")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def _settle(self) -> None:
        if self._process != os.getpid():
            self._reset()  # locks and threads of the parent mean nothing here

    @property
    def row_count(self) -> int:
        """Committed rows."""
        return int(self.row_counts.sum())

    def rows(self) -> Array:
        """List the numbers of the committed rows, ascending, as int64.

        Raises:
            DatasetCorruptError: There are more than the shards' bytes can hold.
        """
        if self.row_count > _MANY_ROWS:
            self._require_bytes()
        starts = np.repeat(self.first_rows - np.cumsum(self.row_counts) + self.row_counts, self.row_counts)
        return starts + np.arange(self.row_count)

    def _require_bytes(self) -> None:
        """Refuse a manifest that tells of rows which no file holds, before memory is taken for them."""
        for part, count in enumerate(self.row_counts.tolist()):
            try:
                source = self.folder.open(self.path(part))
            except FileNotFoundError:
                continue
            source.close()
            if source.size < 8 * count:
                raise DatasetCorruptError(f"{source.name}: {count} rows cannot lie in {source.size} bytes")

    def path(self, part: int) -> str:
        """Give the path of a shard within the dataset."""
        index = int(self.first_rows[part]) // self.layout.rows_per_shard
        return shard_path(self.layout.stem(index, int(self.row_counts[part])))

    def locate(self, rows: Array) -> Array:
        """Tell which shard each row is in.

        Raises:
            IndexError: A row is not there.
        """
        part: Array = np.searchsorted(self.first_rows, rows, "right") - 1
        missing = (part < 0) | (rows >= self.first_rows[part] + self.row_counts[part])
        if missing.any():
            raise IndexError(f"row {int(rows[missing][0])} is not there: {self.row_count} rows are committed")
        return part

    def open(self, part: int, names: Iterable[str] | None = None, *, like: ShardIndex | None = None) -> ShardFile:
        """Open a shard anew; the caller closes it, or lets go of it.

        Args:
            part: Which.
            names: Arrays that will be read; all by default.
            like: What was found when it was open before.

        Raises:
            DatasetCorruptError: It is missing or damaged.
        """
        source, expected = self._open_source(part)
        shard = ShardFile(source, names, like=like)
        if like is not None and like.identity == shard.index.identity:
            return shard
        first, count = int(self.first_rows[part]), int(self.row_counts[part])
        try:
            if shard.rows != expected:
                raise DatasetCorruptError(f"{shard.path}: holds {shard.rows} rows and should hold {expected}")
            if (shard.read("sample/index", range(count)) != np.arange(first, first + count)).any():
                raise DatasetCorruptError(f"{shard.path}: holds other rows than {first} to {first + count - 1}")
        except BaseException:
            shard.close()
            raise
        return shard

    def _open_source(self, part: int) -> tuple[ByteSource, int]:
        """Open the file of a shard; also tells how many rows it has, which may be more than there were once."""
        first, count = int(self.first_rows[part]), int(self.row_counts[part])
        index = first // self.layout.rows_per_shard
        with suppress(FileNotFoundError):
            return self.folder.open(self.path(part)), count
        # The dataset has grown since: a longer shard, whose first rows are the same, has taken its place.
        for stem in self.folder.list_stems():
            number, _, text = stem.partition(".part")
            rows = int(text) if text else self.layout.rows_per_shard
            if int(number) == index and rows > count:
                with suppress(FileNotFoundError):
                    return self.folder.open(shard_path(stem)), rows
        raise DatasetCorruptError(f"{self.folder.name}/{self.path(part)} is committed but missing")

    def _find(self, part: int, names: Sequence[str]) -> ShardFile:
        """Open a shard, or find it open, with an index of these arrays and of those that were asked for before."""
        with self._lock:
            shard = self._open.get(part)
            known = self._known.get(part)
            if shard is not None and all(name in shard.arrays for name in names):
                self._open.move_to_end(part)
                self._known.move_to_end(part)
                return shard
        shard = self.open(part, names, like=known)
        with self._lock:
            before = self._known.pop(part, None)
            self._known[part] = shard.index
            self._index_bytes += shard.index.nbytes - (0 if before is None else before.nbytes)
            self._open[part] = shard
            self._open.move_to_end(part)
            # Let go, not closed: another thread may be reading from it.
            while len(self._open) > _most_open_shards():
                self._open.popitem(last=False)
            while self._index_bytes > INDEX_BYTES and len(self._known) > 1:
                number, oldest = self._known.popitem(last=False)
                self._index_bytes -= oldest.nbytes
                self._open.pop(number, None)
        return shard

    def shapes(self) -> Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Tell dtype and shape of one row by array name, sorted."""
        if not self._shapes:
            with self.open(0) as shard:
                self._shapes = {
                    name: (shard.arrays[name].dtype, shard.arrays[name].shape[1:]) for name in sorted(shard.arrays)
                }
        return self._shapes

    def read(self, rows: Array, names: Sequence[str], out: Mapping[str, Array], threads: int) -> None:
        """Decode rows into place.

        Args:
            rows: Row numbers, in any order.
            names: Arrays wanted.
            out: Arrays by name, of the stored dtype, leading axis as `rows`.
            threads: Threads that decode.

        Raises:
            IndexError: A row is not there.
            DatasetCorruptError: A shard is damaged, or holds other arrays than the first.
        """
        self._settle()
        parts = self.locate(rows)
        order = np.lexsort((rows, parts))  # neighbours in a file are read one after the other
        row_bytes = max(1, sum(out[name][:1].nbytes for name in names))
        per_task = max(1, min(-(-len(rows) // threads), -(-_TASK_BYTES // row_bytes)))
        tasks: list[tuple[int, Array]] = []
        starts = np.flatnonzero(np.diff(parts[order], prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            tasks.extend(
                (int(parts[order[start]]), order[begin : min(begin + per_task, stop)])
                for begin in range(start, stop, per_task)
            )

        kept = self._small_names(names)

        def decode(task: tuple[int, Array]) -> None:
            part, places = task
            shard = self._find(part, names)
            inner = rows[places] - self.first_rows[part]
            _require_shapes(shard, names, out)
            for name in names:
                column = shard.column(name) if name in kept else None
                if column is not None:
                    out[name][places] = column[inner]
                else:
                    _read_some(shard, name, inner.tolist(), out[name], places)

        if threads == 1 or len(tasks) == 1:
            for task in tasks:
                decode(task)
        else:
            for _ in self._pool(threads).map(decode, tasks):
                pass

    def _small_names(self, names: Sequence[str]) -> frozenset[str]:
        """Choose the arrays whose columns are kept in memory once read: all small ones, or none where they are many.

        Those of earlier calls are kept too while there is room for both.
        """
        shapes, most = self.shapes(), COLUMN_BYTES // max(1, self.row_count)

        def size(chosen: Iterable[str]) -> int:
            return sum(_row_bytes(*shapes[name]) for name in chosen)

        small = frozenset(name for name in names if size([name]) <= _SMALL_ROW_BYTES)
        if size(small) > most:
            return frozenset()
        if small <= self._kept:
            return small
        with self._lock:
            if size(small | self._kept) <= most:
                self._kept |= small
            else:
                self._kept = small
                for index in self._known.values():
                    for name in list(index.columns):
                        if name not in small:
                            index.columns.pop(name, None)
        return small

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        with self._lock:
            if threads not in self._pools:
                self._pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="simloom-read")
            return self._pools[threads]

    def close(self) -> None:
        """Let go of all files and threads; they are opened again where they must."""
        self._settle()
        with self._lock:
            # Let go, not shut down, as another thread may be reading: its threads end with the last who uses it.
            self._pools.clear()
            self._open.clear()
            self._known.clear()
            self._index_bytes = 0


def _most_open_shards() -> int:
    """Choose how many files one dataset keeps open: an eighth of what the process may, since a mixture has several."""
    return max(4, min(_MAX_OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8))


def _row_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return dtype.itemsize * math.prod(shape)


def _require_shapes(shard: ShardFile, names: Sequence[str], out: Mapping[str, Array]) -> None:
    for name in names:
        stored, array = shard.arrays.get(name), out[name]
        if stored is None or stored.dtype != array.dtype or stored.shape[1:] != array.shape[1:]:
            found = "not there" if stored is None else f"{stored.dtype.str} {stored.shape[1:]}"
            raise DatasetCorruptError(
                f"{shard.path}: {name} is {found}, and {array.dtype.str} {array.shape[1:]} in the first shard"
            )


def _read_some(shard: ShardFile, name: str, inner: list[int], out: Array, places: Array) -> None:
    low, high = int(places[0]), int(places[-1])
    if high - low + 1 == len(places) and (places[1:] > places[:-1]).all():
        shard.read_into(name, inner, out[low : high + 1])
    elif _row_bytes(out.dtype, out.shape[1:]) > _SMALL_ROW_BYTES:
        flat = out.reshape(len(out), -1).view(np.uint8)
        for place, row in zip(places.tolist(), inner, strict=True):
            shard.read_row(name, row, flat[place])
    else:
        some = np.empty((len(inner), *out.shape[1:]), out.dtype)
        shard.read_into(name, inner, some)
        out[places] = some
