"""Previews: a labelled grid of every output, from a recipe or from a replay file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..renderers.raster.raster import Raster
from ..renderers.replay import load_replay
from ..scenes.capture import OUTPUTS
from .contact_sheet import draw_contact_sheet, encode_png
from .errors import UsageError
from .recipe import Recipe

_NAMES = {
    "colour": "ideal/{}/colour",
    "depth": "ideal/{}/depth",
    "instance": "label/{}/instance",
    "class_id": "label/{}/class",
    "normal": "label/{}/normal",
    "object_coordinates": "label/{}/object_coordinates",
    "box_visible": "label/{}/box_visible",
}


def preview_recipe(recipe: Recipe, *, rows: int = 4, device: str = "cpu", allow_code: bool = False) -> bytes:
    """Draw the first rows of a recipe with every output there is.

    Args:
        recipe: The recipe.
        rows: Rows to draw.
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
    capturer = plan.capturer(device=device, more_outputs=OUTPUTS)
    count = -(-rows // recipe.rows_per_scenario)
    arrays = capturer.allocate(count * recipe.rows_per_scenario)
    with StageSource(plan, range(count), workers=0) as source:
        for position, stage in enumerate(source):
            capturer.fill([stage], arrays, start=position * recipe.rows_per_scenario)
    drawn = [{name: array[row] for name, array in arrays.items()} for row in range(rows)]
    return encode_png(draw_contact_sheet(drawn, title=f"{recipe.scene}  seed {recipe.seed}"))


def preview_replay(path: str | Path, *, rows: int = 4, device: str = "cpu") -> bytes:
    """Render and draw the first views of a replay file; neither PyBullet nor meshes on disk are needed.

    Args:
        path: A file from `save_replay`, or from `simloom generate --snapshots`.
        rows: Views to draw.
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
    drawn: list[dict[str, NDArray[Any]]] = []
    for number, camera in enumerate(replay.cameras[:rows]):
        snapshot = replay.snapshots[int(replay.view_snapshot[number])]
        outputs = (*(name for name in _NAMES if name != "box_visible"), "visible_pixels")
        frames = raster.render([snapshot], [camera], outputs=outputs)
        row: dict[str, NDArray[Any]] = {}
        for field, name in _NAMES.items():
            array = getattr(frames, field)[0]
            row[name.format(f"view_{number}")] = array[0] if field == "colour" else array
        drawn.append(row)
    return encode_png(draw_contact_sheet(drawn, title=f"{Path(path).name}  {len(replay.cameras)} views"))
