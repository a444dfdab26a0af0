"""Pending captures: what was made for some rows and is on its way into them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import on_device

if TYPE_CHECKING:
    from ..kernels.device_stream import PinnedMemory, Stream

Array = NDArray[Any]


@final
class PendingCapture:
    """Rows that are being captured; they are whole after `finish`.

    What comes from the host is written at once. What comes from the device is converted there to the rows' type, its
    download is queued into page-locked memory of its own, and `finish` writes it into the rows. Of several that are
    begun one after the other each has memory of its own on the host; on the device their kernels follow one another.

    Args:
        rows: Arrays of the batch by name.
        looks: Appearances per view.
        stream: Where the device's work is queued; None without a device.
        memory: Where downloads land; None without a device.
        apart: Whether the device is waited for after each step, so that seconds by step are those of its work.

    Example:
        >>> pending = capturer.begin(stages, rows, start=0)
        >>> seconds = pending.finish()
    """

    def __init__(
        self,
        rows: Mapping[str, Array],
        *,
        looks: int,
        stream: Stream | None = None,
        memory: PinnedMemory | None = None,
        apart: bool = False,
    ) -> None:
        self.rows, self.looks = rows, looks
        self.seconds = {"render": 0.0, "sensors": 0.0, "gather": 0.0}
        """Seconds by step so far, on the host's clock."""
        self._stream, self._memory, self._apart = stream, memory, apart
        self._mark: Any = None
        self._landed: list[tuple[Array, Array]] = []
        self._writes: list[Callable[[], None]] = []
        self._held: list[Any] = []

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the time within for a step."""
        begun = time.perf_counter()
        try:
            yield
            if self._apart and self._stream is not None:
                self._stream.finish_work()
        finally:
            self.seconds[step] += time.perf_counter() - begun

    def put(self, name: str, place: NDArray[np.int64], values: Any, *, most: float = np.inf) -> None:
        """Write one value per row.

        Args:
            name: Array.
            place: Rows.
            values: What they get, shape (rows, ...), on the host or the device.
            most: Where the array is of half precision: what is above becomes this.
        """
        target = self.rows[name]
        if not on_device(values):
            target[place] = values if most == np.inf else np.minimum(values, np.float32(most))
            return
        landed = self._download(values, target.dtype, most)

        def write() -> None:
            target[place] = landed

        self._writes.append(write)

    def put_views(self, name: str, place: NDArray[np.int64], values: Any) -> None:
        """Write one value per view into the rows of all its looks; without effect where no such array is wanted."""
        if name not in self.rows:
            return
        target = self.rows[name]
        if on_device(values):
            narrow = self._download(values, target.dtype, np.inf)
            self._writes.append(lambda: self._spread(target, place, narrow))
        else:
            self._spread(target, place, np.asarray(values).astype(target.dtype, copy=False))

    def after(self, write: Callable[[], None]) -> None:
        """Do something with the rows when all that was put before is there: at once where no download is awaited."""
        if self._stream is None:
            write()
        else:
            self._writes.append(write)

    def close(self) -> None:
        """Queue nothing more: mark the place that `finish` waits for."""
        if self._stream is not None:
            self._mark = self._stream.mark()

    def finish(self) -> dict[str, float]:
        """Wait until the device is done, and write what it made into the rows.

        Returns:
            Seconds by step of the work: "render", "sensors" and "gather". With a device they are the host's: queueing
            counts for its step, waiting for "render"; if steps are kept apart, downloads for "gather".
        """
        if self._mark is not None:
            with self.timed("gather" if self._apart else "render"):
                self._mark.wait()
            self._mark = None
        if self._writes:
            with self.timed("gather"):
                for write in self._writes:
                    write()
        self._writes.clear()
        self._held.clear()
        if self._memory is not None:
            for buffer, _ in self._landed:
                self._memory.give_back(buffer)
        self._landed.clear()
        return self.seconds

    def _spread(self, target: Array, place: NDArray[np.int64], narrow: Array) -> None:
        for look in range(self.looks):
            target[place[look :: self.looks]] = narrow

    def _download(self, values: Any, dtype: np.dtype[Any], most: float) -> Array:
        from ..kernels.narrowing import narrow_on_device

        assert self._stream is not None
        assert self._memory is not None
        narrow = narrow_on_device(values, dtype, most)
        held = np.dtype(narrow.dtype)
        size = held.itemsize * int(np.prod(narrow.shape, dtype=np.int64))
        buffer = self._memory.take(size)
        landed: Array = buffer[:size].view(held).reshape(tuple(narrow.shape))
        self._stream.download(narrow, landed)
        self._held.append(narrow)
        self._landed.append((buffer, landed))
        return landed.view(dtype)
