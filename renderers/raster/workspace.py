"""Workspace: buffers that outlive one call, because fresh pages cost more than the work done in them."""

from __future__ import annotations

import threading
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray


@final
class Workspace(threading.local):
    """Named scratch arrays, one set per thread; a name's contents last until it is taken again."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised array.

        Args:
            name: What the array is for; taking it again ends the use of the last one.
            shape: Shape of the array.
            dtype: Its type.

        Returns:
            A C-contiguous array over memory that is kept for the next call.

        Example:
            >>> Workspace().take("keys", (2, 3), np.uint64).shape
            (2, 3)
        """
        kind = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, np.uint8)
        return buffer[:size].view(kind).reshape(shape)

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        """Travel to another process empty."""
        return Workspace, ()
