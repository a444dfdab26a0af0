"""What the command line shows: progress, tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from .campaign.progress import Estimate, Progress

if TYPE_CHECKING:
    from .campaign.campaign import Campaign
    from .dataset.manifest import Manifest
    from .dataset.reader import Dataset
    from .quality.coverage import Coverage
    from .quality.gate import GateLine


_EMPTIEST, _HOLES = 12, 4  # what a screen holds


def _console() -> Console:
    return Console(highlight=False)


def _table(title: str) -> Table:
    """Make a table of names and values; long values are folded, never cut."""
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    return table


def _print_json(value: Any) -> None:
    _console().out(json.dumps(value, indent=2))


class _Rate(ProgressColumn):
    """Rows per second and time left, from the campaign's own count."""

    def render(self, task: Task) -> Text:
        left = task.fields["left"]
        end = "" if left is None else f", {_duration(left)} left"
        return Text(f"{task.fields['rate']:.1f} rows/s{end}")


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Show a bar on standard error while a campaign runs.

    Args:
        quiet: Whether to show nothing.

    Yields:
        What the campaign calls.
    """
    if quiet:
        yield lambda progress: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} rows"),
        _Rate(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, rate=0.0, left=None, visible=False)

        def show(progress: Progress) -> None:
            there = progress.rows_wanted - progress.rows_to_make
            bar.update(
                task,
                description="generating",
                visible=True,
                total=progress.rows_wanted,
                completed=there + progress.rows_made,
                rate=progress.rows_per_second,
                left=progress.seconds_left,
            )

        yield show


@contextmanager
def show_rows(*, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while rows are copied.

    Args:
        quiet: Whether to show nothing.

    Yields:
        What is called with the rows that are there and those wanted.
    """
    if quiet:
        yield lambda there, wanted: None
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} rows"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda there, wanted: bar.update(task, completed=there, total=wanted, visible=True)


def print_notes(notes: Sequence[str]) -> None:
    """Print what a user should know of a recipe, to standard error."""
    for note in notes:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"note: {note}", markup=False)


def print_estimate(estimate: Estimate, *, as_json: bool = False) -> None:
    """Print what a campaign would do."""
    if as_json:
        _print_json(asdict(estimate) | {"raw_bytes": estimate.raw_bytes})
        return
    table = _table("dry run: nothing is made")
    table.add_row("rows wanted", f"{estimate.rows_wanted}")
    table.add_row("rows there already", f"{estimate.rows_there}")
    table.add_row("rows to make", f"{estimate.rows_to_make} of {estimate.scenarios_to_make} scenarios")
    table.add_row("shards", f"{estimate.shards}")
    table.add_row("size of a row", f"{_size(estimate.row_bytes)} uncompressed")
    table.add_row("size to make", f"{_size(estimate.raw_bytes)} uncompressed")
    table.add_row("arrays", f"{len(estimate.arrays)}")
    _console().print(table)


def print_summary(campaign: Campaign, dataset: Dataset, *, as_json: bool = False) -> None:
    """Print what a campaign did."""
    times = campaign.times.seconds
    manifest = dataset.manifest
    stored = sum(path.stat().st_size for path in dataset.folder.rglob("*") if path.is_file())
    summary: dict[str, Any] = {
        "folder": str(dataset.folder),
        "status": dataset.status,
        "rows_accepted": len(dataset),
        "redraws": campaign.outcomes.redraw_count,
        "tombstones": campaign.outcomes.tombstone_count,
        "outcomes": campaign.outcomes.to_json(),
        "examples": campaign.examples,
        "draws": campaign.draws,
        "unmet": campaign.outcomes.count_of("requirement"),
        "acceptance": None if campaign.plan.acceptance is None else campaign.plan.acceptance.to_json(),
        "bytes": stored,
        "root_digest": dataset.root_digest if manifest is not None else None,
        "contact_sheet": str(dataset.folder / "contact_sheet.png") if manifest is not None else None,
        "seconds": {name: round(value, 3) for name, value in times.items()},
        "stages": [counter.to_json() for counter in campaign.times.counters],
        "rows_made": campaign.rows_made,
    }
    if as_json:
        _print_json(summary)
        return
    table = _table(str(dataset.folder))
    table.add_row("status", dataset.status)
    table.add_row("rows accepted", f"{len(dataset)} of {dataset.rows_wanted}")
    table.add_row("rows made now", f"{campaign.rows_made} in {_duration(times['total'])}")
    if campaign.rows_made:
        busy = max(times["total"] - times["start"], 1e-9)
        table.add_row("speed", f"{campaign.rows_made / busy:.1f} rows/s after a start of {times['start']:.1f} s")
        steps = ("physics", "render", "sensors", "gather", "write_wait")
        table.add_row("time waiting for", ", ".join(f"{s.replace('_wait', '')} {times[s]:.1f} s" for s in steps))
    table.add_row("redrawn scenarios", _by_reason(campaign.outcomes.redraws))
    table.add_row("tombstones", _by_reason(campaign.outcomes.tombstones))
    for reason, text in campaign.examples.items():
        table.add_row(f"first {reason.replace('_', ' ')}", text)
    if (acceptance := campaign.plan.acceptance) is not None:
        met = f"{campaign.draws - campaign.outcomes.count_of('requirement')} of {campaign.draws}"
        table.add_row("draws that met what is required", met)
        expected = f"{100 * acceptance.fraction:.1f} % (deviation {100 * acceptance.deviation:.1f})"
        each = "".join(f"\n{100 * count / acceptance.draws:.1f} %  {name}" for name, count in acceptance.met)
        table.add_row("expected of first draws", f"{expected}{each}")
    table.add_row("size on disk", _size(stored))
    if manifest is not None:
        table.add_row("root digest", manifest.root_digest)
        table.add_row("contact sheet", summary["contact_sheet"])
    _console().print(table)


def print_dataset(dataset: Dataset, *, as_json: bool = False) -> None:
    """Print what a dataset holds."""
    row = dataset.row(int(dataset.rows[0]))
    columns = dataset.table().to_pydict()
    valid = np.asarray(columns["valid"], bool)
    accepted = valid & (np.asarray(columns["verdict"]) == 0)
    summary: dict[str, Any] = {
        "folder": str(dataset.folder),
        "status": dataset.status,
        "rows": len(valid),
        "valid": int(valid.sum()),
        "accepted": int(accepted.sum()),
        "scenarios": len(set(columns["scenario"])),
        "outcomes": None if dataset.manifest is None else _outcomes(dataset.manifest),
        "root_digest": dataset.root_digest,
        "classes": dataset.classes,
        "arrays": {name: {"dtype": str(row[name].dtype), "shape": list(row[name].shape)} for name in sorted(row)},
    }
    if as_json:
        _print_json(summary)
        return
    console = _console()
    table = _table(str(dataset.folder))
    table.add_row("status", dataset.status)
    table.add_row("rows", f"{len(valid)}: {valid.sum()} valid, {accepted.sum()} accepted")
    table.add_row("scenarios", f"{summary['scenarios']}")
    if summary["outcomes"] is not None:
        table.add_row("redrawn scenarios", _by_reason(summary["outcomes"]["redraws"]))
        table.add_row("tombstones", _by_reason(summary["outcomes"]["tombstones"]))
    table.add_row("root digest", dataset.root_digest)
    table.add_row("classes", ", ".join(f"{key} {name}" for key, name in dict(dataset.classes).items()))
    console.print(table)
    arrays = Table()
    for heading in ("array", "dtype", "shape of one row", "unit", "meaning"):
        arrays.add_column(heading, no_wrap=heading == "array", overflow="fold")
    from .dataset.specs import find_spec

    for name in sorted(name for name in row if not name.startswith("param/")):
        told = find_spec(name).attributes(row[name].dtype.str)
        shape = " x ".join(str(side) for side in row[name].shape) or "1"
        arrays.add_row(name, str(row[name].dtype), shape, told["unit"], told["meaning"])
    console.print(arrays)
    parameters = sorted(name.removeprefix("param/") for name in row if name.startswith("param/"))
    console.print(f"{len(parameters)} parameters: {', '.join(parameters)}")


def print_row(dataset: Dataset, number: int, *, as_json: bool = False) -> None:
    """Print the values of one row; of large arrays their shape and range.

    Raises:
        UsageError: If the row is not there.
    """
    from .errors import UsageError

    try:
        row = dataset.row(number)
    except IndexError as error:
        raise UsageError(str(error)) from error
    shown = {name: _brief(value) for name, value in sorted(row.items())}
    if as_json:
        _print_json(shown)
        return
    table = Table("array", "value", title=f"row {number}")
    for name, value in shown.items():
        table.add_row(name, str(value))
    _console().print(table)


def print_gate(lines: Sequence[GateLine], *, as_json: bool = False) -> None:
    """Print the lines of the gate."""
    if as_json:
        _print_json([asdict(line) for line in lines])
        return
    for line in lines:
        _console().print(f"{'pass' if line.passed else 'FAIL'}  {line.name:28} {line.text}")


def print_coverage(coverage: Coverage, *, as_json: bool = False) -> None:
    """Print what a dataset covers: every parameter, the emptiest combinations, and holes by name."""
    if as_json:
        _print_json(coverage.to_json())
        return
    console = _console()
    singles = Table("parameter", "levels", "occupied", "rows in each")
    for each in coverage.singles:
        factor = each.factors[0]
        rows = ", ".join(f"{text}: {count}" for text, count in zip(factor.texts, each.counts.tolist(), strict=True))
        singles.add_row(factor.name, f"{len(factor.levels)}", f"{100 * each.share:.0f} %", rows)
    console.print(singles)
    left_out = f"; {coverage.left_out} tombstones and rejected rows left out" if coverage.left_out else ""
    console.print(
        f"{coverage.rows} rows hold {100 * coverage.share:.1f} % of the cells of {len(coverage.tuples)} combinations "
        f"of {coverage.strength}{left_out}"
    )
    holes = [each for each in coverage.tuples if each.hole_count][:_EMPTIEST]
    if not holes:
        return
    table = Table("emptiest combination", "occupied", "holes", "the first of them")
    for each in holes:
        named = [", ".join(hole.values()) for _, hole in zip(range(_HOLES), each.holes(), strict=False)]
        more = "; ..." if each.hole_count > len(named) else ""
        names = " x ".join(factor.name for factor in each.factors)
        table.add_row(names, f"{100 * each.share:.0f} %", f"{each.hole_count}", "; ".join(named) + more)
    console.print(table)


def _brief(value: Any) -> Any:
    array = np.asarray(value)
    if array.ndim == 0:
        return array.item()
    if array.size <= 16:
        return array.tolist()
    return f"{array.dtype} {' x '.join(map(str, array.shape))}, {array.min():.6g} to {array.max():.6g}"


def _by_reason(counts: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts.items())
    return f"{sum(counts.values())}" + (f": {reasons}" if reasons else "")


def _outcomes(manifest: Manifest) -> dict[str, dict[str, int]] | None:
    return None if manifest.outcomes is None else manifest.outcomes.to_json()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def print_scenes(*, as_json: bool) -> None:
    """Print the built-in scenes, a line each."""
    from ..scenes.scene import scene_class, scene_names
    from .recipe import built_in_recipes

    found = {name: scene_class(name).summary for name in scene_names()}
    if as_json:
        _print_json(found)
        return
    for name, summary in found.items():
        _console().out(f"{name:12} {summary}")
    _console().out(f"\nRecipes that come with them: {', '.join(built_in_recipes())}")


def print_profiles(*, as_json: bool) -> None:
    """Print the built-in profiles, a line each."""
    from ..kernels.profile_json import profile_to_json
    from ..kernels.profiles import describe_profile, list_profiles, load_profile, summarize_profile

    names = list_profiles()
    kinds = {name: profile_to_json(load_profile(name))["kind"] for name in names}
    if as_json:
        values = {name: [value._asdict() for value in describe_profile(name)] for name in names}
        _print_json({name: {"kind": kinds[name], "values": values[name]} for name in names})
        return
    for name in names:
        _console().out(f"{name:18} {kinds[name]:16} {summarize_profile(name)}")


def print_profile(name: str, *, as_json: bool) -> None:
    """Print every value of a built-in profile, or of a profile file, with its unit and source.

    Raises:
        UsageError: If there is no such profile, or the file cannot be.
    """
    from ..kernels.profiles import describe_profile, list_profiles
    from .errors import UsageError, nearest_name
    from .profile_file import FileValue, describe_profile_file

    if name.endswith((".yaml", ".yml")):
        values = describe_profile_file(name)
    elif name in list_profiles():
        values = tuple(FileValue(*value) for value in describe_profile(name))
    else:
        names = list_profiles()
        raise UsageError(f"unknown profile {name!r}{nearest_name(name, names)} Built in: {', '.join(names)}")
    if as_json:
        _print_json([value._asdict() for value in values])
        return
    table = Table(title=name)
    for heading in ("name", "value", "unit", "confidence", "source"):
        # Names are there to be typed: what is too long is folded elsewhere.
        table.add_column(heading, no_wrap=heading == "name", overflow="fold")
    for value in values:
        interval = "" if value.interval is None else f" [{value.interval[0]:.4g}, {value.interval[1]:.4g}]"
        table.add_row(value.name, f"{value.value}{interval}", value.unit, value.confidence, value.source)
    _console().print(table)
