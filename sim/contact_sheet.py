"""The contact sheet: some rows of a dataset as one labelled picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2  # noqa: TID253 (this module and `preview` own it)
import numpy as np
from numpy.typing import NDArray

from .dataset.depth_format import depth_in_metres
from .dataset.lineage import own_scenario
from .drawing import Image, Tile, fit, instance_colours, write_text
from .instrument_tiles import instrument_tiles

Row = Mapping[str, NDArray[Any]]

_BACKGROUND: Final = (24, 26, 30)
_INK: Final = (236, 238, 240)
_FAINT: Final = (150, 156, 164)
_HOLE: Final = (46, 48, 54)
_MARGIN: Final = 20
_GAP: Final = 6
_HEADER: Final = 64
_CAPTION: Final = 22
_CLASS_COLOURS: Final = np.array(
    [
        (34, 36, 40), (96, 104, 112), (150, 118, 84), (236, 238, 240), (240, 134, 78), (86, 166, 232),
        (108, 196, 128), (226, 106, 158), (246, 206, 92),
    ],
    np.uint8,
)  # fmt: skip


def draw_contact_sheet(rows: Sequence[Row], *, title: str, tile_width: int = 300) -> Image:
    """Draw rows of a dataset, one line each: every reading and label of its sensors.

    Args:
        rows: Arrays of each row by name, as in a shard but without the leading axis.
        title: First line of the picture.
        tile_width: Width of one picture in the grid [px].

    Returns:
        sRGB bytes, shape (height, width, 3).

    Raises:
        ValueError: If there is no row, or the rows hold no image.

    Example:
        >>> sheet = draw_contact_sheet([dataset[0]], title="tabletop")  # doctest: +SKIP
    """
    lines = [(row, tiles) for row in rows if (tiles := row_tiles(row))]
    if not lines:
        raise ValueError("a contact sheet needs at least one row with an image; check the recipe's outputs")
    column_count = max(len(tiles) for _, tiles in lines)
    scaled = [[(name, fit(image, tile_width)) for name, image in tiles] for _, tiles in lines]
    heights = [max(image.shape[0] for _, image in tiles) for tiles in scaled]
    width = 2 * _MARGIN + column_count * tile_width + (column_count - 1) * _GAP
    height = _HEADER + sum(tall + _CAPTION + _GAP for tall in heights) + _MARGIN
    sheet = np.full((height, width, 3), _BACKGROUND, np.uint8)
    write_text(sheet, title, (_MARGIN, 28), 0.62, _INK)
    top = _HEADER - _CAPTION
    for (row, _), tiles, tall in zip(lines, scaled, heights, strict=True):
        for column, (name, image) in enumerate(tiles):
            left = _MARGIN + column * (tile_width + _GAP)
            text = f"{_address(row)}  {name}" if column == 0 else name
            write_text(sheet, text, (left + 1, top + _CAPTION - 7), 0.40, _INK if column == 0 else _FAINT)
            sheet[top + _CAPTION : top + _CAPTION + image.shape[0], left : left + image.shape[1]] = image
        top += tall + _CAPTION + _GAP
    return sheet


def row_tiles(row: Row) -> list[Tile]:
    """Draw every reading and label of one row.

    Args:
        row: Arrays of the row by name, without the leading axis.

    Returns:
        (caption, sRGB picture) of each, sensor after sensor.
    """
    tiles: list[Tile] = []
    for camera in sensor_names(row):
        rgb = row.get(f"sensor/{camera}/rgb")
        depth, ideal = (_metres(row.get(f"{room}/{camera}/depth")) for room in ("sensor", "ideal"))
        instance = row.get(f"label/{camera}/instance")
        class_map = row.get(f"label/{camera}/class")
        normal = row.get(f"label/{camera}/normal")
        coordinates = row.get(f"label/{camera}/object_coordinates")
        colour = row.get(f"ideal/{camera}/colour")
        if rgb is not None:
            tiles.append((f"{camera} rgb", np.asarray(rgb, np.uint8)))
        if colour is not None:
            tiles.append((f"{camera} ideal colour", colour_picture(colour)))
        limits = depth_limits(depth, ideal)
        for name, values in (("depth", depth), ("ideal depth", ideal)):
            if values is not None:
                near, far = limits
                tiles.append((f"{camera} {name} {near:.2f} - {far:.2f} m", depth_picture(values, limits)))
        if instance is not None:
            base = rgb if rgb is not None else np.full((*instance.shape, 3), 90, np.uint8)
            boxes = row.get(f"label/{camera}/box_visible")
            tiles.append((f"{camera} instances" + (", boxes" if boxes is not None else ""),
                          mask_picture(base, instance, boxes)))  # fmt: skip
        if class_map is not None:
            tiles.append((f"{camera} classes", class_picture(class_map)))
        if normal is not None:
            tiles.append((f"{camera} normals", normal_picture(normal)))
        if coordinates is not None:
            tiles.append((f"{camera} object coordinates", coordinate_picture(coordinates)))
        tiles += [(f"{camera} {caption}", picture) for caption, picture in instrument_tiles(camera, row)]
    return tiles


def _metres(depth: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if depth is None else depth_in_metres(np.asarray(depth))


def sensor_names(row: Row) -> list[str]:
    """List the sensors of which a row holds readings, sorted."""
    rooms = ("sensor", "ideal", "label")
    return sorted({name.split("/")[1] for name in row if name.split("/")[0] in rooms and name.count("/") == 2})


def colour_picture(radiance: NDArray[Any]) -> Image:
    """Show scene-linear radiance as sRGB, exposed so that its 99th percentile is white."""
    linear = np.nan_to_num(np.asarray(radiance, np.float64))
    linear = np.clip(linear / max(float(np.percentile(linear, 99)), 1e-9), 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def depth_limits(*maps: NDArray[Any] | None) -> tuple[float, float]:
    """Choose the range of a depth picture: the 1st and 97th percentile of what is measured [m]."""
    measured = [np.asarray(values)[np.asarray(values) > 0].ravel() for values in maps if values is not None]
    joined = np.concatenate(measured) if measured else np.zeros(0)
    if not joined.size:
        return 0.0, 1.0
    near, far = (float(value) for value in np.percentile(joined, (1, 97)))
    return near, max(far, near + 0.01)


def depth_picture(depth: NDArray[Any], limits: tuple[float, float]) -> Image:
    """Show depth in colours, near is bright; pixels without a return stay dark grey."""
    near, far = limits
    scaled = np.clip((far - np.asarray(depth, np.float64)) / (far - near), 0, 1)
    picture = cv2.applyColorMap((scaled * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1].copy()
    picture[np.asarray(depth) <= 0] = _HOLE
    return np.asarray(picture, np.uint8)


def mask_picture(base: NDArray[Any], instance: NDArray[Any], boxes: NDArray[Any] | None) -> Image:
    """Lay each instance's colour over the image, with its outline and its box."""
    ids = np.asarray(instance, np.int64)
    colours = instance_colours(int(ids.max()) + 1)
    mixed = np.asarray(base, np.float64) * 0.55
    inside = ids > 0
    mixed[inside] = mixed[inside] * 0.9 + colours[ids[inside]] * 0.5
    picture: Image = np.clip(mixed, 0, 255).astype(np.uint8)
    edge = np.zeros(ids.shape, bool)
    edge[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    edge[1:] |= ids[1:] != ids[:-1]
    picture[edge & inside] = colours[ids[edge & inside]]
    for slot, (x_min, y_min, x_max, y_max) in enumerate(() if boxes is None else np.asarray(boxes, np.float64)):
        if x_max > x_min and slot + 1 < len(colours):
            corners = (round(x_min), round(y_min)), (round(x_max) - 1, round(y_max) - 1)
            cv2.rectangle(picture, *corners, colours[slot + 1].tolist(), 1)
    return picture


def class_picture(class_map: NDArray[Any]) -> Image:
    """Show each class in a colour of its own."""
    return np.asarray(_CLASS_COLOURS[np.minimum(np.asarray(class_map, np.int64), len(_CLASS_COLOURS) - 1)])


def normal_picture(normal: NDArray[Any]) -> Image:
    """Show normals as colours: x right is red, y up is green, towards the camera is blue."""
    values = np.asarray(normal, np.float64)
    picture = ((values * (1, -1, -1) * 0.5 + 0.5) * 255).astype(np.uint8)
    picture[(values == 0).all(axis=-1)] = _HOLE
    return np.asarray(picture, np.uint8)


def coordinate_picture(coordinates: NDArray[Any]) -> Image:
    """Show points in the object's frame as colours that repeat every 10 cm."""
    values = np.asarray(coordinates, np.float64)
    inside = (values != 0).any(axis=-1)
    picture = ((np.mod(values, 0.1) / 0.1) * 255).astype(np.uint8)
    picture[~inside] = _HOLE
    return np.asarray(picture, np.uint8)


def _address(row: Row) -> str:
    if "sample/index" not in row:
        return ""
    index, scenario, view, look = (int(row[f"sample/{name}"]) for name in ("index", "scenario", "view", "look"))
    step = f" t{int(row['sample/step'])}" if "task/reward" in row else ""
    tombstone = "" if int(row["sample/valid"]) else "  tombstone"
    source = f"{int(row['sample/source'])}:" if "sample/source" in row else ""
    return f"#{index}  s{source}{own_scenario(scenario)}{step} v{view} l{look}{tombstone}"
