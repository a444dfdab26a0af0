"""Registration: with or without Gymnasium, before or after it, once."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import pytest

import simloom.scenes

LIST = "print(sorted(name for name in gymnasium.registry if name.startswith('simloom/')))"
BOTH = "['simloom/Driving-v0', 'simloom/Tabletop-v0']"


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "imports",
    [
        "import simloom, gymnasium",
        "import gymnasium, simloom",
        "import simloom, simloom.scenes, gymnasium",
        "import simloom, gymnasium.envs.registration, gymnasium",
    ],
)
def test_the_order_of_imports_does_not_matter(imports):
    """Both environments are there whichever package comes first."""
    assert _run(f"{imports}; {LIST}") == BOTH


def test_importing_simloom_imports_no_gymnasium():
    """Waiting for Gymnasium costs no import, and afterwards nothing is left waiting."""
    code = (
        "import sys, simloom\n"
        "assert 'gymnasium' not in sys.modules and 'numpy' not in sys.modules\n"
        "import gymnasium\n"
        "assert not [finder for finder in sys.meta_path if 'simloom' in type(finder).__module__]\n"
        "assert 'exec_module' not in vars(gymnasium.envs.registration.__spec__.loader)\n"
        "assert not [name for name in sys.modules if name.startswith('simloom.scenes.environments')]\n"
        "print('fine')"
    )
    assert _run(code) == "fine"


def test_make_imports_by_itself():
    """`module:id` needs no import of simloom before."""
    code = (
        "import gymnasium\n"
        "made = gymnasium.make('simloom:simloom/Driving-v0')\n"
        "print(type(made.unwrapped).__name__, made.spec.vector_entry_point)"
    )
    assert _run(code) == "DrivingEnvironment simloom.scenes.environments.driving:DrivingVectorEnvironment"


def test_nothing_happens_without_gymnasium():
    """The package is imported where Gymnasium is not, and importing that fails as it would."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'gymnasium': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import simloom\n"
        "simloom.scenes.register_environments()\n"
        "try:\n    import gymnasium\n"
        "except ModuleNotFoundError: print('absent')"
    )
    assert _run(code) == "absent"


def test_registering_again_does_nothing():
    """Registration is idempotent, and does not take the place of another's."""
    before = gymnasium.registry["simloom/Tabletop-v0"]
    simloom.scenes.register_environments()

    assert gymnasium.registry["simloom/Tabletop-v0"] is before


def test_two_that_wait_both_register():
    """A second copy of the module waits within the first: both register, and the loader is left as it was."""
    code = (
        "import sys, simloom, simloom.scenes.registration as one, importlib.util\n"
        "spec = importlib.util.find_spec('simloom.scenes.registration')\n"
        "two = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(two)\n"
        "one.register_environments()\n"
        "two.register_environments()\n"
        "import gymnasium\n"
        "assert 'exec_module' not in vars(gymnasium.envs.registration.__spec__.loader)\n"
        f"{LIST}"
    )
    assert _run(code) == BOTH
