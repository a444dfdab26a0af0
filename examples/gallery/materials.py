"""Pictures of materials: spheres of every kind, and what supersampling does to edges."""

from __future__ import annotations

import numpy as np
from drawing import Image, draw_tiles, enlarge, expose, write_label
from lights import make_sky
from staging import Staging, light
from subjects import TOP, camera, tabletop

from simloom.renderers import Camera, MeshLibraryBuilder, Pattern, Raster
from simloom.renderers.procedural_textures import make_texture

PITCH = 1.12
"""Distance between spheres of diameter 1 [m]."""


def draw_materials(width: int = 1200) -> Image:
    """Show spheres: roughness and metalness, patterns, textures, glass, light of their own."""
    builder = MeshLibraryBuilder()
    sphere, plane, box = builder.add_sphere(), builder.add_plane(), builder.add_box()
    bump = builder.add_texture("bump", make_normal_map(), data=True)
    wood = builder.add_texture("wood", make_texture("wood", 256))
    tiles = builder.add_texture("tiles", make_texture("tiles", 256))
    painted = add_painted_sphere(builder)
    builder.add_sky("day", make_sky())
    rows: list[list[tuple[str, int, dict[str, object]]]] = [
        [(f"roughness {r:.2f}", sphere, {"base_color": (0.7, 0.04, 0.03), "roughness": r})
         for r in (0.05, 0.15, 0.25, 0.4, 0.55, 0.75, 1.0)],
        [(f"metal, {r:.2f}", sphere, {"base_color": (0.94, 0.70, 0.30), "roughness": r, "metallic": 1.0})
         for r in (0.05, 0.15, 0.25, 0.4, 0.55, 0.75, 1.0)],
        [(pattern.name.lower(), sphere,
          {"pattern": int(pattern), "base_color": (0.72, 0.70, 0.64), "pattern_color": colour, "pattern_scale": scale,
           "roughness": 0.25 if pattern == Pattern.BRUSHED else 0.5, "metallic": float(pattern == Pattern.BRUSHED)})
         for pattern, colour, scale in zip(
            list(Pattern)[1:],
            [(0.02, 0.02, 0.02), (0.02, 0.1, 0.4), (0.3, 0.05, 0.02), (0.22, 0.09, 0.03), (0.02, 0.02, 0.02),
             (0.38, 0.38, 0.40), (0.02, 0.02, 0.03)],
            [0.25, 0.2, 0.16, 0.12, 0.09, 0.03, 0.6], strict=True)],
        [("texture", sphere, {"texture": wood, "base_color": (1.0, 1.0, 1.0)}),
         ("normal map", sphere, {"normal_texture": bump, "base_color": (0.5, 0.5, 0.52), "metallic": 1.0,
                                 "roughness": 0.3}),
         ("both", sphere, {"texture": tiles, "texture_scale": 2.0, "normal_texture": bump, "roughness": 0.35,
                           "base_color": (1.0, 1.0, 1.0)}),
         ("vertex colours", painted, {"base_color": (1.0, 1.0, 1.0), "roughness": 0.4}),
         ("opacity 0.25", sphere, {"opacity": 0.25, "roughness": 0.05, "base_color": (0.75, 0.9, 0.85)}),
         ("opacity 0.6", sphere, {"opacity": 0.6, "roughness": 0.1, "base_color": (0.9, 0.55, 0.1)}),
         ("emission", sphere, {"emission": (0.9, 0.42, 0.08), "base_color": (0.1, 0.1, 0.1)})],
    ]  # fmt: skip
    staging = Staging()
    staging.add(plane, scale=(60, 60, 1), shadow=0, roughness=0.85, base_color=(0.36, 0.36, 0.37))
    places = []
    for depth, row in enumerate(rows):
        for column, (name, mesh, material) in enumerate(row):
            place = ((column - 3) * PITCH, -2.05 * depth, 0.5)
            places.append((name, place))
            staging.add(mesh, place, instance=len(places), **material)
    for column in (4, 5):  # something to be seen through the glass
        staging.add(box, ((column - 3) * PITCH, -5.3, 0.3), scale=(0.14, 0.14, 0.6), instance=len(places) + column,
                    base_color=(0.02, 0.25, 0.6))  # fmt: skip
    height = round(width * 0.62)
    view = camera((0.0, -24.0, 19.0), (0.0, -3.06, 0.15), width=width, height=height, field_of_view=0.305)
    lighting = light(azimuth=-2.2, elevation=0.95, sun=(2.6, 2.5, 2.3), sun_radius=0.03, sky_image=0, sky_yaw=0.6,
                     sky_scale=(0.62, 0.62, 0.62))  # fmt: skip
    frames = Raster(builder.build(), supersample=4 if width > 200 else 1).render(
        [staging.snapshot(lighting)], [view], outputs=("colour",)
    )
    picture = expose(frames.colour[0, 0], 1.25)
    for name, (x, y, z) in places:
        u, v = project(view, np.array([x, y, z]))
        left, right = (project(view, np.array([x + side, y, z]))[0] for side in (-0.5, 0.5))
        size = width / 3000
        write_label(
            picture, name, (round(u - 9.0 * size * len(name)), round(v + 0.5 * (right - left) + 30 * size)), size
        )
    return picture


def project(view: Camera, point: np.ndarray) -> tuple[float, float]:
    """Return where a camera sees a point of the world [px]."""
    x, y, z = (view.pose_world_camera[:3, :3].T @ (point - view.pose_world_camera[:3, 3])).tolist()
    return view.fx * x / z + view.cx, view.fy * y / z + view.cy


def make_normal_map(side: int = 256, bumps: int = 12) -> np.ndarray:
    """Make the normal map of round dents: red along u, green along v, blue outwards."""
    axis = (np.arange(side) + 0.5) / side * bumps
    u, v = np.meshgrid(axis - np.floor(axis) - 0.5, axis - np.floor(axis) - 0.5)
    inside = np.hypot(u, v) < 0.36
    slope = np.stack((np.where(inside, -u, 0.0) * 1.6, np.where(inside, v, 0.0) * 1.6, np.ones_like(u)), axis=-1)
    unit = slope / np.sqrt((slope**2).sum(axis=-1, keepdims=True))
    return np.rint(255 * (0.5 + 0.5 * unit)).astype(np.uint8)


def add_painted_sphere(builder: MeshLibraryBuilder) -> int:
    """Add a sphere whose vertices carry colours."""
    source = MeshLibraryBuilder()
    row = source.add_sphere()
    level = source.build().level(row)
    height = level.vertices[:, 2:] * 2.0
    turn = np.arctan2(level.vertices[:, 1:2], level.vertices[:, :1])
    shades = 0.5 + 0.5 * np.cos(turn * 2.0 + 3.0 * height + np.array([0.0, 2.1, 4.2]))
    return builder.add_mesh("painted", level.vertices, level.triangles, level.normals,
                            colors=np.rint(255 * shades).astype(np.uint8))  # fmt: skip


def draw_antialiasing(width: int = 78) -> Image:
    """Show one enlarged crop with 1, 4 and 16 colour samples a pixel."""
    library, snapshot = tabletop()
    view = camera((1.35, -0.55, TOP + 0.62), (0.34, 0.0, TOP + 0.10), width=320, height=240)
    tiles = []
    for side in (1, 2, 4):
        frames = Raster(library, supersample=side).render([snapshot], [view], outputs=("colour",))
        colour = frames.colour[0, 0]
        picture = expose(colour, float(np.percentile(colour, 99.0)))
        left, top = 150, 120
        crop = picture[top : top + width * 5 // 6, left : left + width]
        tiles.append((f"{side} x {side} samples a pixel" if side > 1 else "1 sample a pixel", enlarge(crop, 6)))
    return draw_tiles("A crop of 78 x 65 pixels of a 320 x 240 view", tiles, columns=3)
