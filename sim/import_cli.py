"""The commands of `simloom import`: each a thin layer over one library call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from .real.import_rows import Imported

Answers = Callable[[Callable[..., None]], Callable[..., None]]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the dataset.")]
FitWay = Annotated[
    Literal["letterbox", "resize"], typer.Option(help="Keep the sides' ratio and pad with black, or stretch.")
]
Slots = Annotated[int | None, typer.Option(help="Object slots; by default those of the fullest image.")]
Camera = Annotated[str, typer.Option(help="Name of the camera in the dataset.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="Size of the rows' images; as they are by default.")]
Codec = Annotated[str, typer.Option(metavar="deflate|zstd|raw", help="Compression of the images.")]
Simulated = Annotated[bool, typer.Option("--simulated", help="No real sensor made it: sample/is_real is 0.")]
Mixed = Annotated[bool, typer.Option("--allow-mixed", help="Resume rows of another platform.")]


def import_commands(answers: Answers) -> typer.Typer:
    """Make the sub-app.

    Args:
        answers: Decorator that turns failures into sentences and exit codes.
    """
    app = typer.Typer(
        help="Copy real data into datasets, with lineage; what cannot be used is counted.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for command in (coco, bop, robomimic):
        app.command()(answers(command))
    return app


def coco(
    annotations: Annotated[Path, typer.Argument(metavar="FILE.json", help="Annotations.")],
    images: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the images.")],
    out: Out,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the rows' images, e.g. 640x480.")],
    fit: FitWay = "letterbox",
    slots: Slots = None,
    camera: Camera = "camera",
    intrinsics: Annotated[
        str | None, typer.Option(metavar="FX,FY,CX,CY", help="Of the images as they are, where one camera took all.")
    ] = None,
    codec: Codec = "deflate",
    allow_mixed: Mixed = False,
    as_json: Json = False,
) -> None:
    """Import photographs with COCO annotations: colour, masks, boxes, classes.

    Example: simloom import coco instances.json photos --size 640x480 -o data/real
    """
    from .console import show_rows
    from .real.coco import import_coco
    from .real.fit import parse_size

    with show_rows(quiet=as_json) as progress:
        done = import_coco(
            annotations, images, out=out, size=parse_size(size), fit=fit, slots=slots, camera=camera,
            intrinsics=_numbers(intrinsics), codec=codec, allow_mixed=allow_mixed, progress=progress,
        )  # fmt: skip
    _print_imported(done, as_json=as_json)


def bop(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of a split (000000, 000001 ...) or a scene.")
    ],
    out: Out,
    size: Size = None,
    fit: FitWay = "letterbox",
    slots: Slots = None,
    camera: Camera = "camera",
    simulated: Simulated = False,
    codec: Codec = "deflate",
    allow_mixed: Mixed = False,
    as_json: Json = False,
) -> None:
    """Import scenes of a BOP dataset: colour, depth, masks, poses, visibility.

    Example: simloom import bop lm/test -o data/lm
    """
    from .console import show_rows
    from .real.bop import import_bop
    from .real.fit import parse_size

    with show_rows(quiet=as_json) as progress:
        done = import_bop(
            folder, out=out, size=None if size is None else parse_size(size), fit=fit, slots=slots, camera=camera,
            is_real=not simulated, codec=codec, allow_mixed=allow_mixed, progress=progress,
        )  # fmt: skip
    _print_imported(done, as_json=as_json)


def robomimic(
    path: Annotated[Path, typer.Argument(metavar="FILE.hdf5", help="File of demonstrations.")],
    out: Out,
    size: Size = None,
    fit: FitWay = "letterbox",
    simulated: Simulated = False,
    codec: Codec = "deflate",
    allow_mixed: Mixed = False,
    as_json: Json = False,
) -> None:
    """Import demonstrations of a robomimic file: images, actions, rewards, joints.

    Example: simloom import robomimic lift/image.hdf5 --simulated -o data/lift
    """
    from .console import show_rows
    from .real.fit import parse_size
    from .real.robomimic import import_robomimic

    with show_rows(quiet=as_json) as progress:
        done = import_robomimic(
            path, out=out, size=None if size is None else parse_size(size), fit=fit, is_real=not simulated, codec=codec,
            allow_mixed=allow_mixed, progress=progress,
        )  # fmt: skip
    _print_imported(done, as_json=as_json)


def _print_imported(done: Imported, *, as_json: bool) -> None:
    dataset = done.dataset
    if as_json:
        told = {
            "folder": str(dataset.folder),
            "rows": dataset.rows_wanted,
            "skipped": dict(done.skipped),
            "root_digest": dataset.root_digest,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"{dataset.folder}: {dataset.rows_wanted} rows, root digest {dataset.root_digest}")
    for reason, count in done.skipped.items():
        typer.echo(f"left out: {count} x {reason}")


def _numbers(text: str | None) -> list[float] | None:
    from .errors import UsageError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--intrinsics {text}: write fx,fy,cx,cy, e.g. 615,615,320,240") from None
