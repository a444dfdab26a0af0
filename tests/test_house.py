"""The rules of the house that a machine can hold; each failure says what to do."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("kernels", "renderers", "scenes", "sim")
"""From the ground floor up: a room imports itself and those before it."""
NOT_OURS = {".git", ".venv", ".venv-cuda", "build", "data", "dist"}
"""Folders at the top of a checkout that hold no source."""
PYBULLET_FILES = {"scenes/world.py", "renderers/bullet.py"}
HEAVY = "cv2 gymnasium h5py hdf5plugin pyarrow pybullet pydantic rich scipy torch trimesh typer yaml"
TEST_TOOLS = "execnet hypothesis mypy pytest ruff setuptools xdist"


def _python_files(*folders: str) -> list[Path]:
    """List the Python files below these folders of the repository (all of it when none is named)."""
    tops = [ROOT / folder for folder in folders] if folders else [ROOT]
    found = [path for top in tops for path in top.rglob("*.py")]
    return sorted(path for path in found if path.relative_to(ROOT).parts[0] not in NOT_OURS)


def _package_files() -> dict[str, Path]:
    """Map the dotted name of every module of the package to its file."""
    modules = {"simloom": ROOT / "__init__.py"}
    for path in _python_files(*ROOMS):
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(("simloom", *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return modules


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without what stands under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _run_time_nodes(other)
            continue
        yield child
        yield from _run_time_nodes(child)


def _imports(name: str, path: Path, *, run_time: bool = False) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of a module's imports, those in functions too; `run_time` leaves out type-only ones."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _run_time_nodes(tree) if run_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def _module_of(target: str, modules: dict[str, Path]) -> str | None:
    """Name the longest prefix of a dotted name that is a module of ours."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return target or None


def _absent(names: str) -> str:
    """Write a program that makes these packages unimportable in its interpreter."""
    return f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names.split()!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""


def _loaded(statement: str, watched: str) -> list[str]:
    """Run a statement in a fresh interpreter and list which of the watched packages it loaded."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps([m for m in {watched.split()!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def _settings() -> dict[str, object]:
    """Read the setuptools table of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return table


def test_packages_are_the_folders() -> None:
    """The list of packages in pyproject.toml names every folder that holds code, and no other."""
    folders = {"simloom"} | {
        ".".join(("simloom", *path.parent.relative_to(ROOT).parts)) for path in _python_files(*ROOMS)
    }
    without_init = [
        str(path.parent.relative_to(ROOT))
        for path in _python_files(*ROOMS)
        if not (path.parent / "__init__.py").exists()
    ]
    listed = _settings()["packages"]
    assert isinstance(listed, list)

    assert not without_init, f"add an __init__.py to {sorted(set(without_init))}"
    assert sorted(folders) == sorted(listed), (
        f"[tool.setuptools] packages in pyproject.toml: add {sorted(folders - set(listed))}, "
        f"remove {sorted(set(listed) - folders)}"
    )


def test_package_data_names_every_data_file() -> None:
    """Each file of a room that is not Python is matched by package-data, so that the wheel holds it."""
    data = _settings()["package-data"]
    assert isinstance(data, dict)
    named = {"py.typed"}
    for package, patterns in data.items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        named |= {path.relative_to(ROOT).as_posix() for pattern in patterns for path in folder.glob(pattern)}
    present = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    }

    assert not present - named, f"add to [tool.setuptools.package-data]: {sorted(present - named)}"


def test_imports_go_down() -> None:
    """No room imports one above it."""
    upward = []
    for name, path in _package_files().items():
        room = name.split(".")[1] if "." in name else None
        for line, target in _imports(name, path):
            parts = target.split(".")
            if room and parts[0] == "simloom" and len(parts) > 1 and parts[1] in ROOMS[ROOMS.index(room) + 1 :]:
                upward.append(f"{path.relative_to(ROOT)}:{line} imports {target}")

    assert not upward, "imports run upward:\n" + "\n".join(upward)


def test_package_imports_are_relative() -> None:
    """Inside the package nothing is imported by its absolute name."""
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _package_files().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "simloom")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "simloom" for alias in node.names))
    ]

    assert not absolute, f"write these imports relative (from ..room.file import name): {absolute}"


def test_no_file_imports_in_a_circle() -> None:
    """The graph of imports between files has an order, imports inside functions included."""
    modules = _package_files()
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        imported = [target for _, target in _imports(name, path, run_time=True) if target.startswith("simloom")]
        targets = {_module_of(target, modules) for target in imported}
        graph[name] = {target for target in targets if target and target != name}
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]

    assert not circle, "files import in a circle: " + " <- ".join(circle)


def test_only_two_files_talk_to_pybullet() -> None:
    """PyBullet is imported by the world and by the adapter of its renderers alone."""
    guests = {
        path.relative_to(ROOT).as_posix()
        for name, path in _package_files().items()
        for _, target in _imports(name, path)
        if target.split(".")[0] == "pybullet"
    }

    assert not guests - PYBULLET_FILES, f"only {sorted(PYBULLET_FILES)} may import pybullet, not {sorted(guests)}"


def test_only_the_device_files_know_cuda() -> None:
    """`numba.cuda` stays behind kernels/device*.py."""
    guests = {
        path.relative_to(ROOT).as_posix()
        for name, path in _package_files().items()
        for _, target in _imports(name, path)
        if f"{target}.".startswith("numba.cuda.")
    }
    wrong = sorted(guest for guest in guests if not guest.startswith("kernels/device"))

    assert not wrong, f"only kernels/device*.py may import numba.cuda, not {wrong}"


def test_files_are_short() -> None:
    """A file holds one concept and at most 400 lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in _python_files()}
    long = {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > 400}

    assert not long, f"over 400 lines, each is two concepts: {long}"


def test_only_the_command_line_prints() -> None:
    """Libraries return, raise or log; `print` belongs to sim/cli."""
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _package_files().values()
        if not path.relative_to(ROOT).as_posix().startswith("sim/cli")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert not printing, f"print outside the command line: {printing}"


def test_row_path_calls_no_blas() -> None:
    """No `@`, dot, matmul, einsum or tensordot below sim: their last bit depends on the batch shape."""
    blas = {"dot", "vdot", "inner", "matmul", "einsum", "tensordot"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _python_files("kernels", "renderers", "scenes")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and node.attr in blas)
    ]

    assert not found, f"use kernels/transforms.py or write the sum out: {found}"


def test_import_simloom_loads_nothing_heavy() -> None:
    """`import simloom` loads neither NumPy nor Numba nor anything of the rooms."""
    assert [] == _loaded("import simloom", f"{HEAVY} numba numpy simloom.kernels simloom.sim")


@pytest.mark.parametrize("room", ["kernels", "renderers"])
def test_lower_rooms_need_numpy_and_numba_only(room: str) -> None:
    """Kernels and renderers, but for what is made for torch, need nothing but NumPy and Numba."""
    walk = (
        f"import importlib, pkgutil, simloom.{room} as room\n"
        "names = [module.name for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.')]\n"
        "for name in names:\n    if name != 'simloom.kernels.augment': importlib.import_module(name)"
    )

    assert [] == _loaded(_absent(HEAVY) + walk, HEAVY)


@pytest.mark.parametrize("room", ["", *(f".{room}" for room in ROOMS)])
def test_every_public_name_resolves(room: str) -> None:
    """What `__all__` promises is there, and `dir` shows it."""
    code = (
        f"import simloom{room} as room\n"
        "missing = [name for name in room.__all__ if not hasattr(room, name) or name not in dir(room)]\n"
        "assert not missing, missing"
    )
    _loaded(code, "")


def test_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name of the public face says what is offered."""
    import simloom

    with pytest.raises(AttributeError, match=r"no attribute 'lod_recipe'; it offers .*load_recipe"):
        _ = simloom.lod_recipe


def test_command_line_helps_without_test_tools() -> None:
    """`simloom --help` works where only the declared dependencies are, and loads none of the slow ones."""
    code = """
import sys
sys.argv = ["simloom", "--help"]
from simloom.sim.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
"""

    assert [] == _loaded(_absent(TEST_TOOLS) + code, "cv2 pyarrow pybullet scipy torch trimesh")


def test_wheel_holds_simloom_alone(tmp_path: Path) -> None:
    """The wheel installs one top-level package with its data, and neither tests nor benchmarks."""
    source = tmp_path / "source"
    source.mkdir()
    for path in ROOT.iterdir():  # a copy, since setuptools builds in the tree and keeps what it finds in build/
        if path.is_dir() and path.name not in NOT_OURS and path.suffix != ".egg-info":
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif path.is_file():
            shutil.copy(path, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "-w", tmp_path, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("simloom-*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in files if not re.match(r"simloom-[^/]+\.dist-info/", name)}
    expected = {f"simloom/{path.relative_to(ROOT).as_posix()}" for path in _package_files().values()}

    assert {"simloom"} == tops
    assert expected == {name for name in files if name.endswith(".py")}
    assert "simloom/py.typed" in files
