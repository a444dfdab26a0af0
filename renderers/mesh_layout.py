"""The layout of a mesh library's arrays, and the checks that make a library from a file safe to render."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .skies import HARMONIC_COUNT, SMALLEST_ROWS, sky_level_count
from .textures import mip_level_count

MAX_TRIANGLES = 1 << 20
"""Triangles in one level of one mesh."""

LAYOUT: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "vertices": (np.float32, ("vertex", 3)),
    "normals": (np.float32, ("vertex", 3)),
    "uvs": (np.float32, ("vertex", 2)),
    "colors": (np.uint8, ("vertex", 3)),
    "triangles": (np.int32, ("triangle", 3)),
    "level_vertex_start": (np.int32, ("level",)),
    "level_vertex_count": (np.int32, ("level",)),
    "level_triangle_start": (np.int32, ("level",)),
    "level_triangle_count": (np.int32, ("level",)),
    "level_error": (np.float32, ("level",)),
    "mesh_level_start": (np.int32, ("mesh",)),
    "mesh_level_count": (np.int32, ("mesh",)),
    "mesh_center": (np.float32, ("mesh", 3)),
    "mesh_radius": (np.float32, ("mesh",)),
    "mesh_lower": (np.float32, ("mesh", 3)),
    "mesh_upper": (np.float32, ("mesh", 3)),
    "mesh_has_uv": (np.uint8, ("mesh",)),
    "mesh_has_color": (np.uint8, ("mesh",)),
    "mesh_is_closed": (np.uint8, ("mesh",)),
    "texels": (np.uint8, ("texel", 3)),
    "texture_offset": (np.int32, ("texture",)),
    "texture_width": (np.int32, ("texture",)),
    "texture_height": (np.int32, ("texture",)),
    "texture_levels": (np.int32, ("texture",)),
    "texture_is_data": (np.uint8, ("texture",)),
    "sky_texel": (np.float32, ("sky texel", 3)),
    "sky_offset": (np.int32, ("sky",)),
    "sky_width": (np.int32, ("sky",)),
    "sky_height": (np.int32, ("sky",)),
    "sky_levels": (np.int32, ("sky",)),
    "sky_harmonics": (np.float32, ("sky", HARMONIC_COUNT, 3)),
}


def _check_runs(name: str, start: NDArray[np.int32], count: NDArray[np.int32], total: int) -> None:
    """Check that rows [start, start + count) lie one after another and fill [0, total)."""
    ends = np.cumsum(count, dtype=np.int64)
    expected = np.concatenate(([0], ends[:-1])) if len(count) else ends
    if (count < 0).any() or (start != expected).any() or int(ends[-1] if len(ends) else 0) != total:
        raise ValueError(f"{name} of the mesh library must follow one another and cover {total} rows; it is damaged")


def _check_images(
    prefix: str, arrays: Mapping[str, NDArray[Any]], smallest: int, texels: int, count_levels: Callable[[int, int], int]
) -> None:
    """Check that images lie one after another, each with all of its mip levels, and fill the texels there are."""
    end = 0
    for row in range(len(arrays[f"{prefix}_offset"])):
        width, height = int(arrays[f"{prefix}_width"][row]), int(arrays[f"{prefix}_height"][row])
        levels = int(arrays[f"{prefix}_levels"][row])
        if int(arrays[f"{prefix}_offset"][row]) != end or width < smallest or height < smallest:
            raise ValueError(f"{prefix} {row} of the mesh library is out of bounds; it is damaged")
        if levels != count_levels(width, height):
            raise ValueError(f"{prefix} {row} must have {count_levels(width, height)} mip levels, got {levels}")
        end += sum(max(1, width >> k) * max(1, height >> k) for k in range(levels))
    if end != texels:
        raise ValueError(f"the library's {prefix} images need {end} texels, got {texels}; it is damaged")


def check_layout(arrays: Mapping[str, NDArray[Any]], mesh_names: int, texture_names: int, sky_names: int = 0) -> None:
    """Check every array of a mesh library: dtype, shape, finite values, and that no row points outside another array.

    Args:
        arrays: The arrays by name, as in `LAYOUT`.
        mesh_names: Names of meshes there are.
        texture_names: Names of textures there are.
        sky_names: Names of skies there are.

    Raises:
        ValueError: If anything does not fit.
    """
    sizes: dict[str, int] = {}
    for name, (dtype, shape) in LAYOUT.items():
        array = arrays[name]
        if array.dtype != dtype or array.ndim != len(shape) or not array.flags.c_contiguous:
            raise ValueError(f"{name} must be a C-contiguous {np.dtype(dtype)} array, got {array.dtype} {array.shape}")
        for length, wanted in zip(array.shape, shape, strict=True):
            expected = wanted if isinstance(wanted, int) else sizes.setdefault(wanted, length)
            if length != expected:
                raise ValueError(f"{name} must have {expected} rows per axis {wanted!r}, got shape {array.shape}")
        if np.dtype(dtype).kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} of the mesh library holds NaN or infinite values; it is damaged")
    if (mesh_names, texture_names, sky_names) != (sizes["mesh"], sizes["texture"], sizes["sky"]):
        raise ValueError("a mesh library needs one name per mesh, per texture and per sky")
    for name in ("mesh_has_uv", "mesh_has_color", "mesh_is_closed", "texture_is_data"):
        if arrays[name].max(initial=0) > 1:
            raise ValueError(f"{name} of the mesh library must be 0 or 1, got {arrays[name].max()}; it is damaged")
    _check_runs("vertices", arrays["level_vertex_start"], arrays["level_vertex_count"], sizes["vertex"])
    _check_runs("triangles", arrays["level_triangle_start"], arrays["level_triangle_count"], sizes["triangle"])
    _check_runs("levels", arrays["mesh_level_start"], arrays["mesh_level_count"], sizes["level"])
    if (arrays["mesh_level_count"] < 1).any() or (arrays["level_triangle_count"] > MAX_TRIANGLES).any():
        raise ValueError(f"each mesh needs at least one level, each level at most {MAX_TRIANGLES} triangles")
    limit = np.repeat(arrays["level_vertex_count"], arrays["level_triangle_count"])
    if (arrays["triangles"] < 0).any() or (arrays["triangles"] >= limit[:, None]).any():
        raise ValueError("a triangle of the mesh library names a vertex that its level does not have; it is damaged")
    _check_images("texture", arrays, 1, sizes["texel"], mip_level_count)
    _check_images("sky", arrays, SMALLEST_ROWS, sizes["sky texel"], lambda _, height: sky_level_count(height))
    if (arrays["sky_texel"] < 0).any():
        raise ValueError("sky_texel of the mesh library must be >= 0; it is damaged")


def join_rows(parts: Sequence[NDArray[Any]], width: int, dtype: type) -> NDArray[Any]:
    """Join arrays into one of rows.

    Args:
        parts: Arrays, each a multiple of `width` long; none gives an array of no rows.
        width: Columns.
        dtype: Type of the result.

    Returns:
        Shape (rows, width).
    """
    flat: list[NDArray[Any]] = [np.asarray(part, dtype).reshape(-1, width) for part in parts]
    return np.concatenate(flat) if flat else np.zeros((0, width), dtype)


def find_starts(counts: Sequence[int]) -> NDArray[np.int32]:
    """Find where runs start that lie one after another.

    Args:
        counts: Length of each run.

    Returns:
        First row of each run, shape (runs,).

    Raises:
        ValueError: If all runs together need more than 2^31 - 1 rows.
    """
    ends = np.cumsum([0, *counts])
    if ends[-1] > 2**31 - 1:
        raise ValueError(f"a mesh library holds at most 2^31 - 1 vertices, triangles or texels, got {ends[-1]}")
    return ends[:-1].astype(np.int32)


def as_rows(values: Sequence[int]) -> NDArray[np.int32]:
    """Store numbers as a library does.

    Args:
        values: Row numbers, counts or sizes.

    Returns:
        Shape (len(values),).
    """
    return np.array(values, np.int32)
