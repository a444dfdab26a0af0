"""Chunks: what HDF5's filters would leave, made and undone outside HDF5."""

from __future__ import annotations

import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from simloom.sim.dataset import deflate
from simloom.sim.dataset.chunk import DEFLATE, FILTERS, SHUFFLE, ZSTD, Filters, decode_chunk, encode_chunk
from simloom.sim.dataset.errors import CodecMissingError
from simloom.sim.dataset.shuffle import shuffle_bytes, unshuffle_bytes

DTYPES = ["<u2", "<f4", "<f8", "|u1", "<f2"]
SHAPES = [(27, 37), (1,), (1, 5), (480, 64, 3)]


def decode(stream: bytes, size: int, filters: Filters, itemsize: int = 1) -> bytes:
    """Decode a chunk into poisoned memory."""
    row = np.full(size, 0xA5, np.uint8)
    decode_chunk(stream, filters, itemsize, row)
    return row.tobytes()


def make_values(dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Values whose bytes all differ from plane to plane."""
    values: NDArray[np.generic] = np.random.default_rng(5).integers(
        0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8
    )
    values = values.view(dtype)[..., 0]
    return values


def require(filters: Filters) -> None:
    """Skip where the package for a filter is not installed."""
    if ZSTD in filters:
        pytest.importorskip("zstandard")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_shuffled_bytes_lie_as_hdf5_lays_them(dtype: str, shape: tuple[int, ...]) -> None:
    """Byte b of every element stands in plane b, and undoing it into foreign memory writes nothing beside the row."""
    values = make_values(dtype, shape)
    planes = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, values.itemsize).T
    shuffled = shuffle_bytes(values)
    np.testing.assert_array_equal(shuffled, planes)
    memory = np.full(values.nbytes + 14, 0xA5, np.uint8)
    unshuffle_bytes(shuffled.tobytes(), values.itemsize, memory[7:-7])
    assert memory[7:-7].tobytes() == values.tobytes()
    assert set(memory[:7].tolist() + memory[-7:].tolist()) == {0xA5}


@pytest.mark.parametrize("dtype", DTYPES)
def test_chunks_are_standard_streams(dtype: str) -> None:
    """Plain zlib reads what was compressed here, and undoing it gives the row."""
    values = np.arange(999).astype(dtype).reshape(27, 37)
    planes = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, values.itemsize).T
    assert zlib.decompress(encode_chunk(values, (SHUFFLE, DEFLATE))) == planes.tobytes()
    assert zlib.decompress(encode_chunk(values, (DEFLATE,))) == values.tobytes()


@pytest.mark.parametrize("filters", FILTERS[1:], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_undoing_a_chunk_gives_the_row(dtype: str, filters: Filters) -> None:
    """What was encoded comes back bit for bit, from many threads at once."""
    require(filters)
    rows = [make_values(dtype, (61, 47)) for _ in range(8)]
    streams = [encode_chunk(row, filters) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda stream: decode(stream, rows[0].nbytes, filters, rows[0].itemsize), streams))
    assert done == [row.tobytes() for row in rows]


@pytest.mark.parametrize("filters", FILTERS[1:], ids=str)
@pytest.mark.parametrize("dtype", ["|u1", "<f4"])
def test_hdf5_and_we_read_each_others_chunks(dtype: str, filters: Filters) -> None:
    """HDF5's own filters write chunks that we undo, and undo ours; for zstd they are hdf5plugin's."""
    require(filters)
    options = {"compression": "gzip", "compression_opts": 1}
    if ZSTD in filters:
        options = dict(pytest.importorskip("hdf5plugin").Zstd(clevel=1))
    rows = np.repeat(make_values(dtype, (2, 31, 17)), 3, axis=2)
    with h5py.File.in_memory() as file:
        dataset = file.create_dataset(
            "x", rows.shape, rows.dtype, chunks=(1, *rows.shape[1:]), shuffle=SHUFFLE in filters, **options
        )
        dataset[0] = rows[0]
        mask, stream = dataset.id.read_direct_chunk((0, 0, 0))
        assert mask == 0
        assert decode(stream, rows[0].nbytes, filters, rows.itemsize) == rows[0].tobytes()
        dataset.id.write_direct_chunk((1, 0, 0), encode_chunk(rows[1], filters))
        np.testing.assert_array_equal(dataset[1], rows[1], strict=True)
        if ZSTD in filters:
            assert encode_chunk(rows[0], filters) == stream


@pytest.mark.parametrize("filters", [(DEFLATE,), (ZSTD,)], ids=str)
@pytest.mark.parametrize("change", [-1, 1, 10_000_000])
def test_streams_of_another_size_are_refused(change: int, filters: Filters) -> None:
    """A stream that holds more or fewer bytes than declared is damaged, and no more than declared are made."""
    require(filters)
    stream = encode_chunk(np.zeros(1000 + change, np.uint8), filters)
    with pytest.raises(ValueError, match="exactly 1000"):
        decode(stream, 1000, filters)
    with pytest.raises(ValueError, match=r"deflate|zstd"):
        decode(stream[:-3], 1000 + change, filters)
    if filters == (DEFLATE,) and deflate._INFLATER is not zlib:
        # libdeflate stops where the stream ends; the row is right, and a sum covers what is stored.
        assert decode(stream + b"more", 1000 + change, filters) == bytes(1000 + change)
    else:
        with pytest.raises(ValueError, match=r"deflate|zstd"):
            decode(stream + b"more", 1000 + change, filters)


@pytest.mark.parametrize("size", [0, 999, 1001, 1 << 40])
def test_frames_that_lie_about_their_size_are_refused(size: int) -> None:
    """A zstd frame's own claim is compared before anything is allocated; one without a claim is bounded."""
    zstandard = pytest.importorskip("zstandard")
    frame = bytearray(zstandard.ZstdCompressor().compress(bytes(1000)))
    # Descriptor: an 8-byte size in a frame of one segment, then the blocks as they were.
    liar = frame[:4] + bytes([0xE0]) + size.to_bytes(8, "little") + frame[7:]
    with pytest.raises(ValueError, match="zstd"):
        decode(bytes(liar), 1000, (ZSTD,))
    for extra, fits in ((0, True), (1, False)):
        silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000 + extra))
        if fits:
            assert decode(silent, 1000, (ZSTD,)) == bytes(1000)
        else:
            with pytest.raises(ValueError, match="zstd"):
                decode(silent, 1000, (ZSTD,))


@pytest.mark.parametrize("absent", [("_CODEC",), ("_INFLATER",), ("_CODEC", "_INFLATER")])
def test_zlib_serves_where_isal_and_libdeflate_are_absent(
    monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...]
) -> None:
    """Without them the file's bytes may differ, the rows do not, and damage is found alike."""
    for name in absent:
        monkeypatch.setattr(deflate, name, zlib)
    values = np.arange(5000, dtype=np.uint16)
    filters = (SHUFFLE, DEFLATE)
    stream = encode_chunk(values, filters)
    assert decode(stream, 10000, filters, 2) == values.tobytes()
    for damaged, size in ((stream, 9998), (stream, 10002), (stream[:-1], 10000), (stream[:-1] + b"?", 10000)):
        with pytest.raises(ValueError, match="deflate stream"):
            decode(damaged, size, filters, 2)


def test_a_missing_zstandard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, reading and writing say what to install; the file is not called damaged."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CodecMissingError, match=r"pip install 'simloom\[zstd\]'"):
        encode_chunk(np.zeros(9, np.uint8), (ZSTD,))
    with pytest.raises(CodecMissingError, match="stored by zstd"):
        decode(bytes(9), 9, (ZSTD,))
