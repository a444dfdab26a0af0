"""Let every call of a writer fail once, by every error that passes and some that do not."""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.forked import run_forked
from faults.os_calls import intercept_calls
from faults.small_rows import FEWER, check_survivors, finish_and_verify, write_dataset
from simloom.sim.dataset.errors import DatasetError

ERRORS = {
    errno.ENOSPC: 75, errno.EDQUOT: 75, errno.EINTR: 75, errno.EAGAIN: 75, errno.ESTALE: 75, errno.EMFILE: 75,
    errno.EIO: 42, errno.EROFS: 2,
}  # fmt: skip
"""Exit code of each error."""


def _write(folder: Path, number: int, code: int, stays: bool, report: Callable[[str], None]) -> None:
    """Write with one failing call, or with all failing from there on; tell the name of the call and how it ended."""
    done, names = 0, set()

    def pass_on(name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        nonlocal done
        done += 1
        # What frees room works on a full disk too.
        if done == number or (stays and done > number > 0 and name in ("write", "posix_fallocate", "fsync", "link")):
            reads = name == "open" and not args[1] & os.O_CREAT
            if reads and code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                return call(*args, **named)  # no system says so to one who reads
            names.add(name)
            if name == "close":
                call(*args, **named)
            raise OSError(code, os.strerror(code))
        return call(*args, **named)

    with intercept_calls(pass_on):
        try:
            write_dataset(folder, report=report)
        except DatasetError as error:
            report(f"refused {error.exit_code} {type(error).__name__}")
        else:
            report(f"calls {done}")
    report(f"names {' '.join(sorted(names))}")


def campaign(folder: Path, *, every: int, errors: int) -> dict[str, Any]:
    """Run it; `every` takes only every n-th of the calls, `errors` only every n-th of the errors."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    template, place = folder / "growing", folder / "data"
    digest = run_forked(lambda report: report(str(write_dataset(folder / "whole")))).lines[0]
    write_dataset(template, FEWER)

    def run(number: int, code: int, stays: bool) -> list[str]:
        ending = run_forked(lambda report: _write(place, number, code, stays, report))
        return ending.lines if ending.code == 0 else [*ending.lines[:-1], "raised", ending.lines[-1]]

    shutil.copytree(template, place)
    last = next(int(line.split()[1]) for line in run(-1, 0, False) if line.startswith("calls"))
    shutil.rmtree(place)
    for code, exit_code in list(ERRORS.items())[::errors]:
        for number in range(1, last + 1, every):
            for stays in (False, True):
                shutil.copytree(template, place)
                told = run(number, code, stays)
                name = f"{errno.errorcode[code]}, {'from then on' if stays else 'once'}"
                promised = [f"0 {FEWER}", *(line for line in told if line[0].isdigit())]
                outcome = _judge(place, told, promised, exit_code, digest, failures, f"{name}, call {number}")
                counts[name][outcome] += 1
                shutil.rmtree(place)
    return {"counts": counts, "failures": failures}


def _judge(
    folder: Path, told: list[str], promised: list[str], code: int, digest: str, failures: list[str], name: str
) -> str:
    def look(report: Callable[[str], None]) -> None:
        check_survivors(folder, promised)
        finish_and_verify(folder, digest)

    looked = run_forked(look)
    if looked.code:
        failures.append(f"{name}: {told}: {looked.lines[-1]}")
        return "not resumed"
    if "raised" in told:
        failures.append(f"{name}: {told[-1]}")
        return "raised"
    ended = next(line for line in told if line.startswith(("refused", "calls")))
    if ended.startswith("calls"):
        return "went on"
    if not ended.startswith(f"refused {code} "):
        failures.append(f"{name}: {told}")
        return "another error"
    return f"exit code {code}, resumed"
