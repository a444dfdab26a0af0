"""Meshes from files: OBJ with MTL, STL, GLB, glTF. Files are untrusted: nothing outside the given folders is read."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import transform_points
from .mesh_materials import MeshMaterial, find_library_names, join_gltf, parse_gltf, parse_mtl, split_gltf
from .textures import linear_to_srgb, srgb_to_linear

MESH_SUFFIXES = (".obj", ".stl", ".glb", ".gltf", ".ply", ".off")
"""Files that `load_mesh` reads."""
MAX_FILE_BYTES = 512 * 1024 * 1024
"""Largest file that is read [byte]."""

MAX_COPIES = 5_000_000
"""Most vertices, or triangles, that a file may make by placing its meshes several times."""

PLAIN_CODES = 3
"""Largest spread of sRGB codes that counts as one colour."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshPart:
    """The faces of one material of a mesh file."""

    vertices: NDArray[np.float64]
    """Positions in the file's frame and unit, shape (N, 3)."""
    triangles: NDArray[np.int64]
    """Vertex rows, shape (T, 3)."""
    normals: NDArray[np.float64] | None
    """The file's normals per vertex, shape (N, 3), or None."""
    uvs: NDArray[np.float64] | None
    """Texture coordinates, v up (0 = the lowest row of the image), shape (N, 2), or None."""
    base_color: NDArray[np.float64] | None
    """Linear albedo [1], shape (3,), range [0, 1], or None where the file states none."""
    texture: NDArray[np.uint8] | None
    """sRGB bytes, shape (height, width, 3), or None. Parts that share an image share the array."""
    name: str
    """Material or object name, unique within the file."""
    colors: NDArray[np.uint8] | None = None
    """Vertex colours as sRGB bytes, shape (N, 3), or None."""
    material: MeshMaterial = field(default_factory=MeshMaterial)
    """All that the file says of the material; `base_color` and `texture` are its colour and texture."""


def flatten_texture(part: MeshPart) -> MeshPart:
    """Replace a texture that paints the whole part in one colour by that colour.

    Many robots take their colours from one cell of a palette. Without its texture coordinates such a part can be
    decimated by edge collapse (see `decimation`), and it is shaded without look-ups.

    Args:
        part: A part of a mesh file.

    Returns:
        The part itself, or one without texture and texture coordinates whose base colour is the product of both.
    """
    if part.texture is None or part.uvs is None or not len(part.triangles):
        return part
    a, b, c = (part.uvs[part.triangles[:, i]] for i in range(3))
    at = np.concatenate([a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2, (a + b + c) / 3])
    height, width = part.texture.shape[:2]
    columns = np.minimum((at[:, 0] - np.floor(at[:, 0])) * width, width - 1).astype(np.int64)
    rows = np.minimum((1.0 - at[:, 1] - np.floor(1.0 - at[:, 1])) * height, height - 1).astype(np.int64)
    seen = part.texture[rows, columns].astype(np.float64)
    if (np.ptp(seen, axis=0) > PLAIN_CODES).any():
        return part
    colour = srgb_to_linear(np.median(seen, axis=0) / 255.0)
    return replace(
        part, uvs=None, texture=None, base_color=colour if part.base_color is None else colour * part.base_color
    )


def resolve_inside(name: str | Path, folder: Path, roots: Sequence[Path]) -> Path:
    """Find a file that an untrusted file names.

    Args:
        name: The name as written, relative to `folder`, or absolute.
        folder: Folder of the file that names it.
        roots: Folders that it must lie in, symbolic links followed.

    Returns:
        The resolved path; it need not exist.

    Raises:
        ValueError: If it lies outside every root.
    """
    text = str(name)
    if "\0" in text or not text.strip():
        raise ValueError(f"{text!r} is not a file name")
    path = (folder / text).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        listed = ", ".join(str(root) for root in roots)
        raise ValueError(f"{text!r} (named in {folder}) lies outside of {listed}; move it there or add its folder")
    return path


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"mesh file {path} does not exist")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, more than {MAX_FILE_BYTES}; decimate the mesh")
    return path.read_bytes()


@dataclass
class _Gate:
    """What trimesh may read besides the mesh itself: files inside the roots, and material names instead of MTL files.

    It has the methods of a trimesh resolver. Materials are parsed here, since trimesh needs another library for
    images and leaves the colours' meaning open.
    """

    folder: Path
    roots: Sequence[Path]
    materials: dict[str, MeshMaterial] | None = None
    """Those of an OBJ, by name; None for other files."""

    def get(self, name: str) -> bytes:
        if self.materials is None:
            return _read(resolve_inside(name, self.folder, self.roots))
        return "".join(f"newmtl {name}\nKd 1 1 1\n" for name in self.materials).encode()

    def read_materials(self, names: Sequence[str]) -> dict[str, MeshMaterial]:
        """Read MTL files; of two materials of one name the first counts, and files that do not exist say nothing."""
        self.materials = {}
        for name in names:
            path = resolve_inside(name, self.folder, self.roots)
            if path.is_file():
                text = _read(path).decode("utf-8", errors="replace")
                found = parse_mtl(text, path, partial(resolve_inside, folder=path.parent, roots=self.roots))
                self.materials = found | self.materials
        return self.materials

    def __getitem__(self, name: str) -> bytes:
        return self.get(name)

    def keys(self) -> list[str]:
        return []


def _load_obj(data: bytes, gate: _Gate) -> list[MeshPart]:
    from trimesh.exchange.obj import load_obj

    # trimesh logs and drops what goes wrong with a material, so hostile and broken ones are looked at first.
    materials = gate.read_materials(find_library_names(data))
    loaded = load_obj(io.BytesIO(data), resolver=gate, group_material=True)
    parts = []
    for name, kwargs in sorted(loaded.get("geometry", {}).items()):
        visual = kwargs.get("visual")
        uvs = getattr(visual, "uv", None)
        label = getattr(getattr(visual, "material", None), "name", None)
        material = materials.get(str(label), MeshMaterial())
        normals = kwargs.get("vertex_normals")
        vertices = np.asarray(kwargs["vertices"], np.float64)[:, :3]
        parts.append(
            MeshPart(
                vertices=vertices,
                triangles=_triangulate(np.asarray(kwargs["faces"], np.int64)),
                normals=None if normals is None else np.asarray(normals, np.float64),
                uvs=_fit_uvs(uvs, len(vertices)),
                base_color=material.color,
                texture=material.texture,
                name=str(name),
                colors=_fit_colors(kwargs.get("vertex_colors"), len(vertices)),
                material=material,
            )
        )
    return parts


def _triangulate(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fan quads and larger polygons of equal size into triangles."""
    sides = faces.shape[1]
    return np.concatenate([faces[:, [0, k, k + 1]] for k in range(1, sides - 1)]) if sides > 3 else faces


def _fit_uvs(uvs: Any, count: int) -> NDArray[np.float64] | None:
    """Take coordinates as they are (trimesh turns glTF's v up, as in OBJ); those that do not fit are none."""
    if uvs is None:
        return None
    array = np.asarray(uvs, np.float64)
    if array.ndim != 2 or array.shape[0] != count or array.shape[1] < 2 or not np.isfinite(array).all():
        return None
    return array[:, :2]


def _fit_colors(colors: Any, count: int, *, linear: bool = False) -> NDArray[np.uint8] | None:
    """Take vertex colours as sRGB bytes; those that do not fit are none."""
    array = None if colors is None else np.asarray(colors)
    if array is None or array.ndim != 2 or array.shape[0] != count or array.shape[1] < 3:
        return None
    most = float(np.iinfo(array.dtype).max) if array.dtype.kind == "u" else 1.0
    values = array[:, :3].astype(np.float64) / most
    if not np.isfinite(values).all():
        return None
    values = np.clip(values, 0.0, 1.0)
    return np.rint(255.0 * (linear_to_srgb(values) if linear else values)).astype(np.uint8)


def _find_colors(visual: Any, count: int, *, linear: bool) -> NDArray[np.uint8] | None:
    """Find the vertex colours among what trimesh says of a mesh's looks."""
    colors = visual.vertex_colors if getattr(visual, "kind", None) == "vertex" else None
    if colors is None:
        colors = getattr(visual, "vertex_attributes", {}).get("color")
    return _fit_colors(colors, count, linear=linear)


def _load_scene(data: bytes, suffix: str, gate: _Gate) -> list[MeshPart]:
    import trimesh

    is_gltf = suffix in (".glb", ".gltf")
    materials: list[MeshMaterial] = []
    if is_gltf:
        # trimesh reads images by another library; it is given the materials' numbers as their names instead.
        header, binary = split_gltf(data)
        materials = parse_gltf(header, binary, gate.get)
        for row, described in enumerate(header.get("materials", ())):
            described["name"] = str(row)
        header.pop("images", None)
        data = join_gltf(header, data)
    scene = trimesh.load_scene(io.BytesIO(data), file_type=suffix[1:], resolver=gate, process=False)
    _check_copies(scene)
    parts = []
    for node in scene.graph.nodes_geometry:
        pose, name = scene.graph[node]
        geometry = scene.geometry[name]
        if not isinstance(geometry, trimesh.Trimesh):
            continue
        linear = np.asarray(pose, np.float64)[:3, :3]
        vertices = transform_points(np.asarray(pose, np.float64), np.asarray(geometry.vertices, np.float64))
        triangles = np.asarray(geometry.faces, np.int64)
        normals = None
        # Normals that trimesh would compute are left to the mesh library, which knows about creases.
        if is_gltf and "vertex_normals" in geometry._cache:
            normals = (np.asarray(geometry.vertex_normals)[:, :, None] * np.linalg.inv(linear)).sum(axis=1)
        if np.linalg.det(linear) < 0:
            triangles = triangles[:, ::-1]
        visual = geometry.visual
        label = str(getattr(getattr(visual, "material", None), "name", ""))
        material = materials[int(label)] if label.isdecimal() and int(label) < len(materials) else MeshMaterial()
        parts.append(
            MeshPart(
                vertices=vertices,
                triangles=triangles,
                normals=normals,
                uvs=_fit_uvs(getattr(visual, "uv", None), len(vertices)),
                base_color=material.color,
                texture=material.texture,
                name=str(node),
                colors=_find_colors(visual, len(vertices), linear=is_gltf),
                material=material,
            )
        )
    return parts


def _check_copies(scene: Any) -> None:
    """Refuse a scene that a short file blows up by placing its meshes again and again."""
    uses = Counter(scene.graph[node][1] for node in scene.graph.nodes_geometry)
    sizes = {
        name: (len(mesh.vertices), len(mesh.faces)) for name, mesh in scene.geometry.items() if hasattr(mesh, "faces")
    }
    for what, which in (("vertices", 0), ("triangles", 1)):
        once = sum(sizes[name][which] for name in uses if name in sizes)
        count = sum(number * sizes[name][which] for name, number in uses.items() if name in sizes)
        if count > max(once, MAX_COPIES):
            raise ValueError(
                f"its {sum(uses.values())} nodes place {once} {what} as {count}, more than {MAX_COPIES}; "
                "decimate the mesh or place fewer copies"
            )


def load_mesh(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[MeshPart, ...]:
    """Load a mesh file, one part for each material.

    Args:
        path: OBJ (with its MTL and textures), STL, GLB or glTF (with its materials and textures), PLY or OFF.
        roots: Folders that the files it names must lie in; None = the file's own folder.

    Returns:
        Its parts, at least one, each with at least one triangle.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no mesh, is empty, holds NaN vertices or bad indices, or names a file outside the roots.

    Example:
        >>> parts = load_mesh("objects/mug.obj")
        >>> for part in parts:
        ...     builder.add_mesh(part.name, part.vertices, part.triangles, part.normals, part.uvs, part.colors)
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise ValueError(f"{file} cannot be read as a mesh; convert it to one of {', '.join(MESH_SUFFIXES)}")
    data = _read(file)
    folder = file.resolve().parent
    gate = _Gate(folder, [Path(root) for root in roots] if roots is not None else [folder])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*string or file could not be read.*")
            parts = _load_obj(data, gate) if suffix == ".obj" else _load_scene(data, suffix, gate)
    except (UserWarning, FileNotFoundError):
        raise
    except Exception as error:  # whatever a parser says about a damaged file
        if isinstance(error, ValueError) and "lies outside of" in str(error):
            raise
        raise ValueError(f"{file} is not a mesh that can be read: {error}") from error
    parts = [part for part in parts if part.triangles.size]
    if not parts:
        raise ValueError(f"{file} holds no triangles")
    for part in parts:
        if not np.isfinite(part.vertices).all():
            raise ValueError(f"{file} holds NaN or infinite vertices (in {part.name!r}); mend the file")
        if part.triangles.min() < 0 or part.triangles.max() >= len(part.vertices):
            raise ValueError(f"{file} names vertices that it does not hold (in {part.name!r})")
    return tuple(parts)
