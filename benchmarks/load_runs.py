"""Cases of suite `dataset`: rows per second of our loaders and of others', over the same rows."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cases import LoadCase
from load_data import dataset_version, make_rows, store
from loader_process import LoaderProcess, find_peers_python, peer_version
from page_cache import cached_fraction, evict, list_files
from read_limits import measure_disk, measure_stages
from report import CaseResult

from simloom.sim.bench.timing import Contestant, measure, quartiles

OURS, MAP, TORCH_MAP = "ours, deflate", "memory map", "memory map, torch"


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A contestant: what runs in its process."""

    name: str
    target: str
    package: str = ""
    """Distribution that it needs, of those that may be absent."""
    options: dict[str, Any] = field(default_factory=dict)
    slow: bool = False
    """Whether an epoch is cut to a few rows."""

    @property
    def is_ours(self) -> bool:
        """Whether it is simloom's."""
        return self.target.startswith("our_loaders")


_PACKED = {"packed": True}
LOADERS = (
    Loader(name=OURS, target="our_loaders:Rows"),
    Loader(name="ours, zstd", target="our_loaders:Rows", options={"codec": "zstd"}),
    Loader(name="ours, raw", target="our_loaders:Rows", options={"codec": "raw"}),
    Loader(name="ours torch, deflate", target="our_loaders:TorchLoader"),
    Loader(name="ours torch, raw", target="our_loaders:TorchLoader", options={"codec": "raw"}),
    Loader(name="h5py, gzip", target="plain_loaders:NaiveH5py", slow=True),
    Loader(name="WebDataset, npy", target="peer_loaders:WebDatasetLoader", package="webdataset"),
    Loader(name="WebDataset, png", target="peer_loaders:WebDatasetLoader", package="webdataset", options=_PACKED),
    Loader(name="LitData", target="peer_loaders:LitDataLoader", package="litdata"),
    Loader(name="LitData, zstd", target="peer_loaders:LitDataLoader", package="litdata", options=_PACKED),
    Loader(name="MosaicML, ndarray", target="peer_loaders:MosaicLoader", package="mosaicml-streaming"),
    Loader(name="MosaicML, png", target="peer_loaders:MosaicLoader", package="mosaicml-streaming", options=_PACKED),
    Loader(name=TORCH_MAP, target="plain_loaders:TorchMemoryMap"),
    Loader(name=MAP, target="plain_loaders:MemoryMap"),
)  # fmt: skip


def run_loaders(case: LoadCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    folder = make_rows(case.width, case.height, case.rows)
    row_bytes = sum(array[:1].nbytes for array in _source(folder).values())
    peers, versions, absent = find_peers_python(), dict[str, str](), list[str]()
    with ExitStack() as stack:
        entries = []
        for loader in LOADERS:
            if case.loaders and loader.name not in case.loaders:
                continue
            version = peer_version(peers, loader.package) if loader.package else "-"
            if not version:
                absent.append(f"{loader.name}: {loader.package} is not installed")
                continue
            if loader.package:
                versions[loader.package] = version
            options = {"batch": case.batch, "workers": case.workers, **loader.options}
            if loader.slow:
                options["few"] = min(case.few, case.rows)
            process = stack.enter_context(
                LoaderProcess(loader.target, options, python=peers if loader.package else sys.executable)
            )
            place = store(process, loader.name, folder, dataset_version() if loader.is_ours else version)
            entries.append(_Entry(loader=loader, process=process, place=place))
        for entry in entries:
            entry.open()
        _check_equal(entries, case.rows)
        measured = measure([entry.contestant(case) for entry in entries], repeats=repeats)
    decoded = row_bytes / 1e6
    return CaseResult(
        case=case.name,
        unit="row",
        settings={
            "resolution": [case.width, case.height],
            "rows": case.rows,
            "batch": case.batch,
            "workers": case.workers,
            "page_cache": "cold" if case.cold else "warm",
            "decoded_bytes_per_row": row_bytes,
            "versions": versions,
        },
        measurements=measured,
        ratios=[
            (ours.loader.name, other.loader.name)
            for ours in entries
            if ours.loader.is_ours
            for other in entries
            if not other.loader.is_ours
        ],
        facts={
            "decoded_megabytes_per_second": {m.name: m.rate * decoded for m in measured},
            "decoded_over_stored": {e.loader.name: row_bytes * case.rows / e.stored_bytes for e in entries},
            "stored_bytes_per_row": {e.loader.name: e.stored_bytes // case.rows for e in entries},
            "cpu_milliseconds_per_row": {e.loader.name: quartiles(e.cpu[1:])[1] for e in entries},
            "seconds_to_the_first_batch": {e.loader.name: quartiles(e.firsts[1:])[1] for e in entries},
            **({"cached_before_a_repeat": {e.loader.name: max(e.cached) for e in entries}} if case.cold else {}),
            **_limits(entries, case.cold),
            **({"left_out": absent} if absent else {}),
        },
    )


class _Entry:
    """A loader's process with its files."""

    def __init__(self, *, loader: Loader, process: LoaderProcess, place: Path) -> None:
        self.loader = loader
        self.process = process
        self.place = place
        self.stored_bytes = 0
        self.firsts: list[float] = []
        self.cached: list[float] = []
        self.cpu: list[float] = []
        self._epoch = 0

    def open(self) -> None:
        """Get ready."""
        self.stored_bytes = self.process.ask("open", folder=str(self.place))["stored_bytes"]

    def contestant(self, case: LoadCase) -> Contestant:
        """Give what is timed."""
        items = min(case.few, case.rows) if self.loader.slow else case.rows

        def run() -> float:
            self._epoch += 1
            if case.cold:
                self.process.ask("close")
                files = list_files(self.place)
                evict(files)
                self.cached.append(cached_fraction(files))
                self.process.ask("open", folder=str(self.place))
            before = self.process.cpu_seconds()
            answer = self.process.ask("epoch", epoch=self._epoch)
            self.cpu.append(1e3 * (self.process.cpu_seconds() - before) / answer["rows"])
            if answer["rows"] != items:
                raise RuntimeError(f"{self.loader.name} gave {answer['rows']} rows of {items}")
            self.firsts.append(answer["first"])
            return float(answer["seconds"])

        return Contestant(name=self.loader.name, items=items, run=run)


def _check_equal(entries: list[_Entry], rows: int) -> None:
    """Require that all loaders give the same rows."""
    digests = {}
    for entry in entries:
        answer = entry.process.ask("check")
        if answer["distinct"] != rows:
            raise RuntimeError(f"{entry.loader.name} gave {answer['distinct']} rows of {rows}")
        digests[entry.loader.name] = answer["digest"]
    if len(set(digests.values())) != 1:
        raise RuntimeError(f"loaders give different rows: {digests}")


def _source(folder: Path) -> dict[str, Any]:
    return {path.stem: np.load(path, mmap_mode="r") for path in (folder / "source").glob("*.npy")}


def _limits(entries: list[_Entry], cold: bool) -> dict[str, Any]:
    places = {entry.loader.name: entry.place for entry in entries}
    limits: dict[str, Any] = {"one_core_of_ours": measure_stages(places[OURS])}
    if cold:
        limits["disk_megabytes_per_second"] = measure_disk(places[MAP])
    return limits
