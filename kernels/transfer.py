"""Transfer: arrays to the CUDA device and back from it, for callers that need not know which device there is."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .device import on_device


def to_host(array: Any) -> Any:
    """Return an array as NumPy's: itself, or a copy of what lies on the CUDA device.

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
