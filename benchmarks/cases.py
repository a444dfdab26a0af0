"""What is measured: data only. `tiny` makes of each case one that runs in a second, for the tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from instrument_cases import BODY as BODY
from instrument_cases import INERTIAL as INERTIAL
from instrument_cases import LIDAR as LIDAR
from instrument_cases import NAVIGATION as NAVIGATION
from instrument_cases import SCANS as SCANS
from instrument_cases import BodyCase, InertialCase, LidarCase, NavigationCase, ScanCase
from occupancy_cases import TINY, OccupancyCase

Case = TypeVar("Case")


@dataclass(frozen=True, kw_only=True)
class RenderCase:
    """Our renderer against TinyRenderer and MuJoCo's on the tabletop with the Panda and ten objects."""

    name: str
    width: int
    """Image width [px]."""
    height: int
    """Image height [px]."""
    views: int
    """Views of one repeat, each with a snapshot of its own."""
    cores: int
    """Threads of ours, processes of theirs."""
    variants: tuple[str, ...] = (
        "same materials", "ambient occlusion", "no levels of detail", "patterns", "2x2 supersampling", "no shadow",
        "two looks", "depth and ids alone",
    )  # fmt: skip
    """Ours: the first is what is compared, the others stand beside it."""


@dataclass(frozen=True, kw_only=True)
class RayCase:
    """Our rays against PyBullet's and trimesh's on the tabletop with the Panda and ten objects."""

    name: str
    pattern: str
    """"spinning", a LiDAR of `height` channels beside the table, or "camera", one ray per pixel."""
    width: int
    """Rays per channel or line."""
    height: int
    """Channels or lines."""
    few: int = 20
    """Rays of one repeat of trimesh, which takes 50 ms for each."""


@dataclass(frozen=True, kw_only=True)
class ViewsCase:
    """Our renderer in batches of different sizes, and its memory over many views."""

    name: str
    side: int
    """Image width and height [px]."""
    batches: tuple[int, ...]
    """Views per call."""
    total: int
    """Views between the two readings of the resident memory."""
    cores: int


@dataclass(frozen=True, kw_only=True)
class PipelineCase:
    """`simloom.generate` against a user's script."""

    name: str
    width: int
    height: int
    views: int
    looks: int
    processes: int
    """Worker processes of ours (its main process renders on as many threads), and processes of theirs."""
    our_scenarios: int
    """Scenarios of one of our repeats."""
    their_scenarios: int
    """Scenarios of one of their repeats, a multiple of the processes."""
    steady: bool = True
    """Whether ours is the difference of a long and a short run, which takes start-up out."""


@dataclass(frozen=True, kw_only=True)
class SceneCase:
    """Settled worlds against a script of resetSimulation and loadURDF."""

    name: str
    scene: str
    """tabletop or driving."""
    objects: int
    """Objects of a world."""
    scenarios: int
    """Worlds of one of our repeats."""
    their_scenarios: int
    """Worlds of one of their repeats."""
    window: float = 0.0
    """Motion that is recorded [s]; 0 = the scene's own."""
    their_steps: int = 240
    """Steps of their worlds, whether things rest or not."""


@dataclass(frozen=True, kw_only=True)
class StartCase:
    """A fresh process up to its first row, on an empty and on a filled cache."""

    name: str
    rows: int
    """Rows made in all."""
    settings: tuple[str, ...] = ()
    """Changes to the built-in recipe."""


@dataclass(frozen=True, kw_only=True)
class SensorCase:
    """One sensor model against NumPy and others."""

    name: str
    kernel: str
    """camera, depth, structured_light, time_of_flight or philox."""
    images: int
    width: int
    height: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class WriteCase:
    """A shard against h5py."""

    name: str
    width: int
    height: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class LoadCase:
    """Our loaders against those of others, over the same rows."""

    name: str
    width: int
    height: int
    rows: int
    workers: int
    """Threads of ours, processes of theirs."""
    cold: bool
    """Whether the page cache is emptied of the files before every epoch."""
    few: int
    """Rows of an epoch of h5py."""
    batch: int = 32
    loaders: tuple[str, ...] = ()
    """Names of the loaders; all by default."""


@dataclass(frozen=True, kw_only=True)
class ShardsCase:
    """Opening a dataset of many shards."""

    name: str
    shards: int
    cold: bool


@dataclass(frozen=True, kw_only=True)
class RowsCase:
    """Opening and querying a dataset of many rows."""

    name: str
    rows: int
    """A multiple of 512."""


@dataclass(frozen=True, kw_only=True)
class VectorCase:
    """Our batch of tabletops with pictures against `AsyncVectorEnv` over TinyRenderer environments."""

    name: str
    width: int
    """Image width [px]."""
    height: int
    """Image height [px]."""
    environments: int
    """Environments of our batch."""
    steps: int
    """Steps of our batch in one repeat."""
    their_steps: int
    """Steps of theirs."""
    cores: int  # processes and threads


RENDER = (
    RenderCase(name="128x128, 1 core", width=128, height=128, views=32, cores=1),
    RenderCase(name="128x128, 2 cores", width=128, height=128, views=32, cores=2, variants=("same materials",)),
    RenderCase(name="640x480, 1 core", width=640, height=480, views=12, cores=1),
    RenderCase(name="640x480, 2 cores", width=640, height=480, views=12, cores=2, variants=("same materials",)),
)
RAYS = (
    RayCase(name="VLP-16, one turn, 1 core", pattern="spinning", width=1800, height=16),
    RayCase(name="camera 160x120, 1 core", pattern="camera", width=160, height=120),
)
VIEWS = (ViewsCase(name="64x64", side=64, batches=(1, 8, 64, 512, 4096), total=100_000, cores=2),)
_SMALL: dict[str, Any] = {"width": 128, "height": 128, "processes": 2}
_LARGE: dict[str, Any] = {"width": 640, "height": 480, "processes": 2}
PIPELINE = (
    PipelineCase(name="128x128, R = 1", views=1, looks=1, our_scenarios=48, their_scenarios=24, **_SMALL),
    PipelineCase(name="128x128, R = 8", views=4, looks=2, our_scenarios=24, their_scenarios=6, **_SMALL),
    PipelineCase(name="128x128, R = 32", views=8, looks=4, our_scenarios=16, their_scenarios=2, **_SMALL),
    PipelineCase(name="640x480, R = 1", views=1, looks=1, our_scenarios=32, their_scenarios=16, **_LARGE),
    PipelineCase(name="640x480, R = 8", views=4, looks=2, our_scenarios=12, their_scenarios=2, **_LARGE),
    PipelineCase(name="640x480, R = 32", views=8, looks=4, our_scenarios=8, their_scenarios=2, **_LARGE),
)
SCENES = (
    SceneCase(name="tabletop, 10 objects", scene="tabletop", objects=10, scenarios=24, their_scenarios=8),
    SceneCase(
        name="tabletop, 10 objects, 0.25 s of motion", scene="tabletop", objects=10, scenarios=16, their_scenarios=8,
        window=0.25,
    ),
    SceneCase(name="driving, 10 objects", scene="driving", objects=10, scenarios=16, their_scenarios=8),
    SceneCase(
        name="driving, as many steps", scene="driving", objects=10, scenarios=16, their_scenarios=8, their_steps=1100,
    ),
)  # fmt: skip
START = (
    StartCase(name="tabletop recipe", rows=64),
    StartCase(
        name="640x480, R = 32", rows=256, settings=("views=8", "looks=4", "rig.head.width=640", "rig.head.height=480")
    ),
)
SENSORS = (
    SensorCase(name="apply_camera 640x480", kernel="camera", images=8, width=640, height=480, threads=1),
    SensorCase(name="apply_camera 128x128", kernel="camera", images=64, width=128, height=128, threads=1),
    SensorCase(name="stereo 640x480", kernel="depth", images=8, width=640, height=480, threads=1),
    SensorCase(name="stereo 128x128", kernel="depth", images=64, width=128, height=128, threads=1),
    SensorCase(name="structured light 640x480", kernel="structured_light", images=4, width=640, height=480, threads=1),
    SensorCase(name="time of flight 640x480", kernel="time_of_flight", images=2, width=640, height=480, threads=1),
    SensorCase(name="philox words", kernel="philox", images=4, width=1024, height=1024, threads=1),
)
WRITE = (
    WriteCase(name="128x128", width=128, height=128, rows=128),
    WriteCase(name="640x480", width=640, height=480, rows=16),
)
_FEW_SMALL: dict[str, Any] = {"width": 128, "height": 128, "rows": 2048, "few": 512}
_FEW_LARGE: dict[str, Any] = {"width": 640, "height": 480, "rows": 256, "few": 64}
DATASET = (
    LoadCase(name="128x128, warm, 1 worker", workers=1, cold=False, **_FEW_SMALL),
    LoadCase(name="128x128, warm, 2 workers", workers=2, cold=False, **_FEW_SMALL),
    LoadCase(name="128x128, cold, 2 workers", workers=2, cold=True, **_FEW_SMALL),
    LoadCase(name="640x480, warm, 1 worker", workers=1, cold=False, **_FEW_LARGE),
    LoadCase(name="640x480, warm, 2 workers", workers=2, cold=False, **_FEW_LARGE),
    LoadCase(name="640x480, cold, 1 worker", workers=1, cold=True, **_FEW_LARGE),
    LoadCase(name="640x480, cold, 2 workers", workers=2, cold=True, **_FEW_LARGE),
    ShardsCase(name="1000 shards, warm", shards=1000, cold=False),
    ShardsCase(name="1000 shards, cold", shards=1000, cold=True),
    RowsCase(name="1 million rows", rows=512 * 1954),
    RowsCase(name="10 million rows", rows=512 * 19532),
)
VECTOR = (
    VectorCase(name="128x128, 2 cores", width=128, height=128, environments=32, steps=12, their_steps=10, cores=2),
    VectorCase(name="128x128, 1 core", width=128, height=128, environments=32, steps=8, their_steps=8, cores=1),
)


def tiny(case: Case) -> Case:
    """Return a case of the same kind that takes about a second."""
    changes: dict[str, Any] = {"width": 24, "height": 16}
    match case:
        case OccupancyCase():
            changes |= TINY
        case RenderCase():
            changes |= {"views": 2}
        case RayCase():
            changes |= {"few": 4}
        case ViewsCase():
            changes = {"side": 16, "batches": (1, 2), "total": 4}
        case PipelineCase():
            changes |= {"processes": 1, "our_scenarios": 1, "their_scenarios": 1, "views": 1, "looks": 1}
            changes["steady"] = False  # so short a run cannot be told from its start-up
        case SceneCase():
            changes = {"objects": 3, "scenarios": 1, "their_scenarios": 1}
        case StartCase():
            changes = {"rows": 1, "settings": ("views=1", "looks=1", "rig.head.width=24", "rig.head.height=16")}
        case SensorCase():
            changes |= {"images": 2}
        case LidarCase():
            changes = {"frames": 2, "firings": 100}
        case ScanCase():
            changes = {"frames": 1, "firings": 100, "few": 20}
        case BodyCase():
            changes = {"robots": 2, "samples": 30}
        case InertialCase():
            changes = {"robots": 2, "samples": 50, "few": 20}
        case NavigationCase():
            changes = {"rows": 2, "samples": 8}
        case LoadCase():
            changes |= {"rows": 8, "few": 4, "batch": 4, "workers": 1, "cold": True}  # cold does all that warm does
            changes["loaders"] = ("ours, deflate", "memory map")  # importing torch takes seconds a process
        case ShardsCase():
            changes = {"shards": 3, "cold": True}
        case RowsCase():
            changes = {"rows": 1024}
        case VectorCase():
            changes |= {"environments": 2, "steps": 1, "their_steps": 1, "cores": 1}
        case _:
            changes |= {"rows": 2}
    return replace(case, **changes)  # type: ignore[type-var]
