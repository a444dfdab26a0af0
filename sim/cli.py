"""The command line: each command is a thin layer over one library call."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .asset_cli import asset_commands
from .bench_cli import add_bench_command
from .calibrate_cli import calibrate_commands
from .derive_cli import add_derive_commands
from .import_cli import import_commands

if TYPE_CHECKING:
    from .recipe import Recipe

app = typer.Typer(
    name="simloom",
    help="Weave parametric simulated scenes into labelled sensor data for robots.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the dataset.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")]
Device = Annotated[str, typer.Option(metavar="cpu|cuda", help="Where to render and sense.")]
AllowCode = Annotated[bool, typer.Option("--allow-code", help="Let the recipe name a scene of your own, module:Class.")]


_FAULT = "this is a fault of simloom: please report the lines above"


class _Terminated(BaseException):
    """SIGTERM came."""


def _answers(command: Callable[..., None]) -> Callable[..., None]:
    """Answer every failure by one sentence and its exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from ..scenes.dropped_signals import resend_dropped_signals
        from .dataset.errors import DatasetError, write_error
        from .errors import FaultError, SimloomError

        try:
            signal.signal(signal.SIGTERM, _raise_terminated)
            resend_dropped_signals({_Terminated: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT})
            command(*args, **kwargs)
            sys.stdout.flush()
        except FaultError as error:
            typer.echo(error.trace, err=True)
            _fail(f"{error}; {_FAULT}", error.exit_code)
        except (SimloomError, DatasetError) as error:
            _fail(str(error), error.exit_code)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            if error.filename is None and error.errno is None:
                traceback.print_exc()
                raise typer.Exit(42) from None
            failure = write_error(error, str(error.filename or "a file"))
            _fail(str(failure), failure.exit_code)
        except KeyboardInterrupt:
            _fail("interrupted; what is committed is kept, the same command resumes", 130)
        except _Terminated:
            _fail("terminated; what is committed is kept, the same command resumes", 75)
        except MemoryError:
            _fail("out of memory; fewer --workers or a smaller --batch need less", 42)
        except typer.Exit:
            raise
        except Exception:
            traceback.print_exc()
            _fail(_FAULT, 42)

    return run


def _raise_terminated(*_: object) -> NoReturn:
    raise _Terminated


def _fail(message: str, code: int) -> NoReturn:
    typer.echo("\n".join(f"error: {line}" for line in message.splitlines()), err=True)
    raise typer.Exit(code) from None


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))


def _find_own_code(allow_code: bool) -> None:
    """Let modules be found where the command runs, as `python -m` does; a script's own folder is elsewhere."""
    if allow_code and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def _load(recipe: str, overrides: list[str] | None, seed: int | None = None) -> Recipe:
    from .recipe import load_recipe

    return load_recipe(recipe, overrides=[*(overrides or ()), *([] if seed is None else [f"seed={seed}"])])


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from .. import __version__

        typer.echo(f"simloom {__version__}")
        raise typer.Exit


@app.command()
@_answers
def scenes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE.yaml", help="All parameters of a scene, or of a recipe.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the parameters' distributions.")] = None,
    changes: Set = None,
    allow_code: AllowCode = False,
    as_json: Json = False,
) -> None:
    """List the scenes that recipes may name, or every parameter of one with its unit and meaning.

    Example: simloom scenes tabletop
    """
    from .console import print_scenes
    from .scene_table import print_space, scene_space

    if name is None:
        print_scenes(as_json=as_json)
        return
    space = scene_space(name, overrides=changes or (), allow_code=allow_code)
    if plot is not None:
        from .parameter_plots import plot_marginals

        plot_marginals(plot, space, title=name)
        typer.echo(str(plot))
        return
    print_space(space, title=name, as_json=as_json)


@app.command()
@_answers
def profiles(
    name: Annotated[str | None, typer.Argument(metavar="NAME|FILE.yaml", help="One profile in full.")] = None,
    as_json: Json = False,
) -> None:
    """List the sensor profiles that a rig may name, or every value of one with its unit and source.

    Example: simloom profiles realsense_d435
    """
    from .console import print_profile, print_profiles

    if name is None:
        print_profiles(as_json=as_json)
    else:
        print_profile(name, as_json=as_json)


@app.command()
@_answers
def preview(
    source: Annotated[str, typer.Argument(metavar="RECIPE|FILE.npz", help="Recipe, or replay file of snapshots.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Picture to write.")] = Path("preview.png"),
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, max=64, help="Rows or views to draw.")] = 2,
    columns: Annotated[int, typer.Option(min=1, max=32, help="Pictures side by side.")] = 5,
    changes: Set = None,
    device: Device = "cpu",
    allow_code: AllowCode = False,
) -> None:
    """Render a labelled grid of every output, from a recipe or from a replay file.

    Example: simloom preview tabletop -o preview.png
    """
    from .preview import preview_recipe, preview_replay

    if source.endswith(".npz"):
        picture = preview_replay(source, rows=rows, columns=columns, device=device)
    else:
        _find_own_code(allow_code)
        recipe = _load(source, changes)
        picture = preview_recipe(recipe, rows=rows, columns=columns, device=device, allow_code=allow_code)
    out.write_bytes(picture)
    typer.echo(str(out))


@app.command()
@_answers
def generate(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Built-in recipe, YAML file, or module:Class.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the dataset.")],
    samples: Annotated[int | None, typer.Option("--samples", "-n", help="Rows of the finished dataset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.")] = None,
    workers: Annotated[int | None, typer.Option(help="Physics processes; one per core by default.")] = None,
    device: Device = "cpu",
    changes: Set = None,
    batch: Annotated[int | None, typer.Option(help="Scenarios rendered at once; chosen by their size.")] = None,
    snapshots: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the snapshots for replay (.npz).")
    ] = None,
    shard_index: Annotated[int, typer.Option(help="This machine's part, from 0.")] = 0,
    shard_count: Annotated[int, typer.Option(help="Machines that share the work.")] = 1,
    scenarios_per_shard: Annotated[
        int | None, typer.Option(help="Scenarios of one file; chosen by their size.")
    ] = None,
    gpus: Annotated[
        int | None, typer.Option(help="GPUs that share the work, a process each; all that are visible by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")] = False,
    allow_mixed: Annotated[bool, typer.Option("--allow-mixed", help="Resume rows of another platform.")] = False,
    allow_code: AllowCode = False,
    as_json: Json = False,
) -> None:
    """Make a labelled dataset; the same command again resumes it.

    Values do not depend on workers, batch, device placement or interruptions.

    Example: simloom generate tabletop -n 256 -o data/demo --set views=4
    """
    from .campaign.campaign import Campaign
    from .campaign.gpus import check_gpus
    from .console import print_estimate, print_notes, print_summary, show_progress

    _find_own_code(allow_code)
    campaign = Campaign(
        _load(recipe, changes, seed),
        out,
        samples=samples,
        workers=workers,
        device=device,
        batch=batch,
        snapshots=snapshots,
        shard_index=shard_index,
        shard_count=shard_count,
        scenarios_per_shard=scenarios_per_shard,
        processes=check_gpus(gpus, device),
        allow_code=allow_code,
        allow_mixed=allow_mixed,
    )
    print_notes(campaign.plan.notes)
    if dry_run:
        print_estimate(campaign.estimate(), as_json=as_json)
        return
    with show_progress(quiet=as_json) as progress:
        dataset = campaign.run(progress)
    print_summary(campaign, dataset, as_json=as_json)
    if not len(dataset):
        from .quality.rejection import explain_rejection

        if said := explain_rejection(dataset.folder):
            typer.echo(f"simloom: {said}", err=True)


@app.command()
@_answers
def verify(
    folder: Folder,
    regenerate: Annotated[int, typer.Option(min=0, help="Rows to make again and compare.")] = 0,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged derived files again.")] = False,
    as_json: Json = False,
) -> None:
    """Check every file and row of a dataset, and name what is damaged.

    Example: simloom verify data/demo --regenerate 5
    """
    from .dataset.verify import verify_dataset

    make = None
    if regenerate:
        from .campaign.row_regeneration import regenerate_row

        make = regenerate_row(folder)
    report = verify_dataset(folder, repair=repair, regenerate=make, regenerate_count=regenerate)
    if as_json:
        _print_json({
            "ok": report.ok,
            "status": report.status,
            "root_digest": report.root_digest,
            "checked_files": report.checked_files,
            "checked_rows": report.checked_rows,
            "regenerated_rows": regenerate,
            "findings": [str(finding) for finding in report.findings],
        })  # fmt: skip
    else:
        typer.echo("\n".join(report.lines()))
        if regenerate and report.ok:
            typer.echo(f"{regenerate} rows made again")
    if not report.ok:
        raise typer.Exit(report.exit_code)


@app.command()
@_answers
def inspect(
    folder: Folder,
    row: Annotated[int | None, typer.Option(help="Show one row's values.")] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Judge the whole dataset; exit code 42 where it fails.")] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Count which combinations of parameter levels occur.")
    ] = False,
    strength: Annotated[int | None, typer.Option(min=1, help="Parameters of a combination; 2 by default.")] = None,
    bins: Annotated[int | None, typer.Option(min=2, help="Levels of a parameter; 4 by default.")] = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Parameters to combine; all of one number by default.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the coverage of pairs as a heat map.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a dataset holds, judge it, or tell what it covers.

    Example: simloom inspect data/demo --coverage
    """
    from .console import print_coverage, print_dataset, print_gate, print_row
    from .dataset.reader import open_dataset

    with open_dataset(folder, skip_rejected=False) as dataset:
        if row is not None:
            print_row(dataset, row, as_json=as_json)
        elif gate:
            from .quality.gate import run_gate

            lines = run_gate(folder)
            print_gate(lines, as_json=as_json)
            if not all(line.passed for line in lines):
                raise typer.Exit(42)
        elif coverage or picture is not None:
            from .quality.coverage import dataset_coverage

            names = None if parameters is None else [name.strip() for name in parameters.split(",")]
            found = dataset_coverage(dataset, strength=strength, bins=bins, parameters=names)
            if picture is not None:
                from .quality.coverage_picture import draw_coverage

                picture.write_bytes(draw_coverage(found))
            print_coverage(found, as_json=as_json)
        else:
            print_dataset(dataset, as_json=as_json)


@app.command()
@_answers
def doctor(as_json: Json = False) -> None:
    """Tell whether this machine has what simloom needs, and how to mend what is missing.

    Example: simloom doctor
    """
    from .doctor import examine

    findings = examine()
    if as_json:
        _print_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            state = "ok" if finding.ok else "MISSING" if finding.needed else "absent"
            typer.echo(f"{state:8} {finding.name:18} {finding.text}")
    if not all(finding.ok for finding in findings if finding.needed):
        raise typer.Exit(42)


add_bench_command(app, _answers)
add_derive_commands(app, _answers)
app.add_typer(asset_commands(_answers), name="assets")
app.add_typer(import_commands(_answers), name="import")
app.add_typer(calibrate_commands(_answers), name="calibrate")


def main() -> None:
    """Run the command line; the entry point `simloom`."""
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
