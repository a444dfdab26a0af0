"""Sensor profiles as parameters: any number of a rig's profiles can be drawn anew for each look, view or scenario."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..kernels.camera_profile import CameraProfile
from ..kernels.profiles import DepthProfile
from .distributions import Fixed, Integer
from .sensors import Kind, Rig, SensorMount
from .space import Parameter, ParameterSpace, nearest

_PREFIX = "sensor."


def override_space(space: ParameterSpace, rig: Rig, overrides: Mapping[str, Any]) -> ParameterSpace:
    """Return a scene's space with what a recipe says of its parameters, and of the numbers in its sensors' profiles.

    A profile's number is named `sensor.<sensor>.<camera|depth>.<value>`, such as `sensor.head.camera.read_noise`. Only
    those that are named become parameters; they vary by look unless the recipe says otherwise.

    Args:
        space: The scene's parameters.
        rig: Its sensors.
        overrides: Name to what `Parameter.overridden` takes.

    Returns:
        The space, the named numbers of profiles added.

    Raises:
        ValueError: If a name is unknown (the nearest is named), a value cannot be, or an end of a distribution's range
            is impossible for the profile.

    Example:
        >>> space = override_space(space, Rig(), {"sensor.head.depth.disparity_noise": {"uniform": [0.05, 0.2]}})
    """
    more = [_declare(rig, name) for name in overrides if name.startswith(_PREFIX)]
    changed = ParameterSpace(parameters=(*space.parameters, *more)).override(overrides)
    drawn = [changed[parameter.name] for parameter in more]
    for parameter in drawn:
        if any(math.isinf(end) for end in parameter.distribution.support):
            raise ValueError(f"{parameter.name} must have a bounded distribution, such as uniform or truncnormal")
    for one, other in itertools.combinations_with_replacement(drawn, 2):
        _check_corners(one, other, rig)
    return changed


def _check_corners(one: Parameter, other: Parameter, rig: Rig) -> None:
    """Check two numbers of a profile at the ends of their ranges: what bounds one may be the other."""
    mount, kind, field = _find(rig, one.name)
    other_mount, other_kind, other_field = _find(rig, other.name)
    if (mount.name, kind) != (other_mount.name, other_kind):
        return
    ends, other_ends = one.distribution.support, other.distribution.support
    pairs = zip(ends, ends, strict=True) if one is other else itertools.product(ends, other_ends)
    for value, other_value in pairs:
        try:
            _replace(mount.profile(kind), {field: value, other_field: other_value})
        except ValueError as error:
            together = one.name if one is other else f"{one.name} with {other.name}"
            raise ValueError(f"{together}: {error}") from error


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
