"""The compress, write and load stages: a shard of real rows, built, committed and read again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..dataset.codecs import Codecs, parse_codecs
from ..dataset.reader import open_dataset
from ..dataset.shard import build_shard
from ..dataset.writer import DatasetWriter
from .bandwidth import COPY, DISK, copy_contestant, write_raw
from .machine import core_count
from .naive_h5py import read_rows, write_rows
from .stage_result import StageResult
from .timing import Contestant, measure

H5PY: Final = "h5py gzip 4"
"""Name of the peer that writes."""
NAIVE: Final = "naive h5py"
"""Name of the peer that reads."""
MAP: Final = "memory map"
"""Name of the contestant that copies rows out of mapped files."""

Rows = Mapping[str, NDArray[Any]]


def measure_writing(
    rows: Rows, folder: Path, *, seconds: float, codec: str | Mapping[str, Any] | Codecs = "deflate"
) -> tuple[list[StageResult], Path]:
    """Time compressing a shard, and committing one to disk.

    Args:
        rows: Arrays as a dataset holds them, rows leading.
        folder: Where to; it is the disk that is measured.
        seconds: About how long [s].
        codec: How images are stored.

    Returns:
        The results of both, and the folder of a finished dataset of these rows.
    """
    codecs = parse_codecs(codec)
    count = len(rows["sample/index"])
    raw = sum(array.nbytes for array in rows.values())
    numbered = dict(rows) | {name: np.arange(count) for name in ("sample/index", "sample/scenario")}
    stored: list[int] = []
    folders: list[Path] = []

    def compress() -> None:
        stored.append(len(build_shard(numbered, codec=codecs)))

    def commit() -> float:
        if folders:
            shutil.rmtree(folders[-1])  # one dataset is on the disk at a time
        begun = time.perf_counter()
        folders.append(folder / f"commit{len(folders)}")
        writer = DatasetWriter.open(
            folders[-1], "simloom: 1\nscene: tabletop\n", rows_wanted=count, rows_per_scenario=1,
            scenarios_per_shard=count, codec=codecs,
        )  # fmt: skip
        writer.commit_shard(0, numbered)
        return time.perf_counter() - begun

    compress()
    size = stored[-1]
    compressed = measure(
        [
            Contestant(name=f"build_shard, {codecs.to_json()}", items=count, run=compress),
            copy_contestant("cpu", (raw + size) / count),
        ],
        seconds=0.4 * seconds,
        repeats=20,
    )
    shared: dict[str, Any] = {
        "mb_per_row": raw / count / 1e6, "stored_over_raw": size / raw, "threads": core_count(), "rows": count,
    }  # fmt: skip
    compress_result = StageResult(
        stage="compress",
        unit="row",
        measurements=tuple(compressed),
        roof=COPY,
        bytes_per_item=(raw + size) / count,
        facts={"mb_per_second": compressed[0].rate * raw / count / 1e6, **shared},
        excluded="digests and the disk; bytes are those of the rows read and of the file written, once",
    )
    written = measure(
        [
            Contestant(name="commit_shard", items=count, run=commit),
            Contestant(name=DISK, items=count, run=write_raw(folder / "raw", size)),
            Contestant(name=H5PY, items=count, run=lambda: write_rows(folder / "naive.h5", numbered)),
        ],
        seconds=0.6 * seconds,
        repeats=20,
    )
    DatasetWriter.open(
        folders[-1], "simloom: 1\nscene: tabletop\n", rows_wanted=count, rows_per_scenario=1,
        scenarios_per_shard=count, codec=codecs,
    ).finish()  # fmt: skip
    write_result = StageResult(
        stage="write",
        unit="row",
        measurements=tuple(written),
        roof=DISK,
        peers=(("commit_shard", H5PY),),
        bytes_per_item=size / count,
        facts={"mb_per_second": written[0].rate * raw / count / 1e6, **shared},
        excluded="nothing: it is compressing, digests of every row, file and record synced to disk. The roof writes as "
        "many bytes as the shard has and syncs once; h5py neither hashes nor syncs",
    )
    return [compress_result, write_result], folders[-1]


def measure_loading(dataset: Path, naive: Path, folder: Path, *, device: str, seconds: float) -> StageResult:
    """Time an epoch of shuffled batches, with the files in the page cache.

    Args:
        dataset: Folder of a dataset.
        naive: The same rows, written by h5py.
        folder: Where the roof's files go.
        device: Where batches go: "cpu" leaves them on the host.
        seconds: About how long [s].

    Returns:
        The result.
    """
    with open_dataset(dataset, skip_rejected=False) as opened:
        count = len(opened)
        batch = max(count // 4, 1)
        loader = opened.torch(batch_size=batch, drop_last=False, **({} if device == "cpu" else {"device": device}))
        rows = opened.read_rows(range(count), tuple(loader.rows.shapes))
        raw = sum(array.nbytes for array in rows.values())
        # Any order that jumps about: steps of the golden ratio.
        order = np.argsort(np.arange(count) * 0.6180339887498949 % 1.0)

        def ours() -> None:
            for _ in loader:
                pass

        name = "dataset.torch" if device == "cpu" else f"dataset.torch, to {device}"
        contestants = [
            Contestant(name=name, items=count, run=ours),
            Contestant(name=MAP, items=count, run=_map_rows(rows, folder / "map", order, batch)),
            Contestant(name=NAIVE, items=count, run=lambda: _drop(read_rows(naive, order.tolist()))),
        ]
        measured = measure(contestants, seconds=seconds, repeats=20)
    return StageResult(
        stage="load",
        unit="row",
        measurements=tuple(measured),
        roof=MAP,
        peers=((name, NAIVE),),
        bytes_per_item=raw / count,
        facts={"mb_per_second": measured[0].rate * raw / count / 1e6, "batch": batch, "rows": count},
        excluded="reading from the disk: all files lie in the page cache. The roof copies rows out of mapped, "
        "uncompressed files, in one thread; naive h5py reads row by row and makes no batches",
    )


def _map_rows(rows: Rows, folder: Path, order: NDArray[np.int64], batch: int) -> Callable[[], None]:
    folder.mkdir(parents=True)
    mapped: list[NDArray[Any]] = []
    for number, array in enumerate(rows.values()):
        path = folder / f"{number}.npy"
        np.save(path, array)
        mapped.append(np.load(path, mmap_mode="r"))
    rooms = [np.empty((batch, *array.shape[1:]), array.dtype) for array in mapped]

    def run() -> None:
        for first in range(0, len(order), batch):
            chosen = order[first : first + batch]
            for array, room in zip(mapped, rooms, strict=True):
                for place, row in enumerate(chosen):
                    room[place] = array[row]

    return run


def _drop(_: Any) -> None:
    return None
