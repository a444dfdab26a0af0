"""The system's cache of files: emptied of some files and asked what it holds, without a privilege and per file."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def evict(paths: Iterable[Path]) -> None:
    """Write files back and drop them from the cache (`posix_fadvise` DONTNEED); pages that a process maps stay."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def cached_fraction(paths: Iterable[Path]) -> float:
    """Tell which part of some files' pages the cache holds (`mincore`), [0, 1]."""
    library = ctypes.CDLL(None, use_errno=True)
    held = pages = 0
    for path in paths:
        size = path.stat().st_size
        if not size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            count = -(-size // mmap.PAGESIZE)
            flags = np.zeros(count, np.uint8)
            view = np.frombuffer(mapped, np.uint8)
            failed = library.mincore(
                ctypes.c_void_p(view.ctypes.data), ctypes.c_size_t(size), flags.ctypes.data_as(ctypes.c_char_p)
            )
            del view
            if failed:
                raise OSError(ctypes.get_errno(), "mincore", str(path))
            held, pages = held + int((flags & 1).sum()), pages + count
    return held / pages if pages else 0.0


def list_files(folder: Path) -> list[Path]:
    """List the files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
