"""Models are compared on rows that were labelled after both were trained, from their stored predictions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import ml.task
from ml.registry.history import PROMOTE, changing, current_id, make_current
from ml.registry.verdict import Verdict, read_verdict
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import TASK, execute


def later_verdict(folder: Path, model_id: str) -> Verdict | None:
    return read_verdict(folder / model_id, is_later=True)


@pytest.fixture
def pair(task: Path) -> tuple[str, str]:
    """Train a good model and one that knows only the shop, and make the poor one current; return good and poor."""
    execute("insert into marts.rows select 'n' || n, date '2013-05-01' + n % 40, null, 'NE', (n * 7) % 20"
            " from generate_series(1, 400) as n")  # fmt: skip
    good = str(train("small").manifest["model_id"])
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "numeric": []}))
    poor = str(train("small").manifest["model_id"])
    assert current_id("small") == good, "the poor one lost"
    with changing("small") as history:
        make_current("small", history, poor, PROMOTE)
    assert "1,000 predictions of" in score("small").summary
    return good, poor


def test_rows_labelled_later_give_the_challenger_a_verdict(task: Path, pair: tuple[str, str]) -> None:
    good, poor = pair
    assert later_verdict(task, good) is None, "no row was labelled later"
    execute("update marts.rows set is_late = delay > 10 where row_id like 'n%'")
    before = rows("select sum(probability)::numeric(20, 6) from predictions.small where row_id like 'n%'")
    summary = score("small").summary
    verdict = later_verdict(task, good)
    assert verdict is not None
    assert (verdict.outcome, verdict.against, verdict.rows, verdict.blocks) == ("better", poor, 400, 40)
    assert "on 400 rows labelled after both were trained" in str(verdict)
    assert f"; the challenger {good} is better than {poor}" in summary and f"promote small {good}`" in summary
    assert current_id("small") == poor, "only a person changes the current model by this verdict"
    assert rows("select sum(probability)::numeric(20, 6) from predictions.small where row_id like 'n%'") == before


def test_rows_with_a_label_at_training_are_not_compared_again(task: Path, pair: tuple[str, str]) -> None:
    good, _ = pair
    execute("update marts.rows set is_late = delay > 10 where row_id like 'n%' and on_date < '2013-05-10'")
    score("small")
    verdict = later_verdict(task, good)
    assert verdict is not None and verdict.reason == "the common rows are of 9 blocks, fewer than 10"
    assert "9 blocks" in str(verdict)
    train("small", force=True)
    current = current_id("small")
    execute("update marts.rows set is_late = delay > 10 where row_id like 'n%'")
    score("small")
    found = [later_verdict(task, one.name) for one in task.iterdir() if one.is_dir() and one.name != current]
    assert 400 - 9 * 10 in [verdict.rows for verdict in found if verdict]
