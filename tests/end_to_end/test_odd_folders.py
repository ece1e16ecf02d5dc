# waybill: sample
"""Unusual homes of a clone: odd paths, closed folders, no network, full disks, another server in `.env`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.test_notebook import NOTEBOOK, code_cells
from tests.support.clones import make_clone, run_in
from tests.support.external_server import external_server
from tests.support.small.documents import flight
from warehouse.server_paths import SYSTEM_HOME
from waybill.cli import TRY_AGAIN

pytestmark = pytest.mark.server

LONG = (
    "Été à la plage de Saint-Jean-de-Luz/projets d'étudiante, année 2026/travaux pratiques de bases de données/way bill"
)
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make this home")
IN_NOTEBOOK = "import os, sys; sys.path.insert(0, '..')\n"  # the notebook's first cell does this
OFFLINE = ("unshare", "-n") if os.geteuid() == 0 else ()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a clone on a long path with blanks and accents; for root, in a folder that nobody else may enter."""
    folder = make_clone(tmp_path_factory.mktemp("home") / LONG)
    assert len(str(folder)) > 120
    yield folder
    run_in(folder, ".venv/bin/python", "-m", "warehouse", "remove", "--yes", "waybill")


def python(clone: Path, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_in(clone, ".venv/bin/python", "-m", *arguments, check=check, **variables)


def one_line(ran: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """Return the one line of error of a command that has to fail."""
    assert ran.returncode == code, ran.stdout
    (line,) = ran.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_pipeline_runs_in_an_odd_folder_without_a_home(clone: Path) -> None:
    ran = run_in(clone, *OFFLINE, "sh", "-c", "umask 077 && make demo && make status")
    assert ran.stderr == ""
    assert ran.stdout.count("balanced") == 5
    assert "report: reports/demo/index.html" in ran.stdout
    assert "state:    running, PostgreSQL 18" in ran.stdout
    assert (clone / "reports/demo/index.html").exists()


def test_dbt_runs_in_an_odd_folder(clone: Path) -> None:
    script = (
        ". ../.venv/bin/activate && PATH=../.venv/bin:$PATH && dbt show --quiet --inline 'select session_user as who'"
    )
    assert "waybill_transformer" in run_in(clone, "sh", "-c", f"cd dbt_project && {script}").stdout


@AS_ROOT
def test_a_clone_the_server_cannot_enter_has_data_elsewhere(clone: Path) -> None:
    output = python(clone, "warehouse", "status").stdout
    assert f"embedded PostgreSQL 18 in {SYSTEM_HOME}/" in output


def test_dot_env_alone_names_the_server(clone: Path) -> None:
    where = "select current_database() || '@' || current_setting('server_version_num')::int / 10000 as here"
    asks = (
        (".venv/bin/python", "-m", "warehouse", "psql", "-Atc", where),
        (".venv/bin/dbt", "show", "--quiet", "--project-dir", "dbt_project", "--inline", where),
    )
    dotenv = clone / ".env"
    with external_server() as server:
        variables = server.variables("creator", clone / "states")
        for name in ("first", "second"):
            server.execute(f"create database {name} owner creator")
            write_dotenv(clone, {**variables, "PGDATABASE": name})
            for ask in asks:
                assert f"{name}@16" in run_in(clone, *ask).stdout
    for ask in asks:
        ran = run_in(clone, *ask, check=False)
        assert "Connection refused; check the PG… variables" in one_line(ran, TRY_AGAIN)
    dotenv.unlink()
    for ask in asks:
        assert "waybill@18" in run_in(clone, *ask).stdout


def test_every_command_works_on_the_server_named_in_dot_env(clone: Path) -> None:
    cell = next("".join(cell["source"]) for cell in code_cells(NOTEBOOK) if "engine" in "".join(cell["source"]))
    commands = {
        "warehouse up": "warehouse up: PostgreSQL at 127.0.0.1:",
        "warehouse status": "running, PostgreSQL 16",
        "loader load airlines one.ndjson": "1 document landed",
        "loader rejects": "0 rejects",
        "loader why one.ndjson:1": "landed in raw.airlines",
        "expectations raw": "nothing of aircraft, airports, flights, weather was ever loaded",
        "ml.train": "there is no table marts.flight_features: run `make dbt`",
        "pipeline.export.export": "there is no table marts.fct_flights",
        "pipeline.report.page": "1 document accounted for",
        "streaming.consumer flights --until-end": "127.0.0.1:1",
    }
    asks = [([".venv/bin/python", "-m", *command.split()], words) for command, words in commands.items()]
    asks.append((["sh", "-c", "cd dbt_project && ../.venv/bin/dbt debug --connection"], "All checks passed!"))
    asks.append((["sh", "-c", 'cd notebooks && ../.venv/bin/python -c "$0"', IN_NOTEBOOK + cell], "run `make demo`"))
    document = {"carrier": "UA", "name": "United Air Lines Inc.", "updated_at": "2013-01-01T00:00:00Z"}
    (clone / "one.ndjson").write_text(json.dumps(document))
    with external_server() as server:
        for name in ("named", "named_demo"):
            server.execute(f"create database {name} owner creator")
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
        write_dotenv(clone, {**server.variables("creator", clone / "states"), **kafka, "PGDATABASE": "named"})
        for ask, words in asks:
            before = server.logins_to("named")
            ran = run_in(clone, *ask, check=False)
            assert words in ran.stdout + ran.stderr, (ask, ran)
            assert server.logins_to("named") > before or "127.0.0.1:1" in words, ask
    (clone / ".env").unlink()


def write_dotenv(clone: Path, settings: dict[str, str]) -> None:
    escaped = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in settings.items()}
    (clone / ".env").write_text("".join(f"{key}='{value}'\n" for key, value in escaped.items()))


@AS_ROOT
def test_a_read_only_clone_is_refused_in_one_line(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "read only")
    mounted = "mount --bind . . && mount -o remount,ro,bind . && cd . &&"
    for command in (".venv/bin/python -m warehouse up", ".venv/bin/python -m pipeline load"):
        ran = run_in(clone, "unshare", "-m", "sh", "-c", f"{mounted} cd '{clone}' && {command}", check=False)
        assert one_line(ran).endswith("Read-only file system; work in a clone that you can write to")


@AS_ROOT
def test_a_full_disk_loses_nothing_and_a_rerun_completes(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "full")
    documents = (json.dumps(flight(number)) for number in range(30_000))
    (clone / "flights.ndjson").write_text("\n".join(documents))
    fill = f"dd if=/dev/zero of={SYSTEM_HOME}/full bs=64k 2> dd"
    script = f"""
    mount -t tmpfs -o size=400m tmpfs {SYSTEM_HOME} && .venv/bin/python -m warehouse up > up
    {fill}; truncate -s -4M {SYSTEM_HOME}/full; touch load
    .venv/bin/python -m loader load flights flights.ndjson 2> load &
    until grep -q 'No space left on device' load; do sleep 0.1; done; rm {SYSTEM_HOME}/full; wait $!
    .venv/bin/python -m warehouse down > down; {fill}
    .venv/bin/python -m warehouse up && exit 9
    rm {SYSTEM_HOME}/full
    .venv/bin/python -m warehouse psql -Atc "select 'there are ' || count(distinct document) from raw.flights"
    .venv/bin/python -m warehouse remove --yes waybill > removed
    """
    ran = run_in(clone, "unshare", "-m", "sh", "-c", script, check=False)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1] == "there are 30000"
    (line,) = ran.stderr.splitlines()
    assert line.endswith("its disk is full: free some space and run the same command again")


@AS_ROOT
def test_a_parallel_join_runs_with_little_shared_memory(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "small")
    forced = "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set enable_mergejoin = off; set enable_nestloop = off"
    script = f"""
    mount -t tmpfs -o size=8m tmpfs /dev/shm && .venv/bin/python -m warehouse up > up
    .venv/bin/python -m warehouse psql -U waybill -qAt -c "create table public.numbers as
        select number, md5(number::text) as text from generate_series(1, 200000) as number" -c "analyze" \
        -c "{forced}" -c "select 'there are ' || count(*) from public.numbers join public.numbers as more using (text)"
    .venv/bin/python -m warehouse remove --yes waybill > removed
    """
    ran = run_in(clone, "unshare", "-m", "sh", "-c", script)
    assert (ran.stdout, ran.stderr) == ("there are 200000\n", "")
