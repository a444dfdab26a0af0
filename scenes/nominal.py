"""Nominal values of an asset: what its user says of it, which then stands instead of what a scene would draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .asset_declaration import AssetDeclaration, Vector
from .asset_folder import AssetFile
from .asset_shape import place_points

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Nominal:
    """What is known of a user's asset; lengths in metres, in the object's frame."""

    class_name: str | None = None
    """Its class; None = the scene's `random_object`."""
    split: str = "train"
    """train, val or test."""
    content_sha256: str = ""
    """SHA-256 of what is drawn, which decides its split."""
    visual_sha256: tuple[str, ...] = ()
    """SHA-256 of each mesh file that is drawn."""
    collision_sha256: tuple[str, ...] = ()
    """SHA-256 of each mesh file that it collides by."""
    keeps_size: bool = False
    """Whether its size is meant as it is, and no scene changes it."""
    mass: float | None = None
    """Mass at its own size [kg]."""
    friction: float | None = None
    """Coulomb coefficient [1]."""
    restitution: float | None = None
    """Coefficient of restitution [1]."""
    symmetry: tuple[Mapping[str, Any], ...] = ()
    """Axes: `axis` (3,), `point` (3,) [m], `order` (None = any angle)."""
    keypoints: Mapping[str, Vector] = field(default_factory=dict)
    """Named points [m]."""

    def mass_at(self, scale: float) -> float | None:
        """Return the mass at another size of the same density [kg]; None where it is not known."""
        return None if self.mass is None else self.mass * scale**3

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "class": self.class_name,
            "split": self.split,
            "content_sha256": self.content_sha256,
            "visual_sha256": list(self.visual_sha256),
            "collision_sha256": list(self.collision_sha256),
            "keeps_size": self.keeps_size,
            "mass": self.mass,
            "friction": self.friction,
            "restitution": self.restitution,
            "symmetry": [dict(axis) for axis in self.symmetry],
            "keypoints": {name: list(point) for name, point in self.keypoints.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        given = dict(value)
        given["class_name"] = given.pop("class")
        given |= {name: tuple(given.get(name, ())) for name in ("visual_sha256", "collision_sha256")}
        given["symmetry"] = tuple(given["symmetry"])
        given["keypoints"] = {name: tuple(point) for name, point in given["keypoints"].items()}
        return cls(**given)


def make_nominal(asset: AssetFile, origin: Array, volume: float) -> Nominal:
    """Put what is said of an asset into the object's frame.

    Args:
        asset: The asset.
        origin: The frame's origin in the placed mesh (metres, z up) [m], shape (3,).
        volume: Volume at its own size [m^3], for a density.

    Returns:
        Its nominal values.
    """
    said = asset.declaration
    turned = AssetDeclaration(up=said.up)

    def placed(point: Vector, how: AssetDeclaration = said, middle: Array = origin) -> Vector:
        x, y, z = (place_points(np.array([point]), how)[0] - middle).tolist()
        return x, y, z

    mass = said.mass if said.density is None else said.density * volume
    return Nominal(
        class_name=said.class_name,
        split=asset.split,
        content_sha256=asset.content_sha256,
        visual_sha256=asset.visual_sha256,
        collision_sha256=asset.collision_sha256,
        keeps_size=said.keeps_size,
        mass=mass,
        friction=said.friction,
        restitution=said.restitution,
        symmetry=tuple(
            {
                "axis": list(placed(axis.axis, turned, np.zeros(3))),
                "point": list(placed(axis.point)),
                "order": axis.order,
            }
            for axis in said.symmetry
        ),
        keypoints={name: placed(point) for name, point in said.keypoints.items()},
    )
