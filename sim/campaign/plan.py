"""Plans: what a recipe means once its scene has spoken, the same in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ...scenes.acceptance import Acceptance, estimate_acceptance, needs_checking
from ...scenes.capture import Capturer
from ...scenes.episode import Episode
from ...scenes.scene import Scene, SceneSpec
from ...scenes.scene_code import SceneCodeError
from ...scenes.world import WorldError
from ..dataset.depth_format import stored_bytes
from ..errors import RecipeError, UsageError
from ..recipe import Recipe, load_recipe
from ..sampling.base import MAX_ATTEMPTS, Sampler
from ..sampling.choose import make_sampler
from ..yaml_text import MAX_BYTES

SHARD_BYTES = 64 * 2**20
"""Size of a shard, uncompressed, that whole scenarios fill [byte]."""

_MAX_SCENARIOS_PER_SHARD = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """A recipe with its scene, sampler and layout; made by `make_plan`."""

    recipe: Recipe
    """What was asked for."""
    spec: SceneSpec
    """How other processes make the scene."""
    scene: Scene
    """The scene in this process."""
    sampler: Sampler
    """Who proposes scenarios."""

    def capturer(
        self, *, device: str = "cpu", threads: int | None = None, more_outputs: Sequence[str] = ()
    ) -> Capturer:
        """Make what turns stages into rows.

        Args:
            device: Where rendering and sensing run.
            threads: CPU threads; None for all.
            more_outputs: Outputs beside the recipe's, such as those that checks need.

        Returns:
            The capturer.
        """
        recipe = self.recipe
        return Capturer(
            scene=self.scene,
            outputs=tuple(dict.fromkeys((*recipe.outputs, *more_outputs))),
            seed=recipe.seed,
            views=recipe.views,
            looks=recipe.looks,
            supersample=recipe.supersample,
            device=device,
            threads=threads,
        )

    @property
    def attempts(self) -> int:
        """How often one scenario may be drawn."""
        return MAX_ATTEMPTS if self.sampler.redraws else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it before it is run."""
        return (*self.scene.notes, *self.sampler.notes)

    @cached_property
    def row_bytes(self) -> int:
        """Size of one row, uncompressed [byte]."""
        return stored_bytes(self.capturer().shapes, self.recipe.depth_format)

    @property
    def scenarios_per_shard(self) -> int:
        """Scenarios of one shard: it follows from the recipe alone, never from workers or batch."""
        size = self.row_bytes * self.recipe.rows_per_scenario
        return min(max(SHARD_BYTES // size, 1), _MAX_SCENARIOS_PER_SHARD)

    @cached_property
    def resolved_yaml(self) -> str:
        """The recipe with every default, the scene's whole parameter list and the digest of its assets."""
        value = self.recipe.to_json()
        value["rig"] = self.scene.rig.to_json()
        value["resolved"] = {
            "assets_sha256": self.asset_sha256,
            "parameters_sha256": self.scene.space.digest(),
            "window": self.scene.window,
            "parameters": {
                parameter.name: {
                    **parameter.distribution.to_json(),
                    "unit": parameter.unit,
                    "varies": parameter.varies,
                    "count": parameter.count,
                }
                for parameter in self.scene.space
            },
        }
        if groups := self.scene.space.correlated:
            value["resolved"]["correlated"] = [group.to_json() for group in groups]
        if provenance := self.sampler.provenance:
            value["resolved"]["sampler"] = dict(provenance)
        # The codec may change between runs, so it is no part of what binds a folder.
        del value["codec"]
        return str(
            yaml.safe_dump(_plain(value), sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
        )

    @cached_property
    def asset_sha256(self) -> str:
        """One digest of all asset files."""
        text = json.dumps(dict(sorted(self.scene.asset_digests.items())))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def acceptance(self) -> Acceptance | None:
        """How often a draw of the random sampler meets the requirements; None where nothing is required."""
        recipe, space = self.recipe, self.scene.space
        if not needs_checking(space):
            return None
        return estimate_acceptance(space, seed=recipe.seed, views=recipe.views, looks=recipe.looks)

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The tables that a dataset's manifest holds."""
        scene = self.scene
        said = dict(scene.asset_table)
        return {
            "classes": {str(i): name for i, name in enumerate(scene.class_names)},
            "assets": dict(scene.asset_digests),
            "cameras": scene.rig.to_json(),
            "parameters": {p.name: p.to_json() for p in scene.space},
            **({} if self.acceptance is None else {"acceptance": self.acceptance.to_json()}),
            **({"objects": said} if said else {}),
        }

    @property
    def sizes(self) -> dict[str, int]:
        """The pads that the recipe declares, by axis name."""
        sizes = {"slot": self.scene.slots, "contact": self.scene.contact_pad, "joint": len(self.scene.joint_names)}
        sizes["dimension"], sizes["action"] = self.scene.space.size, self.scene.action_count
        return {name: size for name, size in sizes.items() if size}

    def rows_wanted(self, samples: int | None) -> int:
        """Settle the number of rows.

        Args:
            samples: Rows asked for; None where the sampler is a design, which has its own.

        Returns:
            The number of rows.

        Raises:
            UsageError: If it is missing, below 1, or not the design's.
        """
        design = self.sampler.scenario_count
        if design is None:
            if samples is None or samples < 1:
                raise UsageError(f"the number of rows must be at least 1, got {samples}; give -n, e.g. -n 1000")
            return samples
        total = design * self.recipe.rows_per_scenario
        if samples not in (None, total):
            raise UsageError(
                f"a design of {design} scenarios with {self.recipe.rows_per_scenario} rows each has {total} rows,"
                f" got -n {samples}; leave -n out, or change the recipe's sampler"
            )
        return total


def choose_recipe(recipe: Recipe | str | Path | Mapping[str, Any], seed: int | None = None) -> Recipe:
    """Load a recipe where it is not loaded yet, and give it another seed where one is named.

    Args:
        recipe: A recipe, or what `load_recipe` takes.
        seed: Replaces the recipe's seed, [0, 2^64).

    Returns:
        The recipe.

    Raises:
        RecipeError: If it cannot be.
        UsageError: If the seed is out of range.
    """
    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if seed is None:
        return loaded
    if not 0 <= seed < 1 << 64:
        raise UsageError(f"seed must be in [0, 2^64), got {seed}")
    return loaded.model_copy(update={"seed": seed})


def make_plan(recipe: Recipe, *, allow_code: bool = False) -> Plan:
    """Let the scene check a recipe and say what it means.

    Args:
        recipe: The recipe.
        allow_code: Whether the recipe may name a scene as `module:Class`.

    Returns:
        The plan.

    Raises:
        RecipeError: If the scene, a parameter, a group, a mount or a profile is unknown or cannot be.
        UsageError: If a scene of one's own raises an error; its file and line are named.

    Example:
        >>> plan = make_plan(load_recipe("tabletop"))
    """
    _check_profiles(recipe)
    options: dict[str, Any] = {
        "overrides": recipe.parameters,
        "slots": recipe.slots,
        "rig": {name: sensor.settings() for name, sensor in recipe.rig.items()},
    }
    if window := _find_window(recipe):
        options["window"] = window
    for name in ("robot", "object_folders", "texture_folders"):
        if given := getattr(recipe, name):
            options[name] = list(given) if isinstance(given, tuple) else given
    for name in ("correlated", "require"):
        if given := getattr(recipe, name):
            options[name] = [_plain(each) for each in given]
    if recipe.asset_split is not None:
        options["asset_split"] = recipe.asset_split
    if recipe.randomize is not None:  # an empty list means that nothing varies
        options["randomize"] = list(recipe.randomize)
    episode = None if recipe.episode is None else Episode(horizon=recipe.episode.horizon, policy=recipe.episode.policy)
    spec = SceneSpec(name=recipe.scene, options=options, allow_code=allow_code, episode=episode)
    try:
        scene = spec.make()
    except SceneCodeError as error:
        raise UsageError(str(error)) from error
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{_blame(recipe, str(error))}: {error}") from error
    except (ImportError, OSError, WorldError) as error:
        key = next((key for key in ("robot", "object_folders", "texture_folders") if getattr(recipe, key)), "scene")
        raise RecipeError(f"{recipe.where(key)}: the scene {recipe.scene!r} cannot be made here: {error}") from error
    plan = Plan(recipe=recipe, spec=spec, scene=scene, sampler=make_sampler(recipe, scene.space))
    if plan.acceptance is not None and plan.acceptance.accepted == 0:
        raise RecipeError(
            f"{recipe.where('require')}: require: none of {plan.acceptance.draws} draws meets it; "
            + "; ".join(f"{condition!r} held in {count}" for condition, count in plan.acceptance.met)
        )
    try:
        _ = plan.row_bytes
    except ValueError as error:  # an instrument that the scene, or its window, does not suit
        raise RecipeError(f"{_blame(recipe, str(error))}: {error}") from error
    if (size := len(plan.resolved_yaml.encode())) > MAX_BYTES:
        raise RecipeError(
            f"{recipe.where('rig')}: with every default written out the recipe has {size} bytes, and {MAX_BYTES} "
            "at most can be read again; shorten what is long, such as a LiDAR's table of firings"
        )
    stated = (recipe.resolved or {}).get("assets_sha256")
    if stated not in (None, plan.asset_sha256):
        raise RecipeError(
            f"{recipe.where('resolved')}: the assets have changed since this recipe was resolved; remove the key "
            "'resolved' to use the assets of today"
        )
    points = "points_sha256"
    replayed = ((recipe.resolved or {}).get("sampler") or {}).get(points)
    if replayed not in (None, plan.sampler.provenance.get(points)):
        raise RecipeError(
            f"{recipe.where('resolved')}: the points to replay have changed since this recipe was resolved; remove the "
            "key 'resolved' to replay those of today"
        )
    return plan


def _find_window(recipe: Recipe) -> float:
    from ...scenes.instruments.readers import needed_window
    from ...scenes.sensors import Rig

    if recipe.window is not None:
        return recipe.window
    try:
        rig = Rig.from_json({name: sensor.settings() for name, sensor in recipe.rig.items()})
        return needed_window(rig.instruments)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{_blame(recipe, str(error))}: {error}") from error


def _check_profiles(recipe: Recipe) -> None:
    from ...kernels.profile_json import profile_from_json
    from ...kernels.profiles import SENSOR_KINDS, is_profile_of, load_sensor_profile

    for name, sensor in recipe.rig.items():
        for kind in SENSOR_KINDS:
            given = getattr(sensor, kind)
            try:
                if isinstance(given, str):
                    load_sensor_profile(kind, given)
                elif given is not None and not is_profile_of(profile_from_json(given), kind):
                    raise ValueError(f"the profile {given.get('name')!r} is not of kind {kind!r}")
            except (ValueError, TypeError) as error:
                raise RecipeError(f"{recipe.where('rig', name, kind)}: rig.{name}.{kind}: {error}") from error


def _blame(recipe: Recipe, message: str) -> str:
    """Find which key of the recipe a scene's complaint is about."""
    for place, given in enumerate(recipe.require):
        if repr(given if isinstance(given, str) else given["condition"]) in message:
            return recipe.where("require", place)
    if message.startswith("correlated:"):
        for place, group in enumerate(recipe.correlated):
            if any(f"{name} " in message or repr(name) in message for name in group["names"]):
                return recipe.where("correlated", place)
    names = sorted(recipe.parameters, key=len, reverse=True)
    # Who complains is named first; whom it mentions may be in order.
    for name in (*filter(message.startswith, names), *(name for name in names if repr(name) in message)):
        return recipe.where("parameters", name)
    for group in recipe.randomize or ():
        if repr(group) in message:
            return recipe.where("randomize")
    for name in recipe.rig:
        if repr(name) in message:
            return recipe.where("rig", name)
    for key in ("robot", "object_folders", "texture_folders"):
        given = getattr(recipe, key)
        if any(path in message for path in ([given] if isinstance(given, str) else given or ())):
            return recipe.where(key)
    for key in ("episode", "asset_split", "object_folders", "slots", "scene", "rig", "robot"):
        if key in message:
            return recipe.where(key)
    return recipe.where("scene")


def _plain(value: Any) -> Any:
    """Turn tuples into lists and mappings into dicts, for YAML."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
