"""Replay files: tables of points or of named values, read as data alone."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .layout import PointLayout
from .replay_points import ReplayPoints, value_points, whole_points

MAX_FILE_BYTES = 1 << 30
"""Largest replay file read, unpacked [byte]."""

SUFFIXES = (".csv", ".json", ".npz", ".parquet")
"""Kinds of replay files."""

# Of a dataset's own samples.parquet: what a row is, not what it is made of.
_ROW_COLUMNS = frozenset((
    "index", "scenario", "step", "view", "look", "split", "weight", "log_density", "valid", "reason", "attempt", "seed",
    "is_real", "generation", "verdict",
))  # fmt: skip


def read_file_points(path: Path, layout: PointLayout) -> ReplayPoints:
    """Read points from a file.

    Args:
        path: A table with a line, or entry of the leading axis, per scenario. Columns are `u` (an array, or columns
            `u[0]`, `u[1]` ...: whole points), or names of parameters.
        layout: Where the coordinates stand.

    Returns:
        The points; parameters that the file does not name are left open.

    Raises:
        ValueError: If the file is no such table, is too large, or holds what cannot be. Nothing in it is ever run.
        OSError: If the system refuses.

    Example:
        >>> read_file_points(Path("hard_cases.csv"), layout).count
        12
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: a replay is the folder of a dataset or a file that ends in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file or folder")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise ValueError(f"{path}: {size} bytes are more than {MAX_FILE_BYTES}; replay in parts")
    read = {".csv": _read_csv, ".json": _read_json, ".npz": _read_npz, ".parquet": _read_parquet}[suffix]
    try:
        columns = read(path)
    except MemoryError as error:
        raise ValueError(f"{path}: needs more memory than there is; replay in parts") from error
    source = str(path)
    whole = {name: values for name, values in columns.items() if name == "u" or name.startswith("u[")}
    if not whole:
        return value_points(columns, layout, source=source)
    if len(whole) < len(columns):
        other = next(name for name in columns if name not in whole)
        raise ValueError(f"{source}: holds whole points u and values of {other}; give the one or the other")
    try:
        if "u" in whole:
            u = np.asarray(whole["u"], np.float64)
        else:
            u = np.stack([np.asarray(whole[f"u[{i}]"], np.float64) for i in range(len(whole))], axis=1)
    except KeyError as error:
        raise ValueError(f"{source}: the columns of u are u[0], u[1], ...; there is no {error.args[0]}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{source}: u must be a table of numbers: {error}") from error
    return whole_points(u, layout, source=source)


def _read_csv(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a table of comma-separated values: {error}") from error
    if len(lines) < 2:
        raise ValueError(f"{path}: needs a line of names and at least one of values")
    names = [name.strip() for name in lines[0]]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: a name stands twice in its first line")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise ValueError(f"{path}, line {number}: {len(line)} values for {len(names)} names")
    return {name: _column([line[place].strip() for line in lines[1:]]) for place, name in enumerate(names)}


def _column(texts: list[str]) -> Any:
    """Read a column as numbers; one that holds any word stays words."""
    try:
        return np.array([float(text) for text in texts], np.float64)
    except ValueError:
        return np.array(texts, object)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also of whole numbers of thousands of digits
        raise ValueError(f"{path}: not JSON: {error}") from error
    if isinstance(value, list):
        if not value or not all(isinstance(entry, dict) and entry.keys() == value[0].keys() for entry in value):
            raise ValueError(f"{path}: a list must hold one mapping of the same names per scenario")
        value = {name: [entry[name] for entry in value] for name in value[0]}
    if not isinstance(value, dict) or not all(isinstance(item, list) for item in value.values()):
        raise ValueError(f"{path}: must be a mapping of names to lists, or a list of mappings")
    columns: dict[str, Any] = {}
    for name, values in value.items():
        try:
            columns[name] = np.array(values, object) if _has_words(values) else np.array(values, np.float64)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path}: {name}: must be a list of numbers or words, all of one shape") from error
    return columns


def _has_words(values: list[Any]) -> bool:
    return any(isinstance(value, str | bool) for value in values)


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_FILE_BYTES:
                raise ValueError(f"{path}: unpacks to more than {MAX_FILE_BYTES} bytes; replay in parts")
            if not all(entry.filename.endswith(".npy") for entry in archive.infolist()):
                raise ValueError(f"{path}: holds something else than arrays")
            for entry in archive.infolist():
                _check_header(archive, entry)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        raise ValueError(f"{path}: not an .npz file: {error}") from error
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: an array is damaged, or holds objects, which are never read: {error}") from error


def _check_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Raise where an array's header says more than its file holds: room for all of it is made before any is read."""
    from numpy.lib import format as npy

    with archive.open(entry) as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{entry.filename} has the format {version}, not 1.0 or 2.0")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{entry.filename} says that it holds {shape} of {dtype}, and has {entry.file_size} bytes")


def _read_parquet(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
        # On this thread alone: Arrow's own may still hold the bytes when the interpreter ends.
        with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
            metadata = file.metadata
            unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
            if unpacked > MAX_FILE_BYTES:
                raise ValueError(f"{path}: unpacks to more than {MAX_FILE_BYTES} bytes; replay in parts")
            table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path}: not a Parquet file: {error}") from error
    columns: dict[str, Any] = {}
    is_samples = any(name.startswith("param/") for name in table.column_names)
    for name in table.column_names:
        if is_samples and name in _ROW_COLUMNS:
            if name in ("view", "look") and any(table.column(name).to_pylist()):
                raise ValueError(
                    f"{path}: has a line per {name}, and a replay a line per scenario; replay the dataset's folder, or "
                    "keep the lines of view 0 and look 0"
                )
            continue
        values = table.column(name).to_pylist()
        if any(value is None for value in values):
            raise ValueError(f"{path}: {name} has gaps; every scenario needs a value")
        try:
            columns[name] = np.array(values, object) if _has_words(values) else np.array(values, np.float64)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {name}: must hold numbers or words, all of one shape") from error
    return columns
