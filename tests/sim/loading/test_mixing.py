"""Batches of several datasets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.dataset_rows import make_rows
from naive.training_rows import make_source
from simloom.sim.dataset.dataset import Dataset
from simloom.sim.derive import merge_datasets, subset_dataset
from simloom.sim.errors import UsageError
from simloom.sim.loading import Mixture, MixtureRefusedError, Source, check_disjoint
from simloom.sim.loading.disjoint import LeakError

Sources = tuple[Dataset, Dataset]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Ten rows called real and thirty that are not."""
    folder = tmp_path_factory.mktemp("mix")
    return make_source(folder / "real", 10, real=True), make_source(folder / "sim", 30, first=40)


def test_batches_keep_their_quotas(sources: Sources) -> None:
    """Each batch has its share of each source, rows are those of their dataset, and the report tells the same."""
    real, sim = sources
    loader = sim.torch(batch_size=6, arrays=["sensor/head/rgb"], mix={"real": (real, 0.25), "sim": 0.75}, seed=1)
    truth = {"real": make_rows(range(10)), "sim": make_rows(range(40, 70))}
    seen: Counter[str] = Counter()
    for number, batch in enumerate([batch for _ in range(2) for batch in loader], 1):
        assert set(batch) == {"sample/index", "sample/is_real", "sample/generation", "source", "sensor/head/rgb"}
        for source, index, is_real, image in zip(
            batch["source"], batch["sample/index"], batch["sample/is_real"], batch["sensor/head/rgb"], strict=True
        ):
            name = loader.source_names[int(source)]
            seen[name] += 1
            assert bool(is_real) == (name == "real")
            np.testing.assert_array_equal(image.numpy(), truth[name]["sensor/head/rgb"][int(index)])
        assert abs(seen["real"] - number * 1.5) < 1
    report = loader.report()
    assert {name: source.rows_seen for name, source in report.sources.items()} == seen
    assert abs(report.sources["real"].ratio - 0.25) < 1 / seen.total()
    assert report.sources["sim"].effective_epochs == seen["sim"] / 30
    assert report.real_ratio == report.sources["real"].ratio
    assert report.forced == ()


def test_workers_and_ranks_mix_alike(sources: Sources) -> None:
    """Processes and ranks change nothing in a mixture either, and it resumes in mid-epoch."""
    real, sim = sources

    def load(**settings: int) -> list[dict[str, torch.Tensor]]:
        return list(sim.torch(batch_size=8, mix={"real": (real, 0.25), "sim": 0.75}, arrays=["label/*"], **settings))

    whole = load()
    for one, other in zip(load(workers=2), whole, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in whole[0])
    for ranks in zip(whole, load(rank=0, world_size=2), load(rank=1, world_size=2), strict=True):
        pairs = [sorted(zip(b["source"].tolist(), b["sample/index"].tolist(), strict=True)) for b in ranks]
        assert pairs[0] == sorted(pairs[1] + pairs[2])
        assert [pair[0] for pair in pairs[1]].count(0) == 1


def test_missing_arrays_are_named_or_masked(sources: Sources, tmp_path: Path) -> None:
    """An array that a source lacks is an error that names it, or is 0 there with a mask."""
    bare = make_source(tmp_path / "bare", 8, first=80, more=False)
    _, sim = sources
    with pytest.raises(UsageError, match="'bare' lacks label/head/normal: leave them out of `arrays`"):
        sim.torch(batch_size=4, arrays=["label/head/normal"], mix={"bare": (bare, 0.5), "sim": 0.5})
    mixture = Mixture(
        sources={"bare": Source(dataset=bare, weight=0.5), "sim": Source(dataset=sim, weight=0.5)}, missing="mask"
    )
    for batch in sim.torch(batch_size=4, arrays=["label/head/normal"], mix=mixture):
        is_bare = batch["source"] == 0
        assert torch.equal(batch["present/label/head/normal"], ~is_bare)
        assert not batch["label/head/normal"][is_bare].any()
        assert batch["label/head/normal"][~is_bare].any()
        assert not batch["sample/is_real"].any()


def test_sizes_must_agree(sources: Sources, tmp_path: Path) -> None:
    """Images of two sizes cannot be in one batch."""
    _, sim = sources
    large = make_source(tmp_path / "large", 8, first=80, size=8)
    with pytest.raises(UsageError, match=r"rgb is uint8 of shape \(8, 8, 3\) in 'large' and .* \(24, 32, 3\) in 'sim'"):
        sim.torch(batch_size=4, arrays=["sensor/head/rgb"], mix={"large": (large, 0.5), "sim": 0.5})
    sim.torch(batch_size=4, arrays=["object/*"], mix={"large": (large, 0.5), "sim": 0.5})


def test_leaks_are_found(sources: Sources, tmp_path: Path) -> None:
    """Rows in both sets, worlds in both sets, and images in both sets are found; disjoint sets pass."""
    real, sim = sources
    check_disjoint(sim, real, images=True)
    check_disjoint(sim.select(range(8)), sim.select(range(8, 16)), images=True)
    with pytest.raises(LeakError, match="share 2 rows: rows 6 and 6, 7 and 7"):
        check_disjoint(sim.select(range(8)), sim.select(range(6, 16)))
    # Rows 0 and 1 are two looks of one view.
    with pytest.raises(LeakError, match="share 1 scenario: rows 0 and 1"):
        check_disjoint(sim.select([0]), sim.select([1]))
    subset = subset_dataset(sim, out=tmp_path / "subset", query="sample.index >= 8")
    with pytest.raises(LeakError, match="share 2 scenarios: rows 8 and 0, 12 and 4"):
        check_disjoint(sim.select(range(16)), subset)
    with pytest.raises(MixtureRefusedError, match="'sim' and 'again' hold the same rows, 22 of them"):
        sim.torch(batch_size=4, arrays=["sensor/head/rgb"], mix={"sim": 0.5, "again": (subset, 0.5)})
    # Another recipe made the same worlds: each has two views.
    shifted = make_source(tmp_path / "shifted", 8, first=44)
    with pytest.raises(LeakError, match="share 4 worlds: rows 4 and 0"):
        check_disjoint(sim, shifted)
    shifted = shifted.columns(["sensor/*", "sample/*"])
    with pytest.raises(UsageError, match=r"worlds cannot be compared: .* neither object/pose_world_object in common"):
        check_disjoint(sim, shifted)
    with pytest.raises(LeakError, match="share 8 images: rows 4 and 0"):
        check_disjoint(sim, shifted, images=True)


def test_leaks_are_found_without_poses(sources: Sources, tmp_path: Path) -> None:
    """Seed, scenario and parameters tell worlds apart where poses are left out; what cannot be compared is told."""
    real, sim = sources
    drawn = sim.columns(["sample/*", "param/*"])
    again = make_source(tmp_path / "again", 8, first=40, size=16, recipe="simloom: 1\nscene: tabletop\nlooks: 2\n")
    with pytest.raises(LeakError, match="share 8 worlds: rows 0 and 0"):
        check_disjoint(drawn, again)
    check_disjoint(drawn.select(range(8, 30)), again)
    arrays = ["sample/*", "param/*"]
    merged = merge_datasets([real, again], out=tmp_path / "merged", arrays=arrays).where("sample.is_real == 0")
    with pytest.raises(LeakError, match="share 8 worlds: rows 0 and 10"):
        check_disjoint(drawn, merged)
    for names in (["param/*"], ["sample/*"], ["object/valid", "sample/index"]):
        with pytest.raises(UsageError, match="worlds cannot be compared"):
            check_disjoint(sim.columns(names), again)
    # One recipe's worlds are its scenarios, and a real world is none that was simulated.
    check_disjoint(sim.select(range(8)).columns(["sample/*"]), sim.select(range(8, 30)).columns(["sample/*"]))
    check_disjoint(sim.columns(["sample/*"]), real)
    with pytest.raises(UsageError, match="images cannot be compared"):
        check_disjoint(sim.columns(["sample/*"]), real, images=True)
