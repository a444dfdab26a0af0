"""The mesh library: all geometry, textures and skies that snapshots refer to, as flat arrays addressed by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .level_of_detail import MeshLevel
from .mesh_layout import LAYOUT, check_layout
from .mesh_records import MeshRecord, SkyRecord, TextureRecord, join_records


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshLibrary:
    """Meshes with levels of detail, textures and skies with mip chains. Made by `MeshLibraryBuilder`; immutable.

    Nv vertices, Nt triangles, Lv levels, Nm meshes, Nx texels, Ntex textures, Nk texels of skies, Ns skies.

    Raises:
        ValueError: If an array has a wrong shape or dtype, or points outside another.
    """

    vertices: NDArray[np.float32]
    """Positions in the mesh's frame [m], shape (Nv, 3)."""
    normals: NDArray[np.float32]
    """Unit shading normals, shape (Nv, 3)."""
    uvs: NDArray[np.float32]
    """Texture coordinates, shape (Nv, 2): u to the right, v up, (0, 0) = the image's lower left corner."""
    colors: NDArray[np.uint8]
    """Vertex colours as sRGB bytes, shape (Nv, 3); 255 where a mesh has none."""
    triangles: NDArray[np.int32]
    """Vertices relative to the level's first, counter-clockwise seen from outside, shape (Nt, 3)."""
    level_vertex_start: NDArray[np.int32]
    """First vertex of each level, shape (Lv,)."""
    level_vertex_count: NDArray[np.int32]
    """Vertices of each level, shape (Lv,)."""
    level_triangle_start: NDArray[np.int32]
    """First triangle of each level, shape (Lv,)."""
    level_triangle_count: NDArray[np.int32]
    """Triangles of each level, shape (Lv,)."""
    level_error: NDArray[np.float32]
    """Largest distance of the full mesh from the level, before any scale [m], shape (Lv,); 0 = the full mesh."""
    mesh_level_start: NDArray[np.int32]
    """First level of each mesh, the finest; errors ascend; shape (Nm,)."""
    mesh_level_count: NDArray[np.int32]
    """Levels of each mesh, shape (Nm,), >= 1."""
    mesh_center: NDArray[np.float32]
    """Centre of the bounding sphere [m], shape (Nm, 3)."""
    mesh_radius: NDArray[np.float32]
    """Radius of the bounding sphere [m], shape (Nm,)."""
    mesh_lower: NDArray[np.float32]
    """Lower corner of the bounding box [m], shape (Nm, 3)."""
    mesh_upper: NDArray[np.float32]
    """Upper corner of the bounding box [m], shape (Nm, 3)."""
    mesh_has_uv: NDArray[np.uint8]
    """1 = the mesh has texture coordinates of its own, shape (Nm,)."""
    mesh_has_color: NDArray[np.uint8]
    """1 = the mesh has vertex colours, shape (Nm,)."""
    mesh_is_closed: NDArray[np.uint8]
    """1 = watertight, wound outwards: back faces cannot be seen from outside, shape (Nm,)."""
    texels: NDArray[np.uint8]
    """Bytes of all textures (sRGB, or linear data), level after level, row-major, shape (Nx, 3)."""
    texture_offset: NDArray[np.int32]
    """First texel of each texture, shape (Ntex,)."""
    texture_width: NDArray[np.int32]
    """Width of the finest level [px], shape (Ntex,)."""
    texture_height: NDArray[np.int32]
    """Height of the finest level [px], shape (Ntex,)."""
    texture_levels: NDArray[np.int32]
    """Mip levels, level k of max(1, width >> k) x max(1, height >> k) texels, shape (Ntex,)."""
    texture_is_data: NDArray[np.uint8]
    """1 = the texture holds linear data (roughness, normals), not sRGB colours, shape (Ntex,)."""
    sky_texel: NDArray[np.float32]
    """Linear radiance of all skies, level after level, row-major, shape (Nk, 3); `skies` says where a texel lies."""
    sky_offset: NDArray[np.int32]
    """First texel of each sky, shape (Ns,)."""
    sky_width: NDArray[np.int32]
    """Width of the finest level [px], shape (Ns,)."""
    sky_height: NDArray[np.int32]
    """Height of the finest level [px], shape (Ns,), >= 4."""
    sky_levels: NDArray[np.int32]
    """Mip levels, level k of max(1, width >> k) x (height >> k) texels, height >> k >= 4, shape (Ns,)."""
    sky_harmonics: NDArray[np.float32]
    """Irradiance of each sky as nine coefficients per channel (see `skies.evaluate_irradiance`), shape (Ns, 9, 3)."""
    names: tuple[str, ...]
    """Name of each mesh."""
    texture_names: tuple[str, ...]
    """Name of each texture."""
    sky_names: tuple[str, ...]
    """Name of each sky."""

    def __post_init__(self) -> None:
        check_layout(self.arrays(), len(self.names), len(self.texture_names), len(self.sky_names))

    @property
    def mesh_count(self) -> int:
        """Meshes."""
        return len(self.names)

    @property
    def texture_count(self) -> int:
        """Textures."""
        return len(self.texture_names)

    @property
    def sky_count(self) -> int:
        """Skies."""
        return len(self.sky_names)

    def mesh_row(self, name: str) -> int:
        """Find a mesh by its name.

        Args:
            name: As given to the builder.

        Returns:
            Its row.

        Raises:
            KeyError: If there is none of that name.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no mesh named {name!r}; there are {', '.join(self.names[:20])}") from None

    def level(self, mesh: int, level: int = 0) -> MeshLevel:
        """Give one level of one mesh as views into the library.

        Args:
            mesh: Mesh row.
            level: 0 = finest.

        Returns:
            The level.

        Raises:
            IndexError: If there is no such mesh or level.
        """
        if not 0 <= mesh < self.mesh_count or not 0 <= level < int(self.mesh_level_count[mesh]):
            raise IndexError(f"no level {level} of mesh {mesh}; there are {self.mesh_count} meshes")
        row = int(self.mesh_level_start[mesh]) + level
        first = int(self.level_vertex_start[row])
        vertex = slice(first, first + int(self.level_vertex_count[row]))
        first = int(self.level_triangle_start[row])
        return MeshLevel(
            vertices=self.vertices[vertex],
            normals=self.normals[vertex],
            uvs=self.uvs[vertex],
            triangles=self.triangles[first : first + int(self.level_triangle_count[row])],
            colors=self.colors[vertex] if self.mesh_has_color[mesh] else None,
            error=float(self.level_error[row]),
        )

    def texture(self, row: int, level: int = 0) -> NDArray[np.uint8]:
        """Give one mip level of a texture as a view into the library.

        Args:
            row: Texture row.
            level: 0 = finest.

        Returns:
            Bytes, shape (height, width, 3).

        Raises:
            IndexError: If there is no such texture or level.
        """
        if not 0 <= row < self.texture_count or not 0 <= level < int(self.texture_levels[row]):
            raise IndexError(f"no level {level} of texture {row}; there are {self.texture_count} textures")
        first, width, height = (int(n[row]) for n in (self.texture_offset, self.texture_width, self.texture_height))
        return _find_level(self.texels, first, width, height, level)

    def sky(self, row: int, level: int = 0) -> NDArray[np.float32]:
        """Give one mip level of a sky as a view into the library.

        Args:
            row: Sky row.
            level: 0 = finest.

        Returns:
            Linear radiance, shape (height, width, 3).

        Raises:
            IndexError: If there is no such sky or level.
        """
        if not 0 <= row < self.sky_count or not 0 <= level < int(self.sky_levels[row]):
            raise IndexError(f"no level {level} of sky {row}; there are {self.sky_count} skies")
        first, width, height = (int(n[row]) for n in (self.sky_offset, self.sky_width, self.sky_height))
        return _find_level(self.sky_texel, first, width, height, level)

    def subset(
        self, mesh_rows: ArrayLike, texture_rows: ArrayLike, sky_rows: ArrayLike = ()
    ) -> tuple[MeshLibrary, NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Keep only some meshes, textures and skies.

        Args:
            mesh_rows: Mesh rows to keep; the order and repetitions do not matter.
            texture_rows: Texture rows to keep; -1 is ignored.
            sky_rows: Sky rows to keep; -1 is ignored.

        Returns:
            The smaller library, the new row of each old mesh (shape (Nm,), -1 = dropped), and the same of each texture
            and of each sky.

        Raises:
            IndexError: If a row does not exist.
        """
        meshes, mesh_map = _choose_rows("mesh", mesh_rows, self.mesh_count)
        textures, texture_map = _choose_rows("texture", texture_rows, self.texture_count)
        skies, sky_map = _choose_rows("sky", sky_rows, self.sky_count)
        mesh_records = {
            self.names[row]: MeshRecord(
                tuple(self.level(row, k) for k in range(int(self.mesh_level_count[row]))),
                has_uv=bool(self.mesh_has_uv[row]),
                has_color=bool(self.mesh_has_color[row]),
                is_closed=bool(self.mesh_is_closed[row]),
            )
            for row in meshes
        }
        texture_records = {
            self.texture_names[row]: TextureRecord(
                tuple(self.texture(row, k) for k in range(int(self.texture_levels[row]))),
                is_data=bool(self.texture_is_data[row]),
            )
            for row in textures
        }
        sky_records = {
            self.sky_names[row]: SkyRecord(
                tuple(self.sky(row, k) for k in range(int(self.sky_levels[row]))), self.sky_harmonics[row]
            )
            for row in skies
        }
        return MeshLibrary(**join_records(mesh_records, texture_records, sky_records)), mesh_map, texture_map, sky_map

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all arrays by name, for files and device copies.

        Returns:
            Every array field; names are left out.
        """
        return {name: getattr(self, name) for name in LAYOUT}


def _find_level(texels: NDArray[Any], start: int, width: int, height: int, level: int) -> NDArray[Any]:
    """Return one mip level of an image whose first texel is `start`."""
    sides = [(max(1, height >> k), max(1, width >> k)) for k in range(level + 1)]
    start += sum(h * w for h, w in sides[:-1])
    h, w = sides[-1]
    return texels[start : start + h * w].reshape(h, w, 3)


def _choose_rows(what: str, rows: ArrayLike, count: int) -> tuple[list[int], NDArray[np.int32]]:
    """Return the rows to keep, ascending and without -1, and the new row of each old one."""
    chosen = np.unique(np.asarray(rows, np.int64).reshape(-1))
    if what != "mesh":
        chosen = chosen[chosen != -1]
    if chosen.size and not 0 <= chosen[0] <= chosen[-1] < count:
        raise IndexError(f"{what} rows must be in [0, {count - 1}], got {chosen[0]} to {chosen[-1]}")
    found = np.full(count, -1, np.int32)
    found[chosen] = np.arange(len(chosen))
    return chosen.tolist(), found
