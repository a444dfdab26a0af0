"""Results: JSON for machines, Markdown and a printed table for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simloom.sim.bench.timing import Measurement, speed_ratio

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What one case gave."""

    case: str
    """Its name."""
    unit: str
    """What is counted, e.g. frame."""
    settings: dict[str, Any]
    """Resolution, batch, types, what is excluded."""
    measurements: Sequence[Measurement]
    """One per contestant."""
    ratios: Sequence[tuple[str, str]] = ()
    """Pairs of contestants whose rates are compared, ours first."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Agreement, limits, memory: what stands beside the speed."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        by_name = {m.name: m for m in self.measurements}
        ratios = {}
        for ours, theirs in self.ratios:
            low, middle, high = speed_ratio(by_name[ours], by_name[theirs])
            ratios[f"{ours} / {theirs}"] = {"median": middle, "quartiles": [low, high]}
        return {
            "case": self.case,
            "unit": self.unit,
            "settings": self.settings,
            "results": [{"contestant": m.name, **m.to_json(), **m.extra} for m in self.measurements],
            "ratios": ratios,
            "facts": self.facts,
        }


def table_rows(case: dict[str, Any]) -> list[list[str]]:
    """Return the lines of a table for one case of a result file: contestant, rate, quartiles, first call, ratios."""
    rows = []
    for result in case["results"]:
        low, high = result["rate_quartiles"]
        ratios = [
            f"{value['median']:.3g}x {name.split(' / ')[1]}"
            for name, value in case["ratios"].items()
            if name.split(" / ")[0] == result["contestant"]
        ]
        rows.append(
            [
                case["case"],
                result["contestant"],
                f"{_short(result['rate'])} {case['unit']}/s",
                f"{_short(low)} to {_short(high)}",
                f"{result['first_call_seconds']:.2f} s",
                ", ".join(ratios),
            ]
        )
    return rows


HEADER = ["case", "contestant", "rate (median)", "quartiles", "first call", "speed ratio (median of paired repeats)"]


def to_markdown(document: dict[str, Any]) -> str:
    """Return the Markdown page of a result file."""
    meta = document["metadata"]
    lines = [
        f"# {document['suite']} on {_processor(meta)}",
        "",
        f"Commit `{meta['commit'][:12]}`{' with changes' if meta['modified'] else ''}, Python {meta['python']}, "
        + ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
        + f"; load average {meta['load_before']} at the start; {document['repeats']} repeats, contestants interleaved.",
        "",
        *(f"{line}" for line in document["notes"]),
        "",
        f"| {' | '.join(HEADER)} |",
        f"|{'---|' * len(HEADER)}",
    ]
    for case in document["cases"]:
        lines += [f"| {' | '.join(row)} |" for row in table_rows(case)]
    lines.append("")
    for case in document["cases"]:
        lines += [f"## {case['case']}", ""]
        lines += [f"- {key}: {_plain(value)}" for key, value in {**case["settings"], **case["facts"]}.items()]
        lines.append("")
    return "\n".join(lines)


def to_text(document: dict[str, Any]) -> str:
    """Return the printed table of a result file, with what stands beside the speeds."""
    rows = [HEADER]
    for case in document["cases"]:
        rows += table_rows(case)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for case in document["cases"]:
        lines += [f"  {case['case']}: {key}: {_plain(value)}" for key, value in case["facts"].items()]
    return "\n".join(lines)


def save(document: dict[str, Any], machine: str, folder: Path = RESULTS) -> Path:
    """Write `<suite>--<machine>--<device>.json` and the same in Markdown.

    Args:
        document: The result file's contents; its "device" is "cpu" or "cuda".
        machine: Name of the processor or GPU, for the file's name.
        folder: Where to.

    Returns:
        The path of the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{document['suite']}--{machine}--{document.get('device', 'cpu')}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(to_markdown(document), encoding="utf-8")
    return path


def _processor(meta: dict[str, Any]) -> str:
    cpu = f"{meta['cpu']}, {meta['cores']} cores"
    return f"{meta['gpu']['name']}, beside {cpu}" if "gpu" in meta else cpu


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
