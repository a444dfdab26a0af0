"""Which rank this process is: as told, or as torch.distributed has it."""

from __future__ import annotations

import os

import torch  # noqa: TID253 (loaded lazily, with the others of this room)

from ..errors import UsageError


def find_ranks(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Settle rank and number of ranks.

    Args:
        rank: As told; None to ask torch.distributed, where it is in use.
        world_size: Likewise; both are given, or none.

    Returns:
        The two; (0, 1) where there is but this process.

    Raises:
        UsageError: One is missing, or torchrun started several processes and torch.distributed is not set up yet:
            each would take all rows.
    """
    if (rank is None) != (world_size is None):
        raise UsageError(f"rank and world_size are given together or not at all, got {rank} and {world_size}")
    if rank is not None and world_size is not None:
        return rank, world_size
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    if os.environ.get("TORCHELASTIC_RUN_ID") and os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes and torch.distributed is not set up, so each would "
            "take all rows: call torch.distributed.init_process_group() first, or pass rank= and world_size="
        )
    return 0, 1
