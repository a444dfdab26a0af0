"""Linear regression that trains on what it made itself, in the three ways that data may gather."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.philox import philox_uniforms

Keeping = Literal["replace", "accumulate", "subsample"]


def draw_normals(stream: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """Independent standard normal numbers, by Box and Muller."""
    count = int(np.prod(shape))
    place = np.zeros((count, 3), np.int64)
    place[:, 0] = np.arange(count)
    radius = np.sqrt(-2 * np.log(philox_uniforms(seed, f"{stream}/radius", place)))
    return (radius * np.cos(2 * np.pi * philox_uniforms(seed, f"{stream}/angle", place))).reshape(shape)


def train_generations(
    keeping: Keeping, *, generations: int, dimensions: int, samples: int, runs: int, seed: int
) -> NDArray[np.float64]:
    """Squared distance of the fitted weights from the truth, shape (runs, generations).

    Each generation draws inputs, labels them by the last fit (the truth, for the first) and unit noise, and fits:
    to its own samples ("replace"), to all samples so far ("accumulate"), or to as many of them as one generation has,
    chosen without putting back ("subsample").
    """
    truth = np.ones(dimensions)
    errors = np.empty((runs, generations))
    for run in range(runs):
        inputs, labels, weights = np.empty((0, dimensions)), np.empty(0), truth
        for generation in range(generations):
            stream = f"collapse/{keeping}/{run}/{generation}"
            fresh = draw_normals(f"{stream}/inputs", (samples, dimensions), seed)
            noise = draw_normals(f"{stream}/noise", (samples,), seed)
            kept = 0 if keeping == "replace" else len(inputs)
            inputs = np.concatenate([inputs[:kept], fresh])
            labels = np.concatenate([labels[:kept], fresh @ weights + noise])
            chosen = slice(None)
            if keeping == "subsample":
                place = np.zeros((len(inputs), 3), np.int64)
                place[:, 0] = np.arange(len(inputs))
                chosen = np.argsort(philox_uniforms(seed, f"{stream}/chosen", place))[:samples]
            weights = np.linalg.lstsq(inputs[chosen], labels[chosen], rcond=None)[0]
            errors[run, generation] = ((weights - truth) ** 2).sum()
    return errors
