"""What an inertial unit is when it is switched on: its specimen's matrices, its turn-on bias, its processes' start.

Draws. In the stream "imu unit", row fixed, item = unit, blocks 0 to 6: 27 normals: for the gyroscopes and then the
accelerometers, three scale errors and six misalignments by rows; then the nine elements of the g-sensitivity by rows.
In the stream "imu", item 0: blocks 16 to 31, word by word as the samples' noise, for the processes; blocks 32 and 33
for the turn-on bias of the six channels.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .device import Kernel, scalar
from .inertial_parameters import CHANNELS, HISTORY, LANES, PART, PART_NUMBERS, START, STATES
from .philox import FIXED, draw_block
from .variates import normal

GYROSCOPE: Final = 0
"""Place of the gyroscopes' 3 x 3 matrix of scale and misalignment."""
ACCELEROMETER: Final = 9
"""Place of the accelerometers'."""
G_SENSITIVITY: Final = 18
"""Place of what the gyroscopes read of specific force, before scale and misalignment."""
TURN_ON: Final = 27
"""Place of the six turn-on biases."""
SPECIMEN: Final = TURN_ON + CHANNELS
"""Numbers of a specimen."""

_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_BLOCKS: Final = LANES // 4
_SCALE: Final = 7
_MISALIGNMENT: Final = 8


@scalar
def _power_up(
    row: Any, force_in: Any, rate_in: Any, row_in: Any, unit_in: Any, which_in: Any, parameter_in: Any, unit_key_0: Any,
    unit_key_1: Any, key_0: Any, key_1: Any, sensor: Any, specimen_out: Any, state_out: Any,
) -> None:  # fmt: skip
    which, index = which_in[row], row_in[row]
    for k in range(_BLOCKS):
        w0, w1, w2, w3 = draw_block(key_0, key_1, 0, index, sensor, _BLOCKS + k)
        state_out[row, k] = parameter_in[which, START + k] * normal(w0)
        state_out[row, _BLOCKS + k] = parameter_in[which, START + _BLOCKS + k] * normal(w1)
        state_out[row, 2 * _BLOCKS + k] = parameter_in[which, START + 2 * _BLOCKS + k] * normal(w2)
        if 3 * _BLOCKS + k < STATES:
            state_out[row, 3 * _BLOCKS + k] = parameter_in[which, START + 3 * _BLOCKS + k] * normal(w3)
    for part in range(2):
        place = PART + part * PART_NUMBERS
        w0, w1, w2, _ = draw_block(key_0, key_1, 0, index, sensor, 2 * _BLOCKS + part)
        deviation = parameter_in[which, place + 6]
        specimen_out[row, TURN_ON + 3 * part] = deviation * normal(w0)
        specimen_out[row, TURN_ON + 3 * part + 1] = deviation * normal(w1)
        specimen_out[row, TURN_ON + 3 * part + 2] = deviation * normal(w2)
    # 27 normals of the specimen, put where they are to be used: scales are turned into matrices below.
    for k in range(7):
        w0, w1, w2, w3 = draw_block(unit_key_0, unit_key_1, unit_in[row], _FIXED_ROW, sensor, k)
        specimen_out[row, 4 * k] = normal(w0)
        specimen_out[row, 4 * k + 1] = normal(w1)
        specimen_out[row, 4 * k + 2] = normal(w2)
        if 4 * k + 3 < TURN_ON:
            specimen_out[row, 4 * k + 3] = normal(w3)
    for part in range(2):
        place, first = PART + part * PART_NUMBERS, 9 * part
        scale, turn = parameter_in[which, place + _SCALE], parameter_in[which, place + _MISALIGNMENT]
        s0 = 1.0 + scale * specimen_out[row, first]
        s1 = 1.0 + scale * specimen_out[row, first + 1]
        s2 = 1.0 + scale * specimen_out[row, first + 2]
        m01, m02 = turn * specimen_out[row, first + 3], turn * specimen_out[row, first + 4]
        m10, m12 = turn * specimen_out[row, first + 5], turn * specimen_out[row, first + 6]
        m20, m21 = turn * specimen_out[row, first + 7], turn * specimen_out[row, first + 8]
        specimen_out[row, first] = s0
        specimen_out[row, first + 1] = m01 * s1
        specimen_out[row, first + 2] = m02 * s2
        specimen_out[row, first + 3] = m10 * s0
        specimen_out[row, first + 4] = s1
        specimen_out[row, first + 5] = m12 * s2
        specimen_out[row, first + 6] = m20 * s0
        specimen_out[row, first + 7] = m21 * s1
        specimen_out[row, first + 8] = s2
    for k in range(9):
        specimen_out[row, G_SENSITIVITY + k] = parameter_in[which, PART + 9] * specimen_out[row, G_SENSITIVITY + k]
    # The filters have settled on the first sample.
    for k in range(2 * CHANNELS):
        state_out[row, STATES + k] = 0.0
    for i in range(3):
        w = specimen_out[row, GYROSCOPE + 3 * i] * _turn(row, 0, force_in, rate_in, specimen_out)
        w += specimen_out[row, GYROSCOPE + 3 * i + 1] * _turn(row, 1, force_in, rate_in, specimen_out)
        w += specimen_out[row, GYROSCOPE + 3 * i + 2] * _turn(row, 2, force_in, rate_in, specimen_out)
        a = specimen_out[row, ACCELEROMETER + 3 * i] * force_in[row, 0, 0]
        a += specimen_out[row, ACCELEROMETER + 3 * i + 1] * force_in[row, 0, 1]
        a += specimen_out[row, ACCELEROMETER + 3 * i + 2] * force_in[row, 0, 2]
        state_out[row, STATES + i] = w
        state_out[row, STATES + 3 + i] = a


@scalar(forceinline=True)
def _turn(row: Any, axis: Any, force_in: Any, rate_in: Any, specimen_in: Any) -> Any:
    """Return the first sample's turn rate along an axis with what the specific force adds to it."""
    place = G_SENSITIVITY + 3 * axis
    added = specimen_in[row, place] * force_in[row, 0, 0] + specimen_in[row, place + 1] * force_in[row, 0, 1]
    return rate_in[row, 0, axis] + (added + specimen_in[row, place + 2] * force_in[row, 0, 2])


POWER_UP: Final = Kernel(_power_up)
"""Specimen, shape (R, SPECIMEN), and state, shape (R, HISTORY), of each row."""

assert HISTORY == STATES + 2 * CHANNELS
