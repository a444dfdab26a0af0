"""Pictures of a chessboard through a lens, by casting every sub-pixel's ray onto the board."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def board_points(board, square) -> np.ndarray:
    """Inner corners row by row, in the board's frame, shape (C, 3); the first is the origin."""
    x, y = np.meshgrid(np.arange(board[0]), np.arange(board[1]))
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1) * square


def board_pose(rng, board, square, *, distance, side, tilt) -> tuple[np.ndarray, np.ndarray]:
    """A rotation and a translation that put the board's middle somewhere in front of the camera."""
    turn = Rotation.from_rotvec(rng.uniform(-tilt, tilt, 3)).as_matrix()
    middle = np.array([*rng.uniform(-1, 1, 2) * side, rng.uniform(*distance)])
    return turn, middle - turn @ (board_points(board, square).mean(axis=0))


def draw_board(turn, shift, board, square, camera, rays, samples=4) -> np.ndarray:
    """A grey picture, uint8: `rays(u, v)` are directions, (..., 3), of pixels; `camera` is (width, height)."""
    width, height = camera
    offset = (np.arange(samples) + 0.5) / samples - 0.5
    v, u = np.meshgrid(
        (np.arange(height)[:, None] + offset).ravel(), (np.arange(width)[:, None] + offset).ravel(), indexing="ij"
    )
    ray = rays(u, v)
    # On the board: (s ray - shift) . normal = 0.
    reach = (shift @ turn[:, 2]) / (ray @ turn[:, 2])
    place = (ray * reach[..., None] - shift) @ turn[:, :2] / square
    cell = np.floor(place + 1.0)  # one square more than inner corners on each side
    inside = (cell >= 0) & (cell < np.array(board) + 1)
    grey = np.where(cell.sum(axis=-1) % 2 == 0, 30.0, 220.0)
    margin = (place > -1.6).all(axis=-1) & (place < np.array(board) + 0.6).all(axis=-1) & (reach > 0)
    grey = np.where(inside.all(axis=-1), grey, np.where(margin, 230.0, 110.0))
    grey = np.where(reach > 0, grey, 110.0)
    return np.round(grey.reshape(height, samples, width, samples).mean(axis=(1, 3))).astype(np.uint8)
