"""Conversion of device arrays to the types in which they are kept: single to half precision, and whole numbers.

Half precision is made of the bits, in integers: NumPy's rounding to the nearest, ties to even, on every device.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from .device import Kernel, allocate, scalar

_SIGN: Final = np.uint32(0x8000)
_MAGNITUDE: Final = np.uint32(0x7FFFFFFF)
_INFINITE: Final = np.uint32(0x7F800000)
_TOO_LARGE: Final = np.uint32(0x477FF000)
_NORMAL: Final = np.uint32(0x38800000)
_BIAS: Final = np.uint32(112 << 10)
_HALF_INFINITE: Final = np.uint32(0x7C00)
_HALF_NAN: Final = np.uint32(0x7E00)
_ROUND: Final = np.uint32(0xFFF)
_ONE: Final = np.uint32(1)
_U13: Final = np.uint32(13)
_U16: Final = np.uint32(16)
_HALF: Final = np.float32(0.5)
_HALF_BITS: Final = np.uint32(0x3F000000)


@scalar
def half_bits(value: Any) -> Any:
    """Return the bits of a float32 number in half precision, uint16; NaN becomes the quiet NaN of its sign."""
    bits = np.float32(value).view(np.uint32)
    magnitude = np.uint32(bits & _MAGNITUDE)
    if magnitude > _INFINITE:
        found = _HALF_NAN
    elif magnitude >= _TOO_LARGE:
        found = _HALF_INFINITE
    elif magnitude >= _NORMAL:
        odd = np.uint32(np.uint32(magnitude >> _U13) & _ONE)
        found = np.uint32(np.uint32(np.uint32(magnitude + _ROUND) + odd) >> _U13) - _BIAS
    else:
        # Beside a half, a float32 ends where half precision does: the sum is rounded as it shall be.
        found = np.float32(magnitude.view(np.float32) + _HALF).view(np.uint32) - _HALF_BITS
    return np.uint16(np.uint32(np.uint32(bits >> _U16) & _SIGN) | np.uint32(found))


@scalar
def _halve(index: Any, value_in: Any, most: Any, bits_out: Any) -> None:
    value = value_in[index]
    bits_out[index] = half_bits(most if value > most else value)


@scalar
def _cast(index: Any, value_in: Any, value_out: Any) -> None:
    value_out[index] = value_in[index]


@scalar
def _repeat(index: Any, value_in: Any, size: Any, times: Any, value_out: Any) -> None:
    index = np.int64(index)
    row = index // (size * times)
    value_out[index] = value_in[row * size + index % size]


@scalar
def _mean_channel(index: Any, colour_in: Any, pixels: Any, looks: Any, look: Any, mean_out: Any) -> None:
    index = np.int64(index)
    view = index // pixels
    at = 3 * ((view * looks + look) * pixels + index % pixels)
    mean_out[index] = np.float32(colour_in[at] + colour_in[at + 1] + colour_in[at + 2]) * np.float32(1.0 / 3.0)


_HALVE: Final = Kernel(_halve)
_CAST: Final = Kernel(_cast)
_REPEAT: Final = Kernel(_repeat)
_MEAN_CHANNEL: Final = Kernel(_mean_channel)


def narrow_on_device(array: Any, dtype: DTypeLike, most: float = np.inf) -> Any:
    """Convert an array on the CUDA device.

    Args:
        array: Contiguous array on the device; float32 where half precision is asked for.
        dtype: Type to convert to.
        most: What is above becomes this; for half precision alone.

    Returns:
        The array itself where its type is right. Half precision comes as its bits, uint16.

    Example:
        >>> bits = narrow_on_device(frames.normal, np.float16)
    """
    kind = np.dtype(dtype)
    if np.dtype(array.dtype) == kind:
        return array
    flat = array.reshape(-1)
    if kind == np.float16:
        bits = allocate(flat.shape, np.uint16, there=True)
        _HALVE.launch(flat.shape[0], flat, np.float32(most), bits, device="cuda")
        return bits.reshape(array.shape)
    result = allocate(flat.shape, kind, there=True)
    _CAST.launch(flat.shape[0], flat, result, device="cuda")
    return result.reshape(array.shape)


def repeat_on_device(array: Any, times: int) -> Any:
    """Repeat each row of an array on the CUDA device, as `np.repeat(array, times, axis=0)` does on the host."""
    if times == 1:
        return array
    shape = (array.shape[0] * times, *tuple(array.shape)[1:])
    size = int(np.prod(shape[1:], dtype=np.int64))
    result = allocate((shape[0] * size,), array.dtype, there=True)
    _REPEAT.launch(shape[0] * size, array.reshape(-1), np.int64(size), np.int64(times), result, device="cuda")
    return result.reshape(shape)


def mean_channels_on_device(colour: Any, look: int) -> Any:
    """Return the mean of a look's three channels.

    Args:
        colour: float32 on the CUDA device, shape (V, L, H, W, 3).
        look: Which of the L looks.

    Returns:
        float32 on the device, shape (V, H, W).
    """
    views, looks, height, width, _ = tuple(colour.shape)
    result = allocate((views * height * width,), np.float32, there=True)
    _MEAN_CHANNEL.launch(
        views * height * width, colour.reshape(-1), np.int64(height * width), np.int64(looks), np.int64(look), result,
        device="cuda",
    )  # fmt: skip
    return result.reshape((views, height, width))
