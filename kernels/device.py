"""Compile one scalar source for CPU and CUDA, and launch it.

This module owns everything that depends on the machine: which devices are here, where compiled code is kept on disk,
how many threads run, and which build is safe after a fork. Kernel files say *what* happens to one element; they hold no
try/except and never import numba.cuda (its half of this module is `device_cuda.py`, imported when CUDA is asked for).
"""

from __future__ import annotations

import hashlib
import inspect
import os
import platform
import tempfile
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, final, overload

import llvmlite
import numba
import numpy as np
from llvmlite import binding as llvm
from numba.extending import register_jitable
from numba.np.ufunc import parallel as numba_threads

from .loops import Layout, compile_loop, write_loop
from .sources import source_digest

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE: Final = __name__.rpartition(".kernels")[0]


class Device(NamedTuple):
    """What is known of one kind of device on this machine."""

    name: str
    """Name that `device=` takes."""
    present: bool
    """Whether kernels can be launched on it."""
    reason: str
    """Why it cannot be used; the processor's name where it can."""


class _Process:
    """The launch lock of this process, and whether it was forked from one whose threads had been started."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forked_from_threads = False
        os.register_at_fork(after_in_child=self._begin_child)

    def _begin_child(self) -> None:
        # The parent's lock may have been held by a thread that does not exist here. Numba's thread pool does not exist
        # either, and using it again aborts (OpenMP) or waits for ever.
        self.lock = threading.RLock()
        self.forked_from_threads |= bool(getattr(numba_threads, "_is_initialized", True))


_PROCESS: Final = _Process()


@overload
def scalar(function: Function) -> Function: ...
@overload
def scalar(function: None = None, *, forceinline: bool = False) -> Callable[[Function], Function]: ...
def scalar(function: Function | None = None, *, forceinline: bool = False) -> Function | Callable[[Function], Function]:
    """Make a plain function callable from compiled CPU and CUDA code; it stays a plain Python function.

    Args:
        function: Function of scalars and arrays, in the part of Python that Numba compiles.
        forceinline: Whether the compiler must inline it at every call.

    Returns:
        The same function.

    Example:
        >>> @scalar
        ... def twice(x: float) -> float:
        ...     return x + x
    """

    def register(plain: Function) -> Function:
        register_jitable(forceinline=True)(plain) if forceinline else register_jitable(plain)
        return plain

    return register if function is None else register(function)


@final
class Kernel:
    """One element function, compiled lazily for each device, launched over a range of indices.

    The element takes the index and then arrays, numbers or named tuples of arrays. Parameters that end in `_out` are
    arrays that it writes; all others are read only, which the CPU compiler enforces. Builds of this package's own
    functions are kept on disk.

    Example:
        >>> def _element(index, x_in, y_out):
        ...     y_out[index] = x_in[index] * x_in[index]
        >>> SQUARE = Kernel(scalar(_element))
        >>> y = np.empty(3)
        >>> SQUARE.launch(3, np.array([1.0, 2.0, 3.0]), y)
    """

    def __init__(self, element: Callable[..., None]) -> None:
        self._element = element
        names = list(inspect.signature(element).parameters)[1:]
        self._names = tuple(names)
        self._layout: Layout = (None,) * len(names)
        self._cpu_builds: dict[bool, Any] = {}
        self._cuda_build: Any = None

    @property
    def name(self) -> str:
        """Module and name of the element function."""
        return f"{self._element.__module__}.{self._element.__qualname__}"

    def launch(self, count: int, *arrays: Any, device: str = "cpu", threads: int | None = None) -> None:
        """Call the element for every index in [0, count), in no particular order.

        Args:
            count: Number of elements, ≥ 0.
            arrays: The element's arguments after the index. On "cuda", NumPy arrays are copied there and the outputs
                back; arrays that show `__cuda_array_interface__` are used where they are.
            device: "cpu" or "cuda".
            threads: CPU threads to use; None for `thread_count()`.

        Raises:
            ValueError: If the number of arrays, the device or an output array's layout is wrong.
            RuntimeError: If the device is not here.
        """
        if len(arrays) != len(self._names):
            raise ValueError(f"{self.name} takes {len(self._names)} arguments {self._names}, got {len(arrays)}")
        require_device(device)
        if count <= 0:
            return
        flat, self._layout = flatten_arguments(arrays, self._names)
        if device == "cuda":
            from . import device_cuda

            with _PROCESS.lock:
                if self._cuda_build is None:
                    self._cuda_build = device_cuda.build(self._element, self._layout, own_folder)
                device_cuda.launch(
                    self._cuda_build, count, [part for part, _, _ in flat], [is_output for _, _, is_output in flat]
                )
            return
        self._launch_cpu(count, tuple(_host_argument(*part) for part in flat), threads)

    def cpu_build(self, *, parallel: bool = True) -> Any:
        """Return the Numba dispatcher of the CPU build, made if it is not there yet (for tests and inspection)."""
        with _PROCESS.lock:
            if parallel not in self._cpu_builds:
                self._cpu_builds[parallel] = _build_cpu(self._element, self._layout, parallel)
            return self._cpu_builds[parallel]

    def _launch_cpu(self, count: int, arguments: tuple[Any, ...], threads: int | None) -> None:
        # One launch at a time: Numba's portable thread pool aborts the process when two threads enter it.
        with _PROCESS.lock:
            if _PROCESS.forked_from_threads:
                self.cpu_build(parallel=False)(count, *arguments)
                return
            wanted = max(1, min(threads or thread_count(), numba.config.NUMBA_NUM_THREADS))
            before = numba.get_num_threads()
            if wanted == before:
                self.cpu_build(parallel=True)(count, *arguments)
                return
            numba.set_num_threads(wanted)
            try:
                self.cpu_build(parallel=True)(count, *arguments)
            finally:
                numba.set_num_threads(before)


def flatten_arguments(arrays: Sequence[Any], names: Sequence[str]) -> tuple[list[tuple[Any, str, bool]], Layout]:
    """Return a launch's arguments with the fields of named tuples one by one, and which arguments were those.

    Args:
        arrays: The arguments.
        names: Their names; what ends in `_out` is written.

    Returns:
        Each argument with its name and whether it is written; the class of each named tuple.
    """
    layout = tuple(type(value) if isinstance(value, tuple) else None for value in arrays)
    flat = []
    for value, name in zip(arrays, names, strict=True):
        is_output = name.endswith("_out")
        flat += [(part, name, is_output) for part in (value if isinstance(value, tuple) else (value,))]
    return flat, layout


def hold_device() -> threading.RLock:
    """Return the lock under which kernels are built and launched, one at a time."""
    return _PROCESS.lock


def _host_argument(value: Any, name: str, is_output: bool) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if is_output:
        if not (value.flags.c_contiguous and value.flags.writeable and value.flags.aligned):
            raise ValueError(f"{name} must be a writeable C-contiguous array; make it with np.empty")
        return value
    # One compiled signature per dtype and rank, whatever the caller's flags: inputs are contiguous and read-only.
    flags = value.flags
    if not (flags.c_contiguous and flags.aligned):
        value = np.require(value, requirements=["C", "A"])
    view = value.view()
    view.flags.writeable = False
    return view


def _build_cpu(element: Callable[..., None], layout: Layout, parallel: bool) -> Any:
    loop = write_loop(element, layout)
    # The disk cache knows a build by this name and its source alone. Each kernel has files of its own, and its serial
    # build others than its parallel one: a forked child must never be given the latter.
    mode = "parallel" if parallel else "serial"
    loop.__name__ = loop.__qualname__ = f"{element.__module__}_{element.__qualname__}_{mode}".replace(".", "_")
    folder = own_folder(element)
    if folder is None:
        return compile_loop(loop, parallel=parallel, cache=False)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        return compile_loop(loop, parallel=parallel, cache=True)
    finally:
        numba.config.CACHE_DIR = before


def own_folder(element: Callable[..., None], beside: Sequence[str] = ()) -> Path | None:
    """Return the folder that holds an element's compiled code; None where it is not kept.

    Args:
        element: The element function.
        beside: Modules that the code depends on besides (see `source_digest`).
    """
    return cache_folder(source_digest(element, beside)) if element.__module__.startswith(f"{_PACKAGE}.") else None


def cache_folder(digest: str) -> Path | None:
    """Return the folder that holds compiled kernels of some sources, made if needed; None where nothing can be written.

    Args:
        digest: What `source_digest` says of them.
    """
    base = os.environ.get("SIMLOOM_CACHE_DIR")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "simloom")
    folder = Path(base) / digest
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


def use_sleeping_threads() -> None:
    """Choose threads that sleep between launches, for a process that shares its cores with others.

    OpenMP's threads, Numba's first choice, spin while they wait: beside physics processes a launch took three times as
    long. Without effect where `NUMBA_THREADING_LAYER` is set or threads have run already. The sleeping threads must not
    be entered by two callers at once; simloom's launches never do, a process with other parallel Numba code might.
    """
    started = bool(getattr(numba_threads, "_is_initialized", True))
    if not started and "NUMBA_THREADING_LAYER" not in os.environ:
        numba.config.THREADING_LAYER = "workqueue"


def thread_count() -> int:
    """Return how many CPU threads a launch uses: $SIMLOOM_THREADS, or the cores this process may run on.

    Raises:
        ValueError: If $SIMLOOM_THREADS is not a positive whole number.
    """
    text = os.environ.get("SIMLOOM_THREADS")
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"SIMLOOM_THREADS must be a whole number from 1, got {text!r}; unset it to use every core")
    return int(text)


def describe_devices() -> list[Device]:
    """Describe each kind of device that kernels are written for, present or not.

    Example:
        >>> describe_devices()[0].name
        'cpu'
    """
    from . import device_cuda

    reason, name = device_cuda.find()
    return [Device("cpu", True, _cpu_name()), Device("cuda", reason is None, name if reason is None else reason)]


def available_devices() -> tuple[str, ...]:
    """Return the names that `device=` takes on this machine.

    Example:
        >>> "cpu" in available_devices()
        True
    """
    return tuple(device.name for device in describe_devices() if device.present)


def require_device(device: str) -> None:
    """Check that a device can be used.

    Raises:
        ValueError: If no such kind of device is known.
        RuntimeError: If it is not on this machine.
    """
    if device == "cpu":
        return
    if device != "cuda":
        raise ValueError(f"device must be 'cpu' or 'cuda', got {device!r}")
    from . import device_cuda

    reason, _ = device_cuda.find()
    if reason is not None:
        raise RuntimeError(f"device 'cuda' is not here: {reason}; use device='cpu'")


def on_device(array: Any) -> bool:
    """Return whether an array lives on a CUDA device, or on the one that Numba's simulator stands for."""
    if isinstance(array, np.ndarray):
        return False
    return hasattr(array, "__cuda_array_interface__") or hasattr(array, "__cuda_ndarray__")


def allocate(shape: tuple[int, ...], dtype: Any, there: bool) -> Any:
    """Return an uninitialised array: NumPy, or on the CUDA device where `there`."""
    if not there:
        return np.empty(shape, dtype)
    from . import device_cuda

    return device_cuda.empty(shape, dtype)


def platform_key(device: str = "cpu") -> dict[str, str]:
    """Return what the bytes of a row may depend on besides recipe and index.

    Args:
        device: Kind of device that makes the rows.

    Returns:
        Versions of simloom, Python, NumPy, Numba, llvmlite and libc, the processor's name and a digest of its features.
    """
    features = ",".join(sorted(name for name, present in llvm.get_host_cpu_features().items() if present))
    return {
        "simloom": _version("simloom"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "libc": " ".join(platform.libc_ver()).strip() or platform.system(),
        "svml": str(bool(numba.config.USING_SVML)),
        "cpu": llvm.get_host_cpu_name(),
        "cpu_features": hashlib.blake2b(features.encode(), digest_size=8).hexdigest(),
        "device": device,
    }


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "source"


def _cpu_name() -> str:
    return f"{llvm.get_host_cpu_name()}, {thread_count()} threads"
