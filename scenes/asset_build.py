"""Building the asset library from files: meshes with levels of detail, collision hulls, textures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.builtin_skies import find_horizon, make_builtin_skies
from ..renderers.mesh_builder import MeshLibraryBuilder
from ..renderers.mesh_files import MeshPart, flatten_texture
from ..renderers.procedural_textures import make_builtin_textures
from ..renderers.textures import load_image
from ..renderers.urdf import load_urdf_visuals
from .asset_folder import AssetFile
from .asset_library import AssetLibrary, outline_points
from .asset_refusals import refuse_assets
from .asset_shape import collision_clouds, load_shape, place_shape
from .asset_sources import Sources
from .hulls import make_hulls
from .mesh_solid import weld_solid
from .nominal import make_nominal

Array = NDArray[np.float64]
CAPSULE_RATIOS: Final = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Length between the centres over the radius of the capsules on offer."""
_BUILT_IN_SCALE: Final = 0.015
"""Scale that PyBullet's random objects state in their URDFs."""


class _Builder:
    """Collects meshes, textures, assets and their numbers."""

    def __init__(self) -> None:
        self.meshes = MeshLibraryBuilder()
        self.assets: list[dict[str, Any]] = []
        self.tables: dict[str, list[Any]] = {"extent": [], "center": [], "volume": []}
        self.hull_points: list[Array] = []
        self.hull_inset: list[Array] = []
        self.part_points = [0]
        self.part_start = [0]
        self._textures: dict[str, int] = {}

    def add_texture(self, name: str, image: NDArray[np.uint8]) -> int:
        """Add an image once, however many files hold it."""
        digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        if digest not in self._textures:
            self._textures[digest] = self.meshes.add_texture(name, image)
        return self._textures[digest]

    def add_parts(self, name: str, parts: Sequence[MeshPart]) -> list[dict[str, Any]]:
        """Add meshes, those of one material joined.

        Texture coordinates without a texture are dropped, since they would bar edge collapse (see decimation), and
        normals are made anew: many files give one per face, which triples the vertices.
        """
        groups: dict[tuple[Any, ...], list[MeshPart]] = {}
        for part in map(flatten_texture, parts):
            color = None if part.base_color is None else tuple(float(value) for value in part.base_color)
            texture = -1 if part.texture is None else self.add_texture(f"{name}/{part.name}", part.texture)
            groups.setdefault((color, texture, part.uvs is not None and texture >= 0), []).append(part)
        entries = []
        for number, ((color, texture, has_uv), members) in enumerate(groups.items()):
            sizes = np.cumsum([0, *(len(part.vertices) for part in members)])
            mesh = self.meshes.add_mesh(
                f"{name}/{number}",
                np.concatenate([part.vertices for part in members]),
                np.concatenate([part.triangles + start for part, start in zip(members, sizes[:-1], strict=True)]),
                uvs=np.concatenate([_given(part.uvs) for part in members]) if has_uv else None,
            )
            entries.append({"mesh": mesh, "base_color": color, "texture": texture})
        return entries

    def add_asset(
        self, name: str, kind: str, parts: list[dict[str, Any]], lower: Array, upper: Array, volume: float, digest: str
    ) -> None:
        """Add an asset whose meshes and hulls, if any, were added before."""
        self.assets.append({"name": name, "kind": kind, "parts": parts, "digest": digest})
        self.tables["extent"].append(upper - lower)
        self.tables["center"].append(0.5 * (upper + lower))
        self.tables["volume"].append(volume)
        self.part_start.append(len(self.part_points) - 1)

    def add_hulled(self, name: str, clouds: Sequence[Array], parts: Sequence[MeshPart], digest: str) -> Array:
        """Add an asset that collides by convex parts; its frame's origin goes to their centre of mass, returned."""
        hulls, mass_center, volume = make_hulls(clouds)
        moved = [_moved(part, mass_center) for part in parts]
        points = np.concatenate([part.vertices for part in moved])
        self.hull_points.append(hulls.points - mass_center)
        self.hull_inset.append(hulls.inset)
        base = self.part_points[-1]
        self.part_points.extend((base + hulls.starts[1:]).tolist())
        entries = self.add_parts(name, moved)
        self.add_asset(name, "hulls", entries, points.min(axis=0), points.max(axis=0), volume, digest)
        return mass_center

    def add_file(self, name: str, asset: AssetFile, digest: str, *, cache: bool) -> None:
        """Add a user's asset, with what is said of it."""
        shape = place_shape(load_shape(asset.path, [asset.root]), asset.declaration)
        clouds = collision_clouds(shape, cache=cache)
        origin = self.add_hulled(name, clouds, shape.parts, digest)
        solid = weld_solid(shape.surface.vertices, shape.surface.triangles)
        self.assets[-1]["nominal"] = make_nominal(asset, origin, solid.enclosed_volume).to_json()

    def add_primitives(self) -> None:
        """Add box, sphere, cylinder and capsules, each with a longest side of 1 m."""
        plain = {"base_color": None, "texture": -1}
        half = np.full(3, 0.5)
        for kind, row, volume in (
            ("box", self.meshes.add_box(), 1.0),
            ("sphere", self.meshes.add_sphere(), math.pi / 6.0),
            ("cylinder", self.meshes.add_cylinder(), math.pi / 4.0),
        ):
            self.add_asset(kind, kind, [plain | {"mesh": row}], -half, half, volume, "")
        for ratio in CAPSULE_RATIOS:
            radius = 1.0 / (ratio + 2.0)
            row = self.meshes.add_capsule(radius, ratio * radius)
            corner = np.array([radius, radius, 0.5])
            volume = math.pi * radius**3 * (ratio + 4.0 / 3.0)
            self.add_asset(f"capsule_{ratio:g}", "capsule", [plain | {"mesh": row}], -corner, corner, volume, "")


def _given(values: NDArray[Any] | None) -> NDArray[Any]:
    assert values is not None
    return values


def _moved(part: MeshPart, origin: Array) -> MeshPart:
    return MeshPart(
        vertices=part.vertices - origin,
        triangles=part.triangles,
        normals=part.normals,
        uvs=part.uvs,
        base_color=part.base_color,
        texture=part.texture,
        name=part.name,
    )


def _read_convex_obj(path: Path) -> tuple[list[Array], MeshPart]:
    """Read one of PyBullet's random objects: objects `convex_<k>` of points and triangles, nothing else."""
    points: list[list[str]] = []
    faces: list[list[str]] = []
    starts = []
    for line in path.read_text(encoding="ascii").splitlines():
        tag = line[:2]
        if tag == "v ":
            points.append(line.split()[1:4])
        elif tag == "f ":
            faces.append([word.split("/")[0] for word in line.split()[1:4]])
        elif tag == "o ":
            starts.append(len(points))
    vertices = np.array(points, np.float64) * _BUILT_IN_SCALE
    part = MeshPart(
        vertices=vertices,
        triangles=np.array(faces, np.int64) - 1,
        normals=None,
        uvs=None,
        base_color=None,
        texture=None,
        name=path.stem,
    )
    return np.split(vertices, starts[1:]), part


def build_asset_library(sources: Sources, *, cache: bool = True) -> AssetLibrary:
    """Build a library from its files.

    Args:
        sources: The files.
        cache: Whether to use the cache of convex decompositions.

    Returns:
        The library.

    Raises:
        FileNotFoundError: If a file that another names does not exist.
        ValueError: If users' files cannot be used; the message names all of them.
    """
    builder = _Builder()
    primitives = {"box": builder.meshes.add_box(), "plane": builder.meshes.add_plane()}
    builder.add_primitives()
    for number, (name, path) in enumerate(sources.objects):
        if sources.built_in:
            clouds, part = _read_convex_obj(path)
            if not np.isfinite(part.vertices).all():
                continue  # one of the thousand (168) came out of its exporter as NaN
            builder.add_hulled(name, clouds, (part,), sources.digests[name])
        else:
            try:
                builder.add_file(name, sources.files[name], sources.digests[name], cache=cache)
            except (ValueError, FileNotFoundError) as error:
                raise refuse_assets(sources.files, {name: str(error)}, passed=number) from error
    textures = [builder.add_texture(name, load_image(path)) for name, path in sources.images]
    if not textures or sources.built_in or all(name.startswith("pybullet/") for name, _ in sources.images):
        textures += [builder.add_texture(f"built_in/{name}", image) for name, image in make_builtin_textures().items()]
    robot, robot_tables = _build_robot(builder, sources.robot)
    skies = {}
    for name, radiance in make_builtin_skies().items():
        row = builder.meshes.add_sky(name, radiance)
        skies[name] = {"row": row, "horizon": find_horizon(radiance)}
    meshes = builder.meshes.build()
    outlines = [outline_points(meshes.level(entry["mesh"]).vertices) for entry in robot]
    tables = {
        "extent": np.array(builder.tables["extent"]),
        "center": np.array(builder.tables["center"]),
        "volume": np.array(builder.tables["volume"]),
        "hull_points": np.concatenate(builder.hull_points) if builder.hull_points else np.zeros((0, 3)),
        "hull_inset": np.concatenate(builder.hull_inset) if builder.hull_inset else np.zeros((0, 3)),
        "part_points": np.array(builder.part_points, np.int64),
        "part_start": np.array(builder.part_start, np.int64),
        "robot_outline": np.array(outlines).reshape(-1, 256, 3),
        **robot_tables,
    }
    info = {
        "assets": builder.assets,
        "robot_parts": robot,
        "robot_urdf": str(sources.robot),
        "primitives": primitives,
        "surface_textures": textures,
        "skies": skies,
        "digests": sources.digests,
    }
    return AssetLibrary(meshes=meshes, info=info, tables=tables)


def _build_robot(builder: _Builder, urdf: Path) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Add a robot's visuals: one mesh for each material of each link; fingers and wheels of one file share theirs."""
    entries: list[dict[str, Any]] = []
    poses, scales = [], []
    known: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for visual in load_urdf_visuals(urdf):
        if visual.kind == "mesh":
            key = (str(visual.mesh_path), visual.scale.tobytes() if (visual.scale != 1).any() else b"")
            if key not in known:
                known[key] = builder.add_parts(f"robot/{visual.link_name}/{len(known)}", visual.parts)
            parts = known[key]
        else:
            rows = {
                "box": builder.meshes.add_box,
                "sphere": builder.meshes.add_sphere,
                "cylinder": builder.meshes.add_cylinder,
                "plane": builder.meshes.add_plane,
            }
            is_capsule = visual.kind == "capsule"
            mesh = builder.meshes.add_capsule(visual.radius, visual.length) if is_capsule else rows[visual.kind]()
            parts = [{"mesh": mesh, "base_color": None, "texture": -1}]
        color = None if visual.color is None else tuple(float(value) for value in visual.color)
        for part in parts:
            chosen = color if part["base_color"] is None else part["base_color"]
            entries.append(dict(part) | {"base_color": chosen, "link": visual.link_index})
            poses.append(visual.pose_link_visual)
            scales.append(visual.scale)
    if not entries:
        raise ValueError(f"robot {urdf} shows nothing; its URDF has no visuals")
    return entries, {"robot_pose": np.array(poses), "robot_scale": np.array(scales)}
