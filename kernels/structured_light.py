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

Draws, in the stream "depth", of line y: item y h + k of block 0, with h = ceil(W / 2), serves pixels k (words 0, 1)
and h + k (words 2, 3): the upper 11 bits of the first word are the place along x, the next 11 that along y, each one of
2048 equally probable values; the second word is the disparity. Item y ceil(W / 4) + k of block 1 holds the losses of
pixels 4 k to 4 k + 3; it is drawn only where one of them is neither sure to be lost nor sure to return.

Differs from a real sensor: the pattern is as sharp at every depth and rectified, reference plane and lens have no
errors, and a dot is seen where its surface returns light, whatever is beside it. Pixels near the image's edge are
matched by what there is of their window.

Sources: Handa, Whelan, McDonald, Davison, "A benchmark for RGB-D visual odometry, 3D reconstruction and SLAM", ICRA
2014; Nguyen, Izadi, Lovell, 3DIMPVT 2012; Konolige, Mihelich, "Technical description of Kinect calibration".
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_images import DepthImages
from .depth_reading import LOW_SIGNAL, NO_SURFACE, OCCLUDED, OUT_OF_OVERLAP, SATURATED, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .dot_matching import NO_DOT, PAD, UNSEEN_DOT, MatchingTable, match_dots, round_vote, tabulate_matching
from .dot_pattern import dot_pattern
from .occlusion import hide_line
from .philox import draw_block, stream_key
from .structured_light_noise import NoiseTable, tabulate_noise
from .structured_light_profile import StructuredLightProfile
from .structured_light_sample import DRAW, INVERT, PLANES, SAMPLE
from .structured_light_setup import LightSetup, set_up_light
from .variates import uniform32

_CPU_PIXELS: Final = 1 << 19
_CUDA_PIXELS: Final = 1 << 24
_MARGIN_STEP: Final = 64

_NONE: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)


@scalar
def _light_line(
    line: Any, disparity_in: Any, cosine_in: Any, infrared_in: Any, setup_in: Any, row_in: Any, key_0: Any, key_1: Any,
    sensor: Any, height: Any, draw_out: Any,
) -> None:  # fmt: skip
    """Find how much light comes back, plane 1, and what is kept of it, plane 3: above 0 where a pixel returns."""
    width = disparity_in.shape[1]
    image = np.uint64(line) // np.uint64(height)
    focal_baseline = setup_in.focal_baseline[image]
    scale = np.float32(1.0 / (focal_baseline * focal_baseline))
    for x in range(width):
        draw_out[line, 1, x] = disparity_in[line, x] * disparity_in[line, x] * scale
    if cosine_in.shape[0] > 0:
        # What is beyond the limit of incidence, or not a number, has no signal.
        cosine_least = setup_in.cosine_least[image]
        for x in range(width):
            draw_out[line, 1, x] *= cosine_in[line, x] if cosine_in[line, x] >= cosine_least else _NONE
    if infrared_in.shape[0] > 0:
        for x in range(width):
            draw_out[line, 1, x] *= infrared_in[line, x]
    signal_none, signal_scale = setup_in.signal_none[image], setup_in.signal_scale[image]
    unsure = np.int32(0)
    for x in range(width):
        share = (draw_out[line, 1, x] - signal_none) * signal_scale
        draw_out[line, 3, x] = share
        unsure += np.int32(share > _NONE) & np.int32(share < _ONE)
    if unsure > 0:
        first = (line - np.int64(image) * height) * ((width + 3) // 4)
        _lose_line(line, width, first, row_in[image], key_0, key_1, sensor, draw_out)


@scalar
def _lose_line(line: Any, width: Any, first: Any, row: Any, key_0: Any, key_1: Any, sensor: Any, draw_out: Any) -> None:
    """Take a uniform number from each kept share that is between 0 and 1: it changes no other share's sign."""
    for start in range(0, width, 4):
        unsure = False
        for x in range(start, min(start + 4, width)):
            unsure = unsure or _NONE < draw_out[line, 3, x] < _ONE
        if unsure:
            w0, w1, w2, w3 = draw_block(key_0, key_1, first + start // 4, row, sensor, 1)
            draw_out[line, 3, start] -= uniform32(w0)
            if start + 1 < width:
                draw_out[line, 3, start + 1] -= uniform32(w1)
            if start + 2 < width:
                draw_out[line, 3, start + 2] -= uniform32(w2)
            if start + 3 < width:
                draw_out[line, 3, start + 3] -= uniform32(w3)


@scalar
def _shade_line(
    line: Any, disparity_in: Any, setup_in: Any, margin: Any, height: Any, column_out: Any, seen_out: Any,
    shaded_out: Any,
) -> None:  # fmt: skip
    """Find what the projector does not see; columns count from the side that is away from it."""
    width = disparity_in.shape[1]
    image = np.uint64(line) // np.uint64(height)
    first, step = (width - 1, -1) if setup_in.flipped[image] > 0 else (0, 1)
    for x in range(width):
        column_out[line, x] = disparity_in[line, np.uint64(first + step * x)]
        shaded_out[line, x] = np.uint8(VALID)
    for column in range(margin + width):
        seen_out[line, column] = _NONE
    hide_line(line, line, width, np.float64(setup_in.reach[image]), margin, column_out, seen_out, shaded_out)


@scalar
def _judge_line(
    line: Any, disparity_in: Any, setup_in: Any, height: Any, draw_in: Any, shaded_in: Any, status_out: Any
) -> None:
    """Find what returns, by the truth."""
    image = np.uint64(line) // np.uint64(height)
    origin, direction = setup_in.origin[image], setup_in.direction[image]
    lit_first, lit_last = setup_in.lit_first[image], setup_in.lit_last[image]
    least, most = setup_in.disparity_least[image], setup_in.disparity_most[image]
    signal_max = setup_in.signal_max[image]
    for x in range(disparity_in.shape[1]):
        disparity = disparity_in[line, x]
        signal = draw_in[line, 1, x]
        column = origin + direction * np.float32(x)
        landing = column - disparity
        # A comparison with what is not a number is false: such a signal is lost.
        status = VALID if draw_in[line, 3, x] > _NONE else LOW_SIGNAL
        status = SATURATED if signal > signal_max else status
        status = OCCLUDED if shaded_in[line, np.uint64(column)] != VALID else status
        status = OUT_OF_OVERLAP if landing < lit_first or landing > lit_last else status
        status = TOO_FAR if disparity < least else status
        status = TOO_NEAR if disparity > most else status
        status_out[line, x] = np.uint8(status if disparity > _NONE else NO_SURFACE)


@scalar
def _read_line(
    line: Any, setup_in: Any, which_in: Any, noise_in: Any, height: Any, draw_in: Any, depth_out: Any, status_out: Any
) -> None:
    """Add noise to what was sampled, round it to steps, and turn it into depth."""
    image = np.uint64(line) // np.uint64(height)
    which = which_in[image]
    focal_baseline = setup_in.focal_baseline[image]
    step, range_min, range_max = noise_in.value[which, 0], noise_in.value[which, 1], noise_in.value[which, 2]
    inverse_step = 1.0 / step if step > 0.0 else 0.0
    for x in range(depth_out.shape[1]):
        noisy = np.float64(draw_in[line, 4, x]) + np.float64(draw_in[line, 2, x])
        rounded = np.floor(noisy * inverse_step + 0.5) * step
        measured = rounded if step > 0.0 else noisy
        too_far = not (range_max * measured >= focal_baseline)
        too_near = range_min * measured > focal_baseline
        before = status_out[line, x]
        found = TOO_FAR if too_far else (TOO_NEAR if too_near else VALID)
        status = found if before == VALID else np.int64(before)
        status_out[line, x] = np.uint8(status)
        depth_out[line, x] = np.float32(focal_baseline / measured if status == VALID else 0.0)


@scalar
def _vote_line(
    line: Any, disparity_in: Any, setup_in: Any, which_in: Any, pattern_in: Any, pattern_of_in: Any, margin: Any,
    height: Any, draw_in: Any, status_in: Any, vote_out: Any,
) -> None:  # fmt: skip
    """Let the dots that are seen vote."""
    width = disparity_in.shape[1]
    image = np.uint64(line) // np.uint64(height)
    y = line - np.int64(image) * height
    origin, direction, most = setup_in.origin[image], setup_in.direction[image], setup_in.disparity_most[image]
    pattern = pattern_of_in[which_in[image]]
    for x in range(PAD):
        vote_out[line, x] = NO_DOT
        vote_out[line, PAD + width + x] = NO_DOT
    for x in range(width):
        # What is too near counts as at the nearest depth, which the pattern reaches.
        disparity = disparity_in[line, x] if disparity_in[line, x] < most else most
        landing = origin + direction * np.float32(x) - disparity
        place = np.uint64(max(np.int64(np.floor(landing + _HALF)) + margin, 0))
        vote = round_vote(draw_in[line, 4, x]) if status_in[line, x] == VALID else UNSEEN_DOT
        vote_out[line, PAD + x] = vote if pattern_in[pattern, y, place] > 0 else NO_DOT


_LIGHT: Final = Kernel(_light_line)
_SHADE: Final = Kernel(_shade_line)
_JUDGE: Final = Kernel(_judge_line)
_READ: Final = Kernel(_read_line)
_VOTE: Final = Kernel(_vote_line)


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
    noise, matching = tabulate_noise(profiles), tabulate_matching(profiles)
    setup = set_up_light(images)
    # Columns of the projector's field before column 0 that something lands on; rounded up, so that patterns are few.
    margin = _MARGIN_STEP * (int(setup.disparity_most.max(initial=0.0) + 1.0) // _MARGIN_STEP + 1)
    pitches = sorted({p.dot_pitch for p in profiles})
    pattern = np.stack([dot_pattern(pitch, height, margin, width) for pitch in pitches])
    pattern_of = np.array([pitches.index(p.dot_pitch) for p in profiles], np.int64)
    reach = np.array([p.occlusion_step for p in profiles], np.float32)
    which_all, rows_all, reach, pattern_of, pattern = place.lend_tables(
        images.profiles.which, images.rows, reach, pattern_of, pattern
    )
    noise, matching = NoiseTable(*place.lend_tables(*noise)), MatchingTable(*place.lend_tables(*matching))
    setup = LightSetup(*place.lend_tables(*setup))
    key = stream_key(seed, "depth")
    measured, status = place.allocate((lines, width), np.float32), place.allocate((lines, width), np.uint8)
    # A few images at a time keep the working space small and in the cache.
    step = max(1, (_CPU_PIXELS if place.device == "cpu" else _CUDA_PIXELS) // (height * width))
    space = min(step, count) * height
    seen = place.allocate((space, margin + width), np.float32)
    draws = place.allocate((space, PLANES, width), np.float32)
    words = place.allocate((space, 4, (width + 1) // 2), np.uint32)
    votes = place.allocate((space, width + 2 * PAD), np.float32)
    means = place.allocate((space, 3, width), np.float32)
    dots = place.allocate((space, width + 2 * PAD), np.float32)
    columns, shaded = place.allocate((space, width), np.float32), place.allocate((space, width), np.uint8)
    disparity = place.allocate((space + 2, width), np.float32)  # read, and weighed with 0, beyond the last line
    flat = disparity.reshape(-1)
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    for start in range(0, count, step):
        end = min(start + step, count)
        part, total = slice(start * height, end * height), (end - start) * height
        which, rows, here = which_all[start:end], rows_all[start:end], setup.take(slice(start, end))
        products = here.focal_baseline
        true_depth, cosine, infrared = images.depth[part], images.take("cosine", part), images.take("infrared", part)
        depth, found = measured[part], status[part]
        INVERT.launch(total + 1, total, true_depth, products, height, disparity, **options)
        DRAW.launch(
            total, disparity, cosine, products, rows, which, noise, *key, images.sensor, height, words, draws, **options
        )
        SAMPLE.launch(total, disparity, flat, which, reach, height, draws, **options)
        _LIGHT.launch(total, disparity, cosine, infrared, here, rows, *key, images.sensor, height, draws, **options)
        _SHADE.launch(total, disparity, here, margin, height, columns, seen, shaded, **options)
        _JUDGE.launch(total, disparity, here, height, draws, shaded, found, **options)
        _READ.launch(total, here, which, noise, height, draws, depth, found, **options)
        _VOTE.launch(total, disparity, here, which, pattern, pattern_of, margin, height, draws, found, votes, **options)
        match_dots(
            total, height, products, which, matching, noise, votes, draws, means, dots, depth, found, **options,
        )  # fmt: skip
    return measured, status
