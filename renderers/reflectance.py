"""Reflectance of a snapshot's materials as one number each, for sensors that send light of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mesh_library import MeshLibrary
from .snapshot import Snapshot
from .surfaces import Pattern
from .textures import srgb_to_linear


def material_reflectance(library: MeshLibrary, snapshot: Snapshot, *, look: int = 0) -> NDArray[np.float32]:
    """Return the mean albedo of each material of a snapshot.

    How much near-infrared light a surface reflects follows from no colour in particular; the mean of the three stands
    for it. A texture counts by its mean, a pattern as half of either colour; vertex colours do not count. A scene that
    knows its reflectances has them by `ScanHits.material` instead.

    Args:
        library: Meshes and textures of the snapshot.
        snapshot: The world.
        look: Which of its looks.

    Returns:
        Reflectance [1], shape (M,), range [0, 1].

    Raises:
        ValueError: If there is no such look.

    Example:
        >>> reflectance = material_reflectance(library, snapshot)[hits.material]
    """
    materials = snapshot.materials
    if not 0 <= look < len(materials.base_color):
        raise ValueError(f"look must be in [0, {len(materials.base_color)}), got {look}")
    color = materials.base_color[look].astype(np.float64)
    other = materials.pattern_color[look].astype(np.float64)
    patterned = (materials.pattern[look] != Pattern.NONE)[:, None]
    color = np.where(patterned, 0.5 * (color + other), color)
    for row, texture in enumerate(materials.texture[look].tolist()):
        if texture >= 0:
            # The last mip level is the mean of the image.
            texel = library.texture(texture, int(library.texture_levels[texture]) - 1).reshape(-1, 3)[0]
            color[row] *= srgb_to_linear(texel.astype(np.float64) / 255.0)
    mean: NDArray[np.float32] = ((color[:, 0] + color[:, 1] + color[:, 2]) / 3.0).astype(np.float32)
    return mean
