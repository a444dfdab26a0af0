"""Tensors: what a batch of environments hands out as torch's, without a copy where the device is the pictures' own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import on_device


def to_host(array: Any) -> NDArray[Any]:
    """Return an array of the host, or what one on a device holds."""
    if not on_device(array):
        return np.asarray(array)
    from ...kernels.device_stream import download

    return download(array)


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
