"""What is saved of a model is complete and JSON, and a failure names where and leaves nothing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.registry import artefact
from ml.registry.verdict import Verdict


def test_a_full_disk_names_the_folder_and_leaves_nothing(
    folder: Path, trained: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artefact, "write_evaluation", fail)
    with pytest.raises(OSError, match="No space left on device") as raised:
        trained(0.5)
    assert raised.value.filename == str(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_is_no_json_never_gets_into_a_manifest(
    folder: Path, trained: Callable[..., Verdict], figure: float
) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        trained(0.5, metrics={"roc_auc": figure})
    assert list(folder.iterdir()) == []
