"""Which sampler a recipe means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...scenes.space import ParameterSpace
from ..errors import RecipeError
from .base import Sampler

if TYPE_CHECKING:
    from ..recipe import Recipe


def make_sampler(recipe: Recipe, space: ParameterSpace) -> Sampler:
    """Make a recipe's sampler.

    Args:
        recipe: The recipe.
        space: The parameters of its scene.

    Returns:
        The sampler.

    Raises:
        RecipeError: If there can be no such design; the message names the line of the key to blame.

    Example:
        >>> make_sampler(load_recipe("tabletop"), scene.space).propose(0).index
        0
    """
    shared: dict[str, Any] = {"space": space, "seed": recipe.seed, "views": recipe.views, "looks": recipe.looks}
    if isinstance(recipe.sampler, str):
        from .random import RandomSampler

        return RandomSampler(**shared)
    kind = recipe.sampler.kind
    try:
        design: Sampler = _design_class(kind)(**shared, **recipe.sampler.settings)
        return design
    except ImportError as error:
        raise RecipeError(
            f"{recipe.where('sampler', kind)}: a {kind} design needs the package {error.name}: "
            "pip install 'simloom[search]'"
        ) from error
    except OSError as error:
        raise RecipeError(f"{recipe.where('sampler', kind)}: cannot read {error.filename}: {error.strerror}") from error
    except ValueError as error:
        key = str(error).partition(":")[0]
        path = (key,) if key in recipe.sampler.settings else ()
        raise RecipeError(f"{recipe.where('sampler', kind, *path)}: sampler.{kind}: {error}") from error


def _design_class(kind: str) -> Any:
    from .covering import CoveringSampler
    from .grid import GridSampler
    from .latin_hypercube import LatinHypercubeSampler
    from .replay import ReplaySampler
    from .sobol import SobolSampler

    return {
        "sobol": SobolSampler,
        "lhs": LatinHypercubeSampler,
        "grid": GridSampler,
        "covering": CoveringSampler,
        "replay": ReplaySampler,
    }[kind]
