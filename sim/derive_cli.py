"""The commands that make datasets from datasets: each a thin layer over one library call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from .dataset.dataset import Dataset

Answers = Callable[[Callable[..., None]], Callable[..., None]]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Source = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the dataset.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the new dataset.")]
Arrays = Annotated[
    str | None,
    typer.Option(metavar="NAME,...", help="Arrays to keep, patterns too; 'common': what all have alike."),
]
Drop = Annotated[bool, typer.Option("--drop-rejected", help="Leave out tombstones and rejected rows; kept by default.")]
Codec = Annotated[str, typer.Option(metavar="deflate|zstd|raw", help="Compression of the images.")]


def add_derive_commands(app: typer.Typer, answers: Answers) -> None:
    """Add merge, subset and split to the command line.

    Args:
        app: The command line.
        answers: Decorator that turns failures into sentences and exit codes.
    """
    for command in (merge, subset, split):
        app.command()(answers(command))


def merge(
    datasets: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of the datasets, in order.")],
    out: Out,
    arrays: Arrays = None,
    drop_rejected: Drop = False,
    codec: Codec = "deflate",
    as_json: Json = False,
) -> None:
    """Copy the rows of several datasets into one, with lineage; the same command again resumes.

    Classes and users' assets are matched by name. Every row keeps its split; a row that is there twice is refused.

    Example: simloom merge data/day data/night -o data/both
    """
    from .console import show_rows
    from .derive.merge import merge_datasets

    with show_rows(quiet=as_json) as progress:
        done = merge_datasets(
            datasets, out=out, arrays=_arrays(arrays), rejected=_rejected(drop_rejected), codec=codec, progress=progress
        )
    print_made([done], as_json=as_json)


def subset(
    dataset: Source,
    out: Out,
    where: Annotated[str | None, typer.Option(metavar="QUERY", help="Condition that rows must meet.")] = None,
    arrays: Arrays = None,
    drop_rejected: Drop = False,
    codec: Codec = "deflate",
    as_json: Json = False,
) -> None:
    """Copy some rows and arrays of a dataset into one of their own; the same command again resumes.

    Example: simloom subset data/demo --where "param.light.radius > 2 and split == 'train'" -o data/soft
    """
    from .console import show_rows
    from .derive.subset import subset_dataset

    with show_rows(quiet=as_json) as progress:
        done = subset_dataset(
            dataset, out=out, query=where, arrays=_arrays(arrays), rejected=_rejected(drop_rejected), codec=codec,
            progress=progress,
        )  # fmt: skip
    print_made([done], as_json=as_json)


def split(
    dataset: Source,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder that the parts are put in.")],
    by: Annotated[Literal["scenario", "asset"], typer.Option(help="What no two parts share.")] = "scenario",
    fractions: Annotated[
        str | None, typer.Option(metavar="NAME=F,...", help="Sum to 1; train=0.9,val=0.05,test=0.05 by default.")
    ] = None,
    drop_rejected: Drop = False,
    codec: Codec = "deflate",
    as_json: Json = False,
) -> None:
    """Divide a dataset into parts that share no world, or no asset; the same command again resumes.

    Example: simloom split data/demo --by asset --fractions train=0.8,test=0.2 -o data/parts
    """
    from .console import print_notes, show_rows
    from .derive.split import split_dataset

    with show_rows(quiet=as_json) as progress:
        made = split_dataset(
            dataset, by=by, fractions=_fractions(fractions), out=out, rejected=_rejected(drop_rejected), codec=codec,
            progress=progress,
        )  # fmt: skip
    print_notes(made.notes)
    print_made(list(made.parts.values()), as_json=as_json, left_out=len(made.left_out))


def print_made(datasets: list[Dataset], *, as_json: bool, left_out: int | None = None) -> None:
    """Print what was made, a line a dataset.

    Args:
        datasets: Finished datasets.
        as_json: Print JSON.
        left_out: Rows that are in none of them; None where there can be none.
    """
    found = [
        {
            "folder": str(dataset.folder),
            "rows": dataset.rows_wanted,
            "rows_accepted": len(dataset),
            "root_digest": dataset.root_digest,
        }
        for dataset in datasets
    ]
    if as_json:
        more = {} if left_out is None else {"left_out": left_out}
        typer.echo(json.dumps({"datasets": found, **more}, indent=2))
        return
    for entry in found:
        text = f"{entry['rows']} rows, {entry['rows_accepted']} accepted, root digest {entry['root_digest']}"
        typer.echo(f"{entry['folder']}: {text}")


def _arrays(text: str | None) -> list[str] | Literal["common"] | None:
    if text is None:
        return None
    return "common" if text.strip() == "common" else [name.strip() for name in text.split(",") if name.strip()]


def _rejected(drop: bool) -> Literal["keep", "drop"]:
    return "drop" if drop else "keep"


def _fractions(text: str | None) -> dict[str, float] | None:
    from .errors import UsageError

    if text is None:
        return None
    fractions = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            fractions[name.strip()] = float(value)
        except ValueError:
            raise UsageError(f"--fractions {text}: write name=fraction, e.g. train=0.8,val=0.1,test=0.1") from None
    return fractions
