"""What a URDF states of its bodies beside their looks: masses, inertias, mesh files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .mesh_references import list_mesh_files
from .urdf import _find_mesh, _numbers, _order_links, _parse


@dataclass(frozen=True, kw_only=True, eq=False)
class UrdfInertial:
    """Mass and inertia that a URDF states of a link."""

    link_name: str
    """Name of the link."""
    mass: float
    """Mass [kg]."""
    inertia: NDArray[np.float64]
    """Inertia tensor about the inertial frame's origin, along its axes [kg m^2], shape (3, 3)."""


def load_urdf_inertials(path: str | Path) -> tuple[UrdfInertial, ...]:
    """Read the masses and inertias of a URDF, whatever they are.

    Args:
        path: The URDF.

    Returns:
        One entry for each link that states them, in PyBullet's order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no URDF, declares entities, its joints make no tree, or a value is no finite number.
    """
    file = Path(path)
    root = _parse(file)
    elements = {link.get("name"): link for link in root.findall("link")}
    found = []
    for link in _order_links(root, file):
        inertial = elements[link.name].find("inertial")
        mass, inertia = (None, None) if inertial is None else (inertial.find("mass"), inertial.find("inertia"))
        if mass is None or inertia is None:
            continue
        where = f"the inertial of link {link.name!r} of {path}"
        xx, xy, xz, yy, yz, zz = (
            float(_numbers(inertia.get(name), (0.0,), f"{name} of {where}")[0])
            for name in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
        )
        found.append(
            UrdfInertial(
                link_name=link.name,
                mass=float(_numbers(mass.get("value"), (0.0,), f"mass of {where}")[0]),
                inertia=np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]),
            )
        )
    return tuple(found)


def list_urdf_meshes(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[Path, ...]:
    """List the mesh files that a URDF names, for what is seen and for what collides, each once.

    Args:
        path: The URDF.
        roots: Folders that they must lie in; None = the URDF's own folder.

    Returns:
        The files, sorted.

    Raises:
        FileNotFoundError: If the URDF or a mesh does not exist.
        ValueError: If it is no URDF, declares entities, or names a file outside the roots.
    """
    file = Path(path)
    folder = file.resolve().parent
    folders = [Path(item) for item in roots] if roots is not None else [folder]
    names = {mesh.get("filename") for mesh in _parse(file).iterfind("link/*/geometry/mesh")}
    return tuple(sorted({_find_mesh(name, folder, folders) for name in names if name}))


def list_base_meshes(path: str | Path, roots: Sequence[str | Path], kind: str) -> tuple[Path, ...]:
    """List the mesh files of a URDF's base link, each once.

    Args:
        path: The URDF.
        roots: Folders that they must lie in.
        kind: visual or collision.

    Returns:
        The files, sorted.

    Raises:
        FileNotFoundError: If the URDF or a mesh does not exist.
        ValueError: If it is no URDF, declares entities, its joints make no tree, or a file lies outside the roots.
    """
    file = Path(path)
    root = _parse(file)
    base = _order_links(root, file)[0].name
    meshes = (
        mesh
        for link in root.findall("link")
        if link.get("name") == base
        for mesh in link.iterfind(f"{kind}/geometry/mesh")
    )
    names = {mesh.get("filename") for mesh in meshes}
    folders = [Path(item) for item in roots]
    return tuple(sorted({_find_mesh(name, file.resolve().parent, folders) for name in names if name}))


def list_urdf_files(path: str | Path, roots: Sequence[str | Path] | None = None) -> tuple[Path, ...]:
    """List the files that a URDF is drawn from and collides by: meshes, what they name, textures.

    Args:
        path: The URDF.
        roots: Folders that they must lie in; None = the URDF's own folder.

    Returns:
        The URDF itself, then the others, each once, links followed. Files that do not exist, or lie outside the roots,
        are left out.

    Raises:
        FileNotFoundError: If there is no such URDF.
        ValueError: If it is no URDF, or declares entities.
    """
    file = Path(path)
    folder = file.resolve().parent
    folders = [Path(item) for item in roots] if roots is not None else [folder]
    found = {file.resolve(): None}
    root = _parse(file)
    for element in (*root.iter("mesh"), *root.iter("texture")):
        with suppress(ValueError, OSError):  # loading says what is wrong with it
            named = _find_mesh(element.get("filename", ""), folder, folders)
            found |= dict.fromkeys(list_mesh_files(named, folders) if element.tag == "mesh" else (named,))
    return tuple(found)
