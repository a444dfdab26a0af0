"""Rangers of every kind behind one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .optical_ranger import measure_optical_ranger
from .optical_ranger_profile import OpticalRangerProfile
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .ranger_beam import RangerProfile
from .ranger_bundle import prepare_rangers
from .ranger_reading import RangerReading
from .ultrasonic import measure_ultrasonic
from .ultrasonic_profile import UltrasonicProfile


def apply_ranger(
    range: Any,
    profile: str | RangerProfile | Sequence[str | RangerProfile] = "vl53l0x",
    *,
    seed: int,
    index: ArrayLike,
    cosine: Any = None,
    reflectance: Any = None,
    temperature: ArrayLike = 20.0,
    ambient: ArrayLike = 0.0,
    number: ArrayLike = 0,
    sensor: int = 0,
    unit: ArrayLike = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> RangerReading:
    """Measure one range with each bundle of sub-rays.

    Args:
        range: Distance along each sub-ray [m], float32, shape (N, S), in the directions of
            `ranger_directions(profile)`; 0, NaN or infinity where there is nothing. NumPy or torch, or any array that
            shows `__cuda_array_interface__`.
        profile: Built-in name or a profile, or one of either for each measurement, all of one kind.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each measurement, int64, shape (N,).
        cosine: Cosine of incidence, [0, 1], shape (N, S); None for 1.
        reflectance: Of sound, or of infrared light, [0, 1], shape (N, S); None for 1.
        temperature: Of the air [degrees Celsius], [-100, 200], a number or shape (N,); for sound.
        ambient: Ambient light over that of the profile's `ambient_rate`, ≥ 0, a number or shape (N,); for light.
        number: Number of each sample within its row, [0, 2^32), a number or shape (N,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        unit: Which specimen of the sensor it is, [0, 2^31), a number or shape (N,).
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Ranges, the status of each, and the truth.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> reading = apply_ranger(np.full((1, 64), 0.8, np.float32), "vl53l0x", seed=1, index=[0])
        >>> RANGER_STATUS_NAMES[reading.status[0]]
        'valid'
    """
    count = len(range)
    profiles = find_profile_rows(profile, count, lambda name: load_sensor_profile("ranger", name))
    kinds = {type(one) for one in profiles.profiles}
    if len(kinds) != 1 or not kinds <= {UltrasonicProfile, OpticalRangerProfile}:
        given = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"profile must be of one kind, UltrasonicProfile or OpticalRangerProfile, got {given}")
    bundle = prepare_rangers(
        range, profiles, cosine=cosine, reflectance=reflectance, index=index, number=number, unit=unit, sensor=sensor,
        device=device,
    )  # fmt: skip
    if kinds == {UltrasonicProfile}:
        air = _spread(temperature, count, "temperature", -100.0, 200.0)
        parts = measure_ultrasonic(bundle, air, seed=seed, threads=threads)
    else:
        light = _spread(ambient, count, "ambient", 0.0, 1e9)
        parts = measure_optical_ranger(bundle, light, seed=seed, threads=threads)
    measured, status, strength, sigma, truth, outlier = (bundle.place.give(part) for part in parts)
    all_alike = len(profiles.profiles) == 1
    return RangerReading(
        range=measured,
        status=status,
        strength=strength,
        sigma=sigma,
        truth=truth,
        outlier=outlier,
        profiles=profiles.profiles if all_alike else tuple(profiles.profiles[k] for k in profiles.which),
    )


def _spread(value: ArrayLike, count: int, name: str, low: float, high: float) -> NDArray[np.float64]:
    values = np.asarray(value, np.float64)
    if values.shape not in ((), (count,)) or not ((values >= low) & (values <= high)).all():
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}] or {count} of them, got {value!r}")
    return np.broadcast_to(values, (count,)).copy()
