"""Mistakes in a scene of one's own are told with its file and line, and never called a fault of simloom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simloom.scenes import BuiltScene, Parameter, SceneBuilder, SceneSpec, draw_scenario, parse_distribution
from simloom.scenes.scene import make_scene
from simloom.scenes.scene_code import SceneCodeError, make_stage
from simloom.scenes.stage import Reason, Stage
from simloom.scenes.workers import WorkerPool

MAST = Path(__file__).resolve().parents[2] / "examples" / "own_scene" / "mast.urdf"


def _mass() -> Parameter:
    return Parameter(
        name="box.mass", distribution=parse_distribution({"uniform": [0.1, 1]}), unit="kg", meaning="Mass of a box"
    )


class Shelf(BuiltScene):
    """A scene whose methods the tests replace by wrong ones."""

    name = "shelf"
    classes = ("background", "ground", "shelf", "robot", "box")
    surfaces = ("ground",)
    robot_file = str(MAST)

    def parameters(self) -> list[Parameter]:
        """One parameter."""
        return [_mass()]

    def build(self, builder: SceneBuilder, values: Any) -> None:
        """A ground and a box."""
        builder.add_ground()
        builder.add_box("box", (0.2, 0.2, 0.2), (0.8, 0, 0.1), mass=float(values["box.mass"]))


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    """A scene with a short window."""
    scene = Shelf(slots=3, window=0.02, object_folders=())
    yield scene
    scene.close()


def _stage(scene: Shelf) -> Stage:
    return make_stage(scene, draw_scenario(scene.space, seed=1, index=0))


def _misspells_method(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_grond()


def _misspells_parameter(self: Shelf, builder: Any, values: Any) -> None:
    _helper(values)


def _helper(values: Any) -> None:
    float(values["box.mas"])


def _unknown_class(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_box("boxx", (0.1, 0.1, 0.1), (0, 0, 1))


def _unknown_asset(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_object("box", "spere", 0.1, (0, 0, 1))


def _divides(self: Shelf, builder: Any, values: Any) -> None:
    1 / 0  # noqa: B018


def _takes_too_little(self: Shelf, builder: Any) -> None:
    builder.add_ground()


def _unlisted_scenery(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_scenery("shelf", (1, 1, 0.1), (1, 0, 1))


def _unknown_scenery(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_scenery("shelv", (1, 1, 0.1), (1, 0, 1))


def _wrong_sides(self: Shelf, builder: Any, values: Any) -> None:
    builder.add_scenery("ground", (1, "wide", 0.1), (1, 0, 1))


def _unknown_joint(self: Shelf, builder: Any, values: Any) -> None:
    builder.place_robot(joints={"pann": 0.1})


WRONG: list[tuple[Callable[..., None], int, str]] = [
    (_misspells_method, 1, "AttributeError: .*'add_grond'; did you mean 'add_ground'"),
    (_unknown_class, 1, "the scene has no class 'boxx'; did you mean 'box'"),
    (_unknown_asset, 1, "there is no asset 'spere'; did you mean 'sphere'"),
    (_divides, 1, "ZeroDivisionError: division by zero$"),
    (_takes_too_little, 0, r"TypeError: .*takes 2 positional arguments but 3 were given"),
    (_unlisted_scenery, 1, "scenery of class 'shelf' has no material; list 'shelf' in the scene's `surfaces`"),
    (_unknown_scenery, 1, "the scene has no class 'shelv'; did you mean 'shelf'"),
    (_wrong_sides, 1, r"TypeError: .*\(raised in simloom/scenes/"),
    (_unknown_joint, 1, "the robot has no joint 'pann'; did you mean 'pan'"),
]


@pytest.mark.parametrize("wrong, below, message", WRONG)
def test_a_mistake_in_build_is_told_with_its_line(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, wrong: Any, below: int, message: str
) -> None:
    """File, line and method are the author's, and names have their nearest."""
    monkeypatch.setattr(Shelf, "build", wrong)
    line = wrong.__code__.co_firstlineno + below

    with pytest.raises(SceneCodeError, match=rf"^your scene, .*test_scene_code.py line {line}, in \w+: {message}"):
        _stage(shelf)


def test_an_unknown_value_is_answered_with_the_nearest(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is that of the author's own helper, the message names the nearest parameter."""
    monkeypatch.setattr(Shelf, "build", _misspells_parameter)
    line = _helper.__code__.co_firstlineno + 1

    with pytest.raises(
        SceneCodeError, match=rf"line {line}, in _helper: there is no parameter 'box.mas'; did you mean 'box.mass'\?$"
    ):
        _stage(shelf)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"pann": 0.1}, "the robot has no joint 'pann'; did you mean 'pan'"),
        ({"pan": float("nan")}, "joint 'pan' cannot go to nan"),
        ([0.1, 0.2], "TypeError: joints are given by name"),
        (None, "TypeError: joints are given by name"),
    ],
)
def test_wrong_targets_of_joints_are_refused(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, given: object, message: str
) -> None:
    """What `move_joints` returns must name joints that are there, and finite positions."""
    monkeypatch.setattr(Shelf, "move_joints", lambda self, values, share: given)

    with pytest.raises(SceneCodeError, match=message):
        _stage(shelf)


@pytest.mark.parametrize("tilt, reason", [(1.2, Reason.NONE), (1.75, Reason.JOINT_LIMIT)])
def test_a_joint_cannot_stand_beyond_its_limit(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tilt: float, reason: Reason
) -> None:
    """A position beyond the limit makes no row and says so; the limit itself is allowed."""

    def build(self: Shelf, builder: SceneBuilder, values: Any) -> None:
        builder.add_ground()
        builder.place_robot(joints={"tilt": tilt})

    monkeypatch.setattr(Shelf, "build", build)
    stage = _stage(shelf)

    assert (stage.reason, stage.valid) == (reason, reason == Reason.NONE)
    if reason:
        assert stage.message == "joint 'tilt' cannot stand at 1.75 rad: its limits are [-0.5, 1.2]"


@pytest.mark.parametrize("method, given", [("measure", {"gap": "wide"}), ("measure", None)])
def test_wrong_margins_are_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, method: str, given: object) -> None:
    """What `measure` returns must be numbers by name."""
    monkeypatch.setattr(Shelf, method, lambda self, builder, values: given)

    with pytest.raises(SceneCodeError, match=r"your scene, .*test_scene_code.py line"):
        _stage(shelf)


def test_a_scene_without_a_robot_class_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The robot's class is asked for before anything is loaded."""
    monkeypatch.setattr(Shelf, "classes", ("background", "box"))

    with pytest.raises(ValueError, match="the scene Shelf has no class 'robot'"):
        Shelf()


@pytest.mark.parametrize(
    "text, message",
    [
        ("import os\nclass Broken(:\n", "line 2: SyntaxError"),
        ("import os\n\nimport trimeshh\n", "line 3: ModuleNotFoundError: No module named 'trimeshh'"),
        ("x = 1\nx.real_part\n", "line 2: AttributeError"),
    ],
)
def test_a_module_that_fails_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """Mistakes outside the class are the author's too."""
    name = f"broken_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(SceneCodeError, match=rf"^your scene, .*{name}.py {message}"):
        make_scene(f"{name}:Broken", allow_code=True)


def test_a_mistake_in_a_worker_is_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message comes back from another process without a traceback, and as the same kind of error."""
    (tmp_path / "wooden.py").write_text(
        "from simloom.scenes.tabletop import TabletopScene\n\n"
        "class Wooden(TabletopScene):\n    def stage(self, scenario, space=None):\n        return scenario.indx\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = SceneSpec(name="wooden:Wooden", allow_code=True)
    scene = make_scene("tabletop")
    with WorkerPool(spec, 1) as pool:
        pool.submit(draw_scenario(scene.space, seed=1, index=0))
        with pytest.raises(
            SceneCodeError,
            match=r"^your scene, .*wooden.py line 5, in stage: AttributeError: .*did you mean 'index'\?$",
        ):
            next(pool.results())
    scene.close()


def test_simlooms_own_errors_pass_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in a built-in scene is not blamed on its user."""
    from simloom.scenes.tabletop import TabletopScene

    def broken(self: TabletopScene, scenario: Any, space: Any = None) -> Any:
        raise KeyError("inside")

    broken.__module__ = TabletopScene.__module__
    monkeypatch.setattr(TabletopScene, "stage", broken)
    with pytest.raises(KeyError, match="inside"):
        make_stage(TabletopScene.__new__(TabletopScene), None)  # type: ignore[arg-type]
