"""The command that measures this machine: a thin layer over `sim.bench`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .bench.report import BenchReport

Answers = Callable[[Callable[..., None]], Callable[..., None]]


def add_bench_command(app: typer.Typer, answers: Answers) -> None:
    """Add bench to the command line.

    Args:
        app: The command line.
        answers: Decorator that turns failures into sentences and exit codes.
    """
    app.command()(answers(bench))


def bench(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Built-in recipe, YAML file, or module:Class.")
    ] = "tabletop",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where to render and sense.")] = "cpu",
    snapshots: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Render saved snapshots; physics is left out.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure, start and compiling apart.")] = 40.0,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")
    ] = None,
    views: Annotated[int | None, typer.Option(min=1, help="Views of a batch of snapshots.")] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder on the disk to measure; the temporary one by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE.md", help="Report to write.")] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the recipe name a scene of your own, module:Class.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Measure physics, rendering, sensors, compressing, writing and loading here, beside what bounds them and peers.

    Without PyBullet the snapshots that come with simloom are rendered, and physics is left out.

    Example: simloom bench tabletop -o report.md
    """
    from .bench.bench import run_bench
    from .errors import UsageError
    from .recipe import load_recipe

    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise UsageError(f"cannot write {out}: it is a folder, or lies in none")
    if snapshots is not None and changes:
        raise UsageError("--set changes a recipe, and --snapshots renders saved worlds without one; leave one out")

    def tell(line: str) -> None:
        typer.echo(f"measuring {line} ...", err=True)

    report = run_bench(
        load_recipe(recipe, overrides=changes or []) if snapshots is None else recipe,
        device=device,
        snapshots=snapshots,
        seconds=seconds,
        views=views,
        folder=folder,
        allow_code=allow_code,
        tell=(lambda line: None) if as_json else tell,
    )
    if out is not None:
        out.write_text(report.to_markdown(), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
        if out is not None:
            typer.echo(str(out))


def _print(report: BenchReport) -> None:
    from rich.console import Console
    from rich.table import Table

    from .bench.report import HEADER, describe_pipeline

    console = Console(highlight=False)
    table = Table(title=f"{report.subject}, {report.processor}, {report.device}")
    for name in HEADER:
        table.add_column(name, no_wrap=name == "stage", overflow="fold")
    for row in report.rows():
        table.add_row(*row)
    console.print(table)
    for note in report.notes:
        console.print(note, markup=False)
    if report.pipeline is None:
        return
    console.print(describe_pipeline(report.pipeline).replace("**", ""), markup=False)
    stages = Table(title="pipeline")
    for name in ("stage", "servers", "busy", "waits for input", "waits for room", "items/s while busy"):
        stages.add_column(name)
    for counter in report.pipeline.counters:
        whole = counter.servers * counter.wall
        shares = [f"{100.0 * part / whole:.0f} %" for part in (counter.busy, counter.input_wait, counter.output_wait)]
        stages.add_row(counter.stage, str(counter.servers), *shares, f"{counter.capacity:.1f} {counter.item}s")
    console.print(stages)
