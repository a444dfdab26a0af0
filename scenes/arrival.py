"""When what was taken at a row's instant arrives, and whether it does."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ..kernels.observation_timing import NANOSECONDS, ObservationTiming
from ..kernels.schedule import sample_times


def settle_phase(timing: ObservationTiming) -> ObservationTiming:
    """Return the timing of a sensor that has been on since before the world began: its phase within one period."""
    period = float(timing.period) / NANOSECONDS
    return timing if timing.phase < period else dataclasses.replace(timing, phase=timing.phase % period)


def draw_arrival(
    timing: ObservationTiming, instant: NDArray[np.int64], *, seed: int, index: NDArray[np.int64], sensor: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw the latency and the loss of an image or a scan for each row.

    Args:
        timing: The sensor's timing.
        instant: When it was taken [ns], shape (R,).
        seed: Seed of the draws, range [0, 2^64).
        index: Number of each row in the dataset, shape (R,).
        sensor: Number of the sensor within its rig.

    Returns:
        When it arrives, or would have [ns], and whether it does, shape (R,) each.
    """
    timing = settle_phase(timing)
    # The first sample that is due from then on stands for it: rows at other instants draw anew.
    end = instant + math.ceil(timing.period)
    schedule = sample_times(timing, instant, end, seed=seed, index=index, sensor=sensor)
    return instant + schedule.arrival[:, 0] - schedule.measured[:, 0], schedule.delivered[:, 0]
