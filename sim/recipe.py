"""Recipes: what a dataset is made of, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, PrivateAttr, ValidationError, model_validator  # noqa: TID253 (one of its homes)

from .errors import RecipeError, nearest_name
from .recipe_origin import refuse_derived
from .recipe_rig import RecipeModel, RigSensor
from .recipe_sampler import DESIGN_MODELS, SAMPLER_FORMS, DesignedSampler
from .yaml_text import MAX_BYTES, KeyPath, YamlText, parse_yaml

OUTPUTS = (
    "rgb",
    "raw",
    "depth",
    "instance",
    "class",
    "normal",
    "object_coordinates",
    "boxes",
    "poses",
    "visibility",
    "contacts",
    "ideal/depth",
    "ideal/colour",
    "ideal/range",
)
"""What a recipe's `outputs` may name."""

_SUFFIXES = (".yaml", ".yml")
_LATER = ("correlated", "asset_split", "depth_format")
_LATER_OF_SENSORS = ("intrinsics", "camera_info")


class Bounds(RecipeModel):
    """Limits of a measured quantity; a row outside them is rejected by its verdict, never dropped."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not exceed max, got {self.min} and {self.max}")
        return self


class Checks(RecipeModel):
    """What a row must satisfy to be accepted."""

    visible_fraction: Bounds = Bounds()
    """Seen part of the least visible object that is in the frame [1]."""
    visible_objects: Bounds = Bounds()
    """Objects of which at least one pixel is seen."""
    clipped_fraction: Bounds = Bounds(max=0.05)
    """Pixels with a channel at 255 [1]."""
    penetration: Bounds = Bounds(max=0.002)
    """Deepest interpenetration [m]."""
    settled: bool = True
    """Whether a scene that is not at rest is rejected."""


class RecipeEpisode(RecipeModel):
    """What each scenario goes on to after its first instant."""

    horizon: int = Field(default=200, ge=1, le=10_000)
    """Instants of an episode, the first included; an early end is padded with rows that are not valid."""
    policy: Literal["hold", "random", "expert"] = "expert"
    """Who acts: nobody, chance, or a script that does the scene's task."""


def _check_group(given: Any) -> Any:
    from ..scenes.copula import CorrelatedGroup

    return CorrelatedGroup.from_json(given).to_json()


def _check_requirement(given: Any) -> Any:
    from ..scenes.requirement import Requirement

    return Requirement.from_json(given).to_json()


def _check_codec(given: Any) -> Any:
    from .dataset.codecs import parse_codecs

    return parse_codecs(given).to_json()


class Recipe(RecipeModel):
    """What a dataset is made of; every key has a default, unknown keys are errors.

    Example:
        >>> load_recipe({"scene": "tabletop", "views": 4}).views
        4
    """

    simloom: Literal[1] = 1
    """Version of the recipe's format."""
    scene: str = "tabletop"
    """Name of the scene; `simloom scenes` lists them."""
    seed: int = Field(default=0, ge=0, lt=1 << 64)
    """Seed of every random stream."""
    sampler: Literal["random"] | DesignedSampler = "random"
    """Who proposes the points of the parameter space."""
    views: int = Field(default=1, ge=1, le=1024)
    """Rig placements per scenario."""
    looks: int = Field(default=1, ge=1, le=1024)
    """Appearances per view."""
    episode: RecipeEpisode | None = None
    """What each scenario goes on to: `{horizon: 200, policy: expert}`; null: one instant."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Distributions that override what the scene declares, by parameter name."""
    randomize: tuple[str, ...] | None = None
    """Groups of parameters that vary; the others stay at their nominal value. Null: all groups."""
    correlated: tuple[Annotated[Any, AfterValidator(_check_group)], ...] = ()
    """Groups of parameters whose ranks are coupled: `{names: [a, b], rank: 0.6}`."""
    require: tuple[Annotated[Any, AfterValidator(_check_requirement)], ...] = ()
    """Conditions between parameters: `a > 0.3`, or `{condition: a > 0.3, probability: 0.9}`."""
    rig: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], RigSensor] = Field(
        default_factory=lambda: {"head": RigSensor(camera="generic_rgb", depth="realsense_d435")}
    )
    """Sensors by name; a row holds the readings of all."""
    window: float | None = Field(default=None, ge=0.0, le=10.0)
    """Motion that is recorded before a row's instant, for the sensors that feel it [s]; null: what they need."""
    robot: str | None = None
    """URDF of the arm; null: the Franka Panda. Paths are relative to where simloom runs."""
    object_folders: tuple[str, ...] = ()
    """Folders of meshes or URDFs that take the place of PyBullet's random objects."""
    asset_split: Literal["train", "val", "test"] | None = None
    """Which assets of `object_folders` are used: those of one split, or all (null)."""
    texture_folders: tuple[str, ...] = ()
    """Folders of images that take the place of the built-in textures."""
    outputs: tuple[str, ...] = ("rgb", "depth", "instance", "class", "boxes", "poses", "visibility", "contacts")
    """What is rendered and written."""
    checks: Checks = Checks()
    """What gives a row its automatic verdict."""
    supersample: Literal[1, 2, 4] = 2
    """Colour samples per pixel side; labels always come from the pixel's centre."""
    slots: int = Field(default=16, ge=1, le=1023)
    """Object slots; pads every array per object."""
    depth_format: Literal["float32", "uint16_mm"] = "float32"
    """How depth is stored: metres, or millimetres up to 65.535 m at half the size."""
    codec: Annotated[Any, AfterValidator(_check_codec)] = "deflate"
    """Compression of the images, for all or by reading: `{rgb: raw, default: zstd}`; without influence on any value."""
    resolved: dict[str, Any] | None = None
    """What the scene made of it, as a dataset's own recipe.yaml tells: assets and the full parameter list."""

    _text: YamlText = PrivateAttr(default=YamlText(value=None, source="recipe"))
    _origins: Mapping[KeyPath, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _is_possible(self) -> Recipe:
        if not self.rig:
            raise ValueError("rig must name at least one sensor, e.g. rig: {head: {camera: generic_rgb}}")
        for name in self.outputs:
            if name not in OUTPUTS:
                raise ValueError(f"outputs: unknown output {name!r}{nearest_name(name, OUTPUTS)} {_allowed(OUTPUTS)}")
        if not self.outputs:
            raise ValueError(f"outputs must name at least one output; {_allowed(OUTPUTS)}")
        return self

    @cached_property
    def sha256(self) -> str:
        """Digest of everything that decides values: all keys but the codec [64 hexadecimal digits]."""
        values = self.to_json()
        del values["codec"]
        return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return all keys but `resolved`, defaults written out.

        Keys that came later are left out while they hold their default: recipes from before keep their digest, and the
        folders that were begun with them can be resumed.
        """
        values = self.model_dump(mode="json", exclude={"resolved"})
        for key in _LATER:
            if not values[key] or values[key] == type(self).model_fields[key].default:
                del values[key]
        values["rig"] = {
            name: {key: value for key, value in sensor.items() if value is not None or key not in _LATER_OF_SENSORS}
            for name, sensor in values["rig"].items()
        }
        return values

    def where(self, *path: str | int) -> str:
        """Say where a key stands, for messages: the file and line, or the option that gave it."""
        return _where(self._text, self._origins, path)

    @property
    def rows_per_scenario(self) -> int:
        """Rows that one physical world gives: instants times views times looks."""
        return (1 if self.episode is None else self.episode.horizon) * self.views * self.looks


def built_in_recipes() -> tuple[str, ...]:
    """List the names of the recipes that come with simloom."""
    folder = resources.files(__package__) / "recipes"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def load_recipe(source: str | Path | Mapping[str, Any], *, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        source: The name of a built-in recipe, the path of a YAML file, or a mapping of the same shape.
        overrides: Changes of the form `"key=value"`, the key dotted (`"rig.head.width=64"`), the value YAML.

    Returns:
        The recipe, all defaults filled in.

    Raises:
        RecipeError: If the file cannot be read or anything in it cannot be; the message holds one line per mistake.

    Example:
        >>> load_recipe("tabletop", overrides=["views=2"]).views
        2
    """
    text = YamlText(value=dict(source), source="recipe") if isinstance(source, Mapping) else _read(source)
    value = {} if text.value is None else text.value
    if not isinstance(value, dict):
        raise RecipeError(f"{text.source}: a recipe is a mapping of keys to values, got {type(value).__name__}")
    refuse_derived(value, text.source)
    value, origins = _override(value, overrides)
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        entries = (dict(entry) for entry in error.errors())
        lines = dict.fromkeys(_explain(text, origins, entry) for entry in entries if not _is_other_branch(entry))
        raise RecipeError("\n".join(lines)) from None
    recipe._text, recipe._origins = text, origins
    return recipe


def _read(source: str | Path) -> YamlText:
    path = Path(source)
    names = built_in_recipes()
    if isinstance(source, str) and re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", source):  # a scene with all defaults
        return YamlText(value={"scene": source}, source=source)
    if isinstance(source, str) and source in names:
        return parse_yaml((resources.files(__package__) / "recipes" / f"{source}.yaml").read_text(), source=source)
    if path.suffix not in _SUFFIXES and not path.is_file():
        raise RecipeError(
            f"unknown recipe {str(source)!r}{nearest_name(str(source), names)}. Built in: {', '.join(names)};"
            " or give the path of a .yaml file"
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return parse_yaml(data.decode(), source=str(path))
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from None


def _override(value: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """Apply `key=value` changes to a copy; names under `parameters` hold dots of their own."""
    result: dict[str, Any] = json.loads(json.dumps(value, default=str)) if overrides else value
    origins: dict[KeyPath, str] = {}
    for text in overrides:
        key, equals, given = text.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"--set {text}: write key=value, e.g. --set views=4 or --set rig.head.width=64")
        first, _, rest = key.strip().partition(".")
        path = (first, rest) if first == "parameters" and rest else tuple(key.strip().split("."))
        place = result
        for name in path[:-1]:
            if place.get(name) is None:
                place[name] = {}
            place = place[name]
            if not isinstance(place, dict):
                whole = f'"{_as_mapping(path, path.index(name), given)}"'
                raise RecipeError(f"--set {text}: '{name}' is not a mapping, it holds {place!r}; write --set {whole}")
        place[path[-1]] = parse_yaml(given, source=f"--set {text}").value
        origins[path] = f"--set {text}"
    return result, origins


def _as_mapping(path: Sequence[str], last: int, given: str) -> str:
    """Write a change so that a key takes a whole mapping: `sampler={replay: rp.csv}` for `sampler.replay=rp.csv`."""
    body = given.strip()
    for name in reversed(path[last + 1 :]):
        body = f"{{{name}: {body}}}"
    return f"{'.'.join(path[: last + 1])}={body}"


def _is_other_branch(entry: Mapping[str, Any]) -> bool:
    """Tell whether an error is about the shape of `sampler` that was not meant."""
    loc = entry["loc"]
    return loc[0:1] == ("sampler",) and (
        (isinstance(entry["input"], dict) and entry["type"] == "literal_error" and loc[1:] == ("literal['random']",))
        or (len(loc) == 2 and "DesignedSampler" in str(loc[1]) and not isinstance(entry["input"], dict))
    )


def _where(text: YamlText, origins: Mapping[KeyPath, str], path: KeyPath) -> str:
    for length in range(len(path), 0, -1):
        if (origin := origins.get(path[:length])) is not None:
            return origin
    return text.where(path)


def _explain(text: YamlText, origins: Mapping[KeyPath, str], entry: dict[str, Any]) -> str:
    """Make one line of a pydantic error: where, what was given, what is allowed."""
    path, allowed = _recipe_path(entry["loc"])
    where, kind, given = _where(text, origins, path), entry["type"], entry["input"]
    if path == () and kind == "value_error":  # a check over the whole recipe names its key itself
        message = str(entry["ctx"]["error"])
        key, colon, _ = message.partition(":")
        path = (key,) if colon and key in Recipe.model_fields else (message.partition(" ")[0],)
        return f"{_where(text, origins, path)}: {message}"
    name = ".".join(str(part) for part in path)
    if kind == "extra_forbidden":
        return f"{where}: unknown key '{name}'{nearest_name(str(path[-1]), allowed)} {_allowed(allowed)}"
    if kind == "value_error":
        return f"{where}: {name}: {entry['ctx']['error']}"
    return f"{where}: {name}: given {_brief(given)}, allowed: {_rule(entry)}"


def _recipe_path(loc: tuple[str | int, ...]) -> tuple[KeyPath, tuple[str, ...]]:
    """Turn pydantic's location into the recipe's key path and the keys allowed at its end."""
    path: list[str | int] = []
    allowed: tuple[str, ...] = ()
    model: type[BaseModel] | None = Recipe
    for part in loc:
        if path[:1] == ["sampler"] and "DesignedSampler" in str(part):
            model = DesignedSampler
            continue
        if part == "[key]" or str(part).startswith("literal["):
            continue
        allowed = tuple(model.model_fields) if model is not None else ()
        path.append(part)
        model = _CHILDREN.get((model, str(part)), RigSensor if path[0] == "rig" and len(path) == 2 else None)
    return tuple(path), allowed


_CHILDREN: dict[tuple[type[BaseModel] | None, str], type[BaseModel]] = {
    (Recipe, "checks"): Checks,
    (Recipe, "episode"): RecipeEpisode,
    **{(DesignedSampler, name): model for name, model in DESIGN_MODELS.items()},
    **{(Checks, name): Bounds for name in ("visible_fraction", "visible_objects", "clipped_fraction", "penetration")},
}


def _rule(entry: Mapping[str, Any]) -> str:
    context = entry.get("ctx", {})
    match entry["type"]:
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case "greater_than":
            return f"more than {context['gt']}"
        case "less_than":
            return f"less than {context['lt']}"
        case "literal_error" if entry["loc"] == ("sampler", "literal['random']"):
            return SAMPLER_FORMS
        case "literal_error":
            return str(context["expected"])
        case "int_type" | "int_parsing" | "int_from_float":
            return "a whole number"
        case "float_type" | "float_parsing" | "finite_number":
            return "a finite number"
        case "string_type":
            return "a name (text)"
        case "string_pattern_mismatch":
            return "a name of lower-case letters, digits and _ that starts with a letter"
        case "bool_type" | "bool_parsing":
            return "true or false"
        case "tuple_type" | "list_type":
            return "a list, e.g. [rgb, depth]"
        case "dict_type" | "model_type":
            return "a mapping of keys to values"
        case "missing":
            return "this key must be given"
    return str(entry["msg"])


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _allowed(names: Sequence[str]) -> str:
    return f"Allowed: {', '.join(names)}" if names else ""
