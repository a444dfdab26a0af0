"""Drawing: radiance to sRGB, pictures to a labelled grid, the grid to a small PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from simloom.sim.preview import draw_grid

Image = NDArray[np.uint8]


def expose(radiance: NDArray[np.float32], white: float) -> Image:
    """Show radiance as sRGB bytes; `white` is the radiance that becomes 255."""
    linear = np.clip(radiance.astype(np.float64) / white, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255.0 + 0.5).astype(np.uint8)


def enlarge(picture: Image, factor: int) -> Image:
    """Repeat every pixel."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def draw_tiles(title: str, tiles: Sequence[tuple[str, Image]], *, columns: int) -> Image:
    """Draw pictures of one size with their captions."""
    return draw_grid([("", tiles)], title=title, columns=columns, tile_width=tiles[0][1].shape[1])


def write_label(picture: Image, text: str, place: tuple[int, int], size: float = 0.42) -> None:
    """Write a line over a picture, readable on any ground."""
    for offset, colour in ((1, (16, 16, 18)), (0, (240, 240, 240))):
        there = (place[0] + offset, place[1] + offset)
        cv2.putText(picture, text, there, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def encode_small_png(picture: Image, most_bytes: int = 340_000) -> bytes:
    """Encode a PNG of at most so many bytes: each byte may be off by as little as that takes, up to 8 of 255.

    Args:
        picture: sRGB bytes, shape (H, W, 3).
        most_bytes: Size that is not exceeded.

    Returns:
        The file.

    Raises:
        ValueError: If it cannot be made so small.
    """
    for loss in range(9):
        data = _pack_png(picture, loss)
        if len(data) <= most_bytes:
            return data
    raise ValueError(f"the picture takes {len(data)} bytes; make it smaller")


def _pack_png(picture: Image, loss: int) -> bytes:
    # PNG's filter "up" stores differences to the line above; rounding them to few values makes them compress.
    step, above = 2 * loss + 1, np.zeros(picture.shape[1:], np.int32)
    lines = bytearray()
    for line in picture.astype(np.int32):
        shown = np.clip(above + np.rint((line - above) / step).astype(np.int32) * step, 0, 255)
        lines += b"\2" + (shown - above).astype(np.uint8).tobytes()
        above = shown
    height, width = picture.shape[:2]
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(lines), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
