"""Lamps: the inverse square, cones, shadows where the closed form has them, penumbras as wide as geometry says."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    look,
    pose,
    primitive_library,
    relight,
    repaint,
    still_life,
)
from naive.world_points import world_points
from simloom.renderers import Raster
from simloom.renderers.lighting import MAX_LAMPS, Lamp, Lighting

NIGHT = Light(sun=0.0, zenith=0.0, horizon=0.0, ground=0.0)
FLOOR = Thing(mesh=PLANE, at=pose(), scale=(8.0, 8.0, 1.0), instance=0, roughness=1.0, casts=0)


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def lamp(position, *, kind=Lamp.POINT, intensity=(1.0, 1.0, 1.0), direction=(0, 0, -1), cone=(0.3, 0.5), radius=0.0):
    """The lighting fields of a single lamp."""
    return {
        "lamp_kind": [int(kind)],
        "lamp_position": [position],
        "lamp_intensity": [intensity],
        "lamp_direction": [direction],
        "lamp_cone": [cone],
        "lamp_radius": [radius],
    }


def draw(library, scene, view, **options):
    """Grey radiance, depth and instance ids of the scene's one view."""
    frames = Raster(library, ambient_occlusion=False, **options).render(
        [scene], [view], outputs=("colour", "depth", "instance")
    )
    return frames.colour[0, 0, ..., 0].astype(float), frames.depth[0].astype(float), frames.instance[0]


ABOVE = camera(160, 120, 110.0, at=look((0.4, -1.5, 3.0), (0, 0, 0)))


@pytest.mark.parametrize("position", [(0.0, 0.0, 1.0), (0.7, -0.4, 0.5), (-1.0, 1.0, 2.0)])
def test_a_point_lamp_obeys_the_inverse_square(library, position):
    """A rough plane has radiance albedo / pi I cos / d^2, less 4 % that it reflects and within its specular lobe."""
    scene = relight(still_life(FLOOR, lights=(NIGHT,)), **lamp(position))
    colour, depth, _ = draw(library, scene, ABOVE, shadow=False)
    away = np.array(position) - world_points(ABOVE, depth)
    distance = np.linalg.norm(away, axis=-1)
    irradiance = away[..., 2] / distance**3
    expected = 0.5 / np.pi * irradiance * 0.96
    assert np.abs(colour - expected).max() <= 0.02 * expected.max() + 0.06 * irradiance.max()
    # The specular lobe of roughness 1 is a few percent; the shape over the plane is the inverse square's.
    ratio = colour / irradiance
    assert ratio.std() / ratio.mean() < 0.06


def test_a_spot_ends_at_its_cone(library):
    """Within the inner cone a spot is the point lamp; outside the outer one it is nothing; between, it fades."""
    position = np.array([0.3, 0.2, 1.5])
    target = np.array([0.1, -0.1, 0.0])
    axis = (target - position) / np.linalg.norm(target - position)
    scene = still_life(FLOOR, lights=(NIGHT,))
    spot = draw(library, relight(scene, **lamp(position, kind=Lamp.SPOT, direction=axis)), ABOVE)[0]
    point, depth, _ = draw(library, relight(scene, **lamp(position)), ABOVE)
    away = world_points(ABOVE, depth) - position
    angle = np.arccos(np.clip(away @ axis / np.linalg.norm(away, axis=-1), -1, 1))
    assert (spot[angle > 0.501] == 0).all()
    inside = angle < 0.299
    assert inside.sum() > 500
    assert spot[inside] == pytest.approx(point[inside], rel=1e-5)
    rim = (angle > 0.31) & (angle < 0.49)
    assert (spot[rim] > 0).all()
    assert (spot[rim] < point[rim]).all()


@pytest.mark.parametrize("kind", [Lamp.POINT, Lamp.SPOT])
@pytest.mark.parametrize("position", [(0.4, 0.05, 1.1), (0.9, 0.7, 1.0), (-0.6, 0.8, 0.9)])
def test_the_shadow_of_a_box_is_its_projection_from_the_lamp(library, kind, position):
    """A floor point is dark where the segment to the lamp meets the box, lit elsewhere, but for a few texels."""
    box = Thing(mesh=BOX, at=pose(0, 0, 0.25), scale=(0.5, 0.3, 0.3))
    position = np.array(position)
    axis = -position / np.linalg.norm(position)
    scene = relight(
        still_life(FLOOR, box, lights=(NIGHT,)), **lamp(position, kind=kind, direction=axis, cone=(1.2, 1.3))
    )
    with_shadow, depth, instance = draw(library, scene, ABOVE, shadow_resolution=512)
    without = draw(library, scene, ABOVE, shadow=False)[0]
    point = world_points(ABOVE, depth)
    seen = (instance == 0) & (without > 1e-4)
    share = with_shadow / np.maximum(without, 1e-9)
    half = 0.5 * np.array(box.scale)
    centre = box.at[:3, 3]

    def hits(margin):
        with np.errstate(divide="ignore", invalid="ignore"):
            direction = position - point
            low = (centre - half - margin - point) / direction
            high = (centre + half + margin - point) / direction
        near, far = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
        return (near < far) & (far > 1e-9) & (near < 1)

    # A face of 512 texels spans 2 d tan(half angle); at d = 1.5 m a texel is 6 mm, under the wide spot's cone 21 mm.
    margin = 0.012 if kind == Lamp.POINT else 0.035
    dark, bright = hits(-margin) & seen, ~hits(margin) & seen
    assert dark.sum() > 100
    assert share[dark].max() < 1e-6
    assert share[bright].min() > 1 - 1e-5


def test_lit_surfaces_alone_have_no_acne(library):
    """A sphere and a floor lit by a lamp above, a cube's seams included: no pixel that faces it is darkened."""
    ball = Thing(mesh=SPHERE, at=pose(0, 0, 3.0), scale=(0.6,) * 3)
    scene = relight(still_life(FLOOR, ball, lights=(NIGHT,)), **lamp((0.3, 0.2, 1.3)))
    with_shadow, _, instance = draw(library, scene, ABOVE)
    without = draw(library, scene, ABOVE, shadow=False)[0]
    floor = (instance == 0) & (without > 1e-3)
    assert floor.sum() > 5000
    assert (with_shadow[floor] / without[floor]).min() > 0.999


def edge_scene(gap, **lights):
    """A wall's straight edge, `gap` above a floor, and lights; a camera that looks along the edge's shadow."""
    sheet = Thing(mesh=BOX, at=pose(-1.0, 0, gap + 0.005), scale=(2.0, 3.0, 0.01))
    view = camera(320, 40, 700.0, at=look((0.02, -0.4, gap * 0.45), (0.02, 0, 0)))
    return relight(still_life(FLOOR, sheet, lights=(NIGHT,)), **lights), view


def penumbra(share, point):
    """Width from 10 % to 90 % over x, and x of one half, along the row of y = 0."""
    row = np.abs(point[..., 1]).mean(1).argmin()
    x, s = point[row, :, 0], share[row]
    order = np.argsort(x)
    at = np.interp([0.1, 0.5, 0.9], s[order], x[order])
    return at[2] - at[0], at[1]


@pytest.mark.parametrize("radius", [0.02, 0.05])
def test_a_balls_penumbra_is_as_wide_as_geometry_says(library, radius):
    """The share behind a straight edge goes from 10 to 90 % over 1.4 radii (a disc's chord), times gap over height."""
    gap, height = 0.4, 0.6
    scene, view = edge_scene(gap, **lamp((0.0, 0.0, gap + height), radius=radius))
    soft, depth, _ = draw(library, scene, view, shadow_resolution=512)
    plain = draw(library, scene, view, shadow=False)[0]
    found, middle = penumbra(soft / plain, world_points(view, depth))
    # Of a disc's area, 10 % lies beyond 0.687 radii: the edge crosses 2 * 0.687 radii between 10 and 90 %.
    expected = 2 * 0.687 * radius * gap / height
    assert found == pytest.approx(expected, rel=0.3)
    assert middle == pytest.approx(0.0, abs=0.25 * expected + 0.004)


@pytest.mark.parametrize("radius", [0.02, 0.06])
def test_the_suns_penumbra_is_as_wide_as_geometry_says(library, radius):
    """The same for a sun of an angular radius: 1.37 tan(radius) times the gap."""
    gap = 0.4
    sun = {"sun_direction": (0, 0, 1), "sun_irradiance": (1, 1, 1), "sun_radius": radius}
    scene, view = edge_scene(gap, **sun)
    soft, depth, _ = draw(library, scene, view, shadow_resolution=1024)
    plain = draw(library, scene, view, shadow=False)[0]
    found, middle = penumbra(soft / plain, world_points(view, depth))
    expected = 2 * 0.687 * np.tan(radius) * gap
    # A texel of the map is 3 m / 1018.
    assert found == pytest.approx(expected, rel=0.3, abs=0.003)
    assert middle == pytest.approx(0.0, abs=0.25 * expected + 0.004)


def test_light_of_lamps_adds_up_and_does_not_depend_on_others(library):
    """Two lamps give the sum of each; a snapshot without lamps in the same batch changes nothing."""
    one, two = lamp((0.5, 0, 1.0)), lamp((-0.5, 0.3, 0.8), radius=0.05, intensity=(0.2, 0.5, 0.9))
    both = {name: [*one[name], *two[name]] for name in one}
    box = Thing(mesh=BOX, at=pose(0, 0, 0.15), scale=(0.3, 0.3, 0.3))
    bare = still_life(FLOOR, box, lights=(NIGHT,))
    scenes = [relight(bare, **one), relight(bare, **two), relight(bare, **both), bare]
    raster = Raster(library)
    together = raster.render(scenes, [ABOVE] * 4, outputs=("colour",)).colour[:, 0]
    assert together[0] + together[1] == pytest.approx(together[2], rel=1e-5, abs=1e-7)
    assert (together[3] == 0).all()
    alone = raster.render([scenes[2]], [ABOVE], outputs=("colour",)).colour[0, 0]
    assert np.array_equal(alone, together[2])


def test_what_glows_adds_its_own_radiance(library):
    """A surface's emission is added to what it reflects, exactly."""
    scene = still_life(FLOOR, lights=(Light(sun=1.0),))
    glowing = np.array([[0.5, 0.25, 2.0]], np.float32)

    outputs = ("colour",)
    dull = Raster(library).render([scene], [ABOVE], outputs=outputs).colour
    frames = Raster(library).render([repaint(scene, emission=glowing)], [ABOVE], outputs=("colour", "depth"))
    seen = frames.depth[0] > 0
    extra = (frames.colour - dull)[0, 0][seen]
    assert extra == pytest.approx(np.broadcast_to(glowing, extra.shape), rel=1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"lamp_kind": np.ones((1, MAX_LAMPS + 1), np.int32)}, "at most 16 lamps"),
        ({"sun_radius": np.array([-1.0], np.float32)}, ">= 0"),
        ({"fog_extinction": np.zeros(2, np.float32)}, "must have shape"),
        (
            {"lamp_kind": np.array([[2]], np.int32), "lamp_cone": np.array([[[0.6, 0.4]]], np.float32)},
            "inner <= outer",
        ),
        (
            {"lamp_kind": np.array([[2]], np.int32), "lamp_direction": np.array([[[0, 0, 2.0]]], np.float32)},
            "unit vector",
        ),
    ],
)
def test_impossible_lights_are_refused(change, message):
    """The error says what is allowed."""
    three = np.ones((1, 3), np.float32)
    names = ("sun_direction", "sun_irradiance", "sky_zenith", "sky_horizon", "sky_ground")
    with pytest.raises(ValueError, match=message):
        Lighting(**dict.fromkeys(names, three), **change)


def test_maps_of_lamps_count_as_working_memory(library, monkeypatch):
    """Worlds with a lamp, which has six maps, are drawn fewer at a time, with the same result."""
    from simloom.renderers.raster import raster as module

    scenes = [relight(still_life(FLOOR, lights=(NIGHT,)), **lamp((0.0, 0.0, 1.0 + k))) for k in range(4)]
    views = [camera(16, 12, 11.0, at=look((0.4, -1.5, 3.0), (0, 0, 0)))] * 4
    sizes = []
    render_chunk = Raster._render_chunk

    def count(self, snapshots, cameras, *others):
        sizes.append(len(cameras))
        render_chunk(self, snapshots, cameras, *others)

    monkeypatch.setattr(Raster, "_render_chunk", count)
    whole = Raster(library, shadow_resolution=64).render(scenes, views, outputs=("colour",))
    monkeypatch.setattr(module, "CHUNK_BYTES", 2 * (7 * 4 * 64**2 + 16 * 12 * 10))
    parts = Raster(library, shadow_resolution=64).render(scenes, views, outputs=("colour",))

    assert sizes == [4, 2, 2]
    assert np.array_equal(whole.colour, parts.colour)
