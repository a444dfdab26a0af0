"""Masks of COCO annotations: polygons and run lengths, as pycocotools decodes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dataset.specs import Array

MAX_VERTICES = 1 << 16
"""Most vertices of one polygon."""

MOST_POLYGONS = 4096
"""Most polygons of one object."""

MOST_POINTS = 1 << 22
"""Most points of a polygon's outline, five a pixel."""

_UPSAMPLING = 5.0
_FARTHEST = 1e5


def decode_segmentation(segmentation: Any, height: int, width: int) -> Array:
    """Decode a segmentation: a list of polygons, or run lengths as numbers or as text.

    Args:
        segmentation: As in a COCO annotation.
        height: Height of the image.
        width: Width of the image.

    Returns:
        Whether each pixel belongs to it, bool, shape (height, width).

    Raises:
        ValueError: It is neither, or does not fit the image.

    Example:
        >>> int(decode_segmentation([[0, 0, 4, 0, 4, 4, 0, 4]], 8, 8).sum())
        16
    """
    if isinstance(segmentation, dict):
        counts = _read_counts(segmentation, height, width)
        flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return np.ascontiguousarray(flat.reshape(width, height).T)
    mask = np.zeros((height, width), bool)
    for polygon in _read_polygons(segmentation):
        mask |= fill_polygon(polygon, height, width)
    return mask


def check_segmentation(segmentation: Any, height: int, width: int) -> None:
    """Check what `decode_segmentation` takes, without making the mask.

    Raises:
        ValueError: It is neither polygons nor run lengths, or does not fit the image.
    """
    if isinstance(segmentation, dict):
        _read_counts(segmentation, height, width)
    else:
        for polygon in _read_polygons(segmentation):
            _vertices(polygon)


def _read_polygons(segmentation: Any) -> list[Any]:
    if not isinstance(segmentation, list) or not 1 <= len(segmentation) <= MOST_POLYGONS:
        raise ValueError(f"a segmentation is run lengths, or a list of at most {MOST_POLYGONS} polygons")
    return segmentation


def _read_counts(segmentation: Any, height: int, width: int) -> list[int]:
    """Read run lengths, column after column, beginning with pixels outside."""
    if segmentation.get("size") != [height, width]:
        raise ValueError(f"run lengths of size {segmentation.get('size')!r:.40} for an image of [{height}, {width}]")
    counts, most = segmentation.get("counts"), height * width
    if isinstance(counts, str):
        counts = parse_counts(counts, most)
    if not isinstance(counts, list) or not all(type(n) is int and 0 <= n <= most for n in counts):
        raise ValueError("run lengths are whole numbers within the image")
    if sum(counts) != most:
        raise ValueError(f"run lengths sum to {sum(counts)} and the image has {most} pixels")
    return counts


def parse_counts(text: str, total: int) -> list[int]:
    """Read run lengths from COCO's text: six bits a character, differences to the last but one from the third on.

    Args:
        text: The text.
        total: Pixels of the image.

    Raises:
        ValueError: It is no such text.

    Source:
        rleFrString in common/maskApi.c of cocoapi.
    """
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            code = ord(text[place]) - 48 if place < len(text) else -1
            if not 0 <= code < 64 or shift > 40:
                raise ValueError("the text of run lengths is damaged")
            value |= (code & 0x1F) << shift
            more = bool(code & 0x20)
            place += 1
            shift += 5
            if not more and code & 0x10:
                value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        if not 0 <= value <= total:
            raise ValueError("a run length is beyond the image")
        counts.append(value)
    return counts


def fill_polygon(polygon: Any, height: int, width: int) -> Array:
    """Fill a polygon: its boundary is drawn five times as fine, and each column is toggled where it is crossed.

    Args:
        polygon: x, y, x, y ... in pixels, at least three vertices.
        height: Height of the image.
        width: Width of the image.

    Returns:
        Whether each pixel is inside, bool, shape (height, width).

    Raises:
        ValueError: It is no such list.

    Source:
        rleFrPoly in common/maskApi.c of cocoapi.
    """
    x, y = _vertices(polygon)
    u, v = _trace(x, y)
    turns = np.flatnonzero(u[1:] != u[:-1]) + 1
    back = u[turns] < u[turns - 1]
    columns = (np.where(back, u[turns], u[turns] - 1) + 0.5) / _UPSAMPLING - 0.5
    rows = (np.where(v[turns] < v[turns - 1], v[turns], v[turns - 1]) + 0.5) / _UPSAMPLING - 0.5
    kept = (np.floor(columns) == columns) & (columns >= 0) & (columns <= width - 1)
    rows = np.ceil(np.clip(rows[kept], 0, height))
    places = columns[kept].astype(np.int64) * height + rows.astype(np.int64)
    toggles = np.bincount(places, minlength=height * width + 1)[: height * width]
    inside = np.cumsum(toggles) % 2 == 1
    return np.ascontiguousarray(inside.reshape(width, height).T)


def _vertices(polygon: Any) -> tuple[Array, Array]:
    numbers: Sequence[Any] = polygon if isinstance(polygon, list) else []
    if len(numbers) < 6 or len(numbers) % 2 or len(numbers) > 2 * MAX_VERTICES:
        raise ValueError("a polygon has between 3 and 65536 vertices, x and y of each")
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) <= _FARTHEST for n in numbers):
        raise ValueError(f"a polygon's vertices are numbers of at most {_FARTHEST:.0f} pixels")
    # An object's outline is drawn point by point: a long one that crosses the image a thousand times is no outline.
    fine = np.trunc(_UPSAMPLING * np.array(numbers, np.float64) + 0.5).astype(np.int64)
    closed = np.concatenate([fine, fine[:2]]).reshape(-1, 2)
    if np.abs(np.diff(closed, axis=0)).max(axis=1).sum() > MOST_POINTS:
        raise ValueError("a polygon's outline is longer than any image needs")
    return closed[:, 0], closed[:, 1]


def _trace(x: Array, y: Array) -> tuple[Array, Array]:
    """List the points of the boundary, edge after edge, both ends of each included."""
    pieces_u, pieces_v = [], []
    for edge in range(len(x) - 1):
        x0, x1, y0, y1 = (int(value) for value in (x[edge], x[edge + 1], y[edge], y[edge + 1]))
        wide, tall = abs(x1 - x0), abs(y1 - y0)
        flip = (wide >= tall and x0 > x1) or (wide < tall and y0 > y1)
        if flip:
            x0, x1, y0, y1 = x1, x0, y1, y0
        steps = np.arange(max(wide, tall) + 1)
        if flip:
            steps = steps[::-1]
        if wide >= tall:
            slope = (y1 - y0) / wide if wide else 0.0
            pieces_u.append(steps + x0)
            pieces_v.append(np.trunc(y0 + slope * steps + 0.5).astype(np.int64))
        else:
            slope = (x1 - x0) / tall
            pieces_v.append(steps + y0)
            pieces_u.append(np.trunc(x0 + slope * steps + 0.5).astype(np.int64))
    return np.concatenate(pieces_u), np.concatenate(pieces_v)
