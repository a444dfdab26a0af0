"""The CUDA half of `device.py`: imported only when CUDA is asked for or described."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final

import numpy as np
from numba import config

try:
    from numba import cuda
except ImportError as error:
    cuda = None
    _IMPORT_ERROR: str | None = f"numba.cuda cannot be imported ({error})"
else:
    _IMPORT_ERROR = None

BLOCK: Final = 128
"""Threads per block."""
STREAM: Final[ContextVar[Any]] = ContextVar("STREAM", default=None)
"""The stream that `device_stream.Stream.use` has chosen; None: torch's, or the default one."""


@functools.lru_cache(maxsize=1)
def find() -> tuple[str | None, str]:
    """Return why CUDA cannot be used (None where it can) and the device's name."""
    if _IMPORT_ERROR is not None:
        return _IMPORT_ERROR, ""
    if config.ENABLE_CUDASIM:
        return None, "CUDA simulator"
    try:
        if not cuda.is_available():
            return "no CUDA driver or no GPU was found", ""
        name = cuda.get_current_device().name
    except Exception as error:  # the driver raises many kinds, and each only means that there is no device
        return f"the CUDA driver failed ({type(error).__name__}: {error})", ""
    return None, name.decode() if isinstance(name, bytes) else str(name)


def build(element: Callable[..., None]) -> Any:
    """Compile an element function as a CUDA kernel with one thread per index."""

    def run(count: int, arguments: tuple[Any, ...]) -> None:
        index = cuda.grid(1)
        if index < count:
            element(index, *arguments)

    return cuda.jit(run)


def launch(kernel: Any, count: int, arrays: Sequence[Any], is_output: Sequence[bool]) -> None:
    """Launch a built kernel; NumPy arrays travel there, and those that are outputs back.

    Where every output stays on the device nothing is waited for: the launch is queued behind what torch has queued.
    """
    stream = current_stream()
    arguments = tuple(as_argument(value, stream) for value in arrays)
    block = 1 if config.ENABLE_CUDASIM else BLOCK
    kernel[(count + block - 1) // block, block, stream](count, arguments)
    returned = False
    for value, argument, output in zip(arrays, arguments, is_output, strict=True):
        if output and isinstance(value, np.ndarray):
            argument.copy_to_host(value, stream=stream)
            returned = True
    if returned and isinstance(stream, int):
        cuda.synchronize()
    elif returned:
        stream.synchronize()  # and not the device: another stream's work goes on


def current_stream() -> Any:
    """Return the stream that launches and copies are queued on; 0 is the default one."""
    chosen = STREAM.get()
    if chosen is not None:
        return chosen
    # torch works on a stream of its own choice; a launch on another would not wait for the tensors it reads.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return cuda.external_stream(torch.cuda.current_stream().cuda_stream)


def as_argument(value: Any, stream: Any) -> Any:
    """Return what a kernel takes for an argument: NumPy arrays are copied to the device, others used where they are."""
    if isinstance(value, np.ndarray):
        return cuda.to_device(np.ascontiguousarray(value), stream=stream)
    if hasattr(value, "__cuda_ndarray__"):
        return value  # one of Numba's own: taken for a stranger's, it would be wrapped anew and its stream waited for
    if hasattr(value, "__cuda_array_interface__"):
        return cuda.as_cuda_array(value)
    return value


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an uninitialised array on the device."""
    return cuda.device_array(shape, dtype)
