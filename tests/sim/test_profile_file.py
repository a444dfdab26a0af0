"""Profile files: read, described and written, every mistake with its line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from simloom.kernels import load_profile
from simloom.kernels.profiles import describe_profile, list_profiles
from simloom.sim.errors import UsageError
from simloom.sim.profile_file import (
    FileValue,
    ProfileFile,
    describe_profile_file,
    load_profile_file,
    profile_kind,
    read_profile_file,
    write_profile_file,
)

GOOD = """\
simloom_profile: 1
kind: camera
name: ours
base: generic_rgb
values:
  gain: {value: 0.4, unit: DN/e-, source: photon transfer, confidence: measured, interval: [0.39, 0.41]}
  jpeg_quality: 90
  white_balance: [1, 1.5, 2e0]
"""


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    return path


def test_values_replace_those_of_the_base(tmp_path: Path) -> None:
    """What the file gives counts; all else is the built-in's, with the built-in's sources."""
    path, base = _file(tmp_path, GOOD), load_profile("generic_rgb")
    profile = load_profile_file(path)
    described = {value.name: value for value in describe_profile_file(path)}

    assert (profile.name, profile.gain, profile.jpeg_quality) == ("ours", 0.4, 90)
    assert profile.white_balance == (1.0, 1.5, 2.0)
    assert profile.full_well == base.full_well
    assert described["gain"] == FileValue("gain", 0.4, "DN/e-", "photon transfer", "measured", (0.39, 0.41))
    assert described["full_well"].source == "IMX250 class sensors, EMVA 1288 saturation capacity"
    assert set(described) == {value.name for value in describe_profile("generic_rgb")}


@pytest.mark.parametrize("base", list_profiles())
def test_what_is_written_is_read_again(tmp_path: Path, base: str) -> None:
    """Every built-in profile can be written whole, without a base, and comes back equal."""
    values = tuple(FileValue(*value) for value in describe_profile(base))
    file = ProfileFile(kind=profile_kind(base), name=base, values=values)
    write_profile_file(tmp_path / "whole.yaml", file, comment="two\nlines")

    assert read_profile_file(tmp_path / "whole.yaml") == file
    assert load_profile_file(tmp_path / "whole.yaml") == load_profile(base)
    assert (tmp_path / "whole.yaml").read_text().startswith("# two\n# lines\nsimloom_profile: 1\n")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("simloom_profile: 1", "simloom_profile: 2", r"line 1: simloom_profile: given 2, allowed: 1"),
        ("simloom_profile: 1\n", "", r"simloom_profile: given 'nothing'"),
        ("kind: camera", "kind: camra", r"line 2: kind: given 'camra', allowed: .*did you mean 'camera'"),
        ("name: ours", "nam: ours", r"line 3: unknown key 'nam'; did you mean 'name'"),
        ("name: ours", "name: ''", r"line 3: name: given '', allowed: 1 to 64"),
        ("generic_rgb", "generic_rbg", r"line 4: base: given 'generic_rbg', allowed: .*did you mean 'generic_rgb'"),
        ("generic_rgb", "realsense_d435", r"line 4: base: realsense_d435 is of kind stereo, allowed: .*generic_rgb"),
        ("  gain:", "  gian:", r"line 6: unknown key 'values.gian'; did you mean 'gain'"),
        ("value: 0.4", "valeu: 0.4", r"line 6: unknown key 'values.gain.valeu'; did you mean 'value'"),
        ("value: 0.4", "value: -2", r"line 6: gain must be a number in .*, got -2"),
        ("value: 0.4", "value: '0.4'", r"line 6: gain: given '0.4', allowed: a valid number"),
        ("value: 0.4", "value: .inf", r"line 6: gain: given inf, allowed: a finite number"),
        ("unit: DN/e-", "unit: e-/DN", r"line 6: gain: given in 'e-/DN', allowed: DN/e-; convert"),
        ("confidence: measured", "confidence: sure", r"confidence: given 'sure', allowed: measured, datasheet"),
        ("[0.39, 0.41]", "[0.41, 0.39]", r"interval: given \[0.41, 0.39\], allowed: \[low, high\]"),
        ("jpeg_quality: 90", "jpeg_quality: 90.5", r"line 7: jpeg_quality: given 90.5, allowed: a valid integer"),
        ("jpeg_quality: 90", "mosaic: RGBG", r"line 7: mosaic: given 'RGBG', allowed: 'RGGB'"),
        ("[1, 1.5, 2e0]", "[1, 2]", r"line 8: white_balance: given \[1, 2\], allowed: a list of 3 numbers or null"),
        ("base: generic_rgb\n", "", r"line 4: values: .*f_number.* must be given, or a base"),
        ("  jpeg_quality: 90", "  gain: 2", r"line 7: the key 'gain' stands here twice"),
        ("name: ours", "name: &a ours", None),
        ("name: ours", "name: !!python/name:os.system ours", r"line 3: the tag .* is not allowed"),
    ],
)
def test_mistakes_are_answered_with_their_line(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    """Unknown keys, wrong kinds, units, types and ranges name the line, what was given and what is allowed."""
    path = _file(tmp_path, GOOD.replace(old, new))
    if message is None:
        assert load_profile_file(path).name == "ours"
        return
    with pytest.raises(UsageError, match=message):
        load_profile_file(path)


def test_files_that_are_no_profiles_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder, binary and huge files are answered by one sentence."""
    with pytest.raises(UsageError, match="cannot read the profile"):
        load_profile_file(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot read the profile"):
        load_profile_file(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        load_profile_file(tmp_path / "binary.yaml")
    (tmp_path / "huge.yaml").write_text("a" * (1 << 20) + "b")
    with pytest.raises(UsageError, match="larger than"):
        load_profile_file(tmp_path / "huge.yaml")
    with pytest.raises(UsageError, match="a mapping of keys"):
        load_profile_file(_file(tmp_path, "- 1\n"))


def test_impossible_profiles_are_not_written(tmp_path: Path) -> None:
    """A value out of its range is refused before the file is touched."""
    file = ProfileFile(kind="camera", name="x", base="generic_rgb", values=(FileValue("gain", -1.0, "DN/e-"),))
    with pytest.raises(UsageError, match="gain must be"):
        write_profile_file(tmp_path / "x.yaml", file)

    assert not (tmp_path / "x.yaml").exists()


def test_a_lidar_takes_its_pattern_from_a_csv(tmp_path: Path) -> None:
    """A table that names a CSV beside the profile holds its firings; a file elsewhere is not read."""
    (tmp_path / "mine.csv").write_text("time,azimuth,elevation\n0,1,2\n0.001,3,4\n")
    text = "simloom_profile: 1\nkind: lidar\nname: mine\nbase: livox_like\nvalues:\n  scan: table\n  columns: 2\n"
    path = tmp_path / "mine.yaml"
    path.write_text(f"{text}  table: mine.csv\n")
    assert load_profile_file(path).table == (0.0, 1.0, 2.0, 0.0, 0.001, 3.0, 4.0, 0.0)
    for name, words in (("../mine.csv", "in the profile's own folder"), ("none.csv", "none.csv")):
        path.write_text(f"{text}  table: {name}\n")
        with pytest.raises(UsageError, match=words):
            load_profile_file(path)
