"""What worker processes did with their time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import NamedTuple, Self


class WorkTimes(NamedTuple):
    """Seconds that a worker tells of one scenario."""

    busy: float
    """Making the stage."""
    cpu: float
    """Processor time of the same."""
    pack: float
    """Laying it out for the parent."""
    input_wait: float
    """Waiting for the scenario; 0 for a process's first."""
    output_wait: float
    """Handing over the answer before this one."""


@dataclass(kw_only=True)
class WorkerTally:
    """One worker's times and counts so far, over all processes that took its place.

    Example:
        >>> WorkerTally.sum(pool.tallies).busy
        12.5
    """

    busy: float = 0.0
    """Making stages [s]; building the scene is not counted."""
    cpu: float = 0.0
    """Processor time of the same [s]."""
    pack: float = 0.0
    """Laying stages out for the parent [s], in the worker."""
    unpack: float = 0.0
    """Reading them [s], in the parent."""
    input_wait: float = 0.0
    """Waiting for scenarios [s]."""
    output_wait: float = 0.0
    """Waiting until the parent took the answer [s]."""
    stages: int = 0
    """Stages made."""
    bytes: int = 0
    """Their size on the way to the parent [byte]."""
    piped: int = 0
    """Stages that went through the pipe, as no slot of shared memory was free or large enough."""

    def add(self, times: WorkTimes, *, size: int, unpack: float, piped: bool) -> None:
        """Count one stage.

        Args:
            times: What the worker tells.
            size: Size of the message [byte].
            unpack: What reading it took the parent [s].
            piped: Whether it came through the pipe.
        """
        self.busy += times.busy
        self.cpu += times.cpu
        self.pack += times.pack
        self.input_wait += times.input_wait
        self.output_wait += times.output_wait
        self.unpack += unpack
        self.stages += 1
        self.bytes += size
        self.piped += piped

    @classmethod
    def sum(cls, tallies: Iterable[WorkerTally]) -> Self:
        """Return the sum over some workers."""
        found = list(tallies)
        return cls(**{field.name: sum(getattr(tally, field.name) for tally in found) for field in fields(cls)})
