"""The steps of encoders' readings, four joints and some hundred samples at a time; `encoder.py` has the formulas.

Four joints share a draw block. What depends on the sample before runs through them side by side, so that none waits for
its own last result; all else is loops without a branch over scratch, where the compiler works on several samples at
once.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import Kernel, scalar
from .philox import FIXED, draw_block
from .play import follow_play
from .series_rows import TILE
from .turns import sin_turns
from .variates import normal, normal_single, uniform64

GROUP: Final = 4
"""Joints that are read side by side."""
_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_TURN: Final = 2.0 * math.pi
_PER_TURN: Final = 0.5 / math.pi
_SHAFT, _RAW = 0, 1


@scalar
def _draw_specimen(row: Any, unit: Any, sensor: Any, key_0: Any, key_1: Any, spread: Any, offset: Any,
                   offset_out: Any, eccentricity_out: Any) -> None:  # fmt: skip
    """Draw zero, amplitude and phase of each joint: the shaft's centre is displaced along two axes alike."""
    for joint in range(offset_out.shape[1]):
        w0, w1, w2, _ = draw_block(key_0, key_1, unit, _FIXED_ROW, sensor, joint)
        offset_out[row, joint] = offset * normal(w0)
        # The amplitude of two equal normal components: its mean square is `spread` squared.
        eccentricity_out[row, joint, 0] = spread * math.sqrt(-math.log(uniform64(w1)))
        eccentricity_out[row, joint, 1] = _TURN * uniform64(w2)


@scalar
def _draw_noise(lane: Any, index: Any, sensor: Any, item: Any, block: Any, count: Any, key_0: Any, key_1: Any,
                word_out: Any) -> None:  # fmt: skip
    for t in range(count):
        w0, w1, w2, w3 = draw_block(key_0, key_1, item + t, index, sensor, block)
        word_out[lane, 0, t] = np.uint32(w0)
        word_out[lane, 1, t] = np.uint32(w1)
        word_out[lane, 2, t] = np.uint32(w2)
        word_out[lane, 3, t] = np.uint32(w3)


@scalar
def _take_up_play(lane: Any, row: Any, at: Any, size: Any, count: Any, half: Any, follower_out: Any,
                  work_out: Any) -> None:  # fmt: skip
    """Move the followers of up to four joints; places without a joint are moved along with the last."""
    j1, j2, j3 = min(1, size - 1), min(2, size - 1), min(3, size - 1)
    y0, y1 = follower_out[row, at], follower_out[row, at + j1]
    y2, y3 = follower_out[row, at + j2], follower_out[row, at + j3]
    for t in range(count):
        x0, x1 = work_out[lane, _SHAFT, 0, t], work_out[lane, _SHAFT, 1, t]
        x2, x3 = work_out[lane, _SHAFT, 2, t], work_out[lane, _SHAFT, 3, t]
        y0, y1 = follow_play(y0, x0, half), follow_play(y1, x1, half)
        y2, y3 = follow_play(y2, x2, half), follow_play(y3, x3, half)
        work_out[lane, _SHAFT, 0, t], work_out[lane, _SHAFT, 1, t] = y0, y1
        work_out[lane, _SHAFT, 2, t], work_out[lane, _SHAFT, 3, t] = y2, y3


@scalar
def _filter(lane: Any, row: Any, at: Any, size: Any, count: Any, keep: Any, last_out: Any, work_out: Any) -> None:
    j1, j2, j3 = min(1, size - 1), min(2, size - 1), min(3, size - 1)
    v0, v1, v2, v3 = last_out[row, at], last_out[row, at + j1], last_out[row, at + j2], last_out[row, at + j3]
    for t in range(count):
        v0 = keep * v0 + work_out[lane, _RAW, 0, t]
        v1 = keep * v1 + work_out[lane, _RAW, 1, t]
        v2 = keep * v2 + work_out[lane, _RAW, 2, t]
        v3 = keep * v3 + work_out[lane, _RAW, 3, t]
        work_out[lane, _RAW, 0, t], work_out[lane, _RAW, 1, t] = v0, v1
        work_out[lane, _RAW, 2, t], work_out[lane, _RAW, 3, t] = v2, v3


@scalar
def _count_steps(lane: Any, place: Any, count: Any, gear: Any, offset: Any, amplitude: Any, phase: Any, noise: Any,
                 per_radian: Any, word_in: Any, work_out: Any) -> None:  # fmt: skip
    phase_turns = phase * _PER_TURN
    for t in range(count):
        shaft = gear * (work_out[lane, _SHAFT, place, t] + offset)
        work_out[lane, _SHAFT, place, t] = shaft + amplitude * sin_turns(shaft * _PER_TURN + phase_turns)
    if noise > 0.0:
        for t in range(count):
            work_out[lane, _SHAFT, place, t] += noise * np.float64(normal_single(word_in[lane, place, t]))
    for t in range(count):
        work_out[lane, _SHAFT, place, t] = np.floor(work_out[lane, _SHAFT, place, t] * per_radian + 0.5)


@scalar
def _difference(lane: Any, row: Any, joint: Any, place: Any, start: Any, count: Any, fresh: Any, window: Any,
                scale: Any, history_in: Any, count_out: Any, work_out: Any) -> None:  # fmt: skip
    """Take differences over the window: with counts of the history, of earlier tiles, and of this one."""
    kept = history_in.shape[1]
    for t in range(count):
        count_out[row, start + t, joint] = np.int64(work_out[lane, _SHAFT, place, t])
    early = min(max(window - start, 0), count)
    for t in range(early):
        before = kept + (start + t) - window
        earlier = count_out[row, 0, joint] if fresh else history_in[row, before, joint]
        work_out[lane, _RAW, place, t] = (work_out[lane, _SHAFT, place, t] - np.float64(earlier)) * scale
    middle = max(min(window, count), early)
    for t in range(early, middle):
        earlier = count_out[row, start + t - window, joint]
        work_out[lane, _RAW, place, t] = (work_out[lane, _SHAFT, place, t] - np.float64(earlier)) * scale
    for t in range(count - middle):
        late = work_out[lane, _SHAFT, place, t + middle] - work_out[lane, _SHAFT, place, t + middle - window]
        work_out[lane, _RAW, place, t + middle] = late * scale


@scalar
def _keep_counts(row: Any, fresh: Any, history_in: Any, count: Any, history_out: Any) -> None:
    """Keep the last counts; those before power-up are the first."""
    kept = history_out.shape[1]
    for place in range(kept):
        t = count.shape[1] - kept + place
        for joint in range(count.shape[2]):
            if t >= 0:
                history_out[row, place, joint] = count[row, t, joint]
            else:
                history_out[row, place, joint] = count[row, 0, joint] if fresh else history_in[row, kept + t, joint]


@scalar
def _wrap(row: Any, turn: Any, step: Any, gear_in: Any, home_in: Any, count_out: Any, position_out: Any) -> None:
    half = turn // np.int64(2)
    for t in range(count_out.shape[1]):
        for joint in range(count_out.shape[2]):
            count = count_out[row, t, joint]
            count_out[row, t, joint] = count % turn
            near = (count + half) % turn - half
            position_out[row, t, joint] = np.float64(near) * (step / gear_in[row, joint]) + home_in[row, joint]


@scalar
def _read_row(
    lane: Any, row: Any, position_in: Any, gear_in: Any, home_in: Any, index_in: Any, unit_in: Any, which_in: Any,
    parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any, plays: Any, follower_in: Any,
    history_in: Any, velocity_in: Any, origin_in: Any, position_out: Any, velocity_out: Any, count_out: Any,
    path_out: Any, offset_out: Any, eccentricity_out: Any, follower_out: Any, history_out: Any, last_out: Any,
    origin_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    which = which_in[row]
    samples, joints = position_in.shape[1], position_in.shape[2]
    step, half, noise = _TURN / parameter_in[which, 0], parameter_in[which, 3], parameter_in[which, 4]
    window, share, absolute = np.int64(parameter_in[which, 5]), parameter_in[which, 7], parameter_in[which, 8] > 0.0
    _draw_specimen(
        row, unit_in[row], sensor, key_0, key_1, parameter_in[which, 2], parameter_in[which, 1], offset_out,
        eccentricity_out,
    )  # fmt: skip
    for joint in range(joints):
        follower_out[row, joint] = position_in[row, 0, joint] if fresh else follower_in[row, joint]
        last_out[row, joint] = 0.0 if fresh else velocity_in[row, joint]
        origin_out[row, joint] = np.int64(0) if fresh else origin_in[row, joint]
    for start in range(0, samples, TILE):
        count = min(TILE, samples - start)
        for at in range(0, joints, GROUP):
            size = min(GROUP, joints - at)
            if noise > 0.0:
                _draw_noise(lane, index_in[row], sensor, first + start, at // GROUP, count, key_0, key_1, word_out)
            for place in range(GROUP):
                joint = at + min(place, size - 1)
                for t in range(count):
                    work_out[lane, _SHAFT, place, t] = position_in[row, start + t, joint]
            if half > 0.0:
                _take_up_play(lane, row, at, size, count, half, follower_out, work_out)
            for place in range(size):
                joint = at + place
                gear = gear_in[row, joint]
                scale = step / gear
                follower_out[row, joint] = work_out[lane, _SHAFT, place, count - 1]
                if plays:
                    for t in range(count):
                        path_out[row, start + t, joint] = work_out[lane, _SHAFT, place, t]
                _count_steps(
                    lane, place, count, gear, offset_out[row, joint], eccentricity_out[row, joint, 0],
                    eccentricity_out[row, joint, 1], noise, 1.0 / step, word_out, work_out,
                )  # fmt: skip
                _difference(
                    lane, row, joint, place, start, count, fresh, window,
                    share * (scale * parameter_in[which, 6] / np.float64(window)), history_in, count_out, work_out,
                )  # fmt: skip
                if fresh and not absolute and start == 0:
                    origin_out[row, joint] = count_out[row, 0, joint]
                origin, home = np.float64(origin_out[row, joint]), home_in[row, joint]
                for t in range(count):
                    position_out[row, start + t, joint] = (work_out[lane, _SHAFT, place, t] - origin) * scale + home
            if share < 1.0:
                for place in range(size, GROUP):
                    for t in range(count):
                        work_out[lane, _RAW, place, t] = 0.0
                _filter(lane, row, at, size, count, 1.0 - share, last_out, work_out)
            for place in range(size):
                last_out[row, at + place] = work_out[lane, _RAW, place, count - 1]
                for t in range(count):
                    velocity_out[row, start + t, at + place] = work_out[lane, _RAW, place, t]
    _keep_counts(row, fresh, history_in, count_out, history_out)
    if not absolute:
        for t in range(samples):
            for joint in range(joints):
                count_out[row, t, joint] -= origin_out[row, joint]
    if parameter_in[which, 9] > 0.0:
        _wrap(row, np.int64(parameter_in[which, 0]), step, gear_in, home_in, count_out, position_out)


@scalar
def _read_lane(
    lane: Any, position_in: Any, gear_in: Any, home_in: Any, index_in: Any, unit_in: Any, which_in: Any,
    parameter_in: Any, key_0: Any, key_1: Any, sensor: Any, first: Any, fresh: Any, plays: Any, follower_in: Any,
    history_in: Any, velocity_in: Any, origin_in: Any, lanes: Any, position_out: Any, velocity_out: Any, count_out: Any,
    path_out: Any, offset_out: Any, eccentricity_out: Any, follower_out: Any, history_out: Any, last_out: Any,
    origin_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    # The rows of a lane share scratch, which then stays in the nearest cache.
    rows = position_in.shape[0]
    for row in range(np.int64(lane) * rows // lanes, (np.int64(lane) + 1) * rows // lanes):
        _read_row(
            lane, row, position_in, gear_in, home_in, index_in, unit_in, which_in, parameter_in, key_0, key_1, sensor,
            first, fresh, plays, follower_in, history_in, velocity_in, origin_in, position_out, velocity_out, count_out,
            path_out, offset_out, eccentricity_out, follower_out, history_out, last_out, origin_out, word_out, work_out,
        )  # fmt: skip


READ: Final = Kernel(_read_lane)
