"""Predictions are written piece by piece, and all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml.prediction_tables import scoring
from ml.prediction_tables.by_model import copy_rows
from ml.reading import kept
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import execute

STORED = "select count(*), min(scored_at), max(scored_at), sum(probability) from predictions.small"


@pytest.fixture
def trained(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose 600 rows are scored in pieces of 70."""
    monkeypatch.setattr(kept, "PIECE_ROWS", 70)
    train("small")


def test_a_piece_that_cannot_be_written_leaves_the_last_ones(trained: None, monkeypatch: pytest.MonkeyPatch) -> None:
    score("small")
    before = rows(STORED)
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    written = []

    def fail(*arguments: Any) -> None:
        written.append(arguments)
        if len(written) == 3:
            raise OSError("it cannot be written")
        copy_rows(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(scoring, "copy_rows", fail)
        with pytest.raises(OSError, match="it cannot be written"):
            score("small")
    assert len(written) == 3 and rows(STORED) == before
    assert score("small").rows == 600 and rows(STORED) != before
