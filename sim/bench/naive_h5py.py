"""Rows to HDF5 and back as a user would write it: h5py with gzip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def write_rows(path: Path, rows: Mapping[str, NDArray[Any]], level: int = 4) -> None:
    """Write arrays to a new file: images compressed, one chunk per row; everything else as it is.

    Args:
        path: The file.
        rows: Arrays by name, rows leading.
        level: Level of gzip; 4 is h5py's default.
    """
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in rows.items():
            if array.ndim >= 3 and array[0].nbytes >= 4096:
                file.create_dataset(
                    name, data=array, chunks=(1, *array.shape[1:]), compression="gzip", compression_opts=level
                )
            else:
                file.create_dataset(name, data=array)


def read_rows(path: Path, order: Iterable[int]) -> int:
    """Read rows one by one, every array of each.

    Args:
        path: The file.
        order: Numbers of the rows.

    Returns:
        How many were read.
    """
    import h5py

    read = 0
    with h5py.File(path, "r") as file:
        arrays: list[Any] = []
        file.visititems(lambda name, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        for row in order:
            for array in arrays:
                array[row]
            read += 1
    return read
