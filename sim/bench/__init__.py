"""How fast this machine is: every stage of the pipeline as a rate, beside what bounds it and what others do.

Example:
    >>> from simloom.sim.bench import run_bench
    >>> report = run_bench("tabletop", seconds=30.0)
    >>> print(report.to_markdown())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench import run_bench as run_bench
    from .report import BenchReport as BenchReport

__all__ = ["BenchReport", "run_bench"]


def __getattr__(name: str) -> Any:
    # A machine with a GPU and few packages uses single files of this folder.
    if name == "run_bench":
        from .bench import run_bench

        return run_bench
    if name == "BenchReport":
        from .report import BenchReport

        return BenchReport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return list(__all__)
