"""What sets one camera apart from another of its make: the fixed patterns of its pixels, rows and columns.

A pattern is a function of seed, unit (which of the cameras), row and column alone. It is kept as pure numbers, so that
one map serves a unit whatever its profile: two standard normals per pixel, for response and dark offset, rounded to
2^-12, and a hotness h = -log2(u) of a uniform number u, cut to 2^-10. A pixel is hot where h > -log2(fraction); its
excess dark current, the mean times ln 2 times what h is above, is then exponentially distributed.

Draws, in the stream "camera pattern/<unit>", row words fixed: block 0, one per pixel; block 1, item k, for row and
column k. In the stream "camera": block 1, item k, for what row and column k add in one image alone.

Source: EMVA 1288 release 4.0 linear, section 8 (DSNU and PRNU); the law of hot pixels is usual practice.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .philox import FIXED, draw_block, stream_key
from .powers import log2
from .tensors import Place
from .variates import normal, uniform64

NORMAL_SCALE: Final = 4096.0
"""What a standard normal is multiplied with in the map."""
HOT_SCALE: Final = 1024.0
"""What a hotness, in octaves, is multiplied with in the map."""
KEPT_PIXELS: Final = 1 << 21
"""Maps of images up to this size are kept between calls, at most four of them (6 bytes a pixel)."""

_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_NO_SENSOR: Final = np.uint64(0)


@scalar(forceinline=True)
def _write_pattern(line: Any, x: Any, item: Any, key_0: Any, key_1: Any, pattern_out: Any) -> None:
    parity, j = x & 1, x >> 1
    w0, w1, w2, _ = draw_block(key_0, key_1, item, _FIXED_ROW, _NO_SENSOR, 0)
    hotness = -log2(uniform64(w2)) * HOT_SCALE
    pattern_out[line, 0, parity, j] = np.int16(np.int32(math.floor(normal(w0) * NORMAL_SCALE + 0.5)))
    pattern_out[line, 1, parity, j] = np.int16(np.int32(math.floor(normal(w1) * NORMAL_SCALE + 0.5)))
    pattern_out[line, 2, parity, j] = np.int16(np.int32(hotness if hotness < 32767.0 else 32767.0))


@scalar
def _pattern_line(line: Any, key_in: Any, height: Any, width: Any, pattern_out: Any) -> None:
    slot = line // height
    y = line - slot * height
    for x in range(width):
        _write_pattern(line, x, y * width + x, key_in[slot, 0], key_in[slot, 1], pattern_out)


_PATTERN: Final = Kernel(_pattern_line)


@scalar
def _pattern_pixel(index: Any, key_in: Any, height: Any, width: Any, pattern_out: Any) -> None:
    """Do one pixel: a CUDA thread."""
    index = np.int64(index)
    line = index // width
    x = index - line * width
    slot = line // height
    _write_pattern(line, x, (line - slot * height) * width + x, key_in[slot, 0], key_in[slot, 1], pattern_out)


_PATTERN_PIXEL: Final = Kernel(_pattern_pixel)


@scalar(forceinline=True)
def _write_offset(
    image: Any, k: Any, row_in: Any, which_in: Any, slot_in: Any, deviation_in: Any, key_in: Any, key_0: Any,
    key_1: Any, sensor: Any, height: Any, width: Any, offset_out: Any,
) -> None:  # fmt: skip
    """Write the offsets of row k and column k of an image."""
    which, slot, row = which_in[image], slot_in[image], row_in[image]
    row_pattern, column_pattern = deviation_in[which, 0], deviation_in[which, 1]
    row_noise, column_noise = deviation_in[which, 2], deviation_in[which, 3]
    half = (width + 1) // 2
    f0, f1, _, _ = draw_block(key_in[slot, 0], key_in[slot, 1], k, _FIXED_ROW, _NO_SENSOR, 1)
    w0, w1, _, _ = draw_block(key_0, key_1, k, row, sensor, 1)
    if k < height:
        offset_out[image, 2 * half + k] = np.float32(row_pattern * normal(f0) + row_noise * normal(w0))
    if k < width:
        offset = column_pattern * normal(f1) + column_noise * normal(w1)
        offset_out[image, (k & 1) * half + k // 2] = np.float32(offset)


@scalar
def _offset_image(
    image: Any, row_in: Any, which_in: Any, slot_in: Any, deviation_in: Any, key_in: Any, key_0: Any, key_1: Any,
    sensor: Any, height: Any, width: Any, offset_out: Any,
) -> None:  # fmt: skip
    for k in range(max(height, width)):
        _write_offset(
            image, k, row_in, which_in, slot_in, deviation_in, key_in, key_0, key_1, sensor, height, width, offset_out
        )


@scalar
def _offset_place(
    index: Any, row_in: Any, which_in: Any, slot_in: Any, deviation_in: Any, key_in: Any, key_0: Any, key_1: Any,
    sensor: Any, height: Any, width: Any, offset_out: Any,
) -> None:  # fmt: skip
    """Do one row and column: a CUDA thread."""
    index, most = np.int64(index), max(height, width)
    image = index // most
    _write_offset(
        image, index - image * most, row_in, which_in, slot_in, deviation_in, key_in, key_0, key_1, sensor, height,
        width, offset_out,
    )  # fmt: skip


_OFFSET: Final = Kernel(_offset_image)
_OFFSET_PLACE: Final = Kernel(_offset_place)


def make_patterns(place: Place, keys: NDArray[np.uint64], height: int, width: int, threads: int | None) -> Any:
    """Make the maps of some units.

    Args:
        place: Where they shall lie.
        keys: Key of each unit's stream, shape (S, 2).
        height: Rows of an image.
        width: Columns of an image.
        threads: CPU threads; None for all.

    Returns:
        int16, shape (S H, 3, 2, ceil(W / 2)): response, offset and hotness, of even and of odd columns.
    """
    maps = place.allocate((len(keys) * height, 3, 2, (width + 1) // 2), np.int16)
    lines = len(keys) * height
    kernel, count = (_PATTERN_PIXEL, lines * width) if place.device == "cuda" else (_PATTERN, lines)
    kernel.launch(count, keys, height, width, maps, device=place.device, threads=threads)
    return maps


def make_offsets(
    place: Place,
    rows: Any,
    which: Any,
    slots: Any,
    deviations: Any,
    keys: Any,
    frame_key: tuple[np.uint64, np.uint64],
    sensor: np.uint64,
    height: int,
    width: int,
    threads: int | None,
) -> Any:
    """Add up what the rows and columns of each image are offset by [e-].

    Returns:
        float32, shape (N, 2 ceil(W / 2) + H): of even columns, odd columns and rows.
    """
    offsets = place.allocate((len(rows), 2 * ((width + 1) // 2) + height), np.float32)
    on_cuda = place.device == "cuda"
    kernel, count = (_OFFSET_PLACE, len(rows) * max(height, width)) if on_cuda else (_OFFSET, len(rows))
    kernel.launch(
        count, rows, which, slots, deviations, keys, *frame_key, sensor, height, width, offsets,
        device=place.device, threads=threads,
    )  # fmt: skip
    return offsets


@functools.lru_cache(maxsize=4)
def _keep_pattern(key_0: int, key_1: int, height: int, width: int, threads: int | None) -> Any:
    keys = np.array([[key_0, key_1]], np.uint64)
    maps = make_patterns(Place(kind="numpy", device="cpu"), keys, height, width, threads)
    maps.flags.writeable = False
    return maps


@final
class Patterns:
    """The maps that a batch of images needs, kept from one part of the batch to the next.

    Example:
        >>> patterns = Patterns(find_place(images), seed=1, height=480, width=640)
        >>> maps, slots, keys = patterns.find(np.array([0, 0, 3]), threads=1)
        >>> slots
        array([0, 0, 1])
    """

    def __init__(self, place: Place, *, seed: int, height: int, width: int) -> None:
        self._place = place
        self._seed = seed
        self._shape = (height, width)
        self._units: tuple[int, ...] = ()
        self._keys = np.empty((0, 2), np.uint64)
        self._maps: Any = None

    def find(self, units: NDArray[np.int64], threads: int | None) -> tuple[Any, Any, Any]:
        """Return the maps of some images.

        Args:
            units: Which camera takes each image, shape (n,).
            threads: CPU threads; None for all.

        Returns:
            Maps of S units as `make_patterns` returns them, each image's place among them, shape (n,), and the key of
            each unit's stream, shape (S, 2), where kernels run.
        """
        if (units == units[0]).all():  # as a rule; sorting them would take longer than all else here
            distinct, slots = units[:1], np.zeros(len(units), np.int64)
        else:
            distinct, slots = np.unique(units, return_inverse=True)
        wanted = tuple(int(unit) for unit in distinct)
        if wanted != self._units:
            self._units, self._maps = wanted, None  # the old maps are let go before new ones are made
            self._keys = np.array([stream_key(self._seed, f"camera pattern/{unit}") for unit in wanted], np.uint64)
            self._maps = self._make(threads)
        slots, keys = self._place.lend_tables(slots.astype(np.int64), self._keys)
        return self._maps, slots, keys

    def _make(self, threads: int | None) -> Any:
        height, width = self._shape
        if len(self._keys) == 1 and self._place.device == "cpu" and height * width <= KEPT_PIXELS:
            return _keep_pattern(int(self._keys[0, 0]), int(self._keys[0, 1]), height, width, threads)
        return make_patterns(self._place, self._keys, height, width, threads)
