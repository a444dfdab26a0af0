"""The gallery's two scenes from physics: the tabletop with the Panda, and a bin of objects."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
from staging import Staging, light

from simloom.kernels.philox import philox_uniforms
from simloom.kernels.transforms import look_at
from simloom.renderers import Camera, Lighting, Materials, MeshLibrary, MeshLibraryBuilder, Snapshot
from simloom.scenes.assets import load_asset_library
from simloom.scenes.object_plan import add_asset
from simloom.scenes.physics import Surface
from simloom.scenes.scenario import draw_scenario
from simloom.scenes.tabletop import TabletopScene
from simloom.scenes.world import World

TOP = 0.75
"""Height of the table [m]."""
READY = {
    "panda_joint1": -0.15, "panda_joint2": -0.45, "panda_joint3": 0.0, "panda_joint4": -2.3, "panda_joint5": 0.0,
    "panda_joint6": 1.9, "panda_joint7": 0.785, "panda_finger_joint1": 0.035,
}  # fmt: skip
"""Where the Panda holds its hand over the table [rad, m]."""
BIN = (0.30, 0.22, 0.12)
"""Inner half length and half width, and the height of the bin's walls [m]."""

PAINTS = (
    (0.62, 0.06, 0.04), (0.85, 0.48, 0.03), (0.05, 0.28, 0.10), (0.75, 0.74, 0.70), (0.04, 0.20, 0.48),
    (0.80, 0.30, 0.22), (0.20, 0.19, 0.18), (0.86, 0.76, 0.56),
)  # fmt: skip
"""Albedo of the objects in the bin."""


def camera(
    eye: tuple[float, float, float],
    target: tuple[float, float, float],
    *,
    width: int,
    height: int,
    field_of_view: float = 0.8,
) -> Camera:
    """Place a pinhole camera that looks at a point."""
    return Camera.from_field_of_view(
        width=width, height=height, field_of_view=field_of_view, pose_world_camera=look_at(eye, target)
    )


@cache
def tabletop(seed: int = 5) -> tuple[MeshLibrary, Snapshot]:
    """Settle thirteen objects before the Panda."""
    fixed = {"object_count": 13, "table.height": TOP} | {f"robot.{name}": at for name, at in READY.items()}
    scene = TabletopScene(overrides={name: {"fixed": value} for name, value in fixed.items()})
    try:
        stage = scene.stage(draw_scenario(scene.space, seed=seed, index=0))
        library = scene.library
    finally:
        scene.close()
    assert stage.valid, stage.message
    return library, _dress(library, stage.snapshots[0])


def _dress(library: MeshLibrary, snapshot: Snapshot) -> Snapshot:
    """Lay a concrete floor and a wooden table top; whiten the robot; make every third object of metal."""
    values = {name: array.copy() for name, array in vars(snapshot.materials).items()}

    def change(rows: np.ndarray, **material: object) -> None:
        for name, value in material.items():
            values[name][:, rows] = value

    def texture(kind: str) -> int:
        return next(row for row, name in enumerate(library.texture_names) if kind in name)

    floor, table = snapshot.material[:1], snapshot.material[1:6]
    robot = snapshot.material[snapshot.instance == 1]
    metal = snapshot.material[(snapshot.instance > 1) & (snapshot.instance % 3 == 0)]
    change(floor, texture=texture("concrete"), texture_scale=40.0, base_color=0.75, pattern=0, roughness=0.8)
    change(table, texture=texture("wood"), texture_scale=1.5, base_color=1.0, pattern=0, roughness=0.5)
    change(np.concatenate((floor, table)), metallic=0.0)
    change(robot, pattern=0, roughness=0.35)
    grey = values["base_color"][:, robot].mean(axis=-1, keepdims=True)
    change(robot, base_color=np.clip(1.25 * grey, 0.02, 0.8))
    change(metal, base_color=(0.85, 0.77, 0.64), metallic=1.0, roughness=0.25, pattern=0, texture=-1)
    scale = snapshot.scale.copy()
    scale[0] = (80.0, 80.0, 1.0)
    return dataclasses.replace(snapshot, materials=Materials(**values), scale=scale)


def add_sky(library: MeshLibrary, radiance: np.ndarray) -> MeshLibrary:
    """Return a library with a sky beside what it has."""
    builder = MeshLibraryBuilder()
    builder.add_sky("day", radiance.astype(np.float32))
    with_sky = builder.build()
    names = [field.name for field in dataclasses.fields(MeshLibrary) if field.name.startswith(("sky", "skies"))]
    return dataclasses.replace(library, **{name: getattr(with_sky, name) for name in names})


def relight(snapshot: Snapshot, lighting: Lighting) -> Snapshot:
    """Show the same scene under another light."""
    return dataclasses.replace(snapshot, lighting=lighting)


@cache
def bin_of_objects(count: int = 48, seconds: float = 3.0) -> tuple[MeshLibrary, Snapshot]:
    """Drop PyBullet's random objects into an open box, and wait until they lie still."""
    assets = load_asset_library()
    hulled = [assets.assets[row] for row in assets.rows_of_kind("hulls")]
    drawn = philox_uniforms(3, "bin", np.array([(k, n, 0) for k in range(count) for n in range(5)])).reshape(-1, 5)
    chosen = [hulled[int(value * len(hulled))] for value in drawn[:, 0]]
    half_x, half_y, height = BIN
    walls = [
        ((half_x + 0.02, half_y + 0.02, 0.01), (0.0, 0.0, -0.01)),
        *(((0.01, half_y + 0.02, height / 2), (sign * (half_x + 0.01), 0.0, height / 2)) for sign in (-1, 1)),
        *(((half_x, 0.01, height / 2), (0.0, sign * (half_y + 0.01), height / 2)) for sign in (-1, 1)),
    ]
    with World() as world:
        for half, middle in walls:
            world.add_box(half, position=middle, surface=Surface(friction=0.5))
        bodies, scales = [], []
        for k, asset in enumerate(chosen):
            scales.append(np.full(3, 0.10 / float(asset.extent.max())))
            x, y = (0.7 * (2.0 * drawn[k, 1] - 1.0) * half_x, 0.6 * (2.0 * drawn[k, 2] - 1.0) * half_y)
            place = {"position": (x, y, 0.15 + 0.05 * k), "quaternion": _turn(drawn[k, 3])}
            bodies.append(add_asset(world, asset, scales[k], mass=0.1, surface=Surface(friction=0.6), **place))
            world.step(24)
        world.settle(bodies, max_steps=round(seconds / world.time_step))
        poses = [world.body_pose(body) for body in bodies]
    staging = Staging()
    box, plane = assets.mesh_row("box"), assets.mesh_row("plane")
    staging.add(plane, (0, 0, -0.02), scale=(6, 6, 1), shadow=0, roughness=0.8, base_color=(0.42, 0.42, 0.43))
    for half, middle in walls:
        staging.add(box, middle, scale=2 * np.array(half), base_color=(0.05, 0.13, 0.30), roughness=0.45)
    for k, (asset, pose, scale) in enumerate(zip(chosen, poses, scales, strict=True)):
        if abs(pose[0, 3]) < half_x and abs(pose[1, 3]) < half_y:
            for part in asset.parts:
                colour = PAINTS[int(drawn[k, 4] * len(PAINTS))]
                staging.add(
                    part.mesh, pose=pose, scale=scale, instance=k + 1, base_color=colour, texture=part.texture,
                    roughness=0.35 if k % 4 else 0.22, metallic=float(k % 4 == 0),
                )  # fmt: skip
    return assets.meshes, staging.snapshot(light(azimuth=2.3, elevation=1.0, sun_radius=0.02))


def _turn(share: float) -> tuple[float, float, float, float]:
    angle = 2.0 * np.pi * share
    return (float(np.sin(angle)) * 0.6, float(np.cos(angle)) * 0.6, float(np.sin(2 * angle)) * 0.3, 0.5)
