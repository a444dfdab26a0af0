"""The CUDA half of `device.py`: imported only when CUDA is asked for or described."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import numpy as np
from numba import config

from .device_compiler import compile_strictly
from .loops import Layout, write_thread

try:
    from numba import cuda
except ImportError as error:
    cuda = None
    _IMPORT_ERROR: str | None = f"numba.cuda cannot be imported ({error})"
else:
    _IMPORT_ERROR = None

__all__ = ["BLOCK", "OPTIONS", "STREAM", "as_argument", "build", "cuda", "current_stream", "empty", "find", "launch"]

BLOCK: Final = 128
"""Threads per block."""
STREAM: Final[ContextVar[Any]] = ContextVar("STREAM", default=None)
"""The stream that `device_stream.Stream.use` has chosen; None: torch's, or the default one."""
OPTIONS: Final = {"fastmath": False, "opt": True, "lto": False}
"""How kernels are compiled. Without linking at the end nothing changes after PTX, which can be read without a GPU."""


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


def build(
    element: Callable[..., None], layout: Layout, find_folder: Callable[[Callable[..., None]], Path | None]
) -> Any:
    """Compile an element function, when it is first launched, as a CUDA kernel with one thread per index.

    Args:
        element: Function of an index and of arrays, numbers and named tuples.
        layout: Which of its arguments are named tuples.
        find_folder: Function that returns where an element's compiled code is kept, None where it is kept nowhere.

    Returns:
        The kernel, to be launched by `launch`.
    """
    thread = write_thread(element, layout, cuda, simulated=bool(config.ENABLE_CUDASIM))
    # What a profiler shows, and the name of the files in the folder.
    thread.__name__ = thread.__qualname__ = f"{element.__module__}_{element.__qualname__}_cuda".replace(".", "_")
    if config.ENABLE_CUDASIM:
        return cuda.jit(thread)
    kernel = _declare(thread, find_folder(element))
    inner = kernel.compile

    def compile_anew(signature: Any) -> Any:
        with compile_strictly():
            return inner(signature)

    kernel.compile = compile_anew
    return kernel


def _declare(thread: Callable[..., None], folder: Path | None) -> Any:
    if folder is None:
        return cuda.jit(thread, **OPTIONS)
    from numba.cuda.core import config as cuda_config

    before = cuda_config.CACHE_DIR
    cuda_config.CACHE_DIR = str(folder)
    try:
        return cuda.jit(thread, cache=True, **OPTIONS)
    finally:
        cuda_config.CACHE_DIR = before


def launch(kernel: Any, count: int, arrays: Sequence[Any], is_output: Sequence[bool]) -> None:
    """Launch a built kernel; NumPy arrays travel there, and those that are outputs back.

    Where every output stays on the device nothing is waited for: the launch is queued behind what torch has queued.
    """
    stream = current_stream()
    arguments = tuple(as_argument(value, stream) for value in arrays)
    block = 1 if config.ENABLE_CUDASIM else BLOCK
    configured = kernel[(count + block - 1) // block, block, stream]
    if config.ENABLE_CUDASIM:
        configured(count, arguments)
    else:
        configured(count, *arguments)
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
