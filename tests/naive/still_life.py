"""Small scenes in few words: poses, cameras, things, lights, snapshots."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simloom.renderers import Camera, Lighting, Materials, MeshLibrary, MeshLibraryBuilder, Snapshot

BOX, SPHERE, CYLINDER, PLANE = range(4)
"""Rows of `primitive_library()`."""
LABELS = ("depth", "range", "instance", "class_id", "part", "normal", "object_coordinates", "visible_pixels")
"""All outputs but colour and the amodal counts."""
EVERYTHING = ("colour", *LABELS, "in_frame_pixels", "total_pixels")
FLOWS = ("flow_forward", "flow_backward", "flow_forward_occlusion", "flow_backward_occlusion")
IDENTITY = np.eye(4)


def primitive_library() -> MeshLibrary:
    """Box, sphere, cylinder, plane."""
    builder = MeshLibraryBuilder()
    rows = builder.add_box(), builder.add_sphere(), builder.add_cylinder(), builder.add_plane()
    assert rows == (BOX, SPHERE, CYLINDER, PLANE)
    return builder.build()


def convex_hull(points) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and outward triangles of the convex hull of points."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    triangles = hull.simplices.copy()
    a, b, c = (hull.points[triangles[:, k]] for k in range(3))
    inward = (np.cross(b - a, c - a) * hull.equations[:, :3]).sum(1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return hull.points, triangles


def coarse_library(generator: np.random.Generator) -> MeshLibrary:
    """Box, a random convex body, tetrahedron, plane: few triangles, for oracles that try every one."""
    builder = MeshLibraryBuilder()
    rows = [builder.add_box()]
    rows.append(builder.add_mesh("rock", *convex_hull(generator.normal(size=(14, 3)) * 0.4)))
    corners = np.array([[0.5, 0.5, 0.5], [0.5, -0.5, -0.5], [-0.5, 0.5, -0.5], [-0.5, -0.5, 0.5]])
    rows.append(builder.add_mesh("tetrahedron", *convex_hull(corners)))
    rows.append(builder.add_plane())
    assert rows == [BOX, 1, 2, PLANE]
    return builder.build()


def turn(axis, angle: float) -> np.ndarray:
    """Rotation by an angle about an axis (Rodrigues), 3x3."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def pose(x: float = 0.0, y: float = 0.0, z: float = 0.0, rotation=None) -> np.ndarray:
    """A pose from a position and a 3x3 rotation."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    if rotation is not None:
        matrix[:3, :3] = rotation
    return matrix


def look(eye, target, up=(0.0, 0.0, 1.0)) -> np.ndarray:
    """The pose of a camera (x right, y down, z forward) at `eye` that looks at `target`."""
    forward = np.asarray(target, float) - np.asarray(eye, float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    return pose(*eye, np.stack([right, np.cross(forward, right), forward], axis=1))


def camera(width=64, height=48, focal=60.0, at=IDENTITY, **other) -> Camera:
    """A camera whose principal point lies off every pixel centre."""
    values = {"fx": focal, "fy": focal, "cx": 0.5 * (width - 1) + 0.137, "cy": 0.5 * (height - 1) - 0.211, **other}
    return Camera(width=width, height=height, pose_world_camera=np.asarray(at), **values)


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One placed mesh with its material."""

    mesh: int
    at: np.ndarray
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    instance: int | None = None
    class_id: int | None = None
    part: int = 0
    to_object: np.ndarray | None = None
    casts: int = 1
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    roughness: float = 0.8
    metallic: float = 0.0
    texture: int = -1
    texture_scale: float = 1.0
    pattern: int = 0
    pattern_color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pattern_scale: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Light:
    """One look's sun and sky, grey."""

    towards: tuple[float, float, float] = (0.0, 0.0, 1.0)
    sun: float = 0.0
    zenith: float = 1.0
    horizon: float = 1.0
    ground: float = 1.0


def still_life(*things: Thing, lights: tuple[Light, ...] = (Light(),)) -> Snapshot:
    """A snapshot; thing i has instance id i + 1 and class 10 + i unless it says otherwise."""
    looks, real = len(lights), np.float32

    def rows(name: str, dtype=real) -> np.ndarray:
        return np.array([getattr(thing, name) for thing in things], dtype)

    def table(name: str, dtype=real) -> np.ndarray:
        return np.stack([rows(name, dtype)] * looks)

    def grey(name: str) -> np.ndarray:
        return np.array([[getattr(light, name)] * 3 for light in lights], real)

    poses = np.stack([np.asarray(thing.at, float) for thing in things])
    towards = np.array([light.towards for light in lights], float)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    return Snapshot(
        mesh=rows("mesh", np.int32),
        pose_world_instance=poses,
        previous_pose=poses,
        scale=rows("scale"),
        material=np.arange(len(things), dtype=np.int32),
        instance=np.array([i + 1 if t.instance is None else t.instance for i, t in enumerate(things)], np.int32),
        class_id=np.array([10 + i if t.class_id is None else t.class_id for i, t in enumerate(things)], np.int32),
        part=rows("part", np.int32),
        pose_instance_part=np.stack([np.eye(4) if t.to_object is None else t.to_object for t in things]),
        casts_shadow=rows("casts", np.uint8),
        materials=Materials(
            base_color=table("color"),
            roughness=table("roughness"),
            metallic=table("metallic"),
            texture=table("texture", np.int32),
            texture_scale=table("texture_scale"),
            pattern=table("pattern", np.int32),
            pattern_color=table("pattern_color"),
            pattern_scale=table("pattern_scale"),
        ),
        lighting=Lighting(
            sun_direction=towards.astype(real),
            sun_irradiance=grey("sun"),
            sky_zenith=grey("zenith"),
            sky_horizon=grey("horizon"),
            sky_ground=grey("ground"),
        ),
    )


def random_things(generator: np.random.Generator, count: int, spread=0.7, away=3.0) -> list[Thing]:
    """Primitives of random kind, pose, size and colour in front of a camera at the origin that looks along +z."""
    things = []
    for _ in range(count):
        x, y, z = generator.uniform(-spread, spread, 3)
        rotation = turn(generator.normal(size=3), generator.uniform(0, np.pi))
        things.append(
            Thing(
                mesh=int(generator.integers(4)),
                at=pose(x, y, away + z, rotation),
                scale=tuple(generator.uniform(0.2, 0.8, 3)),
                color=tuple(generator.uniform(0.1, 0.9, 3)),
                roughness=float(generator.uniform(0.1, 1.0)),
                pattern=int(generator.integers(6)),
            )
        )
    return things


def relight(snapshot: Snapshot, **values) -> Snapshot:
    """The same snapshot of one look with other fields of its lighting, each given without the look's axis."""
    arrays = {}
    for name, value in values.items():
        array = np.asarray(value)[None]
        arrays[name] = array.astype(np.int32 if name in ("lamp_kind", "sky_image") else np.float32)
    return replace(snapshot, lighting=replace(snapshot.lighting, **arrays))


def repaint(snapshot: Snapshot, **values) -> Snapshot:
    """The same snapshot of one look with other fields of its materials, each given without the look's axis."""
    arrays = {name: np.asarray(value, np.float32)[None] for name, value in values.items()}
    return replace(snapshot, materials=replace(snapshot.materials, **arrays))
