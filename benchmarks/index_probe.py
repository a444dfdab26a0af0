"""Opens and queries a dataset in a process of its own, so that its memory is told apart; run by `loader_program.py`."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

from suite_start import peak_kib

from simloom.sim.dataset import open_dataset


class IndexProbe:
    """What a process needs to hold and to query an index."""

    def open(self, folder: Path) -> None:
        """Open a dataset and list its rows; notes the time and the memory."""
        before = self._peak()
        begun = time.perf_counter()
        self._dataset = open_dataset(folder)
        self._count = len(self._dataset)
        self._seconds, self._peak_bytes = time.perf_counter() - begun, self._peak() - before

    def stored_bytes(self, folder: Path) -> int:
        """Count the bytes that are read for it."""
        return sum((folder / name).stat().st_size for name in ("manifest.json", "samples.parquet"))

    def describe(self) -> dict[str, Any]:
        """Tell what opening took."""
        return {
            "rows": self._count,
            "seconds": self._seconds,
            "peak_bytes": self._peak_bytes,
            "held_bytes": self._dataset.rows.nbytes,
            "pickled_bytes": len(pickle.dumps(self._dataset)),
        }

    def query(self, text: str) -> dict[str, Any]:
        """Time a query."""
        before, begun = self._peak(), time.perf_counter()
        found = len(self._dataset.where(text))
        return {"seconds": time.perf_counter() - begun, "found": found, "peak_bytes": self._peak() - before}

    @staticmethod
    def filter_table(folder: str, column: str) -> dict[str, Any]:
        """Time what a user would write: the whole table read and filtered by pyarrow."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        begun = time.perf_counter()
        table = pq.read_table(Path(folder) / "samples.parquet")
        found = table.filter((pc.field("weight") > 0.9) & (pc.field(column) < 0.5)).num_rows
        return {"seconds": time.perf_counter() - begun, "found": found}

    def close(self) -> None:
        """Let go of the dataset."""
        self._dataset.close()

    @staticmethod
    def _peak() -> int:
        import os

        return 1024 * peak_kib(os.getpid())
