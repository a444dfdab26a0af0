"""Kernels whose threads work in blocks: shared arrays, barriers and atomic operations (see `cooperation`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from .device import Kernel, flatten_arguments, hold_device, own_folder, require_device
from .loops import Layout, define_function, name_arguments

Room = Mapping[str, tuple[int | tuple[int, ...], type]]
"""Arrays by name: shape and type."""


@final
class BlockKernel:
    """One block function, launched over a range of blocks.

    It takes the block's index, the thread's place in the block, the number of threads, the shared arrays, the thread's
    own arrays, and then what a `Kernel`'s element takes. Whatever the number of threads, its outputs must be the same.
    On CUDA a block has many threads; on the CPU one, which is for tests and small work: the compiler checks the types
    of the same source there.

    Args:
        element: The function.
        shared: Arrays that the threads of a block share, by the parameter's name; they start with any contents.
        private: Arrays of each thread, likewise.

    Example:
        >>> @scalar
        ... def _total(block, lane, lanes, sum, x_in, sum_out):
        ...     if lane == 0:
        ...         sum[0] = 0
        ...     barrier()
        ...     for i in range(lane, x_in.shape[1], lanes):
        ...         atomic_add(sum, 0, x_in[block, i])
        ...     barrier()
        ...     if lane == 0:
        ...         sum_out[block] = sum[0]
        >>> TOTAL = BlockKernel(_total, shared={"sum": (1, np.int64)})
        >>> sums = np.empty(3, np.int64)
        >>> TOTAL.launch(3, np.ones((3, 50), np.int64), sums)
    """

    def __init__(self, element: Callable[..., None], *, shared: Room, private: Room | None = None) -> None:
        self._element = element
        self._shared, self._private = dict(shared), dict(private or {})
        names = list(inspect.signature(element).parameters)[3:]
        rooms = [*self._shared, *self._private]
        if names[: len(rooms)] != rooms:
            raise ValueError(f"{element.__qualname__} must name its arrays {rooms} after the lanes, got {names}")
        self._names = tuple(names[len(rooms) :])
        self._alone = Kernel(self._write_lane())
        self._cuda_build: Any = None
        self._layout: Layout = ()

    @property
    def name(self) -> str:
        """Module and name of the block function."""
        return f"{self._element.__module__}.{self._element.__qualname__}"

    @property
    def shared_bytes(self) -> int:
        """Shared memory of one block."""
        return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in self._shared.values())

    def launch(self, count: int, *arrays: Any, device: str = "cpu", threads: int | None = None) -> None:
        """Call the block function for every block in [0, count), in no particular order.

        Args:
            count: Number of blocks, ≥ 0.
            arrays: As for `Kernel.launch`.
            device: "cpu" (a block has one thread) or "cuda".
            threads: CPU threads to use; None for `thread_count()`.

        Raises:
            ValueError: If the number of arrays, the device or an output array's layout is wrong.
            RuntimeError: If the device is not here.
        """
        if device != "cuda":
            self._alone.launch(count, *arrays, device=device, threads=threads)
            return
        require_device(device)
        if len(arrays) != len(self._names):
            raise ValueError(f"{self.name} takes {len(self._names)} arguments {self._names}, got {len(arrays)}")
        if count <= 0:
            return
        from . import device_cuda

        flat, self._layout = flatten_arguments(arrays, self._names)
        with hold_device():
            if self._cuda_build is None:
                source, known = self.write_block(self._layout, simulated=device_cuda.is_simulated())
                self._cuda_build = device_cuda.build_block(source, known, self._element, own_folder)
            device_cuda.launch_blocks(
                self._cuda_build, count, [part for part, _, _ in flat], [output for _, _, output in flat]
            )

    def write_block(self, layout: Layout, *, simulated: bool = False) -> tuple[str, dict[str, Any]]:
        """Return the source of a CUDA kernel named `block`, and the names that it knows.

        Args:
            layout: Which of the arguments are named tuples.
            simulated: Whether it is Numba's simulator that will run it, which hands over all arguments as one tuple.
        """
        names, call, known = name_arguments(layout)
        lines = ["def block(arguments):", f"    ({names},) = arguments"] if simulated else [f"def block({names}):"]
        for rooms, place in ((self._shared, "shared"), (self._private, "local")):
            for name, (shape, kind) in rooms.items():
                lines.append(f"    {name} = cuda.{place}.array({shape}, {kind.__name__})")
                known[kind.__name__] = kind
        own = "".join(f"{name}, " for name in (*self._shared, *self._private))
        lines.append(f"    element(cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x, {own}{call})")
        return "\n".join(lines) + "\n", known | {"element": self._element}

    def _write_lane(self) -> Callable[..., None]:
        """Return an element function that is a block of one thread."""
        names = ", ".join(self._names)
        rooms = self._shared | self._private
        known: dict[str, Any] = {"element": self._element, "empty": np.empty, "int64": np.int64}
        lines = [f"def one_lane(index, {names}):"]
        for name, (shape, kind) in rooms.items():
            lines.append(f"    {name} = empty({shape}, {kind.__name__})")
            known[kind.__name__] = kind
        lines.append(f"    element(int64(index), 0, 1, {''.join(f'{name}, ' for name in rooms)}{names})")
        alone = define_function("\n".join(lines) + "\n", "one_lane", known)
        # Named and kept on disk as the function that it stands for.
        alone.__module__, alone.__qualname__ = self._element.__module__, f"{self._element.__qualname__}_alone"
        return alone
