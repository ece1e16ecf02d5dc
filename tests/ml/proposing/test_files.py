"""The proposal is an ordinary file that training accepts; it is written completely or not at all, and never over another."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st

import ml.task
from ml.errors import ProposalRefused
from ml.proposing.command import new_task
from ml.proposing.declaration import declaration
from ml.proposing.proposal import Asked, Proposal, propose
from ml.task import Task, read_task

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which tasks are declared."""
    monkeypatch.setattr(ml.task, "TASKS", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def called_off(orders: None) -> Proposal:
    """A proposal whose label is text."""
    return propose(Asked("small", "orders", "was_called_off"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(new_task, [*arguments], catch_exceptions=True)


def test_training_reads_the_file_that_was_written(orders: None, tasks: Path) -> None:
    ran = run("cancelled", "--table", "orders", "--label", "was_called_off")
    assert ran.exception is None, ran.output
    task = read_task("cancelled").task
    assert (task.key, task.label, task.positive_value, task.positive_label) == (
        ["order_id"],
        "was_called_off",
        "yes",
        "yes",
    )
    assert (task.split.kind, task.split.time_column, task.threshold) == ("time", "ordered_on", 0.5)
    assert task.numeric == ["amount", "items", "is_gift", "is_odd", "channel_code"]
    assert list(task.candidates) == ["dummy", "logistic_regression", "random_forest", "hist_gradient_boosting"]


@pytest.mark.parametrize(
    ("label", "flags"),
    [
        ("channel", ()),
        ("is_cancelled", ()),
        ("items", ("--group", "customer_id")),
        ("status_code", ("--time", "updated_at")),
    ],
)
def test_labels_of_every_type_are_accepted(orders: None, tasks: Path, label: str, flags: tuple[str, ...]) -> None:
    assert run("one", "--table", "orders", "--label", label, *flags).exception is None
    assert read_task("one").task.label == label


def test_every_column_left_out_is_in_the_file_with_its_reason(orders: None, tasks: Path) -> None:
    ran = run("cancelled", "--table", "orders", "--label", "is_cancelled")
    text = " ".join((tasks / "cancelled.yml").read_text().replace("\n#", "").split())
    for name in ("was_called_off", "cancelled_at", "paid", "payload", "note"):
        assert f" {name}: " in text and f"  {name} " in ran.output
    assert "was_called_off: leak: ROC AUC 1.000 alone; its values match those of the label one to one" in text


def test_the_next_commands_are_printed(orders: None, tasks: Path) -> None:
    output = run("cancelled", "--table", "orders", "--label", "is_cancelled").output
    assert "waybill train --task cancelled\n" in output
    assert "waybill score --task cancelled\n" in output
    assert "is_predicted_positive, count(*) from predictions.cancelled" in output
    assert "predicted_label, count(*) from" in run("channel", "--table", "orders", "--label", "channel").output


def test_a_dry_run_prints_the_file_and_writes_nothing(orders: None, tasks: Path) -> None:
    ran = run("cancelled", "--table", "orders", "--label", "is_cancelled", "--dry-run")
    assert "\ntask: cancelled\n" in ran.output
    assert list(tasks.iterdir()) == []


def test_a_file_that_exists_is_never_changed(orders: None, tasks: Path) -> None:
    arguments = ("cancelled", "--table", "orders", "--label", "is_cancelled")
    assert run(*arguments).exception is None
    written = (tasks / "cancelled.yml").read_text()
    assert "is equal to the proposal: there is nothing to write" in str(run(*arguments).exception)
    (tasks / "cancelled.yml").write_text(written.replace("seed: 1\n", "seed: 2\n"))
    refused = run(*arguments).exception
    assert isinstance(refused, ProposalRefused)
    assert "(- seed: 2 + seed: 1): nothing was written; delete it first" in str(refused)
    assert "seed: 2\n" in (tasks / "cancelled.yml").read_text()
    (tasks / "cancelled.yml").unlink()
    (tasks / "cancelled.yml").symlink_to("nowhere")
    assert isinstance(run(*arguments).exception, ProposalRefused)


def test_what_a_killed_process_left_is_cleared(orders: None, tasks: Path) -> None:
    (tasks / ".cancelled.yml.1.new").write_text("task: canc")
    assert ml.task.task_names() == []
    assert run("cancelled", "--table", "orders", "--label", "is_cancelled").exception is None
    assert os.listdir(tasks) == ["cancelled.yml"]


@pytest.mark.parametrize("name", ["Cancelled", "1st", "a-b", "", "a" * 61, "../x", "é"])
def test_a_name_that_no_task_can_have_is_refused(tasks: Path, name: str) -> None:
    refused = run(name, "--table", "orders", "--label", "is_cancelled").exception
    assert isinstance(refused, ProposalRefused)
    assert "cannot name a task: use a-z, 0-9 and _, at most 53, beginning with a letter" in str(refused)


@pytest.mark.parametrize(
    ("name", "reason"), [("a" * 54, "a name of 54 characters"), ("a_by_model", "ends in _by_model")]
)
def test_a_name_whose_predictions_cannot_be_stored_is_refused(tasks: Path, name: str, reason: str) -> None:
    refused = run(name, "--table", "orders", "--label", "is_cancelled").exception
    assert isinstance(refused, ProposalRefused)
    assert reason in str(refused) and str(refused).endswith("choose another name")


def test_the_command_ends_with_one_line_and_code_one(orders: None) -> None:
    command = [sys.executable, "-m", "waybill", "new-task", "x", "--table", "ordres", "--label", "y"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "error: there is no table marts.ordres: did you mean orders?\n"


@example("x\x85y", "z")
@given(TEXTS, TEXTS)
def test_any_text_survives_as_a_positive_value(called_off: Proposal, value: str, other: str) -> None:
    label = replace(called_off.label, positive=value, classes=(other, value))
    text = declaration(replace(called_off, label=label), "waybill new-task")
    declared = yaml.safe_load(text)
    assert declared["positive_value"] == value
    assert Task.model_validate(declared).positive_value == value
