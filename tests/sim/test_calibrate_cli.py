"""`simloom calibrate`: from folders of recordings to profiles, plots and JSON; bad files get one sentence."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from naive.recordings import Camera, Sensor, colour_rates, wall
from simloom.sim.calibration.camera_info import load_camera_info
from simloom.sim.calibration.frame_files import FrameFolder, list_levels, read_picture
from simloom.sim.cli import app
from simloom.sim.errors import UsageError
from simloom.sim.profile_file import load_profile_file


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def _refused(*arguments: object) -> str:
    done = _run(*arguments)
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("error: ")]
    return line


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera's recordings as PNG, TIFF and NumPy files."""
    folder = tmp_path_factory.mktemp("recordings")
    camera, rate = Camera(Sensor(height=64, width=96), 1), colour_rates(64, 96, [30e3, 50e3, 50e3, 25e3])
    for kind, times in (("flat", (0.01, 0.05, 0.1, 0.6)), ("dark", (0.01, 1.0))):
        for k, time in enumerate(times):
            frames = camera.grab(rate if kind == "flat" else 0.0, time, 3)
            place = folder / kind / (f"{time * 1e3:g}ms" if k % 2 else f"{time:g}")
            place.mkdir(parents=True)
            if k == 0:
                np.save(place / "stack.npy", frames)
            for number, frame in enumerate(frames if k else []):
                cv2.imwrite(str(place / f"{number}.{'png' if k == 1 else 'tiff'}"), frame)
    return folder


def test_camera_profiles_are_written_and_load(recordings: Path, tmp_path: Path) -> None:
    """The profile holds what was measured with its interval, over the base; the plot is a picture."""
    out, plot = tmp_path / "left.yaml", tmp_path / "left.png"
    done = _run("camera", recordings, "-o", out, "--plot", plot, "--bits", 12, "--temperature", 35)
    assert done.exit_code == 0, done.output
    profile = load_profile_file(out)

    assert profile.name == "left"
    assert profile.gain == pytest.approx(0.37, rel=0.05)
    assert (profile.mosaic, profile.bit_depth) == ("RGGB", 12)
    assert (profile.temperature, profile.dark_reference_temperature) == (35.0, 35.0)
    assert "confidence: measured" in out.read_text()
    assert "gain " in done.output
    assert min(cv2.imread(str(plot)).shape[:2]) > 500


def test_json_tells_estimates_and_notes(recordings: Path) -> None:
    """Machines get value, unit, interval and deviation of every estimate."""
    found = json.loads(_run("camera", recordings, "--json").output)

    assert set(found["estimates"]["gain"]) == {"value", "unit", "interval", "standard_deviation"}
    assert found["saturated"]
    assert found["files"] == []


@pytest.mark.parametrize("law", ["stereo", "quadratic"])
def test_depth_sensors_are_measured(tmp_path: Path, law: str) -> None:
    """Walls as PNG and NumPy give a profile of the law's kind, a plot and JSON without NaN."""
    rng = np.random.default_rng(2)
    for k, distance in enumerate((0.8, 1.2, 2.0, 3.0)):
        place = tmp_path / "rec" / "wall" / (f"{distance * 100:g}cm" if k == 0 else f"{distance:g}")
        place.mkdir(parents=True)
        ideal = wall(distance, shape=(96, 128), fx=430.0)
        for n in range(1 if k == 3 else 3):
            depth = ideal + ideal**2 * 0.08 / (430 * 0.05) * rng.standard_normal(ideal.shape)
            if k % 2:
                np.save(place / f"{n}.npy", depth.astype(np.float32))
            else:
                cv2.imwrite(str(place / f"{n}.png"), np.round(depth * 1e3).astype(np.uint16))
    out, plot = tmp_path / "depth.yaml", tmp_path / "depth.png"
    options = ["--fx", 430, "--baseline", 0.05] if law == "stereo" else ["--law", law]
    done = _run("depth", tmp_path / "rec", *options, "-o", out, "--plot", plot, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)

    assert found["walls"][3]["temporal"]["value"] is None
    assert [one["distance"] for one in found["walls"]] == [0.8, 1.2, 2.0, 3.0]
    assert plot.read_bytes().startswith(b"\x89PNG")
    profile = load_profile_file(out)
    if law == "stereo":
        assert profile.disparity_noise == pytest.approx(0.08, rel=0.1)
        assert profile.baseline == 0.05
        refused = _refused("depth", tmp_path / "rec", *options, "-o", out, "--base", "azure_kinect")
        assert "is of kind time_of_flight" in refused
        other = _run("depth", tmp_path / "rec", *options, "-o", out, "--base", "kinect_v1")
        assert other.exit_code == 0, other.output
        assert load_profile_file(out).noise_law == "disparity"
    else:
        assert profile.noise_law == "nguyen"
        assert profile.axial_growth == pytest.approx(0.08 / (430 * 0.05), rel=0.2)
        assert set(found["estimates"]) == {"axial_floor", "axial_growth", "axial_nearest"}


def test_lenses_are_measured(tmp_path: Path) -> None:
    """Chessboards give a camera info file and a plot."""
    from naive.chessboard import board_points, board_pose, draw_board

    rng, count = np.random.default_rng(0), 0
    while count < 5:
        turn, shift = board_pose(rng, (7, 5), 0.03, distance=(0.32, 0.4), side=0.05, tilt=0.4)
        outer = (board_points((10, 8), 0.03) - [0.05, 0.05, 0]) @ turn.T + shift
        points = outer[:, :2] / outer[:, 2:] * 300 + [159.5, 119.5]
        if (points > 0).all() and (points < [319, 239]).all():

            def rays(u, v):
                return np.stack([(u - 159.5) / 300, (v - 119.5) / 300, np.ones_like(u)], axis=-1)

            picture = draw_board(turn, shift, (7, 5), 0.03, (320, 240), rays)
            cv2.imwrite(str(tmp_path / f"{count}.png"), picture)
            count += 1
    out, plot = tmp_path / "info.yaml", tmp_path / "lens" / "plot.png"
    plot.parent.mkdir()
    done = _run("lens", tmp_path, "--board", "7x5", "--square", 0.03, "--coefficients", 4, "-o", out, "--plot", plot)
    assert done.exit_code == 0, done.output
    info = load_camera_info(out)

    assert (info.width, info.height) == (320, 240)
    assert info.fx == pytest.approx(300.0, rel=0.02)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["camera", "depth", "lens"])
def test_help_ends_with_an_example(command: str) -> None:
    """Every command can be copied from its help."""
    assert f"Example: simloom calibrate {command}" in _run(command, "--help").output


def test_mistakes_exit_with_2(recordings: Path, tmp_path: Path) -> None:
    """Folders that are not laid out so, and options that cannot be, are answered by what is wanted."""
    (tmp_path / "flats").mkdir()
    (tmp_path / "noflat" / "flat" / "bright").mkdir(parents=True)
    (tmp_path / "empty" / "flat" / "0.1").mkdir(parents=True)

    assert "there is no folder" in _refused("camera", tmp_path)
    assert "did you mean 'flats'" in _refused("camera", tmp_path)
    assert "must be a time in s" in _refused("camera", tmp_path / "noflat")
    assert "holds no frames" in _refused("camera", tmp_path / "empty")
    assert "mosaic must be one of" in _refused("camera", recordings, "--mosaic", "RGBG")
    assert "profile must be one of" in _refused("camera", recordings, "--base", "generic")
    assert "is of kind stereo" in _refused("camera", recordings, "--base", "realsense_d435")
    assert "there is no folder" in _refused("depth", recordings)
    assert "--board must be" in _refused("lens", recordings, "--board", "nine", "--square", 0.025)
    assert "holds no pictures" in _refused("lens", recordings, "--board", "9x6", "--square", 0.025)


def test_untrusted_frames_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    """Pickles, damaged and empty files, colours, wrong types and pictures of monstrous size are named."""

    def folder(name: str, data: bytes) -> Path:
        place = tmp_path / name.replace(".", "_")
        place.mkdir()
        (place / name).write_bytes(data)
        return place

    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "f.npy", np.zeros((4, 4)))
    colour = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    wide = bytearray(colour)
    wide[16:24] = struct.pack(">II", 1 << 20, 1 << 20)
    tiff = cv2.imencode(".tiff", np.zeros((40, 40), np.uint16))[1].tobytes()
    for name, data, message in (
        ("pickle.npy", (tmp_path / "o.npy").read_bytes(), "not a plain NumPy file|holds object"),
        ("float.npy", (tmp_path / "f.npy").read_bytes(), "holds float64 of shape"),
        ("cut.npy", (tmp_path / "f.npy").read_bytes()[:20], "not a plain NumPy file"),
        ("empty.png", b"", "0 bytes"),
        ("damaged.png", b"\x89PNG\r\n\x1a\n", "damaged"),
        ("colour.png", colour, "not developed into colours"),
        ("wide.png", bytes(wide), "1048576x1048576"),
        ("cut.tiff", tiff[:10], "damaged"),
    ):
        with pytest.raises(UsageError, match=message):
            FrameFolder(folder(name, data), ("uint8", "uint16"))[0]
    (tmp_path / "good.tiff").write_bytes(tiff)
    assert read_picture(tmp_path / "good.tiff").shape == (40, 40)
    cv2.imwritemulti(str(tmp_path / "pages.tiff"), [np.zeros((40, 40), np.uint16)] * 2)
    with pytest.raises(UsageError, match="several pages"):
        read_picture(tmp_path / "pages.tiff")
    (tmp_path / "wall" / "-1").mkdir(parents=True)
    with pytest.raises(UsageError, match="must be a length in m"):
        list_levels(tmp_path / "wall", "length")
