"""Fits on Dask's workers give the models of this machine, byte for byte; what is wrong with a cluster is one line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import threadpoolctl
import yaml

import ml.learning.cluster as cluster_module
import ml.task
from ml.errors import WorkersUnusable
from ml.learning.workers import run_fits
from ml.registry.model_bytes import write_model
from ml.searching.search import search
from ml.task import Task, read_task
from ml.train import train
from tests.support.dask.cluster import Cluster, fit_candidate, local_cluster, wait_until
from tests.support.small.task import TASK

CANDIDATES = {
    "random_forest": {"n_estimators": 60, "max_samples": 0.5},
    "logistic_regression": {},
    "hist_gradient_boosting": {"max_iter": 10, "max_features": 0.5},
}
SMALL = Task.model_validate({**TASK, "candidates": CANDIDATES, "numeric": ["delay", "price"]})


@pytest.fixture(scope="module")
def shared() -> tuple[Task, Any, Any]:
    numbers = np.random.default_rng(1)
    rows = pd.DataFrame({"shop": numbers.choice(["NE", "SW", "EE"], 6_000)})
    rows["delay"], rows["price"] = numbers.normal(size=6_000), numbers.normal(size=6_000)
    return SMALL, rows, ((rows.delay + numbers.normal(size=6_000)) > 0).astype(int).to_numpy()


@pytest.fixture(scope="module")
def here(shared: tuple[Task, Any, Any], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return fit_all(shared, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with local_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        cluster.start_workers()
        yield cluster


def fit_all(shared: tuple[Task, Any, Any], folder: Path, started: str | None = None) -> list[bytes]:
    """Return the bytes of each candidate's model."""
    models = run_fits(fit_candidate, [(name, started) for name in CANDIDATES], shared=shared)
    for name, model in zip(CANDIDATES, models, strict=True):
        write_model(model, folder / name)
    return [(folder / name).read_bytes() for name in CANDIDATES]


@pytest.mark.server
def test_two_workers_fit_the_same_bytes_as_this_machine(
    cluster: Cluster, shared: Any, here: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    started = tmp_path / "started"
    assert fit_all(shared, tmp_path, str(started)) == here
    assert started.exists()


@pytest.mark.server
def test_a_worker_killed_during_the_fits_changes_nothing(
    cluster: Cluster, shared: Any, here: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    started, killed = tmp_path / "started", []

    def kill() -> None:
        wait_until(started.exists)
        cluster.kill_worker()
        killed.append(True)

    killing = threading.Thread(target=kill)
    killing.start()
    assert fit_all(shared, tmp_path, str(started)) == here
    killing.join()
    assert killed


@pytest.mark.server
def test_workers_of_other_versions_or_code_are_named(
    cluster: Cluster, shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    monkeypatch.setattr(cluster_module, "versions", lambda: {"scikit-learn": "0.1"})
    with pytest.raises(WorkersUnusable, match=r"worker tcp://127.* has scikit-learn 1\.\S+ instead of 0\.1: update it"):
        fit_all(shared, tmp_path)
    monkeypatch.undo()
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    monkeypatch.setattr(cluster_module, "digest_of_files", lambda: "0" * 64)
    with pytest.raises(WorkersUnusable, match=r"has code of ml \w+ instead of \w+"):
        fit_all(shared, tmp_path)


@pytest.mark.server
def test_without_usable_workers_the_command_is_named(
    shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "SECONDS", 1)
    with local_cluster(tmp_path) as cluster:
        monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
        with pytest.raises(WorkersUnusable, match=r"has no worker: start it with `\.venv/bin/python -m dask worker"):
            fit_all(shared, tmp_path)
        monkeypatch.setattr(cluster_module, "SECONDS", 30)
        cluster.start_workers(1, folder=tmp_path)
        with pytest.raises(WorkersUnusable, match=r"cannot run this project .*'ml'.*: start it with"):
            fit_all(shared, tmp_path)
    monkeypatch.setattr(cluster_module, "SECONDS", 1)
    with pytest.raises(WorkersUnusable, match=rf"no Dask scheduler answers at {cluster.address}: .* or unset"):
        fit_all(shared, tmp_path)


def executed(address: str) -> list[int]:
    """Return how many tasks each of the two workers has executed."""
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        return list(client.run(lambda dask_worker: dask_worker.state.executed_count).values())


@pytest.mark.server
def test_training_on_two_workers_saves_the_same_model(
    task: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(selected: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": selected}))
        manifest = train("small", force=True).manifest
        figures = {name: manifest[name] for name in ("metrics", "chosen", "curves", "differences", "importance")}
        return (task / manifest["model_id"] / "model.joblib").read_bytes(), figures

    blend = {**CANDIDATES, "blend": {"random_forest": 0.5, "hist_gradient_boosting": 0.5}}
    forest = {"random_forest": CANDIDATES["random_forest"]}
    here = [trained(blend), trained(forest)]
    before = executed(cluster.address)
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    assert [trained(blend), trained(forest)] == here
    after = executed(cluster.address)
    assert sum(after) - sum(before) > 2 * len([*blend, *forest])  # trees were tasks, too


@pytest.mark.server
def test_trials_on_two_workers_have_the_same_figures(
    task: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search_until(minutes: float) -> dict[str, Any]:
        found = search(read_task("small"), minutes, lambda trial, elapsed: None)
        return {trial.identity: trial.validation for trial in found.trials}

    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": CANDIDATES}))
    here = search_until(0.02)
    (task / "trials.jsonl").unlink()
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", cluster.address)
    there: dict[str, Any] = {}
    for minutes in (0.2, 1, 5):  # a busy machine needs the longer ones
        there = search_until(minutes) if len(there) <= len(CANDIDATES) else there
    common = here.keys() & there.keys()
    assert len(common) >= len(CANDIDATES)
    assert {name: there[name] for name in common} == {name: here[name] for name in common}


def test_without_dask_the_setting_names_the_command(
    shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_DASK_SCHEDULER", "tcp://127.0.0.1:8786")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(WorkersUnusable, match="`make dask` installs it"):
        fit_all(shared, tmp_path)


def test_the_tests_of_workers_fail_at_once_without_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(pytest.fail.Exception, match="run `make dask`"), local_cluster(tmp_path):
        pass
    assert not list(tmp_path.iterdir()), "no scheduler was started"


def show_threads(number: int) -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]


def test_each_of_two_fits_at_once_has_one_thread() -> None:
    shown = list(run_fits(show_threads, [(number,) for number in range(4)]))
    assert len(shown) == 4 and all(threads and set(threads) == {1} for threads in shown)


def test_calls_are_taken_when_a_fit_can_begin() -> None:
    taken: list[int] = []

    def calls() -> Iterator[tuple[int]]:
        for number in range(6):
            taken.append(number)
            yield (number,)

    may_end = threading.Event()

    def fit(number: int) -> int:
        assert number == 0 or may_end.wait(60)
        return number

    results = run_fits(fit, calls())
    assert next(results) == 0
    assert len(taken) <= 4
    may_end.set()
    assert list(results) == [1, 2, 3, 4, 5]
