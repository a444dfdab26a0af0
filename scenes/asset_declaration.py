"""Declarations: what a user says of an asset in `asset.yaml`, checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Final

from .space import nearest

UNITS: Final[Mapping[str, float]] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "foot": 0.3048}
"""Metres per unit of length."""
SPLITS: Final = ("train", "val", "test")
"""Names of the splits."""
UP_AXES: Final = ("x", "y", "z")
RESERVED_CLASSES: Final = ("background", "robot")
"""Classes that no asset may take."""
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_KEYPOINTS: Final = 256

Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class SymmetryAxis:
    """An axis that an asset may be turned about without a visible change.

    Raises:
        ValueError: If the axis has no direction or the order is below 2.
    """

    axis: Vector
    """Direction in the mesh's frame; made a unit vector."""
    point: Vector = (0.0, 0.0, 0.0)
    """A point on the axis, in the mesh's frame and unit."""
    order: int | None = None
    """Steps of a full turn, >= 2; None = any angle (an axis of revolution)."""

    def __post_init__(self) -> None:
        axis = _vector("symmetry axis", self.axis)
        length = math.sqrt(axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2)
        if length == 0.0:
            raise ValueError("symmetry axis must have a direction, got [0, 0, 0]; write e.g. [0, 0, 1]")
        object.__setattr__(self, "axis", (axis[0] / length, axis[1] / length, axis[2] / length))
        object.__setattr__(self, "point", _vector("symmetry point", self.point))
        if self.order is not None and (type(self.order) is not int or not 2 <= self.order <= 360):
            raise ValueError(f"symmetry order must be a whole number in [2, 360], got {self.order!r}")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"axis": list(self.axis), "point": list(self.point), "order": self.order}


@dataclass(frozen=True, kw_only=True)
class AssetDeclaration:
    """What is known of an asset beside its mesh; None = not said.

    Raises:
        ValueError: If a value cannot be; the message says what is allowed.

    Example:
        >>> AssetDeclaration(class_name="mug", unit="mm", mass=0.35).factor
        0.001
    """

    class_name: str | None = None
    """Class, lower-case letters, digits and _; None = the scene's `random_object`."""
    unit: str | None = None
    """Unit of the mesh's coordinates: m, cm, mm, inch, foot; None = m."""
    scale: float | None = None
    """Factor on the mesh beside the unit [1], > 0; None = 1."""
    up: str | None = None
    """Axis of the file that points upwards, turned to +z: x, y or z; None = the file's axes are kept."""
    mass: float | None = None
    """Mass [kg], > 0."""
    density: float | None = None
    """Density [kg/m^3], > 0; instead of a mass."""
    friction: float | None = None
    """Coulomb coefficient [1], range [0, 10]."""
    restitution: float | None = None
    """Coefficient of restitution [1], range [0, 1]."""
    symmetry: tuple[SymmetryAxis, ...] = ()
    """Axes that it looks the same around."""
    keypoints: Mapping[str, Vector] = field(default_factory=dict)
    """Named points, in the mesh's frame and unit."""
    split: str | None = None
    """train, val or test; None = by the hash of its content."""
    group: str | None = None
    """Assets of one group fall into one split: variants of one thing."""
    taken_back: tuple[str, ...] = ()
    """Fields said to be null or empty, which takes back what a folder above says of them."""

    def __post_init__(self) -> None:
        _choose("unit", self.unit, tuple(UNITS))
        _choose("up", self.up, UP_AXES)
        _choose("split", self.split, SPLITS)
        if self.class_name is not None:
            if not _CLASS.fullmatch(str(self.class_name)):
                raise ValueError(
                    f"class must be lower-case letters, digits and _ after a letter, got {self.class_name!r}"
                )
            if self.class_name in RESERVED_CLASSES:
                raise ValueError(f"class must not be {' or '.join(RESERVED_CLASSES)}, got {self.class_name!r}")
        if self.group is not None and not str(self.group).strip():
            raise ValueError(f"group must be a name, got {self.group!r}")
        for name, low, high in (
            ("scale", 1e-6, 1e6),
            ("mass", 1e-6, 1e5),
            ("density", 0.1, 3e4),
            ("friction", 0.0, 10.0),
            ("restitution", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _number(name, value, low, high))
        if self.mass is not None and self.density is not None:
            raise ValueError(f"give mass or density, not both, got {self.mass} kg and {self.density} kg/m^3")
        if len(self.keypoints) > _MAX_KEYPOINTS:
            raise ValueError(f"keypoints must be at most {_MAX_KEYPOINTS}, got {len(self.keypoints)}")
        points = {str(name): _vector(f"keypoint {name!r}", point) for name, point in self.keypoints.items()}
        object.__setattr__(self, "keypoints", points)

    @property
    def factor(self) -> float:
        """Metres per unit of the mesh's coordinates."""
        return UNITS[self.unit or "m"] * (1.0 if self.scale is None else self.scale)

    @property
    def keeps_size(self) -> bool:
        """Whether the size is meant as it is: a unit or a scale is stated."""
        return self.unit is not None or self.scale is not None

    def with_changes(self, changes: AssetDeclaration) -> AssetDeclaration:
        """Return this with what another one says on top; a mass there replaces a density here, and the reverse."""
        names = [item.name for item in fields(self) if item.name != "taken_back"]
        said = {name: getattr(changes, name) for name in names}
        said = {name: value for name, value in said.items() if value is not None and value != () and value != {}}
        kept = {name: getattr(self, name) for name in names if name not in changes.taken_back}
        for one, other in (("mass", "density"), ("density", "mass"), ("split", "group"), ("group", "split")):
            if one in said and other not in said:
                kept[other] = None
        return AssetDeclaration(**{**kept, **said})


def parse_declaration(value: Mapping[str, Any]) -> AssetDeclaration:
    """Make a declaration of the keys of an `asset.yaml`.

    Args:
        value: class, unit, scale, up, mass, density, friction, restitution, symmetry, keypoints, split, group; null
            takes back what is said of a folder above.

    Returns:
        The declaration.

    Raises:
        ValueError: If a key is unknown (the nearest is named) or a value cannot be.

    Example:
        >>> parse_declaration({"class": "bowl", "symmetry": {"revolution": [{"axis": [0, 0, 1]}]}}).class_name
        'bowl'
    """
    inner = ("class_name", "taken_back")
    known = ["class", *(item.name for item in fields(AssetDeclaration) if item.name not in inner)]
    for key in value:
        if key not in known:
            raise ValueError(f"unknown key {key!r}; {nearest(str(key), known)}")
    given = dict(value)
    if "class" in given:
        given["class_name"] = given.pop("class")
    if given.get("symmetry") is not None:
        given["symmetry"] = _parse_symmetry(given["symmetry"])
    if given.get("keypoints") is not None and not isinstance(given["keypoints"], Mapping):
        raise ValueError(f"keypoints must be names with points, e.g. {{handle: [0.05, 0, 0.04]}}, got {value!r}")
    said = {name: item for name, item in given.items() if item is not None and item != () and item != {}}
    return AssetDeclaration(**said, taken_back=tuple(name for name in given if name not in said))


def _parse_symmetry(value: Any) -> tuple[SymmetryAxis, ...]:
    form = "symmetry must be {revolution: [{axis: [0, 0, 1]}], rotations: [{axis: [0, 0, 1], order: 2}]}"
    if not isinstance(value, Mapping) or set(value) - {"revolution", "rotations"}:
        raise ValueError(f"{form}, got {value!r}")
    axes = []
    for kind in ("revolution", "rotations"):
        entries = value.get(kind) or []
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise ValueError(f"{form}, got {kind}: {entries!r}")
        for entry in entries:
            wanted = {"axis"} | ({"order"} if kind == "rotations" else set())
            if not wanted <= set(entry) <= wanted | {"point"}:
                raise ValueError(f"{form}; an entry of {kind} has {', '.join(sorted(wanted))}, got {dict(entry)!r}")
            axes.append(SymmetryAxis(**dict(entry)))
    return tuple(axes)


def _choose(name: str, value: object, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _number(name: str, value: object, low: float, high: float) -> float:
    number = math.nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):  # YAML 1.1 takes 1e-3 for text
            number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}")
    return number


def _vector(name: str, value: object) -> Vector:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"{name} must be three numbers, got {value!r}")
    x, y, z = (_number(name, item, -1e9, 1e9) for item in value)
    return x, y, z
