"""Stage counters: shares of time, who binds, sums over processes, and the table."""

from __future__ import annotations

import json

import pytest

from simloom.sim.campaign.queue_fill import QueueFill
from simloom.sim.campaign.stage_counter import StageCounter, binding_stage, occupancy_table, sum_counters

PHYSICS = StageCounter(
    stage="physics", wall=10.0, servers=2, busy=19.0, items=38, item="scenario", bytes=38_000_000,
    queue_mean=4.0, queue_peak=8, queue_limit=8, steps={"worker 0": 9.0, "worker 1": 10.0},
)  # fmt: skip
CAPTURE = StageCounter(stage="capture", wall=10.0, busy=4.0, input_wait=5.5, output_wait=0.5, items=38, item="scenario")


def test_the_busiest_servers_bind() -> None:
    """Occupancy is per server: two half-busy processes are less busy than one thread at three quarters."""
    assert PHYSICS.occupancy == 0.95
    assert PHYSICS.capacity == 4.0
    assert binding_stage([CAPTURE, PHYSICS]) is PHYSICS
    assert binding_stage([StageCounter(stage="two", wall=4.0, servers=2, busy=4.0), StageCounter(stage="one", wall=4.0, busy=3.0)]).stage == "one"  # fmt: skip  # noqa: E501
    with pytest.raises(ValueError, match="nothing was made"):
        binding_stage([])
    with pytest.raises(ValueError, match="at least 1 server"):
        StageCounter(stage="none", wall=1.0, servers=0)


def test_processes_that_ran_side_by_side_are_summed() -> None:
    """Servers, seconds and items add up; the time they were watched does not."""
    physics, capture = sum_counters([[PHYSICS, CAPTURE], [PHYSICS, CAPTURE]])

    assert (physics.servers, physics.busy, physics.items, physics.wall) == (4, 38.0, 76, 10.0)
    assert physics.occupancy == PHYSICS.occupancy
    assert physics.steps == {"worker 0": 18.0, "worker 1": 20.0}
    assert (capture.servers, capture.input_wait) == (2, 11.0)


def test_the_table_marks_who_binds() -> None:
    """One line a stage, in percent of its servers' time; JSON holds the same and more."""
    lines = occupancy_table([PHYSICS, CAPTURE]).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("| **physics** | 2       | 95.0 %")
    assert "| capture     | 1       | 40.0 % | 55.0 %" in lines[3]
    assert occupancy_table([]) == ""
    assert json.loads(json.dumps(PHYSICS.to_json()))["occupancy"] == 0.95


def test_a_queue_is_looked_at_when_it_changes() -> None:
    """Mean and peak of what was seen; nothing where nobody looked."""
    fill = QueueFill()
    assert (fill.mean, fill.peak) == (0.0, 0)
    for count in (1, 2, 3):
        fill.look(count)
    assert (fill.mean, fill.peak) == (2.0, 3)
