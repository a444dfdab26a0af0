"""Slots of shared memory through which a child hands arrays to its parent without a copy on the parent's side."""

from __future__ import annotations

import mmap
import os
import pickle
import weakref
from collections import deque
from typing import Any, Final, NamedTuple, final

import numpy as np

from .shared_memory import make_memory

SLOT_BYTES: Final = 8 * 2**20
"""Size of a slot [byte]; pages of it that nobody wrote to take no room."""
_ALL_SLOTS: Final = 2**30
_LEAST_SLOT: Final = 2**18
_ALIGN: Final = 64
_LEAST: Final = 1024
"""Arrays below this size are copied with the rest of the message, which is cheaper than a view each [byte]."""


class SlotMap(NamedTuple):
    """Where a message lies in a slot."""

    head: tuple[int, int]
    """Start and end of the pickle without its large arrays."""
    arrays: tuple[tuple[int, int], ...]
    """Start and end of each large array."""

    @property
    def size(self) -> int:
        """Bytes of the slot that are used."""
        return self.head[1]


@final
class SharedSlots:
    """Slots of equal size in anonymous shared memory, as the parent sees them.

    The parent names a free slot with each request, the child fills it, the parent reads it in place: arrays of the
    message are views of the slot, and the slot is free again when the last of them is gone. So a child that dies takes
    no slot with it, and who keeps a message keeps its slot.

    Args:
        count: Slots.
        size: Size of each [byte].

    Raises:
        OSError: If the system gives no such memory.

    Example:
        >>> slots = SharedSlots(8)
        >>> slot = slots.take()
        >>> where = SlotMemory(slots.descriptor, slots.size).pack(slot, {"pose": np.eye(4)})
        >>> slots.read(slot, where)["pose"].shape
        (4, 4)
    """

    def __init__(self, count: int, size: int = SLOT_BYTES) -> None:
        self.size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self.count = count
        self.descriptor = make_memory(max(count, 1) * self.size)
        """What a child is given."""
        try:
            self._memory = mmap.mmap(self.descriptor, max(count, 1) * self.size)
        except OSError:  # as where addresses are limited
            self.close()
            raise
        self._free = deque(range(count))

    @property
    def taken(self) -> int:
        """Slots that are not free."""
        return self.count - len(self._free)

    def take(self) -> int | None:
        """Take a free slot; None where there is none. From any thread."""
        try:
            return self._free.pop()  # the last that came back: its pages are there already
        except IndexError:
            return None

    def give_back(self, slot: int) -> None:
        """Return a slot that was not read."""
        self._free.append(slot)

    def read(self, slot: int, where: SlotMap) -> Any:
        """Read a message; the slot is given back when its arrays are gone, from whatever thread lets go of them.

        Args:
            slot: A slot that was taken.
            where: What the child returned.

        Returns:
            The message, whose large arrays are views of the slot.
        """
        whole = np.frombuffer(self._memory, np.uint8, self.size, slot * self.size)
        # Appending to a deque is one step, so that a destructor may do it wherever it runs.
        weakref.finalize(whole, self._free.append, slot).atexit = False
        view = memoryview(whole)  # type: ignore[arg-type]
        return pickle.loads(view[slice(*where.head)], buffers=[view[start:end] for start, end in where.arrays])

    def close(self) -> None:
        """Let go of the memory, which is unmapped with the last array that someone holds; twice does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def make_slots(count: int) -> SharedSlots | None:
    """Make slots of `SLOT_BYTES`, smaller ones where there are many: a gigabyte holds at least 128 and at most 4096.

    Args:
        count: Slots.

    Returns:
        The slots; None where the system gives no such memory, as where files may not grow that far.
    """
    try:
        return SharedSlots(count, min(max(_ALL_SLOTS // max(count, 1), _LEAST_SLOT), SLOT_BYTES))
    except OSError:
        return None


@final
class SlotMemory:
    """The same slots, as a child sees them.

    Args:
        descriptor: The inherited descriptor.
        size: Size of each slot [byte].
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._memory = memoryview(mmap.mmap(descriptor, 0))
        self._size = size

    def pack(self, slot: int, message: Any) -> SlotMap | None:
        """Write a message into a slot.

        Args:
            slot: The slot that the parent named.
            message: Anything that can be pickled.

        Returns:
            Where it lies; None where it does not fit.
        """
        memory = self._memory[slot * self._size : (slot + 1) * self._size]
        arrays: list[tuple[int, int]] = []
        end = 0

        def place(buffer: pickle.PickleBuffer) -> bool:
            """Write an array aside, or return True, which leaves it in the pickle."""
            nonlocal end
            with buffer.raw() as raw:
                start = -(-end // _ALIGN) * _ALIGN
                if raw.nbytes < _LEAST or start + raw.nbytes > len(memory):
                    return True
                end = start + raw.nbytes
                memory[start:end] = raw
            arrays.append((start, end))
            return False

        head = pickle.dumps(message, protocol=5, buffer_callback=place)
        if end + len(head) > len(memory):
            return None
        memory[end : end + len(head)] = head
        return SlotMap((end, end + len(head)), tuple(arrays))
