"""PyBullet's own software renderer behind our interface, for comparison. The one file here that touches PyBullet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .frames import Frames
from .level_of_detail import MeshLevel
from .mesh_library import MeshLibrary
from .snapshot import Snapshot
from .textures import linear_to_srgb, srgb_to_linear
from .view import Camera

TINY_OUTPUTS = ("colour", "depth", "instance", "class_id", "part")
"""What TinyRenderer can give."""

_UPLOAD_BYTES = 4 * 1024 * 1024
"""Larger meshes go through a file: a client's shared memory takes 8 MiB and 131072 vertices at once."""
_MAX_VERTICES = 100_000


class TinyRenderer:
    """PyBullet's TinyRenderer on snapshots: slow, but an independent witness of geometry.

    Colours are its own shading (Lambert, no physical unit) of the base colour times the texture's mean, under the
    snapshot's sun direction, turned from sRGB to linear; patterns, roughness and the sky are not drawn. It draws full
    detail, but drops every triangle of less than 0.005 square pixels, so that very dense meshes get holes far away.

    Raises:
        ImportError: If PyBullet is not installed.

    Example:
        >>> with TinyRenderer(library) as tiny:
        ...     frames = tiny.render([snapshot], [camera], ("depth", "instance"))
    """

    def __init__(self, library: MeshLibrary, *, shadow: bool = True) -> None:
        import pybullet

        if not pybullet.isNumpyEnabled():
            raise ImportError("this PyBullet was built without NumPy; install a wheel of 3.2.6 or later")
        self._bullet: Any = pybullet
        self._library = library
        self._shadow = shadow
        self._client: int = pybullet.connect(pybullet.DIRECT)
        self._folder = tempfile.TemporaryDirectory(prefix="simloom-tiny-")
        self._shapes: dict[tuple[int, bytes], int] = {}
        self._bodies: dict[tuple[int, bytes], list[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect from PyBullet and remove temporary files; a second call does nothing."""
        if self._client >= 0:
            self._bullet.disconnect(physicsClientId=self._client)
            self._client = -1
            self._folder.cleanup()

    def render(
        self,
        snapshots: Sequence[Snapshot],
        cameras: Sequence[Camera],
        outputs: Iterable[str] = ("colour", "depth", "instance"),
        *,
        view_snapshot: ArrayLike | None = None,
    ) -> Frames:
        """Render views, one after another.

        Args:
            snapshots: Snapshots with mesh rows of this renderer's library, all with as many looks.
            cameras: One for each view, all of one image size.
            outputs: Some of `TINY_OUTPUTS`.
            view_snapshot: Snapshot of each view, shape (V,); None = view v sees snapshot v, or the only one.

        Returns:
            Frames with the outputs asked for.

        Raises:
            ValueError: If an output is not one of `TINY_OUTPUTS`, or sizes disagree.
            RuntimeError: If the renderer was closed.
        """
        if self._client < 0:
            raise RuntimeError("this TinyRenderer is closed; make a new one")
        wanted = tuple(outputs)
        unknown = [name for name in wanted if name not in TINY_OUTPUTS]
        if unknown:
            raise ValueError(f"TinyRenderer gives {', '.join(TINY_OUTPUTS)}, not {', '.join(unknown)}; use Raster")
        rows = self._pair(snapshots, cameras, view_snapshot)
        height, width = cameras[0].height, cameras[0].width
        looks = snapshots[0].look_count
        shape = (len(cameras), height, width)
        colour = np.zeros((len(cameras), looks, height, width, 3), np.float32) if "colour" in wanted else None
        depth = np.zeros(shape, np.float32)
        instance, class_id, part = np.zeros(shape, np.uint16), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        table = srgb_to_linear(np.arange(256) / 255.0).astype(np.float32)
        placed = -1
        bodies = np.zeros(0, np.int64)
        for view in np.argsort(rows, kind="stable").tolist():
            snapshot, camera = snapshots[rows[view]], cameras[view]
            if placed != rows[view]:
                bodies = self._place(snapshot)
                placed = int(rows[view])
            for look in range(looks if colour is not None else 1):
                if colour is not None:
                    self._paint(snapshot, bodies, look)
                rgb, buffer, mask = self._shoot(camera, snapshot.lighting.sun_direction[look])
                if colour is not None:
                    colour[view, look] = table[rgb]
            seen = mask >= 0
            owner = self._rows_of(bodies)[np.where(seen, mask & 0xFFFFFF, 0)]
            depth[view] = np.where(seen, self._metric_depth(buffer, camera), 0.0)
            for target, values in ((instance, snapshot.instance), (class_id, snapshot.class_id), (part, snapshot.part)):
                target[view] = np.where(seen, values[owner], 0) if len(values) else 0
        made: dict[str, Any] = {"depth": depth, "instance": instance, "class_id": class_id, "part": part}
        return Frames(colour=colour, **{name: array for name, array in made.items() if name in wanted})

    def _pair(
        self, snapshots: Sequence[Snapshot], cameras: Sequence[Camera], view_snapshot: ArrayLike | None
    ) -> NDArray[np.int64]:
        """Return the snapshot of each view."""
        if not snapshots or not cameras:
            raise ValueError(f"need at least one snapshot and one camera, got {len(snapshots)} and {len(cameras)}")
        if view_snapshot is not None:
            rows = np.asarray(view_snapshot, np.int64)
        elif len(snapshots) == 1:
            rows = np.zeros(len(cameras), np.int64)
        else:
            rows = np.arange(len(snapshots), dtype=np.int64)
        if rows.shape != (len(cameras),) or rows.min() < 0 or rows.max() >= len(snapshots):
            raise ValueError(
                f"{len(cameras)} cameras need {len(cameras)} rows of {len(snapshots)} snapshots; set view_snapshot"
            )
        if len({(camera.width, camera.height) for camera in cameras}) > 1:
            raise ValueError("all cameras of one call must have one image size; render the sizes apart")
        if len({snapshot.look_count for snapshot in snapshots}) > 1:
            raise ValueError("all snapshots of one call must have as many looks")
        return rows

    def _shape(self, mesh: int, scale: NDArray[np.float32]) -> int:
        """Create the visual shape of a scaled mesh, or find it."""
        key = (mesh, scale.tobytes())
        if key not in self._shapes:
            level = self._library.level(mesh)
            if not self._library.mesh_is_closed[mesh]:  # TinyRenderer culls back faces
                level = _double_sided(level)
            points = level.vertices.astype(np.float64) * scale
            size = 64 * len(points) + 12 * len(level.triangles)
            source: dict[str, Any]
            if size < _UPLOAD_BYTES and len(points) < _MAX_VERTICES:
                source = {
                    "vertices": points.tolist(),
                    "indices": level.triangles.reshape(-1).tolist(),
                    "normals": level.normals.tolist(),
                    "uvs": level.uvs.tolist(),
                }
            else:
                file = Path(self._folder.name) / f"{len(self._shapes)}.obj"
                _write_obj(file, points, level)
                source = {"fileName": str(file)}
            shape = self._bullet.createVisualShape(self._bullet.GEOM_MESH, physicsClientId=self._client, **source)
            if shape < 0:
                raise RuntimeError(f"PyBullet refused mesh {self._library.names[mesh]!r}")
            self._shapes[key] = shape
        return self._shapes[key]

    def _place(self, snapshot: Snapshot) -> NDArray[np.int64]:
        """Give every instance a body at its pose; bodies of the same mesh and scale are used again."""
        bullet, client = self._bullet, self._client
        free, self._bodies = self._bodies, {}
        bodies = np.zeros(snapshot.instance_count, np.int64)
        for row in range(snapshot.instance_count):
            scale = np.ascontiguousarray(snapshot.scale[row], np.float32)
            key = (int(snapshot.mesh[row]), scale.tobytes())
            if free.get(key):
                body = free[key].pop()
            else:
                body = bullet.createMultiBody(
                    baseMass=0.0, baseVisualShapeIndex=self._shape(key[0], scale), physicsClientId=client
                )
            pose = snapshot.pose_world_instance[row]
            bullet.resetBasePositionAndOrientation(
                body, pose[:3, 3].tolist(), _quaternion(pose[:3, :3]), physicsClientId=client
            )
            self._bodies.setdefault(key, []).append(body)
            bodies[row] = body
        for surplus in free.values():
            for body in surplus:
                bullet.removeBody(body, physicsClientId=client)
        return bodies

    def _paint(self, snapshot: Snapshot, bodies: NDArray[np.int64], look: int) -> None:
        """Set the bodies' colours: base colour times the mean of the texture, which is its last mip level."""
        materials, library = snapshot.materials, self._library
        for row, body in enumerate(bodies.tolist()):
            material = int(snapshot.material[row])
            linear = materials.base_color[look, material].astype(np.float64)
            texture = int(materials.texture[look, material])
            if texture >= 0:
                last = int(library.texture_levels[texture]) - 1
                linear = linear * srgb_to_linear(library.texture(texture, last)[0, 0] / 255.0)
            rgba = [*linear_to_srgb(linear).tolist(), 1.0]
            self._bullet.changeVisualShape(body, -1, rgbaColor=rgba, physicsClientId=self._client)

    @staticmethod
    def _rows_of(bodies: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the instance row of each body id."""
        rows = np.zeros(int(bodies.max(initial=0)) + 1, np.int64)
        rows[bodies] = np.arange(len(bodies))
        return rows

    def _shoot(
        self, camera: Camera, sun_direction: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
        """Take one picture; returns sRGB bytes, the depth buffer and the body ids."""
        width, height = camera.width, camera.height
        _, _, rgba, buffer, mask = self._bullet.getCameraImage(
            width,
            height,
            viewMatrix=view_matrix(camera),
            projectionMatrix=projection_matrix(camera),
            lightDirection=np.asarray(sun_direction, np.float64).tolist(),
            shadow=int(self._shadow),
            renderer=self._bullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
        )
        colour = np.asarray(rgba, np.uint8).reshape(height, width, -1)[:, :, :3]
        return (
            colour,
            np.asarray(buffer, np.float32).reshape(height, width),
            np.asarray(mask, np.int32).reshape(height, width),
        )

    @staticmethod
    def _metric_depth(buffer: NDArray[np.float32], camera: Camera) -> NDArray[np.float64]:
        near, far = camera.near, camera.far
        depth: NDArray[np.float64] = far * near / (far - (far - near) * buffer.astype(np.float64))
        return depth


def _double_sided(level: MeshLevel) -> MeshLevel:
    """Add the back of every triangle."""
    back = level.triangles[:, ::-1] + np.int32(len(level.vertices))
    return MeshLevel(
        vertices=np.concatenate((level.vertices, level.vertices)),
        normals=np.concatenate((level.normals, -level.normals)),
        uvs=np.concatenate((level.uvs, level.uvs)),
        triangles=np.concatenate((level.triangles, back)),
    )


def _write_obj(path: Path, points: NDArray[np.float64], level: MeshLevel) -> None:
    corners = level.triangles + 1
    with path.open("w") as stream:
        stream.writelines(f"v {x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in points.tolist())
        stream.writelines(f"vt {u:.9g} {v:.9g}\n" for u, v in level.uvs.tolist())
        stream.writelines(f"vn {x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in level.normals.tolist())
        stream.writelines(f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}\n" for a, b, c in corners.tolist())


def _quaternion(rotation: NDArray[np.float64]) -> list[float]:
    """Turn a rotation matrix into a quaternion xyzw, by its largest component."""
    m = rotation
    squares = np.array(
        [
            1 + m[0, 0] - m[1, 1] - m[2, 2],
            1 - m[0, 0] + m[1, 1] - m[2, 2],
            1 - m[0, 0] - m[1, 1] + m[2, 2],
            1 + m[0, 0] + m[1, 1] + m[2, 2],
        ]
    )
    rows = np.array(
        [
            [squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]],
        ]
    )
    row = rows[int(np.argmax(squares))]
    quaternion: list[float] = (row / np.sqrt((row**2).sum())).tolist()
    return quaternion


def view_matrix(camera: Camera) -> list[float]:
    """Make OpenGL's view matrix, column-major.

    Args:
        camera: A camera with OpenCV axes.

    Returns:
        16 numbers, world to OpenGL's eye (x right, y up, z backward).
    """
    pose = camera.pose_world_camera
    rotation = pose[:3, :3].T * np.array([[1.0], [-1.0], [-1.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -(rotation * pose[:3, 3]).sum(axis=1)
    values: list[float] = matrix.T.reshape(-1).tolist()
    return values


def projection_matrix(camera: Camera) -> list[float]:
    """Make OpenGL's projection matrix for TinyRenderer, column-major.

    TinyRenderer samples column i at i pixels from the left edge of its viewport and row j at j from the bottom, not at
    the centres i + 1/2, and then turns the image upside down. The matrix takes that back, so that pixel (0, 0) is
    centred at (0, 0).

    Args:
        camera: A camera.

    Returns:
        16 numbers.
    """
    width, height, near, far = camera.width, camera.height, camera.near, camera.far
    matrix = np.zeros((4, 4))
    matrix[0, 0] = 2.0 * camera.fx / width
    matrix[0, 2] = 1.0 - 2.0 * camera.cx / width
    matrix[1, 1] = 2.0 * camera.fy / height
    matrix[1, 2] = 2.0 * (camera.cy + 1.0) / height - 1.0
    matrix[2, 2] = -(far + near) / (far - near)
    matrix[2, 3] = -2.0 * far * near / (far - near)
    matrix[3, 2] = -1.0
    values: list[float] = matrix.T.reshape(-1).tolist()
    return values
