"""What is measured on a device, CPU or CUDA, without physics: data only. `tiny` makes of a case one for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

Case = TypeVar("Case")


@dataclass(frozen=True, kw_only=True)
class DeviceRenderCase:
    """Our renderer in batches of one to thousands of views of saved snapshots whose poses move."""

    name: str
    side: int
    """Image width and height [px]."""
    outputs: tuple[str, ...]
    batches: tuple[int, ...] = (1, 8, 64, 512, 4096, 8192)
    """Views per call."""
    seconds: float = 3.0
    """About how long each size of batch is repeated [s]."""
    small: bool = False
    """A world of three boxes instead of the Panda's."""


@dataclass(frozen=True, kw_only=True)
class DeviceDifferenceCase:
    """Every output of the renderer and the readings of the sensors, against the CPU's."""

    name: str
    subject: str
    """frames or sensors."""
    side: int
    views: int
    small: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceSensorCase:
    """A sensor on images that are on the device already."""

    name: str
    kernel: str
    """camera, stereo, structured_light or time_of_flight."""
    images: int
    width: int
    height: int
    copied: int = 1 << 30
    """Bytes of the copy that is the roof."""


@dataclass(frozen=True, kw_only=True)
class DeviceLoadCase:
    """Batches of a dataset to tensors of the device."""

    name: str
    side: int
    rows: int
    batch: int


COLOUR = ("colour", "depth", "instance")
LABELS = ("depth", "instance")
_SIDES = (64, 128, 256)
RENDER = (
    *(DeviceRenderCase(name=f"{side}x{side}", side=side, outputs=COLOUR) for side in _SIDES),
    *(DeviceRenderCase(name=f"labels, {side}x{side}", side=side, outputs=LABELS, seconds=1.5) for side in _SIDES),
)
DIFFERENCES = (
    DeviceDifferenceCase(name="frames, 128x128", subject="frames", side=128, views=64),
    DeviceDifferenceCase(name="sensors, 128x128", subject="sensors", side=128, views=16),
)
SENSORS = (
    DeviceSensorCase(name="camera 640x480", kernel="camera", images=64, width=640, height=480),
    DeviceSensorCase(name="stereo 640x480", kernel="stereo", images=64, width=640, height=480),
    DeviceSensorCase(name="camera 128x128", kernel="camera", images=1024, width=128, height=128),
    DeviceSensorCase(name="stereo 128x128", kernel="stereo", images=1024, width=128, height=128),
    DeviceSensorCase(name="structured light 640x480", kernel="structured_light", images=32, width=640, height=480),
    DeviceSensorCase(name="time of flight 640x480", kernel="time_of_flight", images=32, width=640, height=480),
)
LOADING = (DeviceLoadCase(name="128x128", side=128, rows=2048, batch=64),)
SUITES: dict[str, Sequence[Any]] = {
    "render": RENDER, "differences": DIFFERENCES, "sensors": SENSORS, "loading": LOADING,
}  # fmt: skip
"""Suite to cases; the code of a suite is `device_<name>.py`."""


def tiny(case: Case) -> Case:
    """Return a case of the same kind that takes a second, in the CUDA simulator too."""
    changes: dict[str, Any]
    match case:
        case DeviceRenderCase():
            changes = {"side": 6, "batches": (1, 2), "seconds": 0.0, "small": True}
        case DeviceDifferenceCase():
            changes = {"side": 8, "views": 2, "small": True}
        case DeviceSensorCase():
            changes = {"images": 1, "width": 24, "height": 8, "copied": 1 << 12}
        case _:
            changes = {"side": 8, "rows": 8, "batch": 4}
    return replace(case, name=f"tiny {case.name}", **changes)  # type: ignore[type-var, attr-defined]


def tiny_suites() -> dict[str, Sequence[Any]]:
    """Return one tiny case of each kind."""
    chosen = {
        "render": (RENDER[0], RENDER[len(_SIDES)]), "differences": DIFFERENCES, "sensors": SENSORS[:2],
        "loading": LOADING,
    }  # fmt: skip
    return {name: tuple(tiny(case) for case in members) for name, members in chosen.items()}
