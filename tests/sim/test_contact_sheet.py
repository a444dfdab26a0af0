"""Contact sheets: every reading and label is drawn, and the pictures mean what they show."""

import numpy as np
import pytest

from simloom.sim.contact_sheet import (
    colour_picture,
    depth_picture,
    draw_contact_sheet,
    mask_picture,
    normal_picture,
    row_tiles,
)
from simloom.sim.drawing import encode_png


def _row() -> dict[str, np.ndarray]:
    ids = np.zeros((30, 40), np.uint16)
    ids[5:15, 10:20] = 3
    boxes = np.zeros((4, 4), np.float32)
    boxes[2] = (10, 5, 20, 15)
    return {
        "sample/index": np.int64(7),
        "sample/scenario": np.int64(1),
        "sample/view": np.int32(0),
        "sample/look": np.int32(1),
        "sample/valid": np.uint8(1),
        "sensor/head/rgb": np.full((30, 40, 3), 90, np.uint8),
        "sensor/head/depth": np.linspace(0.5, 2.0, 1200, dtype=np.float32).reshape(30, 40),
        "ideal/head/depth": np.full((30, 40), 1.0, np.float32),
        "ideal/head/colour": np.ones((30, 40, 3), np.float16),
        "label/head/instance": ids,
        "label/head/class": ids.astype(np.uint8),
        "label/head/normal": np.zeros((30, 40, 3), np.float16),
        "label/head/box_visible": boxes,
    }


def test_every_image_of_a_row_has_its_tile() -> None:
    """Captions name what is shown."""
    names = [name for name, _ in row_tiles(_row())]

    assert [name.split(" ")[1] for name in names] == [
        "rgb", "ideal", "depth", "ideal", "instances,", "classes", "normals",
    ]  # fmt: skip


def test_the_sheet_holds_all_tiles_of_all_rows() -> None:
    """Its size follows from the grid, and it is a PNG."""
    sheet = draw_contact_sheet([_row(), _row()], title="test", tile_width=80)

    assert sheet.shape[1] == 2 * 20 + 7 * 80 + 6 * 6
    assert encode_png(sheet).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one row"):
        draw_contact_sheet([{"sample/index": np.int64(0)}], title="none")


def test_pictures_tell_holes_masks_and_directions() -> None:
    """No return is dark grey, a mask keeps to its pixels, a normal towards the camera is blue, equal light is equal."""
    row = _row()
    depth = row["sensor/head/depth"].copy()
    depth[0, 0] = 0
    picture = depth_picture(depth, (0.5, 2.0))
    masked = mask_picture(row["sensor/head/rgb"], row["label/head/instance"], None)
    normal = normal_picture(np.broadcast_to(np.array([0.0, 0.0, -1.0]), (2, 2, 3)))

    assert picture[0, 0].tolist() == [46, 48, 54]
    assert len(np.unique(masked[row["label/head/instance"] == 0].reshape(-1, 3), axis=0)) == 1
    assert not np.array_equal(masked[10, 15], masked[0, 0])
    assert normal[0, 0].tolist() == [127, 127, 255]
    assert len(np.unique(colour_picture(row["ideal/head/colour"]))) == 1
