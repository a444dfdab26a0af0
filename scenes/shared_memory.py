"""Memory that a process shares with its children: without a name, so that nothing is left behind."""

from __future__ import annotations

import os
import sys
import tempfile


def make_memory(size: int) -> int:
    """Make anonymous memory of zeros.

    The memory has no name, only a descriptor that children inherit: the system takes it back when the last process is
    gone, however that ended. (`multiprocessing.shared_memory` has names, which a killed parent leaves behind, and which
    before Python 3.13 the first child to end takes away from the others.) Pages that nobody touched take no room.

    Args:
        size: Its size [byte].

    Returns:
        A descriptor, which the caller closes.

    Raises:
        OSError: If the system refuses, as where files may not grow that far.
    """
    if sys.platform == "linux":
        descriptor = os.memfd_create("simloom")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
