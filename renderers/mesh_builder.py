"""The builder of a mesh library: meshes, textures and skies come in one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .decimation import decimate
from .level_of_detail import MeshLevel, build_levels
from .mesh_library import MeshLibrary
from .mesh_normals import CREASE_ANGLE
from .mesh_preparation import prepare_deformable, prepare_mesh
from .mesh_records import MeshRecord, SkyRecord, TextureRecord, join_records
from .primitives import make_box, make_capsule, make_cylinder, make_plane, make_sphere
from .skies import build_sky_levels, check_sky, find_harmonics
from .textures import build_mips, check_image


class MeshLibraryBuilder:
    """Collects meshes, textures and skies, then builds a `MeshLibrary`.

    Example:
        >>> builder = MeshLibraryBuilder()
        >>> sphere = builder.add_sphere()
        >>> library = builder.build()
    """

    def __init__(self) -> None:
        self._meshes: dict[str, MeshRecord] = {}
        self._textures: dict[str, TextureRecord] = {}
        self._skies: dict[str, SkyRecord] = {}
        self._primitives: dict[str, int] = {}

    def add_mesh(
        self,
        name: str,
        vertices: ArrayLike,
        triangles: ArrayLike,
        normals: ArrayLike | None = None,
        uvs: ArrayLike | None = None,
        colors: ArrayLike | None = None,
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
            colors: Vertex colours, sRGB bytes, shape (N, 3), or None; they multiply the albedo.
            crease_angle: Largest angle between faces that is smoothed over [rad].
            levels: False keeps the full mesh only.

        Returns:
            The mesh's row.

        Raises:
            ValueError: If the mesh is not valid or the name is taken.
        """
        full, is_closed = prepare_mesh(name, vertices, triangles, normals, uvs, crease_angle, colors)
        # Clustering keeps texture coordinates and colours; edge collapse keeps far more shape per triangle.
        painted = uvs is not None or colors is not None
        chain = (full,) if not levels else (build_levels(full) if painted else decimate(full))
        return self.add_levels(name, chain, has_uv=uvs is not None, is_closed=is_closed)

    def add_deformable(self, name: str, vertices: ArrayLike, triangles: ArrayLike, uvs: ArrayLike | None = None) -> int:
        """Add a mesh whose vertices a snapshot may move (see `Deformation`): cloth, soft bodies.

        Its vertices and triangles stay one to one and in order, it has one level, and both its sides can be seen.

        Args:
            name: Unique name.
            vertices: Positions at rest [m], shape (N, 3), finite.
            triangles: Vertex rows, counter-clockwise seen from outside, shape (T, 3), T <= 2^20.
            uvs: Texture coordinates (v up), shape (N, 2), or None.

        Returns:
            The mesh's row.

        Raises:
            ValueError: If the mesh is not valid or the name is taken.

        Example:
            >>> cloth = builder.add_deformable("cloth", vertices, triangles)
        """
        full = prepare_deformable(name, vertices, triangles, uvs)
        return self.add_levels(name, (full,), has_uv=uvs is not None, is_closed=False)

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
        has_color = any(level.colors is not None for level in levels)
        self._meshes[name] = MeshRecord(tuple(levels), has_uv=has_uv, has_color=has_color, is_closed=is_closed)
        return len(self._meshes) - 1

    def add_texture(self, name: str, image: NDArray[np.uint8], *, data: bool = False) -> int:
        """Add a texture and its mip chain.

        Args:
            name: Unique name.
            image: Bytes, shape (height, width, 3): sRGB, or linear numbers where it holds data.
            data: True = no colours but numbers: roughness and metalness, or normals.

        Returns:
            The texture's row.

        Raises:
            ValueError: If the image is not valid or the name is taken.
        """
        check_image(name, image)
        return self.add_mips(name, build_mips(image, data=data), data=data)

    def add_mips(self, name: str, mips: Sequence[NDArray[np.uint8]], *, data: bool = False) -> int:
        """Add a texture whose mip chain is made already.

        Args:
            name: Unique name.
            mips: Levels, finest first, bytes.
            data: True = linear numbers, False = sRGB.

        Returns:
            The texture's row.

        Raises:
            ValueError: If the name is taken.
        """
        if name in self._textures:
            raise ValueError(f"a texture named {name!r} is there already; names are unique")
        self._textures[name] = TextureRecord(tuple(mips), is_data=data)
        return len(self._textures) - 1

    def add_sky(self, name: str, radiance: NDArray[np.float32]) -> int:
        """Add a sky, its mip chain and the irradiance that it casts.

        Args:
            name: Unique name.
            radiance: Linear radiance, shape (H, W, 3) float32, >= 0, H and W >= 4: row 0 straight up, the last row
                straight down; column 0 begins in direction +x, columns turn towards +y. Texel (row, column) covers
                polar angles [row, row + 1] pi / H from +z and azimuths [column, column + 1] 2 pi / W from +x.
                `load_sky` reads one from a photograph.

        Returns:
            The sky's row, for `Lighting.sky_image`.

        Raises:
            ValueError: If the array is not valid or the name is taken.
        """
        check_sky(name, radiance)
        if name in self._skies:
            raise ValueError(f"a sky named {name!r} is there already; names are unique")
        self._skies[name] = SkyRecord(build_sky_levels(radiance), find_harmonics(radiance))
        return len(self._skies) - 1

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
            A library with all meshes, textures and skies, in the order they were added.

        Raises:
            ValueError: If there are more than 2^31 - 1 vertices, triangles or texels.
        """
        return MeshLibrary(**join_records(self._meshes, self._textures, self._skies))
