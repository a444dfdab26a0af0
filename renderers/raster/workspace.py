"""Workspace: buffers that outlive one call, because fresh pages cost more than the work done in them."""

from __future__ import annotations

import threading
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernels.device import allocate
from ...kernels.transfer import Upload


@final
class Workspace(threading.local):
    """Named scratch arrays, one set per thread (and CUDA stream); a name's contents last until it is taken again.

    Args:
        device: Where they lie, "cpu" or "cuda".
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._buffers: dict[tuple[int, str], Any] = {}
        self._held: dict[tuple[int, str], tuple[Any, Any]] = {}
        self._staging: dict[int, Any] = {}

    @property
    def is_resident(self) -> bool:
        """Whether the arrays lie on the CUDA device."""
        return self._device == "cuda"

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
        if not size:
            return allocate(shape, kind, self.is_resident)  # type: ignore[no-any-return]
        key = (self._stream(), name)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[key] = allocate((size,), np.uint8, self.is_resident)
        array: NDArray[Any] = buffer[:size].view(kind).reshape(shape)
        return array

    def send(self, name: str, tree: Any) -> Any:
        """Return host tables where kernels read them: on CUDA copied there, all in one.

        Args:
            name: What they are for; sending it again ends the use of the last ones.
            tree: Nested tuples, named tuples, lists and mappings of NumPy arrays; what lies there already stays.
        """
        if not self.is_resident:
            return tree
        from ...kernels import device_cuda

        upload = Upload(tree)
        target = self.take(f"sent {name}", (upload.size,), np.uint8)
        if upload.size:
            staging = self._staging.setdefault(self._stream(), device_cuda.Staging())
            room = staging.take(upload.size)
            upload.fill(room)
            staging.send(room, target)
        return upload.view(target)

    def hold(self, name: str, tree: Any) -> Any:
        """Do as `send`, but only where the tree is another object than when the name was last held."""
        if not self.is_resident:
            return tree
        key = (self._stream(), name)
        held = self._held.get(key)
        if held is None or held[0] is not tree:
            held = self._held[key] = (tree, self.send(f"held {name}", tree))
        return held[1]

    def _stream(self) -> int:
        # Calls on two streams overlap, and must not write over each other's arrays.
        if not self.is_resident:
            return 0
        from ...kernels import device_cuda

        return device_cuda.current_stream_key()

    def __reduce__(self) -> tuple[type[Workspace], tuple[str]]:
        """Travel to another process empty."""
        return Workspace, (self._device,)
