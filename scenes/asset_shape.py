"""Shapes of users' assets: what is drawn and what collides, read from one file and put into metres with z up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import transform_points
from ..renderers.level_of_detail import MeshLevel
from ..renderers.mesh_files import MeshPart, load_mesh
from ..renderers.primitives import make_box, make_capsule, make_cylinder, make_sphere
from ..renderers.urdf import UrdfVisual, load_urdf_collisions, load_urdf_visuals
from .asset_declaration import AssetDeclaration
from .convex_decomposition import decompose_mesh
from .mesh_solid import weld_solid

Array = NDArray[np.float64]
_TURNS: Final = {
    "x": np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    "y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}
"""Rotations that take an axis to +z."""
_SOLIDS: Final[dict[str, Callable[[], tuple[MeshLevel, ...]]]] = {
    "box": make_box,
    "sphere": make_sphere,
    "cylinder": make_cylinder,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """A bare triangle mesh."""

    vertices: Array
    """Positions, shape (N, 3)."""
    triangles: NDArray[np.int64]
    """Vertex rows, shape (T, 3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AssetShape:
    """What one asset file holds."""

    parts: tuple[MeshPart, ...]
    """What is drawn."""
    bodies: tuple[Surface, ...]
    """What collides: objects of an OBJ, collision shapes of a URDF, or the mesh as a whole."""

    @property
    def surface(self) -> Surface:
        """All that is drawn as one mesh."""
        return _join(self.parts)


def load_shape(path: Path, roots: Sequence[Path]) -> AssetShape:
    """Read an asset file as it is.

    Args:
        path: A mesh, or a URDF, of which the base link counts.
        roots: Folders that the files it names must lie in.

    Returns:
        Its shape in the file's unit and axes.

    Raises:
        FileNotFoundError: If it, or a file it needs, does not exist.
        ValueError: If it cannot be read, is empty, or names a file outside the roots.
    """
    if path.suffix.lower() == ".urdf":
        parts = _base_parts(load_urdf_visuals(path, roots))
        touching = load_urdf_collisions(path, roots)
        if not parts:
            raise ValueError(f"{path} shows nothing on its base link; objects are single rigid bodies")
        bodies: list[Surface] = []
        for shape in (shape for shape in touching if shape.link_index == -1):
            pieces = _obj_objects(shape.mesh_path) if shape.mesh_path is not None else []
            if pieces:
                bodies += [
                    replace(piece, vertices=transform_points(shape.pose_link_visual, piece.vertices * shape.scale))
                    for piece in pieces
                ]
            else:
                bodies += [_join(parts_of) for parts_of in [_placed_parts(shape)] if parts_of]
        return AssetShape(parts=parts, bodies=tuple(bodies) or (_join(parts),))
    meshes = load_mesh(path, roots)
    objects = _obj_objects(path) if path.suffix.lower() == ".obj" else []
    return AssetShape(parts=meshes, bodies=tuple(objects) or (_join(meshes),))


def place_shape(shape: AssetShape, declaration: AssetDeclaration) -> AssetShape:
    """Put a shape into metres with z up.

    Args:
        shape: The shape as it is in its file.
        declaration: What is said of unit, scale and up axis.

    Returns:
        The shape itself where nothing is said.
    """
    factor, pose = declaration.factor, up_pose(declaration)
    if factor == 1.0 and (declaration.up or "z") == "z":
        return shape
    return AssetShape(
        parts=tuple(_placed(part, np.full(3, factor), pose) for part in shape.parts),
        bodies=tuple(replace(body, vertices=transform_points(pose, body.vertices * factor)) for body in shape.bodies),
    )


def up_pose(declaration: AssetDeclaration) -> Array:
    """Return the turn that takes the declared up axis to +z, shape (4, 4)."""
    pose = np.eye(4)
    turn = _TURNS.get(declaration.up or "z")
    if turn is not None:
        pose[:3, :3] = turn
    return pose


def place_points(points: Array, declaration: AssetDeclaration) -> Array:
    """Put points of a file's frame and unit into metres with z up, shape (N, 3)."""
    return np.asarray(transform_points(up_pose(declaration), points * declaration.factor))


def collision_clouds(shape: AssetShape, *, cache: bool = True) -> list[Array]:
    """Return the points of each convex part that a shape collides by [m].

    Args:
        shape: The placed shape.
        cache: Whether to use the cache of decompositions on disk.

    Raises:
        ValueError: If it has no volume or cannot be cut.
    """
    clouds: list[Array] = []
    for body in shape.bodies:
        solid = weld_solid(body.vertices, body.triangles)
        # An object that is convex already keeps its points, in their order.
        clouds += [body.vertices] if solid.is_convex else decompose_mesh(body.vertices, body.triangles, cache=cache)
    return clouds


def _join(parts: Sequence[MeshPart]) -> Surface:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Surface(
        vertices=np.concatenate([part.vertices for part in parts]),
        triangles=np.concatenate([part.triangles + start for part, start in zip(parts, starts[:-1], strict=True)]),
    )


def _base_parts(visuals: Sequence[UrdfVisual]) -> tuple[MeshPart, ...]:
    return tuple(part for visual in visuals if visual.link_index == -1 for part in _placed_parts(visual))


def _placed_parts(visual: UrdfVisual) -> list[MeshPart]:
    if visual.kind == "plane":
        return []
    parts = list(visual.parts)
    if visual.kind != "mesh":
        is_capsule = visual.kind == "capsule"
        level = make_capsule(visual.radius, visual.length)[0] if is_capsule else _SOLIDS[visual.kind]()[0]
        parts = [
            MeshPart(
                vertices=level.vertices.astype(np.float64),
                triangles=level.triangles.astype(np.int64),
                normals=None,
                uvs=None,
                base_color=None,
                texture=None,
                name=visual.kind,
            )
        ]
    if visual.color is not None:
        paint = visual.color
        parts = [
            replace(part, base_color=paint) if part.base_color is None and part.texture is None else part
            for part in parts
        ]
    return [_placed(part, visual.scale, visual.pose_link_visual) for part in parts]


def _obj_objects(path: Path) -> list[Surface]:
    """Return each object of an OBJ, where every object has points of its own; else nothing."""
    if path.suffix.lower() != ".obj":
        return []
    points: list[list[list[float]]] = []
    faces: list[list[list[int]]] = []
    base = 0
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if words[0] == "o":
            base += len(points[-1]) if points else 0
            points.append([])
            faces.append([])
        elif words[0] == "v":
            if not points:
                return []
            points[-1].append(_parse_point(words, path, number))
        elif words[0] == "f":
            if not points:
                return []
            rows = _parse_corners(words, path, number)
            rows = [row - 1 - base if row > 0 else len(points[-1]) + row for row in rows]
            if min(rows) < 0 or max(rows) >= len(points[-1]):
                return []
            faces[-1] += [[rows[0], rows[k], rows[k + 1]] for k in range(1, len(rows) - 1)]
    return [
        Surface(vertices=np.array(cloud, np.float64), triangles=np.array(rows, np.int64))
        for cloud, rows in zip(points, faces, strict=True)
        if len(cloud) >= 4 and rows
    ]


def _parse_point(words: Sequence[str], path: Path, line: int) -> list[float]:
    point = []
    with suppress(ValueError):
        point = [float(word) for word in words[1:4]]
    if len(point) != 3 or not all(map(math.isfinite, point)):
        raise ValueError(f"{path}, line {line}: a vertex is v and three finite numbers, got {' '.join(words)!r:.80}")
    return point


def _parse_corners(words: Sequence[str], path: Path, line: int) -> list[int]:
    corners = []
    with suppress(ValueError):
        corners = [int(word.split("/")[0]) for word in words[1:]]
    if not corners:
        raise ValueError(f"{path}, line {line}: a face is f and numbers of vertices, got {' '.join(words)!r:.80}")
    return corners


def _placed(part: MeshPart, scale: Array, pose: Array) -> MeshPart:
    turn = pose.copy()
    turn[:3, 3] = 0.0
    normals = part.normals
    if normals is not None:
        stretched = transform_points(turn, normals / scale)
        normals = stretched / np.sqrt((stretched * stretched).sum(axis=1, keepdims=True))
    return replace(part, vertices=transform_points(pose, part.vertices * scale), normals=normals)
