"""Keypoints: where points fixed to instances are seen, and what hides them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from ..snapshot import Snapshot
from .chunk import Chunk
from .surface import read_draw, read_nearness
from .tables import Views, Worlds

LOW = np.uint64(0xFFFFFFFF)
OUT_OF_SIGHT, BEHIND_OTHERS, BEHIND_ITSELF, SEEN = 0, 1, 2, 3
"""Values of `keypoint_state`."""
SLACK_PIXELS = 2.0
SLACK_METRES = 1e-3
"""A keypoint is hidden by what is nearer by more than so many footprints of a pixel plus so many metres."""


@scalar
def _find_keypoint(
    index: int,
    most: int,
    width: int,
    height: int,
    views_in: Views,
    worlds_in: Worlds,
    start_in: Any,
    row_in: Any,
    position_in: Any,
    keys_in: Any,
    keypoints_out: Any,
    state_out: Any,
) -> None:
    """Project one keypoint of one view and look what its pixel sees."""
    view, p = index // most, index % most
    world = views_in.world[view]
    camera = views_in.camera
    for i in range(3):
        keypoints_out[view, p, i] = np.float32(0.0)
    state_out[view, p] = OUT_OF_SIGHT
    n = start_in[world] + p
    if n >= start_in[world + 1]:
        return
    px, py, pz = position_in[n, 0], position_in[n, 1], position_in[n, 2]
    x = camera[view, 6] * px + camera[view, 7] * py + camera[view, 8] * pz + camera[view, 9]
    y = camera[view, 10] * px + camera[view, 11] * py + camera[view, 12] * pz + camera[view, 13]
    z = camera[view, 14] * px + camera[view, 15] * py + camera[view, 16] * pz + camera[view, 17]
    keypoints_out[view, p, 2] = np.float32(z)
    if z < camera[view, 4]:
        return
    fx, fy = camera[view, 0], camera[view, 1]
    u, v = fx * x / z + camera[view, 2], fy * y / z + camera[view, 3]
    keypoints_out[view, p, 0], keypoints_out[view, p, 1] = np.float32(u), np.float32(v)
    if z > camera[view, 5] or not (-0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5):
        return
    column, row = int(math.floor(u + 0.5)), int(math.floor(v + 0.5))
    key = keys_in[(view * height + row) * width + column]
    state_out[view, p] = SEEN
    if (key & LOW) == np.uint64(0):
        return
    slack = SLACK_PIXELS * z / min(fx, fy) + SLACK_METRES
    if 1.0 / float(read_nearness(key)) < z - slack:
        seen = worlds_in.instance[worlds_in.start[world] + read_draw(key)]
        state_out[view, p] = BEHIND_ITSELF if seen == worlds_in.instance[row_in[n]] else BEHIND_OTHERS


FIND_KEYPOINT = Kernel(_find_keypoint)


def fill_keypoints(
    chunk: Chunk, part: dict[str, NDArray[Any]], keys: NDArray[np.uint64], snapshots: Sequence[Snapshot]
) -> None:
    """Fill `keypoints` and `keypoint_state`.

    Args:
        chunk: Views, drawn.
        part: Outputs.
        keys: Visibility of the pixels' centres.
        snapshots: The chunk's worlds.
    """
    keypoints, state = part["keypoints"], part["keypoint_state"]
    rows, places = [], []
    for snapshot, first in zip(snapshots, chunk.host_worlds.start[:-1], strict=True):
        pose, local = snapshot.pose_world_instance[snapshot.keypoint_row], snapshot.keypoint_position
        rows.append(snapshot.keypoint_row + first)
        # Written out, since a library's matrix product may round differently by batch shape.
        places.append(
            pose[:, :3, 0] * local[:, 0:1] + pose[:, :3, 1] * local[:, 1:2] + pose[:, :3, 2] * local[:, 2:3]
            + pose[:, :3, 3]
        )  # fmt: skip
    tables = (
        np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32), np.concatenate(rows).astype(np.int32),
        np.concatenate(places).astype(np.float64),
    )  # fmt: skip
    chunk.launch(
        FIND_KEYPOINT, state.size, state.shape[1], chunk.width, chunk.height, chunk.views, chunk.worlds,
        *chunk.workspace.send("keypoints", tables), keys, keypoints, state,
    )  # fmt: skip
