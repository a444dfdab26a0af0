"""Shard files laid out in memory."""

from __future__ import annotations

import io
import os

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simloom.sim.dataset.shard_image import ShardImage

_WRITES = st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 9_000), st.booleans()), max_size=12)


@given(writes=_WRITES, size=st.integers(0, 50_000))
@settings(max_examples=150, deadline=None)
def test_an_image_is_the_file_that_the_same_writes_make(writes: list[tuple[int, int, bool]], size: int) -> None:
    """Announced or not, overlapping or apart, writes leave what they would leave in a file, and can be read back."""
    image, file = ShardImage(), io.BytesIO()
    for turn, (start, length, announce) in enumerate(writes):
        data = bytes([turn + 1]) * length
        if announce:
            image.announce(data)
        for target in (image, file):
            target.seek(start)
            assert target.write(data) == length
    image.truncate(size)
    expected = file.getvalue()[:size].ljust(size, b"\0")
    assert b"".join(image.pieces()) == expected
    image.seek(min(size, 100))
    assert image.read(500)[: size - 100] == expected[100:600] or size < 100


def test_announced_data_are_not_copied() -> None:
    """Big arrays and chunks stand in the image by reference; a file made this way reads as any other."""
    array = np.arange(50_000, dtype="<i8").reshape(50, 1000)
    stream = bytes(range(256)) * 40
    image = ShardImage()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        image.announce(array.reshape(-1))
        file.create_dataset("plain", data=array)
        chunked = file.create_dataset("chunked", (2, 10240), "|u1", chunks=(1, 10240), compression="gzip")
        for row in range(2):
            image.announce(stream)
            chunked.id.write_direct_chunk((row, 0), stream, filter_mask=1)
        file["small"] = np.arange(3)
        file.attrs["text"] = "said"
    pieces = image.pieces()
    addresses = {np.frombuffer(piece, np.uint8).ctypes.data for piece in pieces}
    assert np.frombuffer(stream, np.uint8).ctypes.data in addresses
    assert array.ctypes.data in addresses
    assert sum(map(len, pieces)) == image.size
    with h5py.File(io.BytesIO(b"".join(pieces)), "r") as file:
        np.testing.assert_array_equal(file["plain"][()], array, strict=True)
        assert file["chunked"][1].tobytes() == stream
        assert file.attrs["text"] == "said"
        np.testing.assert_array_equal(file["small"][()], np.arange(3))


@pytest.mark.parametrize("whence", [os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
def test_places_count_as_in_files(whence: int) -> None:
    """Seeking and telling are those of any file."""
    image, file = ShardImage(), io.BytesIO()
    for target in (image, file):
        target.write(bytes(10))
        target.seek(4)
    assert image.seek(3 if whence == os.SEEK_SET else -1 if whence == os.SEEK_END else 2, whence) == file.seek(
        3 if whence == os.SEEK_SET else -1 if whence == os.SEEK_END else 2, whence
    )
    assert image.tell() == file.tell()
