"""Vertex colours, roughness and metalness from textures, normal maps: against flat materials and tilted planes."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import Light, Thing, camera, look, pose, still_life, turn
from naive.twin import run_simulated
from simloom.renderers import MeshLibraryBuilder, Raster
from simloom.renderers.raster.sampling import blend_texels, pack_texels
from simloom.renderers.textures import build_mips, srgb_to_linear

LIGHT = Light(towards=(0.3, -0.5, 1.0), sun=3.0, zenith=0.2, horizon=0.5, ground=0.1)
CORNERS = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])
UVS = CORNERS[:, :2] + 0.5
PAINT = np.array([[255, 0, 40], [0, 255, 40], [128, 128, 40], [30, 60, 40]], np.uint8)
EYE = look((0.2, -0.9, 1.1), (0, 0, 0))
VIEW = camera(48, 36, 50.0, at=EYE)
TILT = np.array([0.48, 0.36, 0.8])
"""A tangent-space normal whose bytes are nearly exact."""


def bytes_of(normal):
    """Bytes of a tangent-space normal."""
    return np.rint((np.asarray(normal) + 1) * 127.5).astype(np.uint8)


@pytest.fixture(scope="module")
def library():
    """Quads: with coordinates, mirrored ones, turned ones, none, painted ones; maps of one value and of two halves."""
    builder = MeshLibraryBuilder()
    builder.add_mesh("plain", CORNERS, FACES, uvs=UVS)
    builder.add_mesh("mirrored", CORNERS, FACES, uvs=UVS * [-1, 1])
    builder.add_mesh("turned", CORNERS, FACES, uvs=UVS[:, ::-1] * [-1, 1])
    builder.add_mesh("bare", CORNERS, FACES)
    builder.add_mesh("painted", CORNERS, FACES, colors=PAINT)
    builder.add_mesh("white", CORNERS, FACES, colors=np.full((4, 3), 255, np.uint8))
    builder.add_texture("gloss", np.full((2, 2, 3), (9, 128, 64), np.uint8), data=True)
    builder.add_texture("tilt", np.full((2, 2, 3), bytes_of(TILT), np.uint8), data=True)
    halves = np.full((8, 8, 3), bytes_of(TILT), np.uint8)
    halves[:, 4:] = bytes_of(TILT * [-1, -1, 1])
    builder.add_texture("halves", halves, data=True)
    return builder.build()


def show(library, mesh, *, at=None, lights=(LIGHT,), scale=(1.0, 1.0, 1.0), gloss=-1, bumps=-1, view=VIEW, **material):
    """Colours of one quad, shape (looks, height, width, 3), and where it is seen; `bumps` may differ by look."""
    thing = Thing(mesh=mesh, at=pose() if at is None else at, scale=scale, **material)
    scene = still_life(thing, lights=lights)
    shape = scene.materials.roughness.shape
    materials = replace(
        scene.materials,
        metallic_roughness_texture=np.full(shape, gloss, np.int32),
        normal_texture=np.broadcast_to(np.array(bumps, np.int32).reshape(-1, 1), shape).copy(),
    )
    frames = Raster(library, shadow=False).render(
        [replace(scene, materials=materials)], [view], outputs=("colour", "instance", "object_coordinates")
    )
    return frames.colour[0], frames.instance[0] == 1, frames.object_coordinates[0]


def test_data_textures_are_linear():
    """A data texture's mips are means of its bytes, and its packed words decode to byte / 255."""
    image = np.array([[[0, 10, 255], [100, 20, 255]]], np.uint8)
    assert build_mips(image, data=True)[-1].tolist() == [[[50, 15, 255]]]
    code = np.arange(256, dtype=np.uint8)
    words = pack_texels(np.repeat(code[:, None], 3, axis=1), np.ones(256, bool))
    nothing = np.float32(0.0)
    found = np.array([blend_texels(word, word, word, word, nothing, nothing) for word in words])
    assert np.abs(found - code[:, None] / 255).max() <= 0.25 / 255
    both = pack_texels(np.full((2, 3), 128, np.uint8), np.array([False, True]))
    assert both[0] == pack_texels(np.full((1, 3), 128, np.uint8))[0] != both[1]


def test_vertex_colours_are_interpolated_in_linear_light(library):
    """The albedo is the base colour times the corners' linear light, by the weights of the point in its triangle."""
    colour, hit, place = show(library, 4, lights=(Light(),), roughness=1.0, color=(0.8, 0.6, 1.0))
    black, _, _ = show(library, 4, lights=(Light(),), roughness=1.0, color=(0.0, 0.0, 0.0))
    white, _, _ = show(library, 3, lights=(Light(),), roughness=1.0, color=(1.0, 1.0, 1.0))
    x, y = place[hit][:, 0] + 0.5, place[hit][:, 1] + 0.5
    linear = srgb_to_linear(PAINT / 255.0)
    lower = (1 - x)[:, None] * linear[0] + (x - y)[:, None] * linear[1] + y[:, None] * linear[2]
    upper = (1 - y)[:, None] * linear[0] + x[:, None] * linear[2] + (y - x)[:, None] * linear[3]
    expected = np.where((y < x)[:, None], lower, upper) * (0.8, 0.6, 1.0)
    albedo = (colour[0][hit] - black[0][hit]) / (white[0][hit] - black[0][hit])
    # Albedo enters nearly linearly: the mirrored share grows by F0 (none for dielectrics); 2e-3 is the packing.
    assert np.abs(albedo - expected).max() < 4e-3


def test_white_vertex_colours_change_nothing(library):
    """A mesh of white vertices is one without colours, to the packing's rounding."""
    one, _, _ = show(library, 5, pattern=1, pattern_scale=0.3)
    two, _, _ = show(library, 3, pattern=1, pattern_scale=0.3)
    assert np.allclose(one, two, rtol=1e-5)


def test_gloss_textures_multiply(library):
    """Green times roughness, blue times metalness, like a material of those numbers; red counts nothing."""
    material = {"color": (0.9, 0.5, 0.2)}
    one, hit, _ = show(library, 0, gloss=0, roughness=0.8, metallic=0.9, **material)
    two, _, _ = show(library, 0, roughness=0.8 * 128 / 255, metallic=0.9 * 64 / 255, **material)
    three, _, _ = show(library, 0, roughness=0.8, metallic=0.9, **material)
    assert hit.sum() > 300
    assert np.abs(one - two).max() < 3e-3 * two.max()
    assert np.abs(one - three).max() > 0.05 * two.max()
    bare, _, _ = show(library, 3, gloss=0, bumps=1, roughness=0.8, metallic=0.9, **material)
    plain, _, _ = show(library, 3, roughness=0.8, metallic=0.9, **material)
    assert np.array_equal(bare, plain)


def tilted(normal):
    """A rotation that turns +z to a normal."""
    axis = np.cross((0, 0, 1), normal)
    return turn(axis, np.arccos(normal[2]))


@pytest.mark.parametrize("mesh, turned", [(0, (1, 1)), (1, (-1, 1)), (2, None)], ids=["plain", "mirrored", "turned"])
@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (1.7, 0.6, 1.3)])
@pytest.mark.parametrize("rotation", [np.eye(3), turn((1, 2, 3), 0.4)], ids=["straight", "rotated"])
def test_a_map_of_one_normal_is_a_tilted_plane(library, mesh, turned, scale, rotation):
    """Every pixel of a plane with a constant normal map has the colour of a bare plane tilted that far.

    Tangents follow the texture's u: mirrored coordinates mirror the tilt, and coordinates turned by 90 degrees turn it.
    """
    one, hit, _ = show(library, mesh, at=pose(rotation=rotation), scale=scale, bumps=1, roughness=0.5)
    # u = -y and v = x where the coordinates are turned: the tangent points along -y, the other one along +x.
    normal = np.array([TILT[1], -TILT[0], TILT[2]]) if turned is None else TILT * [*turned, 1]
    two, there, _ = show(library, 3, at=pose(rotation=rotation @ tilted(normal)), scale=(4.0, 4.0, 1.0), roughness=0.5)
    both = hit & there
    assert both.sum() > 200
    assert np.abs(one[0][both] - two[0][both]).max() < 0.02 * two[0][both].max()
    flat, _, _ = show(library, 3, at=pose(rotation=rotation), scale=scale, roughness=0.5)
    assert np.abs(one[0][both] - flat[0][both]).max() > 0.05 * two[0][both].max()


def test_the_back_shows_the_negative(library):
    """A sheet seen from behind has the opposite normals everywhere, as glTF 2.0 says."""
    one, hit, _ = show(library, 0, at=pose(rotation=turn((1, 0, 0), np.pi)), bumps=1, roughness=0.5)
    outwards = -(turn((1, 0, 0), np.pi) @ TILT)
    two, there, _ = show(library, 3, at=pose(rotation=tilted(outwards)), scale=(4.0, 4.0, 1.0), roughness=0.5)
    both = hit & there
    assert both.sum() > 200
    assert np.abs(one[0][both] - two[0][both]).max() < 0.02 * two[0][both].max()


def test_normals_of_one_look_do_not_leak_into_the_next(library):
    """Looks with and without a normal map are what each is alone, in any order."""
    lights = (LIGHT, replace(LIGHT, sun=1.0), LIGHT)
    for rows in ((1, -1, 2), (-1, 2, 1)):
        together, _, _ = show(library, 0, lights=lights, bumps=rows)
        for look_row, bumps in enumerate(rows):
            alone, _, _ = show(library, 0, lights=lights[look_row : look_row + 1], bumps=bumps)
            assert np.array_equal(together[look_row], alone[0])


def test_distant_bumps_fade(library):
    """Opposite normals average out: from afar a bumpy plane looks like a flat one."""
    far = camera(16, 12, 30.0, at=look((0.0, 0.0, 60.0), (0, 0, 0), up=(0, 1, 0)))
    options = {"scale": (40.0, 40.0, 1.0), "texture_scale": 200.0, "roughness": 0.9, "view": far}
    bumpy, hit, _ = show(library, 0, bumps=2, **options)
    flat, _, _ = show(library, 0, **options)
    assert hit.sum() > 100
    assert np.abs(bumpy - flat)[0][hit].max() < 0.02 * flat.max()


TWIN_SCENE = """
from dataclasses import replace
import numpy as np
from simloom.renderers import Camera, Lighting, Materials, MeshLibraryBuilder, Raster, Snapshot

def render(device):
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    paint = np.array([[255, 0, 40], [0, 255, 40], [128, 128, 40], [30, 60, 40]], np.uint8)
    builder = MeshLibraryBuilder()
    builder.add_mesh("quad", corners, faces, uvs=corners[:, :2] + 0.5, colors=paint)
    maps = np.random.default_rng(0).integers(90, 256, (4, 4, 3), np.uint8)
    builder.add_texture("maps", maps, data=True)
    at = np.stack([np.eye(4)] * 3)
    at[:, 0, 3] = -1.1, 0.0, 1.1
    real, count = np.float32, 3
    snapshot = Snapshot(
        mesh=np.zeros(count, np.int32), pose_world_instance=at, previous_pose=at,
        scale=np.ones((count, 3), real), material=np.arange(count, dtype=np.int32),
        instance=np.arange(count, dtype=np.int32), class_id=np.zeros(count, np.int32), part=np.zeros(count, np.int32),
        pose_instance_part=np.stack([np.eye(4)] * count), casts_shadow=np.zeros(count, np.uint8),
        materials=Materials(
            base_color=np.full((2, count, 3), 0.7, real), roughness=np.full((2, count), 0.5, real),
            metallic=np.full((2, count), 0.5, real), texture=np.full((2, count), -1, np.int32),
            texture_scale=np.ones((2, count), real), pattern=np.array([[0, 6, 7]] * 2, np.int32),
            pattern_color=np.full((2, count, 3), 0.1, real), pattern_scale=np.array([[1, 0.2, 1]] * 2, real),
            metallic_roughness_texture=np.array([[0, -1, -1]] * 2, np.int32),
            normal_texture=np.array([[0, -1, -1], [-1, 0, -1]], np.int32),
        ),
        lighting=Lighting(
            sun_direction=np.array([[0.36, 0.48, 0.8]] * 2, real), sun_irradiance=np.full((2, 3), 2.0, real),
            sky_zenith=np.full((2, 3), 0.5, real), sky_horizon=np.full((2, 3), 0.8, real),
            sky_ground=np.full((2, 3), 0.1, real),
        ),
    )
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.03, 0.02, 1.5
    view = Camera(width=24, height=8, fx=10.0, fy=10.0, cx=11.5, cy=3.5, pose_world_camera=pose)
    raster = Raster(builder.build(), device=device, shadow=False)
    return raster.render([snapshot], [view], outputs=("colour",)).to_host().colour
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path):
    """Maps, colours and the printed patterns in Numba's CUDA simulator, to rounding."""
    code = TWIN_SCENE + "\nout = {'colour': render(str(device))}\n"
    simulated = run_simulated(code, tmp_path, device="cuda")["colour"]
    found = {}
    exec(compile(TWIN_SCENE, "twin", "exec"), found)
    expected = found["render"]("cpu")
    off = np.abs(simulated - expected)
    assert (off > 1e-4 * expected.max()).mean() < 0.01  # printed edges may fall on the other side
    assert np.median(off) < 1e-6
