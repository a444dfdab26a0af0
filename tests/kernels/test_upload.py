"""Transfer: trees of arrays in one run of bytes."""

from typing import NamedTuple

import numpy as np

from simloom.kernels.transfer import to_host
from simloom.kernels.upload import ALIGNMENT, Upload, map_arrays


class Table(NamedTuple):
    """A named tuple of arrays."""

    pose: np.ndarray
    id: np.ndarray


def test_a_tree_keeps_its_arrays_and_its_shape():
    """Named tuples, tuples, mappings, empty and strided arrays come back equal, aligned, from one run of bytes."""
    generator = np.random.default_rng(0)
    tree = {
        "table": Table(pose=generator.normal(size=(3, 12)), id=np.arange(5, dtype=np.uint8)),
        2: (generator.normal(size=(4, 6)).astype(np.float32)[:, ::2], np.empty((0, 3), np.float32), 7, None),
    }

    upload = Upload(tree)
    room = np.full(upload.size, 255, np.uint8)
    upload.fill(room)
    found = upload.view(room)

    assert upload.size == 288 // ALIGNMENT * ALIGNMENT + 3 * ALIGNMENT
    assert type(found["table"]) is Table
    assert np.array_equal(found["table"].pose, tree["table"].pose)
    assert np.array_equal(found["table"].id, tree["table"].id)
    assert np.array_equal(found[2][0], tree[2][0])
    assert found[2][1].shape == (0, 3)
    assert found[2][2:] == (7, None)
    assert found["table"].id.base is not None


def test_host_arrays_stay_where_they_are():
    """What is no array on a device is returned as it is."""
    array = np.zeros(3)

    assert to_host(array) is array
    assert to_host(None) is None
    assert map_arrays([array, "text"], lambda found: found + 1)[1] == "text"
