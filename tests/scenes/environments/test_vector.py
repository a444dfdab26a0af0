"""Batches: the same as single environments, whatever the workers; autoreset modes; errors; what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space

import simloom
from simloom.scenes.process_pipe import send
from simloom.scenes.workers import WorkerError

ID = "simloom/Driving-v0"
RIG = {"head": {"camera": "generic_rgb", "width": 40, "height": 30}}
FEW = {"object_count": 2, "wall_count": 1}
OPTIONS = {"overrides": FEW, "slots": 4, "threads": 1}
HERE = {"workers": 0}
"""Processes cost a second each; most of what is tested does not need them."""


def _batch(count=3, **options):
    return closing(gymnasium.make_vec(ID, num_envs=count, **OPTIONS | HERE | options))


def _equal(first, second):
    """Compare nested dictionaries of arrays, keys, types and all."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert sorted(first) == sorted(second)
        for name in first:
            _equal(first[name], second[name])
    elif isinstance(first, np.ndarray) and first.dtype == object:
        for one, other in zip(first, second, strict=True):
            _equal(one, other)
    else:
        assert np.asarray(first).dtype == np.asarray(second).dtype
        np.testing.assert_array_equal(first, second)


def _roll(batch, steps, seed=11):
    """Reset and step with fixed actions, and gather all that comes back."""
    rng = np.random.default_rng(3)
    found = [batch.reset(seed=seed)]
    for _ in range(steps):
        actions = rng.uniform(-1, 1, batch.action_space.shape).astype(np.float32)
        found.append(batch.step(actions))
    return found


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("images", [False, True])
def test_it_does_what_gymnasiums_own_does(mode, images):
    """Observations, rewards, ends and infos are those of `SyncVectorEnv` over single environments, resets included."""
    options = OPTIONS | {"images": images, "rig": RIG, "horizon": 3}
    sync = SyncVectorEnv([lambda: gymnasium.make(ID, **options) for _ in range(3)], autoreset_mode=mode)
    expected = _roll(sync, 8)
    spaces = sync.observation_space, sync.action_space, sync.single_observation_space, sync.single_action_space
    sync.close()
    workers = {AutoresetMode.NEXT_STEP: 1, AutoresetMode.SAME_STEP: 2}[mode] if images else 0
    with _batch(workers=workers, autoreset_mode=mode, images=images, rig=RIG, horizon=3) as batch:
        found = _roll(batch, 8)
        assert spaces == (
                batch.observation_space, batch.action_space, batch.single_observation_space, batch.single_action_space,
            )  # fmt: skip
        for one, other in zip(found, expected, strict=True):
            assert len(one) == len(other)
            for part, whole in zip(one, other, strict=True):
                _equal(part, whole)


def test_the_tabletop_is_the_same_too():
    """A batch of tabletops gives the pictures and numbers of single ones."""
    rig = {"head": {"camera": "generic_rgb", "width": 32, "height": 32}}
    options = {"overrides": {"object_count": 2}, "slots": 4, "rig": rig, "images": True, "threads": 1}
    with closing(gymnasium.make_vec("simloom/Tabletop-v0", num_envs=2, workers=2, **options)) as batch:
        batched = [batch.reset(seed=[5, 9])[0], batch.step(np.full((2, 9), 0.3, np.float32))[0]]
    for row, seed in enumerate((5, 9)):
        with closing(gymnasium.make("simloom/Tabletop-v0", **options)) as single:
            alone = [single.reset(seed=seed)[0], single.step(np.full(9, 0.3, np.float32))[0]]
        for together, one in zip(batched, alone, strict=True):
            _equal({name: value[row] for name, value in together.items()}, one)


def test_what_comes_back_lies_in_the_spaces():
    """Spaces are those of the single environment, batched; what was handed out before does not change."""
    with _batch(images=True, rig=RIG) as batch:
        assert batch.observation_space == batch_space(batch.single_observation_space, 3)
        first, _ = batch.reset(seed=1)
        kept = {name: value.copy() for name, value in first.items()}
        batch.action_space.seed(1)
        after, rewards, terminated, truncated, _ = batch.step(batch.action_space.sample())
        assert batch.observation_space.contains(first)
        assert batch.observation_space.contains(after)
        assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
        assert rewards.shape == terminated.shape == truncated.shape == (3,)
        _equal(first, kept)


def test_disabled_autoreset_waits_for_the_mask():
    """An episode that is over must be reset by the caller; a masked reset leaves the others where they are."""
    with _batch(autoreset_mode="disabled", horizon=2) as batch:
        batch.reset(seed=1)
        zeros = np.zeros(batch.action_space.shape, np.float32)
        batch.step(zeros)
        before, _, _, truncated, _ = batch.step(zeros)
        assert truncated.all()
        with pytest.raises(RuntimeError, match="reset_mask"):
            batch.step(zeros)
        mask = np.array([True, False, True])
        after, infos = batch.reset(options={"reset_mask": mask})
        np.testing.assert_array_equal(infos["_seed"], mask)
        np.testing.assert_array_equal(infos["episode"], [1, 0, 1])
        for name in after:
            np.testing.assert_array_equal(after[name][1], before[name][1])
        with pytest.raises(RuntimeError, match="reset_mask"):
            batch.step(zeros)
        batch.reset(options={"reset_mask": ~mask})
        batch.step(zeros)


def test_seeds_and_options_are_each_environments_own():
    """A list of seeds, seeds that count on, episodes that go on, and one u for each or for all."""
    with _batch(count=2) as batch:
        _, infos = batch.reset()
        np.testing.assert_array_equal(infos["seed"], [0, 1])
        _, infos = batch.reset(seed=[7, None])
        np.testing.assert_array_equal(infos["seed"], [7, 1])
        np.testing.assert_array_equal(infos["episode"], [0, 1])
        with closing(simloom.scenes.DrivingEnvironment(**OPTIONS)) as single:
            size = single.space.size
        rows = np.stack([np.full(size, 0.4), np.full(size, 0.6)])
        each, _ = batch.reset(options={"u": rows})
        same, _ = batch.reset(options={"u": rows[0]})
        assert not np.array_equal(each["goal"][0], each["goal"][1])
        for name in same:
            np.testing.assert_array_equal(same[name], np.stack([each[name][0]] * 2))
        near, _ = batch.reset(options={"parameters": {"goal.distance": 2.0}})
        assert (np.hypot(*near["goal"].T) < 5.0).all()


def test_tensors():
    """Observations can be tensors, of the same values; actions too."""
    with _batch(observations="torch", images=True, rig=RIG) as batch, _batch(images=True, rig=RIG) as plain:
        tensors, _ = batch.reset(seed=2)
        arrays, _ = plain.reset(seed=2)
        actions = torch.full((3, 2), 0.5, requires_grad=True)
        after, *_ = batch.step(actions)
        expected, *_ = plain.step(np.full((3, 2), 0.5, np.float32))
    for found, wanted in ((tensors, arrays), (after, expected)):
        for name, value in wanted.items():
            assert isinstance(found[name], torch.Tensor)
            assert found[name].dtype == torch.from_numpy(value).dtype
            np.testing.assert_array_equal(found[name].numpy(), value)


def test_pictures_on_demand():
    """`render` returns a picture per environment: those of the observations, or None without a render mode."""
    with _batch(render_mode="rgb_array", images=True, rig=RIG) as batch:
        observations, _ = batch.reset(seed=1)
        np.testing.assert_array_equal(np.stack(batch.render()), observations["image"])
        observations, *_ = batch.step(np.ones((3, 2), np.float32))
        np.testing.assert_array_equal(np.stack(batch.render()), observations["image"])
    with _batch(workers=0) as batch:
        assert batch.render() is None


def test_gymnasiums_vector_wrappers_compose():
    """Statistics, flattening, scaling and clipping work over a batch."""
    wrappers = gymnasium.wrappers.vector
    with closing(gymnasium.make_vec(ID, num_envs=2, max_episode_steps=2, **OPTIONS | HERE)) as batch:
        stack = wrappers.RecordEpisodeStatistics(batch)
        stack = wrappers.FlattenObservation(stack)
        stack = wrappers.NormalizeObservation(stack)
        stack = wrappers.ClipReward(stack, -1.0, 1.0)
        observations, _ = stack.reset(seed=1)
        for _ in range(2):
            observations, rewards, _, truncated, infos = stack.step(stack.action_space.sample())
    assert observations.shape == (2, 31)
    assert truncated.all()
    np.testing.assert_array_equal(infos["episode"]["l"], [2, 2])
    assert np.abs(rewards).max() <= 1.0


@pytest.mark.parametrize(
    "arguments,words",
    [
        ({"num_envs": 0}, "num_envs must be at least 1"),
        ({"workers": -1}, "workers must not be negative"),
        ({"observations": "jax"}, "numpy or torch"),
        ({"render_mode": "human"}, "rgb_array or None"),
        ({"autoreset_mode": "sometimes"}, "next_step, same_step or disabled"),
        ({"horizon": 0}, "horizon"),
        ({"device": "gpu"}, "device must be 'cpu' or 'cuda'"),
        ({"device": "gpu", "observations": "torch"}, "device must be 'cpu' or 'cuda'"),
        ({"rig": {"scan": {"lidar": "vlp16"}}, "render_mode": "rgb_array"}, "the rig has no camera"),
        ({"overrides": {"object_cont": 1}}, "did you mean 'object_count'"),
    ],
)
def test_arguments_are_checked(arguments, words):
    """Wrong arguments are one sentence, before any worker starts."""
    with pytest.raises(ValueError, match=words):
        simloom.scenes.DrivingVectorEnvironment(**arguments)


def test_mistakes_reach_the_caller():
    """What an environment refuses is raised here, and the batch can be reset and go on."""
    with _batch(count=2) as batch:
        zeros = np.zeros((2, 2), np.float32)
        with pytest.raises(RuntimeError, match="call reset before step"):
            batch.step(zeros)
        batch.reset(seed=1)
        for actions in (np.zeros((3, 2)), np.full((2, 2), np.nan)):
            with pytest.raises(ValueError, match="actions are finite numbers of shape"):
                batch.step(actions)
        with pytest.raises(ValueError, match=r"unknown parameter 'gaol.distance'"):
            batch.reset(options={"parameters": {"gaol.distance": 1.0}})
        with pytest.raises(RuntimeError, match="call reset before step"):
            batch.step(zeros)
        for options, words in (
            ({"reset_mask": [True, False]}, "bool array"),
            ({"reset_mask": np.zeros(2, np.bool_)}, "at least one"),
            ({"u": np.full((3, 4), 0.5)}, "one row per environment"),
            ({"mask": 1}, "no option 'mask'"),
        ):
            with pytest.raises(ValueError, match=words):
                batch.reset(options=options)
        with pytest.raises(ValueError, match="one number or 2"):
            batch.reset(seed=[1, 2, 3])
        batch.reset(seed=1)
        batch.step(zeros)


def test_a_workers_refusal_names_its_environments():
    """A ValueError of an environment in a worker comes back as one, and says whose it is."""
    with _batch(count=2, workers=2) as batch:
        with pytest.raises(ValueError, match=r"environment 0: unknown parameter 'gaol.distance'"):
            batch.reset(options={"parameters": {"gaol.distance": 1.0}})
        _, infos = batch.reset(seed=1)
        np.testing.assert_array_equal(infos["episode"], [0, 0])


def test_a_failing_world_is_named(tmp_path, monkeypatch):
    """An error inside a worker says in which environments, and why; the batch is closed and says so."""
    (tmp_path / "broken_yard.py").write_text(
        "from simloom.scenes import DrivingEnvironment, DrivingVectorEnvironment\n"
        "class Broken(DrivingEnvironment):\n"
        "    def advance(self, action):\n        raise RuntimeError('the wheels came off')\n"
        "class Batch(DrivingVectorEnvironment):\n    single = Broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import broken_yard

    batch = broken_yard.Batch(num_envs=2, workers=1, **OPTIONS)
    batch.reset(seed=1)
    with pytest.raises(WorkerError, match="environments 0 to 1: the wheels came off"):
        batch.step(np.zeros((2, 2), np.float32))
    with pytest.raises(RuntimeError, match="the wheels came off"):
        batch.step(np.zeros((2, 2), np.float32))


def test_a_killed_worker_is_named():
    """A worker that is gone is an error that names its environments; nothing hangs, and closing still works."""
    with _batch(count=4, workers=2) as batch:
        batch.reset(seed=1)
        pids = batch._stepper.pids
        os.kill(pids[1], signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"environments 2 to 3 ended \(exit code -9\)"):
            batch.step(np.zeros((4, 2), np.float32))
        with pytest.raises(RuntimeError, match="make a new one"):
            batch.reset()
        batch.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_closing_twice_is_fine():
    """After closing, workers and memory are gone, and calls are refused."""
    with _batch(workers=1) as batch:
        batch.reset(seed=1)
        (pid,) = batch._stepper.pids
        batch.close()
        batch.close()
        assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(RuntimeError, match="closed"):
            batch.step(np.zeros((3, 2), np.float32))


def test_a_killed_parent_leaves_nothing(tmp_path):
    """When the parent is killed, workers end by themselves and no shared memory stays; no main guard is needed."""
    folder = Path(simloom.__path__[0]).parent
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys, time\nsys.path.insert(0, {str(folder)!r})\n"
        "import gymnasium\n"
        f"batch = gymnasium.make_vec('simloom:{ID}', num_envs=2, workers=2, slots=4)\n"
        "batch.reset(seed=1)\nprint(*batch._stepper.pids, flush=True)\ntime.sleep(60)\n"
    )
    before = set(os.listdir("/dev/shm"))
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert len(pids) == 2
    assert not [pid for pid in pids if _alive(pid)]
    assert set(os.listdir("/dev/shm")) <= before


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_told_to_end_leaves_nothing(tmp_path, monkeypatch):
    """On SIGTERM a worker closes its worlds, whose folders go with them, and ends with the code that says so."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with _batch(count=2, workers=2) as batch:
        batch.reset(seed=1)
        assert list(tmp_path.iterdir())
        for process in batch._stepper._processes:
            process.send_signal(signal.SIGTERM)
        with pytest.raises(WorkerError, match=r"environment 0 ended \(exit code 143\)"):
            batch.step(np.zeros((2, 2), np.float32))
    assert not list(tmp_path.iterdir())


def test_a_busy_worker_is_told_before_it_is_killed(tmp_path, monkeypatch):
    """A worker that does not end by itself when the batch is closed gets the chance to clean up."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "slow_yard.py").write_text(
        "import time\n"
        "from simloom.scenes import DrivingEnvironment, DrivingVectorEnvironment\n"
        "class Slow(DrivingEnvironment):\n"
        "    def advance(self, action):\n        time.sleep(60)\n"
        "class Batch(DrivingVectorEnvironment):\n    single = Slow\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    import slow_yard

    batch = slow_yard.Batch(num_envs=1, workers=1, **OPTIONS)
    batch.reset(seed=1)
    stepper = batch._stepper
    send(stepper._processes[0].stdin, None)
    time.sleep(0.2)  # it has begun, and would take a minute
    batch.close()

    assert stepper._processes[0].returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["modules"]


def test_what_cannot_be_sent_is_refused():
    """An option that no process can be sent is a mistake of the caller, after which the batch goes on."""
    with _batch(count=2, workers=1) as batch:
        batch.reset(seed=1)
        with pytest.raises(ValueError, match=r"an option cannot be sent to worker processes .*workers=0"):
            batch.reset(options={"parameters": {"object_count": lambda: 1}})
        batch.reset(seed=1)
        batch.step(np.zeros((2, 2), np.float32))


def test_seeds_are_checked_and_told():
    """What is no whole number is refused; the seeds in force are told as Gymnasium's own batches do."""
    with _batch(count=2) as batch:
        for seed in (1.5, "a", [1, 2.5], {"a": 1}):
            with pytest.raises(ValueError, match="a seed is a whole number, or one for each environment"):
                batch.reset(seed=seed)
        assert batch.np_random_seed == (0, 1)
        batch.reset(seed=123)
        assert batch.np_random_seed == (123, 124)
        first = [generator.random() for generator in batch.np_random]
        batch.reset(seed=[None, 7])
        assert batch.np_random_seed == (123, 7)
        batch.reset(seed=123)
        assert [generator.random() for generator in batch.np_random] == first
        sync = SyncVectorEnv([lambda: gymnasium.make(ID, **OPTIONS)] * 2)
        with closing(sync):
            sync.reset(seed=123)
            assert sync.np_random_seed == batch.np_random_seed
            assert [generator.random() for generator in sync.np_random] == first
