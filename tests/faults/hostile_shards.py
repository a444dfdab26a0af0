"""Hostile HDF5 files: each puts something in the place of a sound shard that no shard may hold."""
# ruff: noqa: E501 (tables of hostile things)

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Harm = Callable[[Any], None]
"""Changes an open shard."""

ROWS = 4
_PLACES = ("sample/valid", "sample/attempt", "sensor/head", "sensor", "payload", "label/head/instance")


def _replace(name: str, make: Callable[[Any, str], None]) -> Harm:
    def harm(file: Any) -> None:
        if name in file:
            del file[name]
        make(file, name)

    return harm


def _sums(dataset: Any, value: int = 0) -> None:
    dataset.attrs["crc32"] = np.full(dataset.shape[0] if dataset.shape else 1, value, np.uint32)


def links(canary: Path) -> Iterator[tuple[str, Harm]]:
    """Names that stand for something else, at a leaf, in a parent, and where nothing should be."""
    targets: dict[str, Callable[[], Any]] = {
        "soft to an array": lambda: h5py.SoftLink("/sample/index"),
        "soft to the root": lambda: h5py.SoftLink("/"),
        "soft to itself": lambda: h5py.SoftLink("."),
        "soft to nothing": lambda: h5py.SoftLink("/nowhere/at/all"),
        "external to the canary": lambda: h5py.ExternalLink(str(canary / "other.h5"), "/sample/index"),
        "external to its root": lambda: h5py.ExternalLink(str(canary / "other.h5"), "/"),
        "external by a relative path": lambda: h5py.ExternalLink("../../canary/other.h5", "/"),
        "external to no HDF5 file": lambda: h5py.ExternalLink(str(canary / "secret.txt"), "/"),
        "external to a device": lambda: h5py.ExternalLink("/dev/zero", "/"),
        "external to nothing": lambda: h5py.ExternalLink("/nowhere.h5", "/"),
    }
    for place in _PLACES:
        for name, target in targets.items():
            yield f"{name} as {place}", _replace(place, lambda file, at, t=target: file.__setitem__(at, t()))  # type: ignore[misc]
        if place != "sample/valid":
            yield f"hard to an array as {place}", _replace(place, lambda f, at: f.__setitem__(at, f["sample/index"]))
        yield f"hard to the root as {place}", _replace(place, lambda f, at: f.__setitem__(at, f["/"]))
        yield f"hard to a group above as {place}", _replace(place, lambda f, at: f.__setitem__(at, f["sample"]))


def storage(canary: Path) -> Iterator[tuple[str, Harm]]:
    """Values that lie in other files."""
    for name, path in (("canary", canary / "secret.txt"), ("/etc/passwd", "/etc/passwd"), ("nothing", "/nowhere")):

        def external(file: Any, at: str, path: Any = path) -> None:
            _sums(file.create_dataset(at, (ROWS,), "<i4", external=[(str(path), 0, 16)]))

        yield f"external storage in {name}", _replace("sample/attempt", external)
    for name, source in (("canary", str(canary / "other.h5")), ("itself", "."), ("nothing", "/nowhere.h5")):
        for unlimited in (False, True):

            def virtual(file: Any, at: str, source: str = source, unlimited: bool = unlimited) -> None:
                most = (None,) if unlimited else (ROWS,)
                layout = h5py.VirtualLayout(shape=(ROWS,), dtype="<i4", maxshape=most)
                layout[:] = h5py.VirtualSource(source, "sample/attempt", shape=(ROWS,), dtype="<i4", maxshape=most)
                _sums(file.create_virtual_dataset(at, layout))

            yield f"virtual over {name}{', unlimited' if unlimited else ''}", _replace("sample/attempt", virtual)


def types() -> Iterator[tuple[str, Harm]]:
    """Types that are no plain little-endian numbers of the registry."""
    kinds: dict[str, Any] = {
        "varying texts": h5py.string_dtype(), "varying lists": h5py.vlen_dtype(np.dtype("<i4")),
        "object references": h5py.ref_dtype, "region references": h5py.regionref_dtype, "fixed texts": "S8",
        "compounds": np.dtype([("a", "<i4"), ("b", "<f8")]), "enumerations": h5py.enum_dtype({"A": 1}, "<i4"),
        "opaque bytes": "V4", "truth values": "?", "big-endian": ">i4", "unsigned": "<u4", "wider": "<i8",
        "narrower": "i1", "half": "<f2", "complex": "<c8", "small arrays": np.dtype(("<i4", (2,))),
        "dates": h5py.opaque_dtype(np.dtype("M8[s]")),
    }  # fmt: skip
    for name, kind in kinds.items():
        yield name, _replace("sample/attempt", lambda f, at, k=kind: _sums(f.create_dataset(at, (ROWS,), k)))  # type: ignore[misc]

    def committed(file: Any, at: str) -> None:
        file["kinds"] = np.dtype("<i4")
        _sums(file.create_dataset(at, (ROWS,), file["kinds"]))

    yield "a committed type", _replace("sample/attempt", committed)
    yield "a type in place of an array", _replace("sample/attempt", lambda f, at: f.__setitem__(at, np.dtype("<i4")))


def shapes() -> Iterator[tuple[str, Harm]]:
    """Shapes that no shard has, and bombs."""
    for name, shape in (
        ("no axes", ()), ("no rows", (0,)), ("an empty axis", (ROWS, 0)), ("more rows", (ROWS + 1,)),
        ("fewer rows", (1,)), ("more axes", (ROWS, 1, 1, 1, 1, 1)), ("thirty axes", (ROWS, *[1] * 29)),
    ):  # fmt: skip
        yield (
            name,
            _replace("sample/attempt", lambda f, at, s=shape: _sums(f.create_dataset(at, data=np.zeros(s, "<i4")))),
        )  # type: ignore[misc]
    yield "no space", _replace("sample/attempt", lambda f, at: f.create_dataset(at, data=h5py.Empty("<i4")))

    def bomb(shape: tuple[int, ...], chunk: tuple[int, ...] | None) -> Callable[[Any, str], None]:
        def make(file: Any, at: str) -> None:
            dataset = file.create_dataset(at, shape, "|u1", chunks=chunk, compression=None if chunk is None else 1)
            if shape[0] == ROWS:
                _sums(dataset)

        return make

    for name, shape, chunk in (
        ("2 TB in rows", (ROWS, 1 << 19, 1 << 19, 2), (1, 1 << 10, 1 << 10, 2)),
        ("2^62 in rows", (ROWS, 1 << 20, 1 << 20, 1 << 20), (1, 1 << 10, 1 << 10, 1)),
        ("2^60 rows", (1 << 60, 1, 1, 3), (1, 1, 1, 3)),
        ("rows not stored", (ROWS, 1 << 15, 1 << 15, 3), None),
        ("one chunk of 2 GB", (ROWS, 1 << 15, 1 << 14, 3), (1, 1 << 15, 1 << 14, 3)),
    ):
        yield f"bomb: {name}", _replace("sensor/head/rgb", bomb(shape, chunk))

    def many(file: Any) -> None:
        for number in range(600):
            dataset = file.create_dataset(
                f"sensor/c{number}/rgb", (ROWS, 2048, 2048, 3), "|u1", chunks=(1, 2048, 2048, 3), compression=1
            )
            stream = zlib.compress(bytes(2048 * 2048 * 3), 9)
            if number < 3:
                for row in range(ROWS):
                    dataset.id.write_direct_chunk((row, 0, 0, 0), stream)
            _sums(dataset, zlib.crc32(stream))

    yield "bomb: many small ones", many
    yield (
        "resizable",
        _replace(
            "sample/attempt", lambda f, at: _sums(f.create_dataset(at, (ROWS,), "<i4", maxshape=(None,), chunks=(1,)))
        ),
    )
    yield (
        "larger maximum",
        _replace(
            "sample/attempt", lambda f, at: _sums(f.create_dataset(at, (ROWS,), "<i4", maxshape=(99,), chunks=(1,)))
        ),
    )


def filters() -> Iterator[tuple[str, Harm]]:
    """Filters that are unknown, repeated, in another order, or skipped."""
    options: dict[str, dict[str, Any]] = {
        "lzf": {"compression": "lzf"}, "fletcher32": {"fletcher32": True}, "scale-offset": {"scaleoffset": 2},
        "shuffle alone": {"shuffle": True}, "deflate and fletcher32": {"compression": 1, "fletcher32": True},
        "chunks without a filter": {},
        "an unknown filter": {"compression": 31999, "allow_unknown_filter": True},
        "a filter of a test": {"compression": 257, "allow_unknown_filter": True},
        "blosc": {"compression": 32001, "allow_unknown_filter": True},
        "bitshuffle": {"compression": 32008, "allow_unknown_filter": True},
    }  # fmt: skip
    for name, option in options.items():

        def make(file: Any, at: str, option: dict[str, Any] = option) -> None:
            dataset = file.create_dataset(at, (ROWS, 8, 6), "<f4", chunks=(1, 8, 6), **option)
            for row in range(ROWS):
                dataset.id.write_direct_chunk((row, 0, 0), bytes(192))
            _sums(dataset, zlib.crc32(bytes(192)))

        yield name, _replace("sensor/head/depth", make)
    for mask in (1, 2, 3, 0xFFFFFFFF):

        def masked(file: Any, at: str, mask: int = mask) -> None:
            dataset = file.create_dataset(at, (ROWS, 8, 6), "<f4", chunks=(1, 8, 6), compression=1, shuffle=True)
            for row in range(ROWS):
                dataset.id.write_direct_chunk((row, 0, 0), bytes(192), filter_mask=mask)
            _sums(dataset, zlib.crc32(bytes(192)))

        yield f"filter mask {mask}", _replace("sensor/head/depth", masked)


def _zstd_frame(size: int, *, window: int = 0) -> bytes:
    """A frame that claims to hold so many bytes, and holds four of one block repeated."""
    head = b"\x28\xb5\x2f\xfd" + bytes([0xC0 if window else 0xE0]) + (bytes([window]) if window else b"")
    return head + size.to_bytes(8, "little") + (3 | 4 << 3 & 0xFF).to_bytes(3, "little") + b"\0"


def chunks() -> Iterator[tuple[str, Harm]]:
    """Chunks that inflate to more or less than they should, or cannot be inflated."""
    sound = zlib.compress(bytes(192))
    streams = {
        "deflate bomb of 1 MB": zlib.compress(bytes(1 << 20), 9), "deflate bomb of 32 MB": zlib.compress(bytes(1 << 25), 9),
        "too few bytes": zlib.compress(bytes(191)), "one byte more": zlib.compress(bytes(193)), "no bytes": zlib.compress(b""),
        "cut": sound[:-3], "more behind": sound + b"\0", "two streams": sound + sound, "noise": bytes(range(1, 200)),
        "one byte": b"x", "a preset dictionary": b"\x78\xbb" + bytes(20), "raw deflate": sound[2:-4],
        "another check sum": sound[:-1] + bytes([sound[-1] ^ 1]),
    }  # fmt: skip
    for name, stream in streams.items():

        def make(file: Any, at: str, stream: bytes = stream) -> None:
            dataset = file.create_dataset(at, (ROWS, 8, 6), "<f4", chunks=(1, 8, 6), compression=1, shuffle=True)
            for row in range(ROWS):
                dataset.id.write_direct_chunk((row, 0, 0), stream)
            _sums(dataset, zlib.crc32(stream))

        yield f"deflate: {name}", _replace("sensor/head/depth", make)
    frames = {
        "claims 2^62 bytes": _zstd_frame(1 << 62), "claims 8 GB": _zstd_frame(8 << 30), "claims nothing": _zstd_frame(0),
        "a window of 2^41": _zstd_frame(192, window=0xF8), "skippable": b"\x50\x2a\x4d\x18" + (8).to_bytes(4, "little") + bytes(8),
        "skippable of 4 GB": b"\x50\x2a\x4d\x18\xff\xff\xff\xff", "noise": bytes(range(1, 200)), "empty": b"\x28\xb5\x2f\xfd\0",
    }  # fmt: skip
    for name, stream in frames.items():

        def make_zstd(file: Any, at: str, stream: bytes = stream) -> None:
            dataset = file.create_dataset(
                at, (ROWS, 8, 6), "<f4", chunks=(1, 8, 6), compression=32015, allow_unknown_filter=True, shuffle=True
            )
            for row in range(ROWS):
                dataset.id.write_direct_chunk((row, 0, 0), stream)
            _sums(dataset, zlib.crc32(stream))

        yield f"zstd: {name}", _replace("sensor/head/depth", make_zstd)

    def missing(file: Any, at: str) -> None:
        dataset = file.create_dataset(at, (ROWS, 8, 6), "<f4", chunks=(1, 8, 6), compression=1)
        dataset[:3] = 1
        _sums(dataset)

    yield "a chunk is missing", _replace("sensor/head/depth", missing)
    for shape in ((ROWS, 8, 6), (2, 8, 6), (1, 4, 6), (1, 8, 12)):

        def shaped(file: Any, at: str, shape: tuple[int, ...] = shape) -> None:
            dataset = file.create_dataset(
                at, (ROWS, 8, 6), "<f4", chunks=shape, compression=1, maxshape=(ROWS, 8, 12) if shape[2] > 6 else None
            )
            dataset[:] = 1
            _sums(dataset)

        yield f"chunks of {shape}", _replace("sensor/head/depth", shaped)


def attributes() -> Iterator[tuple[str, Harm]]:
    """Attributes that are missing, huge, many, or of other types."""
    yield "no checksums", lambda f: f["sample/index"].attrs.__delitem__("crc32")
    for name, value in (
        ("of zeros", np.zeros(ROWS, np.uint32)), ("of another type", np.zeros(ROWS, np.uint64)),
        ("of another number", np.zeros(ROWS + 1, np.uint32)), ("as a number", np.uint32(1)), ("as a text", "crc"),
        ("as texts", np.array([b"a"] * ROWS)), ("empty", h5py.Empty("<u4")), ("of two axes", np.zeros((ROWS, 1), np.uint32)),
        ("big-endian", np.zeros(ROWS, ">u4")),
    ):  # fmt: skip
        yield f"checksums {name}", lambda f, v=value: f["sample/index"].attrs.__setitem__("crc32", v)  # type: ignore[misc]

    def many(file: Any) -> None:
        for number in range(5000):
            file["sample/index"].attrs[f"a{number}"] = number

    def huge(file: Any) -> None:
        file["sample/index"].attrs["noise"] = np.zeros(4 << 20, np.uint8)

    def huge_sums(file: Any) -> None:
        file["sample/index"].attrs["crc32"] = np.zeros(8 << 20, np.uint32)

    def odd(file: Any) -> None:
        file["sample/index"].attrs["where"] = file["sample"].ref
        file["sample/index"].attrs.create("words", ["a", "b"], dtype=h5py.string_dtype())
        file.attrs.create("\x1b]0;x\x07", "\u202egpj.exe")

    yield "5000 attributes", many
    yield "an attribute of 4 MB", huge
    yield "checksums of 32 MB", huge_sums
    yield "references and texts as attributes", odd


def names() -> Iterator[tuple[str, Harm]]:
    """Names that leave the folder, fool a terminal, or never end; deep and wide groups."""
    for name in (
        "../../canary/secret.txt", "sample/..", "sample/../../x", "~", "$HOME", "%s%n", "sample/index\\..", "a" * 60000,
        "\u202etxt", "\u0000".encode().decode() + "x", "\ud800", "\x1b[2J\x1b]0;pwned\x07", "sample/inde\u0445",
        "SAMPLE/index", "sample/index ", "con", "\ufeffsample", "e\u0301" * 100, "sensor/head/rgb\n",
    ):  # fmt: skip

        def make(file: Any, name: str = name) -> None:
            data = name.encode("utf-8", "surrogatepass").replace(b"\0", b"\xff")
            group = file
            for part in data.split(b"/")[:-1]:
                if part not in (b"", b"."):
                    group = group[part] if part in group else h5py.Group(h5py.h5g.create(group.id, part))
            last = data.split(b"/")[-1] or b"_"
            h5py.h5d.create(group.id, last, h5py.h5t.STD_I32LE, h5py.h5s.create_simple((ROWS,)))

        yield f"name {name[:24]!a}", make
    for depth in (5, 60, 1500):

        def deep(file: Any, depth: int = depth) -> None:
            group = file
            for _ in range(depth):
                group = group.create_group("g")
            group["sample"] = np.arange(4)

        yield f"{depth} groups deep", deep

    def wide(file: Any) -> None:
        for number in range(6000):
            file.create_group(f"sensor/c{number}")

    yield "6000 groups", wide


def all_harms(canary: Path) -> Iterator[tuple[str, Harm]]:
    """Every hostile shard: what it is, and the change that makes it."""
    kinds = {
        "links": links(canary), "storage": storage(canary), "types": types(), "shapes": shapes(), "filters": filters(),
        "chunks": chunks(), "attributes": attributes(), "names": names(),
    }  # fmt: skip
    for kind, harms in kinds.items():
        for name, harm in harms:
            yield f"{kind}: {name}", harm
