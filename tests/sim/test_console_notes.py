"""The command line tells what a recipe's options change of what its scene declares."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from simloom.sim.cli import app


def test_few_slots_are_noted_before_anything_is_made(tmp_path: Path) -> None:
    """One line on standard error, so that standard output stays what machines read."""
    command = ["generate", "tabletop", "-n", "1", "-o", str(tmp_path / "d"), "--dry-run", "--json"]
    few = CliRunner().invoke(app, [*command, "--set", "slots=2"])
    enough = CliRunner().invoke(app, command)

    assert (few.exit_code, enough.exit_code) == (0, 0), few.output
    (note,) = few.stderr.splitlines()
    assert note.startswith("note: slots: 2 leaves room for 1 object beside the robot")
    assert json.loads(few.stdout)["rows_wanted"] == 1
    assert enough.stderr == ""
