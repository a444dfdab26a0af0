"""What only a scene made again can tell: where shadows begin, whether drawn meshes rest on what carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...renderers.frames import Frames
from ...renderers.mesh_library import MeshLibrary
from ...renderers.raster.raster import Raster
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from ...scenes.stage import Stage
from ...scenes.strings import held_slots

_SHADOWED: Final = 0.97
"""A pixel is in shadow where its light is below this part of what it is without shadows."""
_STEP: Final = 0.001
_REACH: Final = 0.4
_LATERAL: Final = 0.004
_STEEPEST_SUN: Final = 0.95


@dataclass(kw_only=True)
class Appearance:
    """Counts over the scenarios that were made again."""

    shadows_decided: int = 0
    """Shadows of resting objects whose beginning is in sight."""
    shadows_touching: int = 0
    """Those that begin where their object ends."""
    smooth_pixels: int = 0
    """Pixels inside smooth surfaces."""
    acne_pixels: int = 0
    """Those in shadow, or in light, against nearly all of their neighbours."""
    surface_pixels: int = 0
    """Pixels that show a surface."""
    textured_pixels: int = 0
    """Those with a texture or a pattern."""
    surfaces: int = 0
    """Surfaces placed, times looks."""
    textured_surfaces: int = 0
    """Those with a texture or a pattern."""
    resting_objects: int = 0
    """Objects that touch nothing but the fixed support."""
    largest_gap: float = 0.0
    """Highest that such a drawn mesh ends above its contacts [m]."""
    deepest_mesh: float = 0.0
    """Lowest that one ends below them [m], negative."""
    fixed: set[int] = field(default_factory=lambda: {0})
    """Instances that need no contact: those without mass."""


def measure_appearance(folder: Path, scenarios: Sequence[int]) -> Appearance:
    """Make scenarios of a dataset again and measure them.

    Args:
        folder: The dataset.
        scenarios: Numbers of scenarios that are valid there.

    Returns:
        The counts.
    """
    from ..campaign.plan import make_plan
    from ..campaign.stages import StageSource
    from ..recipe import load_recipe

    plan = make_plan(load_recipe(folder / "recipe.yaml"))
    found = Appearance()
    with StageSource(plan, scenarios, workers=0) as source:
        for stage in source:
            if stage.valid:
                _measure_stage(stage, plan.scene.library, found)
    plan.scene.close()
    return found


def _measure_stage(stage: Stage, library: MeshLibrary, found: Appearance) -> None:
    found.fixed |= {int(slot) + 1 for slot in np.nonzero(stage.object["mass"] <= 0)[0]}
    if bool(stage.object["valid"][0]):
        found.fixed.add(1)  # the robot is bolted to the table
    outputs = ("colour", "depth", "instance", "class_id", "part", "normal")
    cameras = next(iter(stage.cameras.values()))
    frames, dark = (
        Raster(library, shadow=shadow).render(stage.snapshots, cameras, outputs=outputs if shadow else ("colour",))
        for shadow in (True, False)
    )
    assert frames.colour is not None
    assert dark.colour is not None
    vertices = {slot: _world_vertices(stage.snapshots[0], library, slot + 1) for slot in _resting(stage)}
    contacts = {slot: _support_points(stage, slot + 1) for slot in vertices}
    for slot, points in vertices.items():
        gap = float(points[:, 2].min() - np.median(contacts[slot][:, 2]))
        found.resting_objects += 1
        found.largest_gap, found.deepest_mesh = max(found.largest_gap, gap), min(found.deepest_mesh, gap)
    for view, (snapshot, camera) in enumerate(zip(stage.snapshots, cameras, strict=True)):
        _count_textures(snapshot, frames, view, found)
        smooth = _smooth(frames, view)
        for look in range(snapshot.look_count):
            with_shadow = frames.colour[view, look].astype(np.float64).sum(axis=-1)
            without = dark.colour[view, look].astype(np.float64).sum(axis=-1)
            shadow = with_shadow < _SHADOWED * without
            _count_acne(shadow, smooth, found)
            for slot, points in vertices.items():
                sun = snapshot.lighting.sun_direction[look].astype(np.float64)
                begins = _shadow_begins(
                    shadow, frames, view, slot + 1, camera, points, contacts[slot].mean(axis=0), sun
                )
                if begins is not None:
                    found.shadows_decided += 1
                    found.shadows_touching += begins


def _resting(stage: Stage) -> list[int]:
    """List the slots whose contacts are all with the fixed background, and that do not hang from it."""
    held = held_slots(stage.object["pose_world_object"], stage.state)
    count = int(stage.state["contact_count"])
    pairs = np.asarray(stage.state["contact_instances"])[:count]
    slots = []
    for slot in np.nonzero(stage.object["valid"])[0].tolist():
        if slot == 0 or held[slot]:
            continue
        own = pairs[(pairs == slot + 1).any(axis=1)]
        if len(own) and ((own == slot + 1).sum(axis=1) == 1).all() and (own.min(axis=1) == 0).all():
            slots.append(slot)
    return slots


def _support_points(stage: Stage, instance: int) -> NDArray[np.float64]:
    count = int(stage.state["contact_count"])
    pairs = np.asarray(stage.state["contact_instances"])[:count]
    points = np.asarray(stage.state["contact_position"], np.float64)[:count]
    return np.asarray(points[(pairs == instance).any(axis=1)])


def _world_vertices(snapshot: Snapshot, library: MeshLibrary, instance: int) -> NDArray[np.float64]:
    """Place all vertices that are drawn of an instance in the world."""
    parts = []
    for row in np.nonzero(snapshot.instance == instance)[0].tolist():
        local = library.level(int(snapshot.mesh[row])).vertices.astype(np.float64) * snapshot.scale[row]
        pose = snapshot.pose_world_instance[row]
        parts.append(local @ pose[:3, :3].T + pose[:3, 3])
    return np.concatenate(parts)


def _count_textures(snapshot: Snapshot, frames: Frames, view: int, found: Appearance) -> None:
    materials = snapshot.materials
    textured = ((materials.texture >= 0) | (materials.pattern > 0))[:, snapshot.material]  # (looks, instances)
    found.surfaces += textured.size
    found.textured_surfaces += int(textured.sum())
    assert frames.instance is not None
    assert frames.class_id is not None
    assert frames.part is not None
    shown = (
        frames.instance[view].astype(np.int64) << 16
        | frames.class_id[view].astype(np.int64) << 8
        | frames.part[view].astype(np.int64)
    )
    keys, counts = np.unique(shown[frames.class_id[view] > 0], return_counts=True)
    placed = (
        snapshot.instance.astype(np.int64) << 16
        | snapshot.class_id.astype(np.int64) << 8
        | snapshot.part.astype(np.int64)
    )
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        # Several meshes of one part (a link's shells) count with their mean.
        found.surface_pixels += count * len(textured)
        found.textured_pixels += round(count * float(textured[:, placed == key].mean(axis=1).sum()))


def _smooth(frames: Frames, view: int) -> NDArray[np.bool_]:
    """Mark pixels all of whose neighbours lie on the same flat or gently curved surface."""
    assert frames.instance is not None
    assert frames.part is not None
    assert frames.class_id is not None
    assert frames.normal is not None
    ids = frames.instance[view].astype(np.int64) * 65536 + frames.class_id[view].astype(np.int64) * 256
    ids = ids + frames.part[view]
    normal = frames.normal[view].astype(np.float64)
    smooth = np.zeros(ids.shape, bool)
    inside = frames.class_id[view][1:-1, 1:-1] > 0
    for y, x in _NEIGHBOURS:
        rows, columns = slice(1 + y, ids.shape[0] - 1 + y), slice(1 + x, ids.shape[1] - 1 + x)
        cosine = (normal[rows, columns] * normal[1:-1, 1:-1]).sum(axis=-1)
        inside = inside & (ids[rows, columns] == ids[1:-1, 1:-1]) & (cosine > 0.995)
    smooth[1:-1, 1:-1] = inside
    return smooth


_NEIGHBOURS: Final = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def _count_acne(shadow: NDArray[np.bool_], smooth: NDArray[np.bool_], found: Appearance) -> None:
    around = np.zeros(shadow.shape, np.int64)
    for y, x in _NEIGHBOURS:
        around[1:-1, 1:-1] += shadow[1 + y : shadow.shape[0] - 1 + y, 1 + x : shadow.shape[1] - 1 + x]
    lone = np.where(shadow, around <= 1, around >= 7)
    found.smooth_pixels += int(smooth.sum())
    found.acne_pixels += int((lone & smooth).sum())


def _shadow_begins(
    shadow: NDArray[np.bool_],
    frames: Frames,
    view: int,
    instance: int,
    camera: Camera,
    vertices: NDArray[np.float64],
    contact: NDArray[np.float64],
    sun: NDArray[np.float64],
) -> bool | None:
    """Walk from the contact away from the sun: does shadow lie where the object's own pixels end?

    Returns:
        The answer; None where it is not in sight: the sun stands too high or low, the way leaves the image or is
        hidden, or the object itself covers its whole shadow.
    """
    flat = float(np.hypot(sun[0], sun[1]))
    if not 0.1 < sun[2] < _STEEPEST_SUN or flat < 1e-6:
        return None
    away = -sun[:2] / flat
    # How far the shadow reaches along the walk: the shadow points of the vertices close to its line.
    cast = vertices - sun * ((vertices[:, 2:] - contact[2]) / sun[2])
    offset = cast[:, :2] - contact[:2]
    beside = np.abs(offset[:, 0] * away[1] - offset[:, 1] * away[0]) < _LATERAL
    reach = float((offset[beside] @ away).max(initial=0.0))
    assert frames.instance is not None
    pose = camera.pose_world_camera
    steps = np.arange(0.0, min(reach, _REACH), _STEP)
    world = np.column_stack([contact[:2] + steps[:, None] * away, np.full(len(steps), contact[2])])
    local = (world - pose[:3, 3]) @ pose[:3, :3]
    if len(steps) == 0 or (local[:, 2] < camera.near).any():
        return None
    columns = np.rint(local[:, 0] / local[:, 2] * camera.fx + camera.cx).astype(np.int64)
    rows = np.rint(local[:, 1] / local[:, 2] * camera.fy + camera.cy).astype(np.int64)
    seen_object = False
    for step, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        if not (1 <= row < camera.height - 1 and 1 <= column < camera.width - 1):
            return None
        shown = int(frames.instance[view, row, column])
        if shown == instance:
            seen_object = True
        elif shown != 0 or not seen_object:
            return None
        elif steps[-1] - steps[step] < 4 * local[step, 2] / camera.fx:
            return None  # the rest of the shadow is narrower than the pixels that would show it
        else:
            # One pixel of tolerance: the object's edge and the shadow's are both sampled at pixel centres.
            return bool(shadow[row - 1 : row + 2, column - 1 : column + 2].any())
    return None
