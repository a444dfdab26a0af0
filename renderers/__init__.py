"""Renderers: a batch of snapshots and cameras in, frames out.

Names are resolved when they are first used (PEP 562): NumPy and Numba are all that rendering needs.

Example:
    >>> import simloom
    >>> frames = simloom.renderers.Raster(device="cpu").render(snapshots, cameras)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bullet import TinyRenderer as TinyRenderer
    from .dot_projector import DotProjector as DotProjector
    from .frames import Frames as Frames
    from .infrared import InfraredFrames as InfraredFrames
    from .infrared import render_infrared as render_infrared
    from .lighting import Lamp as Lamp
    from .lighting import Lighting as Lighting
    from .mesh_builder import MeshLibraryBuilder as MeshLibraryBuilder
    from .mesh_library import MeshLibrary as MeshLibrary
    from .raster.raster import Raster as Raster
    from .rays import RayCaster as RayCaster
    from .rays import RayHits as RayHits
    from .reflectance import material_reflectance as material_reflectance
    from .replay import load_replay as load_replay
    from .replay import save_replay as save_replay
    from .scan import ScanHits as ScanHits
    from .scan import cast_scan as cast_scan
    from .shutter import Shutter as Shutter
    from .skies import load_sky as load_sky
    from .snapshot import Deformation as Deformation
    from .snapshot import Snapshot as Snapshot
    from .surfaces import Materials as Materials
    from .surfaces import Pattern as Pattern
    from .view import Camera as Camera

__all__ = [
    "Camera",
    "Deformation",
    "DotProjector",
    "Frames",
    "InfraredFrames",
    "Lamp",
    "Lighting",
    "Materials",
    "MeshLibrary",
    "MeshLibraryBuilder",
    "Pattern",
    "Raster",
    "RayCaster",
    "RayHits",
    "ScanHits",
    "Shutter",
    "Snapshot",
    "TinyRenderer",
    "cast_scan",
    "load_replay",
    "load_sky",
    "material_reflectance",
    "render_infrared",
    "save_replay",
]

_HOMES = {
    "Camera": ".view",
    "Deformation": ".snapshot",
    "DotProjector": ".dot_projector",
    "Frames": ".frames",
    "InfraredFrames": ".infrared",
    "Lamp": ".lighting",
    "Lighting": ".lighting",
    "Materials": ".surfaces",
    "MeshLibrary": ".mesh_library",
    "MeshLibraryBuilder": ".mesh_builder",
    "Pattern": ".surfaces",
    "Raster": ".raster.raster",
    "RayCaster": ".rays",
    "RayHits": ".rays",
    "ScanHits": ".scan",
    "Shutter": ".shutter",
    "Snapshot": ".snapshot",
    "TinyRenderer": ".bullet",
    "cast_scan": ".scan",
    "load_replay": ".replay",
    "load_sky": ".skies",
    "material_reflectance": ".reflectance",
    "render_infrared": ".infrared",
    "save_replay": ".replay",
}


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use and remember it.

    Args:
        name: The attribute asked for.

    Returns:
        The class or function.

    Raises:
        AttributeError: If the name is not a public one.
    """
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
