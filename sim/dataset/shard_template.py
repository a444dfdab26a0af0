"""What every shard of a dataset has alike: its small arrays with their attributes, made once and then copied.

A shard has some 150 arrays with seven attributes each. To create and describe them one by one takes longer than to
compress the images of sixteen rows; HDF5 copies whole groups of them in a seventh of the time.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from .array_writer import ArrayWriter
from .specs import Array, find_spec

CHECKSUMS = "crc32"
"""Attribute of every array: the CRC-32 of the stored bytes of each row."""


@final
class ShardTemplate:
    """The arrays of a shard that have no chunks, without their values.

    Args:
        arrays: The arrays, rows leading, for names, dtypes and shapes.

    Example:
        >>> template = ShardTemplate({"sample/index": np.arange(4)})
        >>> template.fits({"sample/index": np.arange(4, 8)})
        True
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        import h5py

        self._layout = _layout_of(arrays)
        target = io.BytesIO()
        with h5py.File(target, "w", libver=("v110", "v110")) as file:
            writer = ArrayWriter(file)
            for name in sorted(arrays):
                array = arrays[name]
                sums = {CHECKSUMS: np.zeros(len(array), np.uint32)}
                writer.describe(writer.create(name, array), find_spec(name).attributes(array.dtype.str), sums)
        self._image = target.getvalue()

    def fits(self, arrays: Mapping[str, Array]) -> bool:
        """Tell whether it has just these arrays, with as many rows."""
        return self._layout == _layout_of(arrays)

    def copy_into(self, file: Any) -> None:
        """Put the arrays into a file that has none of them.

        Args:
            file: An `h5py.File` open for writing.
        """
        import h5py

        with h5py.File(io.BytesIO(self._image), "r") as source:
            for name in source:
                h5py.h5o.copy(source.id, name.encode(), file.id, name.encode())


def _layout_of(arrays: Mapping[str, Array]) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    return tuple((name, arrays[name].dtype.str, arrays[name].shape) for name in sorted(arrays))
