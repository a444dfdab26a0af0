"""URDFs for physics: collision shapes only, in files that load fast."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..renderers.urdf import strip_urdf_visuals
from .hulls import format_obj
from .physics import WorldError


def prepare_urdf(file: Path, folder: Path, rewrite: Callable[[ElementTree.Element], None] | None = None) -> Path:
    """Write a URDF for physics.

    Args:
        file: The URDF.
        folder: Folder to make for what is written.
        rewrite: What else to change in it.

    Returns:
        The URDF to load.

    Raises:
        WorldError: If the file or one that it names is missing or broken; the message names it.
    """
    try:
        root = ElementTree.fromstring(strip_urdf_visuals(file))
    except (OSError, ValueError) as error:
        raise WorldError(str(error)) from error
    if rewrite is not None:
        rewrite(root)
    folder.mkdir()
    _compact_collision_meshes(root, folder)
    target = folder / "robot.urdf"
    target.write_text(ElementTree.tostring(root, encoding="unicode"), encoding="utf-8")
    return target


def _compact_collision_meshes(robot: ElementTree.Element, folder: Path) -> None:
    """Replace a URDF's collision OBJs of one object by their hulls' corners, which load four times as fast.

    Args:
        robot: The URDF's root; file names are changed in place. Bullet takes the hull of such a mesh anyway.
        folder: Where to put the files.
    """
    from scipy.spatial import ConvexHull, QhullError

    made: dict[str, str] = {}
    for mesh in robot.iterfind("link/collision/geometry/mesh"):
        name = mesh.get("filename", "")
        if name not in made:
            made[name] = name
            lines = (
                Path(name).read_text(encoding="utf-8", errors="replace").splitlines() if name.endswith(".obj") else []
            )
            try:
                points = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)
                is_single = sum(line.startswith(("o ", "g ")) for line in lines) <= 1
                if is_single and points.ndim == 2 and points.shape[0] >= 4:
                    target = folder / f"{len(made)}.obj"
                    target.write_text(format_obj([points[ConvexHull(points).vertices]]), encoding="ascii")
                    made[name] = str(target)
            except (QhullError, ValueError):
                pass  # Bullet reads the file itself, or says what is wrong with it
        mesh.set("filename", made[name])
