"""A proposed task trains and scores unchanged, whatever its label and split."""

from __future__ import annotations

from pathlib import Path

import pytest

import ml.task
from ml.proposing.declaration import declaration
from ml.proposing.proposal import Asked, propose
from ml.score import score
from ml.train import train
from tests.support.databases import rows

ASKED = {
    "two classes by time": Asked("by_time", "orders", "is_cancelled"),
    "three classes by group": Asked("by_group", "orders", "channel", group="customer_id"),
    "a positive text at random": Asked("at_random", "answers", "rare", positive="often 0"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_proposed_task_trains_and_scores_unchanged(
    orders: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    monkeypatch.setattr(ml.task, "TASKS", tmp_path)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    proposal = propose(asked)
    (tmp_path / f"{asked.name}.yml").write_text(declaration(proposal, "waybill new-task"))
    manifest = train(asked.name).manifest
    assert manifest["rows"]["all"] == proposal.mart.rows
    assert set(manifest["candidates"]) == set(proposal.candidates)
    assert score(asked.name).rows == proposal.mart.rows
    assert rows(f"select count(*) from predictions.{asked.name}") == [(proposal.mart.rows,)]
