"""Rows to HDF5 as a user would write them: h5py with gzip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simloom.sim.bench.naive_h5py import write_rows as write_rows


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
