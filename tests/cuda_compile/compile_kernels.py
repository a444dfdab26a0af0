"""Compile every kernel for CUDA where no GPU is, and print what the compiler says of each: `make cuda-compile`.

Needs NumPy, Numba and numba-cuda with its compiler. A kernel is wrong that does not compile, that was never recorded,
or that computes more in double precision, spills more or takes more stack than `compiled.json` says of it; `--accept`
writes that file anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cuda_compile.compiled_kernel import Compiled, compile_launch
from cuda_compile.inferred_types import compare_types
from cuda_compile.kernel_list import find_kernels, is_current, read_launches

ACCEPTED = Path(__file__).with_name("compiled.json")
COLUMNS = ("registers", "stack", "spilled", "shared", "doubles", "calls", "instructions")
HELD = ("stack", "spilled", "doubles")
"""What may not grow unseen."""


def main() -> int:
    """Compile all kernels, or those whose names hold one of the words; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="parts of kernel names; all kernels without")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--keep", type=Path, help="folder for the PTX")
    parser.add_argument("--first", action="store_true", help="only the first recorded launch of each kernel")
    parser.add_argument("--types", action="store_true", help="only hold the types that both compilers infer together")
    parser.add_argument("--accept", action="store_true", help="what is found now is how it should be")
    options = parser.parse_args()
    kernels, launches = find_kernels(), read_launches()
    chosen = [name for name in kernels if not options.words or any(word in name for word in options.words)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        tasks = [
            (name, number, launch, folder)
            for name in chosen
            for number, launch in enumerate(launches.get(name, [])[: 1 if options.first else None])
            if is_current(kernels[name], launch)
        ]
        with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
            if options.types:
                lines = pool.starmap(compare_types, [(name, launch) for name, _, launch, _ in tasks], chunksize=1)
                different = sorted({line for some in lines for line in some})
                print(*different, f"{len(tasks)} launches compared, {len(different)} functions differ", sep="\n")
                return 1 if any(lines) else 0
            compiled = pool.starmap(compile_launch, tasks, chunksize=1)
    _print_table(compiled)
    wrong = [f"{one.name}, launch {one.launch}: {one.error}" for one in compiled if one.error]
    recorded = {name for name, *_ in tasks}
    wrong += [f"{name} is not recorded: make cuda-record TESTS=..." for name in chosen if name not in recorded]
    found = _find_worst(compiled)
    accepted = json.loads(ACCEPTED.read_text()) if ACCEPTED.exists() else {}
    if options.accept:
        kept = {name: value for name, value in accepted.items() if name in kernels} | found
        lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(kept.items())]
        ACCEPTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    else:
        wrong += [
            f"{name}: {key} were {accepted[name][key]}, now {value[key]}; mend it, or accept it: --accept"
            for name, value in found.items()
            for key in HELD
            if name in accepted and value.get(key, 0) > accepted[name].get(key, 0)
        ]
    seconds = sum(one.seconds for one in compiled)
    print(f"{len(compiled)} builds of {len(recorded)} kernels in {seconds:.0f} s of compiling")
    print(*(f"WRONG {text}" for text in wrong), sep="\n")
    return 1 if wrong else 0


def _find_worst(compiled: list[Compiled]) -> dict[str, dict[str, int]]:
    """Return the largest count of each kind over a kernel's launches."""
    worst: dict[str, dict[str, int]] = {}
    for one in compiled:
        if not one.error:
            known = worst.setdefault(one.name, {})
            known |= {key: max(value, known.get(key, 0)) for key, value in sorted(one.counts.items())}
    return worst


def _print_table(compiled: list[Compiled]) -> None:
    """Print a Markdown table, the heaviest kernels first."""
    print("| kernel |", " | ".join(COLUMNS), "| seconds |")
    print("|---|" + "---:|" * (len(COLUMNS) + 1))
    for one in sorted(
        compiled, key=lambda one: [-one.counts.get(key, 0) for key in ("stack", "registers", "instructions")]
    ):
        counts = " | ".join(str(one.counts.get(key, "-")) for key in COLUMNS)
        print(f"| {one.name.removeprefix('simloom.')} {one.launch or ''} | {counts} | {one.seconds:.1f} |")


if __name__ == "__main__":
    sys.exit(main())
