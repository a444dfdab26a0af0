"""What measuring needs of a GPU: waiting, copies back, its memory. Through torch, which shares Numba's context."""

from __future__ import annotations

import threading
import time
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray


def _torch_cuda() -> Any:
    """Return `torch.cuda` where there is a GPU, else None (no torch, no GPU, the simulator)."""
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda if torch.cuda.is_available() else None


def synchronize(device: str) -> None:
    """Wait for all that was queued on a device; on the CPU nothing is.

    Args:
        device: "cpu" or "cuda".
    """
    if device == "cuda" and (cuda := _torch_cuda()) is not None:
        cuda.synchronize()


def gpu_memory() -> tuple[int, int] | None:
    """Return the GPU's free and whole memory [byte]; None where there is none."""
    if (cuda := _torch_cuda()) is None:
        return None
    free, total = cuda.mem_get_info()
    return int(free), int(total)


def bring_home(array: Any) -> NDArray[Any]:
    """Return an array of a device as NumPy's; one of NumPy as it is."""
    if isinstance(array, np.ndarray):
        return array
    found: NDArray[Any] = array.copy_to_host() if hasattr(array, "copy_to_host") else array.cpu().numpy()
    return found


@final
class PeakGpuMemory:
    """Watches how much of the GPU's memory is taken, by whomever, from a thread.

    Example:
        >>> with PeakGpuMemory() as peak:
        ...     raster.render(snapshots, cameras)
        >>> peak.bytes
    """

    def __init__(self, period: float = 0.005) -> None:
        self._period = period
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before: int = 0
        """Taken at the start [byte]."""
        self.bytes: int = 0
        """The most that was taken beyond that [byte]; 0 without a GPU."""

    def __enter__(self) -> Self:
        if (memory := gpu_memory()) is not None:
            self.before = memory[1] - memory[0]
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread.ident is not None:
            self._look()
            self._thread.join()

    def _look(self) -> None:
        if (memory := gpu_memory()) is not None:
            self.bytes = max(self.bytes, memory[1] - memory[0] - self.before)

    def _watch(self) -> None:
        while not self._stopped.is_set():
            self._look()
            time.sleep(self._period)
