"""The CUDA half of `device.py`: imported only when CUDA is asked for or described."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numba import config

from . import cooperation
from .device_compiler import compile_strictly
from .loops import Layout, define_function, write_thread

try:
    from numba import cuda
except ImportError as error:
    cuda = None
    _IMPORT_ERROR: str | None = f"numba.cuda cannot be imported ({error})"
else:
    _IMPORT_ERROR = None

__all__ = [
    "BLOCK",
    "OPTIONS",
    "STREAM",
    "as_argument",
    "build",
    "build_block",
    "cuda",
    "current_stream",
    "empty",
    "find",
    "launch",
    "launch_blocks",
]

BLOCK: Final = 128
"""Threads per block."""
RESIDENT_BLOCKS: Final = 3
"""Blocks of cooperating threads that a multiprocessor must have the registers for: at most 168 a thread."""
SIMULATED_BLOCK = 1
"""Threads of a cooperating block in the simulator, where each is a Python thread."""
STREAM: Final[ContextVar[Any]] = ContextVar("STREAM", default=None)
"""The stream that `device_stream.Stream.use` has chosen; None: torch's, or the default one."""
OPTIONS: Final = {"fastmath": False, "opt": True, "lto": False}
"""How kernels are compiled. Without linking at the end nothing changes after PTX, which can be read without a GPU."""
COMPILED_BY: Final = (__name__, compile_strictly.__module__)
"""Modules whose change makes other machine code of the same element."""


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
        if find_spec("numba.cuda.core") is None:  # Numba's own CUDA, which knows too little
            return "numba-cuda is not installed: pip install 'simloom[gpu]'", ""
        name = cuda.get_current_device().name
    except Exception as error:  # the driver raises many kinds, and each only means that there is no device
        return f"the CUDA driver failed ({type(error).__name__}: {error})", ""
    return None, name.decode() if isinstance(name, bytes) else str(name)


def is_simulated() -> bool:
    """Return whether Numba's simulator stands for the device."""
    return bool(config.ENABLE_CUDASIM)


def build(
    element: Callable[..., None],
    layout: Layout,
    find_folder: Callable[[Callable[..., None], Sequence[str]], Path | None],
) -> Any:
    """Compile an element function, when it is first launched, as a CUDA kernel with one thread per index.

    Args:
        element: Function of an index and of arrays, numbers and named tuples.
        layout: Which of its arguments are named tuples.
        find_folder: Function that returns where an element's compiled code is kept, None where it is kept nowhere; it
            takes the element and the modules that have it compiled.

    Returns:
        The kernel, to be launched by `launch`.
    """
    _teach_cooperation()
    thread = write_thread(element, layout, cuda, simulated=bool(config.ENABLE_CUDASIM))
    # What a profiler shows, and the name of the files in the folder.
    thread.__name__ = thread.__qualname__ = f"{element.__module__}_{element.__qualname__}_cuda".replace(".", "_")
    return _compile_kernel(thread, element, find_folder)


def _compile_kernel(
    thread: Callable[..., None],
    element: Callable[..., None],
    find_folder: Callable[[Callable[..., None], Sequence[str]], Path | None],
    **options: Any,
) -> Any:
    if config.ENABLE_CUDASIM:
        return cuda.jit(thread)
    kernel = _declare(thread, find_folder(element, COMPILED_BY), options)
    inner = kernel.compile

    def compile_anew(signature: Any) -> Any:
        with compile_strictly():
            return inner(signature)

    kernel.compile = compile_anew
    return kernel


def _declare(thread: Callable[..., None], folder: Path | None, options: dict[str, Any]) -> Any:
    if folder is None:
        return cuda.jit(thread, **OPTIONS, **options)
    from numba.cuda.core import config as cuda_config

    before = cuda_config.CACHE_DIR
    cuda_config.CACHE_DIR = str(folder)
    try:
        return cuda.jit(thread, cache=True, **OPTIONS, **options)
    finally:
        cuda_config.CACHE_DIR = before


def build_block(
    source: str,
    known: dict[str, Any],
    element: Callable[..., None],
    find_folder: Callable[[Callable[..., None], Sequence[str]], Path | None],
) -> Any:
    """Compile, when it is first launched, a CUDA kernel in which the threads of a block cooperate.

    Args:
        source: What `BlockKernel.write_block` returned: a function named `block`.
        known: The names in it, but for `cuda`.
        element: The block function that it calls.
        find_folder: As for `build`.

    Returns:
        The kernel, to be launched by `launch_blocks`.
    """
    _teach_cooperation()
    block = define_function(source, "block", known | {"cuda": cuda})
    block.__name__ = block.__qualname__ = f"{element.__module__}_{element.__qualname__}_cuda".replace(".", "_")
    return _compile_kernel(block, element, find_folder, launch_bounds=(BLOCK, RESIDENT_BLOCKS))


@functools.lru_cache(maxsize=1)
def _teach_cooperation() -> None:
    """Tell the CUDA compiler what the functions of `cooperation` are; the simulator runs them as they stand."""
    if config.ENABLE_CUDASIM:
        return
    from numba.cuda.extending import overload

    def teach(function: Callable[..., Any], own: Callable[..., Any]) -> None:
        overload(function, target="cuda")(lambda array, place, value: own)

    overload(cooperation.barrier, target="cuda")(lambda: lambda: cuda.syncthreads())
    teach(cooperation.atomic_add, lambda array, place, value: cuda.atomic.add(array, place, value))
    teach(cooperation.atomic_max, lambda array, place, value: cuda.atomic.max(array, place, value))
    teach(cooperation.atomic_min, lambda array, place, value: cuda.atomic.min(array, place, value))
    teach(cooperation.atomic_or, lambda array, place, value: cuda.atomic.or_(array, place, value))


def launch_blocks(kernel: Any, count: int, arrays: Sequence[Any], is_output: Sequence[bool]) -> None:
    """Launch blocks of threads that cooperate; arrays travel as for `launch`."""
    stream = current_stream()
    arguments = tuple(as_argument(value, stream) for value in arrays)
    if config.ENABLE_CUDASIM:
        kernel[count, SIMULATED_BLOCK, stream](_unwrap(arguments))
    else:
        _configure(kernel, count, stream)(*arguments)
    _bring_back(arrays, arguments, is_output, stream)


def launch(kernel: Any, count: int, arrays: Sequence[Any], is_output: Sequence[bool]) -> None:
    """Launch a built kernel; NumPy arrays travel there, and those that are outputs back.

    Where every output stays on the device nothing is waited for: the launch is queued behind what torch has queued.
    """
    stream = current_stream()
    arguments = tuple(as_argument(value, stream) for value in arrays)
    if config.ENABLE_CUDASIM:
        kernel[count, 1, stream](count, _unwrap(arguments))
    else:
        _configure(kernel, (count + BLOCK - 1) // BLOCK, stream)(count, *arguments)
    _bring_back(arrays, arguments, is_output, stream)


def _configure(kernel: Any, blocks: int, stream: Any) -> Any:
    """Return what launches some blocks of a kernel; numba-cuda warns of few, which are meant here."""
    from numba.cuda.core import config as cuda_config

    before = cuda_config.CUDA_LOW_OCCUPANCY_WARNINGS
    cuda_config.CUDA_LOW_OCCUPANCY_WARNINGS = 0
    try:
        return kernel[blocks, BLOCK, stream]
    finally:
        cuda_config.CUDA_LOW_OCCUPANCY_WARNINGS = before


def _unwrap(arguments: Sequence[Any]) -> tuple[Any, ...]:
    # The simulator's arrays are slow wrappers of NumPy's; within a tuple it takes the latter.
    return tuple(getattr(argument, "_ary", argument) for argument in arguments)


def _bring_back(arrays: Sequence[Any], arguments: Sequence[Any], is_output: Sequence[bool], stream: Any) -> None:
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


def current_stream_key() -> int:
    """Return a number for the stream that launches go to now: work on one stream is done in order."""
    stream = current_stream()
    return int(getattr(stream, "handle", None) or 0) if stream else 0


def free_bytes() -> int:
    """Return how much of the device's memory is free."""
    if config.ENABLE_CUDASIM:
        return 2**30
    return int(cuda.current_context().get_memory_info()[0])


class Staging:
    """Pinned memory that is filled and copied to the device: two buffers in turn, so that one can travel meanwhile."""

    def __init__(self) -> None:
        self._buffers: list[Any] = [np.empty(0, np.uint8), np.empty(0, np.uint8)]
        self._sent: list[Any] = [None, None]
        self._next = 0

    def take(self, size: int) -> Any:
        """Return bytes to fill, once what was last filled there has travelled."""
        turn = self._next
        if self._sent[turn] is not None:
            self._sent[turn].synchronize()
        if len(self._buffers[turn]) < size:
            self._buffers[turn] = cuda.pinned_array(size + size // 2, np.uint8)
        return self._buffers[turn][:size]

    def send(self, filled: Any, target: Any) -> None:
        """Queue the copy of what `take` returned and was filled since."""
        stream, event = current_stream(), None
        if config.ENABLE_CUDASIM:
            target.copy_to_device(filled)
        else:
            # On the number 0 a copy would wait, for itself and for all that is queued before it.
            target.copy_to_device(filled, stream=stream or cuda.default_stream())
            event = cuda.event(timing=False)
            event.record(stream)
        self._sent[self._next] = event
        self._next = 1 - self._next
