"""What a URDF shows: its visuals with materials, link by link, numbered as PyBullet numbers them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from .mesh_files import MeshPart, load_mesh, resolve_inside
from .textures import load_image, srgb_to_linear

MAX_URDF_BYTES = 16 * 1024 * 1024
"""Largest URDF that is read [byte]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UrdfLink:
    """One link, in PyBullet's order: -1 = base, then depth first, children in the order of their joints."""

    index: int
    """PyBullet's link index, -1 = base."""
    parent: int
    """Link index of the parent; -2 for the base."""
    name: str
    """Name of the link."""
    joint_name: str
    """Joint that moves it; empty for the base."""
    joint_type: str
    """URDF's word (revolute, continuous, prismatic, fixed, ...); empty for the base."""
    pose_link_inertial: NDArray[np.float64]
    """Maps the inertial frame, whose pose PyBullet reports for the base, to the link's frame, shape (4, 4)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UrdfVisual:
    """One visual element of one link."""

    link_index: int
    """PyBullet's link index, -1 = base."""
    link_name: str
    """Name of the link."""
    pose_link_visual: NDArray[np.float64]
    """Maps the visual's frame to the link's frame (not the inertial frame), shape (4, 4)."""
    kind: str
    """mesh, box, sphere, cylinder, capsule or plane."""
    scale: NDArray[np.float64]
    """Scale of the mesh, or of the unit primitive [1], shape (3,), > 0; ones for a capsule."""
    radius: float = 0.0
    """Radius of a capsule [m]."""
    length: float = 0.0
    """Distance between the centres of a capsule's half spheres [m]."""
    parts: tuple[MeshPart, ...] = ()
    """The mesh's parts; empty for primitives. Where a scale was negative, they are mirrored already."""
    mesh_path: Path | None = None
    """The mesh file; None for primitives."""
    color: NDArray[np.float64] | None = None
    """The URDF material's linear albedo [1], shape (3,), or None where it states none."""
    texture: NDArray[np.uint8] | None = None
    """The URDF material's texture, sRGB bytes, shape (height, width, 3), or None."""


def _parse(path: Path) -> ElementTree.Element:
    """Read a URDF without entities: a document type is refused before anything is expanded."""
    if not path.is_file():
        raise FileNotFoundError(f"URDF {path} does not exist")
    if path.stat().st_size > MAX_URDF_BYTES:
        raise ValueError(f"{path} has more than {MAX_URDF_BYTES} bytes; this is no URDF")
    data = path.read_bytes()

    def refuse(*_: object) -> None:
        raise ValueError(f"{path} declares a document type or entities; remove <!DOCTYPE ...> from it")

    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = refuse
    guard.EntityDeclHandler = refuse
    try:
        guard.Parse(data, True)
        root = ElementTree.fromstring(data)
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise ValueError(f"{path} is not well-formed XML: {error}") from error
    if root.tag != "robot":
        raise ValueError(f"{path} is no URDF: its root is <{root.tag}>, not <robot>; run xacro first")
    return root


def _numbers(text: str | None, default: Sequence[float], where: str) -> NDArray[np.float64]:
    if text is None:
        return np.array(default, np.float64)
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.zeros(0)
    if len(values) != len(default) or not np.isfinite(values).all():
        raise ValueError(f"{where} must be {len(default)} finite numbers, got {text!r}")
    return values


def _pose(origin: ElementTree.Element | None, where: str) -> NDArray[np.float64]:
    pose = np.eye(4)
    if origin is None:
        return pose
    roll, pitch, yaw = _numbers(origin.get("rpy"), (0.0, 0.0, 0.0), f"rpy of {where}").tolist()
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    pose[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    pose[:3, 3] = _numbers(origin.get("xyz"), (0.0, 0.0, 0.0), f"xyz of {where}")
    return pose


def _attribute(element: ElementTree.Element | None, name: str, where: str) -> str:
    value = None if element is None else element.get(name)
    if value is None:
        raise ValueError(f"{where} lacks {name!r}")
    return value


def _order_links(root: ElementTree.Element, path: Path) -> list[UrdfLink]:
    links: dict[str, ElementTree.Element] = {}
    for link in root.findall("link"):
        name = _attribute(link, "name", f"a link of {path}")
        if name in links:
            raise ValueError(f"{path} has two links named {name!r}")
        links[name] = link
    children: dict[str, list[tuple[str, ElementTree.Element]]] = {name: [] for name in links}
    parent_of: dict[str, str] = {}
    for joint in root.findall("joint"):
        where = f"joint {joint.get('name')!r} of {path}"
        parent = _attribute(joint.find("parent"), "link", where)
        child = _attribute(joint.find("child"), "link", where)
        if parent not in links or child not in links:
            raise ValueError(f"{where} joins {parent!r} and {child!r}; there is no such link")
        if child in parent_of:
            raise ValueError(f"{where} gives {child!r} a second parent; a URDF is a tree")
        parent_of[child] = parent
        children[parent].append((child, joint))
    bases = [name for name in links if name not in parent_of]
    if len(bases) != 1:
        raise ValueError(f"{path} must have exactly one link without a parent, got {bases}")

    ordered: list[UrdfLink] = []
    stack: list[tuple[str, int, ElementTree.Element | None]] = [(bases[0], -2, None)]
    while stack:
        name, parent_index, maybe_joint = stack.pop()
        inertial = links[name].find("inertial")
        origin = None if inertial is None else inertial.find("origin")
        ordered.append(
            UrdfLink(
                index=len(ordered) - 1,
                parent=parent_index,
                name=name,
                joint_name="" if maybe_joint is None else maybe_joint.get("name", ""),
                joint_type="" if maybe_joint is None else maybe_joint.get("type", ""),
                pose_link_inertial=_pose(origin, f"the inertial of link {name!r} of {path}"),
            )
        )
        stack.extend((child, len(ordered) - 2, joint) for child, joint in reversed(children[name]))
    if len(ordered) != len(links):
        raise ValueError(f"{path} has joints in a circle; a URDF is a tree")
    return ordered


def load_urdf_links(path: str | Path) -> tuple[UrdfLink, ...]:
    """Read the links of a URDF in PyBullet's order.

    Args:
        path: The URDF.

    Returns:
        The base first, then link 0, 1, ...; the base's `pose_link_inertial` turns PyBullet's base pose into the link's.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no URDF, declares entities, or its joints make no tree.

    Example:
        >>> [link.name for link in load_urdf_links("franka_panda/panda.urdf")][:3]
        ['panda_link0', 'panda_link1', 'panda_link2']
    """
    file = Path(path)
    return tuple(_order_links(_parse(file), file))


def _find_mesh(name: str, folder: Path, roots: Sequence[Path]) -> Path:
    """Find a mesh file: relative to the URDF, or package://, looked for in the roots and the folders above the URDF."""
    package = name.startswith("package://")
    plain = name.removeprefix("package://").removeprefix("file://")
    tried: list[Path] = []
    refusal: ValueError | None = None
    places: Iterable[Path] = (folder, *folder.resolve().parents, *roots) if package else (folder, *roots)
    names = [plain]
    if package and "/" in plain:
        names.append(plain.split("/", 1)[1])  # the root is the package
    for candidate in names:
        for place in places:
            try:
                path = resolve_inside(candidate, place, roots)
            except ValueError as error:
                refusal = refusal or error
                continue
            if path.is_file():
                return path
            tried.append(path)
    if not tried and refusal is not None:
        raise refusal
    raise FileNotFoundError(f"mesh {name!r} was not found; looked for {', '.join(str(path) for path in tried[:4])}")


def _mirror(part: MeshPart, sign: NDArray[np.float64]) -> MeshPart:
    flip = bool(np.prod(sign) < 0)
    return MeshPart(
        vertices=part.vertices * sign,
        triangles=part.triangles[:, ::-1].copy() if flip else part.triangles,
        normals=None if part.normals is None else part.normals * sign,
        uvs=part.uvs,
        base_color=part.base_color,
        texture=part.texture,
        name=part.name,
    )


_Paint = tuple[NDArray[np.float64] | None, NDArray[np.uint8] | None]


class _Reader:
    """Reads the visuals of one URDF; meshes and images are loaded once each."""

    def __init__(self, path: Path, roots: Sequence[Path]) -> None:
        self.path = path
        self.folder = path.resolve().parent
        self.roots = roots
        self._meshes: dict[Path, tuple[MeshPart, ...]] = {}
        self._paints: dict[str, _Paint] = {}

    def read_material(self, material: ElementTree.Element | None) -> _Paint:
        """Return colour and texture; a material without either refers to one of its name."""
        if material is None:
            return None, None
        name = material.get("name", "")
        color, texture = material.find("color"), material.find("texture")
        if color is None and texture is None:
            return self._paints.get(name, (None, None))
        rgb, image = None, None
        if color is not None:
            rgba = _numbers(color.get("rgba"), (1.0, 1.0, 1.0, 1.0), f"rgba of material {name!r} of {self.path}")
            rgb = srgb_to_linear(np.clip(rgba[:3], 0.0, 1.0))
        if texture is not None:
            named = _attribute(texture, "filename", f"the texture of material {name!r} of {self.path}")
            image = load_image(_find_mesh(named, self.folder, self.roots))
        if name:
            self._paints.setdefault(name, (rgb, image))
        return rgb, image

    def read_visual(self, visual: ElementTree.Element, link: UrdfLink) -> UrdfVisual | None:
        """Return one visual, or None where its geometry is empty, of no size, or of a kind that Bullet ignores."""
        where = f"a visual of link {link.name!r} of {self.path}"
        color, texture = self.read_material(visual.find("material"))
        geometry = visual.find("geometry")
        shape = None if geometry is None or len(geometry) == 0 else geometry[0]
        if shape is None:
            return None
        pose = _pose(visual.find("origin"), where)
        scale = np.ones(3)
        radius = length = 0.0
        parts: tuple[MeshPart, ...] = ()
        mesh_path = None
        if shape.tag == "mesh":
            mesh_path = _find_mesh(_attribute(shape, "filename", where), self.folder, self.roots)
            if mesh_path not in self._meshes:
                self._meshes[mesh_path] = load_mesh(mesh_path, self.roots)
            parts = self._meshes[mesh_path]
            text = shape.get("scale")
            if text is not None and len(text.split()) == 1:  # one number scales all axes
                text = " ".join(text.split() * 3)
            scale = _numbers(text, (1.0, 1.0, 1.0), f"scale of {where}")
            sign = np.where(scale < 0, -1.0, 1.0)
            if (sign < 0).any():
                parts, scale = tuple(_mirror(part, sign) for part in parts), np.abs(scale)
        elif shape.tag == "box":
            scale = _numbers(_attribute(shape, "size", where), (1.0, 1.0, 1.0), f"size of {where}")
        elif shape.tag == "sphere":
            scale = np.full(3, 2.0 * self._number(shape, "radius", where))
        elif shape.tag == "cylinder":
            diameter = 2.0 * self._number(shape, "radius", where)
            scale = np.array([diameter, diameter, self._number(shape, "length", where)])
        elif shape.tag == "capsule":
            radius, length = self._number(shape, "radius", where), self._number(shape, "length", where)
        elif shape.tag != "plane":
            return None
        if (scale < 0).any() or radius < 0 or length < 0:
            raise ValueError(f"{where} has the size {scale.tolist()}; no side may be negative")
        if (scale == 0).any() or (shape.tag == "capsule" and radius == 0):
            return None  # markers of no size
        kind = shape.tag
        if kind == "capsule" and length == 0:
            kind, scale, radius = "sphere", np.full(3, 2.0 * radius), 0.0
        return UrdfVisual(
            link_index=link.index,
            link_name=link.name,
            pose_link_visual=pose,
            kind=kind,
            scale=scale,
            radius=radius,
            length=length,
            parts=parts,
            mesh_path=mesh_path,
            color=color,
            texture=texture,
        )

    @staticmethod
    def _number(shape: ElementTree.Element, name: str, where: str) -> float:
        return float(_numbers(_attribute(shape, name, where), (1.0,), f"{name} of {where}")[0])


def load_urdf_visuals(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[UrdfVisual, ...]:
    """Read the visuals of a URDF.

    Args:
        path: The URDF.
        roots: Folders that the files it names must lie in; None = the URDF's own folder.

    Returns:
        The visuals, link by link in PyBullet's order, then in the order of the file.

    Raises:
        FileNotFoundError: If the URDF or a mesh does not exist.
        ValueError: If it is no URDF, declares entities, names a file outside the roots, or a mesh is not valid.

    Example:
        >>> for visual in load_urdf_visuals("franka_panda/panda.urdf"):
        ...     print(visual.link_index, visual.kind, len(visual.parts))
    """
    return _load_shapes(Path(path), roots, "visual")


def load_urdf_collisions(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[UrdfVisual, ...]:
    """Read the collision shapes of a URDF, in all else as `load_urdf_visuals`."""
    return _load_shapes(Path(path), roots, "collision")


def _load_shapes(file: Path, roots: Sequence[str | Path] | None, kind: str) -> tuple[UrdfVisual, ...]:
    root = _parse(file)
    folders = [Path(folder) for folder in roots] if roots is not None else [file.resolve().parent]
    reader = _Reader(file, folders)
    for material in root.findall("material"):
        reader.read_material(material)
    # Bullet resolves a named material over the whole file, in the file's order.
    for material in root.iterfind("link/visual/material"):
        reader.read_material(material)
    elements = {link.get("name"): link for link in root.findall("link")}
    visuals = []
    for link in _order_links(root, file):
        for element in elements[link.name].findall(kind):
            visual = reader.read_visual(element, link)
            if visual is not None:
                visuals.append(visual)
    return tuple(visuals)


def strip_urdf_visuals(path: str | Path, roots: Sequence[str | Path] | None = None) -> str:
    """Write a URDF for physics: collision shapes only, meshes by absolute path.

    Bullet tessellates visuals when it loads a URDF, which takes most of the time and serves its own renderers only.

    Args:
        path: The URDF.
        roots: Folders that the files it names must lie in; None = the URDF's own folder.

    Returns:
        The text of the URDF; it can be stored anywhere.

    Raises:
        FileNotFoundError: If the URDF or a collision mesh does not exist.
        ValueError: If it is no URDF, declares entities, or names a file outside the roots.
    """
    file = Path(path)
    root = _parse(file)
    folder = file.resolve().parent
    folders = [Path(item) for item in roots] if roots is not None else [folder]
    for link in root.findall("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
    for material in root.findall("material"):
        root.remove(material)
    for mesh in root.iterfind("link/collision/geometry/mesh"):
        name = _attribute(mesh, "filename", f"a collision mesh of {file}")
        mesh.set("filename", str(_find_mesh(name, folder, folders)))
    return ElementTree.tostring(root, encoding="unicode")
