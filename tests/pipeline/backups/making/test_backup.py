"""A backup holds database, models and project files as of one moment, while intake continues."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from ml.registry.history import current_id
from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.making.backup import back_up
from pipeline.backups.programs import VARIABLES
from pipeline.backups.project_files import project_files
from pipeline.backups.restoring.loading import UNKNOWN_TIMEOUT
from pipeline.backups.verifying import file_names, verify_backup
from tests.support.backed_up.orders_to_back_up import load_orders, save_model
from tests.support.databases import fresh_database, rows
from warehouse.connection import current_warehouse, engine, login_parameters
from warehouse.schema import drop_everything
from warehouse.server_paths import installed_binaries
from waybill.settings import PROJECT

pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`


def contents() -> Contents:
    with engine("owner").connect() as connection:
        return read_contents(connection)


def restored(backup: Path) -> Contents:
    """Restore the dump of a backup into another database, and return what it holds then."""
    with fresh_database("restored"):
        with engine("owner").connect() as connection:
            drop_everything(connection.connection.dbapi_connection)  # type: ignore[arg-type]
        login = login_parameters(current_warehouse(), "owner")
        variables = {VARIABLES[name]: value for name, value in login.items() if name in VARIABLES}
        if "password" in login:
            variables["PGPASSWORD"] = login["password"]
        command = [str(installed_binaries() / "pg_restore"), f"--dbname={login['dbname']}", str(backup / "database")]
        ran = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        errors = [line for line in ran.stderr.splitlines() if "error: " in line and UNKNOWN_TIMEOUT not in line]
        assert errors == []
        return contents()


def test_what_is_restored_from_a_dump_is_what_the_manifest_says(landed: Path, folder: Path) -> None:
    made = back_up(folder)
    assert made.folder is not None
    assert verify_backup(made.folder) == made.manifest
    assert made.manifest.contents.rows["raw.orders"] == made.manifest.contents.mart_hashes["fct_orders"]["rows"] == 200
    assert [book["source"] for book in made.manifest.contents.books] == ["orders"]
    assert restored(made.folder) == made.manifest.contents


def test_models_and_project_files_are_copied_as_they_are(landed: Path, folder: Path) -> None:
    made = back_up(folder)
    assert made.folder is not None
    for part, original in (("models", landed / "models"), ("project", PROJECT)):
        copies = list(file_names(made.folder / part))
        assert copies
        assert all((made.folder / part / name).read_bytes() == (original / name).read_bytes() for name in copies)
    assert set(file_names(made.folder / "models")) == set(file_names(landed / "models"))
    assert set(file_names(made.folder / "project")) == set(project_files())
    assert list(made.manifest.models["returns"].values()) == ["", ""]


def test_all_that_is_the_users_is_among_the_project_files() -> None:
    folders = {name.rpartition("/")[0] for name in project_files()}
    wanted = {"loader/sources", "loader/contracts", "ml/tasks", "expectations/context/suites", "pipeline/export/shapes",
              "pipeline/export/schemas", "dbt_project", "dbt_project/macros/keys", "dbt_project/tests"}  # fmt: skip
    assert wanted <= folders
    assert not [name for name in project_files() if "/target/" in name or "/logs/" in name or "/." in name]


def test_only_the_user_can_read_a_backup(landed: Path, folder: Path) -> None:
    before = os.umask(0o022)
    try:
        made = back_up(folder)
    finally:
        os.umask(before)
    assert made.folder is not None
    for parent, _, files in os.walk(folder):
        assert stat.S_IMODE(os.stat(parent).st_mode) == 0o700, parent
        assert {stat.S_IMODE(os.stat(os.path.join(parent, name)).st_mode) for name in files} <= {0o600}, parent


def test_the_ledger_knows_the_backup(landed: Path, folder: Path) -> None:
    made = back_up(folder)
    known = (
        "select backup_id::text, folder, runs.command, runs.outcome from ledger.backups join ledger.runs using (run_id)"
    )
    assert rows(known) == [(made.manifest.backup_id, str(made.folder), "backup", "succeeded")]
    assert made.manifest.contents.rows["ledger.backups"] == 1  # what is restored knows the backup that it came from


def test_a_backup_shows_one_moment_while_intake_continues(
    landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, loads = threading.Event(), []

    def load_more() -> None:
        while not done.is_set():
            loads.append(len(loads))
            load_orders(landed, range(1000 * len(loads), 1000 * len(loads) + 50))

    def as_of_the_snapshot(connection: object) -> Contents:
        before = rows("select count(*) from raw.orders")
        while rows("select count(*) from raw.orders") == before:
            pass
        return read_contents(connection)  # type: ignore[arg-type]

    monkeypatch.setattr("pipeline.backups.making.backup.read_contents", as_of_the_snapshot)
    loader = threading.Thread(target=load_more)
    loader.start()
    try:
        made = back_up(folder)
    finally:
        done.set()
        loader.join()
    assert made.folder is not None
    assert made.manifest.contents.rows["raw.orders"] < 200 + 50 * len(loads)
    assert restored(made.folder) == made.manifest.contents


def test_a_promotion_waits_until_the_models_are_copied(
    landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models of a backup are those of its snapshot: what is trained meanwhile comes into the next one."""
    from pipeline.backups.making import backup

    before, trainers = current_id("returns"), []
    copy = backup.copy_models

    def copy_while_training(models: Path, target: Path) -> dict[str, dict[str, str]]:
        trainer = threading.Thread(target=save_model)
        trainer.start()
        trainers.append(trainer)
        trainer.join(0.5)
        return copy(models, target)

    monkeypatch.setattr(backup, "copy_models", copy_while_training)
    made = back_up(folder)
    trainers[0].join()
    assert made.folder is not None
    assert (made.folder / "models/returns/current").read_text().strip() == before
    assert len(made.manifest.models["returns"]) == 2
    assert current_id("returns") != before


def test_a_broken_model_is_copied_and_named(landed: Path, folder: Path) -> None:
    (model, other) = sorted(path.parent for path in (landed / "models/returns").glob("*/model.joblib"))
    (model / "model.joblib").write_bytes(b"other bytes")
    made = back_up(folder)
    assert made.manifest.models["returns"] == {model.name: "is not the file that was saved", other.name: ""}


def test_models_of_the_demo_are_not_those_of_a_task(landed: Path, folder: Path) -> None:
    shutil.copytree(landed / "models" / "returns", landed / "models" / "demo" / "returns")
    assert list(back_up(folder).manifest.models) == ["returns"]


def test_an_empty_warehouse_has_a_backup(
    database: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "no models"))
    made = back_up(folder)
    assert made.folder is not None
    assert verify_backup(made.folder).models == {}
    with engine("owner").connect() as connection:
        assert made.manifest.warehouse_id == str(connection.scalar(text("select run_id from ledger.runs")))
