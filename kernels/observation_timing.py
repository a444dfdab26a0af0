"""When a sensor measures, when its readings arrive, and what is known of it at any instant.

Sample n of a sensor is due at phase + n / sampling_rate, rounded to the nearest nanosecond in whole numbers: stamps do
not drift, and a sample has the same stamp whichever window it is asked for in. It arrives a latency later, or never:

    measured[n] = phase + n / rate (+ sampling_jitter w),      arrival[n] = measured[n] + L[n],      P(lost) = dropout

The latency L is log-normal with mean `delay` and standard deviation `jitter`: never negative, and with the long tail of
queues and networks. Latencies are independent of one another, so that where jitter is not small beside the sampling
period a sample may overtake an older one. What an observer then holds is the newest *measurement* that has arrived, as
one who compares stamps does; a late older sample changes nothing.

The vocabulary is dm_control's (`delay`, `buffer_size`) and robosuite's (`sampling_rate`), in seconds and hertz.

Draws, in the stream "timing": item = n, one block, words: latency, loss, instant.

Sources: Tassa et al., "dm_control: software and tasks for continuous control", 2020, with composer/observation/
obs_buffer.py there, whose buffer keeps the order of arrival instead; Zhu et al., "robosuite: a modular simulation
framework and benchmark for robot learning", 2020, with utils/observables.py there.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Final, Literal, Self

from .profile_check import check_choice, check_range, check_whole

NANOSECONDS: Final = 1_000_000_000
"""Nanoseconds of a second."""
MISSING: Final = ("hold", "nan")
"""What is shown in the place of a sample that was lost."""
_RATE: Final = r"\d{1,12}(\.\d{1,12})?|\d{1,12}/\d{1,12}"
SAMPLING_JITTER_MOST: Final = 0.07
"""Most `sampling_jitter` in sampling periods: samples then stay in order."""


@dataclass(frozen=True, kw_only=True)
class ObservationTiming:
    """How often a sensor measures and how late, and how surely, its readings arrive.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> ObservationTiming(sampling_rate=30.0, delay=0.04, jitter=0.005, dropout=0.01)
    """

    sampling_rate: float | Fraction
    """Samples per second [Hz], [1e-6, 1e9]. A float means its decimal; Fraction(30000, 1001) is NTSC's rate."""
    phase: float = 0.0
    """Instant of sample 0 [s], [0, 1e9]."""
    delay: float = 0.0
    """Mean time from measurement to arrival [s], [0, 1e6]."""
    jitter: float = 0.0
    """Standard deviation of that time [s], [0, 1e6]; needs a delay."""
    sampling_jitter: float = 0.0
    """Standard deviation of the instant of measurement about the due one [s], at most 0.07 sampling periods."""
    dropout: float = 0.0
    """Probability that a sample is lost, [0, 1]."""
    missing: Literal["hold", "nan"] = "hold"
    """What is shown in the place of a lost sample: "hold", the one before; "nan", NaN until the next one arrives."""
    buffer_size: int | None = None
    """How many of the newest samples an observation holds, oldest first, [1, 65536]; None: one, without an axis."""

    def __post_init__(self) -> None:
        rate: object = self.sampling_rate
        if isinstance(rate, Fraction):
            if not Fraction(1, 10**6) <= rate <= 10**9:
                raise ValueError(
                    f"sampling_rate must be in [1e-06, 1e+09] Hz, got {rate}; set ObservationTiming.sampling_rate"
                )
        else:
            check_range(self, "sampling_rate", 1e-6, 1e9)
        check_range(self, "phase", 0.0, 1e9)
        check_range(self, "delay", 0.0, 1e6)
        check_range(self, "jitter", 0.0, 1e6)
        check_range(self, "sampling_jitter", 0.0, SAMPLING_JITTER_MOST / float(self.sampling_rate))
        check_range(self, "dropout", 0.0, 1.0)
        check_choice(self, "missing", MISSING)
        if self.buffer_size is not None:
            check_whole(self, "buffer_size", 1, 1 << 16)
        if self.jitter > 0.0 and self.delay == 0.0:
            raise ValueError(
                f"jitter needs a delay to vary, got jitter {self.jitter:g} s and delay 0; set ObservationTiming.delay"
            )

    @property
    def latency_law(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of the latency in seconds; (-inf, 0) without a delay."""
        if self.delay == 0.0:
            return -math.inf, 0.0
        variance = math.log1p((self.jitter / self.delay) ** 2)
        return math.log(self.delay) - 0.5 * variance, math.sqrt(variance)

    @property
    def period(self) -> Fraction:
        """Time between samples [ns], exactly."""
        return NANOSECONDS / _exact(self.sampling_rate)

    def stamp(self, number: int) -> int:
        """Return when a sample is due [ns], to the nearest nanosecond.

        Args:
            number: Number of the sample, ≥ 0.

        Example:
            >>> ObservationTiming(sampling_rate=3.0).stamp(2)
            666666667
        """
        return math.floor(_exact(self.phase) * NANOSECONDS + number * self.period + Fraction(1, 2))

    def number_from(self, time_ns: int) -> int:
        """Return the number of the first sample that is due at an instant [ns] or later."""
        start = time_ns - Fraction(1, 2) - _exact(self.phase) * NANOSECONDS
        return max(0, math.ceil(start / self.period))

    def to_json(self) -> dict[str, Any]:
        """Return every setting as JSON types; a rate that is a fraction as "30000/1001"."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        rate = self.sampling_rate
        return settings | {"sampling_rate": str(rate) if isinstance(rate, Fraction) else rate}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Read a timing from a mapping of its settings.

        Raises:
            ValueError: If a setting is unknown, the rate is missing or a value cannot be.

        Example:
            >>> ObservationTiming.from_json({"sampling_rate": "30000/1001", "delay": 0.04})
        """
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                raise ValueError(f"a timing has no setting {key!r}; {hint}")
        if "sampling_rate" not in given:
            raise ValueError("a timing needs sampling_rate, in samples per second")
        settings = dict(given)
        if isinstance(settings["sampling_rate"], str):
            try:
                if not re.fullmatch(_RATE, settings["sampling_rate"]):  # an exponent could name a number without end
                    raise ValueError("not a number of at most twelve digits, or two of them")
                settings["sampling_rate"] = Fraction(settings["sampling_rate"])
            except (ValueError, ZeroDivisionError) as error:
                raise ValueError(
                    f"sampling_rate must be a number or a fraction such as '30000/1001', got {given['sampling_rate']!r}"
                ) from error
        return cls(**settings)


def _exact(value: float | Fraction) -> Fraction:
    # The decimal that was written, not the binary number nearest to it.
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))
