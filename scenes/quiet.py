"""Keeping C code off standard output, where a program's results go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_output() -> Iterator[None]:
    """Discard what C code prints to standard output meanwhile."""
    import ctypes
    import os

    try:
        saved = os.dup(1)
    except OSError:  # no standard output at all
        yield
        return
    flush = ctypes.CDLL(None).fflush
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        flush(None)
        os.dup2(sink, 1)
        yield
    finally:
        flush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)
