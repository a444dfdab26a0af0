"""The asset library: records of what scenes may place, over flat arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.mesh_library import MeshLibrary
from .hulls import Hulls
from .nominal import Nominal

Array = NDArray[np.float64]
MAX_CLASSES: Final = 256
"""Classes that the class image, 8 bits, can tell apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AssetPart:
    """One mesh of an asset and the material that its file gives it."""

    mesh: int
    """Row in the mesh library; vertices are in the object's frame."""
    base_color: tuple[float, float, float] | None
    """Linear albedo [1], None where the file states none."""
    texture: int
    """Row in the library's textures, -1 = none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asset:
    """One kind of object. Its frame has the file's axes and its origin at the centre of mass."""

    index: int
    """Row in the asset library; `object/asset` of a dataset."""
    name: str
    """Unique name."""
    kind: str
    """box, sphere, cylinder, capsule or hulls: how it collides."""
    parts: tuple[AssetPart, ...]
    """What is drawn."""
    extent: Array
    """Sides of its box before any scale [m], shape (3,)."""
    center: Array
    """Centre of the box in its frame [m], shape (3,)."""
    volume: float
    """Volume before any scale [m^3]; where convex parts overlap they count twice."""
    hulls: Hulls | None
    """Collision parts of kind `hulls`."""
    digest: str
    """SHA-256 of its file; empty for primitives."""
    nominal: Nominal | None = None
    """What its user says of it; None for what comes with simloom."""

    def class_in(self, classes: Sequence[str], kind: str) -> int:
        """Return its class id: its own class, or else the kind's.

        Args:
            classes: The scene's classes and the assets'.
            kind: What the scene calls such things.
        """
        own = None if self.nominal is None else self.nominal.class_name
        return classes.index(own or kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotPart:
    """One mesh of a robot."""

    mesh: int
    """Row in the mesh library."""
    link: int
    """Link that carries it, -1 = base."""
    pose_link_mesh: Array
    """Maps the mesh's frame to the link's, shape (4, 4)."""
    scale: Array
    """Scale along the mesh's axes, shape (3,)."""
    base_color: tuple[float, float, float] | None
    """Linear albedo [1], None where the file states none."""
    texture: int
    """Row in the library's textures, -1 = none."""
    outline: Array
    """Outermost points of the mesh in its frame, unscaled [m], shape (256, 3): enough for a box around a pose."""


@dataclass(frozen=True, kw_only=True)
class Sky:
    """One sky image."""

    row: int
    """Row in the mesh library's skies."""
    horizon: tuple[float, float, float]
    """Its mean radiance near the horizon, in its own unit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AssetLibrary:
    """Everything that a scene draws and touches, as flat arrays and a description; made by `load_asset_library`.

    Example:
        >>> library = load_asset_library()
        >>> library.assets[library.rows_of_kind("hulls")[0]].name
        'random_urdfs/000'
    """

    meshes: MeshLibrary
    """Meshes and textures."""
    info: Mapping[str, Any]
    """Names, kinds and materials of assets and robots, digests of files; JSON types."""
    tables: Mapping[str, NDArray[Any]]
    """Numbers of assets and robots, row by row."""

    @cached_property
    def assets(self) -> tuple[Asset, ...]:
        """All assets, in order."""
        table = self.tables
        found = []
        for row, entry in enumerate(self.info["assets"]):
            hulls = None
            first, last = table["part_start"][row : row + 2].tolist()
            if last > first:
                starts = table["part_points"][first : last + 1]
                piece = slice(int(starts[0]), int(starts[-1]))
                hulls = Hulls(
                    points=table["hull_points"][piece], inset=table["hull_inset"][piece], starts=starts - starts[0]
                )
            found.append(
                Asset(
                    index=row,
                    name=entry["name"],
                    kind=entry["kind"],
                    parts=tuple(_part(part) for part in entry["parts"]),
                    extent=table["extent"][row],
                    center=table["center"][row],
                    volume=float(table["volume"][row]),
                    hulls=hulls,
                    digest=entry["digest"],
                    nominal=Nominal.from_json(entry["nominal"]) if "nominal" in entry else None,
                )
            )
        return tuple(found)

    def rows_of_kind(self, kind: str) -> tuple[int, ...]:
        """Return the rows of the assets that collide in one way."""
        return tuple(row for row, entry in enumerate(self.info["assets"]) if entry["kind"] == kind)

    def class_table(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return a scene's classes and, behind them in the order of the alphabet, those that assets add.

        Args:
            classes: The scene's own.

        Raises:
            ValueError: If there are more than a class image can tell apart.
        """
        own = {entry["nominal"]["class"] for entry in self.info["assets"] if "nominal" in entry} - {None, *classes}
        table = (*classes, *sorted(own))
        if len(table) > MAX_CLASSES:
            raise ValueError(f"object_folders declare {len(own)} classes; {MAX_CLASSES - len(classes)} is the most")
        return table

    @cached_property
    def robot_parts(self) -> tuple[RobotPart, ...]:
        """The robot's meshes, link by link."""
        table = self.tables
        return tuple(
            RobotPart(
                mesh=int(entry["mesh"]),
                link=int(entry["link"]),
                pose_link_mesh=table["robot_pose"][row],
                scale=table["robot_scale"][row],
                base_color=None if entry["base_color"] is None else tuple(entry["base_color"]),
                texture=int(entry["texture"]),
                outline=table["robot_outline"][row],
            )
            for row, entry in enumerate(self.info["robot_parts"])
        )

    @property
    def robot_urdf(self) -> Path:
        """The robot's URDF."""
        return Path(self.info["robot_urdf"])

    def mesh_row(self, name: str) -> int:
        """Return the mesh row of a primitive: `box` or `plane`."""
        return int(self.info["primitives"][name])

    @property
    def surface_textures(self) -> tuple[int, ...]:
        """Texture rows that suit any surface."""
        return tuple(self.info["surface_textures"])

    @cached_property
    def skies(self) -> Mapping[str, Sky]:
        """Built-in skies by name."""
        return {
            name: Sky(row=int(entry["row"]), horizon=tuple(entry["horizon"]))
            for name, entry in self.info["skies"].items()
        }

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of every file that went in, by a name without machine paths."""
        digests: Mapping[str, str] = self.info["digests"]
        return digests


def _part(entry: Mapping[str, Any]) -> AssetPart:
    color = entry["base_color"]
    return AssetPart(
        mesh=int(entry["mesh"]), base_color=None if color is None else tuple(color), texture=int(entry["texture"])
    )


def outline_points(vertices: NDArray[Any], count: int = 256) -> Array:
    """Return the points of a mesh that lie outermost in directions spread evenly over the sphere.

    Args:
        vertices: Points [m], shape (N, 3).
        count: Directions.

    Returns:
        Points, shape (count, 3), with repetitions. A box around them in any pose is short by less than 1 % of the size.
    """
    turn = np.arange(count) * (math.pi * (3.0 - math.sqrt(5.0)))
    z = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    across = np.sqrt(1.0 - z * z)
    directions = np.stack((across * np.cos(turn), across * np.sin(turn), z), axis=1)
    directions[:6] = np.concatenate((np.eye(3), -np.eye(3)))  # exact along the mesh's own axes
    points = np.asarray(vertices, np.float64)
    along = points[:, 0, None] * directions[:, 0] + points[:, 1, None] * directions[:, 1]
    along = along + points[:, 2, None] * directions[:, 2]
    return np.asarray(points[np.argmax(along, axis=0)])
