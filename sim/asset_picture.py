"""The picture of a folder of assets: each as it is drawn, beside the convex parts that it collides by."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import look_at
from ..renderers.lighting import Lighting
from ..renderers.mesh_builder import MeshLibraryBuilder
from ..renderers.mesh_files import flatten_texture
from ..renderers.raster.raster import Raster
from ..renderers.snapshot import Snapshot
from ..renderers.surfaces import Materials
from ..renderers.textures import srgb_to_linear
from ..renderers.view import Camera
from ..scenes.asset_finding import AssetReport
from ..scenes.asset_folder import AssetFile, scan_folder
from ..scenes.asset_shape import collision_clouds, load_shape, place_shape
from .drawing import Image, instance_colours, write_text

MOST: Final = 96
"""Assets that one picture shows."""
_TILE: Final = 200
_COLUMNS: Final = 4
_CAPTION: Final = 34
_TITLE: Final = 34
_BACKGROUND: Final = (24, 26, 30)
_INK: Final = (236, 238, 240)
_COLOURS: Final = {"ok": (140, 214, 150), "warning": (250, 200, 90), "refused": (250, 110, 100)}
_VIEW: Final = (0.62, -1.0, 0.72)
_CLAY: Final = (0.45, 0.45, 0.46)


@dataclass(kw_only=True)
class _Group:
    """Meshes of one tile."""

    mesh: list[int] = field(default_factory=list)
    color: list[tuple[float, float, float]] = field(default_factory=list)
    texture: list[int] = field(default_factory=list)


def draw_assets(folder: str | Path, reports: Sequence[AssetReport]) -> Image:
    """Draw the assets of a folder.

    Args:
        folder: The folder.
        reports: What the check said of them.

    Returns:
        sRGB bytes, shape (height, width, 3): of each asset its drawn mesh and its collision parts, one colour each.

    Example:
        >>> picture = draw_assets("my_mugs", check_folder("my_mugs"))
    """
    shown = list(reports)[:MOST]
    files = {asset.name: asset for asset in scan_folder(folder)}
    builder = MeshLibraryBuilder()
    groups: list[_Group] = []
    boxes: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    usable = [report for report in shown if report.status != "refused"]
    for report in usable:
        drawn, touching, box = _add(builder, files[report.name])
        groups += [drawn, touching]
        boxes.append(box)
    tiles = _render(builder, groups, boxes) if groups else np.zeros((0, _TILE, _TILE, 3), np.uint8)
    rows = -(-len(shown) // _COLUMNS)
    width = _COLUMNS * (2 * _TILE + 8)
    picture = np.full((_TITLE + rows * (_TILE + _CAPTION), width, 3), _BACKGROUND, np.uint8)
    more = f", the first {MOST} of {len(reports)}" if len(reports) > MOST else ""
    write_text(picture, f"{Path(folder).name}: as drawn, and collision parts{more}", (10, 22), 0.5, _INK)
    number = 0
    for place, report in enumerate(shown):
        left, top = place % _COLUMNS * (2 * _TILE + 8), _TITLE + place // _COLUMNS * (_TILE + _CAPTION)
        if report.status != "refused":
            for side in range(2):
                at = left + side * _TILE
                picture[top + _CAPTION : top + _CAPTION + _TILE, at : at + _TILE] = tiles[2 * number + side]
            number += 1
        name = report.name if len(report.name) <= 34 else "..." + report.name[-31:]
        write_text(picture, f"{name}  {report.status}", (left + 6, top + 13), 0.4, _COLOURS[report.status])
        first = str(report.findings[0].message) if report.findings else _facts(report)
        write_text(picture, first if len(first) <= 62 else first[:60] + "..", (left + 6, top + 28), 0.35, _INK)
    return picture


def _facts(report: AssetReport) -> str:
    facts = report.facts
    size = " x ".join(f"{100 * side:.1f}" for side in facts.get("size", ()))
    return f"{size} cm, {facts.get('mass', 0):.3g} kg, {facts.get('hulls', 0)} parts"


def _add(
    builder: MeshLibraryBuilder, asset: AssetFile
) -> tuple[_Group, _Group, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    from scipy.spatial import ConvexHull

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report has said it
        shape = place_shape(load_shape(asset.path, [asset.root]), asset.declaration)
    drawn, touching = _Group(), _Group()
    for number, part in enumerate(map(flatten_texture, shape.parts)):
        image = -1
        if part.texture is not None and part.uvs is not None:
            image = builder.add_texture(f"{asset.name}/texture{number}", part.texture)
        name = f"{asset.name}/part{number}"
        drawn.mesh.append(builder.add_mesh(name, part.vertices, part.triangles, uvs=part.uvs, levels=False))
        color = (1.0, 1.0, 1.0) if image >= 0 else _CLAY
        given = None if part.base_color is None else tuple(float(value) for value in part.base_color)
        drawn.color.append(color if given is None else (given[0], given[1], given[2]))
        drawn.texture.append(image)
    clouds = collision_clouds(shape)
    paints = srgb_to_linear(instance_colours(len(clouds)) / 255.0)
    for number, cloud in enumerate(clouds):
        hull = ConvexHull(cloud)
        faces = hull.simplices.astype(np.int64)
        a, b, c = (cloud[faces[:, k]] for k in range(3))
        inward = (np.cross(b - a, c - a) * hull.equations[:, :3]).sum(axis=1) < 0.0
        faces[inward] = faces[inward][:, ::-1]
        name = f"{asset.name}/hull{number}"
        touching.mesh.append(builder.add_mesh(name, cloud, faces, crease_angle=0.0, levels=False))
        touching.color.append((float(paints[number, 0]), float(paints[number, 1]), float(paints[number, 2])))
        touching.texture.append(-1)
    points = shape.surface.vertices
    return drawn, touching, (points.min(axis=0), points.max(axis=0))


def _render(
    builder: MeshLibraryBuilder,
    groups: Sequence[_Group],
    boxes: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> Image:
    library = builder.build()
    raster = Raster(library, supersample=2)
    tiles = []
    for number, group in enumerate(groups):
        lower, upper = boxes[number // 2]
        middle, reach = 0.5 * (lower + upper), 0.5 * float(np.sqrt(((upper - lower) ** 2).sum()))
        # Seen in units of its own size: the renderer's nearest depth is in metres.
        eye = np.array(_VIEW) / float(np.sqrt((np.array(_VIEW) ** 2).sum())) * 3.6
        camera = Camera.from_field_of_view(
            width=_TILE, height=_TILE, field_of_view=0.6, pose_world_camera=look_at(tuple(eye), (0.0, 0.0, 0.0))
        )
        frames = raster.render([_snapshot(group, middle, 1.0 / reach)], [camera], outputs=("srgb",))
        assert frames.srgb is not None
        tiles.append(frames.srgb[0, 0])
    return np.stack(tiles)


def _snapshot(group: _Group, middle: NDArray[np.float64], scale: float) -> Snapshot:
    count = len(group.mesh)
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, :3, 3] = -middle * scale
    sun = np.array([[0.45, -0.55, 0.70]])
    sun = sun / np.sqrt((sun * sun).sum())

    def light(value: float) -> NDArray[np.float32]:
        return np.full((1, 3), value, np.float32)

    return Snapshot(
        mesh=np.array(group.mesh, np.int32),
        pose_world_instance=pose,
        previous_pose=pose,
        scale=np.full((count, 3), scale, np.float32),
        material=np.arange(count, dtype=np.int32),
        instance=np.ones(count, np.int32),
        class_id=np.ones(count, np.int32),
        part=np.zeros(count, np.int32),
        pose_instance_part=pose,
        casts_shadow=np.ones(count, np.uint8),
        materials=Materials(
            base_color=np.array([group.color], np.float32),
            roughness=np.full((1, count), 0.6, np.float32),
            metallic=np.zeros((1, count), np.float32),
            texture=np.array([group.texture], np.int32),
            texture_scale=np.ones((1, count), np.float32),
            pattern=np.zeros((1, count), np.int32),
            pattern_color=np.zeros((1, count, 3), np.float32),
            pattern_scale=np.ones((1, count), np.float32),
        ),
        lighting=Lighting(
            sun_direction=sun.astype(np.float32),
            sun_irradiance=light(2.2),
            sky_zenith=light(0.45),
            sky_horizon=light(0.35),
            sky_ground=light(0.2),
        ),
    )
