"""Deformed meshes are drawn in their new shape."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import EVERYTHING, Thing, camera, look, pose, still_life, turn
from simloom.renderers import MeshLibraryBuilder, Raster
from simloom.renderers.snapshot import Deformation


def make_sheet(generator):
    """A library with a flat sheet, the same in another shape and a ball, and that shape."""
    v, u = np.mgrid[:9, :9].reshape(2, -1)
    rest = np.stack([u / 8 - 0.5, v / 8 - 0.5, 0 * u], axis=1).astype(np.float32)
    moved = (rest + generator.normal(size=rest.shape) * 0.04 + [0, 0, 0.4]).astype(np.float32)
    first = (v * 9 + u).reshape(9, 9)[:8, :8].ravel()
    triangles = np.concatenate([first[:, None] + [0, 1, 10], first[:, None] + [0, 10, 9]])
    builder = MeshLibraryBuilder()
    builder.add_sphere()
    uvs = np.stack([u / 8, v / 8], axis=1).astype(np.float32)
    rows = [builder.add_deformable(name, shape, triangles, uvs) for name, shape in (("a", rest), ("b", moved))]
    builder.add_box()
    return builder.build(), rows, moved


def test_a_deformed_mesh_is_the_mesh_of_that_shape():
    """A moved sheet has the bytes of a sheet built in that shape, beside one at rest; the next call has it at rest."""
    library, (rest, moved), vertices = make_sheet(np.random.default_rng(4))
    sheet = {"scale": (1.5, 1.2, 0.8), "pattern": 1, "pattern_scale": 0.2}
    at = pose(0.1, 0.2, 0.0, turn((1, 2, 0), 0.3))
    others = (Thing(mesh=0, at=pose(0.6, -0.5, 0.4), scale=(0.4, 0.4, 0.4)), Thing(mesh=rest, at=pose(-1, 0, 0)))
    scenes = [still_life(Thing(mesh=row, at=at, **sheet), *others) for row in (rest, moved)]
    bent = replace(scenes[0], deformations=(Deformation(row=0, vertices=vertices),))
    raster = Raster(library)
    views = [camera(60, 45, 40.0, at=look(eye, (0, 0, 0.2))) for eye in ((1.4, 0.8, 1.5), (-1.0, 0.4, 1.9))]
    options = {"view_snapshot": [0, 1], "outputs": EVERYTHING}
    expected = raster.render([scenes[1], scenes[0]], views, **options)
    found = raster.render([bent, scenes[0]], views, **options)
    for name in EVERYTHING:
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name
    assert found.visible_pixels[0, 0] > 200
    after = raster.render([scenes[0]], views[:1], outputs=("depth",))
    assert (after.depth[0] != found.depth[0]).mean() > 0.1


def test_shapes_that_do_not_fit_are_refused():
    """A deformation has one finite position for each vertex of its mesh."""
    library, (rest, _), vertices = make_sheet(np.random.default_rng(4))
    scene = still_life(Thing(mesh=rest, at=pose(0, 0, 2)))
    for bad in (vertices[:5], np.full_like(vertices, np.nan)):
        with pytest.raises(ValueError, match=r"deformation of row 0 needs \(81, 3\) finite positions"):
            Raster(library).render([replace(scene, deformations=(Deformation(row=0, vertices=bad),))], [camera()])
