"""Drop a cloth on a box with PyBullet and render it as it falls.

python examples/cloth.py cloth.png
"""

import sys

import cv2
import numpy as np

from simloom.renderers import Camera, Lighting, Materials, MeshLibraryBuilder, Raster, Snapshot
from simloom.renderers.snapshot import Deformation
from simloom.scenes.world import World

SIDE = 17  # vertices along an edge of the cloth


def write_sheet(path):
    """Write a square of 1 m as OBJ; return its vertices and triangles."""
    v, u = np.mgrid[:SIDE, :SIDE].reshape(2, -1)
    vertices = np.stack([u / (SIDE - 1) - 0.5, v / (SIDE - 1) - 0.5, 0 * u], axis=1)
    corner = (v * SIDE + u).reshape(SIDE, SIDE)[:-1, :-1].reshape(-1, 1)
    triangles = np.concatenate([corner + np.array([0, 1, SIDE + 1]), corner + np.array([0, SIDE + 1, SIDE])])
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in triangles]
    path.write_text("\n".join(lines) + "\n")
    return vertices, triangles, np.stack([u, v], axis=1) / (SIDE - 1)


def make_snapshot(rows, vertices):
    """A floor, a box on it, and the cloth where its vertices are (in the world, so that its pose is the identity)."""
    pose = np.stack([np.eye(4)] * 3)
    pose[1, 2, 3] = 0.2

    def look(values, dtype=np.float32):
        return np.array([values], dtype)

    return Snapshot(
        mesh=np.array(rows, np.int32),
        pose_world_instance=pose,
        previous_pose=pose,
        scale=np.array([[6, 6, 1], [0.4, 0.4, 0.4], [1, 1, 1]], np.float32),
        material=np.arange(3, dtype=np.int32),
        instance=np.arange(3, dtype=np.int32),
        class_id=np.array([1, 2, 3], np.int32),
        part=np.zeros(3, np.int32),
        pose_instance_part=np.stack([np.eye(4)] * 3),
        casts_shadow=np.array([0, 1, 1], np.uint8),
        materials=Materials(
            base_color=look([[0.5, 0.5, 0.5], [0.1, 0.25, 0.6], [0.75, 0.1, 0.08]]),
            roughness=look([0.9, 0.5, 0.9]),
            metallic=look([0, 0, 0]),
            texture=look([-1, -1, -1], np.int32),
            texture_scale=look([1, 1, 1]),
            pattern=look([0, 0, 0], np.int32),
            pattern_color=look([[0, 0, 0]] * 3),
            pattern_scale=look([1, 1, 1]),
        ),
        lighting=Lighting(
            sun_direction=look([0.36, -0.48, 0.8]),
            sun_irradiance=look([2.4, 2.3, 2.1]),
            sky_zenith=look([0.3, 0.35, 0.45]),
            sky_horizon=look([0.5, 0.5, 0.5]),
            sky_ground=look([0.2, 0.2, 0.2]),
        ),
        deformations=(Deformation(row=2, vertices=vertices.astype(np.float32)),),
    )


def main(path="cloth.png"):
    """Simulate one second and save four frames side by side."""
    import tempfile
    from pathlib import Path

    with World(deformable=True) as world, tempfile.TemporaryDirectory() as folder:
        vertices, triangles, uvs = write_sheet(Path(folder) / "sheet.obj")
        builder = MeshLibraryBuilder()
        rows = builder.add_plane(), builder.add_box(), builder.add_deformable("cloth", vertices, triangles, uvs)
        world.add_box((3, 3, 0.1), position=(0, 0, -0.1))
        world.add_box((0.2, 0.2, 0.2), position=(0, 0, 0.2))
        cloth = world.add_cloth(Path(folder) / "sheet.obj", position=(0, 0, 0.7))
        snapshots = []
        for _ in range(4):
            snapshots.append(make_snapshot(rows, world.soft_vertices(cloth)))
            world.step(60)
    eye = np.array([[-1, 0, 0, 0.0], [0, 0.45, -0.893, 1.9], [0, -0.893, -0.45, 1.2], [0, 0, 0, 1]])
    camera = Camera.from_field_of_view(width=240, height=200, field_of_view=0.7, pose_world_camera=eye)
    raster = Raster(builder.build(), supersample=2)
    frames = raster.render(snapshots, [camera] * 4, outputs=("srgb", "depth"))
    cv2.imwrite(str(path), np.concatenate(list(frames.srgb[:, 0]), axis=1)[:, :, ::-1])
    lowest = [float(snapshot.deformations[0].vertices[:, 2].min()) for snapshot in snapshots]
    print("lowest point of the cloth [m]:", ", ".join(f"{z:.2f}" for z in lowest))
    return lowest


if __name__ == "__main__":
    main(*sys.argv[1:2])
