"""A rule that cannot be judged, because of a mistake in a declaration for example, silences no other rule."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

import pipeline.stage_list
from pipeline.alerts.command import check
from pipeline.alerts.judging import judge
from tests.pipeline.alerts.test_planted import many_rejects, old_documents, reject
from tests.support.small.task import execute


def test_a_mistake_in_the_stages_hides_what_is_about_runs(
    quiet: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(*many_rejects(quiet))
    (tmp_path / "stages.yml").write_text("- name: load")
    monkeypatch.setattr(pipeline.stage_list.read_stages, "__defaults__", (tmp_path / "stages.yml",))
    found = judge()
    assert [alert.rule for alert in found.alerts] == ["rejects"]
    assert set(found.broken) == {"run_failed", "no_run"}
    assert "stages.yml" in found.not_judged["run_failed"]


def test_a_generated_file_with_a_mistake_hides_freshness(quiet: UUID, project: Path) -> None:
    execute(*old_documents(quiet), *reject(quiet, 6))
    assert [alert.rule for alert in judge().alerts] == ["rejects", "source_not_fresh"]
    (project / "dbt/models/_raw_orders.yml").write_text("sources: [")
    found = judge()
    assert [alert.rule for alert in found.alerts] == ["rejects"]
    assert set(found.broken) == {"source_not_fresh"}


def test_a_folder_that_cannot_be_read_hides_the_disks(quiet: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/raw")

    monkeypatch.setattr("pipeline.alerts.judging.judge_disks", refuse)
    execute(*many_rejects(quiet))
    found = judge()
    assert [alert.rule for alert in found.alerts] == ["rejects"]
    assert found.not_judged["disk_nearly_full"] == "[Errno 13] Permission denied: '/raw'"


def test_a_broken_rule_alone_is_seen(quiet: UUID, project: Path) -> None:
    (project / "dbt/models/_raw_orders.yml").write_text("sources: [")
    text, as_json = CliRunner().invoke(check, []), CliRunner().invoke(check, ["--json"])
    assert (text.exit_code, as_json.exit_code) == (1, 1)
    assert "source_not_fresh" in text.output and "nothing needs attention" not in text.output
    assert "source_not_fresh" in json.loads(as_json.output)["not_judged"]
