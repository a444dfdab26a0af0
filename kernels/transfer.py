"""Transfer: many arrays to the CUDA device in one copy, and arrays back from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from .device import allocate, on_device

ALIGNMENT: Final = 256
"""Bytes that each array's place on the device is a multiple of."""


def to_host(array: Any) -> Any:
    """Return an array as NumPy's: itself, or a copy of what lies on the device.

    Example:
        >>> to_host(np.zeros(2))
        array([0., 0.])
    """
    if not on_device(array):
        return array
    from . import device_stream

    return device_stream.download(array)


def to_device(array: NDArray[Any]) -> Any:
    """Return a copy of a NumPy array on the CUDA device."""
    from . import device_stream

    return device_stream.upload(array)


def free_bytes() -> int:
    """Return how much of the CUDA device's memory is free."""
    from . import device_cuda

    return device_cuda.free_bytes()


def map_arrays(tree: Any, change: Callable[[NDArray[Any]], Any]) -> Any:
    """Return nested tuples, named tuples, lists and mappings with every NumPy array changed and all else as it is.

    Args:
        tree: The arrays.
        change: What to make of each.
    """
    if isinstance(tree, np.ndarray):
        return change(tree)
    if isinstance(tree, dict):
        return {key: map_arrays(value, change) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        parts = [map_arrays(value, change) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


@final
class Upload:
    """Where the arrays of a tree lie in one run of bytes.

    Args:
        tree: Nested tuples, named tuples, lists and mappings of NumPy arrays; the rest travels in no other way.

    Example:
        >>> upload = Upload({"pose": np.eye(4), "id": np.arange(3)})
        >>> room = np.empty(upload.size, np.uint8)
        >>> upload.fill(room)
        >>> upload.view(room)["id"]
        array([0, 1, 2])
    """

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._places: list[tuple[int, NDArray[Any]]] = []
        self.size = 0
        """Bytes of all arrays, each at a multiple of `ALIGNMENT`."""
        map_arrays(tree, self._add)

    def _add(self, array: NDArray[Any]) -> None:
        self._places.append((self.size, array))
        self.size += -(-array.nbytes // ALIGNMENT) * ALIGNMENT

    def fill(self, room: NDArray[np.uint8]) -> None:
        """Copy the arrays into their places.

        Args:
            room: Bytes, shape (size,).
        """
        for first, array in self._places:
            target = room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
            np.copyto(target, array)

    def view(self, room: Any) -> Any:
        """Return the tree with views of some bytes in the arrays' stead.

        Args:
            room: Bytes of either device, shape (size,), laid out by `fill`.
        """
        places = iter(self._places)

        def find(array: NDArray[Any]) -> Any:
            first, _ = next(places)
            if not array.size:
                return allocate(array.shape, array.dtype, on_device(room))  # a device cuts no slice of no bytes
            return room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)

        return map_arrays(self._tree, find)
