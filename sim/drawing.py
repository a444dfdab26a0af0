"""What every picture is drawn with: scaling, text, colours of ids, PNG."""

from __future__ import annotations

import colorsys

import cv2  # noqa: TID253 (one of its homes)
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""An sRGB picture, shape (H, W, 3)."""
Tile = tuple[str, Image]
"""A caption and its picture."""


def fit(image: Image, width: int) -> Image:
    """Scale a picture to a width; small ones keep their pixels sharp."""
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    method = cv2.INTER_AREA if image.shape[1] > width else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def write_text(image: Image, text: str, place: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    """Write one line into a picture; `place` is the left end of its base line [px]."""
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def encode_png(image: Image) -> bytes:
    """Encode an sRGB picture as PNG."""
    done, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 6])
    assert done
    return bytes(data)


def instance_colours(count: int) -> NDArray[np.float64]:
    """Return a colour for each of so many ids, sRGB in [0, 255], shape (count, 3)."""
    # The golden angle keeps neighbouring ids far apart in hue.
    hues = [(0.08 + 0.381966 * i) % 1.0 for i in range(count)]
    colours = [colorsys.hsv_to_rgb(hue, 0.62 if i % 2 else 0.85, 1.0) for i, hue in enumerate(hues)]
    return np.array(colours) * 255
