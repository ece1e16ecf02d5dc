"""The current model answers, another one replaces it while requests run, and a broken one is refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ml.api.models import holder as module
from ml.api.models.holder import ModelHolder
from ml.errors import ArtefactBroken, ModelError, NoModel, OtherVersions
from ml.predict import load_model
from ml.registry.folders import MANIFEST
from ml.registry.history import CURRENT
from ml.registry.model_bytes import MODEL, sealed
from tests.ml.api.models.conftest import use
from tests.ml.api.models.generated import as_dictionaries, frame
from waybill.errors import SettingsError

TICK = 0.02
CLIENTS, SWAPS = 16, 20
ROW = as_dictionaries(frame(1, seed=9))

Save = Callable[..., str]


def held() -> closing[ModelHolder]:
    return closing(ModelHolder(["small"], seconds=TICK))


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(TICK)


def answers(models: ModelHolder, model_id: str) -> bool:
    try:
        return models.get("small").model.model_id == model_id
    except ModelError:
        return False


def refuses(models: ModelHolder, error: type[ModelError]) -> bool:
    try:
        models.get("small")
    except ModelError as refused:
        return isinstance(refused, error)
    return False


def test_a_task_without_a_model_is_refused_until_it_has_one(saved: Save) -> None:
    with held() as models:
        with pytest.raises(NoModel, match="train --task small"):
            models.get("small")
        model_id = saved()
        wait_for(lambda: answers(models, model_id))


def test_a_new_current_model_and_a_rollback_are_picked_up(saved: Save) -> None:
    first = saved()
    with held() as models:
        begun = models.get("small")
        second = saved("random_forest")
        wait_for(lambda: answers(models, second))
        assert begun.model.model_id == first
        assert begun.predict(ROW) != models.get("small").predict(ROW)
        use(first)
        wait_for(lambda: answers(models, first))


@pytest.mark.parametrize("flipped", [MODEL, MANIFEST])
def test_a_file_that_changes_is_refused_and_comes_back(
    saved: Save, folder: Path, flipped: str, caplog: pytest.LogCaptureFixture
) -> None:
    model_id = saved()
    path = folder / model_id / flipped
    content = path.read_bytes()
    with held() as models:
        assert answers(models, model_id)
        path.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
        wait_for(lambda: refuses(models, ArtefactBroken))
        path.write_bytes(content)
        wait_for(lambda: answers(models, model_id))
    assert [line.partition(":")[0] for line in caplog.messages] == ["the model is refused", "a model answers again"]
    assert caplog.messages[-1] == f"a model answers again: task=small model={model_id}"


def test_a_broken_current_model_is_refused_not_the_one_before(saved: Save, folder: Path) -> None:
    first, second = saved(), saved("random_forest")
    use(first)
    (folder / second / MODEL).write_bytes(b"not a model")
    with held() as models:
        assert answers(models, first)
        (folder / CURRENT).write_text(second)
        wait_for(lambda: refuses(models, ArtefactBroken))
        with pytest.raises(ArtefactBroken, match="waybill rollback small"):
            models.get("small")
        use(first)
        wait_for(lambda: answers(models, first))


def test_other_library_versions_are_refused(saved: Save, folder: Path) -> None:
    model_id = saved()
    path = folder / model_id / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(sealed(manifest)))
    with held() as models, pytest.raises(OtherVersions, match=r"saved with numpy 1\.0"):
        models.get("small")


def test_a_model_answers_while_the_next_is_loading(saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    first = saved()
    loading, may_load = threading.Event(), threading.Event()

    def slow(*arguments: str) -> object:
        loading.set()
        assert may_load.wait(20)
        return load_model(*arguments)

    with held() as models:
        monkeypatch.setattr(module, "load_model", slow)
        second = saved("random_forest")
        assert loading.wait(20)
        assert answers(models, first) and len(models.get("small").predict(ROW)) == 1
        may_load.set()
        wait_for(lambda: answers(models, second))


def test_a_model_replaced_while_it_was_loaded_is_no_refusal(saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = saved(), saved("random_forest")
    refused = []

    def replaced(task: str, model_id: str) -> object:
        if model_id == second:
            use(first)  # and another command has deleted its folder
            raise ArtefactBroken("is missing")
        return load_model(task, model_id)

    monkeypatch.setattr(module, "load_model", replaced)
    monkeypatch.setattr(module.logger, "warning", lambda *said: refused.append(said))
    with held() as models:
        assert answers(models, first)
    assert refused == []


def test_an_error_of_the_settings_leaves_the_model(
    saved: Save, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*arguments: str) -> object:
        raise SettingsError("PGPORT is not a number")

    first, second = saved(), saved("random_forest")
    use(first)
    with held() as models:
        with monkeypatch.context() as broken:
            broken.setattr(module, "load_model", refused)
            use(second)
            wait_for(lambda: "PGPORT is not a number" in caplog.text)
            time.sleep(5 * TICK)
            assert answers(models, first)
        wait_for(lambda: answers(models, second))
    assert caplog.text.count("PGPORT") == 1


def test_sixteen_clients_during_twenty_swaps(saved: Save) -> None:
    ids = [saved(), saved("random_forest"), saved("blend")]
    expected = {}
    for model_id in ids:
        use(model_id)
        with held() as models:
            expected[model_id] = float(models.get("small").predict(ROW)[0])
    assert len(set(expected.values())) == len(ids)
    done, wrong, counted = threading.Event(), [], dict.fromkeys(ids, 0)
    with held() as models, ThreadPoolExecutor(CLIENTS) as clients:

        def ask() -> None:
            while not done.is_set():
                served = models.get("small")
                model_id, found = served.model.model_id, float(served.predict(ROW)[0])
                counted[model_id] += 1
                if abs(found - expected[model_id]) > 1e-12:
                    wrong.append((model_id, found))
                time.sleep(0.002)  # sixteen threads that never rest would leave none for the loading one

        asking = [clients.submit(ask) for _ in range(CLIENTS)]
        try:
            for number in range(SWAPS):
                use(ids[number % len(ids)])
                wait_for(lambda number=number: answers(models, ids[number % len(ids)]))  # type: ignore[misc]
        finally:
            done.set()
        for one in asking:
            one.result()
    assert wrong == []
    assert all(counted.values())
