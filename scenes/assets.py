"""Assets: what scenes may place, with meshes to draw and shapes to touch, kept in a cache on disk."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.mesh_library import MeshLibrary
from .hulls import Hulls

Array = NDArray[np.float64]
FORMAT: Final = 1
"""Version of the cache's layout."""
_KEPT: Final = 8


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
                )
            )
        return tuple(found)

    def rows_of_kind(self, kind: str) -> tuple[int, ...]:
        """Return the rows of the assets that collide in one way."""
        return tuple(row for row, entry in enumerate(self.info["assets"]) if entry["kind"] == kind)

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


def load_asset_library(
    *,
    object_folders: Sequence[str | Path] = (),
    robot: str | Path | None = None,
    texture_folders: Sequence[str | Path] = (),
    cache: bool = True,
) -> AssetLibrary:
    """Load the assets of the tabletop: from the cache, or from their files, which takes some ten seconds.

    Args:
        object_folders: Folders of meshes (OBJ, STL, GLB, PLY) or URDFs, searched to the bottom, that take the place of
            PyBullet's random objects. One collision hull is made of each object of an OBJ, and one of any other mesh.
        robot: URDF of the robot; None = the Franka Panda that comes with PyBullet.
        texture_folders: Folders of images (PNG, JPEG) that take the place of the built-in surface textures.
        cache: Whether to read and write the cache on disk.

    Returns:
        The library, the same whether or not it came from the cache.

    Raises:
        FileNotFoundError: If a folder or file does not exist.
        ValueError: If a file cannot be read; the message names it.

    Example:
        >>> library = load_asset_library(object_folders=["~/meshes/screws"])
    """
    from .asset_build import build_asset_library, collect_sources

    sources = collect_sources(object_folders, robot, texture_folders)
    folder = _cache_folder() if cache else None
    path = None if folder is None else folder / f"{sources.key(FORMAT)}.npz"
    if path is not None:
        known = _read_cache(path)
        if known is not None:
            # Paths are not part of the key: the same files may lie elsewhere now.
            known.info["robot_urdf"] = str(sources.robot)  # type: ignore[index]
            return known
    library = build_asset_library(sources)
    if path is not None:
        _write_cache(path, library)
    return library


def _cache_folder() -> Path:
    base = os.environ.get("SIMLOOM_CACHE_DIR")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "simloom")
    return Path(base) / "assets"


def _read_cache(path: Path) -> AssetLibrary | None:
    """Read a library, or return None where there is none or it is damaged."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            info = json.loads(bytes(file["info"]).decode())
            arrays = {name: file[name] for name in file.files if name != "info"}
        meshes = {name.removeprefix("mesh/"): value for name, value in arrays.items() if name.startswith("mesh/")}
        tables = {name.removeprefix("table/"): value for name, value in arrays.items() if name.startswith("table/")}
        library = MeshLibrary(**meshes, names=tuple(info["names"]), texture_names=tuple(info["texture_names"]))
        return AssetLibrary(meshes=library, info=info, tables=tables)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _write_cache(path: Path, library: AssetLibrary) -> None:
    """Write a library beside others, all or nothing; a cache that cannot be written is done without."""
    info = dict(library.info) | {
        "names": list(library.meshes.names),
        "texture_names": list(library.meshes.texture_names),
        "robot_urdf": "",
    }
    arrays = {f"mesh/{name}": value for name, value in library.meshes.arrays().items()}
    arrays |= {f"table/{name}": value for name, value in library.tables.items()}
    arrays["info"] = np.frombuffer(json.dumps(info).encode(), np.uint8)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".npz", dir=path.parent)
        with os.fdopen(handle, "wb") as target:
            np.savez(target, allow_pickle=False, **arrays)
        os.replace(temporary, path)
        stale = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)[:-_KEPT]
        for file in stale:
            file.unlink(missing_ok=True)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


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


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
