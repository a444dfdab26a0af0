"""The counters of a campaign's stages, read off those who work in them."""

from __future__ import annotations

from ...scenes.worker_tally import WorkerTally
from .row_maker import RowMaker
from .shard_writer import ShardWriter
from .stage_counter import StageCounter
from .stages import StageSource


def count_stages(
    source: StageSource,
    maker: RowMaker,
    thread: ShardWriter,
    *,
    workers: int,
    wall: float,
    waited: float,
    captured: int,
    shard_scenarios: int,
) -> tuple[StageCounter, ...]:
    """Count the stages of a pipeline: physics, hand over, capture, write.

    Args:
        source: Who handed out stages.
        maker: Who captured them.
        thread: Who wrote.
        workers: Physics processes.
        wall: Time over which they were watched [s].
        waited: How long capture waited for stages [s].
        captured: Scenarios captured.
        shard_scenarios: Scenarios of a shard, at most.

    Returns:
        Their counters, in the order in which a row meets them. Without workers physics has its turn in the thread that
        captures, and nothing is handed over.
    """
    done = WorkerTally.sum(source.tallies)
    row_bytes = maker.allocated_bytes
    capture_steps = {**maker.seconds, "propose": source.propose_seconds}
    physics = StageCounter(
        stage="physics",
        wall=wall,
        servers=max(workers, 1),
        busy=done.busy,
        cpu=done.cpu,
        input_wait=done.input_wait,
        output_wait=done.output_wait,
        items=done.stages,
        item="scenario",
        bytes=done.bytes,
        queue_mean=source.queued.mean,
        queue_peak=source.queued.peak,
        queue_limit=source.ahead if workers else 0,
        steps={f"worker {number}": each.busy for number, each in enumerate(source.tallies)},
    )
    hand_over = StageCounter(
        stage="hand over",
        wall=wall,
        servers=max(workers, 1),
        busy=done.pack + done.unpack,
        items=done.stages,
        item="scenario",
        bytes=done.bytes,
        steps={"pack": done.pack, "read": done.unpack},
    )
    capture = StageCounter(
        stage="capture",
        wall=wall,
        busy=sum(capture_steps.values()),
        input_wait=waited,
        output_wait=thread.wait_seconds,
        items=captured,
        item="scenario",
        bytes=captured * row_bytes,
        queue_mean=source.ready.mean,
        queue_peak=source.ready.peak,
        queue_limit=source.ahead if workers else 0,
        queue_bytes=source.slot_bytes,
        steps=capture_steps,
    )
    write = StageCounter(
        stage="write",
        wall=wall,
        busy=thread.busy_seconds,
        input_wait=thread.idle_seconds,
        items=thread.shards,
        item="shard",
        bytes=thread.bytes,
        queue_mean=thread.waiting.mean,
        queue_peak=thread.waiting.peak,
        queue_limit=1,
        queue_bytes=shard_scenarios * row_bytes,
        steps={"judge": thread.judge_seconds, "commit": thread.busy_seconds - thread.judge_seconds},
    )
    return (physics, hand_over, capture, write) if workers else (physics, capture, write)
