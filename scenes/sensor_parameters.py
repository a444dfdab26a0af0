"""Sensor profiles as parameters: any number of a rig's profiles can be drawn anew for each look, view or scenario."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.profiles import SENSOR_KINDS, describe_profile, list_profiles, load_profile
from .distributions import Fixed, Integer
from .instruments.mount import InstrumentMount
from .sensors import Rig, SensorMount
from .space import Parameter, ParameterSpace, nearest

Mount = SensorMount | InstrumentMount

_PREFIX = "sensor."
_SHAPING = {
    "lidar": ("frame_rate", "columns", "column_period", "max_returns", "spin"),
    "tactile": ("row_count", "column_count", "rate"),
    "imu": ("rate",),
    "encoder": ("rate", "velocity_window", "velocity_cutoff"),
    "force_torque": ("rate",),
    "gnss": ("update_rate", "latency", "latency_jitter", "startup_time"),
    "odometry": ("update_rate", "latency", "wheel_radius", "base_width"),
    "ranger": ("ray_count", "update_rate", "timing_budget"),
}
"""Numbers that are one for all rows."""
_MOST_DRAWN = 12
"""Numbers of one profile that may be drawn: all corners of their ranges are tried."""


def override_space(space: ParameterSpace, rig: Rig, overrides: Mapping[str, Any]) -> ParameterSpace:
    """Return a scene's space with what a recipe says of its parameters, and of the numbers in its sensors' profiles.

    A profile's number is named `sensor.<sensor>.<kind>.<value>`, such as `sensor.head.camera.read_noise`. Only
    those that are named become parameters; they vary by look unless the recipe says otherwise.

    Args:
        space: The scene's parameters.
        rig: Its sensors.
        overrides: Name to what `override_parameter` takes.

    Returns:
        The space, the named numbers of profiles added.

    Raises:
        ValueError: If a name is unknown (the nearest is named), a value cannot be, or an end of a distribution's range
            is impossible for the profile.

    Example:
        >>> space = override_space(space, Rig(), {"sensor.head.depth.disparity_noise": {"uniform": [0.05, 0.2]}})
    """
    more = [_declare(rig, name) for name in overrides if name.startswith(_PREFIX)]
    changed = dataclasses.replace(space, parameters=(*space.parameters, *more)).override(overrides)
    drawn = [changed[parameter.name] for parameter in more]
    for parameter in drawn:
        if any(math.isinf(end) for end in parameter.distribution.support):
            raise ValueError(f"{parameter.name} must have a bounded distribution, such as uniform or truncnormal")
    groups: dict[tuple[str, str], list[Parameter]] = {}
    for parameter in drawn:
        mount, kind, _ = _find(rig, parameter.name)
        groups.setdefault((mount.name, kind), []).append(parameter)
    for group in groups.values():
        _check_corners(group, rig)
    return changed


def _check_corners(group: Sequence[Parameter], rig: Rig) -> None:
    """Check a profile's drawn numbers at all ends of their ranges together: what bounds one may be another."""
    if len(group) > _MOST_DRAWN:
        raise ValueError(
            f"{group[0].name}: at most {_MOST_DRAWN} numbers of one profile can be drawn, got {len(group)}"
        )
    found = [_find(rig, parameter.name) for parameter in group]
    mount, kind, _ = found[0]
    for corner in itertools.product(*(parameter.distribution.support for parameter in group)):
        values = {field: value for (_, _, field), value in zip(found, corner, strict=True)}
        try:
            _replace(mount.profile(kind), values)
        except ValueError as error:
            given = ", ".join(f"{name} = {value:g}" for name, value in values.items())
            raise ValueError(f"{group[0].name}: {given}: {error}") from error


def draw_profiles(mount: Mount, kind: str, params: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> Any:
    """Return the profile of each row: one where nothing of it is drawn, otherwise a list.

    Args:
        mount: The sensor.
        kind: Which of its sensors, such as camera or imu.
        params: Arrays `param/<name>` of a batch by name, rows leading.
        rows: Rows of these arrays.
    """
    profile = mount.profile(kind)
    prefix = f"param/{_PREFIX}{mount.name}.{kind}."
    drawn = {name.removeprefix(prefix): values[rows] for name, values in params.items() if name.startswith(prefix)}
    if not drawn:
        return profile
    return [_replace(profile, {field: values[i] for field, values in drawn.items()}) for i in range(len(rows))]


def _replace(profile: Any, values: Mapping[str, Any]) -> Any:
    types = {field.name: field.type for field in dataclasses.fields(profile)}
    return dataclasses.replace(profile, **{n: int(v) if types[n] == "int" else float(v) for n, v in values.items()})


def _declare(rig: Rig, name: str) -> Parameter:
    mount, kind, field = _find(rig, name)
    profile: Any = mount.profile(kind)
    value = getattr(profile, field)
    whole = any(known.name == field and known.type == "int" for known in dataclasses.fields(profile))
    return Parameter(
        name=name,
        distribution=Integer(low=value, high=value) if whole else Fixed(value=value),
        unit=_unit(profile, field),
        meaning=f"{field} of the {kind} {mount.name}'s profile",
        varies="look",
        when="reset",
        group="camera",
        nominal=value,
    )


def _unit(profile: Any, field: str) -> str:
    """Return the unit of a profile's number, as the built-in profiles of its class have it."""
    for name in list_profiles():
        if type(load_profile(name)) is type(profile):
            return next(value.unit for value in describe_profile(name) if value.name == field)
    return "1"


def _find(rig: Rig, name: str) -> tuple[Mount, str, str]:
    parts = name.split(".")
    if len(parts) != 4:
        raise ValueError(f"{name!r} is no profile value; write sensor.<sensor>.<{'|'.join(SENSOR_KINDS)}>.<value>")
    try:
        mount = rig.find(parts[1])
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from error
    kind, field = parts[2], parts[3]
    if kind not in SENSOR_KINDS:
        raise ValueError(f"{name!r}: a sensor is one of {', '.join(SENSOR_KINDS)}, not {kind!r}")
    profile = mount.profile(kind)
    if profile is None:
        raise ValueError(f"{name!r}: the sensor {mount.name!r} has no {kind}")
    numbers = [known.name for known in dataclasses.fields(profile) if known.type in ("int", "float")]
    if field not in numbers:
        raise ValueError(f"{name!r}: {profile.name} has no number {field!r}; {nearest(field, numbers)}")
    if field in _SHAPING.get(kind, ()):
        raise ValueError(f"{name!r} decides how large arrays are, or when it is read, and cannot be drawn; fix it")
    return mount, kind, field
