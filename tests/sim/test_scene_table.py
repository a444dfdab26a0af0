"""The table of a scene's parameters: complete, for people and for machines, and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simloom.scenes import Parameter, ParameterSpace
from simloom.scenes.conditional import depend_on
from simloom.scenes.describe import describe_parameter
from simloom.scenes.distributions import Choice, Uniform
from simloom.sim.errors import RecipeError
from simloom.sim.parameter_plots import draw_marginals, plot_marginals
from simloom.sim.scene_table import print_space, scene_space

CHANGES = (
    'parameters={object.drop: {expression: "0.1 * object.size"}, table.width: {scale: {uniform: [0.9, 1.1]}}}',
    "correlated=[{names: [friction, object.mass], rank: 0.5}]",
    'require=["table.depth > 1.3", {condition: "friction > 0.35", probability: 0.5}]',
)


@pytest.fixture(scope="module")
def space() -> ParameterSpace:
    """The tabletop with some of the language in it."""
    return scene_space("tabletop", overrides=CHANGES)


@pytest.mark.parametrize("name", ["tabletop", "driving"])
def test_every_parameter_has_a_unit_and_a_meaning(name: str) -> None:
    """No parameter of a built-in scene is left unexplained."""
    for parameter in scene_space(name):
        row = describe_parameter(parameter)
        assert all(row), row
        assert len(row.meaning) > 4, row
        assert row.meaning[0].isupper() or row.meaning.split()[0].islower(), row


def test_the_table_tells_all_of_them(space: ParameterSpace, capsys: pytest.CaptureFixture[str]) -> None:
    """Each parameter is named with its distribution, then groups and requirements follow."""
    print_space(space, title="mine")
    text = capsys.readouterr().out

    assert all(parameter.name in text for parameter in space)
    assert "correlated  friction, object.mass: 0.5 (rank)" in text
    assert "require     table.depth > 1.3\n" in text
    assert "require     friction > 0.35  (in 50 % of the scenarios)" in text
    assert describe_parameter(space["table.width"]).distribution == "1.55 times uniform [0.9, 1.1]"
    assert describe_parameter(space["object.drop"]).distribution == "expression 0.1 * object.size"


def test_a_narrow_terminal_leaves_words_whole(
    space: ParameterSpace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 40 columns, or without a terminal, the table keeps its width; a wide one gets more."""
    lines = {}
    for columns in ("40", "80", "250"):
        monkeypatch.setenv("COLUMNS", columns)
        print_space(space, title="mine")
        lines[columns] = capsys.readouterr().out.splitlines()

    assert lines["40"] == lines["80"]
    assert max(len(line) for line in lines["250"]) > 160
    assert len(lines["80"]) < 3 * len(space)
    assert any("Distractors: things" in line for line in lines["80"])


def test_json_is_the_space(space: ParameterSpace, capsys: pytest.CaptureFixture[str]) -> None:
    """What machines get reads as the same space."""
    print_space(space, title="mine", as_json=True)

    assert ParameterSpace.from_json(json.loads(capsys.readouterr().out)) == space


def test_marginals_of_the_whole_scene_are_those_declared(space: ParameterSpace) -> None:
    """Each uniform and log-uniform parameter of the tabletop passes Kolmogorov-Smirnov, the coupled ones too."""
    values, tested = draw_marginals(space, draws=1000), 0
    for parameter in space:
        form = parameter.distribution.to_json()
        for kind, oracle in (("uniform", stats.uniform), ("loguniform", stats.loguniform)):
            if kind in form:
                low, high = form[kind]
                declared = oracle(low, high - low) if kind == "uniform" else oracle(low, high)
                drawn = values[parameter.name].reshape(1000, -1)[:, -1]
                assert stats.kstest(drawn, declared.cdf).pvalue > 1e-4, parameter.name
                tested += 1
    np.testing.assert_allclose(values["object.drop"], 0.1 * values["object.size"], rtol=1e-15)
    assert tested > 40


def test_marginals_are_drawn(space: ParameterSpace, tmp_path: Path) -> None:
    """A picture shows every parameter that varies, of whatever sort."""
    names = (
        "object_count",
        "object.kind",
        "object.size",
        "object.orientation",
        "object.drop",
        "table.width",
        "friction",
    )
    few = ParameterSpace(parameters=tuple(space[name] for name in names))
    count = plot_marginals(tmp_path / "marginals.png", few, title="mine")

    assert count == len(names)
    assert (tmp_path / "marginals.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_scene_is_answered() -> None:
    """A misspelt name gets the nearest."""
    with pytest.raises(RecipeError, match="did you mean 'tabletop'"):
        scene_space("tabeltop")


def _plotted(space: ParameterSpace, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """Return a plot's title and the labels of its axes."""
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    plot_marginals(path, space, title="mine")
    (figure,) = figures
    texts = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    return figure.get_suptitle(), texts


def test_a_plot_shows_what_meets_the_requirements_and_the_names_of_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The title tells how many draws are shown; options of what depends on the context have their names."""
    place = Parameter(name="place", distribution=Choice(options=("any", "dim")), unit="1", meaning="test")
    sun = Parameter(name="sun", distribution=Choice(options=("shines", "none")), unit="1", meaning="test")
    dark = depend_on(sun, "place", {"dim": Choice(options=("shines", "none"), weights=(0.0, 1.0))}, ("any", "dim"))
    height = Parameter(name="height", distribution=Uniform(low=0.0, high=1.0), unit="m", meaning="test")
    free = ParameterSpace(parameters=(place, dark, height))
    path = tmp_path / "p.png"
    title, texts = _plotted(free, path, monkeypatch)
    half, _ = _plotted(free.constrain(require=["height > 0.5"]), path, monkeypatch)
    rare, _ = _plotted(free.constrain(require=["height > 0.999"]), path, monkeypatch)
    kept = int(half.split("the ")[1].split(" of 4000")[0])

    assert "3 parameters, 4000 draws (bars)" in title
    assert {"shines", "none", "any", "dim"} <= set(texts)
    assert abs(kept - 2000) < 5 * 31.7
    assert "of 4000 draws that meet require (bars)" in half
    assert "of them meet what is required" in rare
