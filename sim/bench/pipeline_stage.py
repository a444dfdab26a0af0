"""The whole pipeline: a campaign of the recipe, what each of its stages did with its time, and which binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..campaign.campaign import Campaign
from ..campaign.plan import Plan
from ..campaign.stage_counter import StageCounter, binding_stage, occupancy_table

_SHARDS = 4
"""Shards of a design that are made, at least, where it has as many."""


@dataclass(frozen=True, kw_only=True)
class PipelineResult:
    """A campaign, watched."""

    rows: int
    """Rows made."""
    seconds: float
    """From the first row begun to the end [s]."""
    start: float
    """Until the first row could be begun [s]."""
    counters: tuple[StageCounter, ...]
    """What each stage did."""
    alone: Mapping[str, float]
    """Rows per second of each stage measured by itself."""

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds

    @property
    def binding(self) -> str:
        """The stage that was busiest."""
        return binding_stage(self.counters).stage if self.counters else "unknown"

    def table(self) -> str:
        """Return the stages' occupancy as a Markdown table."""
        return occupancy_table(self.counters)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "rows": self.rows,
            "seconds": self.seconds,
            "start_seconds": self.start,
            "rate": self.rate,
            "binding_stage": self.binding,
            "stages": [counter.to_json() for counter in self.counters],
            "rows_per_second_alone": dict(self.alone),
        }


def measure_pipeline(
    plan: Plan,
    folder: Path,
    *,
    rows: int,
    device: str,
    alone: Mapping[str, float],
    allow_code: bool = False,
) -> PipelineResult:
    """Run a campaign.

    Args:
        plan: The plan of its recipe.
        folder: A folder that is not there yet.
        rows: About how many rows to make; of a design, which has its own number, some shards of that many.
        device: Where it renders and senses.
        alone: Rows per second of each stage measured by itself, to be reported beside.
        allow_code: Whether the recipe may name a scene as `module:Class`.

    Returns:
        What came of it.
    """
    design, wanted = plan.sampler.scenario_count, max(rows // plan.recipe.rows_per_scenario, 1)
    part: dict[str, Any] = {"samples": rows}
    if design is not None:
        size = min(max(wanted // _SHARDS, 1), plan.scenarios_per_shard)
        part = {"samples": None, "scenarios_per_shard": size, "shard_count": max(design // wanted, 1)}
    campaign = Campaign(plan.recipe, folder, device=device, allow_code=allow_code, **part)
    try:
        campaign.run().close()
    finally:
        campaign.plan.scene.close()
    times = campaign.times
    counters = _counters(times, campaign.rows_made)
    return PipelineResult(
        rows=campaign.rows_made,
        # The contact sheet and the manifest come at the end, however many rows there are.
        seconds=max(counter.wall for counter in counters),
        start=times.start,
        counters=counters,
        alone=alone,
    )


def _counters(times: Any, rows: int) -> tuple[StageCounter, ...]:
    found: tuple[StageCounter, ...] = getattr(times, "counters", ())
    if found:
        return found
    wall = times.total - times.start
    capture = times.render + times.sensors + times.gather
    return (
        StageCounter(
            stage="capture", wall=wall, items=rows, item="row", busy=capture, input_wait=times.physics,
            output_wait=times.write_wait,
            steps={"render": times.render, "sensors": times.sensors, "gather": times.gather},
        ),
        StageCounter(stage="write", wall=wall, items=rows, item="row", busy=times.write),
    )  # fmt: skip
