"""Files that are no HDF5 at all, or of another make."""
# ruff: noqa: E501 (tables of hostile things)

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np


def whole_files(folder: Path, sound: bytes) -> Iterator[tuple[str, Path]]:
    """Write every such file once; what it is, and where it lies.

    Args:
        folder: Where to write them.
        sound: A sound shard.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.h5", "x")
    contents = {
        "empty": b"", "one byte": b"\x89", "the signature": sound[:8], "a superblock": sound[:48], "zeros": bytes(100_000),
        "text": b"#!/bin/sh\ntouch /tmp/pwned\n" * 100, "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1000), "zip": archive.getvalue(),
        "pickle": b"\x80\x04cposix\nsystem\nX\x02\0\0\0id\x85R.", "two shards": sound + sound, "zeros behind": sound + bytes(4096),
        "zeros before": bytes(512) + sound, "noise before": bytes(range(256)) * 2 + sound, "reversed": sound[::-1],
        "twice the signature": sound[:8] + sound,
    }  # fmt: skip
    for number, (name, data) in enumerate(contents.items()):
        path = folder / f"bytes{number}.h5"
        path.write_bytes(data)
        yield name, path
    for number, version in enumerate(("earliest", "v108", "v112", "v114", "latest")):
        path = folder / f"version{number}.h5"
        try:
            file = h5py.File(path, "w", libver=(version, version) if version != "earliest" else "earliest")
        except ValueError:
            continue
        with file:
            file["sample/index"] = np.arange(4)
        yield f"libver {version}", path
    for size in (512, 1 << 20):
        path = folder / f"block{size}.h5"
        with h5py.File(path, "w", userblock_size=size) as file:
            file["sample/index"] = np.arange(4)
        yield f"user block of {size}", path
    for strategy in ("page", "aggregate", "none"):
        path = folder / f"{strategy}.h5"
        with h5py.File(path, "w", fs_strategy=strategy, libver="v110") as file:
            file["sample/index"] = np.arange(4)
        yield f"free space by {strategy}", path
    path = folder / "sparse.h5"
    path.write_bytes(sound)
    with path.open("r+b") as stream:
        stream.truncate(1 << 30)
    yield "a gigabyte of holes behind", path
    data = np.frombuffer(sound, np.uint8)
    for number, place in enumerate(range(0, 48, 4)):
        for value in (0x00, 0xFF):
            edited = data.copy()
            edited[place : place + 4] = value
            path = folder / f"super{number}-{value}.h5"
            path.write_bytes(edited.tobytes())
            yield f"superblock bytes {place} to {place + 3} are {value:#x}", path
