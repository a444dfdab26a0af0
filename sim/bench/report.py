"""The report of a bench: JSON for machines, Markdown to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .pipeline_stage import PipelineResult
from .stage_result import StageResult

HEADER: Final = ("stage", "rate (median)", "quartiles", "of its roof", "against")
"""Columns of the table of stages."""


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """What was measured where."""

    subject: str
    """Recipe, or file of snapshots."""
    device: str
    """Where rendering and sensing ran: "cpu" or "cuda"."""
    metadata: Mapping[str, Any]
    """Commit, versions, processor, cores, memory, load; see `machine.describe_machine`."""
    stages: tuple[StageResult, ...]
    """The stages, in their order."""
    pipeline: PipelineResult | None
    """The whole, None where it was not run."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""

    @property
    def processor(self) -> str:
        """Name of what rendered and sensed."""
        cpu = f"{self.metadata['cpu']}, {self.metadata['cores']} cores"
        return f"{self.metadata['gpu']['name']}, {cpu}" if "gpu" in self.metadata else cpu

    def rows(self) -> list[tuple[str, ...]]:
        """Return the lines of the table of stages, as text."""
        return [_line(stage) for stage in self.stages]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "bench": 1,
            "subject": self.subject,
            "device": self.device,
            "metadata": dict(self.metadata),
            "stages": [stage.to_json() for stage in self.stages],
            "pipeline": None if self.pipeline is None else self.pipeline.to_json(),
            "notes": list(self.notes),
        }

    def to_markdown(self) -> str:
        """Return a page: machine and versions, the stages, the pipeline, and what each number leaves out."""
        meta = self.metadata
        versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items() if version != "absent")
        commit = f"`{meta['commit'][:12]}`" if meta["commit"] else "unknown"
        lines = [
            f"# simloom bench: {self.subject} on {self.processor}",
            "",
            f"simloom {meta['simloom']}, commit {commit}{' with changes' if meta['modified'] else ''}; Python "
            f"{meta['python']}, {versions}; {meta['memory_gib']} GiB of memory, {meta['system']}; load average "
            f"{meta['load_before']} at the start. Rendering and sensing on {self.device}.",
        ]
        if "gpu" in meta:
            lines += ["", "GPU: " + ", ".join(f"{name} {value}" for name, value in meta["gpu"].items()) + "."]
        lines += ["", *(f"- {note}" for note in self.notes)]
        lines += ["", f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows()]
        if self.pipeline is not None:
            lines += ["", "## Pipeline", "", describe_pipeline(self.pipeline), "", self.pipeline.table()]
        lines += ["", "## What stands behind each rate", ""]
        for stage in self.stages:
            facts = "; ".join(f"{name.replace('_', ' ')} {plain(value)}" for name, value in stage.facts.items())
            moved = "" if stage.bytes_per_item is None else f" {stage.bytes_per_item:,.0f} bytes a {stage.unit}."
            lines.append(f"- **{stage.stage}**: {facts}.{moved} Excluded: {stage.excluded}.")
            for other in stage.measurements:
                low, high = other.rate_quartiles
                spread = f"{short(low)} to {short(high)}"
                lines.append(
                    f"  - {other.name}: {short(other.rate)} {stage.unit}s/s ({spread}), first call "
                    f"{other.first_call:.2f} s, {len(other.seconds)} repeats"
                )
        lines += [
            "",
            "Rates are medians over repeats in which ours, roof and peers take turns; quotients are medians over "
            "neighbouring repeats. First calls, which compile and touch memory, are apart.",
        ]
        return "\n".join(lines) + "\n"


def describe_pipeline(pipeline: PipelineResult) -> str:
    """Say in a sentence how fast the whole is, and what it hangs on."""
    alone = ", ".join(f"{name} {short(rate)}" for name, rate in pipeline.alone.items())
    told = f" Alone the stages give, in rows/s: {alone}." if alone else ""
    return (
        f"{short(pipeline.rate)} rows/s over {pipeline.seconds:.1f} s ({pipeline.rows} rows), after a start of "
        f"{pipeline.start:.1f} s. **{pipeline.binding}** binds: it is the busiest.{told}"
    )


def _line(stage: StageResult) -> tuple[str, ...]:
    low, high = stage.ours.rate_quartiles
    fraction = stage.roof_fraction
    roof = "-" if fraction is None else f"{100.0 * fraction[1]:.3g} % of {stage.roof}"
    peers = ", ".join(
        f"{ratio[1]:.3g}x {name.partition(' / ')[2]}" for name, ratio in stage.peer_ratios.items()
    )  # fmt: skip
    return (
        stage.stage,
        f"{short(stage.ours.rate)} {stage.unit}s/s",
        f"{short(low)} to {short(high)}",
        roof,
        peers or "-",
    )


def short(value: float) -> str:
    """Write a rate in three digits or whole numbers."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def plain(value: Any) -> str:
    """Write a fact for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
