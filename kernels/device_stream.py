"""Streams: work queued on a CUDA device, downloads beside it, and the page-locked memory that they land in.

A stream is two of CUDA's: one for uploads and kernels, one for downloads, which begin when what was queued before them
is done and go on while later kernels run. Two batches that are queued one after the other may so share scratch memory:
the second one's kernels wait for the first one's, and only its downloads do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from .device_cuda import STREAM, cuda, current_stream
from .upload import Upload

_PAGE = 1 << 12


@final
class Stream:
    """A queue of work on the current device.

    Example:
        >>> stream = Stream()
        >>> with stream.use():
        ...     reading = apply_depth(depth, fx=400.0, seed=1, index=[0])
        >>> stream.download(reading.depth, host)
        >>> stream.mark().wait()
    """

    def __init__(self) -> None:
        self._work, self._copies = cuda.stream(), cuda.stream()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Queue what this thread launches meanwhile on this stream."""
        token = STREAM.set(self._work)
        try:
            yield
        finally:
            STREAM.reset(token)

    def download(self, array: Any, host: NDArray[Any]) -> None:
        """Queue a copy of what an array will hold when all that is queued so far is done.

        Args:
            array: Contiguous array on the device; to be kept until the copy is done.
            host: Where to, of the same shape and type. Only a copy to page-locked memory goes on beside other work.
        """
        ready = cuda.event()
        ready.record(self._work)
        ready.wait(self._copies)
        as_numba(array).copy_to_host(host, stream=self._copies)

    def finish_work(self) -> None:
        """Wait until what is queued is done, but for downloads."""
        self._work.synchronize()

    def mark(self) -> Mark:
        """Return a mark behind everything that is queued, downloads included."""
        event = cuda.event()
        event.record(self._work)
        event.wait(self._copies)
        done = cuda.event()
        done.record(self._copies)
        return Mark(done)


@final
class Mark:
    """A place in a stream."""

    def __init__(self, event: Any) -> None:
        self._event = event

    def wait(self) -> None:
        """Wait until the device has come there."""
        self._event.synchronize()


@final
class PinnedMemory:
    """Page-locked host memory that is kept for the next use: making it takes longer than filling it."""

    def __init__(self) -> None:
        self._free: dict[int, list[NDArray[np.uint8]]] = {}

    def take(self, size: int) -> NDArray[np.uint8]:
        """Return a buffer.

        Args:
            size: Its least size [byte].

        Returns:
            Uninitialised bytes, shape (size or up to a page more,).
        """
        size = -(-max(size, 1) // _PAGE) * _PAGE
        kept = self._free.get(size)
        return kept.pop() if kept else cuda.pinned_array(size, dtype=np.uint8)

    def give_back(self, buffer: NDArray[np.uint8]) -> None:
        """Keep a buffer that nothing is copied to any more, for another `take` of its size."""
        self._free.setdefault(buffer.size, []).append(buffer)


def as_numba(array: Any) -> Any:
    """Return a device array of any library as one of Numba's, without a copy."""
    return array if hasattr(array, "__cuda_ndarray__") else cuda.as_cuda_array(array)


def upload(array: NDArray[Any]) -> Any:
    """Return a copy of a host array on the device, queued on the current stream."""
    return cuda.to_device(np.ascontiguousarray(array), stream=current_stream())


def download(array: Any) -> NDArray[Any]:
    """Return a copy of a device array on the host, and wait for it."""
    stream = current_stream()
    host: NDArray[Any] = as_numba(array).copy_to_host(stream=stream)
    if not isinstance(stream, int):
        stream.synchronize()
    return host


def upload_tables(tables: Sequence[NDArray[Any]]) -> tuple[Any, ...]:
    """Return copies of small host arrays on the device, by one copy of them all.

    Args:
        tables: Arrays of any types and shapes.

    Returns:
        One array on the device for each.
    """
    plan = Upload(tuple(tables))
    packed = np.zeros(max(plan.size, 1), np.uint8)
    plan.fill(packed)
    views: tuple[Any, ...] = plan.view(upload(packed))
    return views
