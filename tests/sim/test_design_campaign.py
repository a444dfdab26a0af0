"""Campaigns of designs: rows are the design's, whoever makes them, and a replayed dataset is the same bytes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import simloom
from simloom.sim.campaign.plan import make_plan
from simloom.sim.campaign.row_regeneration import regenerate_row
from simloom.sim.cli import app
from simloom.sim.dataset.errors import RecipeMismatchError
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import RecipeError, UsageError
from simloom.sim.quality import dataset_coverage, draw_coverage, rejection
from simloom.sim.recipe import load_recipe

TINY: dict[str, Any] = {
    "views": 2,
    "looks": 1,
    "rig": {"head": {"camera": "generic_rgb", "width": 48, "height": 36}},
    "outputs": ["rgb", "instance", "boxes", "poses"],
    "parameters": {"object_count": {"integer": [2, 3]}, "object.kind": {"choice": ["box", "cylinder"]}},
    "slots": 4,
    "supersample": 1,
    "checks": {"settled": False, "clipped_fraction": {}, "penetration": {}},
}
COVERING = {
    "strength": 2,
    "parameters": {"object_count": None, "object.kind[0]": None, "table.height": [0.6, 0.7, 0.8]},
}


def _generate(out: Path, sampler: Any, samples: int | None = None, **more: Any) -> Any:
    more = {"workers": 0, **more}
    return simloom.generate({**TINY, "sampler": sampler}, samples=samples, out=out, **more)


def _everything(folder: Path) -> Any:
    return simloom.sim.open_dataset(folder, skip_rejected=False)


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of a covering design."""
    folder = tmp_path_factory.mktemp("designs") / "covered"
    _generate(folder, {"covering": COVERING})
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the random sampler: two whole scenarios and half a third."""
    folder = tmp_path_factory.mktemp("designs") / "drawn"
    _generate(folder, "random", 5)
    return folder


def test_rows_of_a_design_do_not_depend_on_workers_or_shards(covered: Path, tmp_path: Path) -> None:
    """Another number of processes, shards and batches gives the same digest, and so do rows made again alone."""
    other = _generate(tmp_path / "d", {"covering": COVERING}, workers=1, batch=3, scenarios_per_shard=2)
    report = verify_dataset(covered, regenerate=regenerate_row(covered), regenerate_count=3)

    assert other.root_digest == simloom.open_dataset(covered).root_digest
    assert report.ok
    assert report.findings == ()


def test_a_design_that_is_resumed_has_the_same_digest(covered: Path, tmp_path: Path) -> None:
    """Two machines make a part each; the digest is that of one run, and another count of rows is refused."""
    for index in (1, 0):
        half = _generate(
            tmp_path / "d", {"covering": COVERING}, shard_index=index, shard_count=2, scenarios_per_shard=2
        )

    assert half.root_digest == simloom.open_dataset(covered).root_digest
    with pytest.raises(UsageError, match=r"has \d+ rows, got -n 99; leave -n out"):
        _generate(tmp_path / "d", {"covering": COVERING}, 99)


def test_the_library_that_made_a_design_is_recorded(covered: Path, tmp_path: Path) -> None:
    """A dataset's own recipe names it, with the number of scenarios."""
    resolved = yaml.safe_load((covered / "recipe.yaml").read_text())["resolved"]["sampler"]

    assert resolved["library"].startswith("covertable 3")
    assert resolved["scenarios"] * 2 == len(_everything(covered).rows)
    lhs = make_plan(load_recipe({**TINY, "sampler": {"lhs": {"scenarios": 3}}}))
    assert "library: scipy " in lhs.resolved_yaml


def test_a_covering_dataset_is_covered_and_holes_are_named_elsewhere(covered: Path, drawn: Path) -> None:
    """By its own levels the design has no hole; few random rows have, and each is named by value."""
    full, part = dataset_coverage(covered), dataset_coverage(drawn, parameters=["object_count", "table.height"], bins=2)

    assert full.share == 1.0
    assert [len(each.factors[0].levels) for each in full.singles] == [2, 2, 2]
    told = part.to_json()
    heights = _everything(drawn).array("param/table.height")
    counts = _everything(drawn).array("param/object_count")
    found = {(int(c), bool(h >= 0.725)) for c, h in zip(counts, heights, strict=True)}
    holes = {(int(h["object_count"]), h["table.height"] == "0.725 to 0.85 m") for h in told["holes"]}
    assert holes == {(c, high) for c in (2, 3) for high in (False, True)} - found
    assert told["hole_count"] == len(holes)
    assert told["rows"] == 5
    assert told["share"] == len(found) / 4


def test_a_vectors_name_means_its_elements(drawn: Path) -> None:
    """Coverage of a bare vector is that of each element, which all rows are in."""
    told = dataset_coverage(drawn, parameters=["friction", "table.height", "friction[1]"], bins=2).to_json()
    names = [*(f"friction[{i}]" for i in range(3)), "table.height"]

    assert sorted(told["parameters"]) == sorted(names)
    for name in names:
        assert sum(told["parameters"][name]["levels"].values()) == 5, name


def test_the_command_line_tells_coverage(drawn: Path, covered: Path, tmp_path: Path) -> None:
    """As a table, as JSON and as a picture; mistakes are answered."""
    run = CliRunner().invoke
    shown = run(app, ["inspect", str(drawn), "--coverage", "--bins", "2", "--picture", str(tmp_path / "c.png")])
    told = json.loads(run(app, ["inspect", str(covered), "--coverage", "--json"]).stdout)
    wrong = run(app, ["inspect", str(drawn), "--coverage", "--parameters", "object_cuont"])

    assert shown.exit_code == 0, shown.output
    assert "object_count" in shown.stdout
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert told["share"] == 1.0
    assert wrong.exit_code == 2
    assert "did you mean 'object_count'" in wrong.output
    with pytest.raises(UsageError, match="strength must be 2"):
        draw_coverage(dataset_coverage(drawn, strength=1))


def _rows(folder: Path, count: int) -> list[dict[str, Any]]:
    dataset = _everything(folder)
    return [dataset.row(row) for row in range(count)]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_a_replayed_dataset_is_the_same_bytes(drawn: Path, covered: Path, tmp_path: Path) -> None:
    """Every array of every row of every whole scenario, whichever sampler drew it."""
    _generate(tmp_path / "d", {"replay": str(drawn)})
    again = _generate(tmp_path / "c", {"replay": str(covered)}, workers=1)

    assert len(_everything(tmp_path / "d").rows) == 4
    assert all(map(_same, _rows(drawn, 4), _rows(tmp_path / "d", 4)))
    assert again.root_digest == simloom.open_dataset(covered).root_digest


def test_a_dataset_replays_under_a_recipe_that_has_changed(drawn: Path, tmp_path: Path) -> None:
    """What means the same keeps its coordinates; what has another distribution keeps its values where it can."""
    recipe = {**TINY, "sampler": {"replay": str(drawn)}, "views": 1}
    recipe["parameters"] = {**TINY["parameters"], "table.height": {"uniform": [0.5, 0.9]}, "friction": 0.5}
    plan = make_plan(load_recipe(recipe))
    for index in range(2):
        point, there = plan.sampler.propose(index), _everything(drawn).row(2 * index)
        values = plan.scene.space.resolve(point.u_scenario, point.u_view, point.u_look)
        for name, value in values.items():
            if name == "friction":
                assert (value == 0.5).all()
            elif name == "table.height":
                assert float(value) == pytest.approx(float(there[f"param/{name}"]), rel=1e-14)
            elif plan.scene.space[name].varies == "scenario":
                assert np.array_equal(value, there[f"param/{name}"]), name


def test_a_replay_that_has_changed_is_no_longer_the_same_design(drawn: Path, tmp_path: Path) -> None:
    """The points are part of what binds a folder; the recipe's line is named where they cannot be."""
    table = tmp_path / "points.csv"
    table.write_text("object_count\n2\n3\n")
    sampler = {"replay": {"path": str(table), "rest": "same"}}
    dataset = _generate(tmp_path / "d", sampler)
    assert dataset.array("param/object_count").tolist() == [2, 2, 3, 3]

    table.write_text("object_count\n3\n2\n")
    with pytest.raises(RecipeMismatchError, match="points_sha256"):
        _generate(tmp_path / "d", sampler)
    with pytest.raises(RecipeError, match="points to replay have changed"):
        regenerate_row(tmp_path / "d")
    with pytest.raises(RecipeError, match="has 2 views and 1 looks a scenario"):
        make_plan(load_recipe({**TINY, "sampler": {"replay": str(drawn)}, "views": 3}))


@pytest.mark.parametrize(
    "sampler, line, words",
    [
        ("{grid: {\n    parameters: {frction: 3}}}", 4, "did you mean 'friction'"),
        ("{grid: {parameters: {object_count: [7]}}}", 3, "7 is no value of"),
        ("{covering: {\n    exclude: [{object_count: 9}]}}", 4, "has no level 9; there are 2, 3"),
        ("{covering: {\n    parameters: [object.orientation]}}", 4, "numbers a value"),
        ("{lhs: {scenarios: 8, strength: 2}}", 3, "take 9"),
        ("{replay: nothing.csv}", 3, "no such file"),
    ],
)
def test_designs_that_the_scene_does_not_suit_are_answered_with_their_line(
    tmp_path: Path, sampler: str, line: int, words: str
) -> None:
    """The line of the key to blame, what is allowed and the nearest name."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"slots: 4\nparameters: {{object_count: {{integer: [2, 3]}}}}\nsampler: {sampler}\n")
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path))

    assert f"{path}, line {line}: sampler." in str(caught.value)
    assert words in str(caught.value)


def test_a_datasets_copula_is_recorded_and_replayed_by_value(tmp_path: Path) -> None:
    """Without the copula the values stay; by the design's levels a covering of the others has no hole."""
    coupled = {
        **TINY,
        "views": 1,
        "outputs": ["boxes"],
        "correlated": [{"names": ["table.width", "table.height"], "rank": 0.9}],
    }
    covering = {"strength": 2, "bins": 2}
    drawn = simloom.generate(
        {**coupled, "sampler": {"covering": covering}},
        out=tmp_path / "d",
        workers=0,
        shard_index=1,
        shard_count=2,
        scenarios_per_shard=1,
    )
    replayed = {**coupled, "correlated": [], "sampler": {"replay": str(tmp_path / "d")}}
    plan = make_plan(load_recipe(replayed))
    everything = _everything(tmp_path / "d")
    for index in range(2):
        point = plan.sampler.propose(index)
        values = plan.scene.space.resolve(point.u_scenario, point.u_view, point.u_look)
        for name in ("table.width", "table.height", "table.depth"):
            assert float(values[name]) == pytest.approx(float(everything.array(f"param/{name}")[index]), rel=1e-9), name
    told = {each.factors[0].name for each in dataset_coverage(tmp_path / "d").singles}
    assert drawn.status != "complete"
    assert not told & {"table.width", "table.height"}
    assert any("other noise" in note for note in plan.notes)
    assert plan.sampler.propose(0).spared
    required = make_plan(load_recipe({**coupled, "require": ["table.width > 0"], "sampler": replayed["sampler"]}))
    assert (
        required.sampler.propose(0).u_scenario.tolist()
        == everything.array("sample/u")[0, : required.scene.space.sizes["scenario"]].tolist()
    )


def test_a_campaign_without_an_accepted_row_says_why(tmp_path: Path) -> None:
    """One line on standard error names the commonest reason; the exit code stays that of what was done."""
    recipe = {**TINY, "views": 1, "outputs": ["rgb", "visibility", "poses"], "sampler": {"sobol": {"scenarios": 2}}}
    strict = {**recipe, "checks": {**TINY["checks"], "visible_objects": {"min": 9}}}
    unmet = {**recipe, "require": ["table.height > 0.84"]}
    for name, given, words in (("s", strict, "visible_objects (2 rows)"), ("u", unmet, "requirement (2 rows)")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(given))
        ran = CliRunner().invoke(app, ["generate", str(path), "-o", str(tmp_path / name), "--workers", "0"])
        assert ran.exit_code == 0, ran.output
        assert f"none of the 2 rows was accepted; the commonest reason is {words}" in ran.stderr


def test_a_sample_of_rows_is_scaled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where some rows stand for all, no more rows are told than there are."""
    out = tmp_path / "none"
    outputs = ["rgb", "visibility", "poses"]
    recipe = {**TINY, "views": 1, "outputs": outputs, "checks": {"visible_objects": {"min": 9}}}
    simloom.generate(recipe, samples=5, out=out, workers=0)
    monkeypatch.setattr(rejection, "_MOST_ROWS", 3)

    told = rejection.explain_rejection(out)
    assert told is not None
    assert "none of the 5 rows" in told
    assert told.endswith("visible_objects (about 5 rows)")
