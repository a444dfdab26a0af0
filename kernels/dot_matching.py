"""Matching of a projector's dots within windows: which pixels find a match, and what fills those that do not.

Each dot that is seen votes with the disparity of its place. A pixel is matched where, of all dots in the window about
it, enough are seen and agree with the mean of those seen: within t (1 + r^2) for a dot r pixels away. A pixel that
measured something and is not matched has no match; then, or where it measured nothing and is matched all the same, it
takes the mean of the votes of matched dots near it, weighted by 1 / (1 + r^2), with its own noise.

Votes are rounded to 1/256 px: their sums are exact, and do not depend on order or device.

Source: Handa, Whelan, McDonald, Davison, "A benchmark for RGB-D visual odometry, 3D reconstruction and SLAM", ICRA
2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .depth_reading import NO_MATCH, VALID
from .device import Kernel, scalar
from .structured_light_noise import read_disparity
from .structured_light_profile import StructuredLightProfile

PAD: Final = 4
"""Columns before and after those of the image in an array of votes."""
NO_DOT: Final = np.float32(-1e6)
"""Vote where there is no dot."""
UNSEEN_DOT: Final = np.float32(-2e6)
"""Vote of a dot that is not seen."""

_BLOCK: Final = 32
_PER_PIXEL: Final = np.float32(256.0)
_PIXEL: Final = np.float32(1.0 / 256.0)
_HALF: Final = np.float32(0.5)
_NONE: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)
_UNSEEN: Final = np.float32(-1.5e6)
_SEEN_UNIT: Final = np.float32(128.0)
_PER_UNIT: Final = np.float32(1.0 / 128.0)
_SEEN: Final = np.float32(129.0)
_NOWHERE: Final = np.float32(1e9)


# Columns of a block are unsigned: an index that may count from the end keeps the compiler from several pixels at once.
_U1, _U2, _U3, _U4 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
_U5, _U6, _U7, _U8 = np.uint64(5), np.uint64(6), np.uint64(7), np.uint64(8)


class MatchingTable(NamedTuple):
    """How each distinct profile matches dots."""

    inside: NDArray[np.float32]
    """1 where a column that far from the middle belongs to the window, else 0, shape (K, 5)."""
    tolerance: NDArray[np.float32]
    """How far a vote that many lines and columns from the middle may be from the mean [px], shape (K, 5, 5)."""
    weight: NDArray[np.float32]
    """Weight of a dot that many lines and columns from what it fills, shape (K, 5, 5)."""
    share: NDArray[np.float32]
    """Share of the dots that must agree, shape (K,)."""
    window_radius: NDArray[np.int64]
    """Pixels on each side, shape (K,)."""
    fill_radius: NDArray[np.int64]
    """Pixels from which dots fill, shape (K,)."""


def tabulate_matching(profiles: Sequence[StructuredLightProfile]) -> MatchingTable:
    """Return how some profiles match dots, as kernels read it."""
    j, i = np.mgrid[0:5, 0:5]
    radius = np.array([p.window_radius for p in profiles], np.int64)
    outside = (np.maximum(j, i) > radius[:, None, None]).astype(bool)
    apart = j * j + i * i
    tolerance = np.array([p.vote_tolerance for p in profiles])[:, None, None] * (1.0 + apart)
    fill = np.array([p.fill_radius for p in profiles], np.int64)
    return MatchingTable(
        inside=(np.arange(5) <= radius[:, None]).astype(np.float32),
        tolerance=np.where(outside, -1.0, tolerance).astype(np.float32),
        weight=np.where(apart <= fill[:, None, None] ** 2, 1.0 / (1.0 + apart), 0.0).astype(np.float32),
        share=np.array([p.vote_share for p in profiles], np.float32),
        window_radius=radius,
        fill_radius=fill,
    )


@scalar(forceinline=True)
def round_vote(disparity: Any) -> Any:
    """Return a disparity as a vote: a multiple of 1/256 px."""
    return np.floor(np.float32(disparity) * _PER_PIXEL + _HALF) * _PIXEL


@scalar(forceinline=True)
def _value(vote: Any) -> Any:
    return vote if vote > _NONE else _NONE


@scalar(forceinline=True)
def _tally(vote: Any) -> Any:
    # One number counts both: 128 per dot that is seen and 1 per dot.
    return _SEEN if vote > _NONE else (_ONE if vote < _UNSEEN else _NONE)


@scalar
def _sum_line(line: Any, which_in: Any, matching_in: Any, height: Any, vote_in: Any, draw_out: Any) -> None:
    """Sum up votes and counts over the window's columns, planes 0 and 1."""
    which = which_in[np.uint64(line) // np.uint64(height)]
    i0, i1, i2 = matching_in.inside[which, 0], matching_in.inside[which, 1], matching_in.inside[which, 2]
    i3, i4 = matching_in.inside[which, 3], matching_in.inside[which, 4]
    for x in range(draw_out.shape[2]):
        v0, v1, v2, v3 = vote_in[line, x], vote_in[line, x + 1], vote_in[line, x + 2], vote_in[line, x + 3]
        v4, v5, v6, v7 = vote_in[line, x + 4], vote_in[line, x + 5], vote_in[line, x + 6], vote_in[line, x + 7]
        v8 = vote_in[line, x + 8]
        draw_out[line, 0, x] = (
            i0 * _value(v4) + i1 * (_value(v3) + _value(v5)) + i2 * (_value(v2) + _value(v6))
            + i3 * (_value(v1) + _value(v7)) + i4 * (_value(v0) + _value(v8))
        )  # fmt: skip
        draw_out[line, 1, x] = (
            i0 * _tally(v4) + i1 * (_tally(v3) + _tally(v5)) + i2 * (_tally(v2) + _tally(v6))
            + i3 * (_tally(v1) + _tally(v7)) + i4 * (_tally(v0) + _tally(v8))
        )  # fmt: skip


@scalar(forceinline=True)
def _agrees(vote: Any, mean: Any, tolerance: Any) -> Any:
    return np.float32(abs(vote - mean) < tolerance)


@scalar
def _match_line(
    line: Any, which_in: Any, matching_in: Any, height: Any, vote_in: Any, draw_in: Any, mean_out: Any, dot_out: Any,
    status_out: Any,
) -> None:  # fmt: skip
    """Find the pixels that are matched: votes of matched dots, else 0, and in plane 2 of `mean_out` what to fill."""
    width = mean_out.shape[2]
    image = np.uint64(line) // np.uint64(height)
    which = which_in[image]
    radius = matching_in.window_radius[which]
    first, last = (
        max(line - radius, np.int64(image) * height),
        min(line + radius, np.int64(image) * height + height - 1),
    )
    for x in range(width):
        mean_out[line, 0, x] = draw_in[first, 0, x]
        mean_out[line, 1, x] = draw_in[first, 1, x]
    for other in range(first + 1, last + 1):
        for x in range(width):
            mean_out[line, 0, x] += draw_in[other, 0, x]
            mean_out[line, 1, x] += draw_in[other, 1, x]
    # Plane 1: dots that must agree. Plane 2: those that do.
    share = matching_in.share[which]
    for x in range(width):
        tally = mean_out[line, 1, x]
        seen = np.float32(np.int32(tally * _PER_UNIT))
        mean_out[line, 0, x] = mean_out[line, 0, x] / seen if seen > _NONE else _NOWHERE
        mean_out[line, 1, x] = share * (tally - seen * _SEEN_UNIT)
        mean_out[line, 2, x] = _NONE
    for other in range(first, last + 1):
        away = abs(other - line)
        t0, t1 = matching_in.tolerance[which, away, 0], matching_in.tolerance[which, away, 1]
        t2, t3 = matching_in.tolerance[which, away, 2], matching_in.tolerance[which, away, 3]
        t4 = matching_in.tolerance[which, away, 4]
        for x in range(width):
            mean = mean_out[line, 0, x]
            mean_out[line, 2, x] += (
                _agrees(vote_in[other, x], mean, t4) + _agrees(vote_in[other, x + 1], mean, t3)
                + _agrees(vote_in[other, x + 2], mean, t2) + _agrees(vote_in[other, x + 3], mean, t1)
                + _agrees(vote_in[other, x + 4], mean, t0) + _agrees(vote_in[other, x + 5], mean, t1)
                + _agrees(vote_in[other, x + 6], mean, t2) + _agrees(vote_in[other, x + 7], mean, t3)
                + _agrees(vote_in[other, x + 8], mean, t4)
            )  # fmt: skip
    for x in range(PAD):
        dot_out[line, x] = _NONE
        dot_out[line, PAD + width + x] = _NONE
    for x in range(width):
        matched = mean_out[line, 2, x] >= mean_out[line, 1, x]
        dot_out[line, PAD + x] = _value(vote_in[line, PAD + x]) if matched else _NONE
        status = status_out[line, x]
        mean_out[line, 2, x] = _ONE if matched != (status == VALID) else _NONE
        status_out[line, x] = status if matched or status != VALID else np.uint8(NO_MATCH)


@scalar(forceinline=True)
def _is_dot(vote: Any) -> Any:
    return _ONE if vote > _NONE else _NONE


@scalar
def _fill_line(
    line: Any, focal_baseline_in: Any, which_in: Any, matching_in: Any, noise_in: Any, height: Any, mean_in: Any,
    dot_in: Any, draw_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    """Fill what has no match, or was matched by what is around it; planes 0 and 1 become sums of votes and weights."""
    width = depth_out.shape[1]
    image = np.uint64(line) // np.uint64(height)
    which = which_in[image]
    focal_baseline = focal_baseline_in[image]
    radius = matching_in.fill_radius[which]
    first, last = (
        max(line - radius, np.int64(image) * height),
        min(line + radius, np.int64(image) * height + height - 1),
    )
    for start in range(0, width, _BLOCK):
        end = min(start + _BLOCK, width)
        open_count = np.int32(0)
        for x in range(np.uint64(start), np.uint64(end)):
            open_count += np.int32(mean_in[line, 2, x] > _NONE)
        if open_count == 0:
            continue
        for x in range(np.uint64(start), np.uint64(end)):
            draw_out[line, 0, x] = _NONE
            draw_out[line, 1, x] = _NONE
        for other in range(first, last + 1):
            dot_count = np.int32(0)
            for x in range(np.uint64(start), np.uint64(end + 2 * PAD)):
                dot_count += np.int32(dot_in[other, x] > _NONE)
            if dot_count == 0:
                continue
            away = abs(other - line)
            w0, w1 = matching_in.weight[which, away, 0], matching_in.weight[which, away, 1]
            w2, w3 = matching_in.weight[which, away, 2], matching_in.weight[which, away, 3]
            w4 = matching_in.weight[which, away, 4]
            for x in range(np.uint64(start), np.uint64(end)):
                v0, v1, v2, v3 = (
                    dot_in[other, x],
                    dot_in[other, x + _U1],
                    dot_in[other, x + _U2],
                    dot_in[other, x + _U3],
                )
                v4, v5, v6, v7 = (
                    dot_in[other, x + _U4],
                    dot_in[other, x + _U5],
                    dot_in[other, x + _U6],
                    dot_in[other, x + _U7],
                )
                v8 = dot_in[other, x + _U8]
                draw_out[line, 0, x] += w0 * v4 + w1 * (v3 + v5) + w2 * (v2 + v6) + w3 * (v1 + v7) + w4 * (v0 + v8)
                draw_out[line, 1, x] += (
                    w0 * _is_dot(v4) + w1 * (_is_dot(v3) + _is_dot(v5)) + w2 * (_is_dot(v2) + _is_dot(v6))
                    + w3 * (_is_dot(v1) + _is_dot(v7)) + w4 * (_is_dot(v0) + _is_dot(v8))
                )  # fmt: skip
        for x in range(np.uint64(start), np.uint64(end)):
            if mean_in[line, 2, x] > _NONE:
                depth, status = 0.0, np.int64(status_out[line, x])
                if draw_out[line, 1, x] > _NONE:
                    disparity = np.float64(draw_out[line, 0, x]) / np.float64(draw_out[line, 1, x])
                    noisy = disparity + np.float64(draw_out[line, 2, x])
                    depth, status = read_disparity(noise_in, which, noisy, focal_baseline)
                depth_out[line, x] = np.float32(depth)
                status_out[line, x] = np.uint8(status)


_SUM: Final = Kernel(_sum_line)
_MATCH: Final = Kernel(_match_line)
_FILL: Final = Kernel(_fill_line)


def match_dots(
    lines: int, height: int, focal_baseline: Any, which: Any, matching: MatchingTable, noise: Any, votes: Any,
    work: Any, means: Any, dots: Any, depth: Any, status: Any, *, device: str, threads: int | None,
) -> None:  # fmt: skip
    """Match the dots of some images, and change what they measured.

    Args:
        lines: Lines of all images.
        height: Lines of an image.
        focal_baseline: f B of each image [px m].
        which: Profile of each image.
        matching: How each profile matches.
        noise: Noise of each profile.
        votes: Vote of each pixel, float32, shape (lines or more, W + 2 PAD).
        work: Planes of `structured_light_sample.py`, float32, shape (lines or more, 5, W); the noise in plane 2 stays.
        means: Space of shape (lines or more, 3, W), float32.
        dots: Space of shape (lines or more, W + 2 PAD), float32.
        depth: Depth [m], shape (lines, W); changed.
        status: Status, shape (lines, W); changed.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.
    """
    options: dict[str, Any] = {"device": device, "threads": threads}
    _SUM.launch(lines, which, matching, height, votes, work, **options)
    _MATCH.launch(lines, which, matching, height, votes, work, means, dots, status, **options)
    _FILL.launch(
        lines, focal_baseline, which, matching, noise, height, means, dots, work, depth, status, **options,
    )  # fmt: skip
