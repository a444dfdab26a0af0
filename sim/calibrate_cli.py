"""The commands of `simloom calibrate`: each a thin layer over one library call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .calibration.estimate import Estimate

Answers = Callable[[Callable[..., None]], Callable[..., None]]

Recordings = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the recordings.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE.yaml", help="Where to write the result.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Plot of data, model and intervals.")]
Name = Annotated[str | None, typer.Option(help="Name of the profile; that of the file by default.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def calibrate_commands(answers: Answers) -> typer.Typer:
    """Make the sub-app.

    Args:
        answers: Decorator that turns failures into sentences and exit codes.
    """
    app = typer.Typer(
        help="Measure a sensor's profile from recordings of your own.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for command in (camera, depth, imu, lens):
        app.command()(answers(command))
    return app


def camera(
    folder: Recordings,
    out: Out = None,
    plot: Plot = None,
    base: Annotated[str, typer.Option(help="Built-in profile that gives the other values.")] = "generic_rgb",
    mosaic: Annotated[str, typer.Option(help="RGGB, BGGR, GRBG, GBRG, RCCB or mono.")] = "RGGB",
    bits: Annotated[int | None, typer.Option(help="Bits of the converter; by default, of the largest value.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the sensor while it recorded [deg C].")] = None,
    name: Name = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure gain, noise, dark current, non-uniformity and full well from flat fields and darks.

    FOLDER/flat/<exposure time>/<frames>: evenly lit by a steady light, 2 frames or more a time, from dim to saturated.

    FOLDER/dark/<exposure time>/<frames>: lens capped, 2 frames or more a time, one time a second or longer.

    Exposure times are folder names in seconds, or end in s, ms or us, such as 0.01 or 10ms. Frames are raw (one
    channel, not developed), uint8 or uint16, as .png, .tif or .npy.

    Example: simloom calibrate camera recordings/left -o left.yaml --plot left.png --bits 12
    """
    from .calibration.photon_transfer import measure_photon_transfer
    from .calibration.plots import plot_photon_transfer
    from .calibration.recording_folders import load_camera_recordings
    from .calibration.written_profile import write_camera_profile
    from .profile_file import write_profile_file

    flats, darks = load_camera_recordings(folder)
    result = measure_photon_transfer(flats, darks, mosaic=mosaic, bits=bits, seed=seed)
    profile = write_camera_profile(result, name=_name(name, out), base=base, temperature=temperature)
    if plot is not None:
        plot_photon_transfer(plot, result)
    if out is not None:
        write_profile_file(out, profile, comment="\n".join(result.notes))
    facts = {"saturated": result.saturated, "bit_depth": result.bit_depth}
    _show(result.estimates, result.notes, (plot, out), facts, as_json=as_json)


def depth(
    folder: Recordings,
    fx: Annotated[float | None, typer.Option(help="Focal length of the depth image [px].")] = None,
    baseline: Annotated[float | None, typer.Option(help="Distance of the imagers [m].")] = None,
    law: Annotated[str, typer.Option(help="stereo: z^2 s / (f B); quadratic: a + b (z - c)^2.")] = "stereo",
    region: Annotated[float, typer.Option(help="Middle share of width and height that the wall fills.")] = 0.5,
    unit: Annotated[float, typer.Option(help="Depth of one count of integer frames [m].")] = 0.001,
    out: Out = None,
    plot: Plot = None,
    base: Annotated[
        str | None, typer.Option(help="Built-in profile that gives the other values: realsense_d435, or kinect_v1.")
    ] = None,
    name: Name = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure a depth sensor's noise against distance, and its step, from recordings of a flat wall.

    FOLDER/wall/<distance>/<frames>: a wall, tilted a little, that fills the middle of the image; several frames each.

    Distances are folder names in metres, or end in m, cm or mm, such as 1.5 or 150cm. Frames are uint16 (.png, .tif,
    .npy; --unit tells a count's length) or float metres (.npy).

    Example: simloom calibrate depth recordings/depth --fx 421 --baseline 0.05 -o depth.yaml --plot depth.png
    """
    from .calibration.depth_noise import measure_depth_noise
    from .calibration.plots import plot_depth_noise
    from .calibration.recording_folders import load_wall_recordings
    from .calibration.written_profile import write_depth_profile
    from .errors import UsageError
    from .profile_file import write_profile_file

    if law not in ("stereo", "quadratic"):
        raise UsageError(f"--law must be stereo or quadratic, got {law!r}")
    result = measure_depth_noise(
        load_wall_recordings(folder),
        fx=fx,
        baseline=baseline,
        law="stereo" if law == "stereo" else "quadratic",
        region=region,
        unit=unit,
        seed=seed,
    )
    if out is not None:
        profile = write_depth_profile(result, name=_name(name, out), base=base)
        write_profile_file(out, profile, comment="\n".join(result.notes))
    if plot is not None:
        plot_depth_noise(plot, result)
    walls = [
        {
            "distance": wall.distance,
            "depth": wall.depth,
            "frames": wall.frame_count,
            "invalid": wall.invalid,
            "outliers": wall.outliers,
            "total": total.to_dict(),
            "temporal": temporal.to_dict(),
            "spatial": spatial.to_dict(),
        }
        for wall, total, temporal, spatial in zip(
            result.walls, result.total, result.temporal, result.spatial, strict=True
        )
    ]
    if not as_json:
        for wall, total in zip(result.walls, result.total, strict=True):
            typer.echo(f"{wall.depth:8.3f} m  noise {total.text}  no return {wall.invalid:.1%}")
    _show(result.estimates, result.notes, (plot, out), {"walls": walls}, as_json=as_json)


def imu(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Log of the unit at rest, .csv or .npy.")],
    out: Out = None,
    plot: Plot = None,
    base: Annotated[str, typer.Option(help="Built-in profile that gives the other values.")] = "bosch_bmi088",
    time_unit: Annotated[str, typer.Option(help="Of the stamps: s, ms, us or ns.")] = "s",
    shortest: Annotated[float, typer.Option(min=0.0, help="Leave out averaging times below this [s].")] = 0.0,
    name: Name = None,
    as_json: Json = False,
) -> None:
    """Measure the noise of an inertial unit from a log at rest.

    LOG: columns time, wx, wy, wz [rad/s], ax, ay, az [m/s^2] at a steady rate, with gravity, of a unit that lies still
    and is warm; minutes tell the white noise, hours the bias instability and the random walk.

    Example: simloom calibrate imu still.csv -o imu.yaml --plot imu.png
    """
    from .calibration.inertial_log import load_inertial_log
    from .calibration.inertial_noise import measure_inertial_noise
    from .calibration.plots import plot_inertial_noise
    from .calibration.written_profile import write_inertial_profile
    from .profile_file import write_profile_file

    result = measure_inertial_noise(load_inertial_log(log, time_unit=time_unit), shortest=shortest)
    if out is not None:
        profile = write_inertial_profile(result, name=_name(name, out), base=base)
        write_profile_file(out, profile, comment="\n".join(result.notes))
    if plot is not None:
        plot_inertial_noise(plot, result)
    _show(result.estimates, result.notes, (plot, out), {"rate": result.rate}, as_json=as_json)


def lens(
    folder: Recordings,
    board: Annotated[str, typer.Option(metavar="9x6", help="Inner corners of the chessboard.")],
    square: Annotated[float, typer.Option(help="Side of a square [m].")],
    model: Annotated[str, typer.Option(help="brown_conrady, or kannala_brandt for fisheyes.")] = "brown_conrady",
    coefficients: Annotated[int | None, typer.Option(help="4, 5, 8, 12 or 14; 4 for kannala_brandt.")] = None,
    out: Out = None,
    plot: Plot = None,
    name: Name = None,
    as_json: Json = False,
) -> None:
    """Measure intrinsics and distortion from pictures of a chessboard; the result is a ROS camera info file.

    FOLDER/<pictures>: at least 5, better 20, with the board tilted and in every corner of the picture.

    Example: simloom calibrate lens recordings/board --board 9x6 --square 0.025 -o camera_info.yaml
    """
    from .calibration.camera_info import CameraInfo, write_camera_info
    from .calibration.lens_calibration import calibrate_lens_from_folder
    from .calibration.plots import plot_lens

    result = calibrate_lens_from_folder(
        folder,
        board=_parse_board(board),
        square=square,
        model=model,
        coefficient_count=coefficients or (4 if model == "kannala_brandt" else 5),
    )
    if plot is not None:
        plot_lens(plot, result)
    if out is not None:
        fx, fy, cx, cy = result.intrinsics
        info = CameraInfo(
            name=_name(name, out),
            width=result.size[0],
            height=result.size[1],
            fx=fx,
            fy=fy,
            cx=cx,
            cy=cy,
            lens=result.lens,
        )
        lines = [f"{key}: {estimate.text}" for key, estimate in result.estimates.items()]
        write_camera_info(
            out, info, comment="\n".join(["simloom calibrate lens, 95 % intervals", *lines, *result.notes])
        )
    facts = {"model": model, "pictures": list(result.pictures), "left_out": list(result.left_out)}
    if result.left_out and not as_json:
        typer.echo(f"no board found in {', '.join(result.left_out)}")
    _show(result.estimates, result.notes, (plot, out), facts, as_json=as_json)


def _name(name: str | None, out: Path | None) -> str:
    return name or (out.stem if out is not None else "calibrated")


def _parse_board(text: str) -> tuple[int, int]:
    from .errors import UsageError

    across, cross, down = text.lower().partition("x")
    if not (cross and across.isdecimal() and down.isdecimal()):
        raise UsageError(f"--board must be the inner corners across and down, such as 9x6, got {text!r}")
    return int(across), int(down)


def _show(
    estimates: Mapping[str, Estimate], notes: Iterable[str], files: Iterable[Path | None], facts: Mapping[str, Any], *,
    as_json: bool,
) -> None:  # fmt: skip
    written = [str(path) for path in files if path is not None]
    if as_json:
        found = {name: estimate.to_dict() for name, estimate in estimates.items()}
        content = {"estimates": found, **facts, "notes": list(notes), "files": written}
        typer.echo(json.dumps(_without_nan(content), indent=2))
        return
    for name, estimate in estimates.items():
        typer.echo(f"{name:36} {estimate.text}")
    for note in notes:
        typer.echo(f"note: {note}")
    for path in written:
        typer.echo(path)


def _without_nan(value: Any) -> Any:
    """Write what is not known as null: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value
