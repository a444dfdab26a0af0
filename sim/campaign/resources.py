"""What a machine gives to the making of rows; without influence on any value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from .gpus import visible_gpus

if TYPE_CHECKING:
    from ...scenes.capture import Capturer

BATCH_BYTES = 96 * 2**20
"""Frames of one batch that are in memory at once [byte]."""

_MAX_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Processes, device and batch size.

    Raises:
        UsageError: If one of them cannot be.
    """

    workers: int | None = None
    """Physics processes; None for one per core, 0 for none: physics in this process."""
    device: str = "cpu"
    """Where rendering and sensing run."""
    batch: int | None = None
    """Scenarios rendered at once; None chooses by their size."""
    processes: int | None = None
    """Processes that share the shards, each with a GPU of its own on "cuda"; None: one for each visible GPU, else 1."""
    threads: int | None = None
    """CPU threads that compress; None for one per core."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise UsageError(f"workers must be 0 or more, got {self.workers}")
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"batch must be at least 1 scenario, got {self.batch}")
        from ...kernels.device import require_device

        try:
            require_device(self.device)
        except (ValueError, RuntimeError) as error:
            raise UsageError(f"--device {self.device}: {error}") from error
        if self.processes is not None and self.processes < 1:
            raise UsageError(f"--gpus must be 1 or more, got {self.processes}")
        there = max(len(visible_gpus()), 1)
        if self.device == "cuda" and (self.processes or 1) > there:
            raise UsageError(f"--gpus {self.processes}: {there} visible; ask for fewer, or see CUDA_VISIBLE_DEVICES")

    @property
    def worker_count(self) -> int:
        """Physics processes: by default one for each core that we may use, of which ranks take equal shares."""
        if self.workers is not None:
            return self.workers
        ranks = os.environ.get("LOCAL_WORLD_SIZE", "1")  # torchrun tells how many ranks share the machine
        return max(1, len(os.sched_getaffinity(0)) // (int(ranks) if ranks.isdigit() and int(ranks) else 1))

    @property
    def process_count(self) -> int:
        """Processes that share the shards."""
        if self.processes is not None:
            return self.processes
        return max(len(visible_gpus()), 1) if self.device == "cuda" else 1

    def share(self, number: int, count: int) -> tuple[int, int]:
        """Settle the workers and the CPU threads of one of several processes.

        Args:
            number: Which, [0, count).
            count: Processes.

        Returns:
            Its workers, at least one where there are any, and its threads, at least one.
        """
        workers = self.worker_count
        mine = workers // count + (number < workers % count)
        return max(mine, min(workers, 1)), max(1, len(os.sched_getaffinity(0)) // count)

    def batch_size(self, capturer: Capturer) -> int:
        """Settle how many scenarios are rendered at once."""
        return self.batch or default_batch(capturer)


def default_batch(capturer: Capturer) -> int:
    """Choose how many scenarios are rendered at once, so that their frames fit into `BATCH_BYTES`."""
    per_scenario = max(capturer.instant_bytes, capturer.row_bytes * capturer.rows_per_scenario)
    return min(max(BATCH_BYTES // per_scenario, 1), _MAX_BATCH)
