"""Models that had learnt erased rows are marked, with the number of those rows; others are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ml.erasing.erase import Erasure
from ml.erasing.marks import describe_marks
from ml.registry.artefact import read_manifest
from ml.registry.evaluation import EVALUATION, hash_keys, read_evaluation
from ml.score import score
from ml.train import train
from tests.ml.erasing.conftest import Erase
from tests.support.databases import rows
from tests.support.small.task import execute
from waybill.identifiers import uuid7


def hash_of(key: str) -> int:
    import pandas as pd

    return int(hash_keys(pd.DataFrame({"row_id": [key]}))[0])


def test_a_model_is_marked_with_the_rows_it_learnt(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    score("small")
    erased = erase("row_id in ('r1', 'r2', 'r50', 'r119')")  # r50 has no label, r119 is of the test set
    (mark,) = erased.models
    assert (mark.task, mark.model_id, mark.rows, mark.is_exact, mark.is_refused) == ("small", model_id, 2, True, False)
    assert mark.is_current and mark.named_texts == 0 and erased.unchecked == []
    assert erased.deleted["predictions.small_by_model"] == 4
    assert rows("select count(*), count(*) filter (where row_id = 'r2') from predictions.small") == [(596, 0)]
    assert rows("select model_id::text, rows, is_refused from predictions.erased_models") == [(model_id, 2, False)]
    assert describe_marks(read_manifest("small", model_id)) == "learnt from 2 rows that were erased since"


def test_erased_rows_leave_what_the_model_was_measured_on(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    before = read_evaluation(task / model_id)
    assert before is not None and {hash_of("r1"), hash_of("r119")} <= set(before.labelled.tolist())
    assert hash_of("r119") in before.test.keys.tolist()
    erase("row_id in ('r1', 'r119')")
    after = read_evaluation(task / model_id)
    assert after is not None and not np.isin(after.labelled, [hash_of("r1"), hash_of("r119")]).any()
    assert len(after.test) == len(before.test) - 1 and len(after.labelled) == len(before.labelled) - 2
    train("small", force=True)  # and a later model is compared with it


def test_a_model_is_marked_once_for_each_erasure(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    erase("row_id = 'r1'")
    erase("row_id in ('r2', 'r3')", "refuse")
    found = json.loads((task / model_id / "manifest.json").read_text())
    assert [(one["rows"], one["is_refused"]) for one in found["erased"]] == [(1, False), (2, True)]
    assert describe_marks(found) == "learnt from 3 rows that were erased since"


def test_a_model_that_learnt_no_erased_row_is_not_marked(task: Path, erase: Erase) -> None:
    train("small")
    before = (task / train("small").manifest["model_id"] / "manifest.json").read_bytes()
    assert erase("row_id in ('r50', 'r119')").models == []
    assert (task / train("small").manifest["model_id"] / "manifest.json").read_bytes() == before


def test_a_row_that_left_the_mart_earlier_counts_by_its_key(task: Path, erase: Erase) -> None:
    train("small")
    execute("delete from marts.rows where row_id = 'r7'")
    assert erase("false").models == []
    assert [model.rows for model in erase("false", keys=["r7", "unknown"]).models] == [1]


def test_rows_that_changed_with_an_erasure_count(task: Path, erase: Erase) -> None:
    train("small")
    (mark,) = erase.go_on("update marts.rows set delay = 1000 where row_id in ('r4', 'r5')").models
    assert mark.rows == 2
    described = "learnt from 2 rows that were erased or changed by an erasure since"
    assert describe_marks(read_manifest("small", mark.model_id)) == described


def test_an_older_model_is_judged_by_its_batches(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    (task / model_id / EVALUATION).unlink()
    (mark,) = erase("row_id in ('r1', 'r2')").models
    assert (mark.rows, mark.is_exact) == (2, False)
    assert describe_marks(read_manifest("small", model_id)) == "learnt from at most 2 rows that were erased since"


def test_a_mart_of_another_source_leaves_models_untouched(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    before = (task / model_id / "manifest.json").read_bytes()
    erase.erasure = Erasure(uuid7(), ["other_rows"], "refuse", ["r1"])
    found = erase.go_on()
    assert (found.models, found.deleted) == ([], {})
    assert (task / model_id / "manifest.json").read_bytes() == before


def test_a_stale_model_names_the_erasure(task: Path, erase: Erase) -> None:
    train("small")
    erase("row_id = 'r1'")
    execute(
        "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), 'erase', '{}')",
        "insert into ledger.erasures (erasure_id, run_id, source, secret_check, keys, documents, rejects, models)"
        " select gen_random_uuid(), run_id, 'orders', '', 1, 1, 0, 'keep-marked' from ledger.runs",
        "insert into intermediate.processed_batches select 'rows', erasure_id from ledger.erasures",
    )
    assert "; STALE: its training rows have changed (orders: erased documents)" in score("small").summary
    assert "STALE" not in train("small").summary + score("small").summary
