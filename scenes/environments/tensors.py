"""Tensors: what a batch of environments hands out as torch's, without a copy where the device is the pictures' own."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_tensor(array: Any, device: str) -> Any:
    """Return an array as a tensor on a device.

    Args:
        array: NumPy array, or an array on the device; its memory is then the tensor's.
        device: torch's name of it.
    """
    import torch

    if isinstance(array, np.ndarray):
        return torch.from_numpy(array).to(device)
    return torch.as_tensor(array, device=device)
