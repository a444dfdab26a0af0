"""A scene in MuJoCo with its own renderer on Mesa's software OpenGL: one mesh geom per placed mesh, moved every frame.

The second witness of our geometry, and a contestant of the benchmarks. It imports MuJoCo when a world is made.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import quaternion_from_pose
from ...renderers.mesh_library import MeshLibrary
from ...renderers.snapshot import Snapshot
from ...renderers.textures import linear_to_srgb
from ...renderers.view import Camera

OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Maps OpenGL's camera axes (x right, y up, z backward) to ours."""


SUN_REACH = 2.0
"""Half the side of the square that the sun's shadow map covers [m]."""


@dataclass(frozen=True, kw_only=True)
class Geoms:
    """What is drawn: a mesh, a colour and an instance id for each of G geoms."""

    vertices: tuple[NDArray[np.float32], ...]
    """Of each mesh, at its scale [m], shape (N, 3)."""
    triangles: tuple[NDArray[np.int32], ...]
    """Of each mesh, shape (T, 3)."""
    mesh: tuple[int, ...]
    """Mesh of each geom."""
    colors: NDArray[np.float64]
    """sRGB and alpha of each geom [1], shape (G, 4)."""
    instance: NDArray[np.uint16]
    """Instance id of each geom, shape (G,)."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture: where everything is, and the camera."""

    positions: NDArray[np.float64]
    """Of every geom, the sun and the camera [m], shape (G + 2, 3)."""
    quaternions: NDArray[np.float64]
    """Of the same, wxyz, shape (G + 2, 4)."""
    intrinsics: NDArray[np.float32]
    """Focal lengths, and the principal point right of and above the image's centre [px], shape (4,)."""
    near: float
    """Nearest depth [m]."""
    far: float
    """Farthest depth [m]."""


def describe_geoms(library: MeshLibrary, snapshot: Snapshot, look: int = 0) -> Geoms:
    """Turn a snapshot's meshes, at full detail, into geoms; textures and patterns are left out.

    Args:
        library: The meshes.
        snapshot: What is drawn.
        look: Whose colours.
    """
    keys = [(int(m), tuple(s.tolist())) for m, s in zip(snapshot.mesh, snapshot.scale, strict=True)]
    rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    base = snapshot.materials.base_color[look][snapshot.material].astype(np.float64)
    return Geoms(
        vertices=tuple(library.level(mesh).vertices * np.array(scale, np.float32) for mesh, scale in rows),
        triangles=tuple(library.level(mesh).triangles for mesh, _ in rows),
        mesh=tuple(rows[key] for key in keys),
        colors=np.concatenate([linear_to_srgb(base), np.ones((len(keys), 1))], axis=1),
        instance=snapshot.instance.astype(np.uint16),
    )


def describe_shot(snapshot: Snapshot, camera: Camera, look: int = 0) -> Shot:
    """Turn a snapshot's poses, its sun and a camera into a shot."""
    towards = snapshot.lighting.sun_direction[look].astype(np.float64)
    side = np.cross([1.0, 0.0, 0.0] if abs(towards[0]) < 0.7 else [0.0, 1.0, 0.0], towards)
    side /= np.linalg.norm(side)
    sun = np.eye(4)  # MuJoCo wants a place for it: its shadow reaches SUN_REACH around the line through it
    sun[:3, 3] = snapshot.pose_world_instance[snapshot.casts_shadow > 0, :3, 3].mean(axis=0) + SUN_REACH * towards
    sun[:3, :3] = np.stack([side, np.cross(towards, side), towards], axis=1)
    eye = camera.pose_world_camera @ OPENCV_TO_OPENGL
    poses = [*snapshot.pose_world_instance, sun, eye]
    # Our pixel (0, 0) is centred at (0, 0), so the image's centre is at half of its last column and row.
    middle = 0.5 * (camera.width - 1), 0.5 * (camera.height - 1)
    return Shot(
        positions=np.array([pose[:3, 3] for pose in poses]),
        quaternions=np.array([quaternion_from_pose(pose)[[3, 0, 1, 2]] for pose in poses]),
        intrinsics=np.array([camera.fx, camera.fy, camera.cx - middle[0], camera.cy - middle[1]], np.float32),
        near=camera.near,
        far=camera.far,
    )


def find_obstacle() -> str | None:
    """Say what keeps MuJoCo from rendering here, None where nothing is known to."""
    if find_spec("mujoco") is None:
        return "MuJoCo is not installed: pip install mujoco"
    if find_library("OSMesa") is None:
        return "Mesa's off-screen library is not installed: apt-get install libosmesa6"
    return None


class MujocoWorld:
    """MuJoCo's classic renderer in an OSMesa context: no GPU, no window.

    Args:
        threads: Threads of Mesa's rasterizer beside the calling one; 0 keeps all in that one. The first world of a
            process decides.
        shadow: Side of the sun's shadow map [texels], 0 = none.

    Raises:
        ImportError: If MuJoCo or OSMesa is not here; see `find_obstacle`.
    """

    def __init__(self, threads: int = 0, shadow: int = 1024) -> None:
        os.environ["LP_NUM_THREADS"] = str(threads)
        os.environ["MUJOCO_GL"] = "osmesa"
        obstacle = find_obstacle()
        if obstacle is not None:
            raise ImportError(obstacle)
        import mujoco
        from mujoco.osmesa import GLContext

        self._mujoco: Any = mujoco
        self._make_context: Any = GLContext
        self._shadow = shadow
        self._gl: Any = None
        self._context: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, geoms: Geoms, width: int, height: int) -> None:
        """Compile the model, in place of what was.

        Args:
            geoms: What is drawn.
            width: Image width [px].
            height: Image height [px].
        """
        mujoco = self._mujoco
        self.close()
        self._model = self._compile(geoms, width, height)
        self._data = mujoco.MjData(self._model)
        self._instance = np.concatenate([np.zeros(1, np.uint16), geoms.instance])  # segment 0 is the background
        self._gl = self._make_context(width, height)
        self._gl.make_current()
        self._scene = mujoco.MjvScene(self._model, maxgeom=len(geoms.mesh) + 10)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = 0
        self._rectangle = mujoco.MjrRect(0, 0, width, height)
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._rgb = np.zeros((height, width, 3), np.uint8)
        self._segment = np.zeros((height, width, 3), np.uint8)
        self._depth = np.zeros((height, width), np.float32)

    def _compile(self, geoms: Geoms, width: int, height: int) -> Any:
        mujoco = self._mujoco
        spec = mujoco.MjSpec()
        for row, (vertices, triangles) in enumerate(zip(geoms.vertices, geoms.triangles, strict=True)):
            mesh = spec.add_mesh(name=f"mesh {row}")
            mesh.uservert = vertices.astype(np.float64).ravel()
            mesh.userface = triangles.ravel()
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # open and flat meshes have no volume
        for row, color in zip(geoms.mesh, geoms.colors, strict=True):
            spec.worldbody.add_body(mocap=True).add_geom(
                type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"mesh {row}", contype=0, conaffinity=0, rgba=color
            )
        light = spec.worldbody.add_body(mocap=True).add_light(dir=[0, 0, -1], castshadow=self._shadow > 0)
        light.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        spec.worldbody.add_body(mocap=True).add_camera(
            resolution=[width, height],
            sensor_size=[width, height],
            focal_pixel=[width, width],
            principal_pixel=[0, 0],
        )
        spec.stat.extent = 1.0  # the unit of near, far and the shadow's reach
        spec.visual.global_.offwidth, spec.visual.global_.offheight = width, height
        spec.visual.quality.offsamples = 0
        spec.visual.quality.shadowsize = self._shadow
        spec.visual.map.shadowclip = SUN_REACH
        return spec.compile()

    def place(self, shot: Shot) -> None:
        """Put geoms, sun and camera where a shot has them."""
        mujoco, model, data = self._mujoco, self._model, self._data
        data.mocap_pos[:] = shot.positions
        data.mocap_quat[:] = shot.quaternions
        # MuJoCo's principal point moves the image the other way, along x and up.
        model.cam_intrinsic[0] = shot.intrinsics * np.array([1, 1, -1, -1], np.float32)
        model.vis.map.znear, model.vis.map.zfar = shot.near, shot.far
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, data, self._option, None, self._camera, everything, self._scene)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_CULL_FACE] = False  # like ours: seen from both sides

    def shoot(self, passes: int = 3) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
        """Draw the scene for colour, for depth and for ids.

        Args:
            passes: 3 draws it for each of them, as `mujoco.Renderer` does; 2 takes the depth of the colour's pass; 1
                takes that of the ids' and leaves the colour out.

        Returns:
            sRGB, the depth buffer (1 = near, 0 = far) and 24-bit segment numbers, the lowest row first; the next shot
            overwrites them.
        """
        mujoco, flags = self._mujoco, self._scene.flags
        segment, id_color = mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR
        self._gl.make_current()
        if passes > 1:
            self._draw(self._rgb, self._depth if passes == 2 else None)
        flags[segment] = flags[id_color] = True
        if passes == 3:
            self._draw(None, self._depth)
        self._draw(self._segment, self._depth if passes == 1 else None)
        flags[segment] = flags[id_color] = False
        return self._rgb, self._depth, self._segment

    def _draw(self, rgb: NDArray[np.uint8] | None, depth: NDArray[np.float32] | None) -> None:
        self._mujoco.mjr_render(self._rectangle, self._scene, self._context)
        self._mujoco.mjr_readPixels(rgb, depth, self._rectangle, self._context)

    def render(self, shots: Sequence[Shot], passes: int = 3) -> None:
        """Place and shoot, and drop the pictures: what is timed."""
        for shot in shots:
            self.place(shot)
            self.shoot(passes)

    def pictures(self, shots: Sequence[Shot], passes: int = 3) -> dict[str, NDArray[Any]]:
        """Place and shoot every view; returns rgb, metric depth and instance, views leading."""
        found = []
        for shot in shots:
            self.place(shot)
            rgb, depth, segment = self.shoot(passes)
            found.append((rgb[::-1].copy(), metric_depth(depth[::-1], shot), self._instances(segment[::-1])))
        rgb, depth, instance = (np.stack(arrays) for arrays in zip(*found, strict=True))
        return {"rgb": rgb, "depth": depth, "instance": instance}

    def _instances(self, segment: NDArray[np.uint8]) -> NDArray[np.uint16]:
        wide = segment.astype(np.int64)
        number = wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16)
        owner = np.zeros(self._scene.ngeom + 1, np.int64)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            owner[geom.segid + 1] = geom.objid + 1
        return np.asarray(self._instance[owner[number]])

    def close(self) -> None:
        """Free what OpenGL holds; a second call does nothing."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._context = self._gl = None


def metric_depth(buffer: NDArray[np.float32], shot: Shot) -> NDArray[np.float64]:
    """Turn the reversed depth buffer (1 = near, 0 = far) into metres along z, 0 where nothing was hit."""
    near, far = float(np.float32(shot.near)), float(np.float32(shot.far))
    depth = near * far / (near + buffer.astype(np.float64) * (far - near))
    return np.asarray(np.where(buffer > 0.0, depth, 0.0))
