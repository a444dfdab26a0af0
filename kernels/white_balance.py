"""Automatic white balance: gains of red and blue against green, estimated from images, and followed over time.

    grey world    the mean of the scene is grey: gain = mean of green / mean of the channel
    white patch   the brightest is white: the same of a high percentile of each channel ("max-RGB")

Pixels with a channel at saturation, and those that are not positive, are left out. Means are summed line by line in a
fixed order; percentiles come from counts in cells of 1/64 octave, interpolated: within 1.6 % of the exact ones.

Over time the gains follow an estimate with a first-order lag in their logarithms.

Sources: Buchsbaum, "A spatial processor model for object colour perception", J. Franklin Institute 310(1), 1980 (grey
world); Land and McCann, "Lightness and retinex theory", JOSA 61(1), 1971 (white patch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, allocate, scalar
from .exposure_control import check_positive, check_steps
from .lag import approach
from .profile_check import check_range
from .profile_rows import find_profile_rows
from .tensors import find_place

Method = Literal["grey_world", "white_patch"]

METHODS: Final[tuple[str, ...]] = get_args(Method)

_CELLS: Final = 1 << 14
_CELL_BITS: Final = np.uint32(17)
_ZERO: Final = np.float32(0.0)


@final
@dataclass(frozen=True, kw_only=True)
class WhiteBalanceControl:
    """How automatic white balance follows the scene.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> control = WhiteBalanceControl(time_constant=2.0)
    """

    time_constant: float = 1.0
    """Time constant [s], [0, 1000]; 0: at once."""
    gain_min: float = 0.125
    """Smallest gain, (0, 1]."""
    gain_max: float = 8.0
    """Largest gain, [1, 100]."""

    def __post_init__(self) -> None:
        check_range(self, "time_constant", 0.0, 1000.0)
        check_range(self, "gain_min", 1e-3, 1.0)
        check_range(self, "gain_max", 1.0, 100.0)


@scalar(forceinline=True)
def _counts(red: Any, green: Any, blue: Any, saturation: Any) -> Any:
    # False for NaN too.
    lit = (red > _ZERO) and (green > _ZERO) and (blue > _ZERO)
    return lit and (red < saturation) and (green < saturation) and (blue < saturation)


@scalar
def _sum_line(line: Any, image_in: Any, saturation_in: Any, height: Any, sum_out: Any) -> None:
    """Write the sums of a line's channels, and how many pixels count."""
    line = np.int64(line)
    saturation = saturation_in[line // height]
    red_sum, green_sum, blue_sum, count = 0.0, 0.0, 0.0, 0.0
    for x in range(image_in.shape[1] // 3):
        red, green, blue = image_in[line, 3 * x], image_in[line, 3 * x + 1], image_in[line, 3 * x + 2]
        if _counts(red, green, blue, saturation):
            red_sum += np.float64(red)
            green_sum += np.float64(green)
            blue_sum += np.float64(blue)
            count += 1.0
    sum_out[line, 0], sum_out[line, 1], sum_out[line, 2], sum_out[line, 3] = red_sum, green_sum, blue_sum, count


@scalar
def _mean_image(image: Any, sum_in: Any, height: Any, level_out: Any) -> None:
    for channel in range(3):
        total, count = 0.0, 0.0
        for y in range(height):
            total += sum_in[image * height + y, channel]
            count += sum_in[image * height + y, 3]
        level_out[image, channel] = total / count if count > 0.0 else 0.0


@scalar
def _rank_channel(
    index: Any, image_in: Any, saturation_in: Any, percentile: Any, histogram_out: Any, level_out: Any
) -> None:
    """Write the percentile of one channel of an image."""
    index = np.int64(index)
    image = index // 3
    channel = index - 3 * image
    saturation = saturation_in[image]
    histogram = histogram_out[index]
    for cell in range(_CELLS):
        histogram[cell] = 0
    count = 0
    for pixel in range(image_in.shape[1] // 3):
        at = 3 * pixel
        if _counts(image_in[image, at], image_in[image, at + 1], image_in[image, at + 2], saturation):
            # A positive float's upper bits count by octaves, and evenly within each.
            histogram[np.uint64(np.float32(image_in[image, at + channel]).view(np.uint32) >> _CELL_BITS)] += 1
            count += 1
    rank = percentile * count
    below, cell = 0.0, 0
    while cell < _CELLS - 1 and below + histogram[cell] < rank:
        below += histogram[cell]
        cell += 1
    low, high = np.uint32(cell << 17).view(np.float32), np.uint32((cell + 1) << 17).view(np.float32)
    part = (rank - below) / max(histogram[cell], 1)
    level_out[image, channel] = np.float64(low) + part * (np.float64(high) - np.float64(low)) if count > 0 else 0.0


_SUM_LINES: Final = Kernel(_sum_line)
_MEAN_IMAGES: Final = Kernel(_mean_image)
_RANK_CHANNELS: Final = Kernel(_rank_channel)


@scalar
def _gain_row(row: Any, level_in: Any, gain_out: Any) -> None:
    green = level_in[row, 1]
    for channel in range(3):
        level = level_in[row, channel]
        gain_out[row, channel] = green / level if green > 0.0 and level > 0.0 else 1.0


_GAINS: Final = Kernel(_gain_row)


@scalar
def _advance_row(
    index: Any, state_in: Any, estimated_in: Any, step_in: Any, which_in: Any, control_in: Any, state_out: Any
) -> None:
    index = np.int64(index)
    row = index // 3
    channel = index - 3 * row
    which = which_in[row]
    low, high = control_in[which, 1], control_in[which, 2]
    now, target = min(max(state_in[row, channel], low), high), min(max(estimated_in[row, channel], low), high)
    state_out[row, channel] = min(max(approach(now, target, step_in[row], control_in[which, 0]), low), high)


_ADVANCE: Final = Kernel(_advance_row)


def balance_levels(levels: Any, *, device: str = "cpu", threads: int | None = None) -> Any:
    """Return the gains that make levels of the channels equal.

    Args:
        levels: A statistic of red, green and blue of each image, such as the means of a raw image's pixels less the
            black level, float64, shape (N, 3), NumPy, torch or on CUDA.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Gains of red, green and blue, of the same kind, shape (N, 3): green's is 1, and those of a channel without a
        positive level too.

    Raises:
        ValueError: If the shape is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> balance_levels(np.array([[0.2, 0.4, 0.1]]))
        array([[2., 1., 4.]])
    """
    place = find_place(levels, device)
    if len(levels.shape) != 2 or levels.shape[1] != 3:
        raise ValueError(f"levels must have shape (N, 3), got {tuple(levels.shape)}")
    count = levels.shape[0]
    gains = place.allocate((count, 3), np.float64)
    _GAINS.launch(count, place.borrow(levels, np.float64), gains, device=place.device, threads=threads)
    return place.give(gains)


def estimate_white_balance(
    image: Any,
    method: Method = "grey_world",
    *,
    percentile: float = 0.99,
    saturation: ArrayLike = np.inf,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Estimate the gains that make a scene's light white.

    Args:
        image: Linear images, float32, shape (N, H, W, 3), NumPy, torch or on CUDA: as the sensor's channels see it,
            before white balance.
        method: "grey_world" or "white_patch".
        percentile: What counts as brightest for "white_patch", (0, 1].
        saturation: Pixels with a channel from this value on are left out; a number or shape (N,).
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Gains of red, green and blue, of the same kind, float64, shape (N, 3); green's is 1.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: Buchsbaum 1980 (grey world); Land and McCann 1971 (white patch).

    Example:
        >>> estimate_white_balance(np.full((1, 4, 6, 3), (0.1, 0.2, 0.4), np.float32)).round(3)
        array([[2. , 1. , 0.5]])
    """
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise ValueError(f"image must have shape (N, H, W, 3) with H, W > 0, got {shape}")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not 0.0 < percentile <= 1.0:
        raise ValueError(f"percentile must be in (0, 1], got {percentile!r}; 99 % is 0.99")
    count, height, width, _ = shape
    limits = np.asarray(saturation, dtype=np.float32)
    if limits.shape not in ((), (count,)) or not (limits > 0.0).all():
        raise ValueError(f"saturation must be a positive number or an array of shape ({count},), got {saturation!r}")
    limits = np.broadcast_to(limits, (count,)).copy()
    place = find_place(image, device)
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    pixels = place.borrow(image, np.float32)
    there = place.device == "cuda"
    levels = allocate((count, 3), np.float64, there)
    if method == "grey_world":
        sums = allocate((count * height, 4), np.float64, there)
        _SUM_LINES.launch(count * height, pixels.reshape(count * height, 3 * width), limits, height, sums, **options)
        _MEAN_IMAGES.launch(count, sums, height, levels, **options)
    else:
        flat = pixels.reshape(count, 3 * height * width)
        histogram = allocate((3 * count, _CELLS), np.int32, there)
        _RANK_CHANNELS.launch(3 * count, flat, limits, float(percentile), histogram, levels, **options)
    gains = place.allocate((count, 3), np.float64)
    _GAINS.launch(count, levels, gains, **options)
    return place.give(gains)


def advance_white_balance(
    state: Any,
    estimated: Any,
    dt: ArrayLike,
    control: WhiteBalanceControl | Sequence[WhiteBalanceControl],
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Advance the white balance of cameras by one frame.

    Args:
        state: Gains now, > 0, float64, shape (N, 3), NumPy, torch or on CUDA. Begin with what is estimated on the first
            frame.
        estimated: Gains that the scene asks for, > 0, shape (N, 3).
        dt: Time since the last frame [s], ≥ 0, a number or shape (N,).
        control: How white balance follows, one for all or one for each camera.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Gains for the next frame, within the control's limits, of the same kind, shape (N, 3).

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: first-order lag in the logarithm, solved exactly.

    Example:
        >>> advance_white_balance(np.ones((1, 3)), np.ones((1, 3)), 1 / 30, WhiteBalanceControl())
        array([[1., 1., 1.]])
    """
    place = find_place(state, device)
    shape = tuple(state.shape)
    if len(shape) != 2 or shape[1] != 3 or tuple(np.shape(estimated)) != shape:
        raise ValueError(f"state and estimated must have shape (N, 3), got {shape} and {np.shape(estimated)}")
    steps = check_steps(dt, shape[0])
    rows = find_profile_rows(control, shape[0], _no_names)
    controls = np.array([(c.time_constant, c.gain_min, c.gain_max) for c in rows.profiles]).reshape(-1, 3)
    now, target = place.borrow(state, np.float64), place.borrow(estimated, np.float64)
    check_positive(place.is_resident, state, "state")
    check_positive(place.is_resident, estimated, "estimated")
    result = place.allocate(shape, np.float64)
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    _ADVANCE.launch(3 * shape[0], now, target, steps, rows.which, controls, result, **options)
    return place.give(result)


def _no_names(name: str) -> WhiteBalanceControl:
    raise ValueError(f"control must be a WhiteBalanceControl, got {name!r}")
