"""The check of users' assets: what each file holds, whether it can be used, what to mend."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.mesh_materials import find_library_names
from ..renderers.urdf import load_urdf_links
from ..renderers.urdf_bodies import list_base_meshes, list_urdf_meshes, load_urdf_inertials
from .asset_declaration import AssetDeclaration
from .asset_finding import LEVELS, AssetReport, Finding, Level
from .asset_folder import AssetFile, scan_folder
from .asset_shape import AssetShape, collision_clouds, load_shape, place_points, place_shape
from .hulls import make_hulls
from .inertia_check import check_inertia
from .mesh_solid import Solid, weld_solid
from .plausible_size import likely_scale, likely_unit, plausible_size
from .symmetry_check import symmetry_error

Array = NDArray[np.float64]
MANY_TRIANGLES: Final = 200_000
MOST_TRIANGLES: Final = 5_000_000
WATER: Final = 1000.0
"""Density taken for an asset of which neither mass nor density is known [kg/m^3]."""
_DENSITIES: Final = (5.0, 2.3e4)
_SYMMETRIC: Final = 0.03
_SIZES: Final = (1e-9, 1e9)
"""Longest sides that can be reckoned with [m]."""


def check_folder(folder: str | Path, *, hulls: bool = False) -> tuple[AssetReport, ...]:
    """Check every asset of a folder.

    Args:
        folder: The folder.
        hulls: Whether to make the collision parts too, which may take a minute for each concave mesh.

    Returns:
        A report for each asset, sorted by path.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If an `asset.yaml` cannot be.

    Example:
        >>> [(report.name, report.status) for report in check_folder("my_mugs")]
        [('mug_01.glb', 'ok')]
    """
    assets = scan_folder(folder)
    reports = [check_asset(asset, hulls=hulls) for asset in assets]
    return tuple(_compare(assets, reports))


def check_asset(asset: AssetFile, *, hulls: bool = False) -> AssetReport:
    """Check one asset; whatever is wrong with it is a finding, never an exception.

    Args:
        asset: The asset.
        hulls: Whether to make the collision parts too.
    """
    said, notes = asset.declaration, _Notes()
    if asset.refusal:
        notes.add("refused", "reach", asset.refusal, "put a copy into the folder")
        return AssetReport(name=asset.name, findings=notes.sorted(), class_name=said.class_name)
    facts: dict[str, Any] = {}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if asset.path.suffix.lower() == ".urdf":
                list_urdf_meshes(asset.path, [asset.root])
            shape = place_shape(load_shape(asset.path, [asset.root]), said)
        for warning in dict.fromkeys(str(item.message) for item in caught):
            notes.add("warning", "file", warning, "add the file, or remove its mention")
        _check_materials(asset, notes)
        facts = _measure(asset, shape, notes, hulls=hulls)
    except Exception as error:  # files are untrusted: no one of them may hide the report on the others
        text = str(error) or type(error).__name__
        code = "reach" if "lies outside of" in text or "declares a document type" in text else "unreadable"
        if asset.path.name not in text:
            text = f"{asset.path} cannot be used: {text}"
        notes.add("refused", code, text)
    findings = notes.sorted()
    is_refused = bool(findings) and findings[0].level == "refused"
    return AssetReport(
        name=asset.name,
        findings=findings,
        class_name=said.class_name,
        split=None if is_refused else asset.split,
        facts=facts,
    )


class _Notes:
    """Collects findings."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def add(self, level: Level, code: str, message: str, advice: str = "") -> None:
        """Add one."""
        self._found.append(Finding(level=level, code=code, message=message, advice=advice))

    def sorted(self) -> tuple[Finding, ...]:
        """Return them, the worst first."""
        return tuple(sorted(self._found, key=lambda finding: LEVELS.index(finding.level)))


def _measure(asset: AssetFile, shape: AssetShape, notes: _Notes, *, hulls: bool) -> dict[str, Any]:
    said, surface = asset.declaration, shape.surface
    count = len(surface.triangles)
    with np.errstate(over="ignore"):
        extent = np.ptp(surface.vertices, axis=0)
    if not _SIZES[0] <= float(extent.max()) <= _SIZES[1]:
        what = (
            f"its longest side is {_length(float(extent.max()))}" if extent.any() else "all its vertices are one point"
        )
        notes.add("refused", "size", what, "state its unit or scale in asset.yaml, or export it again")
        return {"triangles": count}
    facts: dict[str, Any] = {"size": [round(float(side), 6) for side in extent], "triangles": count}
    facts["textures"] = len({id(part.texture) for part in shape.parts if part.texture is not None})
    facts["texture_coordinates"] = all(part.uvs is not None for part in shape.parts)
    if count > MOST_TRIANGLES:
        notes.add("refused", "triangles", f"{count} triangles, more than {MOST_TRIANGLES}", "decimate the mesh")
        return facts
    if count > MANY_TRIANGLES:
        notes.add("warning", "triangles", f"{count} triangles draw slowly", f"decimate it below {MANY_TRIANGLES}")
    _check_size(asset, float(extent.max()), notes)
    solid = weld_solid(surface.vertices, surface.triangles)
    if not len(solid.triangles) or not (extent > 1e-9 * extent.max()).all():
        notes.add("refused", "volume", "the mesh is flat: it has no volume", "give it thickness")
        return facts
    volume = _check_solid(shape, solid, notes, facts)
    _check_mass(asset, solid, volume, notes, facts)
    _check_links(asset, notes)
    if not facts["textures"] and all(part.base_color is None for part in shape.parts):
        notes.add("note", "look", "no texture and no colour: the scene's materials dress it")
    _check_declared(said, shape, solid, notes)
    if hulls:
        parts = collision_clouds(shape)
        _, _, filled = make_hulls(parts)
        facts |= {"hulls": len(parts), "hull_volume": filled}
    return facts


def _check_size(asset: AssetFile, size: float, notes: _Notes) -> None:
    word, (low, high) = plausible_size(asset.declaration.class_name, Path(asset.name).stem)
    if low <= size <= high:
        return
    what = f"a {word}" if word else "an object"
    unit = likely_unit(size, low, high, asset.declaration.factor)
    scale = likely_scale(size, low, high) * (asset.declaration.scale or 1.0)
    likely = f"is it in {unit}? write unit: {unit}" if unit else f"is its scale lost? write scale: {scale:g}"
    notes.add(
        "warning",
        "size",
        f"its longest side is {_length(size)}; {what} has {_length(low)} to {_length(high)}",
        f"{likely} into asset.yaml",
    )


def _check_solid(shape: AssetShape, solid: Solid, notes: _Notes, facts: dict[str, Any]) -> float:
    """Look at closedness, winding and degenerate triangles; return the volume to weigh [m^3]."""
    pieces = solid.pieces()
    facts |= {"pieces": len(pieces), "watertight": solid.is_watertight}
    volume = solid.enclosed_volume
    if not solid.is_watertight:
        holes = f"{solid.open_edges} open edges" if solid.open_edges else "edges with three or more triangles"
        notes.add("warning", "open", f"the mesh is not watertight: {holes}", "close it, or state its mass")
    elif not solid.is_wound_consistently:
        notes.add("warning", "winding", "some triangles face inwards", "recalculate the normals outwards")
    elif solid.volume < 0:
        notes.add("warning", "inverted", "the mesh is turned inside out", "flip its normals")
    elif any(piece.volume < 0 for piece in pieces):
        notes.add("note", "hollow", "a piece faces inwards: taken for a hollow")
    if solid.dropped:
        level: Level = "warning" if solid.dropped > 0.01 * len(shape.surface.triangles) else "note"
        notes.add(level, "degenerate", f"{solid.dropped} triangles have no area or stand twice", "clean the mesh")
    facts["volume"] = volume
    if not volume > 0:
        notes.add("refused", "volume", "the mesh encloses no volume", "close it or give it thickness")
    return volume


def _check_mass(asset: AssetFile, solid: Solid, volume: float, notes: _Notes, facts: dict[str, Any]) -> None:
    said = asset.declaration
    mass = said.mass if said.mass is not None else (said.density or WATER) * volume
    facts |= {"mass": mass, "mass_from": "mass" if said.mass else "density" if said.density else "water"}
    if not volume > 0:
        return
    density = mass / volume
    if said.mass is not None and not _DENSITIES[0] <= density <= _DENSITIES[1]:
        notes.add(
            "warning",
            "density",
            f"{mass:g} kg in {1e6 * volume:.3g} cm^3 is {density:.3g} kg/m^3, beyond foam or tungsten",
            "check unit, scale and mass",
        )
    if solid.is_watertight and solid.volume != 0:
        facts["inertia"] = [float(value) for value in np.linalg.eigvalsh(solid.inertia(mass))]
    if asset.path.suffix.lower() == ".urdf":
        size = float(np.sqrt((np.ptp(solid.vertices, axis=0) ** 2).sum()))
        for stated in load_urdf_inertials(asset.path)[:1]:
            for text in check_inertia(stated.mass, stated.inertia, size):
                notes.add("warning", "inertia", f"link {stated.link_name!r}: {text}", "it is not used: mend the URDF")


def _check_materials(asset: AssetFile, notes: _Notes) -> None:
    """Look for the material files that the drawn OBJs name; those that are there warn for themselves."""
    is_urdf = asset.path.suffix.lower() == ".urdf"
    for path in list_base_meshes(asset.path, [asset.root], "visual") if is_urdf else (asset.path,):
        for name in find_library_names(path.read_bytes()) if path.suffix.lower() == ".obj" else ():
            if not (path.parent / name).is_file():
                notes.add(
                    "warning",
                    "file",
                    f"{path} names the material file {name:.80}, which does not exist",
                    "add the file, or remove its mention",
                )


def _check_links(asset: AssetFile, notes: _Notes) -> None:
    if asset.path.suffix.lower() != ".urdf":
        return
    more = len(load_urdf_links(asset.path)) - 1
    if more:
        notes.add("warning", "links", f"{more} links beside the base are left out", "objects are single rigid bodies")


def _check_declared(said: AssetDeclaration, shape: AssetShape, solid: Solid, notes: _Notes) -> None:
    """Hold declared symmetry and keypoints against the mesh."""
    scaled = solid.vertices
    lower, upper = scaled.min(axis=0), scaled.max(axis=0)
    reach = 0.5 * float((upper - lower).max())
    for axis in said.symmetry:
        error = symmetry_error(solid, said, axis)
        if error > _SYMMETRIC:
            turn = "any angle" if axis.order is None else f"1/{axis.order} of a turn"
            notes.add(
                "warning",
                "symmetry",
                f"turned about {list(axis.axis)} by {turn}, it differs by {100 * error:.1f} % of its size",
                "check axis and point, in the mesh's frame and unit",
            )
    for name, point in said.keypoints.items():
        placed = place_points(np.array([point]), said)[0]
        outside = float(np.maximum(np.maximum(lower - placed, placed - upper), 0.0).max())
        if outside > reach:
            notes.add(
                "warning",
                "keypoint",
                f"keypoint {name!r} lies {_length(outside)} outside its box",
                "keypoints are in the mesh's frame and unit",
            )


def _compare(assets: Sequence[AssetFile], reports: Sequence[AssetReport]) -> list[AssetReport]:
    """Warn of assets of one drawn mesh, or one shape, that fall into several splits."""
    known: dict[str | tuple[float, ...], list[int]] = {}
    for number, report in enumerate(reports):
        for digest in assets[number].visual_sha256 if report.split is not None else ():
            known.setdefault(digest, []).append(number)
        if report.split is not None and "volume" in report.facts:
            shape = (*(float(f"{side:.3g}") for side in report.facts["size"]), float(f"{report.facts['volume']:.3g}"))
            known.setdefault(shape, []).append(number)
    changed = list(reports)
    for key, numbers in known.items():
        for number in numbers:
            report = changed[number]
            others = [assets[k].name for k in numbers if reports[k].split != report.split]
            if others and all(finding.code != "twin" for finding in report.findings):
                what = "draws a mesh" if isinstance(key, str) else "has the size and volume"
                finding = Finding(
                    level="warning",
                    code="twin",
                    message=f"{what} of {others[0]}, which is in another split",
                    advice="give both the same group in asset.yaml if they are one thing",
                )
                findings = sorted((*report.findings, finding), key=lambda item: LEVELS.index(item.level))
                changed[number] = replace(report, findings=tuple(findings))
    return changed


def _length(metres: float) -> str:
    if metres >= 1.0:
        return f"{metres:.3g} m"
    return f"{100 * metres:.3g} cm" if metres >= 0.01 else f"{1000 * metres:.3g} mm"
