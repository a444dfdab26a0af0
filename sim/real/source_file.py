"""Files that are imported, read without trusting the names and sizes that others wrote."""

from __future__ import annotations

import os
import struct
from pathlib import Path, PurePosixPath

from ..dataset.errors import DatasetCorruptError, DatasetFolderError
from ..dataset.plain_file import read_plain
from ..errors import UsageError

MAX_IMAGE_BYTES = 256 << 20
"""Largest image file read [byte]."""

MAX_PIXELS = 1 << 27
"""Most pixels that an image may declare."""

_MAX_NAME = 1024
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})


class UnreadableImageError(ValueError):
    """An image that is not there or cannot be decoded; the text is a reason that is counted."""


def find_inside(folder: Path, name: object) -> Path:
    """Find a file by a name that an annotation gives, within a folder.

    Args:
        folder: The folder.
        name: A path relative to it.

    Returns:
        The path; nothing need be there.

    Raises:
        DatasetCorruptError: The name leads out of the folder, by itself or by a link.
    """
    if not isinstance(name, str) or not name or len(name) > _MAX_NAME or "\0" in name or "\\" in name:
        raise DatasetCorruptError(f"{name!r:.80} is no name of a file in {folder}")
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise DatasetCorruptError(f"{name!r:.200} leads out of {folder}; names must be relative and stay inside")
    path = folder / parts
    if not os.path.realpath(path.parent).startswith(os.path.join(os.path.realpath(folder), "")) and (
        os.path.realpath(path.parent) != os.path.realpath(folder)
    ):
        raise DatasetCorruptError(f"{name!r:.200} leads out of {folder} by a link")
    return path


def require_folder(folder: Path) -> Path:
    """Refuse what is no folder.

    Raises:
        UsageError: It is none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    return folder


def read_image_file(path: Path) -> bytes:
    """Read an image file and check the size that it declares.

    Raises:
        UnreadableImageError: It is not there, or is neither PNG nor JPEG.
        DatasetCorruptError: It is a link, or declares more than `MAX_PIXELS`.
    """
    try:
        data = read_plain(path, limit=MAX_IMAGE_BYTES)
    except FileNotFoundError:
        raise UnreadableImageError("image file is missing") from None
    except DatasetFolderError:
        raise UnreadableImageError("image file may not be read") from None
    width, height = image_size(data)
    if width * height > MAX_PIXELS:
        raise DatasetCorruptError(f"{path} declares {width} x {height} pixels; {MAX_PIXELS} at most are read")
    return data


def image_size(data: bytes) -> tuple[int, int]:
    """Read width and height from the head of a PNG or JPEG file, without decoding it.

    Raises:
        UnreadableImageError: It is neither, or cut.

    Source:
        PNG, section 11.2.2 (IHDR); JPEG, ITU-T T.81, section B.2.2 (frame header).
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        if b"IEND" not in data:
            raise UnreadableImageError("image is cut short")
    elif data[:2] == b"\xff\xd8":
        width, height = _jpeg_size(data)
    else:
        raise UnreadableImageError("image is neither PNG nor JPEG")
    if not width or not height:
        raise UnreadableImageError("image declares no pixels")
    return int(width), int(height)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in _START_OF_FRAME:
            if data.rfind(b"\xff\xd9") < place:  # decoders fill what is missing with grey, and say nothing
                raise UnreadableImageError("image is cut short")
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return int(width), int(height)
        if marker in _WITHOUT_LENGTH:
            place += 2
            continue
        place += 2 + max(2, int.from_bytes(data[place + 2 : place + 4], "big"))
    raise UnreadableImageError("image is cut short")
