"""What a check of a dataset found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .errors import show_plainly

Kind: TypeAlias = Literal[
    "corrupt", "missing", "extra", "renamed", "swapped", "link", "differs", "note", "other platform"
]  # fmt: skip
"""What a finding is about; "note" and "other platform" are no problems."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found.

    Args:
        kind: What it is about.
        path: The file to blame, relative to the dataset.
        text: What is wrong, in words.
        rows: Rows of the dataset that are affected, where they could be told.
    """

    kind: Kind
    path: str
    text: str
    rows: tuple[int, ...] = ()

    @property
    def is_problem(self) -> bool:
        """Whether the dataset is not what it should be."""
        return self.kind not in ("note", "other platform")

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.rows[:8])) + (" ..." if len(self.rows) > 8 else "")
        rows = f" (rows {shown})" if self.rows else ""
        return show_plainly(f"{self.kind}: {self.path}: {self.text}{rows}")


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """The result of `verify_dataset`.

    Args:
        status: How far the dataset is: "complete, 100 rows", or "incomplete, 3 of 13 shards".
        root_digest: Digest of every committed row, or None where the commits cannot be read.
        checked_files: Number of files hashed.
        checked_rows: Number of rows decoded and compared with their digests.
        findings: What was found, problems first.
        repaired: Derived files that were made again.
    """

    status: str
    root_digest: str | None
    checked_files: int
    checked_rows: int
    findings: tuple[Finding, ...] = field(default=())
    repaired: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no problem was found; an incomplete dataset may be ok."""
        return not self.problems

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are problems."""
        return tuple(finding for finding in self.findings if finding.is_problem)

    @property
    def exit_code(self) -> int:
        """What the command line returns: 0, or 42 for a problem."""
        return 0 if self.ok else 42

    def lines(self) -> list[str]:
        """Give the report as lines of text."""
        head = f"{self.status}; {self.checked_files} files and {self.checked_rows} rows checked"
        digest = [f"root digest {self.root_digest}"] if self.root_digest else []
        made = [f"made again: {', '.join(self.repaired)}"] if self.repaired else []
        verdict = "ok" if self.ok else f"{len(self.problems)} problems"
        return [head, *digest, *made, *map(str, self.findings), verdict]


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Order findings: problems first, then by path; equal ones once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda item: (not item.is_problem, item.path, item.kind, item.text)))
