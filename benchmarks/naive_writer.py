"""Rows to HDF5 as a user would write them: h5py with gzip."""

from __future__ import annotations

from collections.abc import Mapping
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


def write_frames(folder: Path, rows: Mapping[str, NDArray[Any]]) -> None:
    """Write a file for every row, each array with gzip and chunks of h5py's choice, as BlenderProc does.

    Args:
        folder: Where; files there are written anew.
        rows: Arrays by name, rows leading.
    """
    import h5py

    for row in range(len(next(iter(rows.values())))):
        with h5py.File(folder / f"{row}.hdf5", "w") as file:
            for name, array in rows.items():
                options = {} if array.ndim == 1 else {"compression": "gzip"}
                file.create_dataset(name, data=array[row], **options)
