"""Keeping C code off standard output and error, where a program's results and messages go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def quiet_output(*descriptors: int) -> Iterator[None]:
    """Discard what C code prints meanwhile, to standard output or to the file descriptors given."""
    with ExitStack() as stack:
        for descriptor in descriptors or (1,):
            stack.enter_context(_quiet(descriptor))
        yield


@contextmanager
def _quiet(descriptor: int) -> Iterator[None]:
    import ctypes
    import os

    try:
        saved = os.dup(descriptor)
    except OSError:  # there is no such output
        yield
        return
    flush = ctypes.CDLL(None).fflush
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        flush(None)
        os.dup2(sink, descriptor)
        yield
    finally:
        flush(None)
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(sink)
