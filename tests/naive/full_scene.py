"""A scene that has everything: textures, maps, patterns, vertex colours, glass, lamps, a sky image, fog, lenses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from naive.still_life import Light, Thing, camera, look, pose, still_life, turn
from simloom.kernels import Lens
from simloom.renderers import Camera, MeshLibrary, MeshLibraryBuilder, Snapshot

CORNERS = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])
BENT = np.array([[0.3, 0.1, 1.0], [0.2, -0.2, 1.0], [-0.3, 0.1, 1.0], [0.1, 0.3, 1.0]])
PAINT = np.array([[255, 10, 30], [20, 200, 90], [90, 60, 220], [250, 250, 10]], np.uint8)
SHEET, PAINTED, BOX, BALL, TUBE, FLOOR = range(6)


def full_library() -> MeshLibrary:
    """Sheets with coordinates and colours, primitives, textures of random bytes, and a small sky."""
    generator = np.random.default_rng(5)
    builder = MeshLibraryBuilder()
    builder.add_mesh("sheet", CORNERS, FACES, uvs=CORNERS[:, :2] * 1.3 + 0.5, normals=unit(BENT))
    builder.add_mesh("painted", CORNERS, FACES, colors=PAINT)
    for add in (builder.add_box, builder.add_sphere, builder.add_cylinder, builder.add_plane):
        add()
    builder.add_texture("colour", generator.integers(0, 256, (16, 16, 3), np.uint8))
    builder.add_texture("gloss", generator.integers(0, 256, (8, 8, 3), np.uint8), data=True)
    bumps = generator.integers(90, 166, (8, 8, 3)).astype(np.uint8)
    bumps[..., 2] = 230
    builder.add_texture("bumps", bumps, data=True)
    builder.add_sky("sky", generator.uniform(0.1, 1.0, (8, 16, 3)).astype(np.float32))
    return builder.build()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def full_snapshot(*, soft: bool = False, image: bool = False, fog: bool = False, lamps: bool = True) -> Snapshot:
    """Two looks of everything: the second has no normal texture, another sun, and no sky image."""
    scene = still_life(
        Thing(mesh=FLOOR, at=pose(0, 0, -0.5), scale=(4.0, 4.0, 1.0), instance=0, casts=0, pattern=1),
        Thing(mesh=SHEET, at=pose(-0.7, 0, 0.1, turn((0, 1, 0), 0.3)), texture=0, roughness=0.4),
        Thing(mesh=PAINTED, at=pose(0.1, -0.9, 0.0, turn((1, 0, 0), 0.5))),
        Thing(mesh=BOX, at=pose(0.4, 0.2, -0.2, turn((0, 0, 1), 0.4)), scale=(0.4, 0.4, 0.6), texture=0),
        Thing(mesh=BALL, at=pose(0.0, 0.9, -0.1), scale=(0.3, 0.3, 0.3), pattern=3, metallic=0.6, roughness=0.2),
        Thing(mesh=TUBE, at=pose(-0.6, -0.8, -0.2), scale=(0.3, 0.3, 0.5), pattern=5),
        Thing(mesh=BOX, at=pose(1.1, 0.5, 0.0), scale=(0.1, 0.9, 0.9), instance=6, roughness=0.1),
        lights=(Light(towards=(0.4, 0.2, 1.0), sun=3.0, zenith=0.5, horizon=0.4, ground=0.2),) * 2,
    )
    count = len(scene.mesh)
    off = np.full(count, -1)
    bumps, gloss = off.copy(), off.copy()
    bumps[SHEET], gloss[SHEET] = 2, 1
    both = {"opacity": np.float32([[1.0] * 6 + [0.3]] * 2), "emission": np.zeros((2, count, 3), np.float32)}
    both["emission"][:, 4] = 0.1, 0.2, 0.3
    both["metallic_roughness_texture"] = np.stack([gloss, off]).astype(np.int32)
    both["normal_texture"] = np.stack([bumps, off]).astype(np.int32)
    light: dict[str, np.ndarray] = {}
    light["sun_direction"] = unit(np.array([[0.4, 0.2, 1.0], [-0.5, 0.1, 1.0]])).astype(np.float32)
    light["sun_radius"] = np.array([0.04, 0.0] if soft else [0.0, 0.0], np.float32)
    light["sky_image"] = np.array([0, -1] if image else [-1, -1], np.int32)
    light["sky_yaw"], light["sky_scale"] = np.float32([0.4, 0.0]), np.float32([[1, 2, 3], [1, 1, 1]])
    if fog:
        light["fog_extinction"] = np.float32([0.2, 0.3])
        light["fog_radiance"] = np.full((2, 3), 0.3, np.float32)
    if lamps:
        lamp = {
            "lamp_kind": np.array([1, 2], np.int32), "lamp_position": [[0.2, -1.0, 1.0], [-1.0, 1.0, 1.5]],
            "lamp_intensity": [[1, 1, 1], [3, 2, 1]], "lamp_direction": [[0, 0, -1], [0.6, -0.48, -0.64]],
            "lamp_cone": [[0, 0], [0.4, 0.7]], "lamp_radius": [0.05, 0.0],
        }  # fmt: skip
        for name, value in lamp.items():
            array = np.asarray(value)
            light[name] = np.stack([array, array]).astype(np.int32 if name == "lamp_kind" else np.float32)
    before = scene.pose_world_instance.copy()
    before[1:, 0, 3] -= 0.05
    return replace(
        scene,
        materials=replace(scene.materials, **both),
        lighting=replace(scene.lighting, **light),
        previous_pose=before,
    )


def full_camera(width: int, height: int, *, lens: bool = False) -> Camera:
    """A camera that sees it all and some sky, straight or through a wide lens."""
    at = look((2.2, 0.7, 0.9), (0, 0, 0))
    if not lens:
        return camera(width, height, 0.8 * width, at=at)
    return camera(width, height, 0.3 * width, at=at, lens=Lens(model="kannala_brandt"))
