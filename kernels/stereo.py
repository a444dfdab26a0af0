"""Active stereo depth: noise, quantisation and shadows made in disparity, with a status for every pixel.

The depth image is the left imager's; the second one stands a baseline B to its right. For a surface at depth z:

    d = f B / z                                              true disparity [px]
    d' = round((d + s n) / q) q,   z' = f B / d'             noise of standard deviation s, step q

so that sigma_z = z^2 s / (f B) and the depth step z^2 q / (f B) follow by themselves. n has unit variance at every
pixel and is correlated over the matcher's support (`stereo_noise`).

A surface is lost where the second imager cannot see it: outside its field (the left d pixels of the image) or behind a
nearer surface (`occlusion`). It is also lost at grazing incidence and on surfaces dark in the infrared, with a
probability that falls linearly to zero between two limits.

Where infrared reflectance or a picture is given, a match must be found too (`matching`): contrast of the projector's
pattern and of the surface's own texture over the noise of a pixel. Below one limit no pixel finds its match and from
another on every pixel does; of those between, a share finds a wrong one, anywhere in the range that is searched.

Draws, in the stream "depth": block 0, see `stereo_noise`; block 1, one per pixel: loss, no match, wrong match, which.

Differs from a real sensor: no images are matched, so that repeated structures do not confuse it; exposure is fixed.

Sources: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras" (z^2 law, 1/32 px); librealsense
issue 3904 (0.08 px).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .depth_images import MAX_SIDE, DepthImages
from .depth_reading import (
    LOW_SIGNAL,
    NO_MATCH,
    NO_SURFACE,
    OUT_OF_OVERLAP,
    SATURATED,
    TOO_FAR,
    TOO_NEAR,
    VALID,
)
from .device import Kernel, scalar, thread_count
from .matching import match_line
from .occlusion import hide_line, rise_limit
from .philox import draw_block, stream_key
from .stereo_launch import measure_on_device
from .stereo_noise import NOISE, cell_weights, noise_groups
from .stereo_profile import StereoProfile
from .surface_return import kept_share
from .texture import SUMS, TEXTURE
from .texture import WORK as TEXTURE_WORK
from .variates import uniform64

_BLOCK_LOSS: Final = 1
_BANDS_PER_THREAD: Final = 8
_BAND_LINES: Final = (16, 256)
_WORKING_PIXELS: Final = 1 << 21

# Working lines of a band: a constant apart, which tells the compiler that they do not overlap, and no power of two, so
# that they do not share the cache's sets. The first is the true disparity, the second the measured one.
_PITCH: Final = MAX_SIDE + 40
_MEASURED: Final = _PITCH
_RETURN: Final = 2 * _PITCH
_MATCH: Final = 3 * _PITCH
_SPARE: Final = 4 * _PITCH
_WORK: Final = 7 * _PITCH


@scalar
def _fatten_line(line: Any, band: Any, width: Any, radius: Any, reach: Any, work_out: Any, status_out: Any) -> None:
    """Give the pixels beside a nearer surface its disparity."""
    for x in range(width):
        here = work_out[band, x]
        nearest = here
        for other in range(max(x - radius, 0), min(x + radius + 1, width)):
            nearest = max(nearest, work_out[band, other])
        work_out[band, _SPARE + x] = nearest if here > 0.0 and nearest > here + reach else here
    for x in range(width):
        if work_out[band, _SPARE + x] != work_out[band, x]:
            work_out[band, x] = work_out[band, _SPARE + x]
            status_out[line, x] = np.uint8(VALID)


@scalar
def _lose_line(
    line: Any, band: Any, y: Any, width: Any, row: Any, key_0: Any, key_1: Any, sensor: Any, step: Any, largest: Any,
    outlier_share: Any, work_out: Any, status_out: Any,
) -> None:  # fmt: skip
    """Draw which pixels return nothing, which find no match, and which find a wrong one."""
    steps = max(np.int64(math.floor(largest / step)), 1)
    for x in range(width):
        returned, matched = work_out[band, _RETURN + x], work_out[band, _MATCH + x]
        if returned >= 1.0 and matched >= 1.0:
            continue
        if work_out[band, x] <= 0.0 or status_out[line, x] != VALID:
            continue
        w0, w1, w2, w3 = draw_block(key_0, key_1, y * width + x, row, sensor, _BLOCK_LOSS)
        if matched < 0.0:
            status_out[line, x] = np.uint8(SATURATED)
        elif not (uniform64(w0) < returned):
            status_out[line, x] = np.uint8(LOW_SIGNAL)
        elif not (uniform64(w1) < matched):
            status_out[line, x] = np.uint8(NO_MATCH)
        elif matched < 1.0 and uniform64(w2) < outlier_share:
            work_out[band, _MEASURED + x] = step * (1.0 + math.floor(uniform64(w3) * steps))


@scalar
def _stereo_line(
    line: Any, band: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, texture_in: Any, fx_in: Any, row_in: Any,
    which_in: Any, parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any,
    noise_lines: Any, work_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    # Loops without a branch, and with few arrays each: the compiler then does several pixels at once.
    width = depth_in.shape[1]
    image = line // height
    y = line - image * height
    row = row_in[image]
    which = which_in[image]
    baseline, deviation = parameter_in[which, 0], parameter_in[which, 1]
    step, largest = parameter_in[which, 2], parameter_in[which, 3]
    range_max, reach = parameter_in[which, 4], parameter_in[which, 5]
    focal_baseline = fx_in[image] * baseline
    inverse_step = 1.0 / step

    for x in range(width):
        depth = np.float64(depth_in[line, x])
        # NaN and infinity are no surface either.
        work_out[band, x] = focal_baseline / (depth if (depth > 0.0) and (depth < 3.0e38) else math.inf)
        depth_out[line, x] = np.float32(0.0)
        status_out[line, x] = np.uint8(VALID)
    limit = rise_limit(reach)
    rises = 0
    for x in range(1, width):
        rises += 1 if work_out[band, x] - work_out[band, x - 1] > limit else 0
    if rises > 0:
        hide_line(line, band, width, reach, 0, work_out, depth_out, status_out)
    fattening = np.int64(parameter_in[which, 11])
    if fattening > 0:
        _fatten_line(line, band, width, fattening, reach, work_out, status_out)

    cell = np.int64(parameter_in[which, 10])
    node = y // cell
    upper = deviation * weight_in[which, y - node * cell, 0]
    lower = deviation * weight_in[which, y - node * cell, 1]
    node += image * noise_lines
    for x in range(width):
        noise = upper * np.float64(noise_in[node, x]) + lower * np.float64(noise_in[node + 1, x])
        work_out[band, _MEASURED + x] = np.floor((work_out[band, x] + noise) * inverse_step + 0.5) * step

    has_cosine, has_infrared = cosine_in.shape[0] > 0, infrared_in.shape[0] > 0
    has_texture = texture_in.shape[0] > 0
    if has_cosine or has_infrared or has_texture:
        for x in range(width):
            work_out[band, _RETURN + x] = 1.0
            work_out[band, _MATCH + x] = 1.0
        if has_cosine:
            full, none = parameter_in[which, 6], parameter_in[which, 7]
            for x in range(width):
                work_out[band, _RETURN + x] = kept_share(np.float64(cosine_in[line, x]), none, full)
        if has_infrared:
            full, none = parameter_in[which, 8], parameter_in[which, 9]
            for x in range(width):
                work_out[band, _RETURN + x] *= kept_share(np.float64(infrared_in[line, x]), none, full)
        if has_infrared or has_texture:
            match_line(
                line, band, width, cosine_in, infrared_in, texture_in, 1.0 / (focal_baseline * focal_baseline),
                parameter_in, which, _SPARE, _PITCH, _MATCH, work_out,
            )  # fmt: skip
        _lose_line(
            line, band, y, width, row, key_0, key_1, sensor, step, largest, parameter_in[which, 12], work_out,
            status_out,
        )  # fmt: skip

    for x in range(width):
        true, measured = work_out[band, x], work_out[band, _MEASURED + x]
        status = np.uint8(TOO_FAR) if measured * range_max < focal_baseline else np.uint8(VALID)
        status = np.uint8(TOO_FAR) if measured <= 0.0 else status
        status = np.uint8(TOO_NEAR) if measured > largest else status
        found = status_out[line, x]
        status = found if found != np.uint8(VALID) else status
        status = np.uint8(OUT_OF_OVERLAP) if true > np.float64(x) else status
        status = np.uint8(TOO_FAR) if np.float64(depth_in[line, x]) > range_max else status
        status = np.uint8(TOO_NEAR) if true > largest else status
        status = np.uint8(NO_SURFACE) if true <= 0.0 else status
        depth = focal_baseline / (measured if measured > 0.0 else 1.0)
        depth_out[line, x] = np.float32(depth if status == np.uint8(VALID) else 0.0)
        status_out[line, x] = status


@scalar
def _stereo_band(
    band: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, texture_in: Any, fx_in: Any, row_in: Any, which_in: Any,
    parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any,
    noise_lines: Any, lines: Any, work_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    # The lines of a band share working space, which then stays in the nearest cache.
    for line in range(band * lines, min((band + 1) * lines, depth_in.shape[0])):
        _stereo_line(
            line, band, depth_in, cosine_in, infrared_in, texture_in, fx_in, row_in, which_in, parameter_in, noise_in,
            weight_in, key_0, key_1, sensor, height, noise_lines, work_out, depth_out, status_out,
        )  # fmt: skip


_STEREO: Final = Kernel(_stereo_band)


def measure_stereo(images: DepthImages[StereoProfile], *, seed: int, threads: int | None = None) -> tuple[Any, Any]:
    """Measure depth images with an active stereo sensor; `apply_depth` is the public face.

    Args:
        images: What the sensor looks at.
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Depth [m] and status of each pixel, shape (N H, W).

    Source: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras"; sigma_z = z^2 s / (f B).
    """
    profiles, place, height, width = images.profiles.profiles, images.place, images.height, images.lines[1]
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    key = stream_key(seed, "depth")
    parameters = np.array([_pack_parameters(profile) for profile in profiles])
    cells = np.array([profile.noise_cell for profile in profiles])
    windows = np.array([profile.match_window for profile in profiles])
    weights = np.zeros((len(profiles), int(cells.max()), 2))
    for k, profile in enumerate(profiles):
        weights[k, : profile.noise_cell] = cell_weights(profile.noise_cell)
    measured, status = place.allocate(images.lines, np.float32), place.allocate(images.lines, np.uint8)
    if place.device == "cuda":
        measure_on_device(images, (parameters, cells, windows, weights), key, (measured, status))
        return measured, status
    # A few images at a time keep the working space small.
    count, groups = len(images.rows), noise_groups(height, int(cells.min()))
    step = max(1, min(_WORKING_PIXELS // (height * width), count))
    # Long bands, since each has working space of its own, which the system must find; short ones share out better.
    shared = step * height // (_BANDS_PER_THREAD * (threads or thread_count()))
    band = min(max(shared, _BAND_LINES[0]), _BAND_LINES[1])
    bands = -(-step * height // band)
    noise = place.allocate((step * groups * 4, width), np.float32)
    work = place.allocate((bands, _WORK), np.float64)
    has_texture = images.intensity.shape[0] > 0
    texture = place.allocate((step * height if has_texture else 0, width), np.float32)
    sums = place.allocate((step * height if has_texture else 0, 2, width), np.float32)
    sum_work = place.allocate((bands if has_texture else 0, TEXTURE_WORK), np.float32)
    for start in range(0, count, step):
        end = min(start + step, count)
        part = slice(start * height, end * height)
        rows, which, lines = images.rows[start:end], images.profiles.which[start:end], (end - start) * height
        NOISE.launch((end - start) * groups, rows, which, cells, weights, *key, images.sensor, groups, noise, **options)
        if has_texture:
            bands = -(-lines // band)
            SUMS.launch(bands, images.intensity[part], which, windows, height, band, sum_work, sums, **options)
            TEXTURE.launch(bands, sums, which, windows, height, band, sum_work, texture[:lines], **options)
        _STEREO.launch(
            -(-lines // band), images.depth[part], images.cosine[part], images.infrared[part], texture,
            images.fx[start:end], rows, which, parameters, noise, weights, *key, images.sensor, height, groups * 4,
            band, work, measured[part], status[part], **options,
        )  # fmt: skip
    return measured, status


def _pack_parameters(p: StereoProfile) -> NDArray[np.float64]:
    return np.array((
        p.baseline, p.disparity_noise, p.disparity_step, p.disparity_max, p.range_max, p.occlusion_step,
        p.cosine_full, p.cosine_none, p.infrared_full, p.infrared_none, p.noise_cell, p.edge_fattening,
        p.outlier_share, p.projector_signal, p.ambient_signal, p.signal_noise, p.full_well, p.match_full, p.match_none,
    ))  # fmt: skip
