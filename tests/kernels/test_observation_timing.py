"""The law of observation timing: exact stamps, ranges, JSON."""

import json
import math
from fractions import Fraction

import pytest

from simloom.kernels.observation_timing import ObservationTiming


@pytest.mark.parametrize("rate", [1808.45, 30.0, 3.0, Fraction(30000, 1001), 1e9 / 55296.0, 0.1, 7])
@pytest.mark.parametrize("number", [0, 1, 7, 10**6 + 1, 10**9])
def test_stamps_do_not_drift(rate: float | Fraction, number: int) -> None:
    """After 1e9 samples a stamp is still within half a nanosecond of the decimal rate's own instant."""
    exact = Fraction(number) * 10**9 / (rate if isinstance(rate, Fraction) else Fraction(repr(float(rate))))

    assert abs(ObservationTiming(sampling_rate=rate).stamp(number) - exact) <= Fraction(1, 2)


def test_a_float_means_its_decimal() -> None:
    """1808.45 Hz is 36169 samples in 20 seconds, not the binary number beside it; 0.1 s of phase are 1e8 ns."""
    timing = ObservationTiming(sampling_rate=1808.45, phase=0.1)

    assert timing.stamp(36169 * 10**5) == 20 * 10**14 + 10**8


def test_the_number_at_an_instant_inverts_the_stamp() -> None:
    """The first sample due at a stamp or later is that one; a nanosecond on, it is the next."""
    timing = ObservationTiming(sampling_rate=1808.45, phase=0.25)
    for number in (0, 1, 1234, 10**9 + 7):
        assert timing.number_from(timing.stamp(number)) == number
        assert timing.number_from(timing.stamp(number) + 1) == number + 1
    assert timing.number_from(0) == 0


def test_the_latency_law_has_the_stated_moments() -> None:
    """Mean and variance of the log-normal law are delay and jitter squared."""
    mu, sigma = ObservationTiming(sampling_rate=1.0, delay=0.04, jitter=0.03).latency_law

    assert math.exp(mu + sigma**2 / 2) == pytest.approx(0.04, rel=1e-12)
    assert math.expm1(sigma**2) * math.exp(2 * mu + sigma**2) == pytest.approx(0.03**2, rel=1e-12)


@pytest.mark.parametrize("rate", [20.0, 30, Fraction(30000, 1001)])
def test_json_goes_there_and_back(rate: float | Fraction) -> None:
    """A timing survives being written as JSON."""
    timing = ObservationTiming(sampling_rate=rate, phase=0.1, delay=0.2, jitter=0.05, missing="nan", buffer_size=3)

    assert ObservationTiming.from_json(json.loads(json.dumps(timing.to_json()))) == timing


@pytest.mark.parametrize(
    "given, message",
    [
        ({"sampling_rate": 0.0}, "sampling_rate must be a number in"),
        ({"sampling_rate": Fraction(10**10)}, "sampling_rate must be in"),
        ({"sampling_rate": 10.0, "delay": -1.0}, "delay must be a number in"),
        ({"sampling_rate": 10.0, "jitter": 0.1}, "jitter needs a delay"),
        ({"sampling_rate": 10.0, "sampling_jitter": 0.008}, r"sampling_jitter must be a number in \[0, 0.007\]"),
        ({"sampling_rate": 10.0, "dropout": 1.5}, "dropout must be a number in"),
        ({"sampling_rate": 10.0, "missing": "zero"}, "missing must be one of hold, nan"),
        ({"sampling_rate": 10.0, "buffer_size": 0}, "buffer_size must be a whole number"),
    ],
)
def test_impossible_settings_are_refused(given: dict[str, object], message: str) -> None:
    """Each error names the setting, what was given and what is allowed."""
    with pytest.raises(ValueError, match=message):
        ObservationTiming(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given, message",
    [
        ({"sampling_rate": 10.0, "dealy": 0.1}, "no setting 'dealy'; did you mean 'delay'"),
        ({"delay": 0.1}, "needs sampling_rate"),
        ({"sampling_rate": "ten"}, "must be a number or a fraction"),
        ({"sampling_rate": "1/0"}, "must be a number or a fraction"),
    ],
)
def test_unreadable_settings_are_refused(given: dict[str, object], message: str) -> None:
    """A wrong name is answered with the nearest one."""
    with pytest.raises(ValueError, match=message):
        ObservationTiming.from_json(given)


@pytest.mark.parametrize("text", ["1e9999999", "1" * 40, "1/0", "3/", "-2", "nan", "0x10", "1_0"])
def test_rates_that_would_not_end_are_refused(text: str) -> None:
    """A rate as text is at most twelve digits, or two such numbers: nothing in a recipe takes for ever to read."""
    with pytest.raises(ValueError, match="sampling_rate must be a number or a fraction"):
        ObservationTiming.from_json({"sampling_rate": text})
