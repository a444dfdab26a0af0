"""An observer who keeps the newest measurement: one message after the other, in the order of their arrival."""

from __future__ import annotations

import math

import numpy as np

from simloom.kernels.philox import philox_words
from simloom.kernels.variates import normal_quantile


def draw_timing(seed: int, number: int, row: int, sensor: int) -> tuple[float, float, float]:
    """Return the normal of a sample's latency, the uniform of its loss and the normal of its instant."""
    words = philox_words(seed, "timing", np.array([[number, row & 0xFFFFFFFF, row >> 32]]), sensor << 16)[0]
    uniform = [(float(word) + 0.5) / 2.0**32 for word in words]
    return normal_quantile(uniform[0]), uniform[1], normal_quantile(uniform[2])


def draw_latency(seed: int, number: int, row: int, sensor: int, delay: float, jitter: float) -> float:
    """Return the latency of a sample [s]: log-normal of given mean and standard deviation."""
    spread = math.sqrt(math.log(1.0 + (jitter / delay) ** 2))
    return delay * math.exp(spread * draw_timing(seed, number, row, sensor)[0] - 0.5 * spread**2)


def hold_newest(
    measured: list[int], arrival: list[int], delivered: list[bool], query: list[int], holds: bool
) -> list[int]:
    """Return the place of the sample that is held at each instant, -1 for none or a lost one."""
    held: list[int] = []
    for instant in query:
        newest = -1
        for place in sorted(range(len(measured)), key=lambda k: (arrival[k], k)):
            message = delivered[place] or not holds
            if arrival[place] <= instant and message and (newest < 0 or measured[place] > measured[newest]):
                newest = place
        held.append(newest if newest >= 0 and delivered[newest] else -1)
    return held
