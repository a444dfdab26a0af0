"""The mesh library: all geometry and textures that snapshots refer to, as flat arrays addressed by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .decimation import decimate
from .level_of_detail import MeshLevel, build_levels
from .mesh_layout import LAYOUT, MAX_TRIANGLES, as_rows, check_layout, find_starts, join_rows
from .mesh_normals import CREASE_ANGLE
from .mesh_preparation import prepare_mesh
from .primitives import make_box, make_capsule, make_cylinder, make_plane, make_sphere
from .textures import build_mips, check_image

__all__ = ["MAX_TRIANGLES", "MeshLibrary", "MeshLibraryBuilder"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshLibrary:
    """Meshes with levels of detail and textures with mip chains. Made by `MeshLibraryBuilder`; treat as immutable.

    Nv vertices, Nt triangles, Lv levels, Nm meshes, Nx texels, Ntex textures.

    Raises:
        ValueError: If an array has a wrong shape or dtype, or points outside another.
    """

    vertices: NDArray[np.float32]
    """Positions in the mesh's frame [m], shape (Nv, 3)."""
    normals: NDArray[np.float32]
    """Unit shading normals, shape (Nv, 3)."""
    uvs: NDArray[np.float32]
    """Texture coordinates, shape (Nv, 2): u to the right, v up, (0, 0) = the image's lower left corner."""
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
    mesh_is_closed: NDArray[np.uint8]
    """1 = watertight, wound outwards: back faces cannot be seen from outside, shape (Nm,)."""
    texels: NDArray[np.uint8]
    """sRGB bytes of all textures, level after level, row-major, shape (Nx, 3)."""
    texture_offset: NDArray[np.int32]
    """First texel of each texture, shape (Ntex,)."""
    texture_width: NDArray[np.int32]
    """Width of the finest level [px], shape (Ntex,)."""
    texture_height: NDArray[np.int32]
    """Height of the finest level [px], shape (Ntex,)."""
    texture_levels: NDArray[np.int32]
    """Mip levels, level k of max(1, width >> k) x max(1, height >> k) texels, shape (Ntex,)."""
    names: tuple[str, ...]
    """Name of each mesh."""
    texture_names: tuple[str, ...]
    """Name of each texture."""

    def __post_init__(self) -> None:
        check_layout(self.arrays(), len(self.names), len(self.texture_names))

    @property
    def mesh_count(self) -> int:
        """Meshes."""
        return len(self.names)

    @property
    def texture_count(self) -> int:
        """Textures."""
        return len(self.texture_names)

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
            error=float(self.level_error[row]),
        )

    def texture(self, row: int, level: int = 0) -> NDArray[np.uint8]:
        """Give one mip level of a texture as a view into the library.

        Args:
            row: Texture row.
            level: 0 = finest.

        Returns:
            sRGB bytes, shape (height, width, 3).

        Raises:
            IndexError: If there is no such texture or level.
        """
        if not 0 <= row < self.texture_count or not 0 <= level < int(self.texture_levels[row]):
            raise IndexError(f"no level {level} of texture {row}; there are {self.texture_count} textures")
        width, height = int(self.texture_width[row]), int(self.texture_height[row])
        sides = [(max(1, height >> k), max(1, width >> k)) for k in range(level + 1)]
        start = int(self.texture_offset[row]) + sum(h * w for h, w in sides[:-1])
        h, w = sides[-1]
        return self.texels[start : start + h * w].reshape(h, w, 3)

    def subset(
        self, mesh_rows: ArrayLike, texture_rows: ArrayLike
    ) -> tuple[MeshLibrary, NDArray[np.int32], NDArray[np.int32]]:
        """Keep only some meshes and textures.

        Args:
            mesh_rows: Mesh rows to keep; the order and repetitions do not matter.
            texture_rows: Texture rows to keep; -1 is ignored.

        Returns:
            The smaller library, the new row of each old mesh (shape (Nm,), -1 = dropped), and the same of each texture.

        Raises:
            IndexError: If a row does not exist.
        """
        meshes = np.unique(np.asarray(mesh_rows, np.int64).reshape(-1))
        textures = np.unique(np.asarray(texture_rows, np.int64).reshape(-1))
        textures = textures[textures != -1]
        for what, rows, count in (("mesh", meshes, self.mesh_count), ("texture", textures, self.texture_count)):
            if rows.size and not 0 <= rows[0] <= rows[-1] < count:
                raise IndexError(f"{what} rows must be in [0, {count - 1}], got {rows[0]} to {rows[-1]}")
        builder = MeshLibraryBuilder()
        for row in meshes.tolist():
            levels = [self.level(row, k) for k in range(int(self.mesh_level_count[row]))]
            builder.add_levels(
                self.names[row],
                levels,
                has_uv=bool(self.mesh_has_uv[row]),
                is_closed=bool(self.mesh_is_closed[row]),
            )
        for row in textures.tolist():
            mips = [self.texture(row, k) for k in range(int(self.texture_levels[row]))]
            builder.add_mips(self.texture_names[row], mips)
        mesh_map = np.full(self.mesh_count, -1, np.int32)
        mesh_map[meshes] = np.arange(len(meshes))
        texture_map = np.full(self.texture_count, -1, np.int32)
        texture_map[textures] = np.arange(len(textures))
        return builder.build(), mesh_map, texture_map

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all arrays by name, for files and device copies.

        Returns:
            Every array field; names are left out.
        """
        return {name: getattr(self, name) for name in LAYOUT}


class MeshLibraryBuilder:
    """Collects meshes and textures, then builds a `MeshLibrary`.

    Example:
        >>> builder = MeshLibraryBuilder()
        >>> sphere = builder.add_sphere()
        >>> library = builder.build()
    """

    def __init__(self) -> None:
        self._meshes: dict[str, tuple[tuple[MeshLevel, ...], bool, bool]] = {}
        self._textures: dict[str, tuple[NDArray[np.uint8], ...]] = {}
        self._primitives: dict[str, int] = {}

    def add_mesh(
        self,
        name: str,
        vertices: ArrayLike,
        triangles: ArrayLike,
        normals: ArrayLike | None = None,
        uvs: ArrayLike | None = None,
        *,
        crease_angle: float = CREASE_ANGLE,
        levels: bool = True,
    ) -> int:
        """Add a mesh with its levels of detail.

        Args:
            name: Unique name.
            vertices: Positions [m], shape (N, 3), finite.
            triangles: Vertex rows, counter-clockwise seen from outside, shape (T, 3), T <= 2^20.
            normals: Normals per vertex, shape (N, 3), or None for smooth ones.
            uvs: Texture coordinates (v up), shape (N, 2), or None.
            crease_angle: Largest angle between faces that is smoothed over [rad].
            levels: False keeps the full mesh only.

        Returns:
            The mesh's row.

        Raises:
            ValueError: If the mesh is not valid or the name is taken.
        """
        full, is_closed = prepare_mesh(name, vertices, triangles, normals, uvs, crease_angle)
        # Clustering keeps texture coordinates; edge collapse keeps far more shape per triangle.
        chain = (full,) if not levels else (build_levels(full) if uvs is not None else decimate(full))
        return self.add_levels(name, chain, has_uv=uvs is not None, is_closed=is_closed)

    def add_levels(self, name: str, levels: Sequence[MeshLevel], *, has_uv: bool, is_closed: bool) -> int:
        """Add a mesh whose levels are made already.

        Args:
            name: Unique name.
            levels: Finest first, errors ascending from 0.
            has_uv: Whether it has texture coordinates.
            is_closed: Whether it is watertight and wound outwards.

        Returns:
            The mesh's row.

        Raises:
            ValueError: If the name is taken or the errors do not ascend.
        """
        if name in self._meshes:
            raise ValueError(f"a mesh named {name!r} is there already; names are unique")
        errors = [level.error for level in levels]
        if not errors or errors[0] != 0.0 or sorted(errors) != errors:
            raise ValueError(f"levels of mesh {name!r} must have errors ascending from 0, got {errors}")
        self._meshes[name] = (tuple(levels), has_uv, is_closed)
        return len(self._meshes) - 1

    def add_texture(self, name: str, image: NDArray[np.uint8]) -> int:
        """Add a texture and its mip chain.

        Args:
            name: Unique name.
            image: sRGB bytes, shape (height, width, 3).

        Returns:
            The texture's row.

        Raises:
            ValueError: If the image is not valid or the name is taken.
        """
        check_image(name, image)
        return self.add_mips(name, build_mips(image))

    def add_mips(self, name: str, mips: Sequence[NDArray[np.uint8]]) -> int:
        """Add a texture whose mip chain is made already.

        Args:
            name: Unique name.
            mips: Levels, finest first, sRGB bytes.

        Returns:
            The texture's row.

        Raises:
            ValueError: If the name is taken.
        """
        if name in self._textures:
            raise ValueError(f"a texture named {name!r} is there already; names are unique")
        self._textures[name] = tuple(mips)
        return len(self._textures) - 1

    def _add_once(self, name: str, levels: tuple[MeshLevel, ...], is_closed: bool) -> int:
        if name not in self._primitives:
            self._primitives[name] = self.add_levels(f"primitive/{name}", levels, has_uv=True, is_closed=is_closed)
        return self._primitives[name]

    def add_box(self) -> int:
        """Add the cube of side 1, or find it; returns its row."""
        return self._add_once("box", make_box(), True)

    def add_sphere(self) -> int:
        """Add the sphere of radius 0.5, or find it; returns its row."""
        return self._add_once("sphere", make_sphere(), True)

    def add_cylinder(self) -> int:
        """Add the cylinder of radius 0.5 and height 1 along z, or find it; returns its row."""
        return self._add_once("cylinder", make_cylinder(), True)

    def add_plane(self) -> int:
        """Add the unit square in xy with normal +z, or find it; returns its row."""
        return self._add_once("plane", make_plane(), False)

    def add_capsule(self, radius: float, length: float) -> int:
        """Add a capsule along z, or find one of the same size.

        Args:
            radius: Radius [m], > 0.
            length: Distance between the centres of its half spheres [m], > 0.

        Returns:
            The mesh's row.

        Raises:
            ValueError: If a size is not positive.
        """
        return self._add_once(f"capsule_{radius:.9g}_{length:.9g}", make_capsule(radius, length), True)

    def build(self) -> MeshLibrary:
        """Build the library.

        Returns:
            A library with all meshes and textures, in the order they were added.

        Raises:
            ValueError: If there are more than 2^31 - 1 vertices, triangles or texels.
        """
        levels = [level for chain, _, _ in self._meshes.values() for level in chain]
        mips = [mip for chain in self._textures.values() for mip in chain]

        vertex_counts = [len(level.vertices) for level in levels]
        triangle_counts = [len(level.triangles) for level in levels]
        level_counts = [len(chain) for chain, _, _ in self._meshes.values()]
        lower, upper, center, radius = (np.zeros((len(level_counts), 3), np.float32) for _ in range(4))
        for row, (chain, _, _) in enumerate(self._meshes.values()):
            points = chain[0].vertices
            lower[row], upper[row] = points.min(axis=0), points.max(axis=0)
            center[row] = 0.5 * (lower[row] + upper[row])
            distance = np.sqrt(((points.astype(np.float64) - center[row]) ** 2).sum(axis=1).max())
            radius[row] = np.nextafter(np.float32(distance), np.float32(np.inf))
        return MeshLibrary(
            vertices=join_rows([level.vertices for level in levels], 3, np.float32),
            normals=join_rows([level.normals for level in levels], 3, np.float32),
            uvs=join_rows([level.uvs for level in levels], 2, np.float32),
            triangles=join_rows([level.triangles for level in levels], 3, np.int32),
            level_vertex_start=find_starts(vertex_counts),
            level_vertex_count=as_rows(vertex_counts),
            level_triangle_start=find_starts(triangle_counts),
            level_triangle_count=as_rows(triangle_counts),
            level_error=np.array([level.error for level in levels], np.float32),
            mesh_level_start=find_starts(level_counts),
            mesh_level_count=as_rows(level_counts),
            mesh_center=center,
            mesh_radius=np.ascontiguousarray(radius[:, 0]),
            mesh_lower=lower,
            mesh_upper=upper,
            mesh_has_uv=np.array([has_uv for _, has_uv, _ in self._meshes.values()], np.uint8),
            mesh_is_closed=np.array([is_closed for _, _, is_closed in self._meshes.values()], np.uint8),
            texels=join_rows(mips, 3, np.uint8),
            texture_offset=find_starts(
                [sum(m.shape[0] * m.shape[1] for m in chain) for chain in self._textures.values()]
            ),
            texture_width=as_rows([chain[0].shape[1] for chain in self._textures.values()]),
            texture_height=as_rows([chain[0].shape[0] for chain in self._textures.values()]),
            texture_levels=as_rows([len(chain) for chain in self._textures.values()]),
            names=tuple(self._meshes),
            texture_names=tuple(self._textures),
        )
