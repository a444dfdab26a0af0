"""The command line: every mistake gets one sentence and its exit code, and help ends with an example."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

COMMANDS = ("scenes", "profiles", "preview", "generate", "verify", "inspect", "doctor")

TINY: dict[str, Any] = {
    "views": 1,
    "looks": 2,
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 48, "height": 36}},
    "parameters": {"object_count": {"integer": [3, 4]}},
    "slots": 6,
}


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simloom.sim.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "COLUMNS": "100", **environment}
    )


def _refused(code: int, *arguments: object, **environment: str) -> str:
    """Run a command that must fail with a code and one clear sentence; return it."""
    done = _run(*arguments, **environment)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recipe as a file."""
    path = tmp_path_factory.mktemp("cli") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(scope="module")
def made(tiny: Path) -> Path:
    """A small dataset, made by the command line."""
    out = tiny.parent / "made"
    done = _run("generate", tiny, "-n", 6, "-o", out, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "complete, 6 rows" in done.stdout
    assert "contact_sheet.png" in done.stdout.replace("\n", "")
    return out


def test_the_same_command_again_has_nothing_to_do(made: Path, tiny: Path) -> None:
    """Resuming a finished dataset makes no row and changes no file."""
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    done = _run("generate", tiny, "-n", 6, "-o", made, "--json")

    assert json.loads(done.stdout)["rows_made"] == 0
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


def test_verify_names_a_flipped_bit_and_regenerates_rows(made: Path) -> None:
    """A sound dataset passes; a damaged file is named, with exit code 42."""
    assert _run("verify", made, "--regenerate", 2).returncode == 0
    shard = next((made / "shards").iterdir())
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    whole = shard.read_bytes()
    try:
        shard.write_bytes(bytes(data))
        done = _run("verify", made)
    finally:
        shard.write_bytes(whole)

    assert done.returncode == 42
    assert f"shards/{shard.name}" in done.stdout
    assert "Traceback" not in done.stderr


def test_inspect_shows_datasets_rows_and_the_gate(made: Path) -> None:
    """What is in the dataset, in one row, and what the gate says of it."""
    summary = json.loads(_run("inspect", made, "--json").stdout)
    row = json.loads(_run("inspect", made, "--row", 3, "--json").stdout)
    gate = json.loads(_run("inspect", made, "--gate", "--json").stdout)

    assert summary["rows"] == 6
    assert summary["arrays"]["sensor/head/rgb"]["shape"] == [36, 48, 3]
    assert row["sample/index"] == 3
    assert {line["name"] for line in gate} >= {"no interpenetration", "nothing floats", "nothing twice"}
    assert "row 99" in _refused(2, "inspect", made, "--row", 99)


def test_previews_draw_recipes_and_replay_files(tiny: Path, tmp_path: Path) -> None:
    """Both give a picture; a damaged replay file is refused."""
    made = _run("generate", tiny, "-n", 2, "-o", tmp_path / "d", "--workers", 0, "--snapshots", tmp_path / "s.npz")
    assert made.returncode == 0, made.stderr
    for source in (tiny, tmp_path / "s.npz"):
        done = _run("preview", source, "-n", 1, "-o", tmp_path / "p.png")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "bad.npz").write_bytes(b"nothing")

    assert "not a replay file" in _refused(2, "preview", tmp_path / "bad.npz")


def test_dry_runs_make_nothing(tiny: Path, tmp_path: Path) -> None:
    """The estimate is printed; the folder is not made."""
    done = _run("generate", tiny, "-n", 100, "-o", tmp_path / "d", "--dry-run", "--json")

    assert json.loads(done.stdout)["rows_to_make"] == 100
    assert not (tmp_path / "d").exists()


def test_mistakes_in_recipes_exit_with_2(tiny: Path, tmp_path: Path) -> None:
    """Unknown names, misspelt keys and values out of range are answered with where, what and the nearest name."""
    out = ("-n", 2, "-o", tmp_path / "d")
    misspelt = tmp_path / "misspelt.yaml"
    misspelt.write_text("scene: tabletop\nvews: 3\n")
    scene = tmp_path / "scene.yaml"
    scene.write_text("views: 1\nscene: tabeltop\n")

    assert "did you mean 'tabletop'" in _refused(2, "generate", "tabeltop", *out)
    assert "scene.yaml, line 2: " in _refused(2, "generate", scene, *out)
    answer = _refused(2, "generate", misspelt, *out)
    assert "misspelt.yaml, line 2: unknown key 'vews'; did you mean 'views'?" in answer
    assert "at least 1" in _refused(2, "generate", tiny, *out, "--set", "views=0")
    assert "object_count" in _refused(2, "generate", tiny, *out, "--set", "parameters.object_count={fixed: 900}")
    assert "seed" in _refused(2, "generate", tiny, *out, "--seed", -1)
    assert "at least 1" in _refused(2, "generate", tiny, "-n", 0, "-o", tmp_path / "d")
    assert "'cpu' or 'cuda'" in _refused(2, "generate", tiny, *out, "--device", "tpu")
    assert not (tmp_path / "d").exists()


def test_missing_meshes_and_broken_urdfs_exit_with_2(tiny: Path, tmp_path: Path) -> None:
    """The file to blame is named, with the key that asks for it."""
    broken = tmp_path / "broken.urdf"
    broken.write_text("<robot name='a'><link")
    lacking = tmp_path / "lacking.urdf"
    lacking.write_text(
        "<robot name='a'><link name='b'><visual><geometry><mesh filename='none.obj'/></geometry></visual></link>"
        "</robot>"
    )
    objects = tmp_path / "objects"
    objects.mkdir()
    (objects / "chip.obj").write_text("v 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0 0 0.1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n")
    own = ("--set", f"object_folders=[{objects}]")  # so that preparing PyBullet's thousand objects takes no time
    for path in (broken, lacking, tmp_path / "none.urdf"):
        answer = _refused(2, "generate", tiny, "-n", 2, "-o", tmp_path / "d", *own, "--set", f"robot={path}")
        assert path.name in answer or "none.obj" in answer


def test_wrong_folders_exit_with_2(made: Path, tiny: Path, tmp_path: Path) -> None:
    """The folder of another recipe, a file, a stranger's folder and a missing one are left alone."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")

    assert "seed" in _refused(2, "generate", tiny, "-n", 6, "-o", made, "--seed", 5)
    assert "was begun with 6 rows" in _refused(2, "generate", tiny, "-n", 2, "-o", made)
    assert "not empty" in _refused(2, "generate", tiny, "-n", 2, "-o", tmp_path / "full")
    assert "file" in _refused(2, "generate", tiny, "-n", 2, "-o", tmp_path / "file")
    assert "no dataset" in _refused(2, "verify", tmp_path / "full")
    assert "no dataset" in _refused(2, "inspect", tmp_path / "nowhere")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder in which nobody may write, not even root")
def test_no_permission_exits_with_2(tiny: Path) -> None:
    """A folder that must not be written is named."""
    assert "cannot write /sys/simloom" in _refused(2, "generate", tiny, "-n", 2, "-o", "/sys/simloom")


def test_a_full_disk_exits_with_75_and_loses_nothing(tiny: Path, tmp_path: Path) -> None:
    """A write that the system refuses ends the run; committed shards stay and the same command finishes."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000));"
        "from simloom.sim.cli import main; sys.argv[0] = 'simloom'; main()"
    )
    arguments = ["generate", tiny, "-n", 4, "-o", tmp_path / "d", "--workers", 0, "--set", "codec=raw"]
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    assert "ulimit -f" in done.stderr
    assert _run(*arguments).returncode == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(command: str) -> None:
    """Every command can be copied from its help."""
    done = _run(command, "--help")

    assert done.returncode == 0
    assert f"Example: simloom {command}" in done.stdout


def test_listings_name_what_recipes_may_name() -> None:
    """Scenes and profiles are listed, for people and for machines."""
    assert "tabletop" in json.loads(_run("scenes", "--json").stdout)
    assert json.loads(_run("profiles", "--json").stdout)["generic_rgb"]["kind"] == "camera"
    assert _run("doctor").returncode == 0


def test_usage_mistakes_exit_with_2() -> None:
    """An unknown command or option is the command line's own answer."""
    assert _run("genrate").returncode == 2
    assert _run("generate", "tabletop").returncode == 2


def test_the_command_reference_is_up_to_date(repository: Path) -> None:
    """docs/cli.md is made from --help; `python -m simloom.sim.reference docs/cli.md` makes it again."""
    from simloom.sim.reference import command_reference

    assert (repository / "docs" / "cli.md").read_text() == command_reference()
