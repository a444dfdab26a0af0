"""Rooflines: the fastest that memory and disk are, measured by moving bytes and doing nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...kernels.device import Kernel, scalar
from .timing import Contestant

COPY: Final = "memory copy"
"""Name of the contestant that copies memory."""
DISK: Final = "raw disk"
"""Name of the contestant that writes bytes and syncs them."""

COPY_BYTES = 1 << 28
"""Bytes of the buffer that is copied, unless told otherwise: more than caches hold."""
_LINE: Final = 1 << 16


@scalar
def _copy_line(line: Any, source: Any, target_out: Any) -> None:
    for k in range(source.shape[1]):
        target_out[line, k] = source[line, k]


_COPY: Final = Kernel(_copy_line)


def copy_memory(device: str, size: int, threads: int | None = None) -> Callable[[], None]:
    """Return a function that copies a buffer to another on a device.

    Args:
        device: "cpu", with all threads, or "cuda".
        size: Bytes of the buffer; each copy reads and writes as many. Larger than the caches, or they are measured.
        threads: CPU threads; None for all.
    """
    if device == "cuda":
        import torch

        if torch.cuda.is_available():
            first, second = (torch.empty(size, dtype=torch.uint8, device="cuda") for _ in range(2))
            first.fill_(1)
            return lambda: (second.copy_(first), None)[1]
    lines = max(size // (8 * _LINE), 1)
    width = _LINE if size >= 8 * _LINE else max(size // 8, 1)
    source, target = np.ones((lines, width)), np.zeros((lines, width))
    return lambda: _COPY.launch(lines, source, target, device=device, threads=threads)


def copy_contestant(
    device: str, bytes_per_item: float, *, size: int | None = None, threads: int | None = None
) -> Contestant:
    """Return the roof of something that reads or writes `bytes_per_item` bytes for each of its items.

    Args:
        device: "cpu" or "cuda".
        bytes_per_item: What one item moves at least, reads and writes together [byte].
        size: Bytes of the buffer that is copied; None for `COPY_BYTES`.
        threads: CPU threads; None for all.
    """
    size = COPY_BYTES if size is None else size
    return Contestant(name=COPY, run=copy_memory(device, size, threads), items=2.0 * size / bytes_per_item)


def write_raw(path: Path, size: int) -> Callable[[], None]:
    """Return a function that writes some bytes, which do not shrink, to a file and syncs it.

    Args:
        path: The file, written anew by every call.
        size: Bytes.
    """
    # A pattern that is no run of equal bytes: some file systems leave those out.
    block = (np.arange(min(size, 1 << 22) // 4 + 1, dtype=np.uint32) * np.uint32(2654435761)).tobytes()

    def run() -> None:
        with path.open("wb", buffering=0) as file:
            left = size
            while left:
                left -= file.write(memoryview(block)[: min(left, len(block))])
            os.fsync(file.fileno())

    return run
