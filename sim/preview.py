"""Previews: a labelled grid of every output, from a recipe or from a replay file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, pose_from_position_quaternion
from ..renderers.frames import OUTPUTS
from ..renderers.raster.raster import Raster
from ..renderers.replay import load_replay
from ..renderers.shutter import GLOBAL_ONLY
from ..renderers.snapshot import Snapshot
from ..renderers.view import Camera
from ..scenes.capture import Capturer
from ..scenes.stage import Stage
from .drawing import Image, Tile, encode_png, fit, write_text
from .errors import UsageError
from .instrument_tiles import instrument_tiles
from .output_tiles import frame_tiles, sensor_tiles
from .recipe import Recipe

_BACKGROUND: Final = (24, 26, 30)
_INK: Final = (236, 238, 240)
_FAINT: Final = (150, 156, 164)
_MARGIN: Final = 16
_GAP: Final = 6
_CAPTION: Final = 20
_TITLE: Final = 34
_STEP: Final = pose_from_position_quaternion((0.015, 0.005, 0.01), (0.0, 0.003, 0.0015, 0.99999437))
"""Where the camera is one step later, in its own frame: 19 mm away, turned by 0.4 degrees."""


def preview_recipe(
    recipe: Recipe,
    *,
    rows: int = 4,
    columns: int = 5,
    tile_width: int = 300,
    device: str = "cpu",
    allow_code: bool = False,
) -> bytes:
    """Draw the first rows of a recipe with every output there is and every reading of its sensors.

    Of a recipe with episodes, rows of the first one's first view and look are drawn, spread over its time.

    Args:
        recipe: The recipe.
        rows: Rows to draw.
        columns: Pictures side by side.
        tile_width: Width of one picture [px].
        device: Where to render and sense.
        allow_code: Whether the recipe may name a scene as `module:Class`.

    Returns:
        A PNG file.

    Raises:
        RecipeError: If the recipe cannot be.

    Example:
        >>> picture = preview_recipe(load_recipe("tabletop"), rows=2)
    """
    from .campaign.plan import make_plan
    from .campaign.stages import StageSource

    plan = make_plan(recipe, allow_code=allow_code)
    capturer = plan.capturer(device=device, more_outputs=("rgb", "depth"))
    raster = Raster(plan.scene.library, device=device, supersample=2)
    blocks: list[tuple[str, list[Tile]]] = []
    scenarios = 1 if recipe.episode is not None else -(-rows // recipe.rows_per_scenario)
    with StageSource(plan, range(scenarios), workers=0) as source:
        for told in source:
            chosen = _choose_rows(told, capturer, rows - len(blocks))
            arrays = capturer.allocate(recipe.rows_per_scenario)
            capturer.fill([told], arrays, start=0, steps={row // capturer.rows_per_instant for row in chosen})
            for row in chosen:
                scenario, step, view, look = (
                    int(arrays[f"sample/{name}"][row]) for name in ("scenario", "step", "view", "look")
                )
                stage = told.instants[step] if told.instants else told
                tiles: list[Tile] = []
                for mount in plan.scene.rig.mounts if stage.valid else ():
                    read = [f"sensor/{mount.name}/{name}" for name in ("rgb", "depth", "depth_status")]
                    mine = sensor_tiles(*(arrays[name][row] if name in arrays else None for name in read))
                    mine += view_tiles(raster, stage.snapshots[view], stage.cameras[mount.name][view], look=look)
                    prefix = f"{mount.name} " if len(plan.scene.rig.to_json()) > 1 else ""
                    tiles += [(prefix + name, picture) for name, picture in mine]
                for instrument in plan.scene.rig.instruments if stage.valid else ():
                    mine = instrument_tiles(instrument.name, {name: array[row] for name, array in arrays.items()})
                    tiles += [(f"{instrument.name} {name}", picture) for name, picture in mine]
                state = "" if stage.valid else f"  tombstone: {stage.message}"
                when = "" if recipe.episode is None else f"  step {step}"
                blocks.append((f"scenario {scenario}{when}  view {view}  look {look}{state}", tiles))
    title = f"{recipe.scene}  seed {recipe.seed}"
    return encode_png(draw_grid(blocks, title=title, columns=columns, tile_width=tile_width))


def _choose_rows(stage: Stage, capturer: Capturer, count: int) -> list[int]:
    """Choose rows of a scenario: the first, or those of one view and look, spread over an episode's time."""
    if capturer.scene.horizon == 1:
        return list(range(min(capturer.rows_per_scenario, count)))
    live = sum(instant.valid for instant in stage.instants)
    steps = np.linspace(0, max(live - 1, 0), min(count, max(live, 1))).astype(int)
    return [int(step) * capturer.rows_per_instant for step in steps]


def preview_replay(path: str | Path, *, rows: int = 4, columns: int = 5, device: str = "cpu") -> bytes:
    """Render and draw the first views of a replay file; neither PyBullet nor meshes on disk are needed.

    Args:
        path: A file from `save_replay`, or from `simloom generate --snapshots`.
        rows: Views to draw.
        columns: Pictures side by side.
        device: Where to render.

    Returns:
        A PNG file.

    Raises:
        UsageError: If it is no replay file, or is damaged.

    Example:
        >>> picture = preview_replay("scene.npz", rows=2)
    """
    try:
        replay = load_replay(path)
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from error
    raster = Raster(replay.library, device=device, supersample=2)
    blocks = []
    for number, camera in enumerate(replay.cameras[:rows]):
        snapshot = replay.snapshots[int(replay.view_snapshot[number])]
        blocks.append((f"view {number}", view_tiles(raster, snapshot, camera)))
    title = f"{Path(path).name}  {len(replay.cameras)} views"
    return encode_png(draw_grid(blocks, title=title, columns=columns))


def view_tiles(raster: Raster, snapshot: Snapshot, camera: Camera, *, look: int = 0) -> list[Tile]:
    """Render every output of one view and draw each.

    Args:
        raster: The renderer.
        snapshot: What is seen.
        camera: From where. Where neither it nor the snapshot moves, it makes a small step, so that there is flow.
        look: The look that is shown.

    Returns:
        (caption, sRGB picture) of each output.
    """
    moved, told = _set_moving(snapshot, camera)
    refused = {"srgb"}  # rendered apart, below
    if camera.lens is not None:
        refused |= {name for name in OUTPUTS if name.startswith(("flow", "keypoint"))}
    if camera.shutter is not None and camera.shutter.readout > 0:
        refused |= set(GLOBAL_ONLY)
    outputs = tuple(name for name in OUTPUTS if name not in refused)
    frames = raster.render([snapshot], [moved], outputs=outputs).to_host()
    assert frames.colour is not None
    # The renderer's own sRGB needs to know what is white, which the colour tells.
    white = max(float(np.percentile(frames.colour[0, look], 99.0)), 1e-6)
    shown = dataclasses.replace(raster, white=white).render([snapshot], [moved], outputs=("srgb",)).to_host()
    return frame_tiles(dataclasses.replace(frames, srgb=shown.srgb), look=look, moved=told)


def draw_grid(
    blocks: Sequence[tuple[str, Sequence[Tile]]], *, title: str, columns: int = 5, tile_width: int = 300
) -> Image:
    """Draw blocks of labelled pictures below each other, each block as many lines as it needs.

    Args:
        blocks: Heading and pictures of each block.
        title: First line of the whole.
        columns: Pictures side by side, >= 1.
        tile_width: Width of one picture [px].

    Returns:
        sRGB bytes, shape (height, width, 3).

    Raises:
        ValueError: If there is no picture, or no column.

    Example:
        >>> grid = draw_grid([("view 0", view_tiles(raster, snapshot, camera))], title="mine")  # doctest: +SKIP
    """
    most = max((len(tiles) for _, tiles in blocks), default=0)
    if columns < 1 or not most:
        raise ValueError(f"a grid needs a picture and a column, got {most} pictures and {columns} columns")
    columns = min(columns, most)
    width = 2 * _MARGIN + columns * (tile_width + _GAP) - _GAP
    lines = [_write_line(title, width, 0.62, _INK)]
    for heading, tiles in blocks:
        if heading:
            lines.append(_write_line(heading, width, 0.48, _INK))
        for first in range(0, len(tiles), columns):
            lines.append(_draw_line(tiles[first : first + columns], width, tile_width))
    return np.concatenate([*lines, _empty(_MARGIN, width)])


def _set_moving(snapshot: Snapshot, camera: Camera) -> tuple[Camera, str]:
    """Let a camera that stands still before a scene that stands still make a small step; say so."""
    still = camera.next_pose_world_camera is None and camera.previous_pose_world_camera is None
    pose = snapshot.pose_world_instance
    if not still or not (np.array_equal(snapshot.next_pose, pose) and np.array_equal(snapshot.previous_pose, pose)):
        return camera, ""
    back = pose_from_position_quaternion((-0.015, -0.005, -0.01), (0.0, -0.003, -0.0015, 0.99999437))
    moved = dataclasses.replace(
        camera,
        next_pose_world_camera=compose_pose(camera.pose_world_camera, _STEP),
        previous_pose_world_camera=compose_pose(camera.pose_world_camera, back),
    )
    return moved, ", moved 19 mm"


def _empty(height: int, width: int) -> NDArray[Any]:
    return np.full((height, width, 3), _BACKGROUND, np.uint8)


def _write_line(text: str, width: int, size: float, ink: tuple[int, int, int]) -> Image:
    line = _empty(_TITLE, width)
    write_text(line, text, (_MARGIN, _TITLE - 10), size, ink)
    return line


def _draw_line(tiles: Sequence[Tile], width: int, tile_width: int) -> Image:
    scaled = [(name, fit(picture, tile_width)) for name, picture in tiles]
    line = _empty(_CAPTION + max(picture.shape[0] for _, picture in scaled) + _GAP, width)
    for column, (name, picture) in enumerate(scaled):
        left = _MARGIN + column * (tile_width + _GAP)
        write_text(line[:, left : left + tile_width], name, (1, _CAPTION - 6), 0.40, _FAINT)
        line[_CAPTION : _CAPTION + picture.shape[0], left : left + tile_width] = picture
    return line
