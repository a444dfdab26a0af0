"""Sharpening by an unsharp mask, as cameras do it: on the encoded 8-bit image, channel by channel.

    blur = (1 2 1; 2 4 2; 1 2 1) * p / 16                  beyond its edges the image continues as its last pixels
    p'   = clip(floor(p + amount (p - blur) + 1/2), 0, 255)

The amount counts in steps of 1/4096, so all is done in integers, and CPU and CUDA agree.

Source: Gonzalez and Woods, "Digital Image Processing", section 3.6 (unsharp masking), with the 3x3 binomial as blur.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .tensors import find_place

AMOUNT_MAX: Final = 10.0
"""Largest amount."""

_ONE: Final = 1 << 16
_STEPS: Final = 4096.0


@scalar(forceinline=True)
def _column(above: Any, line: Any, below: Any, x: Any) -> Any:
    return np.int16(np.int16(above[x]) + 2 * np.int16(line[x]) + np.int16(below[x]))


@scalar(forceinline=True)
def _sharpen_byte(byte: Any, left: Any, here: Any, right: Any, strength: Any) -> Any:
    # Each step is put back to as few bits as it needs: the compiler then keeps more of them in a register.
    around = np.int16(np.int16(left + right) + 2 * here)
    edge = np.int32(np.int16(16 * np.int16(byte) - around))
    sharp = np.int32(np.int32(np.int32(byte) * _ONE + strength * edge + (_ONE >> 1)) >> 16)
    return np.uint8(min(max(sharp, np.int32(0)), np.int32(255)))


@scalar
def _sharpen_line(index: Any, image_in: Any, strength_in: Any, height: Any, image_out: Any) -> None:
    index = np.int64(index)
    size = image_in.shape[1]
    image = index // height
    y = index - image * height
    strength = strength_in[image]
    line, result = image_in[index], image_out[index]
    above = image_in[index - 1 if y > 0 else index]
    below = image_in[index + 1 if y + 1 < height else index]
    # The pixels at the ends come apart: the loop between has neither a branch nor a limit to heed.
    for x in range(size - 6):
        left, here = _column(above, line, below, x), _column(above, line, below, x + 3)
        result[x + 3] = _sharpen_byte(line[x + 3], left, here, _column(above, line, below, x + 6), strength)
    for k in range(6):
        x = k if k < 3 else size - 6 + k
        left, right = max(x - 3, x % 3), min(x + 3, size - 3 + x % 3)
        here = _column(above, line, below, x)
        left, right = _column(above, line, below, left), _column(above, line, below, right)
        result[x] = _sharpen_byte(line[x], left, here, right, strength)


@scalar
def _sharpen_channel(index: Any, image_in: Any, strength_in: Any, height: Any, image_out: Any) -> None:
    """Do one channel of a pixel: a CUDA thread."""
    index = np.int64(index)
    size = image_in.shape[1]
    row = index // size
    x = index - row * size
    image = row // height
    y = row - image * height
    line = image_in[row]
    above, below = image_in[row - 1 if y > 0 else row], image_in[row + 1 if y + 1 < height else row]
    left, right = max(x - 3, x % 3), min(x + 3, size - 3 + x % 3)
    here = _column(above, line, below, x)
    left, right = _column(above, line, below, left), _column(above, line, below, right)
    image_out[row, x] = _sharpen_byte(line[x], left, here, right, strength_in[image])


_SHARPEN: Final = Kernel(_sharpen_line)
_SHARPEN_CHANNEL: Final = Kernel(_sharpen_channel)


def sharpen_image(image: Any, amount: ArrayLike, *, device: str = "cpu", threads: int | None = None) -> Any:
    """Sharpen encoded images with a 3x3 unsharp mask.

    Args:
        image: Encoded images (sRGB), uint8, shape (N, H, W, 3), NumPy, torch or on CUDA.
        amount: How much of what the blur takes away is added, [0, 10], in steps of 1/4096; a number or one for each
            image.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Images of the same kind and shape; the given ones where no amount is above 0.

    Raises:
        ValueError: If a shape or an amount is wrong.
        RuntimeError: If the device is not here.

    Source: Gonzalez and Woods, "Digital Image Processing", section 3.6.

    Example:
        >>> sharpen_image(np.full((1, 4, 6, 3), 77, np.uint8), 0.5)[0, 0, 0]
        array([77, 77, 77], dtype=uint8)
    """
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise ValueError(f"image must have shape (N, H, W, 3) with H, W > 0, got {shape}")
    count, height, width, _ = shape
    values = np.asarray(amount, dtype=np.float64)
    if values.shape not in ((), (count,)) or not ((values >= 0.0) & (values <= AMOUNT_MAX)).all():
        raise ValueError(f"amount must be a number in [0, {AMOUNT_MAX:g}], or one for each of {count}, got {amount!r}")
    strengths = np.broadcast_to(np.floor(values * _STEPS + 0.5).astype(np.int32), (count,))
    place = find_place(image, device)
    if not (strengths > 0).any():
        return image
    lines = place.borrow(image, np.uint8).reshape(count * height, 3 * width)
    result = place.allocate((count * height, 3 * width), np.uint8)
    rows = count * height
    kernel, elements = (_SHARPEN_CHANNEL, 3 * rows * width) if place.device == "cuda" else (_SHARPEN, rows)
    kernel.launch(elements, lines, strengths, height, result, device=place.device, threads=threads)
    return place.give(result.reshape(shape))
