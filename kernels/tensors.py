"""Whose arrays these are: NumPy's, torch's, or another library's on CUDA; results come back as that kind."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .device import on_device, require_device


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a caller's arrays live, and so where the results go.

    Example:
        >>> place = find_place(images)
        >>> source, result = place.borrow(images, np.float32), place.allocate((4, 6), np.float32)
        >>> KERNEL.launch(4, source, result, device=place.device)
        >>> return place.give(result)
    """

    kind: Literal["numpy", "torch", "cuda"]
    """Library of the arrays; "cuda": any other that shows `__cuda_array_interface__`."""
    device: str
    """Where kernels run, "cpu" or "cuda"."""
    owner: Any = None
    """torch's device, None for the other kinds."""

    @property
    def is_resident(self) -> bool:
        """Whether the caller's arrays lie on the CUDA device; if not, `borrow` and `give` copy them for a run there."""
        return self.kind == "cuda" or (self.kind == "torch" and self.owner.type == "cuda")

    def borrow(self, value: Any, dtype: DTypeLike) -> Any:
        """Return what a launch takes for one of the caller's arrays, without a copy where layout and type allow.

        Args:
            value: Array of this or another kind.
            dtype: Type that the kernel reads.
        """
        if _is_torch(value):
            tensor = value.detach().to(dtype=_torch_type(dtype))
            if self.is_resident and self.kind == "torch":
                return tensor.to(self.owner).contiguous()
            return self._lend(np.ascontiguousarray(tensor.cpu().numpy()))
        if on_device(value):
            found, contiguous = _describe(value)
            if found != np.dtype(dtype) or not contiguous:
                wanted = np.dtype(dtype).name
                raise ValueError(f"an array on the device must be contiguous {wanted}, got {found.str}; convert it")
            return value
        if not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__"):
            value = np.from_dlpack(value)
        return self._lend(np.ascontiguousarray(value, dtype=dtype))

    def _lend(self, array: NDArray[Any]) -> Any:
        if self.device != "cuda":
            return array
        from . import device_stream

        return device_stream.upload(array)

    def lend_tables(self, *tables: NDArray[Any]) -> tuple[Any, ...]:
        """Return small host arrays where kernels run: as they are, or on the device by one copy of them all."""
        if self.device != "cuda":
            return tables
        from . import device_stream

        return device_stream.upload_tables(tables)

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Return an uninitialised array for a launch to write, where kernels run."""
        if self.device != "cuda":
            return np.empty(shape, dtype)
        if self.kind == "torch" and self.is_resident:
            return sys.modules["torch"].empty(shape, dtype=_torch_type(dtype), device=self.owner)
        from . import device_cuda

        return device_cuda.empty(shape, dtype)

    def give(self, array: Any) -> Any:
        """Return a result as the caller's kind: a copy only where it ran on a device and the caller is on the host."""
        if self.device == "cuda" and not self.is_resident and on_device(array):
            from . import device_stream

            array = device_stream.download(array)
        if self.kind == "torch" and isinstance(array, np.ndarray):
            return sys.modules["torch"].from_numpy(array)
        return array


def find_place(value: Any, device: str = "cpu") -> Place:
    """Find where a caller's arrays live.

    Args:
        value: The main input.
        device: Where to run if the arrays are the host's: "cpu", or "cuda" to copy them there and the results back.

    Returns:
        The place.

    Raises:
        ValueError: If no such kind of device is known.
        RuntimeError: If it is not on this machine.
    """
    if _is_torch(value):
        there = value.device.type == "cuda"
        target = "cuda" if there else device
        require_device(target)
        # A host tensor that is to be sensed on the device travels there, and the result comes back to the host.
        return Place(kind="torch", device=target, owner=value.device)
    there = on_device(value)
    target = "cuda" if there else device
    require_device(target)
    return Place(kind="cuda" if there else "numpy", device=target)


def _describe(value: Any) -> tuple[np.dtype[Any], bool]:
    """Return a device array's type, and whether it is contiguous."""
    if hasattr(value, "__cuda_ndarray__"):  # Numba's own; its simulator shows no interface
        return np.dtype(value.dtype), bool(value.is_c_contiguous())
    found = value.__cuda_array_interface__
    return np.dtype(found["typestr"]), found.get("strides") is None


def _is_torch(value: Any) -> bool:
    # A tensor exists only where torch has been imported; asking does not import it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _torch_type(dtype: DTypeLike) -> Any:
    return getattr(sys.modules["torch"], np.dtype(dtype).name)
