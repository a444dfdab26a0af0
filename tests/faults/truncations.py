"""Cut files, and files with bytes behind, of every length that matters."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from faults.bit_flips import SHARD, judge_damage
from faults.forked import run_forked
from faults.small_rows import write_dataset
from simloom.sim.dataset.reader import open_dataset

PAGE = 4096


def lengths(size: int, near: int, every: int) -> list[int]:
    """Every page's end, every byte near both ends, and some in between.

    Args:
        size: Length of the file.
        near: How near.
        every: Step in between.
    """
    wanted = {*range(0, size, PAGE), *range(min(near, size)), *range(max(0, size - near), size), *range(0, size, every)}
    return sorted(wanted - {size})


def campaign(folder: Path, *, near: int, every: int) -> dict[str, Any]:
    """Run it."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    for codec in ("deflate", "raw"):
        place = folder / codec
        write_dataset(place, codec=codec)
        with open_dataset(place, skip_rejected=False) as dataset:
            table = dataset.table()
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            name = str(path.relative_to(place))
            if (name.startswith("shards/") and name != SHARD) or (codec == "raw" and name != SHARD):
                continue
            data = path.read_bytes()
            damaged = [data[:length] for length in lengths(len(data), near, every)]
            longer = [data + behind for behind in (b"\0", bytes(7), bytes(PAGE), data)[:: 1 if near > 1 else 2]]

            def run(report: Any) -> None:
                for group, contents in (("cut", damaged), ("longer", longer)):  # noqa: B023
                    for content in contents:
                        path.write_bytes(content)  # noqa: B023
                        report(f"{group}\t{judge_damage(place, name, table)}")  # noqa: B023
                path.write_bytes(data)  # noqa: B023

            ending = run_forked(run, limit=3600)
            failures.extend([ending.lines[-1]] if ending.code else [])
            for group, outcome in (line.split("\t") for line in ending.lines if "\t" in line):
                if outcome.startswith("FAILED"):
                    failures.append(f"{name} ({codec}) {group}: {outcome}")
                counts[f"{name.split('/')[0]}, {group}"]["failed" if outcome.startswith("FAILED") else outcome] += 1
    return {"counts": counts, "failures": failures}
