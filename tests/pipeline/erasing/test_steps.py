"""What an erasure remembers of the rows stays until it is complete, so that a step that is repeated finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock
from uuid import uuid4

import pytest

from ml.erasing.before import FOLDER
from pipeline.erasing import erase
from pipeline.erasing.finishing import steps
from pipeline.erasing.finishing.erasure import Erasing
from waybill import ctrl_c
from waybill.settings import get_settings

ERASING = cast(Erasing, SimpleNamespace(erasure_id=uuid4(), marts=[], policy="", keys=[], lineage={}, downstream=[],
                                        not_trained=[]))  # fmt: skip


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the file of what was remembered; all steps have been taken, and the certificate is left to do."""
    for taken in ("connect", "relations_outside", "read_before", "_step"):
        monkeypatch.setattr(steps, taken, MagicMock())
    path = get_settings().state_folder / FOLDER / f"{ERASING.erasure_id}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"hashes")
    yield path
    path.unlink(missing_ok=True)


def test_what_is_remembered_stays_until_it_is_complete(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Any) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "certify", interrupt)
    with pytest.raises(KeyboardInterrupt):
        steps.finish(ERASING)
    assert remembered.exists()


def test_an_interrupt_names_the_command_that_completes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(erase, "finish", lambda _: said.append(ctrl_c._lines[-1]) or Path("certificate"))
    recorded = SimpleNamespace(recorded=None, left_to_others=[], remarks=[], files=[])
    erase._finish(cast(Erasing, recorded))
    assert said == ["interrupted: the erasure is not complete; `.venv/bin/waybill erase` completes it"]
    assert ctrl_c._lines == [ctrl_c.LINE]


def test_it_is_deleted_when_the_erasure_is_complete(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "certify", lambda _: Path("certificate"))
    assert steps.finish(ERASING) == Path("certificate")
    assert not remembered.exists()
