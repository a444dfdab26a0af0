"""Cooperation: what the threads of one block do together, in functions that compile for CPU and CUDA.

On CUDA they are the hardware's own (`device_cuda` says so to the compiler). On the CPU a block has one thread, so that
a barrier does nothing and an atomic operation is a plain one. As plain Python they serve the threads of the simulator.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from numba.extending import overload

_TURN: Final = threading.Lock()


def barrier() -> None:
    """Wait until every thread of the block is here; all of them must come by."""
    wait = getattr(threading.current_thread(), "syncthreads", None)  # a thread of the simulator has one
    if wait is not None:
        wait()


def atomic_add(array: Any, place: Any, value: Any) -> Any:
    """Add to an element of a one-dimensional array; return what was there. `value` has the array's type."""
    with _TURN:
        known = array[place]
        array[place] = known + value
    return known


def atomic_max(array: Any, place: Any, value: Any) -> Any:
    """Keep the larger of an element and a value; return what was there."""
    with _TURN:
        known = array[place]
        array[place] = max(known, value)
    return known


def atomic_min(array: Any, place: Any, value: Any) -> Any:
    """Keep the smaller of an element and a value; return what was there."""
    with _TURN:
        known = array[place]
        array[place] = min(known, value)
    return known


def atomic_or(array: Any, place: Any, value: Any) -> Any:
    """Set the bits of a value in an element; return what was there."""
    with _TURN:
        known = array[place]
        array[place] = known | value
    return known


def _barrier_alone() -> Any:
    def wait() -> None:
        pass

    return wait


def _add_alone(array: Any, place: Any, value: Any) -> Any:
    def add(array: Any, place: Any, value: Any) -> Any:
        known = array[place]
        array[place] = known + value
        return known

    return add


def _max_alone(array: Any, place: Any, value: Any) -> Any:
    def keep(array: Any, place: Any, value: Any) -> Any:
        known = array[place]
        array[place] = max(known, value)
        return known

    return keep


def _min_alone(array: Any, place: Any, value: Any) -> Any:
    def keep(array: Any, place: Any, value: Any) -> Any:
        known = array[place]
        array[place] = min(known, value)
        return known

    return keep


def _or_alone(array: Any, place: Any, value: Any) -> Any:
    def join(array: Any, place: Any, value: Any) -> Any:
        known = array[place]
        array[place] = known | value
        return known

    return join


for _function, _alone in (
    (barrier, _barrier_alone),
    (atomic_add, _add_alone),
    (atomic_max, _max_alone),
    (atomic_min, _min_alone),
    (atomic_or, _or_alone),
):
    overload(_function, target="cpu")(_alone)
