"""The controls of docs/security.md: no leaked secret, no foreign login, no name that reaches another object."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import orjson
import psutil
import psycopg2
import pytest
from pydantic import SecretStr, ValidationError

import loader.declarations
from loader.declarations import Source, read_source
from loader.errors import SourceUnknown
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from ml.errors import TaskBroken
from ml.task import Task, read_task
from streaming.consuming.metrics import ConsumerMetrics
from streaming.local_broker.configuration import write_configuration
from streaming.local_broker.process import BrokerPaths, choose_ports
from tests.support.databases import fresh_database, rows
from tests.support.declared.orders import order, write_declaration
from tests.support.external_server import PASSWORD, ExternalServer
from tests.support.small.task import TASK
from warehouse.connection import connect, forget
from warehouse.logins import read_logins
from warehouse.schema import ensure_raw_tables
from waybill.settings import get_settings

HOSTILE = ["select", 'x"; drop schema raw cascade; --', "x'; drop schema raw cascade; --", "raw.orders", "%s", "a{b}c"]
GIVEN = {
    "PGPASSWORD": PASSWORD,
    "WAYBILL_READER_PASSWORD": "reader-secret-of-the-test",
    "KAFKA_SASL_PASSWORD": "sasl-secret-of-the-test",
}


@pytest.fixture
def creator(external: ExternalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Create a database on a server that asks for passwords; return the folder that all output goes to."""
    forget()
    external.drop_logins()
    for name, value in {**external.variables("creator", tmp_path), **GIVEN}.items():
        monkeypatch.setenv(name, value)
    for kind in ("MODELS", "REPORTS", "PROCESSED"):
        monkeypatch.setenv(f"WAYBILL_{kind}", str(tmp_path / kind.lower()))
    monkeypatch.setenv("WAYBILL_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "dbt"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "dbt-logs"))
    with fresh_database():
        yield tmp_path


@contextmanager
def process_list() -> Iterator[set[str]]:
    """Collect the command lines of all processes below this one."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        me = psutil.Process()
        while not done.wait(0.02):
            for process in me.children(recursive=True):
                try:
                    seen.add(" ".join(process.cmdline()))
                except psutil.Error:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def spellings(secret: str) -> set[str]:
    """Return a secret as a page, a URL, a document and Python spell it."""
    return {
        secret,
        escape(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }


def run(*arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    return done.stdout + done.stderr


@pytest.mark.usefixtures("unset")
def test_no_secret_is_printed_written_or_in_a_process_list(creator: Path) -> None:
    file = creator / "orders.ndjson"
    declared = ("tests.support.declared", str(creator / "declared"))
    write_declaration(creator / "declared")
    file.write_bytes(orjson.dumps(order()) + b"\n{")
    make_raw_tables()
    with process_list() as commands:
        output = [
            run("warehouse", "up"),
            run(*declared, "loader", "load", "orders", str(file)),
            run("loader", "why", f"{file}:1"),
            run("pipeline", "check-raw"),
            run("pipeline", "docs"),
            run("pipeline", "report"),
            run("pipeline.dbt.command", "--debug", "show", "--project-dir", "dbt_project", "--inline", "select session_user as who"),
            run("warehouse", "psql", "-c", "select session_user"),
            run("warehouse", "status"),
            run("warehouse", "up", PGPORT="1"),
            run("warehouse", "up", PGUSER="nobody"),
            run(*declared, "streaming.producer", "orders", str(file), KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
                KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT", KAFKA_SASL_USERNAME="me"),
        ]  # fmt: skip
    assert "waybill_transformer" in output[6]
    assert "waybill_reader" in output[7]
    for page in ("index.html", "documents.html", "dbt_docs.html", "data_docs/index.html"):
        assert (creator / "reports" / page).exists(), page
    assert "Sending event" not in "".join(output)  # dbt would send this to its makers
    assert any("psql" in command for command in commands)
    kept, settings = read_logins(get_settings()), get_settings()
    assert set(GIVEN) == {name.upper() for name, value in settings if isinstance(value, SecretStr)}
    assert kept["waybill_reader"] == GIVEN["WAYBILL_READER_PASSWORD"]
    written = [path.read_text(errors="replace") for path in creator.rglob("*")
               if path.is_file() and not path.name.startswith("logins-")]  # fmt: skip
    for spelled in set().union(*map(spellings, {*GIVEN.values(), *kept.values()})):
        for text in (*output, *written, *commands, repr(settings)):
            assert spelled not in text


@pytest.mark.usefixtures("unset")
def test_a_foreign_login_reads_nothing(creator: Path, external: ExternalServer) -> None:
    external.execute("drop role if exists stranger")
    external.execute("create role stranger login password 'stranger'")
    server = {"host": "127.0.0.1", "port": external.port, "dbname": os.environ["PGDATABASE"]}
    stranger = psycopg2.connect(**server, user="stranger", password="stranger")  # noqa: S106
    stranger.autocommit = True
    with stranger.cursor() as cursor:
        for statement in ("select * from ledger.runs", "select * from raw.orders", "create table public.mine ()",
                          "create schema mine"):  # fmt: skip
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    stranger.close()
    external.execute("drop role stranger")


def test_broker_metrics_and_jupyterlab_listen_on_loopback_only(tmp_path: Path) -> None:
    paths = BrokerPaths(tmp_path)
    ports = choose_ports(paths)
    write_configuration(paths, ports, None)
    properties = dict(line.split("=", 1) for line in paths.properties.read_text().split())
    assert re.findall(r"://(.*?):(\d+)", properties["listeners"]) == [("127.0.0.1", str(port)) for port in ports]
    assert properties["advertised.listeners"] in properties["listeners"]
    ConsumerMetrics("orders").serve(ports[0])
    listening = {one.laddr.ip for one in psutil.Process().net_connections() if one.laddr.port == ports[0]}
    assert listening == {"127.0.0.1"}
    jupyter = SimpleNamespace(ServerApp=SimpleNamespace(), LabApp=SimpleNamespace(), KernelManager=SimpleNamespace())
    exec(Path("notebooks/jupyter_config.py").read_text(), {"get_config": lambda: jupyter})  # noqa: S102
    assert jupyter.ServerApp.ip == "127.0.0.1"
    assert jupyter.KernelManager.transport == "ipc"


def test_a_source_of_any_name_is_only_a_table_of_that_name(database: str) -> None:
    owner = connect("owner")
    ensure_raw_tables(owner, ["orders", *HOSTILE])
    owner.close()
    tables = {name for (name,) in rows("select tablename from pg_tables where schemaname = 'raw'")}
    assert tables == {"orders", *HOSTILE}


def declare(folder: Path, **changes: object) -> dict[str, object]:
    declared = {"source": "order", "description": "d", "contract": "order.json", "key": ["/id"], "version": "/at"}
    return {**declared, **changes}


def test_a_source_named_like_an_sql_keyword_lands(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path)
    (tmp_path / "order.yml").write_text(str(declare(tmp_path)))
    (tmp_path / "order.json").write_text('{"type": "object", "required": ["id"]}')
    file = tmp_path / "order.ndjson"
    file.write_text('{"id": "\'; drop schema raw cascade; --", "at": 1}\n{"at": 2}\n')
    load(Request(("order",), (str(file),)))
    assert rows("select document ->> 'id' from raw.\"order\"") == [("'; drop schema raw cascade; --",)]
    assert rows("select reason from ledger.rejects") == [("breaks_contract",)]


@pytest.mark.parametrize("name", [*HOSTILE[1:], "../orders", "", "Orders", "x" * 61])
def test_a_declaration_with_a_hostile_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(declare(tmp_path, source=name))
    with pytest.raises(SourceUnknown):
        read_source(name)
    with pytest.raises(TaskBroken):
        read_task(name)


@pytest.mark.parametrize("field", ["task", "table", "key", "label", "time_column"])
def test_a_task_accepts_only_plain_table_and_column_names(field: str) -> None:
    plain = Task.model_validate(TASK).model_dump()
    for name in HOSTILE[1:]:
        with pytest.raises(ValidationError, match=field):
            Task.model_validate({**plain, field: name})


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": "../sources/orders.yml"},
        {"contract": "/etc/passwd"},
        {"contract": ".."},
        {"files": [{"pattern": "../*.ndjson"}]},
        {"files": [{"pattern": "orders/../../*.ndjson"}]},
        {"files": [{"pattern": "/etc/*"}]},
        {"files": [{"pattern": ""}]},
    ],
    ids=str,
)
def test_a_declaration_reads_no_file_outside_its_folders(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(declare(tmp_path, **changes))
