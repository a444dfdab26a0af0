"""The sampler of a recipe: random, or one of the designs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator  # noqa: TID253 (one of its homes)

from .recipe_rig import RecipeModel

_Rest = Literal["random", "same", "nominal"]


class SobolDesign(RecipeModel):
    """A scrambled Sobol net over all coordinates of a scenario."""

    scenarios: int = Field(ge=1, le=1 << 24)
    """Scenarios of the design, a power of two."""

    @model_validator(mode="after")
    def _is_a_net(self) -> SobolDesign:
        if self.scenarios & (self.scenarios - 1):
            below = 1 << (self.scenarios.bit_length() - 1)
            raise ValueError(
                f"a Sobol design has a power of two of scenarios, got {self.scenarios}; take {below} or {2 * below}"
            )
        return self


class LatinHypercubeDesign(RecipeModel):
    """A Latin hypercube over all parameters, or over those named."""

    scenarios: int = Field(ge=1, le=1 << 24)
    """Scenarios of the design."""
    strength: Literal[1, 2] = 1
    """2: pairs of coordinates are stratified as well; the square of a prime of scenarios."""
    parameters: tuple[str, ...] | None = None
    """Parameters that are stratified; null: all."""
    rest: _Rest = "random"
    """What the others do: a draw of each scenario's own, the same draw in all, or nominal values."""


class GridDesign(RecipeModel):
    """Every combination of the levels of some parameters, the last one fastest."""

    parameters: dict[str, Any]
    """Name to how many levels, to a list of values, or to `all` options."""
    rest: _Rest = "random"
    """What the others do, as in `lhs`."""


class CoveringDesign(RecipeModel):
    """Every combination of the levels of any t parameters, in few scenarios."""

    strength: int = Field(default=2, ge=1, le=6)
    """Parameters of a combination, t."""
    bins: int = Field(default=4, ge=2, le=1024)
    """Levels of a parameter that says nothing else."""
    parameters: Any = None
    """Names, or name to bins, edges or values; null: every parameter of one number that a scenario has once."""
    exclude: tuple[dict[str, Any], ...] = ()
    """Combinations that must not occur: name to a value, a list of values, or `{above: x, below: x}`."""
    rest: _Rest = "random"
    """What the others do, as in `lhs`."""
    effort: int = Field(default=20, ge=0, le=10000)
    """Rounds of annealing that look for a smaller array."""

    @field_validator("parameters", mode="before")
    @classmethod
    def _are_names(cls, given: Any) -> Any:
        names = list(given) if isinstance(given, list | tuple | dict) else None
        if given is not None and (names is None or not all(isinstance(name, str) for name in names)):
            raise ValueError(f"parameters is a list of names, or a mapping of names to bins, got {given!r:.60}")
        return given


class ReplayDesign(RecipeModel):
    """Points of a dataset or of a file, once more."""

    path: str = Field(min_length=1)
    """Folder of a dataset, or a .csv, .json, .npz or .parquet file; relative to where simloom runs."""
    rest: _Rest = "random"
    """What parameters do that the file does not name, as in `lhs`."""


class DesignedSampler(RecipeModel):
    """A sampler with a fixed number of scenarios: one of the designs."""

    sobol: SobolDesign | None = None
    lhs: LatinHypercubeDesign | None = None
    grid: GridDesign | None = None
    covering: CoveringDesign | None = None
    replay: ReplayDesign | None = None

    @field_validator("replay", mode="before")
    @classmethod
    def _from_path(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_one(self) -> DesignedSampler:
        given = [name for name in DESIGNS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a sampler is one of {SAMPLER_FORMS}; got {' and '.join(given) or 'none'}")
        return self

    @model_serializer(mode="wrap")
    def _write_the_one(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value is not None}

    @property
    def kind(self) -> str:
        """Which of the designs it is."""
        return next(name for name in DESIGNS if getattr(self, name) is not None)

    @property
    def settings(self) -> dict[str, Any]:
        """What the design is given, as plain values."""
        return dict(getattr(self, self.kind).model_dump(mode="json"))


DESIGNS = ("sobol", "lhs", "grid", "covering", "replay")
"""Keys of the designs."""

DESIGN_MODELS: dict[str, type[RecipeModel]] = {
    "sobol": SobolDesign,
    "lhs": LatinHypercubeDesign,
    "grid": GridDesign,
    "covering": CoveringDesign,
    "replay": ReplayDesign,
}
"""What stands under each key."""

SAMPLER_FORMS = (
    "random, or {sobol: {scenarios: N}}, {lhs: {scenarios: N}}, {grid: {parameters: {...}}}, {covering: {strength: 2}},"
    " {replay: path}"
)
"""What a recipe's `sampler` may be."""
