"""Copies of batches to a device, on a stream of their own so that computing goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import torch  # noqa: TID253 (with `torch_rows` and `loader` its home in this room)

from .torch_rows import Batch

Extra = TypeVar("Extra")


class DeviceCopy:
    """Copies batches to a device one ahead of the one in use.

    On CUDA, copies from page-locked memory run on a stream of their own, and the stream that computes waits for them.
    Elsewhere a copy is an ordinary one.

    Args:
        device: Where to.

    Example:
        >>> for batch in DeviceCopy("cuda").ahead(batches): ...
    """

    def __init__(self, device: str | torch.device) -> None:
        self.device = torch.device(device)
        make_stream: Any = torch.cuda.Stream
        self._stream: Any = make_stream(self.device) if self.device.type == "cuda" else None

    def ahead(self, batches: Iterable[tuple[Batch, Extra]]) -> Iterator[tuple[Batch, Extra]]:
        """Give the batches on the device, with the copy of the next one begun.

        Args:
            batches: Batches on the host, each with what shall stay there.

        Raises:
            Exception: What making one raised, in its place: behind those before it.
        """
        following: tuple[Batch, Any, Extra] | None = None
        error: Exception | None
        walk, error = iter(batches), None
        while error is None:
            begun = None
            try:
                batch, extra = next(walk)
                begun = (*self._begin(batch), extra)
            except Exception as found:
                error = found
            if following is not None:
                yield self._finish(*following[:2]), following[2]
            following = begun
        if not isinstance(error, StopIteration):
            raise error

    def _begin(self, batch: Batch) -> tuple[Batch, Any]:
        if self._stream is None:
            return {name: tensor.to(self.device) for name, tensor in batch.items()}, None
        with torch.cuda.stream(self._stream):
            copied = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
            return copied, self._stream.record_event()

    def _finish(self, batch: Batch, done: Any) -> Batch:
        if self._stream is not None:
            computing = torch.cuda.current_stream(self.device)
            computing.wait_event(done)
            for tensor in batch.values():
                # Made on one stream and used on another: its memory must not be given away before both are done.
                tensor.record_stream(computing)
        return batch
