"""Structured-light depth: a dot projector beside an infrared imager, noise and steps made in disparity.

The depth image is the imager's; the projector stands a baseline B beside it. For a surface at depth z:

    d = f B / z                                              true disparity [px]
    d' = round((d_s + s n) / q) q,   z' = f B / d'           noise of standard deviation s, steps of q

d_s is the disparity at a place beside the pixel's centre, normally distributed about it, as the surface under the pixel
is interpolated there. The depth step z^2 q / (f B) follows by itself. s and the lateral deviation are constants, or
follow Nguyen's law, which gives the deviation of the depth that is reported: the variance of the steps, q^2 / 12, is
then taken from s^2.

A surface returns nothing where the projector does not light it (outside its field, or behind a nearer surface: a z-test
per line), where too little light comes back (reflectance × cosine of incidence / z^2, with a probability that falls to
zero between two limits; or beyond an angle of incidence), and where too much does. What is left is matched by its dots
(`dot_matching.py`).

Draws, in the stream "depth", block 0, one per pixel: along x, along y, disparity, loss.

Differs from a real sensor: the pattern is as sharp at every depth and rectified, reference plane and lens have no
errors, and a dot is seen where its surface returns light, whatever is beside it. Pixels near the image's edge are
matched by what there is of their window.

Sources: Handa, Whelan, McDonald, Davison, "A benchmark for RGB-D visual odometry, 3D reconstruction and SLAM", ICRA
2014; Nguyen, Izadi, Lovell, 3DIMPVT 2012; Konolige, Mihelich, "Technical description of Kinect calibration".
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .depth_images import DepthImages
from .depth_reading import LOW_SIGNAL, NO_SURFACE, OCCLUDED, OUT_OF_OVERLAP, SATURATED, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .dot_matching import NO_DOT, PAD, UNSEEN_DOT, match_dots, round_vote, tabulate_matching
from .dot_pattern import dot_pattern
from .philox import draw_block, stream_key
from .shadow_line import cast_line
from .structured_light_noise import cosine_limit, find_deviations, read_disparity, tabulate_noise
from .structured_light_profile import StructuredLightProfile
from .surface_return import has_surface, kept_share
from .variates import normal, uniform32

_CPU_PIXELS: Final = 1 << 19
_CUDA_PIXELS: Final = 1 << 24
_MARGIN_STEP: Final = 64


@scalar
def _sample_depth(line: Any, depth_in: Any, x: Any, y: Any, height: Any, reach: Any) -> Any:
    """Return the depth at a place of an image, bilinear within the surface that is nearest to the place.

    Neighbours whose disparity differs from it by more than `reach`, given as |1/z - 1/z'| [1/m], belong to others.
    """
    width = depth_in.shape[1]
    x = min(max(x, 0.0), width - 1.0)
    y = min(max(y, 0.0), height - 1.0)
    left, upper = min(np.int64(x), max(width - 2, 0)), min(np.int64(y), max(height - 2, 0))
    u, v = x - left, y - upper
    anchor = np.float64(depth_in[line + upper + (1 if v >= 0.5 else 0), left + (1 if u >= 0.5 else 0)])
    if not has_surface(np.float32(anchor)):
        return 0.0
    total, weights = 0.0, 0.0
    for j in range(2):
        if upper + j >= height:
            continue
        for i in range(2):
            if left + i >= width:
                continue
            z = np.float64(depth_in[line + upper + j, left + i])
            if has_surface(np.float32(z)) and abs(z - anchor) <= reach * z * anchor:
                weight = (v if j == 1 else 1.0 - v) * (u if i == 1 else 1.0 - u)
                total += weight * z
                weights += weight
    return total / weights


@scalar
def _sense_line(
    line: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, fx_in: Any, center_in: Any, row_in: Any, which_in: Any,
    parameter_in: Any, noise_in: Any, pattern_in: Any, pattern_of_in: Any, margin: Any, key_0: Any, key_1: Any,
    sensor: Any, height: Any, seen_out: Any, draw_out: Any, vote_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    width = depth_in.shape[1]
    image = line // height
    y = line - image * height
    row = row_in[image]
    which = which_in[image]
    # Without a branch, and of nothing but its own index: the compiler draws for several pixels at once.
    for x in range(width):
        w0, w1, w2, w3 = draw_block(key_0, key_1, y * width + x, row, sensor, 0)
        draw_out[line, 0, x] = np.float32(normal(w0))
        draw_out[line, 1, x] = np.float32(normal(w1))
        draw_out[line, 2, x] = np.float32(normal(w2))
        draw_out[line, 3, x] = uniform32(w3)

    flipped = parameter_in[which, 0] > 0.0
    focal_baseline = fx_in[image] * parameter_in[which, 1]
    range_min, range_max, reach = parameter_in[which, 2], parameter_in[which, 3], parameter_in[which, 4]
    center = width - 1 - center_in[image, 0] if flipped else center_in[image, 0]
    lit_first = center - fx_in[image] * parameter_in[which, 5]
    lit_last = center + fx_in[image] * parameter_in[which, 5]
    cosine_least = parameter_in[which, 6]
    signal_full, signal_none, signal_max = parameter_in[which, 7], parameter_in[which, 8], parameter_in[which, 9]
    inverse_reach = reach / focal_baseline
    pattern = pattern_of_in[which]
    has_cosine = cosine_in.shape[0] > 0
    has_infrared = infrared_in.shape[0] > 0
    cast_line(line, depth_in, focal_baseline, reach, flipped, margin, seen_out)

    for x in range(PAD):
        vote_out[line, x] = NO_DOT
        vote_out[line, PAD + width + x] = NO_DOT
    for x in range(width):
        # Columns count from the side that is away from the projector; the surface is lit at column - d of its field.
        column = np.float64(width - 1 - x if flipped else x)
        status = VALID
        depth, sampled, cosine = 0.0, 0.0, 1.0
        true_depth = depth_in[line, x]
        z = np.float64(true_depth)
        landing = column
        if not has_surface(true_depth):
            status = NO_SURFACE
        else:
            disparity = focal_baseline / z
            landing = column - disparity
            if z < range_min:
                status = TOO_NEAR
            elif z > range_max:
                status = TOO_FAR
            elif landing < lit_first or landing > lit_last:
                status = OUT_OF_OVERLAP
            elif seen_out[line, np.int64(landing + margin + 0.5)] > disparity + reach:
                status = OCCLUDED
            else:
                if has_cosine:
                    cosine = np.float64(cosine_in[line, x])
                signal = cosine / (z * z)
                if has_infrared:
                    signal *= np.float64(infrared_in[line, x])
                    if signal > signal_max:
                        status = SATURATED
                kept = kept_share(signal, signal_none, signal_full)
                # Negated, so that what is not a number is lost.
                if not (cosine >= cosine_least) or (kept < 1.0 and not (draw_out[line, 3, x] < kept)):
                    status = LOW_SIGNAL
        if status == VALID:
            deviation, lateral = find_deviations(noise_in, which, z, cosine, focal_baseline)
            sampled_depth = _sample_depth(
                image * height, depth_in, x + lateral * draw_out[line, 0, x], y + lateral * draw_out[line, 1, x],
                height, inverse_reach,
            )  # fmt: skip
            sampled = focal_baseline / (sampled_depth if sampled_depth > 0.0 else z)
            noisy = sampled + deviation * draw_out[line, 2, x]
            depth, status = read_disparity(noise_in, which, noisy, focal_baseline)
        depth_out[line, x] = np.float32(depth)
        status_out[line, x] = np.uint8(status)
        place = max(np.int64(math.floor(landing + 0.5)) + margin, 0)
        vote = NO_DOT
        if pattern_in[pattern, y, place] > 0:
            vote = round_vote(sampled) if status == VALID else UNSEEN_DOT
        vote_out[line, PAD + x] = vote


_SENSE: Final = Kernel(_sense_line)


def measure_structured_light(
    images: DepthImages[StructuredLightProfile], *, seed: int, threads: int | None = None
) -> tuple[Any, Any]:
    """Measure depth images with a structured-light sensor; `apply_depth` is the public face.

    Args:
        images: What the sensor looks at. Without `infrared` no surface is too dark or too bright, without `cosine` all
            face the sensor.
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Depth [m] and status of each pixel, shape (N H, W).

    Source: Handa et al., ICRA 2014 (disparity, steps, window); Nguyen, Izadi, Lovell, 3DIMPVT 2012 (noise law).
    """
    profiles, place = images.profiles.profiles, images.place
    lines, width = images.lines
    height, count = images.height, len(images.rows)
    parameters = np.array([
        (
            p.projector_side == "left", p.baseline, p.range_min, p.range_max, p.occlusion_step,
            math.tan(math.radians(p.projector_field) / 2.0), cosine_limit(p.incidence_max), p.signal_full,
            p.signal_none, p.signal_max,
        )
        for p in profiles
    ], dtype=np.float64)  # fmt: skip
    noise, matching = tabulate_noise(profiles), tabulate_matching(profiles)
    margin = _find_margin(images)
    pitches = sorted({p.dot_pitch for p in profiles})
    pattern = np.stack([dot_pattern(pitch, height, margin, width) for pitch in pitches])
    pattern_of = np.array([pitches.index(p.dot_pitch) for p in profiles], np.int64)
    key = stream_key(seed, "depth")
    measured, status = place.allocate((lines, width), np.float32), place.allocate((lines, width), np.uint8)
    # A few images at a time keep the working space small and in the cache.
    step = max(1, (_CPU_PIXELS if place.device == "cpu" else _CUDA_PIXELS) // (height * width))
    space = min(step, count) * height
    seen = place.allocate((space, margin + width), np.float32)
    draws = place.allocate((space, 4, width), np.float32)
    votes = place.allocate((space, width + 2 * PAD), np.float32)
    matched = place.allocate((space, width), np.uint8)
    for start in range(0, count, step):
        end = min(start + step, count)
        part = slice(start * height, end * height)
        which, rows, fx = images.profiles.which[start:end], images.rows[start:end], images.fx[start:end]
        _SENSE.launch(
            (end - start) * height, images.depth[part], images.cosine[part], images.infrared[part], fx,
            images.center[start:end], rows, which, parameters, noise, pattern, pattern_of, margin, *key, images.sensor,
            height, seen, draws, votes, measured[part], status[part], device=place.device, threads=threads,
        )  # fmt: skip
        match_dots(
            (end - start) * height, height, fx * parameters[which, 1], which, rows, matching, noise, key,
            images.sensor, votes, draws, matched, measured[part], status[part], device=place.device, threads=threads,
        )  # fmt: skip
    return measured, status


def _find_margin(images: DepthImages[StructuredLightProfile]) -> int:
    # Columns of the projector's field before column 0 that something lands on; rounded up, so that patterns are few.
    nearest: NDArray[np.float64] = np.array([p.baseline / p.range_min for p in images.profiles.profiles])
    largest = float((images.fx * nearest[images.profiles.which]).max()) if len(images.rows) else 0.0
    return _MARGIN_STEP * (int(largest + 1.0) // _MARGIN_STEP + 1)
