"""Where arrays live: results come back as the caller's kind, and host tensors are shared, not copied."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.depth import apply_depth
from simloom.kernels.tensors import find_place


def test_torch_tensors_are_read_and_written_in_place() -> None:
    """A contiguous tensor of the right type lends its memory; the result lends its memory to torch."""
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    place = find_place(tensor)
    lent = place.borrow(tensor, np.float32)
    result = place.allocate((2, 3), np.uint16)
    given = place.give(result)
    result[:] = 7

    assert lent.__array_interface__["data"][0] == tensor.data_ptr()
    assert given.dtype is torch.uint16
    assert given.data_ptr() == result.__array_interface__["data"][0]
    assert given.tolist() == [[7, 7, 7], [7, 7, 7]]


def test_other_types_and_layouts_are_converted() -> None:
    """float16 and strided inputs, also those that carry gradients, become what the kernel reads."""
    tensor = torch.arange(12, dtype=torch.float16).reshape(3, 4).T.requires_grad_()
    lent = find_place(tensor).borrow(tensor, np.float32)

    assert lent.dtype == np.float32
    assert lent.flags.c_contiguous
    assert np.array_equal(lent, np.arange(12, dtype=np.float32).reshape(3, 4).T)


def test_a_reading_is_of_the_kind_of_its_input() -> None:
    """NumPy gives NumPy, torch gives torch, with the same values."""
    depth = np.linspace(0.5, 3.0, 2 * 8 * 60, dtype=np.float32).reshape(2, 8, 60)
    options = {"fx": 60.0, "seed": 3, "index": [4, 9]}
    ours, theirs = apply_depth(depth, **options), apply_depth(torch.from_numpy(depth), **options)

    assert isinstance(ours.depth, np.ndarray)
    assert isinstance(theirs.depth, torch.Tensor)
    assert theirs.status.dtype is torch.uint8
    assert np.array_equal(ours.depth, theirs.depth.numpy())
    assert np.array_equal(ours.status, theirs.status.numpy())
    assert theirs.truth.data_ptr() == depth.__array_interface__["data"][0]


def test_dlpack_arrays_of_other_libraries_are_taken() -> None:
    """Whoever speaks DLPack on the host is read without a copy, and answered in NumPy."""

    class Foreign:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **options: object) -> object:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.array.__dlpack_device__()

    source = np.arange(4, dtype=np.float32)
    lent = find_place(Foreign(source)).borrow(Foreign(source), np.float32)

    assert np.shares_memory(lent, source)


def test_unknown_devices_are_refused() -> None:
    """The error names the devices there are."""
    with pytest.raises(ValueError, match="'cpu' or 'cuda'"):
        find_place(torch.zeros(1), "tpu")


def test_host_tensors_sensed_on_a_device_come_back_as_tensors(tmp_path: Path) -> None:
    """They travel there once, all between stays there, small tables travel together, and results come back."""
    code = """
import torch
from simloom.kernels.device import on_device
from simloom.kernels.tensors import find_place
tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
place = find_place(tensor, "cuda")
lent = place.borrow(tensor, np.float32)
tables = place.lend_tables(np.arange(3, dtype=np.int16), np.empty((0, 2)), np.full((2, 2), 5.0))
given = place.give(lent)
assert (place.kind, place.device, place.is_resident) == ("torch", "cuda", False)
assert on_device(lent) and on_device(place.allocate((2,), np.uint8)) and all(map(on_device, tables))
assert isinstance(given, torch.Tensor) and torch.equal(given, tensor)
assert find_place(lent).is_resident and find_place(lent).give(lent) is lent
out = {str(k): table.copy_to_host() for k, table in enumerate(tables)}
"""
    tables = run_simulated(code, tmp_path)

    assert tables["0"].tolist() == [0, 1, 2]
    assert tables["0"].dtype == np.int16
    assert tables["1"].shape == (0, 2)
    assert tables["2"].tolist() == [[5.0, 5.0], [5.0, 5.0]]


def test_device_arrays_of_another_type_are_refused() -> None:
    """An array on a device is used where it is, so it must be what the kernel reads."""

    class OnDevice:
        __cuda_array_interface__: ClassVar = {"typestr": "<f8", "shape": (2,), "data": (1, False), "version": 3}

    with pytest.raises(ValueError, match="contiguous float32, got <f8"):
        find_place(np.zeros(2)).borrow(OnDevice(), np.float32)
