"""Suite `dataset`: rows per second of loaders, time to open many shards, memory and queries of many rows."""

from __future__ import annotations

from cases import LoadCase, RowsCase, ShardsCase
from index_runs import run_rows, run_shards
from load_runs import run_loaders
from report import CaseResult

NOTES = (
    "Rows of the tabletop as `generate` makes them, with sensor noise: rgb, depth (float32), instance, visible "
    "boxes and the row's number, in batches of 32 in an order that differs from epoch to epoch. Every loader gave "
    "the same rows with the same bytes, which is checked before the clock runs. A repeat is a whole epoch, from "
    "asking for the first batch to having the last. Megabytes are of decoded rows.",
    "Every loader runs in a process of its own, in turn with the others. Ours: `Dataset.read_rows` into arrays that "
    "are used again, in as many threads as the others have worker processes. The memory map copies rows of decoded "
    "`.npy` files into arrays that are used again, in as many threads: the roofline. The others, and the same map "
    "once more, are torch DataLoaders with persistent workers, batches put together in the workers.",
    "h5py: one file, gzip level 4, a chunk a row, read row by row. WebDataset, LitData and MosaicML streaming read "
    "local files in 16 shards, each once with arrays as they are and once packed without loss (JPEG would be other "
    "pixels): PNG, or zstd over chunks. WebDataset reads in sequence and shuffles shards and a buffer; the others "
    "draw rows at random, LitData within chunks.",
    "Warm: all files in the page cache. Cold: each file is dropped from it before every repeat (`posix_fadvise`, "
    "which needs no privilege; mapped pages are let go first), workers start anew within the repeat. What the host "
    "of a virtual machine keeps is beyond that: `disk_megabytes_per_second` is one sequential read of the decoded "
    "files, dropped before.",
    "CPU time is that of a loader's process and its workers, in ticks of 10 ms.",
    "Many shards: eight rows of 24x16 each, with all that a row has (some 150 arrays). `commits only` is the same "
    "dataset without its last shard and without manifest: the records tell what is there. h5py opens every file and "
    "asks for the number of its rows, which is what a user's dataset does at the start.",
    "Many rows: manifest and table as they are, 16 parameters, eight rows a world. Peak memory is what a fresh "
    "process gained (VmHWM). pyarrow reads the whole table and filters it.",
)


def run_case(case: LoadCase | ShardsCase | RowsCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    match case:
        case LoadCase():
            return run_loaders(case, repeats=repeats)
        case ShardsCase():
            return run_shards(case, repeats=repeats)
        case RowsCase():
            return run_rows(case, repeats=repeats)
