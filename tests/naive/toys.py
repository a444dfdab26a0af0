"""PyBullet's thousand random objects as things in a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simloom.renderers import MeshLibrary, MeshLibraryBuilder
from simloom.renderers.urdf import load_urdf_visuals

from .still_life import Thing, camera, look, pose, still_life, turn

BROKEN = ("168",)
"""Objects whose file holds NaN vertices, which the loader refuses."""
SIDE = 5
"""Objects along a side of a scene's grid."""
COUNT = SIDE * SIDE
"""Objects of a scene."""
SPACING = 0.14
"""Between the places of the grid [m]; objects are up to 0.15 m wide, so that some touch and many hide others."""


def toy_scene(number: int):
    """The library, snapshot and two 320x240 views of objects 25 * number to 25 * number + 24, turned at random."""
    import pybullet_data

    folder = Path(pybullet_data.getDataPath()) / "random_urdfs"
    builder = MeshLibraryBuilder()
    floor = builder.add_plane()
    rng = np.random.default_rng(number)
    things = [Thing(mesh=floor, at=pose(), scale=(3.0, 3.0, 1.0), instance=0, class_id=1)]
    for slot in range(COUNT):
        name = f"{COUNT * number + slot:03d}"
        rotation = turn(rng.normal(size=3), rng.uniform(0, np.pi))
        place = SPACING * (np.array(divmod(slot, SIDE)) - 0.5 * (SIDE - 1))
        at = pose(*place, rng.uniform(0.05, 0.15), rotation)
        if name in BROKEN:
            continue
        for visual in load_urdf_visuals(folder / name / f"{name}.urdf"):
            for k, part in enumerate(visual.parts):
                row = builder.add_mesh(f"{name}/{k}", part.vertices, part.triangles, part.normals, levels=False)
                scale = tuple(np.abs(visual.scale))
                things.append(Thing(mesh=row, at=at @ visual.pose_link_visual, scale=scale, instance=slot + 1))
    library: MeshLibrary = builder.build()
    eyes = [(0.75, 0.2, 0.55), (-0.3, -0.6, 0.8)]
    views = [camera(320, 240, 330.0, at=look(eye, (0, 0, 0.08)), near=0.05, far=10.0) for eye in eyes]
    return library, still_life(*things), views
