"""Each thing that needs attention, planted alone, gives exactly one alert, with what to type next."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.alerts.alert import RULES
from pipeline.alerts.judging import judge
from tests.pipeline.alerts.conftest import MODEL, run, stage
from tests.support.declared.orders import declare_orders, order
from tests.support.landing import land
from tests.support.small.task import execute
from warehouse.work_lock import only_run, working
from waybill.cli import shown_command
from waybill.identifiers import uuid7

REJECT = """
insert into ledger.rejects (batch_id, position, reason, detail, bytes, first_byte, length, fingerprint)
select '{batch}', number, 'not_json', '', '', 0, 0, gen_random_uuid() from generate_series(101, 100 + {number}) as number
"""
BATCH_OF_REJECTS = "update ledger.batches set read = read + {number}, rejected = {number} where batch_id = '{batch}'"
CHECK = """
insert into predictions.model_checks
    (task, model_id, mart, is_stale, is_outdated, changed_batches, training_digest, table_digest)
values ('small', '{model}', 'rows', {is_stale}, {is_outdated}, '{batches}', '', '')
"""
DRIFT = """
insert into predictions.model_drift (task, model_id, kind, name, scored_at, rows, psi, limits, alarms)
values ('small', '{model}', 'number', '{name}', now(), 10, 0.5, '{{}}', '{alarms}')
"""


def reject(batch: UUID, number: int) -> list[str]:
    return [REJECT.format(batch=batch, number=number), BATCH_OF_REJECTS.format(batch=batch, number=number)]


def no_run(batch: UUID) -> list[str]:
    return [
        "update ledger.runs set started_at = started_at - interval '3 days', ended_at = ended_at - interval '3 days'",
        "update ledger.stage_runs set started_at = started_at - interval '3 days'",
    ]


def failed_gate(batch: UUID) -> list[str]:
    return [stage("check-raw", ago="30 minutes", outcome="failed"), stage("check-raw", ago="1 hour", outcome="failed")]


def killed_stage(batch: UUID) -> list[str]:
    """A scheduler's stages of today, of which one was killed: it has no row, and those after it did not run."""
    return [*no_run(batch), stage("load", ago="1 hour"), stage("train", ago="50 minutes")]


def killed_run(batch: UUID) -> list[str]:
    return [run(str(uuid7()), ago="1 hour", outcome="running")]


def interrupted_run(batch: UUID) -> list[str]:
    return [run(str(uuid7()), ago="1 hour", outcome="failed", detail="interrupted by SIGTERM")]


def lost_outcomes(batch: UUID) -> list[str]:
    return ["delete from intermediate.int_orders_outcomes where _position <= 2"]


def many_rejects(batch: UUID) -> list[str]:
    return reject(batch, 6)


def old_documents(batch: UUID) -> list[str]:
    return ["update ledger.batches set committed_at = now() - interval '40 days'"]


def stale_model(batch: UUID) -> list[str]:
    return [
        CHECK.format(
            model=MODEL, is_stale="true", is_outdated="false", batches='{"orders: data/raw/orders.ndjson (removed)"}'
        )
    ]


def drifted_model(batch: UUID) -> list[str]:
    return [DRIFT.format(model=MODEL, name="delay", alarms='{"PSI 0.500 over 0.100"}')]


PLANTED: list[tuple[Callable[[UUID], list[str]], str, str, str, str]] = [
    (no_run, "no_run", "{database}", "no run has ended within 26 h; the last one ended at ", "run"),
    (
        killed_stage,
        "no_run",
        "{database}",
        "no run has come to its end within 26 h; the last one that did ended at ",
        "run",
    ),
    (failed_gate, "run_failed", "check-raw", "this gate failed at {time}, 2 times since {time}; nothing after", "run"),
    (killed_run, "run_failed", "pipeline", "did not complete: its process ended without recording an outcome", "run"),
    (interrupted_run, "run_failed", "pipeline", "did not complete: interrupted by SIGTERM", "run"),
    (
        lost_outcomes,
        "books_unbalanced",
        "orders",
        "UNBALANCED: landed +2: ",
        "dbt build --select int_orders_outcomes+1",
    ),
    (many_rejects, "rejects", "orders", "6 of the last day's 106 documents were rejected (5.7%, ", "rejects orders"),
    (old_documents, "source_not_fresh", "orders", "landed 40 days ago; stale: over 30 days", "load orders"),
    (
        stale_model,
        "model_stale",
        "small",
        f"{MODEL} have changed since training (orders: data/raw/orders.ndjson (removed))",
        "train --task small",
    ),
    (drifted_model, "model_drift", "small", "1 column differs from the rows that", "model-drift small"),
]


@pytest.mark.parametrize(
    ("plant", "rule", "name", "words", "command"), PLANTED, ids=[plant.__name__ for plant, *_ in PLANTED]
)
def test_one_thing_planted_is_one_alert(
    quiet: UUID, database: str, plant: Callable[[UUID], list[str]], rule: str, name: str, words: str, command: str
) -> None:
    assert judge().alerts == []
    execute(*plant(quiet))
    [alert] = judge().alerts
    assert (alert.rule, alert.name) == (rule, name.format(database=database))
    for part in words.split("{time}"):
        assert part in alert.message
    assert alert.command == shown_command(command)
    blamed = str(quiet) if rule in ("books_unbalanced", "rejects", "model_stale") else None
    assert alert.batch_id == blamed
    assert str(alert).endswith(f"{f' (batch {quiet})' if blamed else ''}: `{alert.command}`")


def test_no_rule_is_left_out() -> None:
    elsewhere = {"warehouse_away", "disk_nearly_full", "broker_away", "consumer_lag"}  # each has tests of its kind
    assert {rule for _, rule, *_ in PLANTED} | elsewhere == set(RULES)


@pytest.mark.parametrize(
    ("variable", "value", "plant"),
    [
        ("WAYBILL_ALERT_RUN_HOURS", "100", no_run),
        ("WAYBILL_ALERT_RUN_HOURS", "0", no_run),
        ("WAYBILL_ALERT_REJECT_SHARE", "0.06", many_rejects),
        ("WAYBILL_ALERT_REJECT_SHARE", "1", many_rejects),
    ],
)
def test_a_threshold_of_the_environment_counts(
    quiet: UUID, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, plant: Callable[[UUID], list[str]]
) -> None:
    execute(*plant(quiet))
    assert len(judge().alerts) == 1
    monkeypatch.setenv(variable, value)
    assert judge().alerts == []


def test_rejects_that_are_replayed_or_undone_do_not_count(quiet: UUID) -> None:
    execute(*reject(quiet, 6))
    assert [alert.rule for alert in judge().alerts] == ["rejects"]
    execute("update ledger.rejects set replayed_by = batch_id where position = 101")
    assert judge().alerts == []
    execute("update ledger.rejects set replayed_by = null", "update ledger.rejects set is_undone = true")
    assert judge().alerts == []


def test_a_source_may_declare_its_own_share_of_rejects(
    quiet: UUID, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(*many_rejects(quiet))
    declare_orders(project / "declared", monkeypatch, reject_share=0.1)
    assert judge().alerts == []
    declare_orders(project / "declared", monkeypatch, reject_share=0)
    monkeypatch.setenv("WAYBILL_ALERT_REJECT_SHARE", "1")
    assert judge().alerts[0].message.endswith("(5.7%, more than 0.0%)")
    declare_orders(project / "declared", monkeypatch, reject_share="many")
    assert judge().alerts == []


def test_many_good_documents_of_older_days_hide_no_rejects(quiet: UUID) -> None:
    execute("update ledger.batches set committed_at = now() - interval '2 days'")
    later = land("orders", *map(order, range(10)))
    execute(*reject(later, 2), f"insert into intermediate.run_batches values ('{later}')")
    execute(
        f"insert into intermediate.int_orders_outcomes select 'orders', '{later}', n, 'current' from generate_series(1, 10) n"
    )
    [alert] = judge().alerts
    assert (alert.rule, alert.batch_id) == ("rejects", str(later))
    assert alert.message.startswith("2 of the last day's 12 documents were rejected (16.7%")


def test_a_success_ends_the_alert_of_its_stage(quiet: UUID) -> None:
    execute(*failed_gate(quiet))
    assert [alert.name for alert in judge().alerts] == ["check-raw"]
    execute(stage("check-raw", ago="5 minutes"))
    assert judge().alerts == []


def test_each_stage_that_failed_is_an_alert(quiet: UUID) -> None:
    execute(stage("train", ago="5 minutes", outcome="failed"), stage("export", ago="4 minutes", outcome="failed"))
    assert [alert.name for alert in judge().alerts] == ["export", "train"]
    assert "run again to see why" in judge().alerts[0].message


def test_a_run_at_work_is_not_a_killed_one(quiet: UUID) -> None:
    run_id = uuid7()
    with working("pipeline", run_id):
        execute(run(str(run_id), ago="1 minute", outcome="running"))
        assert judge().alerts == []
    [alert] = judge().alerts
    assert (alert.rule, alert.kind) == ("run_failed", "run")


def test_marts_are_not_judged_while_a_run_changes_them(quiet: UUID) -> None:
    execute(*lost_outcomes(quiet), *stale_model(quiet))
    assert [alert.rule for alert in judge().alerts] == ["books_unbalanced", "model_stale"]
    with only_run():
        found = judge()
    unsettled = {"books_unbalanced", "model_stale", "model_drift"}
    assert (found.alerts, set(found.not_judged) & unsettled) == ([], unsettled)
    assert found.not_judged["model_stale"] == "a run or an undo is at work"


def test_marts_are_not_judged_after_a_run_that_failed(quiet: UUID) -> None:
    execute(*lost_outcomes(quiet), stage("dbt", ago="5 minutes", outcome="failed"))
    found = judge()
    assert [(alert.rule, alert.name) for alert in found.alerts] == [("run_failed", "dbt")]
    assert found.not_judged["books_unbalanced"] == "the last run failed"


def test_a_model_that_a_newer_one_did_not_replace_says_so(quiet: UUID, project: Path) -> None:
    execute(*stale_model(quiet))
    history = '{"changes": [], "challenger": "01999999-0000-7000-8000-000000000002", "lost": []}'
    (project / "models" / "small" / "registry.json").write_text(history)
    [alert] = judge().alerts
    assert "a newer model was compared with it and is not better" in alert.message
    assert alert.command == shown_command("models small")


def test_only_the_current_model_is_judged(quiet: UUID, project: Path) -> None:
    execute(*stale_model(quiet), *drifted_model(quiet))
    assert len(judge().alerts) == 2
    (project / "models" / "small" / "current").write_text(str(uuid7()))
    assert judge().alerts == []


def test_drift_that_an_older_version_measured_is_not_judged(quiet: UUID) -> None:
    execute(*drifted_model(quiet), "update predictions.model_drift set scored_at = 'epoch'")
    found = judge()
    assert (found.alerts, list(found.not_judged)[-1:]) == ([], ["model_drift"])
    assert found.not_judged["model_drift"].startswith("an older version measured it: ")


def test_a_source_that_was_never_used_is_not_judged(quiet: UUID, project: Path) -> None:
    content = (project / "dbt/models/_raw_orders.yml").read_text()
    (project / "dbt/models/_raw_returns.yml").write_text(content.replace("orders", "returns"))
    assert judge().alerts == []


def test_a_disk_is_one_alert_for_all_of_its_folders(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.alerts.disks import judge_disks
    from waybill.settings import get_settings

    for name in ("STATE", "RAW", "PROCESSED", "MODELS", "REPORTS"):
        monkeypatch.setenv(f"WAYBILL_{name}", str(project / name.lower()))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=100e9, used=97e9, free=3e9))
    assert judge_disks(get_settings()).alerts == []
    for variable, value in (("WAYBILL_ALERT_DISK_PERCENT", "3.1"), ("WAYBILL_ALERT_DISK_BYTES", str(4 * 10**9))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable, value)
            [alert] = judge_disks(get_settings()).alerts
        assert (alert.rule, alert.kind, alert.name) == ("disk_nearly_full", "folder", str(project / "state"))
        assert alert.message.startswith(f"3.0 GB (3.0 %) are free on the disk of {project / 'state'}, ")
        assert alert.command.startswith("du -xsh ")


def test_a_failed_stage_explains_why_no_run_is_complete(quiet: UUID) -> None:
    execute(*killed_stage(quiet), stage("score", ago="40 minutes", outcome="failed"))
    assert [(alert.rule, alert.name) for alert in judge().alerts] == [("run_failed", "score")]
    execute(stage("score", ago="20 minutes"), stage("report", ago="10 minutes"))
    assert judge().alerts == []


def test_stages_that_never_came_to_the_end_are_an_alert(quiet: UUID) -> None:
    execute(*no_run(quiet), "delete from ledger.runs where command = 'pipeline'")
    execute("delete from ledger.stage_runs where stage = 'report'", stage("load", ago="1 hour"))
    [alert] = judge().alerts
    assert (alert.rule, alert.since) == ("no_run", None)
    assert "none ever has, and stages have run since" in alert.message


def test_nothing_ever_run_is_one_alert_or_none(project: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_raw_tables()
    [alert] = judge().alerts
    assert (alert.rule, alert.message) == ("no_run", "nothing has run yet")
    (project / "declared" / "orders.yml").unlink()
    assert judge().alerts == []
