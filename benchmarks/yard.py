"""A yard of boxes, spheres and poles for LiDARs: houses round it, things in it."""

from __future__ import annotations

import numpy as np

from simloom.kernels.transforms import pose_from_position_quaternion
from simloom.renderers.lighting import Lighting
from simloom.renderers.mesh_builder import MeshLibraryBuilder
from simloom.renderers.mesh_library import MeshLibrary
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.surfaces import Materials


def make_yard(things: int = 60, seed: int = 2) -> tuple[MeshLibrary, Snapshot]:
    """Return the meshes and the yard, 80 m wide: the ground, four houses and some things of 12 to 3968 triangles."""
    builder = MeshLibraryBuilder()
    plane, meshes = builder.add_plane(), (builder.add_box(), builder.add_sphere(), builder.add_cylinder())
    rng = np.random.default_rng(seed)
    mesh, place, scale, yaw = [plane], [(0.0, 0.0, 0.0)], [(300.0, 300.0, 1.0)], [0.0]
    for x, y in ((40, 0), (-40, 0), (0, 40), (0, -40)):
        mesh.append(meshes[0])
        place.append((x, y, 4.0))
        scale.append((8.0, 50.0, 8.0) if y == 0 else (50.0, 8.0, 8.0))
        yaw.append(0.0)
    for k in range(things):
        size = rng.uniform(0.4, 3.0, 3)
        away, angle = rng.uniform(4.0, 34.0), rng.uniform(-np.pi, np.pi)
        mesh.append(meshes[k % 3])
        place.append((away * np.cos(angle), away * np.sin(angle), 0.5 * size[2]))
        scale.append(tuple(size))
        yaw.append(rng.uniform(-np.pi, np.pi))
    count = len(mesh)
    half = 0.5 * np.array(yaw)
    zero = np.zeros(count)
    poses = pose_from_position_quaternion(np.array(place), np.stack([zero, zero, np.sin(half), np.cos(half)], axis=1))
    ones, ids = np.ones((1, count), np.float32), np.arange(1, count + 1, dtype=np.int32)
    plain = {"texture": -1, "texture_scale": 1.0, "pattern": 0, "pattern_scale": 1.0}
    light = {"sun_direction": (0, 0, 1), "sun_irradiance": (1, 1, 1)}
    light |= {"sky_zenith": (1, 1, 1), "sky_horizon": (1, 1, 1), "sky_ground": (1, 1, 1)}
    return builder.build(), Snapshot(
        mesh=np.array(mesh, np.int32),
        pose_world_instance=poses,
        previous_pose=poses,
        scale=np.array(scale, np.float32),
        material=np.arange(count, dtype=np.int32),
        instance=ids,
        class_id=np.minimum(ids, 255),
        part=np.zeros(count, np.int32),
        pose_instance_part=np.broadcast_to(np.eye(4), (count, 4, 4)).copy(),
        casts_shadow=np.ones(count, np.uint8),
        materials=Materials(
            base_color=rng.uniform(0.1, 0.8, (1, count, 3)).astype(np.float32),
            roughness=ones,
            metallic=0.0 * ones,
            pattern_color=np.zeros((1, count, 3), np.float32),
            **{
                name: np.full((1, count), value, np.int32 if name in ("texture", "pattern") else np.float32)
                for name, value in plain.items()
            },
        ),
        lighting=Lighting(**{name: np.array([value], np.float32) for name, value in light.items()}),
    )
