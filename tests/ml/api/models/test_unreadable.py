"""A model that cannot be read for the moment is read later, and the one in memory answers until then."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ml.task
from ml.api.models import holder as module
from ml.errors import ModelUnreadable
from ml.registry.folders import MANIFEST
from ml.registry.model_bytes import MODEL
from tests.ml.api.models.conftest import use
from tests.ml.api.models.test_holder import TICK, answers, held, refuses, wait_for


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is refused."""
    monkeypatch.setattr(module, "AGAIN_SECONDS", TICK)


def break_reading(patch: pytest.MonkeyPatch, broken: str, number: int) -> None:
    """Let each attempt to read a file of this name fail."""

    def breaking(read: Callable[..., Any]) -> Callable[..., Any]:
        def fail(path: Path, *given: Any, **named: Any) -> Any:
            if path.name == broken:
                raise OSError(number, os.strerror(number), str(path))
            return read(path, *given, **named)

        return fail

    for name in ("open", "read_bytes", "read_text"):
        patch.setattr(Path, name, breaking(getattr(Path, name)))


@pytest.mark.parametrize("broken", [MODEL, MANIFEST])
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_an_unreadable_new_model_is_served_later(saved: Callable[..., str], broken: str, number: int) -> None:
    first, second = saved(), saved("random_forest")
    use(first)
    with held() as models:
        with pytest.MonkeyPatch.context() as patch:
            break_reading(patch, broken, number)
            use(second)
            wait_for(lambda: refuses(models, ModelUnreadable))
            with pytest.raises(ModelUnreadable, match=f"cannot be read now: {os.strerror(number)}"):
                models.get("small")
        wait_for(lambda: answers(models, second))


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files")])
def test_a_model_that_found_no_memory_is_served_later(
    saved: Callable[..., str], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> object:
        raise error

    model_id, load = saved(), module.load_model
    monkeypatch.setattr(module, "load_model", fail)
    with held() as models:
        with pytest.raises(ModelUnreadable, match=r"cannot be read now: (MemoryError|Too many open files)"):
            models.get("small")
        monkeypatch.setattr(module, "load_model", load)
        wait_for(lambda: answers(models, model_id))


@pytest.mark.parametrize("broken", [MODEL, MANIFEST])
def test_the_model_in_memory_answers_meanwhile(
    saved: Callable[..., str], broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    model_id = saved()
    with held() as models:
        begun = models.get("small")
        with pytest.MonkeyPatch.context() as patch:
            break_reading(patch, broken, errno.EIO)
            os.utime(ml.task.TASKS / "small.yml", (1, 1))  # so that the model is loaded again
            wait_for(lambda: "cannot be read now: Input/output error" in caplog.text)
            time.sleep(5 * TICK)
            assert models.get("small") is begun
        wait_for(lambda: models.get("small") is not begun)
        assert answers(models, model_id)
    assert caplog.text.count("Input/output error") == 1
