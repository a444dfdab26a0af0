"""Frames in files: a folder of recordings as a sequence of arrays, read one at a time, within limits.

The files come from anywhere: NumPy files are read without pickle, and a picture's size is read from its header before
anything is decoded.
"""

from __future__ import annotations

import math
import struct
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, nearest_name

MAX_PIXELS: Final = 1 << 27
"""Largest frame that is read [px]."""
MAX_BYTES: Final = 1 << 32
"""Largest file that is read [bytes]."""
MAX_FILES: Final = 20_000
"""Most files of one folder."""
SUFFIXES: Final = (".npy", ".png", ".tif", ".tiff")
PICTURE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

_UNITS: Final = {"time": {"s": 1.0, "ms": 1e-3, "us": 1e-6}, "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3}}


class _Place(NamedTuple):
    """Where a frame stands."""

    path: Path
    page: int | None
    """Index within a stack; None where the file is one frame."""


class FrameFolder(Sequence[NDArray[Any]]):
    """The frames of a folder, in the order of their file names; a .npy file may hold a stack (N, H, W).

    Raises:
        UsageError: If the folder holds no frames, or a file is not one frame or stack of the allowed types.
    """

    def __init__(self, folder: Path, dtypes: Sequence[str]) -> None:
        self.folder = folder
        self.dtypes = tuple(dtypes)
        paths = [path for path in list_files(folder) if path.suffix.lower() in SUFFIXES]
        if not paths:
            raise UsageError(f"{folder} holds no frames; put files there that end in {', '.join(SUFFIXES)}")
        self._places: list[_Place] = []
        for path in paths:
            _check_bytes(path)
            if path.suffix.lower() == ".npy":
                array = self._open(path)
                self._places += [_Place(path, page) for page in range(len(array))] if array.ndim == 3 else [
                    _Place(path, None)
                ]  # fmt: skip
            else:
                self._places.append(_Place(path, None))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        path, page = self._places[index]
        if path.suffix.lower() == ".npy":
            array = self._open(path)
            return np.array(array if page is None else array[page])
        picture = read_picture(path, SUFFIXES)
        if picture.ndim != 2 or picture.dtype.name not in self.dtypes:
            raise UsageError(
                f"{path} is a picture of {picture.dtype} with shape {picture.shape}; it must have one channel of "
                f"{' or '.join(self.dtypes)}: as the sensor gave it, not developed into colours"
            )
        return picture

    def _open(self, path: Path) -> NDArray[Any]:
        try:
            array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        except (ValueError, EOFError, SyntaxError, tokenize.TokenError) as error:
            raise UsageError(f"{path} is not a plain NumPy file: {error}") from None
        if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.name not in self.dtypes:
            raise UsageError(
                f"{path} holds {array.dtype} of shape {array.shape}; a frame is (H, W), a stack (N, H, W), of "
                f"{' or '.join(self.dtypes)}"
            )
        _check_pixels(path, array.shape[-1], array.shape[-2])
        return array


def list_files(folder: Path) -> list[Path]:
    """List the files of a folder by name, without hidden ones.

    Raises:
        UsageError: If there is no such folder, or it holds too many files.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    found = []
    for path in folder.iterdir():
        if path.is_file() and not path.name.startswith("."):
            found.append(path)
        if len(found) > MAX_FILES:
            raise UsageError(f"{folder} holds more than {MAX_FILES} files; give a folder of recordings alone")
    return sorted(found)


def list_levels(folder: Path, quantity: str) -> list[tuple[float, Path]]:
    """List the sub-folders that are named by a number, such as an exposure time, from small to large.

    Args:
        folder: The folder above them.
        quantity: "time" (names such as 0.01, 10ms) or "length" (1.5, 150cm).

    Returns:
        The number in seconds or metres, and the folder.

    Raises:
        UsageError: If there is no such folder, or one in it has another name.
    """
    units = _UNITS[quantity]
    if not folder.is_dir():
        near = nearest_name(
            folder.name, [path.name for path in folder.parent.iterdir()] if folder.parent.is_dir() else []
        )
        raise UsageError(f"there is no folder {folder}{near}; the layout is {folder.name}/<{quantity}>/<frames>")
    found = []
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        text = path.name.strip()
        unit = next((u for u in sorted(units, key=len, reverse=True) if text.endswith(u)), "")
        try:
            value = float(text.removesuffix(unit)) * units.get(unit, 1.0)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0.0):
            raise UsageError(
                f"{path}: the name must be a {quantity} in {next(iter(units))}, or end in its unit "
                f"({', '.join(units)}), such as 0.01 or 10{list(units)[-1]}; got {path.name!r}"
            )
        found.append((value, path))
    if not found:
        raise UsageError(f"{folder} holds no folders; the layout is {folder.name}/<{quantity}>/<frames>")
    return sorted(found)


def read_picture(path: Path, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> NDArray[Any]:
    """Read a picture as it is stored.

    Args:
        path: A file of one page.
        suffixes: Endings that are read.

    Raises:
        UsageError: If it is too large or damaged, or has several pages.
    """
    import cv2

    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{path}: a picture must end in {', '.join(suffixes)}")
    _check_bytes(path)
    head = path.read_bytes()
    if head[:4] in (b"II*\0", b"MM\0*"):
        _check_pixels(path, *_tiff_size(path, head))
    elif head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 24:
        _check_pixels(path, *struct.unpack(">II", head[16:24]))
    elif head[:3] == b"\xff\xd8\xff":
        _check_pixels(path, *_jpeg_size(path, head))
    elif head[:2] == b"BM" and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        _check_pixels(path, width, abs(height))
    else:
        raise UsageError(f"{path} is no PNG, TIFF, JPEG or BMP file, whatever its name says")
    try:
        picture = cv2.imdecode(np.frombuffer(head, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None:
        raise UsageError(f"{path} is damaged, or not a picture")
    return np.asarray(picture)


def _check_bytes(path: Path) -> None:
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise UsageError(f"{path} has {size} bytes; a file must have 1 to {MAX_BYTES}")


def _check_pixels(path: Path, width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        raise UsageError(f"{path} is {width}x{height}; a frame may have 1 to {MAX_PIXELS} pixels")


def _jpeg_size(path: Path, data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG file, from the header of its frame."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise UsageError(f"{path} is damaged, or not a picture")


def _tiff_size(path: Path, data: bytes) -> tuple[int, int]:
    """Return width and height of a TIFF file of one page, from its directory."""
    order = "<" if data[:2] == b"II" else ">"
    sizes = {256: 0, 257: 0}
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for k in range(count):
            tag, kind = struct.unpack_from(order + "HH", data, start + 2 + 12 * k)
            if tag in sizes:
                (sizes[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, start + 10 + 12 * k)
        (following,) = struct.unpack_from(order + "I", data, start + 2 + 12 * count)
    except struct.error:
        raise UsageError(f"{path} is a damaged TIFF file") from None
    if following:
        raise UsageError(f"{path} holds several pages; write one frame per file, or a stack as .npy")
    return sizes[256], sizes[257]
