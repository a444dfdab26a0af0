"""Recipes: defaults, overrides and one clear line for every mistake."""

from pathlib import Path
from typing import Any

import pytest

from simloom.sim.errors import RecipeError
from simloom.sim.recipe import Recipe, built_in_recipes, load_recipe


def _mistake(source: Any, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(source, overrides=overrides)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_built_in_recipes_load() -> None:
    """Every recipe that comes with simloom is valid."""
    names = built_in_recipes()

    assert "tabletop" in names
    assert all(load_recipe(name).simloom == 1 for name in names)


def test_an_empty_recipe_is_all_defaults() -> None:
    """Every key has a default."""
    assert load_recipe({}).model_dump() == Recipe().model_dump()


def test_digest_covers_values_but_not_the_codec() -> None:
    """The digest changes with anything that decides values, and with nothing else."""
    first = load_recipe("tabletop")

    assert load_recipe("tabletop", overrides=["codec=raw"]).sha256 == first.sha256
    assert load_recipe("tabletop", overrides=["seed=1"]).sha256 != first.sha256
    assert load_recipe("tabletop", overrides=["parameters.friction={fixed: 0.5}"]).sha256 != first.sha256


def test_overrides_reach_nested_keys_and_dotted_parameters() -> None:
    """A dotted key walks into the recipe; a parameter's name keeps its own dots."""
    recipe = load_recipe("tabletop", overrides=["rig.head.width=64", "parameters.light.azimuth={uniform: [0, 1e-3]}"])

    assert recipe.rig["head"].width == 64
    assert recipe.parameters == {"light.azimuth": {"uniform": [0, 0.001]}}


def test_a_misspelt_key_is_answered_with_line_nearest_name_and_allowed_keys(tmp_path: Path) -> None:
    """The message holds where, what was given, what is near and what is allowed, one line per mistake."""
    path = tmp_path / "mine.yaml"
    path.write_text("scene: tabletop\nrig:\n  head:\n    camera: generic_rgb\n    widht: 33\nviews: 0\n")
    first, second = sorted(_mistake(path).splitlines())

    assert first.startswith(f"{path}, line 5: unknown key 'rig.head.widht'; did you mean 'width'?")
    assert "camera, depth, lidar, imu" in first
    assert second == f"{path}, line 6: views: given 0, allowed: at least 1"


@pytest.mark.parametrize(
    "recipe, words",
    [
        ({"looks": "many"}, "looks: given 'many', allowed: a whole number"),
        ({"seed": -1}, "seed: given -1, allowed: at least 0"),
        ({"sampler": "sobol"}, "allowed: random, or {sobol: {scenarios: N}}"),
        ({"sampler": {"sobol": {"scenarios": 6}}}, "take 4 or 8"),
        ({"sampler": {"sobl": {"scenarios": 4}}}, "did you mean 'sobol'?"),
        ({"sampler": {}}, "a sampler is one of"),
        ({"sampler": {"sobol": {"scenarios": 4}, "replay": "x"}}, "got sobol and replay"),
        ({"sampler": {"lhs": {"scenarios": 4, "strenth": 2}}}, "'sampler.lhs.strenth'; did you mean 'strength'?"),
        ({"sampler": {"lhs": {"scenarios": 4, "strength": 3}}}, "sampler.lhs.strength: given 3, allowed: 1 or 2"),
        ({"sampler": {"covering": {"bins": 1}}}, "sampler.covering.bins: given 1, allowed: at least 2"),
        ({"sampler": {"grid": {"parameters": {"friction": 3}, "rest": "nomnal"}}}, "'random', 'same' or 'nominal'"),
        ({"sampler": {"covering": {"parameters": 3}}}, "a list of names, or a mapping"),
        ({"sampler": {"replay": 3}}, "sampler.replay: given 3"),
        ({"episode": {"horizon": 0}}, "episode.horizon: given 0, allowed: at least 1"),
        ({"episode": {"policy": "exprt"}}, "episode.policy: given 'exprt', allowed: 'hold', 'random' or 'expert'"),
        ({"episode": {"horizont": 3}}, "unknown key 'episode.horizont'"),
        ({"require": ["a + b"]}, "require.0: a requirement compares"),
        ({"require": ["a > "]}, "got 'the end' at character 5"),
        ({"require": "a > b"}, "require: given 'a > b', allowed: a list"),
        ({"correlated": [{"names": ["a"], "rank": 0.5}]}, "correlated.0: a correlated group names 2 to 32"),
        ({"outputs": ["rbg"]}, "did you mean 'rgb'?"),
        ({"outputs": []}, "at least one output"),
        ({"rig": {}}, "at least one sensor"),
        ({"rig": {"head": {"width": 64}}}, "needs a profile"),
        ({"rig": {"head": {"camera": "generic_rgb", "imu": "bosch_bmi088"}}}, "one thing, got a camera and imu"),
        ({"rig": {"top": {"lidar": "velodyne_vlp16", "width": 64}}}, "width is for cameras"),
        ({"window": -1.0}, "window: given -1.0, allowed: at least 0"),
        ({"rig": {"Head": {"camera": "generic_rgb"}}}, "lower-case letters"),
        ({"rig": {"head": {"camera": "generic_rgb", "width": 100000}}}, "at most 4096"),
        ({"checks": {"clipped_fraction": {"min": 2, "max": 1}}}, "min must not exceed max"),
        ({"simloom": 2}, "simloom: given 2, allowed: 1"),
        ({"vews": 3}, "did you mean 'views'?"),
    ],
)
def test_every_mistake_says_what_is_allowed(recipe: dict[str, Any], words: str) -> None:
    """What cannot be is refused in words that help, on one line."""
    message = _mistake(recipe)

    assert words in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "text, words",
    [
        ("views: 1\nviews: 2\n", "line 2: the key 'views' stands here twice"),
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", "the tag"),
        ("views: [1\n", "not valid YAML"),
        ("- 1\n", "a recipe is a mapping"),
        ("[" * 5000, "nested deeper"),
        ("a: " + "x" * (1 << 20), "larger than"),
        ("1.5: 2\n", "keys must be names"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Neither code, nor bombs, nor doubled keys get in."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)

    assert words in _mistake(path)


def test_unknown_names_and_unreadable_files_are_answered(tmp_path: Path) -> None:
    """A recipe that does not exist gets the nearest name or the operating system's reason."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")

    assert "did you mean 'tabletop'?" in _mistake("tabeltop")
    assert "No such file" in _mistake(tmp_path / "none.yaml")
    assert "UTF-8" in _mistake(binary)


def test_overrides_are_checked_as_well() -> None:
    """A mistake in --set is answered with the option that made it."""
    assert _mistake("tabletop", "views=0").startswith("--set views=0: views: given 0")
    assert "write key=value" in _mistake("tabletop", "views")
    assert "is not a mapping" in _mistake("tabletop", "views.x=1")
    assert 'write --set "sampler={replay: rp.csv}"' in _mistake("tabletop", "sampler.replay=rp.csv")


def test_a_recipe_knows_where_its_keys_stand(tmp_path: Path) -> None:
    """Later checks name the line, or the option that gave the value."""
    path = tmp_path / "mine.yaml"
    path.write_text("scene: tabletop\nparameters:\n  light.azimuth: 3\n")
    recipe = load_recipe(path, overrides=["views=2"])

    assert recipe.where("parameters", "light.azimuth") == f"{path}, line 3"
    assert recipe.where("views") == "--set views=2"
    assert recipe.where("looks") == str(path)


def test_recipes_from_before_a_key_existed_keep_their_digest() -> None:
    """What a recipe of defaults, and a Sobol one, had for a digest before correlations, splits and intrinsics."""
    assert load_recipe({}).sha256 == "0427185f9f08b1de617d21043cb72f0ad69af5639fb9882e325b605bc9925319"
    assert (
        load_recipe({"sampler": {"sobol": {"scenarios": 4}}, "views": 2}).sha256
        == "406674908391c7d92b0715a38fea1e432efefce863c0c6d47ff6d8b2f5c6a825"
    )
    camera = {"camera": "generic_rgb", "intrinsics": {"fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 31.5}}
    digests = {
        load_recipe(recipe).sha256
        for recipe in (
            {},
            {"asset_split": "val"},
            {"rig": {"head": camera}},
            {"rig": {"head": {"camera": "generic_rgb"}}},
        )
    }
    assert len(digests) == 4
