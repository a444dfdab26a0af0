"""What each stage of a pipeline did with its time, and which stage binds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_COLUMNS = ("stage", "servers", "busy", "in wait", "out wait", "items", "rate", "MB/item", "queue", "peak", "limit")


@dataclass(frozen=True, kw_only=True)
class StageCounter:
    """One stage of a pipeline: some servers that take items from the queue before them and hand them on.

    Seconds are of wall time and summed over the servers, so that a stage of two processes can be busy for two seconds
    in each second.

    Example:
        >>> StageCounter(stage="capture", wall=10.0, busy=4.0, items=80, item="scenario").occupancy
        0.4
    """

    stage: str
    """Its name."""
    wall: float
    """Time over which it was watched [s], > 0."""
    servers: int = 1
    """Processes or threads that work at once."""
    busy: float = 0.0
    """Working."""
    cpu: float = 0.0
    """Processor time of the servers meanwhile [s]; 0 where it is not known apart."""
    input_wait: float = 0.0
    """Waiting for something to work on."""
    output_wait: float = 0.0
    """Waiting for room to put the result."""
    items: int = 0
    """Items that went through."""
    item: str = "item"
    """What an item is."""
    bytes: int = 0
    """Size of what was handed on, over all items [byte]."""
    queue_mean: float = 0.0
    """Items in the queue before it, mean over all moments when one was put or taken."""
    queue_peak: int = 0
    """The same, at most."""
    queue_limit: int = 0
    """Items that the queue may hold; 0 where there is none of its own."""
    queue_bytes: int = 0
    """What the queue may hold at most [byte]; 0: not bounded by size."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """What `busy` is made of, by name."""

    def __post_init__(self) -> None:
        if self.servers < 1 or not self.wall > 0.0:
            raise ValueError(
                f"a stage has at least 1 server and is watched for some time, got {self.servers} and {self.wall} s"
            )

    @property
    def occupancy(self) -> float:
        """Share of the servers' time that was spent working [1]."""
        return self.busy / (self.servers * self.wall)

    @property
    def capacity(self) -> float:
        """Items per second if it never waited; 0 before the first item."""
        return self.servers * self.items / self.busy if self.busy > 0.0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return its values as JSON, with `occupancy` and `capacity`."""
        names = ("wall", "busy", "cpu", "input_wait", "output_wait", "queue_mean", "occupancy", "capacity")
        return {
            "stage": self.stage,
            "servers": self.servers,
            "items": self.items,
            "item": self.item,
            "bytes": self.bytes,
            **{name: round(getattr(self, name), 6) for name in names},
            **{name: getattr(self, name) for name in ("queue_peak", "queue_limit", "queue_bytes")},
            "steps": {name: round(seconds, 6) for name, seconds in self.steps.items()},
        }


def binding_stage(counters: Iterable[StageCounter]) -> StageCounter:
    """Name the stage that the rate of the whole hangs on: the one with the highest occupancy.

    Args:
        counters: The stages of one pipeline.

    Returns:
        Its counter; of equal ones the first.

    Raises:
        ValueError: If there is none.

    Example:
        >>> binding_stage(campaign.times.counters).stage
        'physics'
    """
    found = list(counters)
    if not found:
        raise ValueError("no stage was counted: nothing was made")
    return max(found, key=lambda counter: counter.occupancy)


def sum_counters(parts: Sequence[Sequence[StageCounter]]) -> tuple[StageCounter, ...]:
    """Sum the counters of pipelines that ran side by side, such as one for each GPU.

    Args:
        parts: Counters of each pipeline.

    Returns:
        One counter for each stage, in the order in which they were met; a mean fill is weighted by items.
    """
    by_name: dict[str, list[StageCounter]] = {}
    for counter in (counter for part in parts for counter in part):
        by_name.setdefault(counter.stage, []).append(counter)
    return tuple(_sum(counters) for counters in by_name.values())


def _sum(counters: Sequence[StageCounter]) -> StageCounter:
    def total(name: str) -> Any:
        return sum(getattr(counter, name) for counter in counters)

    steps: dict[str, float] = {}
    for counter in counters:
        for name, seconds in counter.steps.items():
            steps[name] = steps.get(name, 0.0) + seconds
    weights = [max(counter.items, 1) for counter in counters]
    fill = sum(weight * counter.queue_mean for weight, counter in zip(weights, counters, strict=True))
    return StageCounter(
        stage=counters[0].stage,
        item=counters[0].item,
        wall=max(counter.wall for counter in counters),
        queue_mean=fill / sum(weights),
        queue_peak=max(counter.queue_peak for counter in counters),
        queue_limit=max(counter.queue_limit for counter in counters),
        steps=steps,
        servers=total("servers"),
        busy=total("busy"),
        cpu=total("cpu"),
        input_wait=total("input_wait"),
        output_wait=total("output_wait"),
        items=total("items"),
        bytes=total("bytes"),
        queue_bytes=total("queue_bytes"),
    )


def occupancy_table(counters: Sequence[StageCounter]) -> str:
    """Lay the stages out as a Markdown table; the binding one is marked.

    Args:
        counters: The stages of one pipeline, in its order.

    Returns:
        Lines of text: shares of the servers' time in percent, items per second while working, megabytes per item, mean,
        peak and limit of the queue before each stage.
    """
    if not counters:
        return ""
    binds = binding_stage(counters).stage
    rows = [list(_COLUMNS)]
    for counter in counters:
        whole = counter.servers * counter.wall
        shares = (f"{100.0 * part / whole:.1f} %" for part in (counter.busy, counter.input_wait, counter.output_wait))
        queue = [f"{counter.queue_mean:.1f}", str(counter.queue_peak), str(counter.queue_limit)]
        rows.append([
            f"**{counter.stage}**" if counter.stage == binds else counter.stage,
            str(counter.servers),
            *shares,
            f"{counter.items} {counter.item}s",
            f"{counter.capacity:.1f}/s",
            f"{counter.bytes / max(counter.items, 1) / 1e6:.3f}",
            *(queue if counter.queue_limit else ["-"] * 3),
        ])  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )
