"""Sky images: what stands behind things where the camera looks, and the light that the whole of it sheds."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    CYLINDER,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    look,
    pose,
    relight,
    still_life,
)
from simloom.renderers import MeshLibraryBuilder, Raster

NIGHT = Light(sun=0.0, zenith=0.0, horizon=0.0, ground=0.0)
HEIGHT, WIDTH = 32, 64


def library_of(radiance):
    """Box, sphere, cylinder, plane, and one sky."""
    builder = MeshLibraryBuilder()
    rows = builder.add_box(), builder.add_sphere(), builder.add_cylinder(), builder.add_plane()
    assert rows == (BOX, SPHERE, CYLINDER, PLANE)
    assert builder.add_sky("sky", radiance.astype(np.float32)) == 0
    return builder.build()


def directions():
    """The direction at the middle of each texel, shape (HEIGHT, WIDTH, 3)."""
    polar = np.pi * (np.arange(HEIGHT) + 0.5) / HEIGHT
    azimuth = 2 * np.pi * (np.arange(WIDTH) + 0.5) / WIDTH
    sine = np.sin(polar)[:, None]
    return np.stack(
        [sine * np.cos(azimuth), sine * np.sin(azimuth), np.broadcast_to(np.cos(polar)[:, None], (HEIGHT, WIDTH))], -1
    )


def rays_of(view):
    """Unit directions of a view's pixels in the world, shape (height, width, 3)."""
    v, u = np.mgrid[: view.height, : view.width]
    ray = np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    return ray @ view.pose_world_camera[:3, :3].T


FAR_AWAY = Thing(mesh=BOX, at=pose(0, 0, -500.0), scale=(0.1, 0.1, 0.1))


@pytest.mark.parametrize("yaw", [0.0, 1.0])
@pytest.mark.parametrize("towards", [(1, 0.2, 0.1), (-1, -1, 0.8), (0.1, 1, -0.4), (0.02, 0.01, 1), (-1, 0.001, 0)])
def test_the_background_is_the_sky_where_the_camera_looks(towards, yaw):
    """A sky that states a smooth function of direction shows that function, turned by the yaw, in every direction."""

    def tint(d):
        return 2.0 + np.stack([d[..., 0], d[..., 1], d[..., 2]], -1)

    view = camera(48, 36, 40.0, at=look((0, 0, 0), towards, (0, 0.1, 1)))
    scene = relight(still_life(FAR_AWAY, lights=(NIGHT,)), sky_image=0, sky_yaw=yaw, sky_scale=(1.0, 2.0, 3.0))
    found = Raster(library_of(tint(directions()))).render([scene], [view], outputs=("colour",)).colour[0, 0]
    ray = rays_of(view)
    turned = np.stack(
        [
            np.cos(yaw) * ray[..., 0] + np.sin(yaw) * ray[..., 1],
            np.cos(yaw) * ray[..., 1] - np.sin(yaw) * ray[..., 0],
            ray[..., 2],
        ],
        -1,
    )
    # Between texel middles a bilinear value is off by at most the curvature, (pi / 32)^2 / 8, and at the poles by half
    # a texel's polar angle.
    assert np.abs(found / (1.0, 2.0, 3.0) - tint(turned)).max() < 0.06


@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_a_uniform_image_lights_as_a_uniform_gradient_does(metallic):
    """The two kinds of sky are the same light."""
    library = library_of(np.full((HEIGHT, WIDTH, 3), 0.7))
    things = (
        Thing(mesh=SPHERE, at=pose(), roughness=0.4, metallic=metallic, color=(0.8, 0.5, 0.2)),
        Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(3.0, 3.0, 1.0), roughness=0.9),
    )
    view = camera(64, 48, 60.0, at=look((0, -2.5, 1.0), (0, 0, 0)))
    raster = Raster(library)
    gradient = still_life(*things, lights=(Light(sun=0.5, towards=(1, 0, 1), zenith=0.7, horizon=0.7, ground=0.7),))
    image = relight(still_life(*things, lights=(Light(sun=0.5, towards=(1, 0, 1), **DARK),)), sky_image=0)
    a, b = raster.render([gradient, image], [view, view], outputs=("colour",)).colour
    assert b == pytest.approx(a, rel=2e-3)


DARK = {"zenith": 0.0, "horizon": 0.0, "ground": 0.0}


def test_rough_surfaces_receive_the_irradiance_of_the_sky():
    """Under a sky of radiance 1 + z a plane of normal n receives pi (1 + 2 n_z / 3): the closed form of order one."""
    library = library_of(1.0 + directions()[..., 2:] * np.ones(3))
    raster = Raster(library, shadow=False, ambient_occlusion=False)
    for normal in ((0, 0, 1), (1, 0, 0), (0, -0.6, 0.8)):
        normal = np.array(normal) / np.linalg.norm(normal)
        turned = look((0, 0, 0), normal, (0.3, 1, 0.2))
        plane = Thing(mesh=PLANE, at=turned, scale=(5.0, 5.0, 1.0), roughness=1.0, color=(0.5,) * 3)
        scene = relight(still_life(plane, lights=(NIGHT,)), sky_image=0)
        view = camera(32, 24, 60.0, at=look(tuple(2.0 * normal), (0, 0, 0), (0.3, 1, 0.2)))
        found = raster.render([scene], [view], outputs=("colour",)).colour[0, 0, 12, 16, 0]
        body = 0.5 * (1 + 2 * normal[2] / 3)
        # A rough dielectric mirrors some 4 % of the sky instead of letting it in.
        assert found == pytest.approx(body, rel=0.03, abs=0.03)


def test_a_mirror_shows_the_sky_it_faces():
    """A smooth metal plane shows the radiance along the mirrored ray."""
    tint = 2.0 + directions()
    raster = Raster(library_of(tint), shadow=False, ambient_occlusion=False)
    plane = Thing(mesh=PLANE, at=pose(), scale=(9.0, 9.0, 1.0), roughness=0.03, metallic=1.0, color=(1.0, 1.0, 1.0))
    view = camera(48, 36, 60.0, at=look((0, -1.5, 2.0), (0, 0, 0)))
    scene = relight(still_life(plane, lights=(NIGHT,)), sky_image=0)
    found = raster.render([scene], [view], outputs=("colour",)).colour[0, 0]
    mirrored = rays_of(view) * (1, 1, -1)
    assert found == pytest.approx(2.0 + mirrored, rel=0.06)


def test_a_sky_that_is_not_there_is_refused():
    """The error says how many there are."""
    scene = relight(still_life(FAR_AWAY, lights=(NIGHT,)), sky_image=3)
    with pytest.raises(ValueError, match="sky_image must be < 1"):
        Raster(library_of(np.ones((8, 16, 3)))).render([scene], [camera()], outputs=("colour",))
