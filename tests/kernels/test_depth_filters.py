"""Depth filters: against an oracle, and what is known of a constant, a step, a hole and noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from naive import depth_filters as naive
from naive.twin import run_simulated
from simloom.kernels.depth_filters import DepthFilters, filter_depth
from simloom.kernels.depth_reading import FILTERED, LOW_SIGNAL, OCCLUDED, VALID
from simloom.kernels.philox import philox_uniforms

FX, BASELINE = 400.0, 0.05
OFF = {"decimation": 1, "spatial_iterations": 0, "temporal_alpha": 1.0, "temporal_persistence": None}


def _uniforms(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(4, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _frames(frames: int, count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of a step with holes that come and go."""
    depth = np.where(np.arange(width) < width // 2, 1.0, 2.5) + 0.1 * _uniforms(frames, count, height, width)
    chance = _uniforms(frames, count, height, width, stream="holes")
    status = np.select([chance < 0.15, chance < 0.3], [OCCLUDED, LOW_SIGNAL], VALID).astype(np.uint8)
    status[:, :, :6, :6] = OCCLUDED
    return np.where(status == 0, depth, 0).astype(np.float32), status


def _run(depth: np.ndarray, status: np.ndarray, filters: DepthFilters, **options: object) -> list:
    history, results = None, []
    for frame, why in zip(depth, status, strict=True):
        results.append(filter_depth(frame, why, filters, fx=FX, baseline=BASELINE, history=history, **options))
        history = results[-1].history
    return results


@pytest.mark.parametrize(
    "filters",
    [
        DepthFilters(depth_min=1.02, depth_max=2.55),
        DepthFilters(decimation=3, spatial_fill=2, hole_filling="nearest"),
        DepthFilters(decimation=4, temporal_persistence=(1, 8), hole_filling="farthest"),
        DepthFilters(decimation=1, spatial_alpha=0.3, spatial_delta=2.0, temporal_persistence=(0, 1)),
        DepthFilters(decimation=1, spatial_iterations=5, temporal_persistence=(8, 8), hole_filling="left"),
        DepthFilters(decimation=2, spatial_iterations=0, temporal_alpha=0.1, temporal_persistence=None),
    ],
)
def test_follows_the_oracle(filters: DepthFilters) -> None:
    """Depth, status and what was made up equal those of brute force over ten frames."""
    depth, status = _frames(10, 2, 17, 26)
    status[5:, :, 8:, 20:] = LOW_SIGNAL
    depth[5:, :, 8:, 20:] = 0
    results = _run(depth, status, filters, threads=1)
    for n in range(2):
        expected = naive.filter_frames(depth[:, n], status[:, n], filters, FX * BASELINE)
        for got, (measured, why, filled) in zip(results, expected, strict=True):
            assert np.array_equal(got.status[n], why)
            assert np.array_equal(got.filled[n], filled)
            assert np.allclose(got.depth[n], measured, rtol=2e-6, atol=0)


@pytest.mark.parametrize("decimation", [1, 2, 3, 4, 8])
def test_a_constant_stays(decimation: int) -> None:
    """A constant image comes out as it went in, at every step."""
    depth = np.full((3, 1, 16, 24), 1.7, np.float32)
    for result in _run(depth, np.zeros(depth.shape, np.uint8), DepthFilters(decimation=decimation)):
        assert result.depth.shape == (1, 16 // decimation, 24 // decimation)
        assert np.allclose(result.depth, 1.7, rtol=2e-7, atol=0)
        assert not result.filled.any()


def test_filters_that_are_off_change_nothing() -> None:
    """Without any filter the bytes are those that went in."""
    depth, status = _frames(1, 2, 9, 14)
    result = filter_depth(depth[0], status[0], DepthFilters(**OFF), fx=FX, baseline=BASELINE, temporal=False)

    assert np.array_equal(result.depth, depth[0])
    assert np.array_equal(result.status, status[0])
    assert result.history is None


def test_an_edge_above_delta_is_kept() -> None:
    """A step above delta stays sharp, one below it is smoothed."""
    product = FX * BASELINE
    for jump, kept in ((1.0, True), (0.5, False)):
        disparity = np.where(np.arange(40) < 20, 10.0, 10.0 + jump)
        depth = np.tile((product / disparity).astype(np.float32), (1, 12, 1))
        for given in (depth, np.ascontiguousarray(depth.transpose(0, 2, 1))):
            result = filter_depth(
                given, np.zeros(given.shape, np.uint8), DepthFilters(decimation=1), fx=FX, baseline=BASELINE
            )
            assert np.allclose(result.depth, given, rtol=1e-6) == kept


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0])
def test_temporal_smoothing_reduces_variance(alpha: float) -> None:
    """In the long run the variance of disparity is alpha / (2 - alpha) of the noise's, within its own deviation."""
    uniform = _uniforms(90, 1, 40, 50, stream="noise")
    disparity = 10.0 + 0.2 * (uniform - 0.5)
    depth = (FX * BASELINE / disparity).astype(np.float32)
    filters = DepthFilters(decimation=1, spatial_iterations=0, temporal_alpha=alpha, temporal_delta=5.0)
    last = _run(depth, np.zeros(depth.shape, np.uint8), filters)[-1]
    variance = (FX * BASELINE / last.depth.astype(float)).var()

    assert variance == pytest.approx(0.2**2 / 12 * alpha / (2 - alpha), rel=5 * np.sqrt(2 / 2000))


def test_spatial_smoothing_reduces_variance() -> None:
    """One pass there and back has weights a/(2-a) (1-a)^|k|: the variance falls by their sum of squares, twice."""
    alpha = 0.5
    disparity = 10.0 + 0.2 * (_uniforms(1, 200, 200, stream="noise") - 0.5)
    depth = (FX * BASELINE / disparity).astype(np.float32)
    filters = DepthFilters(decimation=1, spatial_iterations=1, spatial_alpha=alpha, spatial_delta=5.0)
    result = filter_depth(depth, np.zeros(depth.shape, np.uint8), filters, fx=FX, baseline=BASELINE, temporal=False)
    found = (FX * BASELINE / result.depth[0, 20:-20, 20:-20].astype(float)).var()
    weights = alpha / (2 - alpha) * (1 - alpha) ** np.abs(np.arange(-40, 41))
    share = (weights**2).sum()

    assert found == pytest.approx(0.2**2 / 12 * share**2, rel=5 * np.sqrt(2 / (160 * 160 / 9)))


def test_decimation_takes_valid_pixels_alone() -> None:
    """A median or mean of what is valid; a block without any keeps its commonest reason."""
    depth = np.float32([[[1.0, 2.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]]])
    status = np.uint8([[[0, 0, 4, 5], [0, 5, 5, 4]]])
    options = {**OFF, "decimation": 2}
    result = filter_depth(depth, status, DepthFilters(**options), fx=FX, baseline=BASELINE, temporal=False)

    assert result.depth.tolist() == [[[2.0, 0.0]]]
    assert result.status.tolist() == [[[VALID, OCCLUDED]]]

    depth = np.tile(np.float32([1.0, 2.0, 3.0, 4.0]), (1, 4, 1))
    result = filter_depth(
        depth, np.zeros_like(depth, np.uint8), DepthFilters(**{**OFF, "decimation": 4}), fx=FX, baseline=BASELINE,
        temporal=False,
    )  # fmt: skip
    assert result.depth.tolist() == [[[2.5]]]


def test_statuses_stay_honest() -> None:
    """What is made up is valid and marked, what a limit takes out is filtered, the rest keeps its reason."""
    depth = np.float32([[[1.0, 0.0, 0.0, 0.0, 3.0, 9.0]]])
    status = np.uint8([[[0, 4, 5, 4, 0, 0]]])
    filters = DepthFilters(**{**OFF, "depth_max": 5.0, "hole_filling": "farthest"})
    result = filter_depth(depth, status, filters, fx=FX, baseline=BASELINE, temporal=False)

    assert result.depth.tolist() == [[[1.0, 1.0, 0.0, 3.0, 3.0, 3.0]]]
    assert result.status.tolist() == [[[0, 0, LOW_SIGNAL, 0, 0, 0]]]
    assert result.filled.tolist() == [[[0, 1, 0, 1, 0, 1]]]
    filters = DepthFilters(**{**OFF, "depth_max": 5.0})
    assert filter_depth(depth, status, filters, fx=FX, baseline=BASELINE).status[0, 0, 5] == FILTERED


def test_persistence_follows_its_rule() -> None:
    """A hole shows the last value while k of the n frames before were valid, and not longer."""
    status = np.zeros((8, 1, 2, 2), np.uint8)
    status[2:] = LOW_SIGNAL
    depth = np.where(status == 0, 2.0, 0.0).astype(np.float32)
    for rule, shown in (((2, 4), 3), ((1, 2), 2), ((2, 3), 2), ((1, 5), 5), (None, 0), ((0, 1), 6)):
        filters = DepthFilters(decimation=1, temporal_persistence=rule)
        results = _run(depth, status, filters)[2:]
        assert [bool(result.filled.all()) for result in results] == [k < shown for k in range(6)]


def test_an_image_does_not_depend_on_its_batch() -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    depth, status = _frames(3, 5, 12, 150)
    filters = DepthFilters(decimation=1, spatial_fill=2, hole_filling="nearest")
    whole = _run(depth, status, filters)
    for part in ([0], [1, 2], [2, 4, 0, 3, 1]):
        for got, all_of_them in zip(_run(depth[:, part], status[:, part], filters, threads=1), whole, strict=True):
            for name in ("depth", "status", "filled"):
                assert np.array_equal(getattr(got, name), getattr(all_of_them, name)[part])


def test_torch_in_torch_out() -> None:
    """Tensors give the bytes that arrays give, as tensors, through the history too."""
    torch = pytest.importorskip("torch")
    depth, status = _frames(3, 1, 12, 20)
    arrays = _run(depth, status, DepthFilters())
    tensors = _run(torch.from_numpy(depth), torch.from_numpy(status), DepthFilters())
    for got, expected in zip(tensors, arrays, strict=True):
        assert isinstance(got.depth, torch.Tensor)
        assert isinstance(got.history.disparity, torch.Tensor)
        assert np.array_equal(got.depth.numpy(), expected.depth)
        assert np.array_equal(got.filled.numpy(), expected.filled)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's statuses, and its depths to the last bit but one."""
    depth, status = _frames(2, 1, 8, 12)
    code = """
from simloom.kernels.depth_filters import DepthFilters, filter_depth
history, depths, statuses, made_up = None, [], [], []
filters = DepthFilters(decimation=int(decimation), spatial_fill=1, hole_filling="nearest")
for frame, why in zip(depth, status):
    result = filter_depth(frame, why, filters, fx=400.0, baseline=0.05, history=history, device="cuda")
    history = result.history
    depths.append(result.depth); statuses.append(result.status); made_up.append(result.filled)
out = {"depth": np.stack(depths), "status": np.stack(statuses), "filled": np.stack(made_up)}
"""
    for decimation in (2, 4):
        twin = run_simulated(code, tmp_path, depth=depth, status=status, decimation=decimation)
        filters = DepthFilters(decimation=decimation, spatial_fill=1, hole_filling="nearest")
        results = _run(depth, status, filters)
        assert np.array_equal(twin["status"], np.stack([r.status for r in results]))
        assert np.array_equal(twin["filled"], np.stack([r.filled for r in results]))
        assert np.allclose(twin["depth"], np.stack([r.depth for r in results]), rtol=2e-7, atol=0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"decimation": 9}, "decimation must be"),
        ({"spatial_alpha": 0.1}, "spatial_alpha must be"),
        ({"temporal_alpha": 0.0}, "temporal_alpha must be"),
        ({"temporal_persistence": (3, 2)}, "temporal_persistence must be"),
        ({"temporal_persistence": (1, 9)}, "temporal_persistence must be"),
        ({"hole_filling": "right"}, "hole_filling must be"),
        ({"depth_min": 2.0, "depth_max": 1.0}, "depth_max must be"),
    ],
)
def test_impossible_values_are_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match=message):
        DepthFilters(**change)


def test_wrong_shapes_are_refused() -> None:
    """Images, statuses and history must fit each other."""
    depth, status = np.ones((1, 4, 6), np.float32), np.zeros((1, 4, 6), np.uint8)
    with pytest.raises(ValueError, match="status must have shape"):
        filter_depth(depth, status[:, :3], DepthFilters(), fx=FX, baseline=BASELINE)
    with pytest.raises(ValueError, match="depth must have shape"):
        filter_depth(depth, status, DepthFilters(decimation=5), fx=FX, baseline=BASELINE)
    history = filter_depth(depth, status, DepthFilters(), fx=FX, baseline=BASELINE).history
    with pytest.raises(ValueError, match="history must be"):
        filter_depth(depth, status, DepthFilters(decimation=1), fx=FX, baseline=BASELINE, history=history)
