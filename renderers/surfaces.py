"""Materials: what the surfaces of a snapshot are made of, one table for each look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

UNSET = cast("NDArray[Any]", None)
"""Default of an optional array: the class that holds it fills in the stated value."""


class Pattern(IntEnum):
    """Procedural albedo patterns, evaluated in the instance's own metric coordinates."""

    NONE = 0
    CHECKER = 1
    STRIPES = 2
    NOISE = 3
    WOOD = 4
    SPECKLE = 5
    BRUSHED = 6
    LABEL = 7


def is_unset(value: object) -> bool:
    """Return whether an optional array was left out."""
    return value is None


def fill_defaults(
    table: Any, lead: tuple[int, ...], defaults: Mapping[str, tuple[type, tuple[int, ...], float]]
) -> None:
    """Give a frozen table's optional arrays their stated values, and check the shapes of those that were given.

    Args:
        table: The dataclass instance.
        lead: Leading axes of all of its optional arrays.
        defaults: dtype, further axes and value by field name.

    Raises:
        ValueError: If an array has another shape.
    """
    for name, (dtype, tail, value) in defaults.items():
        given = getattr(table, name)
        if is_unset(given):
            object.__setattr__(table, name, np.full((*lead, *tail), value, dtype))
        elif given.shape != (*lead, *tail):
            raise ValueError(f"{name} must have shape {(*lead, *tail)}, got {given.shape}")


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Material rows of a snapshot, for L looks and M materials.

    A surface's albedo is `base_color`, times the mesh's vertex colour, times the texture where there is one, or blended
    with `pattern_color` by the pattern. Colours are scene-linear sRGB primaries in [0, 1].

    Raises:
        ValueError: If an array does not have L looks and M rows.
    """

    base_color: NDArray[np.float32]
    """Albedo (metallic: reflectance at normal incidence) [1], shape (L, M, 3), range [0, 1]."""
    roughness: NDArray[np.float32]
    """Perceptual roughness [1], shape (L, M), range [0.03, 1]; GGX alpha is its square."""
    metallic: NDArray[np.float32]
    """Metalness [1], shape (L, M), range [0, 1]."""
    texture: NDArray[np.int32]
    """Row in the mesh library's textures, shape (L, M), -1 = none."""
    texture_scale: NDArray[np.float32]
    """Repeats over the mesh's UV square; for meshes without UVs repeats per metre (box projection); shape (L, M)."""
    pattern: NDArray[np.int32]
    """A `Pattern` value, shape (L, M)."""
    pattern_color: NDArray[np.float32]
    """Second colour of the pattern [1], shape (L, M, 3), range [0, 1]."""
    pattern_scale: NDArray[np.float32]
    """Period of the pattern [m], shape (L, M), > 0."""
    opacity: NDArray[np.float32] = UNSET
    """Share of the light from behind that the surface stops [1], shape (L, M), range [0, 1]; 1 where not given. An
    instance whose material is below 1 in any look is transparent: labels look through it, and it has its own."""
    emission: NDArray[np.float32] = UNSET
    """Radiance that the surface gives off [W/(sr m^2)], shape (L, M, 3); 0 where not given."""
    metallic_roughness_texture: NDArray[np.int32] = UNSET
    """Texture of data whose green multiplies roughness and whose blue multiplies metalness, as in glTF 2.0, for meshes
    with UVs; shape (L, M), -1 = none."""
    normal_texture: NDArray[np.int32] = UNSET
    """Texture of tangent-space normals (OpenGL's green upwards, as in glTF 2.0), for meshes with UVs; shape (L, M),
    -1 = none."""

    def __post_init__(self) -> None:
        lead = self.roughness.shape
        fill_defaults(
            self,
            lead,
            {
                "opacity": (np.float32, (), 1.0),
                "emission": (np.float32, (3,), 0.0),
                "metallic_roughness_texture": (np.int32, (), -1),
                "normal_texture": (np.int32, (), -1),
            },
        )
        for field in fields(self):
            shape = getattr(self, field.name).shape
            if shape[:2] != lead:
                raise ValueError(f"{field.name} must have {lead} looks and rows first, got {shape}")
