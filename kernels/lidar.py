"""LiDAR: what a pulsed laser scanner reports of the surfaces that the sub-rays of its beams meet.

Each sub-ray returns its share of the beam's light (`lidar_return`). Sub-rays whose ranges follow one another within the
length of an echo make one echo, at the mean of their ranges weighted by their light: that is a mixed return where they
belong to different surfaces. An echo's SNR is its light times that of a white target at 1 m; its amplitude is the SNR
plus a normal number, and what reaches the threshold within the range gate is reported, as the return mode says.

    range = mean + sigma(SNR) n + bias, rounded to the step;     amplitude = SNR + s n

Draws, in the stream "lidar", item = firing: block 0, words 0 and 1: where it points (`lidar_beam`), words 2 and 3:
range and amplitude of a false alarm; block 1 + e: amplitude and range of echo e, counted from the sensor; words 2 and 3
of block 1: drop-out and false alarm.

Differs from a real sensor: echoes are told apart by their ranges and not by the shape of a sum of pulses, and one does
not hide in the tail of another; the receiver does not saturate; no light comes by a second reflection; every channel is
like any other.

Sources: Winiwarter et al., "Virtual laser scanning with HELIOS++", 2022 (sub-rays); Kilic et al., "LiDAR light
scattering augmentation (LISA)", 2021 (threshold from one point of a data sheet).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .beam_optics import find_optics
from .image_rows import check_rows, check_sensor
from .lidar_band import BAND, WORK
from .lidar_beam import subray_offsets
from .lidar_echoes import ECHOES
from .lidar_profile import RETURN_MODES, LidarProfile
from .lidar_reading import LidarReading
from .lidar_return import pack_range_noise
from .philox import stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .tensors import Place, find_place
from .weather import Weather
from .weather_echo import Air

MAX_FIRINGS: Final = 1 << 22
"""Most firings of a frame."""

_PART: Final = 64 * BAND  # firings that share working space


def apply_lidar(
    range: Any,
    profile: str | LidarProfile | Sequence[str | LidarProfile] = "velodyne_vlp16",
    *,
    seed: int,
    index: ArrayLike,
    cosine: Any = None,
    reflectance: Any = None,
    specular: Any = None,
    shininess: Any = None,
    surface: Any = None,
    extinction: ArrayLike = 0.0,
    soft_range: Any = None,
    soft_power: Any = None,
    soft_type: Any = None,
    weather: Weather | Sequence[Weather] | None = None,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> LidarReading:
    """Measure frames of N LiDARs.

    Args:
        range: True range along each sub-ray [m], float32, shape (N, P, S): P firings of S sub-rays, either 1 or what
            the profile says, in the order of `subray_offsets`; 0, NaN or infinity where it meets nothing. NumPy, torch,
            or any array that shows `__cuda_array_interface__`; the reading is of that kind.
        profile: Built-in name or a profile, or one of either for each frame.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each frame, int64, shape (N,).
        cosine: Cosine of incidence, shape (N, P, S); None where all surfaces face the sensor.
        reflectance: Reflectance at the LiDAR's wavelength, shape (N, P, S); None for 0.5.
        specular: Share of a specular lobe, [0, 1], shape (N, P, S); None for none.
        shininess: Exponent of that lobe, a number ≥ 1 or shape (N, P, S); needed where `specular` is given.
        surface: Number of the surface that each sub-ray meets, int32, shape (N, P, S), to tell mixed returns by; None.
        extinction: Extinction coefficient of the air [1/m], a number or shape (N,).
        soft_range: Range of one more echo of each firing, of drops in its beam [m], shape (N, P); 0 for none.
        soft_power: Light of that echo, of the whole beam and with its extinction, where a white target that faces the
            sensor at 1 m in clear air gives 1; shape (N, P).
        soft_type: What makes it, uint8, shape (N, P): place in `RETURN_NAMES`.
        weather: The air, or one for each frame, which then gives extinction and further echo (`weather_echo`); None
            where they are given or there are none.
        sensor: Number of the sensor within its rig, [0, 2^16); sensors of one rig need different ones.
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        The returns, with E the most of any profile, and the truth.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: see the module.

    Example:
        >>> reading = apply_lidar(np.full((1, 16, 1), 20.0, np.float32), "velodyne_vlp16", seed=1, index=[0])
        >>> reading.range.shape
        (1, 16, 2)
    """
    shape = tuple(range.shape)
    if len(shape) != 3 or not 1 <= shape[1] <= MAX_FIRINGS or shape[2] < 1:
        raise ValueError(f"range must have shape (N, P, S) with P in [1, {MAX_FIRINGS}] and S ≥ 1, got {shape}")
    count, firings, subrays = shape
    rows = find_profile_rows(profile, count, lambda name: load_sensor_profile("lidar", name))
    profiles = rows.profiles
    if not profiles:
        raise ValueError("profile must name at least one profile, got none; give one for all frames")
    for one in profiles:
        if not isinstance(one, LidarProfile):
            raise ValueError(f"profile must be a LidarProfile or the name of one, got {type(one).__name__}")
        if subrays not in (1, one.subray_count):
            raise ValueError(
                f"range must have 1 or {one.subray_count} sub-rays for {one.name!r}, got {subrays}; cast the rays of "
                "aim_rays, or set LidarProfile.subray_rings"
            )
    if (specular is None) != (shininess is None):
        raise ValueError("specular and shininess must be given together, got one; give both or neither")
    if not (soft_range is None) == (soft_power is None) == (soft_type is None):
        raise ValueError("soft_range, soft_power and soft_type must be given together; give all or none")
    if shininess is not None and not hasattr(shininess, "shape"):
        shininess = np.full(shape, shininess, np.float32)
    air = np.asarray(extinction, dtype=np.float64)
    if air.shape not in ((), (count,)) or not (np.isfinite(air).all() and (air >= 0.0).all()):
        raise ValueError(f"extinction must be a number ≥ 0 or an array of shape ({count},), got {extinction!r}")
    if weather is not None and (soft_range is not None or air.any()):
        raise ValueError("weather makes extinction and soft echoes itself; give it or them, not both")
    place = find_place(range, device)
    beams, returns = count * firings, max(one.max_returns for one in profiles)
    outputs = [
        place.allocate((beams, returns), dtype)
        for dtype in (np.float32, np.float32, np.float32, np.uint8, np.int16, np.float32, np.float32)
    ]
    outputs.append(place.allocate((beams if surface is not None else 0, returns), np.float32))
    # On CUDA each firing has its own thread, and room for its sub-rays alone.
    length, room = (1, 2 * subrays) if place.device == "cuda" else (min(_PART, firings), WORK)
    parts = count * -(-firings // length)
    ranges, indices = _borrow(place, range, shape, "range"), check_rows(index, count)
    surroundings = None
    if weather is not None:
        surroundings = Air(
            weather, [find_optics(one) for one in profiles], rows.which, seed=seed, rows=indices,
            sensor=check_sensor(sensor),
        )  # fmt: skip
        air = surroundings.extinction
        echoes = surroundings.draw_echoes(ranges, firings, place, threads)
        soft_range, soft_power, soft_type = (echo.reshape((count, firings)) for echo in echoes)
    soft = (count, firings, 1)
    weights = np.ones((len(profiles), 1)) if subrays == 1 else np.array([subray_offsets(one)[1] for one in profiles])
    ECHOES.launch(
        parts, ranges, _borrow(place, cosine, shape, "cosine"),
        _borrow(place, reflectance, shape, "reflectance"), _borrow(place, specular, shape, "specular"),
        _borrow(place, shininess, shape, "shininess"), _borrow(place, surface, shape, "surface", np.int32),
        _borrow(place, _column(soft_range), soft, "soft_range"),
        _borrow(place, _column(soft_power), soft, "soft_power"),
        _borrow(place, _column(soft_type), soft, "soft_type", np.uint8), np.broadcast_to(air, (count,)).copy(),
        indices, rows.which, np.array([_pack_parameters(one) for one in profiles]),
        np.array([pack_range_noise(one.range_noise_snr, one.range_noise) for one in profiles]), weights,
        *stream_key(seed, "lidar"), check_sensor(sensor), firings, length,
        place.allocate((parts, room), np.float32), *outputs, device=place.device, threads=threads,
    )  # fmt: skip
    if surroundings is not None:
        limits = np.array([(one.range_min, one.range_max, one.range_resolution) for one in profiles])[rows.which]
        surroundings.blur_ranges(outputs[0], outputs[5], outputs[3], limits, firings, place, threads)
    given = [place.give(output.reshape((count, firings, returns))) for output in outputs if output.shape[0] == beams]
    return LidarReading(
        range=given[0], intensity=given[1], snr=given[2], return_type=given[3], subray=given[4], truth=given[5],
        spread=given[6], mixed=given[7] if surface is not None else None,
        profiles=profiles if len(profiles) == 1 else tuple(profiles[k] for k in rows.which),
    )  # fmt: skip


def _column(value: Any) -> Any:
    """Return an array of one number per firing as one of one sub-ray each."""
    return None if value is None else value.reshape((*tuple(value.shape), 1))


def _borrow(place: Place, value: Any, shape: tuple[int, int, int], name: str, dtype: Any = np.float32) -> Any:
    """Return one number per sub-ray, shape (N P, S); of shape (0, 1) where there are none."""
    if value is None:
        return np.empty((0, 1), dtype)
    if tuple(value.shape) != shape:
        wanted = shape if not name.startswith("soft") else shape[:2]
        found = tuple(value.shape) if not name.startswith("soft") else tuple(value.shape)[:-1]
        raise ValueError(f"{name} must have shape {wanted}, got {found}")
    return place.borrow(value, dtype).reshape(shape[0] * shape[1], shape[2])


def _pack_parameters(p: LidarProfile) -> NDArray[np.float64]:
    return np.array((
        p.snr_at_one_metre, p.detection_snr, p.amplitude_noise, p.echo_length, p.range_min, p.range_max,
        p.overlap_start, p.overlap_full, p.range_bias, p.range_resolution, RETURN_MODES.index(p.return_mode),
        1.0 if p.intensity_mode == "reflectivity" else 0.0, p.intensity_scale, (1 << p.intensity_bits) - 1,
        p.dropout_probability, p.false_alarm_probability, p.max_returns,
    ))  # fmt: skip
