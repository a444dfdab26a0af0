"""Shared arrays: named NumPy arrays in memory that a process shares with its children."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..shared_memory import make_memory

Fields = Mapping[str, tuple[tuple[int, ...], str]]
"""Array name to its shape and type."""
_ALIGN: Final = 64


class SharedArrays:
    """Arrays in anonymous shared memory, which is gone with the last process that uses it.

    Args:
        fields: What arrays there are; zeros at first.
        descriptor: Descriptor of memory that another process made for the same fields; None makes it here.

    Example:
        >>> arrays = SharedArrays({"reward": ((8,), "float64")})
        >>> arrays["reward"][:] = 1.0
    """

    def __init__(self, fields: Fields, descriptor: int | None = None) -> None:
        places, size = {}, 0
        for name, (shape, dtype) in fields.items():
            places[name] = size
            count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            size += -(-count // _ALIGN) * _ALIGN
        self.descriptor = make_memory(max(size, _ALIGN)) if descriptor is None else descriptor
        """What a child is given."""
        memory = mmap.mmap(self.descriptor, max(size, _ALIGN))
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.ndarray(shape, dtype, buffer=memory, offset=places[name])
            for name, (shape, dtype) in fields.items()
        }

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def close(self) -> None:
        """Let go of the memory; calling it again does nothing."""
        if self.descriptor < 0:
            return
        os.close(self.descriptor)
        self.descriptor = -1
        # Unmapped with the last array that someone holds; closing the map would pull the memory from under it.
        self._arrays.clear()
