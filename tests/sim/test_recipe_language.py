"""The parameter language in recipes: lines of mistakes, what a plan makes of it, redraws and tombstones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from simloom.scenes.acceptance import find_unmet
from simloom.scenes.stage import Reason
from simloom.sim.campaign.plan import make_plan
from simloom.sim.campaign.stages import StageSource
from simloom.sim.errors import RecipeError
from simloom.sim.recipe import load_recipe

SMALL: dict[str, Any] = {
    "scene": "tabletop",
    "slots": 4,
    "rig": {"head": {"camera": "generic_rgb", "width": 32, "height": 24}},
    "outputs": ["poses"],
}
RECIPE = """
scene: tabletop
slots: 4
parameters:
  object.size: {uniform: [0.04, "0.05 + 0.05 * table.height"]}
  object.drop: {expression: "%s"}
correlated:
  - {names: [friction, object.mass], rank: %s}
require:
  - table.depth > 1.2
  - {condition: "%s", probability: 0.9}
outputs: [poses]
rig: {head: {camera: generic_rgb, width: 32, height: 24}}
"""


def _mistake(text: str, folder: Path) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path))
    assert caught.value.exit_code == 2
    return str(caught.value).replace(str(path), "mine.yaml")


@pytest.mark.parametrize(
    "given, words",
    [
        (("0.1 * object.siz", "0.5", "friction > 0.3"), ("line 6: object.drop", "did you mean 'object.size'")),
        (("0.1 ** object.size", "0.5", "friction > 0.3"), ("line 6", "expected a number", "at character 6")),
        (("20 * object.size", "0.5", "friction > 0.3"), ("line 6: object.drop", "keep it in by min and max")),
        (("0.1 * object.size", "1.5", "friction > 0.3"), ("line 8", "between -1 and 1")),
        (("0.1 * object.size", "0.5", "frction > 0.3"), ("line 11", "did you mean 'friction'")),
        (("0.1 * object.size", "0.5", "sqr(friction) > 0.3"), ("line 11", "did you mean 'sqrt'")),
        (("0.1 * object.size", "0.5", "friction + 1"), ("line 11", "a requirement compares")),
    ],
    ids=lambda given: " ".join(given),
)
def test_a_mistake_in_an_expression_names_its_line(given: Any, words: tuple[str, ...], tmp_path: Path) -> None:
    """A bad expression, group or condition is answered with its line and what was meant."""
    message = _mistake(RECIPE % given, tmp_path)

    assert message.startswith("mine.yaml, line")
    assert all(word in message for word in words), message


def test_what_no_draw_meets_is_refused(tmp_path: Path) -> None:
    """A requirement that nothing meets is told before anything is made, with how often each condition held."""
    path = tmp_path / "mine.yaml"
    path.write_text("scene: tabletop\nslots: 4\noutputs: [poses]\nrequire:\n  - table.depth > 3\n  - friction > 0.4\n")
    with pytest.raises(RecipeError, match=r"'table\.depth > 3' held in 0") as caught:
        make_plan(load_recipe(path))

    assert str(caught.value).startswith(f"{path}, line 4: require: none of 4096 draws meets it")


def test_a_plan_takes_the_whole_language() -> None:
    """The resolved recipe reads as the same plan; the description tells how often draws are accepted."""
    recipe = load_recipe(
        SMALL
        | {
            "parameters": {"object.drop": {"expression": "0.1 * object.size"}, "table.width": {"scale": 0.9}},
            "correlated": [{"names": ["friction", "object.mass"], "rank": 0.5}],
            "require": ["table.depth > 1.3", {"condition": "friction > 0.35", "probability": 0.5}],
        }
    )
    plan = make_plan(recipe)
    again = make_plan(load_recipe(yaml.safe_load(plan.resolved_yaml)))
    fraction = plan.tables["acceptance"]["fraction"]

    assert again.resolved_yaml == plan.resolved_yaml
    assert again.scene.space.digest() == plan.scene.space.digest()
    assert plan.acceptance is not None
    assert again.acceptance == plan.acceptance
    assert plan.tables["acceptance"]["met"].keys() == {"table.depth > 1.3", "friction > 0.35"}
    assert 0.2 < fraction < 0.5
    plan.scene.close()
    again.scene.close()


def test_a_recipe_without_the_language_keeps_its_text() -> None:
    """Neither the digest nor the resolved text of a recipe knows of what it does not use."""
    plan = make_plan(load_recipe(SMALL))

    assert "correlated" not in plan.resolved_yaml
    assert "acceptance" not in plan.tables
    assert plan.recipe.sha256 == load_recipe(SMALL | {"correlated": []}).sha256
    plan.scene.close()


def test_draws_that_do_not_meet_what_is_required_are_drawn_again_and_counted() -> None:
    """Under the random sampler every stage meets it, at the first attempt that does; the count is exact."""
    plan = make_plan(load_recipe(SMALL | {"require": ["table.depth > 1.35"]}))
    with StageSource(plan, range(6), workers=0) as source:
        stages = list(source)
        draws, outcomes = source.draws, source.take_outcomes(stages)

    unmet = outcomes.count_of("requirement")
    for stage in stages:
        assert stage.param["table.depth"].min() > 1.35
        for attempt in range(stage.scenario.attempt):
            earlier = plan.sampler.propose(stage.scenario.index, attempt)
            assert find_unmet(plan.scene.space, earlier) or outcomes.redraw_count > unmet
    assert sum(stage.scenario.attempt + 1 for stage in stages) == draws == 6 + outcomes.redraw_count
    assert unmet > 0
    assert outcomes.tombstone_count == 0
    plan.scene.close()


def test_what_is_taken_in_turn_is_not_drawn_again() -> None:
    """No draw changes a value that is taken in turn: its scenario is a tombstone at once, not after 2000 draws."""
    recipe = SMALL | {
        "parameters": {"table.depth": {"sequence": [1.2, 1.3, 1.4]}},
        "require": ["table.depth > 1.25"],
    }
    plan = make_plan(load_recipe(recipe))
    with StageSource(plan, range(6), workers=0) as source:
        stages = list(source)
        draws = source.draws

    assert draws == 6
    assert [stage.reason == Reason.REQUIREMENT for stage in stages] == [True, False, False] * 2
    plan.scene.close()


def test_designed_points_that_do_not_meet_it_leave_a_tombstone() -> None:
    """A Sobol point is never replaced: it is left with its reason, and counted."""
    plan = make_plan(load_recipe(SMALL | {"sampler": {"sobol": {"scenarios": 8}}, "require": ["table.depth > 1.35"]}))
    with StageSource(plan, range(8), workers=0) as source:
        stages = list(source)
        outcomes = source.take_outcomes(stages)
    unmet = [stage for stage in stages if stage.reason == Reason.REQUIREMENT]

    assert 1 <= len(unmet) == outcomes.tombstones["requirement"] <= 7
    assert all(not stage.valid and stage.message == "not met: table.depth > 1.35" for stage in unmet)
    assert all(stage.param["table.depth"].max() <= 1.35 for stage in unmet)
    plan.scene.close()
