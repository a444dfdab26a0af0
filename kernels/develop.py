"""The image pipeline of a camera: from the digital numbers of a mosaic to an 8-bit sRGB image.

Black level, white balance, demosaicing and colour matrix are linear, so that they are one matrix from the six sums of
`demosaic.py` to the three channels, one for each of the mosaic's four places:

    rgb = clip(M s + m, 0, 1),   code = floor(255 tone(srgb(rgb)) + 1/2)

White is where the most sensitive pixels saturate. Before it is demosaiced a number is clipped where its balanced value
passes 1, so that what is overexposed is white in every channel. With clear pixels, green is clear less red less blue,
in balanced electrons; a camera without filters is grey, whatever its white balance and colour matrix.

Source: IEC 61966-2-1 for the transfer; `demosaic.py` for the weights.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from .camera_profile import CameraProfile
from .demosaic import SUM_SIZES, demosaic_weights, sum_colors
from .device import Kernel, scalar
from .lanes import count_lanes
from .mosaic import CLEAR, reflect, site_colors
from .profile_rows import ProfileRows
from .responsivity import balanced_gains, has_clear, saturation_charge
from .srgb import srgb_code, toned_code
from .tensors import Place


@scalar
def _arrange_line(line: Any, raw_in: Any, look_in: Any, limit_in: Any, height: Any, plane_out: Any) -> None:
    """Clip a line, part its even from its odd columns, and mirror it by two pixels at both ends."""
    width = raw_in.shape[1]
    half = (width + 1) // 2
    image = line // height
    site = ((line - image * height) & 1) * 2
    even, odd = limit_in[look_in[image], site], limit_in[look_in[image], site + 1]
    for j in range(width // 2):
        first, second = raw_in[line, 2 * j], raw_in[line, 2 * j + 1]
        plane_out[line, 0, j + 1] = first if first < even else even
        plane_out[line, 1, j + 1] = second if second < odd else odd
    if width & 1:
        last = raw_in[line, width - 1]
        plane_out[line, 0, half] = last if last < even else even
    for k in range(6):
        x = k - 2 if k < 2 else width + k - 2
        inside = reflect(x, width) if x < width + 2 else 0
        if x < 2 * half + 2:
            plane_out[line, x & 1, (x + 2) >> 1] = plane_out[line, inside & 1, (inside + 2) >> 1]


_ARRANGE: Final = Kernel(_arrange_line)


@scalar(forceinline=True)
def _add(a: Any, b: Any) -> Any:
    return np.int32(np.int32(a) + np.int32(b))


@scalar
def _develop_lane(
    lane: Any, plane_in: Any, look_in: Any, matrix_in: Any, tone_in: Any, height: Any, lanes: Any, linear_out: Any,
    code_out: Any,
    rgb_out: Any,
) -> None:  # fmt: skip
    lines, width = rgb_out.shape[0], rgb_out.shape[1] // 3
    half = (width + 1) // 2
    for line in range(lane * lines // lanes, (lane + 1) * lines // lanes):
        image = line // height
        top = image * height
        y = line - top
        look = look_in[image]
        tone = tone_in[look]
        above, below = top + reflect(y - 1, height), top + reflect(y + 1, height)
        above2, below2 = top + reflect(y - 2, height), top + reflect(y + 2, height)
        for p in range(2):
            o, site, count = 1 - p, (y & 1) * 2 + p, (width + 1 - p) // 2
            r0, r1, r2, r3, r4, r5, r6 = (
                matrix_in[look, site, 0, 0], matrix_in[look, site, 0, 1], matrix_in[look, site, 0, 2],
                matrix_in[look, site, 0, 3], matrix_in[look, site, 0, 4], matrix_in[look, site, 0, 5],
                matrix_in[look, site, 0, 6],
            )  # fmt: skip
            g0, g1, g2, g3, g4, g5, g6 = (
                matrix_in[look, site, 1, 0], matrix_in[look, site, 1, 1], matrix_in[look, site, 1, 2],
                matrix_in[look, site, 1, 3], matrix_in[look, site, 1, 4], matrix_in[look, site, 1, 5],
                matrix_in[look, site, 1, 6],
            )  # fmt: skip
            b0, b1, b2, b3, b4, b5, b6 = (
                matrix_in[look, site, 2, 0], matrix_in[look, site, 2, 1], matrix_in[look, site, 2, 2],
                matrix_in[look, site, 2, 3], matrix_in[look, site, 2, 4], matrix_in[look, site, 2, 5],
                matrix_in[look, site, 2, 6],
            )  # fmt: skip
            for j in range(count):
                s0 = np.float32(plane_in[line, p, j + 1])
                s1 = np.float32(_add(plane_in[line, o, j + p], plane_in[line, o, j + p + 1]))
                s2 = np.float32(_add(plane_in[above, p, j + 1], plane_in[below, p, j + 1]))
                upper = _add(plane_in[above, o, j + p], plane_in[above, o, j + p + 1])
                s3 = np.float32(_add(upper, _add(plane_in[below, o, j + p], plane_in[below, o, j + p + 1])))
                s4 = np.float32(_add(plane_in[line, p, j], plane_in[line, p, j + 2]))
                s5 = np.float32(_add(plane_in[above2, p, j + 1], plane_in[below2, p, j + 1]))
                red = r0 * s0 + r1 * s1 + r2 * s2 + r3 * s3 + r4 * s4 + r5 * s5 + r6
                green = g0 * s0 + g1 * s1 + g2 * s2 + g3 * s3 + g4 * s4 + g5 * s5 + g6
                blue = b0 * s0 + b1 * s1 + b2 * s2 + b3 * s3 + b4 * s4 + b5 * s5 + b6
                linear_out[lane, p, 0, j] = red
                linear_out[lane, p, 1, j] = green
                linear_out[lane, p, 2, j] = blue
            for channel in range(3):
                if tone == 0.0:
                    for j in range(count):
                        code_out[lane, p, channel, j] = srgb_code(linear_out[lane, p, channel, j])
                else:
                    for j in range(count):
                        code_out[lane, p, channel, j] = toned_code(linear_out[lane, p, channel, j], tone)
        for j in range(width // 2):
            rgb_out[line, 6 * j] = code_out[lane, 0, 0, j]
            rgb_out[line, 6 * j + 1] = code_out[lane, 0, 1, j]
            rgb_out[line, 6 * j + 2] = code_out[lane, 0, 2, j]
            rgb_out[line, 6 * j + 3] = code_out[lane, 1, 0, j]
            rgb_out[line, 6 * j + 4] = code_out[lane, 1, 1, j]
            rgb_out[line, 6 * j + 5] = code_out[lane, 1, 2, j]
        if width & 1:
            for channel in range(3):
                rgb_out[line, 3 * width - 3 + channel] = code_out[lane, 0, channel, half - 1]


@scalar(forceinline=True)
def _clipped(raw_in: Any, limit_in: Any, look: Any, top: Any, height: Any, y: Any, x: Any) -> Any:
    """Return the number of a pixel, one or two beyond the edges too, clipped where it is white."""
    y, x = reflect(y, height), reflect(x, raw_in.shape[1])
    number, limit = raw_in[top + y, x], limit_in[look, (y & 1) * 2 + (x & 1)]
    return np.int32(number if number < limit else limit)


@scalar(forceinline=True)
def _mix(
    matrix_in: Any, look: Any, site: Any, channel: Any, s0: Any, s1: Any, s2: Any, s3: Any, s4: Any, s5: Any
) -> Any:
    return (
        matrix_in[look, site, channel, 0] * s0 + matrix_in[look, site, channel, 1] * s1
        + matrix_in[look, site, channel, 2] * s2 + matrix_in[look, site, channel, 3] * s3
        + matrix_in[look, site, channel, 4] * s4 + matrix_in[look, site, channel, 5] * s5
        + matrix_in[look, site, channel, 6]
    )  # fmt: skip


@scalar
def _develop_pixel(
    index: Any, raw_in: Any, look_in: Any, matrix_in: Any, limit_in: Any, tone_in: Any, height: Any, rgb_out: Any
) -> None:
    """Do one pixel, from the numbers about it: a CUDA thread."""
    index = np.int64(index)
    width = raw_in.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    top = image * height
    y = line - top
    look = look_in[image]
    s0 = np.float32(_clipped(raw_in, limit_in, look, top, height, y, x))
    left = _clipped(raw_in, limit_in, look, top, height, y, x - 1)
    s1 = np.float32(_add(left, _clipped(raw_in, limit_in, look, top, height, y, x + 1)))
    upper = _clipped(raw_in, limit_in, look, top, height, y - 1, x)
    s2 = np.float32(_add(upper, _clipped(raw_in, limit_in, look, top, height, y + 1, x)))
    upper = _add(
        _clipped(raw_in, limit_in, look, top, height, y - 1, x - 1),
        _clipped(raw_in, limit_in, look, top, height, y - 1, x + 1),
    )
    lower = _add(
        _clipped(raw_in, limit_in, look, top, height, y + 1, x - 1),
        _clipped(raw_in, limit_in, look, top, height, y + 1, x + 1),
    )
    s3 = np.float32(_add(upper, lower))
    left = _clipped(raw_in, limit_in, look, top, height, y, x - 2)
    s4 = np.float32(_add(left, _clipped(raw_in, limit_in, look, top, height, y, x + 2)))
    upper = _clipped(raw_in, limit_in, look, top, height, y - 2, x)
    s5 = np.float32(_add(upper, _clipped(raw_in, limit_in, look, top, height, y + 2, x)))
    site, tone = (y & 1) * 2 + (x & 1), tone_in[look]
    for channel in range(3):
        linear = _mix(matrix_in, look, site, channel, s0, s1, s2, s3, s4, s5)
        rgb_out[line, 3 * x + channel] = srgb_code(linear) if tone == 0.0 else toned_code(linear, tone)


_DEVELOP: Final = Kernel(_develop_lane)
_DEVELOP_PIXEL: Final = Kernel(_develop_pixel)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """How the images of a batch are developed: R distinct ways, and which of them each image has; where kernels run."""

    matrix: Any
    """From the six sums and 1 to linear red, green and blue, at the mosaic's four places, shape (R, 4, 3, 7)."""
    limit: Any
    """Number at which a pixel is white, at the mosaic's four places, shape (R, 4)."""
    tone: Any
    """Strength of the tone curve, shape (R,)."""
    which: Any
    """Way of each image, shape (N,)."""


def prepare_looks(
    place: Place, profiles: ProfileRows[CameraProfile], gains: NDArray[np.float64] | None, height: int, width: int
) -> Looks:
    """Put together how the images of a batch are developed.

    Args:
        place: Where kernels run.
        profiles: Which image has which profile.
        gains: White balance of each image, shape (N, 3); None for the profiles' own.
        height: Lines of an image.
        width: Columns of an image.

    Returns:
        One way for each profile, or for each image where gains are given.
    """
    which = profiles.which if gains is None else np.arange(len(gains))
    owners = np.arange(len(profiles.profiles)) if gains is None else profiles.which
    matrix, limit = np.empty((len(owners), 4, 3, 7), np.float32), np.empty((len(owners), 4), np.uint16)
    for k, profile in enumerate(profiles.profiles):
        mine = owners == k
        if gains is None:
            matrix[mine], limit[mine] = _pack_own(profile, height > 1, width > 1)
        else:
            matrix[mine], limit[mine] = _pack(profile, gains[mine], height > 1, width > 1)
    tone = np.array([profile.tone for profile in profiles.profiles], np.float32)[owners]
    matrix, limit, tone, which = place.lend_tables(matrix, limit, tone, which)
    return Looks(matrix=matrix, limit=limit, tone=tone, which=which)


@functools.lru_cache(maxsize=256)
def _pack_own(profile: CameraProfile, tall: bool, wide: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return _pack(profile, np.array([balanced_gains(profile)]), tall, wide)


def _pack(
    profile: CameraProfile, gains: NDArray[np.float64], tall: bool, wide: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # No gain is below 1: what is overexposed would not be white. Only their ratios matter then.
    smallest = np.minimum(np.minimum(gains[:, :1], gains[:, 1:2]), gains[:, 2:])
    gains = gains / np.minimum(smallest, 1.0)
    # What balances a pixel of each colour, shape (R, 4). Clear is white together with the colours that it is made of.
    scale = np.ones((len(gains), 4))
    mixing = np.zeros((len(gains), 3, 3))  # from the balanced planes to balanced red, green and blue
    mixing[:, [0, 1, 2], [0, 1, 2]] = 1.0
    if has_clear(profile):
        inverse = 1.0 / gains
        white = inverse[:, 0] + inverse[:, 1] + inverse[:, 2]
        scale[:, CLEAR] = 1.0 / white
        mixing[:, 1, 0], mixing[:, 1, 1] = -gains[:, 1] * inverse[:, 0], gains[:, 1] * white
        mixing[:, 1, 2] = -gains[:, 1] * inverse[:, 2]
    if profile.mosaic != "mono":
        scale[:, :3] = gains
        color = np.array(profile.color_matrix).reshape(3, 3)
        mixing = sum_products(color, mixing)
    saturation = saturation_charge(profile) * profile.gain
    colors = np.array(sum_colors(profile.mosaic, tall, wide))
    weights = demosaic_weights(profile.mosaic, profile.demosaic)
    matrix = np.zeros((len(gains), 4, 3, 7))
    for plane in range(3):
        balanced = weights[None, :, plane, :] * scale[:, colors] / saturation
        matrix[..., :6] += mixing[:, None, :, plane, None] * balanced[:, :, None, :]
    for place, size in enumerate(SUM_SIZES):
        matrix[..., 6] -= matrix[..., place] * (size * profile.black_level)
    limit = np.ceil(profile.black_level + saturation / scale[:, list(site_colors(profile.mosaic))] - 1e-9)
    return matrix, np.minimum(limit, 65535.0)


def sum_products(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply a 3x3 matrix with each of some others, in a fixed order."""
    terms = [first[:, k, None] * second[:, None, k, :] for k in range(3)]
    return terms[0] + terms[1] + terms[2]


def develop(place: Place, raw: Any, looks: Looks, images: slice, rgb: Any, threads: int | None) -> None:
    """Develop some images of a batch.

    Args:
        place: Where the arrays lie.
        raw: Digital numbers, uint16, shape (n H, W).
        looks: How.
        images: Which images of the batch these n are.
        rgb: The images, uint8, shape (n H, 3 W).
        threads: CPU threads; None for all.
    """
    which = looks.which[images]
    lines, width = raw.shape
    height, half = lines // len(which), (width + 1) // 2
    if place.device == "cuda":
        _DEVELOP_PIXEL.launch(
            lines * width, raw, which, looks.matrix, looks.limit, looks.tone, height, rgb, device="cuda"
        )
        return
    lanes = count_lanes(place, lines, threads)
    plane = place.allocate((lines, 2, half + 2), np.uint16)
    linear = place.allocate((lanes, 2, 3, half), np.float32)
    codes = place.allocate((lanes, 2, 3, half), np.uint8)
    _ARRANGE.launch(lines, raw, which, looks.limit, height, plane, device=place.device, threads=threads)
    _DEVELOP.launch(
        lanes, plane, which, looks.matrix, looks.tone, height, lanes, linear, codes, rgb,
        device=place.device, threads=threads,
    )  # fmt: skip
