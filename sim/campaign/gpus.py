"""Which GPUs a process may use, told without starting CUDA: whoever starts it holds memory on the first of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError


def visible_gpus(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> tuple[str, ...]:
    """List the GPUs that this process would find, as `CUDA_VISIBLE_DEVICES` names them.

    Args:
        environment: Where `CUDA_VISIBLE_DEVICES` is looked up.
        devices: Folder of the device files.

    Returns:
        Numbers, or the identifiers that the variable holds; empty where there is none.

    Example:
        >>> visible_gpus({"CUDA_VISIBLE_DEVICES": "2,3"})
        ('2', '3')
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        count = sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in devices.glob("nvidia*"))
        return tuple(str(number) for number in range(count))
    found = []
    for name in (part.strip() for part in named.split(",")):
        if not name or name.startswith("-"):
            break  # as CUDA does: what follows is not seen
        found.append(name)
    return tuple(found)


def check_gpus(gpus: int | None, device: str) -> int | None:
    """Return how many processes share the work of some GPUs; None: whatever is there.

    Args:
        gpus: GPUs asked for.
        device: Where rows are to be made.

    Raises:
        UsageError: If GPUs are asked for where rows are not made on them.
    """
    if gpus is not None and device != "cuda":
        raise UsageError(f"--gpus {gpus} needs --device cuda, got --device {device}")
    return gpus
