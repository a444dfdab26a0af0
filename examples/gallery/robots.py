"""Pictures of robots: a close-up, and one mesh at its levels of detail."""

from __future__ import annotations

import dataclasses

import numpy as np
from drawing import Image, draw_tiles, expose
from staging import Staging, light
from subjects import TOP, bin_of_objects, camera, relight, tabletop

from simloom.renderers import MeshLibraryBuilder, Raster
from simloom.renderers.urdf import load_urdf_visuals
from simloom.scenes.asset_sources import pybullet_data_folder


def draw_robot(width: int = 1200) -> Image:
    """Show the Panda's hand over the objects from near, in full detail."""
    library, snapshot = tabletop()
    lit = relight(snapshot, light(azimuth=-0.35, elevation=0.85, sun_radius=0.02))
    view = camera(
        (1.05, -0.60, TOP + 0.56), (0.30, -0.02, TOP + 0.31), width=width, height=width * 9 // 16, field_of_view=0.86
    )
    raster = Raster(library, supersample=4 if width > 200 else 1, lod="exact", shadow_resolution=4096)
    frames = raster.render([lit], [view], outputs=("colour",))
    return expose(frames.colour[0, 0], 1.3)


def draw_bin(width: int = 1200) -> Image:
    """Show a bin of PyBullet's random objects from above."""
    library, snapshot = bin_of_objects()
    view = camera((0.10, -0.56, 0.84), (0.0, -0.02, 0.02), width=width, height=width * 9 // 16, field_of_view=0.72)
    frames = Raster(library, supersample=4 if width > 200 else 1).render([snapshot], [view], outputs=("colour",))
    return expose(frames.colour[0, 0], 1.3)


def draw_levels(width: int = 400) -> Image:
    """Show the Panda's hand at each level of detail, with its triangles and the stated error."""
    visuals = load_urdf_visuals(pybullet_data_folder() / "franka_panda" / "panda.urdf")
    parts = next(visual for visual in visuals if visual.link_name.endswith("hand")).parts
    first = np.cumsum([0, *(len(part.vertices) for part in parts)])
    source = MeshLibraryBuilder()
    row = source.add_mesh(
        "hand",
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.triangles + start for part, start in zip(parts, first[:-1], strict=True)]),
    )
    full = source.build()
    count = int(full.mesh_level_count[row])
    chosen = sorted({round(k * (count - 1) / 2) for k in range(3)})
    tiles = []
    for number in chosen:
        level = full.level(row, number)
        error = float(full.level_error[int(full.mesh_level_start[row]) + number])
        builder = MeshLibraryBuilder()
        hand = builder.add_levels("hand", [dataclasses.replace(level, error=0.0)], has_uv=False, is_closed=True)
        plane = builder.add_plane()
        staging = Staging()
        staging.add(
            plane,
            (0, 0, float(full.mesh_lower[row, 2])),
            scale=(4, 4, 1),
            shadow=0,
            roughness=0.9,
            base_color=(0.35, 0.36, 0.38),
        )
        staging.add(hand, instance=1, base_color=(0.78, 0.78, 0.76), roughness=0.4)
        snapshot = staging.snapshot(light(azimuth=-0.2, elevation=0.9, sun_radius=0.02))
        view = camera((0.30, -0.22, 0.24), (0.0, 0.0, 0.03), width=width, height=width, field_of_view=0.56)
        frames = Raster(builder.build(), supersample=4 if width > 200 else 1).render(
            [snapshot], [view], outputs=("colour",)
        )
        name = "exact" if number == 0 else f"level {number}, {1e3 * error:.1f} mm"
        tiles.append((f"{name}: {len(level.triangles)} triangles", expose(frames.colour[0, 0], 1.3)))
    return draw_tiles("The Panda's hand at levels of detail", tiles, columns=3)
