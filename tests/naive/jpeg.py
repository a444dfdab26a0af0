"""JPEG in float64 by the textbook: matrices for the transform, one block at a time, no integer tricks."""

from __future__ import annotations

import math

import numpy as np

_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])


def _cosines() -> np.ndarray:
    rows = [[math.cos((2 * x + 1) * u * math.pi / 16) / 2 for x in range(8)] for u in range(8)]
    rows[0] = [1 / math.sqrt(8)] * 8
    return np.array(rows)


def code_plane(plane: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Quantize an 8-bit plane's coefficients by the steps of `table`, shape (8, 8), and come back."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % 8), (0, -width % 8)), mode="edge").astype(float)
    out = np.empty_like(padded)
    matrix = _cosines()
    for y in range(0, padded.shape[0], 8):
        for x in range(0, padded.shape[1], 8):
            coefficients = matrix @ (padded[y : y + 8, x : x + 8] - 128) @ matrix.T
            out[y : y + 8, x : x + 8] = matrix.T @ (np.round(coefficients / table) * table) @ matrix + 128
    return np.clip(np.round(out), 0, 255)[:height, :width]


def _enlarge(plane: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Interpolate to twice the length along an axis: 3/4 of the nearer and 1/4 of the farther number."""
    lines = np.moveaxis(plane, axis, 0)
    near = np.repeat(lines, 2, axis=0)
    far = np.empty_like(near)
    far[0::2] = np.concatenate([lines[:1], lines[:-1]])
    far[1::2] = np.concatenate([lines[1:], lines[-1:]])
    return np.moveaxis((0.75 * near + 0.25 * far)[:length], 0, axis)


def compress(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Compress and decode an image, uint8, shape (H, W, 3), with tables of shape (2, 64)."""
    height, width, _ = image.shape
    ycc = np.clip(np.round(image.astype(float) @ _TO_YCC.T + [0, 128, 128]), 0, 255)
    luma = code_plane(ycc[..., 0], tables[0].reshape(8, 8))
    chroma = []
    for k in (1, 2):
        plane = np.pad(ycc[..., k], ((0, height % 2), (0, width % 2)), mode="edge")
        small = (plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]) / 4
        coded = code_plane(np.round(small), tables[1].reshape(8, 8))
        chroma.append(_enlarge(_enlarge(coded, 0, height), 1, width))
    back = np.stack([luma, chroma[0] - 128, chroma[1] - 128], axis=-1) @ np.linalg.inv(_TO_YCC).T
    return np.clip(np.round(back), 0, 255).astype(np.uint8)
