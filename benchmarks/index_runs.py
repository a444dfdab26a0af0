"""Cases of suite `dataset`: datasets of many shards are opened, datasets of many rows queried."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from cases import RowsCase, ShardsCase
from index_data import make_index, make_shards
from loader_process import LoaderProcess
from page_cache import evict, list_files
from report import CaseResult

from simloom.sim.bench.timing import Contestant, measure
from simloom.sim.dataset import open_dataset

COMPLETE, COMMITS = "ours, complete", "ours, commits only"
HDF5, WHERE, TABLE = "h5py, every file", "ours, where", "pyarrow, whole table"


def run_shards(case: ShardsCase, *, repeats: int) -> CaseResult:
    """Measure one case of many shards."""
    complete, incomplete = make_shards(case.shards)
    evicted = list_files(complete) + list_files(incomplete) if case.cold else []
    held: dict[str, int] = {}

    def contestant(name: str, run: Callable[[], None]) -> Contestant:
        return Contestant(name=name, items=1, run=lambda: _time(run, evicted))

    measured = measure(
        [
            contestant(COMPLETE, lambda: _open(complete, held, COMPLETE)),
            contestant(COMMITS, lambda: _open(incomplete, held, COMMITS)),
            contestant(f"{COMPLETE}, first row", lambda: _open(complete, held, COMPLETE, read=True)),
            contestant(f"{COMMITS}, first row", lambda: _open(incomplete, held, COMMITS, read=True)),
            contestant(HDF5, lambda: _count(complete)),
        ],
        repeats=repeats,
    )
    return CaseResult(
        case=case.name,
        unit="open",
        settings={"shards": case.shards, "page_cache": "cold" if case.cold else "warm"},
        measurements=measured,
        ratios=[(m.name, HDF5) for m in measured if m.name != HDF5],
        facts={"seconds": {m.name: 1.0 / m.rate for m in measured}, "pickled_bytes": held},
    )


def _time(run: Callable[[], None], evicted: list[Path]) -> float:
    evict(evicted)
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _open(folder: Path, held: dict[str, int], name: str, *, read: bool = False) -> None:
    with open_dataset(folder) as dataset:
        if read:
            dataset[len(dataset) - 1]
            held[name] = len(pickle.dumps(dataset))


def _count(folder: Path) -> None:
    import h5py

    total = 0
    for path in sorted((folder / "shards").glob("*.h5")):
        with h5py.File(path) as file:
            total += len(file["sample/index"])


def run_rows(case: RowsCase, *, repeats: int) -> CaseResult:
    """Measure one case of many rows."""
    folder = make_index(case.rows)
    schema = pq.ParquetFile(folder / "samples.parquet").schema_arrow
    column = next(name for name in schema.names if name.startswith("param/"))
    text = f"weight > 0.9 and {column.replace('/', '.')} < 0.5"
    with LoaderProcess("index_probe:IndexProbe", {}) as fresh:
        stored = fresh.ask("open", folder=str(folder))["stored_bytes"]
        opened = fresh.ask("call", method="describe")
        first = fresh.ask("call", method="query", given={"text": text})

        def where() -> float:
            return float(fresh.ask("call", method="query", given={"text": text})["seconds"])

        def table() -> float:
            answer = fresh.ask("call", method="filter_table", given={"folder": str(folder), "column": column})
            if answer["found"] != first["found"]:
                raise RuntimeError(f"{text}: {first['found']} rows by where, {answer['found']} by pyarrow")
            return float(answer["seconds"])

        measured = measure(
            [Contestant(name=WHERE, items=1, run=where), Contestant(name=TABLE, items=1, run=table)], repeats=repeats
        )
    return CaseResult(
        case=case.name,
        unit="query",
        settings={"rows": case.rows, "columns": len(schema.names), "query": text, "rows_found": first["found"]},
        measurements=measured,
        ratios=[(WHERE, TABLE)],
        facts={
            "seconds": {m.name: 1.0 / m.rate for m in measured},
            "seconds_of_the_first_query": first["seconds"],
            "seconds_to_open_and_list_rows": opened["seconds"],
            "memory_of_the_index_mib": {
                "rows held": opened["held_bytes"] / 2**20,
                "pickled": opened["pickled_bytes"] / 2**20,
                "peak while opening": opened["peak_bytes"] / 2**20,
                "further peak of the first query": first["peak_bytes"] / 2**20,
            },
            "bytes_per_row": {
                "held": opened["held_bytes"] / case.rows,
                "peak": opened["peak_bytes"] / case.rows,
                "manifest and table on disk": stored / case.rows,
            },
        },
    )
