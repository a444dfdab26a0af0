"""One process's share of a campaign: what it is told to make, and what it tells when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..dataset.outcomes import Outcomes
from ..recipe import Recipe
from .progress import StageTimes
from .stage_counter import sum_counters


@dataclass(frozen=True, kw_only=True)
class Share:
    """Some shards of a dataset, and what to make them with."""

    recipe: Recipe
    out: str
    samples: int | None
    shards: tuple[int, ...]
    workers: int
    threads: int
    """CPU threads that compress, and that render and sense where there is no device."""
    device: str
    gpu: str | None
    """The GPU, as `CUDA_VISIBLE_DEVICES` names it; None: no device."""
    batch: int | None
    snapshots: str | None
    scenarios_per_shard: int | None
    allow_code: bool
    allow_mixed: bool

    @property
    def name(self) -> str:
        """What a person would call its process."""
        return f"GPU {self.gpu}" if self.gpu is not None else f"shards {', '.join(map(str, self.shards[:3]))} ..."


@dataclass(frozen=True, kw_only=True)
class ShareResult:
    """What came of a share."""

    rows_made: int
    draws: int
    examples: Mapping[str, str]
    outcomes: Outcomes
    times: StageTimes


def sum_times(results: Sequence[ShareResult], times: StageTimes) -> None:
    """Add the times of shares that ran side by side to a campaign's.

    Args:
        results: What came of the shares.
        times: Where seconds are summed; to its start the longest of theirs is added, its first row stays.
    """
    for name in ("physics", "render", "sensors", "gather", "write", "write_wait", "cpu"):
        setattr(times, name, getattr(times, name) + sum(getattr(result.times, name) for result in results))
    times.start += max(result.times.start for result in results)
    times.counters = sum_counters([result.times.counters for result in results])
