"""JPEG: what compression at some quality does to an image, without making a file.

Baseline JPEG with chroma at half the resolution (4:2:0), in the integers of the common library:

    Y, Cb, Cr   BT.601 at full range, 16-bit constants, rounded; chroma: mean of 2x2 pixels, rounded up and down in turn
    F           8x8 transform of value - 128
    q           round(F / Q), halves away from zero;  F' = q Q
    Q           clip(floor((base S + 50) / 100), 1, 255),  S = floor(5000 / quality) below 50, else 200 - 2 quality
    image       inverse transform, + 128, clipped; chroma interpolated with weights 9/16, 3/16, 3/16, 1/16; RGB

Entropy coding loses nothing and is left out. Beyond its edges the image continues as its last line and column.

Every number is an integer, so CPU and CUDA agree.

Sources: ITU-T T.81 (1992), Annex A and tables K.1, K.2; JFIF 1.02 for the colours.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .dct import BLOCK, LANES, restore_blocks, transform_blocks
from .device import Kernel, allocate, scalar
from .tensors import find_place

_CHUNKS: Final = 8
"""Groups of lanes that one element works on, one after the other."""
_WORKING_PIXELS: Final = 1 << 22
_HALF: Final = 1 << 15

_LUMA: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA: Final = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip


def quantization_tables(quality: int) -> NDArray[np.int32]:
    """Return the steps by which coefficients are quantized.

    Args:
        quality: From 1 to 100.

    Returns:
        Steps for luma and chroma by lines of the block, shape (2, 64), from 1 to 255.

    Raises:
        ValueError: If the quality is out of its range.

    Source: ITU-T T.81, tables K.1 and K.2; the scaling is that of the Independent JPEG Group's library.

    Example:
        >>> quantization_tables(50)[0, :3]
        array([16, 11, 10], dtype=int32)
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be a whole number in [1, 100], got {quality!r}")
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = np.array([_LUMA, _CHROMA], np.int32)
    return np.clip((base * scale + 50) // 100, 1, 255).astype(np.int32)


@scalar(forceinline=True)
def _clip_byte(value: Any) -> Any:
    return np.uint8(min(max(value, np.int32(0)), np.int32(255)))


@scalar(forceinline=True)
def _pixel(image_in: Any, line: Any, at: Any) -> tuple[Any, Any, Any]:
    return np.int32(image_in[line, at]), np.int32(image_in[line, at + 1]), np.int32(image_in[line, at + 2])


@scalar
def _split_lines(index: Any, image_in: Any, luma_out: Any, chroma_out: Any, height: Any) -> None:
    """Write the luma of two lines, and the chroma of the line of half resolution that they share."""
    width = luma_out.shape[1]
    half_height = (height + 1) >> 1
    index = np.int64(index)
    image = index // half_height
    y = 2 * (index - image * half_height)
    first = image * height + y
    second = first + 1 if y + 1 < height else first
    for line in range(first, second + 1):
        for x in range(width):
            red, green, blue = _pixel(image_in, line, 3 * x)
            luma_out[line, x] = np.uint8(np.int32(19595 * red + 38470 * green + 7471 * blue + _HALF) >> 16)
    for x in range(chroma_out.shape[2]):
        left, right = 3 * min(2 * x, width - 1), 3 * min(2 * x + 1, width - 1)
        blueness, redness = 0, 0
        for k in range(4):
            line = first if k < 2 else second
            at = right if k & 1 else left
            red, green, blue = _pixel(image_in, line, at)
            blueness += (32768 * blue - 11059 * red - 21709 * green + (128 << 16) + _HALF - 1) >> 16
            redness += (32768 * red - 27439 * green - 5329 * blue + (128 << 16) + _HALF - 1) >> 16
        bias = 1 + (x & 1)
        chroma_out[0, index, x] = np.uint8((blueness + bias) >> 2)
        chroma_out[1, index, x] = np.uint8((redness + bias) >> 2)


_SPLIT: Final = Kernel(_split_lines)


@scalar(forceinline=True)
def _quantize(work: Any, first: Any, last: Any, table_in: Any, which: Any, kind: Any) -> None:
    for place in range(64):
        step = table_in[which, kind, place]
        scale = np.float32(1.0) / np.float32(8 * step)
        half = np.float32(4 * step) + np.float32(0.5)
        for lane in range(first, last):
            value = work[LANES * place + lane]
            # Whole numbers below 2^20, and the half more keeps the quotient off the whole ones: the product is exact.
            count = np.int32((np.float32(abs(value)) + half) * scale)
            work[LANES * place + lane] = np.int32(np.int32(count * step) * (1 if value >= 0 else -1))


@scalar(forceinline=True)
def _code_blocks(
    plane_out: Any, top: Any, block: Any, count: Any, across: Any, height: Any, width: Any, table_in: Any, which: Any,
    kind: Any, work: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Put blocks of a plane into lanes, transform, quantize, go back, and write them where they were."""
    for lane in range(first, last):
        number = min(block + lane, count - 1)
        block_y = number // across
        y, x = 8 * block_y, 8 * (number - block_y * across)
        for v in range(8):
            line = top + min(y + v, height - 1)
            for u in range(8):
                work[LANES * (8 * v + u) + lane] = np.int32(plane_out[line, min(x + u, width - 1)]) - np.int32(128)
    transform_blocks(work, first, last)
    _quantize(work, first, last, table_in, which, kind)
    restore_blocks(work, first, last)
    for lane in range(first, last):
        number = block + lane
        if number < count:
            block_y = number // across
            y, x = 8 * block_y, 8 * (number - block_y * across)
            for v in range(min(8, height - y)):
                for u in range(min(8, width - x)):
                    value = np.int32(work[LANES * (8 * v + u) + lane] + 128)
                    plane_out[top + y + v, x + u] = _clip_byte(value)


@scalar(forceinline=True)
def _code_chunk(
    image: Any, chunk: Any, height: Any, luma_out: Any, chroma_out: Any, table_in: Any, which_in: Any, work: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    width, half_height = luma_out.shape[1], (height + 1) >> 1
    across, half_across = (width + 7) >> 3, chroma_out.shape[2] >> 3
    count, half_count = across * ((height + 7) >> 3), half_across * ((half_height + 7) >> 3)
    luma_chunks, chroma_chunks = (count + LANES - 1) // LANES, (half_count + LANES - 1) // LANES
    which = which_in[image]
    if chunk < luma_chunks:
        if LANES * chunk + first < count:
            _code_blocks(
                luma_out, image * height, LANES * chunk, count, across, height, width, table_in, which, 0, work,
                first, last,
            )  # fmt: skip
    elif chunk < luma_chunks + 2 * chroma_chunks:
        kind = (chunk - luma_chunks) // chroma_chunks
        block = LANES * (chunk - luma_chunks - kind * chroma_chunks)
        if block + first < half_count:
            _code_blocks(
                chroma_out[kind], image * half_height, block, half_count, half_across, half_height, 8 * half_across,
                table_in, which, 1, work, first, last,
            )  # fmt: skip


@scalar
def _code_lanes(
    index: Any, luma_out: Any, chroma_out: Any, table_in: Any, which_in: Any, height: Any, chunks: Any, work_out: Any
) -> None:
    """Do several groups of lanes: a CPU's thread, which works on all lanes of a group at once."""
    index = np.int64(index)
    parts = (chunks + _CHUNKS - 1) // _CHUNKS
    image = index // parts
    start = (index - image * parts) * _CHUNKS
    for chunk in range(start, start + _CHUNKS):
        _code_chunk(image, chunk, height, luma_out, chroma_out, table_in, which_in, work_out[index], 0, LANES)


@scalar
def _code_lane(
    index: Any, luma_out: Any, chroma_out: Any, table_in: Any, which_in: Any, height: Any, chunks: Any, work_out: Any
) -> None:
    """Do one lane of a group: a CUDA thread, whose neighbours do the other lanes."""
    index = np.int64(index)
    group = index // LANES
    lane = index - group * LANES
    image = group // chunks
    chunk = group - image * chunks
    _code_chunk(image, chunk, height, luma_out, chroma_out, table_in, which_in, work_out[group], lane, lane + 1)


_CODE_LANES: Final = Kernel(_code_lanes)
_CODE_LANE: Final = Kernel(_code_lane)


@scalar(forceinline=True)
def _put_pixel(line: Any, x: Any, luma: Any, blueness: Any, redness: Any, image_out: Any) -> None:
    cb, cr = blueness - 128, redness - 128
    image_out[line, 3 * x] = _clip_byte(np.int32(luma + ((91881 * cr + _HALF) >> 16)))
    image_out[line, 3 * x + 1] = _clip_byte(np.int32(luma + ((_HALF - 22554 * cb - 46802 * cr) >> 16)))
    image_out[line, 3 * x + 2] = _clip_byte(np.int32(luma + ((116130 * cb + _HALF) >> 16)))


@scalar(forceinline=True)
def _column_sum(chroma_in: Any, kind: Any, near: Any, far: Any, x: Any) -> Any:
    return 3 * np.int32(chroma_in[kind, near, x]) + np.int32(chroma_in[kind, far, x])


@scalar
def _join_line(
    line: Any, source_in: Any, luma_in: Any, chroma_in: Any, which_in: Any, height: Any, image_out: Any
) -> None:
    """Interpolate chroma and write the colours of one line."""
    width, half_height = luma_in.shape[1], (height + 1) >> 1
    half_width = (width + 1) >> 1
    line = np.int64(line)
    image = line // height
    if which_in[image] < 0:
        for x in range(3 * width):
            image_out[line, x] = source_in[line, x]
        return
    y = line - image * height
    near = y >> 1
    far = min(near + 1, half_height - 1) if y & 1 else max(near - 1, 0)
    near, far = image * half_height + near, image * half_height + far
    if half_width <= 2:
        # So narrow an image is enlarged by repetition.
        near = image * half_height + (y >> 1)
        for x in range(width):
            cb, cr = np.int32(chroma_in[0, near, x >> 1]), np.int32(chroma_in[1, near, x >> 1])
            _put_pixel(line, x, np.int32(luma_in[line, x]), cb, cr, image_out)
        return
    for x in range(half_width):
        left, right = max(x - 1, 0), min(x + 1, half_width - 1)
        cb, cr = _column_sum(chroma_in, 0, near, far, x), _column_sum(chroma_in, 1, near, far, x)
        cb_left, cr_left = _column_sum(chroma_in, 0, near, far, left), _column_sum(chroma_in, 1, near, far, left)
        luma = np.int32(luma_in[line, 2 * x])
        _put_pixel(line, 2 * x, luma, (3 * cb + cb_left + 8) >> 4, (3 * cr + cr_left + 8) >> 4, image_out)
        if 2 * x + 1 < width:
            cb_right = _column_sum(chroma_in, 0, near, far, right)
            cr_right = _column_sum(chroma_in, 1, near, far, right)
            luma = np.int32(luma_in[line, 2 * x + 1])
            _put_pixel(line, 2 * x + 1, luma, (3 * cb + cb_right + 7) >> 4, (3 * cr + cr_right + 7) >> 4, image_out)


_JOIN: Final = Kernel(_join_line)


def compress_jpeg(
    image: Any, quality: int | Sequence[int] | ArrayLike, *, device: str = "cpu", threads: int | None = None
) -> Any:
    """Compress images and decode them again.

    Args:
        image: Encoded images (sRGB), uint8, shape (N, H, W, 3), NumPy, torch or on CUDA.
        quality: From 1 to 100, 0 for none; a number or one for each image.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Images of the same kind and shape; the given ones where no quality is above 0.

    Raises:
        ValueError: If a shape or a quality is wrong.
        RuntimeError: If the device is not here.

    Source: ITU-T T.81; JFIF 1.02.

    Example:
        >>> compress_jpeg(np.full((1, 20, 30, 3), 77, np.uint8), 75).shape
        (1, 20, 30, 3)
    """
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise ValueError(f"image must have shape (N, H, W, 3) with H, W > 0, got {shape}")
    count, height, width, _ = shape
    values = np.asarray(quality)
    if values.dtype.kind not in "iu" or values.shape not in ((), (count,)) or ((values < 0) | (values > 100)).any():
        raise ValueError(f"quality must be a whole number in [0, 100], or one for each of {count}, got {quality!r}")
    qualities = np.broadcast_to(values, (count,)).astype(np.int64)
    place = find_place(image, device)
    if not (qualities > 0).any():
        return image
    found = sorted({int(value) for value in qualities if value > 0})
    tables = np.stack([_tables(value) for value in found])
    which = np.array([found.index(value) if value > 0 else -1 for value in qualities.tolist()], np.int64)
    half_height, half_across = (height + 1) // 2, (width + 15) // 16
    blocks = ((height + 7) // 8) * ((width + 7) // 8)
    half_blocks = ((half_height + 7) // 8) * half_across
    chunks = -(-blocks // LANES) + 2 * -(-half_blocks // LANES)
    parts = -(-chunks // _CHUNKS)
    lines = place.borrow(image, np.uint8).reshape(count * height, 3 * width)
    result = place.allocate((count * height, 3 * width), np.uint8)
    # A few images at a time keep the working space small and in the cache; it lies where the kernels run.
    step = min(count, max(1, _WORKING_PIXELS // (height * width)))
    on_cuda = place.device == "cuda"
    luma = allocate((step * height, width), np.uint8, on_cuda)
    chroma = allocate((2, step * half_height, 8 * half_across), np.uint8, on_cuda)
    work = allocate((step * (chunks if on_cuda else parts), BLOCK), np.int32, on_cuda)
    for start in range(0, count, step):
        images = min(step, count - start)
        part = slice(start * height, (start + images) * height)
        some = which[start : start + images]
        options: dict[str, Any] = {"device": place.device, "threads": threads}
        _SPLIT.launch(images * half_height, lines[part], luma, chroma, height, **options)
        kernel, elements = (_CODE_LANE, chunks * LANES) if on_cuda else (_CODE_LANES, parts)
        kernel.launch(images * elements, luma, chroma, tables, some, height, chunks, work, **options)
        _JOIN.launch(images * height, lines[part], luma, chroma, some, height, result[part], **options)
    return place.give(result.reshape(shape))


@functools.lru_cache(maxsize=128)
def _tables(quality: int) -> NDArray[np.int32]:
    tables = quantization_tables(quality)
    tables.flags.writeable = False
    return tables
