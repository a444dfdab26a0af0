"""Which camera is measured anew with what: a wish settled against what the datasets hold."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...kernels.augment import CameraAugment, DepthAugment
from ...kernels.camera_profile import CameraProfile
from ...kernels.philox import stream_key
from ...kernels.profiles import DepthProfile, load_profile
from ..errors import UsageError

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

Module = CameraAugment | DepthAugment
COLOUR, DEPTH = "colour", "depth"
_MADE: Final = {COLOUR: ("rgb",), DEPTH: ("depth", "depth_status")}
_DEFAULT_CAMERA: Final = "generic_rgb"


@dataclass(frozen=True, kw_only=True)
class Remeasurement:
    """One camera's colour or depth, of those sources that hold the ideal array.

    Args:
        camera: Name of the camera.
        signal: "colour" or "depth".
        modules: The module of each source by its name.
        unit: Which specimen of its make it is.
        normal: The array of surface normals, from which a depth sensor knows what leans away; empty for none.
    """

    camera: str
    signal: str
    modules: Mapping[str, Module]
    unit: int
    normal: str = ""

    @property
    def ideal(self) -> str:
        """The array that is measured."""
        return f"ideal/{self.camera}/{self.signal}"

    @property
    def intrinsics(self) -> str:
        """The array that tells focal length and principal point."""
        return f"camera/{self.camera}/intrinsics"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The arrays that are read."""
        return tuple(filter(None, (self.ideal, self.intrinsics, self.normal)))

    @property
    def made(self) -> tuple[str, ...]:
        """The arrays that are made."""
        return tuple(f"sensor/{self.camera}/{reading}" for reading in _MADE[self.signal])


def plan_remeasurements(sources: Mapping[str, Dataset], wanted: Any, *, seed: int) -> list[Remeasurement]:
    """Settle which cameras are measured with what.

    Args:
        sources: Datasets by name.
        wanted: A profile, its name, or a module: for every camera with the ideal arrays. Or the same by camera; a list
            gives one for colour and one for depth. A depth profile alone takes the colour camera that the recipe
            names, where ideal colour is there.
        seed: Seed of the noise, [0, 2^64); a module given has its own.

    Raises:
        UsageError: A profile is unknown or of another sensor, or ideal arrays are missing.
    """
    by_camera = wanted if isinstance(wanted, Mapping) else dict.fromkeys(_find_cameras(sources), wanted)
    steps = [
        step
        for camera, given in by_camera.items()
        for step in _plan_camera(camera, given, sources, seed, is_named=isinstance(wanted, Mapping))
    ]
    if not steps:
        raise UsageError(_tell_missing("ideal/<camera>/colour or ideal/<camera>/depth", sources))
    return steps


def _find_cameras(sources: Mapping[str, Dataset]) -> list[str]:
    names = {name.split("/")[1] for dataset in sources.values() for name in dataset.shapes if name[:6] == "ideal/"}
    return sorted(
        camera for camera in names if any({f"ideal/{camera}/colour", f"ideal/{camera}/depth"} & d.shapes.keys()
                                          for d in sources.values())
    )  # fmt: skip


def _plan_camera(
    camera: str, given: Any, sources: Mapping[str, Dataset], seed: int, *, is_named: bool
) -> list[Remeasurement]:
    several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    chosen: dict[str, Any] = {}
    for one in several:
        signal, module = _find_signal(camera, one)
        if signal in chosen:
            raise UsageError(f"augment names two sensors for the {signal} of {camera!r}; give one for each")
        chosen[signal] = module
    is_alone = len(several) == 1 and not is_named
    if is_alone and DEPTH in chosen:
        chosen[COLOUR] = None  # what the recipe names
    steps = []
    for signal, profile in chosen.items():
        ideal = f"ideal/{camera}/{signal}"
        holders = {name: dataset for name, dataset in sources.items() if ideal in dataset.shapes}
        if not holders and not is_alone:
            raise UsageError(_tell_missing(ideal, sources))
        if holders:
            number, unit = _place_in_rig(camera, next(iter(holders.values())))
            modules = {
                name: _make_module(signal, profile, camera, dataset, number, _source_seed(seed, name, sources))
                for name, dataset in holders.items()
            }
            normal = f"label/{camera}/normal"
            is_known = signal == DEPTH and all(normal in dataset.shapes for dataset in holders.values())
            steps.append(
                Remeasurement(
                    camera=camera,
                    signal=signal,
                    modules=modules,
                    unit=unit << 16 | number,
                    normal=normal if is_known else "",
                )
            )
    return steps


def _find_signal(camera: str, given: Any) -> tuple[str, Any]:
    """Tell whether a profile or module is for colour or for depth."""
    if isinstance(given, CameraAugment | DepthAugment):
        return (COLOUR if isinstance(given, CameraAugment) else DEPTH), given
    profile = given
    if isinstance(given, str):
        try:
            profile = load_profile(given)
        except ValueError as error:
            raise UsageError(f"augment of {camera!r}: {error}") from None
    if isinstance(profile, CameraProfile):
        return COLOUR, profile
    if isinstance(profile, DepthProfile):
        return DEPTH, profile
    raise UsageError(
        f"augment of {camera!r} must be a camera or depth profile, its name, or a CameraAugment or DepthAugment; "
        f"got {given!r:.80}"
    )


def _make_module(signal: str, profile: Any, camera: str, dataset: Dataset, number: int, seed: int) -> Module:
    if isinstance(profile, CameraAugment | DepthAugment):
        return copy.copy(profile)  # its epoch is set here, not in the caller's own
    if signal == DEPTH:
        return DepthAugment(profile, seed=seed, sensor=number)
    if profile is None:
        recorded = dataset.tables.get("cameras", {}).get(camera, {}).get("camera")
        profile = recorded if isinstance(recorded, str) else _DEFAULT_CAMERA
    return CameraAugment(profile, seed=seed, sensor=number)


def _place_in_rig(camera: str, dataset: Dataset) -> tuple[int, int]:
    """Tell a camera's number in its rig, and which specimen it is."""
    rig = dataset.tables.get("cameras", {})
    number = list(rig).index(camera) if camera in rig else 0
    unit = rig.get(camera, {}).get("unit", 0)
    return number, unit if isinstance(unit, int) else 0


def _source_seed(seed: int, name: str, sources: Mapping[str, Any]) -> int:
    """Give each source of a mixture noise of its own: rows of two sources have the same numbers."""
    if len(sources) == 1:
        return seed
    low, high = stream_key(seed, f"source/{name}")
    return int(low) | int(high) << 32


def _tell_missing(ideal: str, sources: Mapping[str, Any]) -> str:
    where = "the dataset" if len(sources) == 1 else f"any of {', '.join(sources)}"
    return (
        f"augment needs {ideal}, which {where} does not hold: generate with "
        "`outputs: [..., ideal/colour, ideal/depth]` in the recipe"
    )
