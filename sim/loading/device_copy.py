"""Copies of batches to a device, on a stream of their own so that computing goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch  # noqa: TID253 (with `torch_rows` and `loader` its home in this room)

from .torch_rows import Batch


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
        self._stream: Any = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None

    def ahead(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Give the batches on the device, with the copy of the next one begun."""
        following: Batch | None = None
        for batch in batches:
            copied = self._begin(batch)
            if following is not None:
                yield self._finish(following)
            following = copied
        if following is not None:
            yield self._finish(following)

    def _begin(self, batch: Batch) -> Batch:
        if self._stream is None:
            return {name: tensor.to(self.device) for name, tensor in batch.items()}
        with torch.cuda.stream(self._stream):
            return {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}

    def _finish(self, batch: Batch) -> Batch:
        if self._stream is not None:
            computing = torch.cuda.current_stream(self.device)
            computing.wait_stream(self._stream)
            for tensor in batch.values():
                # Made on one stream and used on another: its memory must not be given away before both are done.
                tensor.record_stream(computing)
        return batch
