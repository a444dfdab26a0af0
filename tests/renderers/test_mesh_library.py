"""The mesh library: primitives against closed forms, preparation of raw meshes, checks."""

import dataclasses
import math

import numpy as np
import pytest

from simloom.renderers import MeshLibrary, MeshLibraryBuilder
from simloom.renderers.mesh_normals import weld_rows
from simloom.renderers.mesh_preparation import prepare_mesh

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_FACES = np.array(
    [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]),
        *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ]
)


def volume_and_area(level):
    """Sum signed tetrahedra and triangle areas."""
    a, b, c = (level.vertices[level.triangles[:, k]].astype(float) for k in range(3))
    normal = np.cross(b - a, c - a)
    return float((a * np.cross(b, c)).sum() / 6), float(np.linalg.norm(normal, axis=1).sum() / 2)


@pytest.fixture(scope="module")
def primitives() -> MeshLibrary:
    """All primitives in one library."""
    builder = MeshLibraryBuilder()
    assert [builder.add_box(), builder.add_sphere(), builder.add_cylinder(), builder.add_plane()] == [0, 1, 2, 3]
    assert builder.add_capsule(0.2, 0.5) == 4
    assert builder.add_sphere() == 1
    return builder.build()


def test_primitives_have_the_volume_of_their_facets(primitives):
    """Prisms and the box are exact; round bodies lose the sagitta that their segments say."""
    assert volume_and_area(primitives.level(0)) == pytest.approx((1.0, 6.0))
    volume, area = volume_and_area(primitives.level(2))
    section = 0.5 * 64 * 0.25 * math.sin(2 * math.pi / 64)
    assert volume == pytest.approx(section, rel=1e-6)
    assert area == pytest.approx(2 * section + 64 * math.sin(math.pi / 64), rel=1e-6)
    assert volume_and_area(primitives.level(3)) == pytest.approx((0.0, 1.0))
    sphere, _ = volume_and_area(primitives.level(1))
    assert math.pi / 6 * (1 - 0.0045) < sphere < math.pi / 6
    capsule, _ = volume_and_area(primitives.level(4))
    exact = 4 / 3 * math.pi * 0.2**3 + math.pi * 0.2**2 * 0.5
    assert exact * (1 - 0.0045) < capsule < exact


def test_sphere_vertices_and_normals_are_exact(primitives):
    """Every vertex of every level lies on the sphere and its normal is radial."""
    for k in range(int(primitives.mesh_level_count[1])):
        level = primitives.level(1, k)
        assert np.abs(np.linalg.norm(level.vertices, axis=1) - 0.5).max() < 1e-6
        assert np.abs(level.normals - 2 * level.vertices).max() < 1e-6


def test_round_levels_stay_within_their_error(primitives):
    """No facet of a coarse sphere or cylinder is farther inside than the level says."""
    for mesh, radius in ((1, lambda p: np.linalg.norm(p, axis=-1)), (2, lambda p: np.hypot(p[..., 0], p[..., 1]))):
        for k in range(1, int(primitives.mesh_level_count[mesh])):
            level = primitives.level(mesh, k)
            corners = level.vertices[level.triangles].astype(float)
            if mesh == 2:
                corners = corners[np.abs(level.normals[level.triangles][:, 0, 2]) < 0.5]
            weights = np.array([[i, j, 8 - i - j] for i in range(9) for j in range(9 - i)]) / 8
            points = np.einsum("wk,tkx->twx", weights, corners)
            gap = 0.5 - radius(points).min()
            assert 0.5 * level.error < gap <= level.error * (1 + 1e-5)


@pytest.mark.parametrize("mesh", range(5))
def test_winding_agrees_with_normals(primitives, mesh):
    """Triangles are counter-clockwise seen from where their normals point."""
    for k in range(int(primitives.mesh_level_count[mesh])):
        level = primitives.level(mesh, k)
        a, b, c = (level.vertices[level.triangles[:, i]] for i in range(3))
        dots = (np.cross(b - a, c - a)[:, None] * level.normals[level.triangles]).sum(axis=2)
        assert (dots > 0).all()
    assert primitives.mesh_is_closed.tolist() == [1, 1, 1, 0, 1]


def test_uvs_run_up(primitives):
    """The plane's lower left corner is (0, 0), its upper right (1, 1); all primitives stay in the unit square."""
    plane = primitives.level(3)
    assert np.array_equal(plane.uvs, plane.vertices[:, :2] + 0.5)
    assert primitives.uvs.min() >= 0
    assert primitives.uvs.max() <= 1
    sphere = primitives.level(1)
    assert sphere.uvs[np.argmax(sphere.vertices[:, 2]), 1] == 1


def test_bounds_hold_every_vertex(primitives):
    """Boxes are tight, spheres hold everything."""
    for mesh in range(primitives.mesh_count):
        points = primitives.level(mesh).vertices
        assert np.array_equal(points.min(axis=0), primitives.mesh_lower[mesh])
        assert np.array_equal(points.max(axis=0), primitives.mesh_upper[mesh])
        away = np.linalg.norm(points.astype(float) - primitives.mesh_center[mesh], axis=1)
        assert away.max() <= primitives.mesh_radius[mesh]


def test_a_welded_cube_gets_flat_faces():
    """Eight shared corners split into 24 where faces meet at 90 degrees, into 8 when creases up to 100 are smoothed."""
    flat, closed = prepare_mesh("cube", CUBE, CUBE_FACES)
    assert closed
    assert len(flat.vertices) == 24
    assert sorted(np.unique(np.abs(flat.normals)).tolist()) == [0, 1]
    smooth, _ = prepare_mesh("cube", CUBE, CUBE_FACES, crease_angle=math.radians(100))
    assert len(smooth.vertices) == 8
    assert np.abs(np.abs(smooth.normals) - 3**-0.5).max() < 0.3


def test_a_soup_of_a_sphere_becomes_smooth():
    """Triangles without shared vertices are welded, and their smooth normals are nearly radial."""
    builder = MeshLibraryBuilder()
    builder.add_sphere()
    level = builder.build().level(0)
    soup = level.vertices[level.triangles].reshape(-1, 3)
    full, closed = prepare_mesh("soup", soup, np.arange(len(soup)).reshape(-1, 3))
    assert closed
    assert len(full.vertices) == len(weld_rows(level.vertices)[1])
    assert (full.normals * full.vertices * 2).sum(axis=1).min() > 0.999


def test_file_normals_are_kept():
    """Given normals survive; a zero normal is replaced by the smooth one."""
    normals = np.tile([0.0, 0.6, 0.8], (3, 1))
    normals[2] = 0
    full, closed = prepare_mesh("t", [[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], normals)
    assert not closed
    assert full.normals == pytest.approx(np.array([[0, 0.6, 0.8], [0, 0.6, 0.8], [0, 0, 1]]))


def test_an_inverted_mesh_is_turned_outwards():
    """A closed mesh that is inside out as a whole is wound again; a hole makes it open."""
    level, closed = prepare_mesh("cube", CUBE, CUBE_FACES[:, ::-1])
    assert closed
    assert volume_and_area(level)[0] == pytest.approx(1.0)
    assert not prepare_mesh("cube", CUBE, CUBE_FACES[1:])[1]


def test_degenerate_triangles_are_dropped():
    """Repeated corners and corners on one line go; the rest stays closed."""
    faces = np.concatenate((CUBE_FACES, [[0, 0, 1], [3, 3, 3]]))
    level, closed = prepare_mesh("cube", CUBE, faces)
    assert closed
    assert len(level.triangles) == 12
    line = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2], [0, 1, 0]], float)
    assert len(prepare_mesh("line", line, np.array([[0, 1, 2], [0, 1, 3]]))[0].triangles) == 1


@pytest.mark.parametrize(
    "vertices, triangles, message",
    [
        ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], "NaN or infinite"),
        ([[0, 0, 0], [1, 0, 0], [0, 1e300, 0]], [[0, 1, 2]], "NaN or infinite"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 3]], "it has 3"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, -1]], "it has 3"),
        ([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], "no triangle with an area"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.zeros((0, 3), int), "1 to 1048576 triangles"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.zeros(((1 << 20) + 1, 3), int), "decimate"),
        ([[0, 0], [1, 0], [0, 1]], [[0, 1, 2]], r"vertices \(N, 3\)"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0.0, 1.0, 2.0]], "integer triangles"),
    ],
)
def test_bad_meshes_are_refused(vertices, triangles, message):
    """Each mistake gets its own error."""
    with pytest.raises(ValueError, match=message):
        MeshLibraryBuilder().add_mesh("bad", vertices, triangles)


def test_names_are_unique():
    """A second mesh or texture of one name is an error; a user's mesh may be called like a primitive."""
    builder = MeshLibraryBuilder()
    builder.add_mesh("box", CUBE, CUBE_FACES)
    assert builder.add_box() == 1
    with pytest.raises(ValueError, match="unique"):
        builder.add_mesh("box", CUBE, CUBE_FACES)
    builder.add_texture("t", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="unique"):
        builder.add_texture("t", np.zeros((2, 2, 3), np.uint8))
    library = builder.build()
    assert library.mesh_row("box") == 0
    with pytest.raises(KeyError, match="no mesh named"):
        library.mesh_row("cup")


def test_subset_keeps_bytes_and_maps_rows(primitives):
    """A subset holds the same levels and mips under new rows, -1 for what it dropped."""
    builder = MeshLibraryBuilder()
    builder.add_box()
    builder.add_sphere()
    builder.add_plane()
    images = [np.random.default_rng(k).integers(0, 256, (5, 3 + k, 3), np.uint8) for k in range(3)]
    for k, image in enumerate(images):
        builder.add_texture(f"t{k}", image)
    library = builder.build()
    subset, mesh_map, texture_map, _ = library.subset([2, 1, 2], [-1, 2])
    assert mesh_map.tolist() == [-1, 0, 1]
    assert texture_map.tolist() == [-1, -1, 0]
    assert subset.names == ("primitive/sphere", "primitive/plane")
    for old, new in ((1, 0), (2, 1)):
        for k in range(int(library.mesh_level_count[old])):
            one, two = library.level(old, k), subset.level(new, k)
            assert np.array_equal(one.vertices, two.vertices)
            assert np.array_equal(one.triangles, two.triangles)
            assert one.error == two.error
    assert np.array_equal(subset.texture(0), images[2])
    assert np.array_equal(subset.texture(0, 2), library.texture(2, 2))
    with pytest.raises(IndexError, match="mesh rows"):
        library.subset([3], [])


@pytest.mark.parametrize(
    "field, change",
    [
        ("triangles", lambda a: a + 10_000),
        ("triangles", lambda a: a - 10_000),
        ("vertices", lambda a: a * np.float32(np.nan)),
        ("vertices", lambda a: a[:-1]),
        ("vertices", lambda a: a.astype(np.float64)),
        ("level_triangle_count", lambda a: a + np.int32(1)),
        ("level_vertex_start", lambda a: a + np.int32(1)),
        ("mesh_level_count", lambda a: a * np.int32(0)),
        ("mesh_radius", lambda a: np.concatenate((a, a))),
        ("texels", lambda a: np.zeros((7, 3), np.uint8)),
        ("names", lambda a: ()),
    ],
)
def test_damaged_libraries_are_refused(primitives, field, change):
    """No array may point outside another."""
    with pytest.raises(ValueError, match=r"damaged|must|needs|lack"):
        dataclasses.replace(primitives, **{field: change(getattr(primitives, field))})


def test_an_empty_library_is_one():
    """A builder without meshes builds."""
    library = MeshLibraryBuilder().build()
    assert library.mesh_count == library.texture_count == 0
    assert library.triangles.shape == (0, 3)


def test_a_deformable_mesh_stays_one_to_one():
    """Vertices and triangles keep their order, doubles and unused ones too; normals are smooth; it is open."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [9, 9, 9]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 3, 2], [1, 1, 1]])
    builder = MeshLibraryBuilder()
    row = builder.add_deformable("cloth", points, faces)
    assert builder.add_deformable("painted", points, faces, points[:, :2]) == row + 1
    library = builder.build()
    level = library.level(row)
    assert np.array_equal(level.vertices, points.astype(np.float32))
    assert np.array_equal(level.triangles, faces)
    assert level.normals.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, -1], [0, 0, 1]]
    assert library.mesh_is_closed.tolist() == [0, 0]
    assert library.mesh_has_uv.tolist() == [0, 1]
    assert library.mesh_level_count.tolist() == [1, 1]
    assert np.array_equal(library.level(1).uvs, points[:, :2].astype(np.float32))
    with pytest.raises(ValueError, match="NaN"):
        builder.add_deformable("bad", points * np.nan, faces)


def test_vertex_colours_are_kept_through_levels():
    """Every vertex of every level has the colour of a full vertex near it; without colours all are white."""
    count = 24
    grid = np.stack(np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count), indexing="ij"), -1).reshape(-1, 2)
    points = np.concatenate([grid, 0.05 * np.sin(6 * grid[:, :1])], axis=1)
    first = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).reshape(-1)
    faces = np.concatenate(
        [np.stack([first, first + count, first + 1], 1), np.stack([first + 1, first + count, first + count + 1], 1)]
    )
    colors = np.rint(255 * np.concatenate([grid, 0 * grid[:, :1]], axis=1)).astype(np.uint8)
    builder = MeshLibraryBuilder()
    painted = builder.add_mesh("painted", points, faces, colors=colors)
    plain = builder.add_mesh("plain", points, faces)
    library = builder.build()
    assert library.mesh_has_color.tolist() == [1, 0]
    assert library.mesh_level_count[painted] > 1
    for k in range(int(library.mesh_level_count[painted])):
        level = library.level(painted, k)
        # Merging picks one full vertex, at most a level's error and a cell from the position.
        assert np.abs(level.colors[:, :2] / 255 - level.vertices[:, :2]).max() < 0.5 / 255 + 3 * level.error + 1e-6
        assert (level.colors[:, 2] == 0).all()
    assert library.level(plain).colors is None
    rows = slice(int(library.level_vertex_start[library.mesh_level_start[plain]]), None)
    assert (library.colors[rows] == 255).all()
    assert np.array_equal(library.subset([0], [])[0].level(0, 1).colors, library.level(0, 1).colors)
    with pytest.raises(ValueError, match="uint8"):
        builder.add_mesh("bad", points, faces, colors=colors / 255.0)
