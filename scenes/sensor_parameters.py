"""Sensor profiles as parameters: any number of a rig's profiles can be drawn anew for each look, view or scenario."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..kernels.camera_profile import CameraProfile
from ..kernels.profiles import DepthProfile
from .distributions import Fixed, Integer
from .sensors import Kind, Rig, SensorMount
from .space import Parameter, ParameterSpace, nearest

_PREFIX = "sensor."


def add_sensor_parameters(space: ParameterSpace, rig: Rig, names: Iterable[str]) -> ParameterSpace:
    """Add a parameter for each profile value that a recipe wants to draw.

    Its name is `sensor.<sensor>.<camera|depth>.<value>`, such as `sensor.head.camera.read_noise`; it varies by look and
    stands at the profile's own value until it is overridden.

    Args:
        space: The scene's parameters.
        rig: Its sensors.
        names: Names that are to be overridden; those that do not begin with `sensor.` are left alone.

    Returns:
        The space with the parameters added.

    Raises:
        ValueError: If a sensor or a value is unknown (the nearest is named), or the value is not a single number.

    Example:
        >>> space = add_sensor_parameters(space, Rig(), ["sensor.head.depth.disparity_noise"])
    """
    more = [_declare(rig, name) for name in names if name.startswith(_PREFIX)]
    return ParameterSpace(parameters=(*space.parameters, *more)) if more else space


def check_sensor_parameters(space: ParameterSpace, rig: Rig) -> None:
    """Check that a profile can take every value that its parameters may have.

    Raises:
        ValueError: If an end of a distribution's range is impossible for the profile, with the profile's reason.
    """
    for parameter in space:
        if parameter.name.startswith(_PREFIX):
            mount, kind, field = _find(rig, parameter.name)
            for end in parameter.distribution.support:
                if math.isinf(end):
                    raise ValueError(
                        f"{parameter.name} must have a bounded distribution, such as uniform or truncnormal"
                    )
                try:
                    _replace(mount.profile(kind), {field: end})
                except ValueError as error:
                    raise ValueError(f"{parameter.name}: {error}") from error


def draw_profiles(mount: SensorMount, kind: Kind, params: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> Any:
    """Return the profile of each row: one where nothing of it is drawn, otherwise a list.

    Args:
        mount: The sensor.
        kind: Its camera or its depth sensor.
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
        unit="1",
        meaning=f"{field} of the {kind} {mount.name}'s profile, in the profile's unit",
        varies="look",
        when="reset",
        group="camera",
        nominal=value,
    )


def _find(rig: Rig, name: str) -> tuple[SensorMount, Kind, str]:
    parts = name.split(".")
    mounts = {mount.name: mount for mount in rig.mounts}
    if len(parts) != 4:
        raise ValueError(f"{name!r} is no profile value; write sensor.<sensor>.<camera|depth>.<value>")
    if parts[1] not in mounts:
        raise ValueError(f"{name!r}: the rig has no sensor {parts[1]!r}; {nearest(parts[1], mounts)}")
    mount, kind, field = mounts[parts[1]], parts[2], parts[3]
    if kind not in get_args(Kind):
        raise ValueError(f"{name!r}: a sensor has a camera and a depth sensor, not {kind!r}")
    profile: CameraProfile | DepthProfile | None = mount.profile(kind)  # type: ignore[arg-type]
    if profile is None:
        raise ValueError(f"{name!r}: the sensor {mount.name!r} has no {kind}")
    numbers = [known.name for known in dataclasses.fields(profile) if known.type in ("int", "float")]
    if field not in numbers:
        raise ValueError(f"{name!r}: {profile.name} has no number {field!r}; {nearest(field, numbers)}")
    return mount, kind, field  # type: ignore[return-value]
