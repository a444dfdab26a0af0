"""A tap of a time-of-flight pixel: its charge, with shot and read noise, in whole counts."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar
from .variates import normal

_ZERO: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_TINY: Final = np.float32(1e-30)
_C6: Final = np.float32(1.0 / 6.0)
_C24: Final = np.float32(1.0 / 24.0)
_C36: Final = np.float32(1.0 / 36.0)
_TWO: Final = np.float32(2.0)
_THREE: Final = np.float32(3.0)
_FIVE: Final = np.float32(5.0)


@scalar(forceinline=True)
def measure_tap(mean: Any, word: Any, read_variance: Any, full_well: Any, per_electron: Any) -> tuple[Any, Any]:
    """Return a tap in whole counts, and its charge before the converter."""
    mean = mean if mean > _ZERO else _ZERO
    variance = mean + read_variance + _TINY
    deviation = np.float32(math.sqrt(variance))
    inverse = _ONE / deviation
    w = np.float32(normal(word))
    w2 = w * w
    ratio = mean * inverse * inverse
    bend = (w2 - _THREE) * _C24 - ratio * (_TWO * w2 - _FIVE) * _C36
    charge = mean + deviation * w + ratio * ((w2 - _ONE) * _C6 + inverse * w * bend)
    charge = charge if charge > _ZERO else _ZERO
    held = charge if charge < full_well else full_well
    return np.float32(np.floor(held * per_electron + _HALF)), charge
