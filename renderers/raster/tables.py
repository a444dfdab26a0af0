"""Tables: the arrays that raster kernels share, as named tuples that go through a launch whole."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from ..mesh_library import MeshLibrary
from .sampling import pack_texels, tabulate_levels


class Geometry(NamedTuple):
    """Meshes, as in `MeshLibrary`."""

    vertex: Any
    """(Nv, 3) float32."""
    position: Any
    """The same, coordinate by coordinate: (3, Nv) float32."""
    normal: Any
    """(Nv, 3) float32."""
    uv: Any
    """(Nv, 2) float32."""
    color: Any
    """(Nv,) uint32, packed vertex colours (see `sampling.pack_texels`); (1,) where no mesh has any."""
    triangle: Any
    """(Nt, 3) int32, from the level's first vertex."""
    level_vertex_start: Any
    level_vertex_count: Any
    level_triangle_start: Any
    level_triangle_count: Any
    level_error: Any
    """(Lv,) float32 [m]."""
    mesh_level_start: Any
    mesh_level_count: Any
    mesh_center: Any
    """(Nm, 3) float32."""
    mesh_radius: Any
    """(Nm,) float32."""
    mesh_lower: Any
    mesh_upper: Any
    mesh_is_closed: Any
    """(Nm,) uint8."""


class Textures(NamedTuple):
    """Packed texels of all textures (see `sampling.pack_texels`)."""

    texel: Any
    """(Nx,) uint32."""
    first: Any
    """(Ntex * MOST_LEVELS,) uint32, first texel of each level."""
    width: Any
    """(Ntex,) int32, of the finest level."""
    height: Any
    levels: Any


class Skies(NamedTuple):
    """Skies, as in `MeshLibrary`; `skies` says which direction a texel stands for."""

    texel: Any
    """(Nk, 3) float32, linear radiance; one row at least."""
    offset: Any
    """(Ns,) int32, first texel; level k of max(1, width >> k) x (height >> k) texels follows level k - 1."""
    width: Any
    height: Any
    levels: Any
    harmonics: Any
    """(Ns, 9, 3) float32, coefficients of 1, y, z, x, xy, yz, 3zz - 1, xz, xx - yy of a normal: its irradiance."""


class Worlds(NamedTuple):
    """W snapshots as one table of instances, one of materials and one of lights; I instances, R material rows."""

    start: Any
    """First instance of each snapshot, shape (W + 1,) int32."""
    mesh: Any
    matrix: Any
    """World from mesh units (scale folded in), rows of a 3x4 matrix, shape (I, 12) float64."""
    normal_matrix: Any
    """World normal from mesh normal, up to length, shape (I, 9) float32."""
    object_matrix: Any
    """Object frame from mesh units, shape (I, 12) float32."""
    scale: Any
    """Scale along the mesh's axes, shape (I, 3) float32."""
    instance: Any
    class_id: Any
    part: Any
    casts_shadow: Any
    transparent: Any
    """1 = drawn apart, over what is seen through it, shape (I,) uint8."""
    material: Any
    """First look's row of `material_floats`, shape (I,); look l adds l times `stride`."""
    needs_uv: Any
    """1 = texture coordinates matter: the mesh has them and a look of its material has a texture, shape (I,) uint8."""
    needs_local: Any
    """1 = a look of its material has a pattern or a texture, shape (I,) uint8."""
    has_color: Any
    """1 = the mesh has vertex colours, shape (I,) uint8."""
    needs_frame: Any
    """1 = the mesh has texture coordinates and a look of its material has a normal texture, shape (I,) uint8."""
    stride: Any
    """Material rows per look, shape (W,) int32."""
    material_floats: Any
    """base r g b, roughness, metallic, pattern r g b, pattern period, texture repeats, opacity, emission r g b; shape
    (R, 14) float32."""
    material_ints: Any
    """texture row, pattern, metallic-roughness texture, normal texture; shape (R, 4) int32."""
    light: Any
    """sun direction, sun irradiance, zenith, horizon, ground (15 numbers), radius of the sun, extinction of the
    fog, its radiance, scale of the sky image, its yaw; shape (W, L, 24) float32."""
    sky_image: Any
    """(W, L) int32, -1 = gradient."""
    glows: Any
    """1 = a material gives off light in the look, shape (W, L) uint8."""
    lamp: Any
    """position, intensity, direction, cosines of the inner and outer cone, radius, kind; shape (W, L, K, 13)."""


NO_RAYS: Final = np.zeros((0, 3), np.float32)
NO_STARTS: Final = np.zeros(0, np.int64)


class Views(NamedTuple):
    """V cameras and what they look at.

    A key's nearness is 1 / t, where what is seen lies at t times the sample's ray: (x, y, 1) of a pinhole, so that t
    is the depth, and of length 1 through a lens, so that t is the range.
    """

    camera: Any
    """fx, fy, cx, cy, near, far, camera-from-world rows (12), camera position (3), world-from-camera rotation (9),
    pixels per radian of a lens where they are closest (0 = pinhole); shape (V, 31) float64."""
    world: Any
    """Row of the snapshot that each view sees, shape (V,) int32."""
    ray: Any = NO_RAYS
    """Rays of the samples of all lenses, row by row, 0 where there is none, shape (R, 3) float32."""
    ray_start: Any = NO_STARTS
    """First ray of each view, -1 = pinhole, shape (V,) int64."""


class Draws(NamedTuple):
    """What each view draws: row v * largest + k is instance k of view v's snapshot."""

    level: Any
    """Level of detail, -1 = not drawn, int32."""
    matrix: Any
    """Camera from mesh units, shape (rows, 12) float64."""
    inverse: Any
    """Mesh units from camera, shape (rows, 12) float64."""


def tabulate_geometry(library: MeshLibrary) -> Geometry:
    """Lay out the meshes of a library."""
    return Geometry(
        vertex=library.vertices,
        position=np.ascontiguousarray(library.vertices.T),
        normal=library.normals,
        uv=library.uvs,
        color=pack_texels(library.colors) if library.mesh_has_color.any() else np.zeros(1, np.uint32),
        triangle=library.triangles,
        level_vertex_start=library.level_vertex_start,
        level_vertex_count=library.level_vertex_count,
        level_triangle_start=library.level_triangle_start,
        level_triangle_count=library.level_triangle_count,
        level_error=library.level_error,
        mesh_level_start=library.mesh_level_start,
        mesh_level_count=library.mesh_level_count,
        mesh_center=library.mesh_center,
        mesh_radius=library.mesh_radius,
        mesh_lower=library.mesh_lower,
        mesh_upper=library.mesh_upper,
        mesh_is_closed=library.mesh_is_closed,
    )


def tabulate_textures(library: MeshLibrary) -> Textures:
    """Pack the textures of a library."""
    sizes = (library.texture_offset, library.texture_width, library.texture_height, library.texture_levels)
    # Never empty: an index into it is computed, though not used, where there is no texture.
    texels = np.zeros(1, np.uint32)
    if len(library.texels):
        ends = np.append(library.texture_offset[1:], len(library.texels))
        is_data = np.repeat(library.texture_is_data == 1, ends - library.texture_offset)
        texels = pack_texels(library.texels, is_data)
    return Textures(
        texel=texels,
        first=tabulate_levels(*sizes),
        width=library.texture_width,
        height=library.texture_height,
        levels=library.texture_levels,
    )


def tabulate_skies(library: MeshLibrary) -> Skies:
    """Lay out the skies of a library."""
    # Never empty: an index into it may be computed, though not used, where there is no sky.
    texels = library.sky_texel if len(library.sky_texel) else np.zeros((1, 3), np.float32)
    return Skies(
        texel=texels,
        offset=library.sky_offset,
        width=library.sky_width,
        height=library.sky_height,
        levels=library.sky_levels,
        harmonics=library.sky_harmonics,
    )
