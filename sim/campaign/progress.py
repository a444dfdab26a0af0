"""How far a campaign is and where its time goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from .stage_counter import StageCounter


@dataclass(kw_only=True)
class StageTimes:
    """Seconds of wall time by stage of the pipeline; writing overlaps with the rest."""

    start: float = 0.0
    """Until the first row could be begun: scene, assets, worker processes."""
    physics: float = 0.0
    """Waiting for worker processes."""
    render: float = 0.0
    """Rendering."""
    sensors: float = 0.0
    """Sensor models."""
    gather: float = 0.0
    """Gathering labels and truth."""
    write: float = 0.0
    """Judging rows, hashing, compressing and committing, in a thread of its own."""
    write_wait: float = 0.0
    """Waiting for that thread."""
    first_row: float = 0.0
    """From the call to the first finished batch."""
    total: float = 0.0
    """From the call to the end."""
    cpu: float = 0.0
    """Processor time of this process and all its threads while rows were made; worker processes have their own."""
    counters: tuple[StageCounter, ...] = ()
    """What each stage did; empty where nothing was made."""

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds alone, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, float)}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A moment of a campaign."""

    rows_made: int
    """Rows made in this run."""
    rows_committed: int
    """Rows in committed shards, earlier runs' too."""
    rows_to_make: int
    """Rows that this run makes in all."""
    rows_wanted: int
    """Rows of the finished dataset."""
    seconds: float
    """Since the first row was begun."""

    @property
    def rows_per_second(self) -> float:
        """Rows made per second of this run."""
        return self.rows_made / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end; None before the first rows."""
        rate = self.rows_per_second
        return (self.rows_to_make - self.rows_made) / rate if rate > 0 else None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a campaign would do."""

    rows_wanted: int
    """Rows of the finished dataset."""
    rows_there: int
    """Rows committed already."""
    rows_to_make: int
    """Rows that this run would make."""
    scenarios_to_make: int
    """Physical worlds that this run would make."""
    shards: int
    """Shards of the finished dataset."""
    row_bytes: int
    """Size of a row, uncompressed [byte]."""
    arrays: tuple[str, ...] = field(repr=False)
    """Names of the arrays of a row."""
    notes: tuple[str, ...] = ()
    """What a person should know before it is run."""

    @property
    def raw_bytes(self) -> int:
        """Size of what this run would make, uncompressed [byte]."""
        return self.rows_to_make * self.row_bytes
