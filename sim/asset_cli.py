"""The commands of `simloom assets`: each a thin layer over one library call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Answers = Callable[[Callable[..., None]], Callable[..., None]]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def asset_commands(answers: Answers) -> typer.Typer:
    """Make the sub-app.

    Args:
        answers: Decorator that turns failures into sentences and exit codes.
    """
    app = typer.Typer(
        help="Look at meshes and URDFs of your own before scenes use them.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for command in (check, compare):
        app.command()(answers(command))
    return app


def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of URDF, OBJ, GLB, STL, PLY files.")],
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Picture of all assets beside their collision parts.")
    ] = None,
    hulls: Annotated[bool, typer.Option("--hulls", help="Make the collision parts too; --preview does.")] = False,
    as_json: Json = False,
) -> None:
    """Tell of every asset of a folder whether it can be used, and what to mend.

    Units and size, closedness, winding, degenerate triangles, mass and inertia, textures, files outside of the folder,
    and what asset.yaml says. The exit code is 42 where an asset is refused.

    Example: simloom assets check my_mugs --preview mugs.png
    """
    from ..scenes.asset_check import check_folder
    from .errors import UsageError

    try:
        reports = check_folder(folder, hulls=hulls or preview is not None)
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from error
    if not reports:
        raise UsageError(f"folder {folder} holds no meshes or URDFs")
    if preview is not None:
        from .asset_picture import draw_assets
        from .drawing import encode_png

        preview.write_bytes(encode_png(draw_assets(folder, reports)))
    counts = {word: sum(report.status == word for report in reports) for word in ("ok", "warning", "refused")}
    if as_json:
        typer.echo(json.dumps({"counts": counts, "assets": [report.to_json() for report in reports]}, indent=2))
    else:
        for report in reports:
            typer.echo(_line(report.name, report.status, report.class_name, report.split, report.facts))
            for finding in report.findings:
                typer.echo(f"         {finding.level}: {finding}")
        typer.echo(f"{len(reports)} assets: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
        if preview is not None:
            typer.echo(str(preview))
    if counts["refused"]:
        raise typer.Exit(42)


def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset, say for training.")],
    second: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of another, say for tests.")],
    as_json: Json = False,
) -> None:
    """Tell whether two datasets share users' assets, by the meshes that are drawn; the exit code is 42 if so.

    Example: simloom assets compare data/train data/test
    """
    from .shared_assets import find_shared_assets

    shared = find_shared_assets(first, second)
    if as_json:
        typer.echo(json.dumps([list(pair) for pair in shared], indent=2))
    else:
        for one, other in shared:
            typer.echo(f"shared: {one} = {other}")
        typer.echo(f"{len(shared)} assets are in both" if shared else "no asset is in both")
    if shared:
        raise typer.Exit(42)


def _line(name: str, status: str, class_name: str | None, split: str | None, facts: object) -> str:
    known = facts if isinstance(facts, dict) else {}
    texts = [class_name or "no class", split or "no split"]
    if "size" in known:
        texts.append(" x ".join(f"{side:.3g}" for side in known["size"]) + " m")
        texts.append(f"{known['triangles']} triangles")
    if "mass" in known:
        source = {"mass": "", "density": " by density", "water": " as of water"}[known["mass_from"]]
        texts.append(f"{known['mass']:.3g} kg{source}")
    if "hulls" in known:
        texts.append(f"{known['hulls']} collision parts")
    return f"{status:8} {name}  {', '.join(texts)}"
