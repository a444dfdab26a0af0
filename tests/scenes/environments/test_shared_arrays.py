"""Shared arrays: one memory, no name, gone after the last process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from simloom.scenes.environments.shared_arrays import SharedArrays

FIELDS = {"flag": ((3,), "bool"), "pose": ((2, 4, 4), "float64"), "none": ((0, 3), "float32"), "byte": ((5,), "uint8")}


def test_a_child_reads_and_writes_the_same_memory():
    """What the parent writes the child sees, and the other way round; arrays are zero at first, aligned, disjoint."""
    arrays = SharedArrays(FIELDS)
    assert all(not arrays[name].any() for name in FIELDS)
    assert all(arrays[name].ctypes.data % 64 == 0 for name in FIELDS)
    for value, name in enumerate(FIELDS):
        arrays[name][...] = value
    code = (
        f"from simloom.scenes.environments.shared_arrays import SharedArrays\n"
        f"arrays = SharedArrays({FIELDS!r}, {arrays.descriptor})\n"
        "assert [int(arrays[name].max(initial=0)) for name in ('flag', 'pose', 'byte')] == [0, 1, 3]\n"
        "arrays['pose'][1] = 7.0\narrays.close()\n"
    )
    subprocess.run([sys.executable, "-c", code], pass_fds=[arrays.descriptor], check=True)

    np.testing.assert_array_equal(arrays["pose"][:, 0, 0], [1.0, 7.0])
    arrays.close()
    arrays.close()


def test_closing_leaves_what_is_in_use():
    """An array that is still held stays readable after closing."""
    arrays = SharedArrays(FIELDS)
    kept = arrays["byte"]
    kept[:] = 9
    arrays.close()

    np.testing.assert_array_equal(kept, 9)
