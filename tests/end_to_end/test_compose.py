"""Containers: compose, Dockerfile, `.env.example`, settings and docs agree, and no port or right is wider than needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from ml.api.data import answers
from pipeline.airflow import process
from setup.env_file import SECRETS
from warehouse.connection import current_warehouse, login_parameters, open_connection
from warehouse.embedded import MAJOR_VERSION
from warehouse.logins import role_name
from warehouse.pgadmin import container_config
from waybill.__main__ import ENTRIES
from waybill.settings import PROJECT, Settings

TEXT = (PROJECT / "docker-compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
EXAMPLE = dotenv_values(PROJECT / ".env.example")
SETTINGS = {name.upper() for name in Settings.model_fields}
SECRET_SETTINGS = {
    name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
}
NOT_PASSED_ON = {
    **dict.fromkeys(("PGPASSWORD", "WAYBILL_READER_PASSWORD", "WAYBILL_AIRFLOW_PASSWORD"), "is a file in the container"),
    **dict.fromkeys(("PGSSLMODE", "KAFKA_SSL_CAFILE"), "traffic between the services is not encrypted"),
    **dict.fromkeys(("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"),
                    "the service kafka asks for no login"),
    "WAYBILL_DISTRIBUTED": "the service postgres has no Citus",
    "WAYBILL_SERVER_USER": "there is no embedded server",
    "WAYBILL_PGADMIN_PORT": "is of the service pgadmin",
    **dict.fromkeys(("WAYBILL_API_HOST", "WAYBILL_API_PORT"), "the command of the service api names them"),
    **dict.fromkeys(("WAYBILL_API_KEY", "WAYBILL_ERASURE_SECRET"), "is a file in the container"),
    **dict.fromkeys(("WAYBILL_SCHEDULE", "WAYBILL_AIRFLOW_PORT"), "is of the service airflow"),
    "WAYBILL_DASK_SCHEDULER": "the image has no Dask",
    "WAYBILL_ALERT_URL": "is a secret, for which you mount a file",
    "WAYBILL_ALERT_COMMAND": "a command of the machine is not in the image",
    **dict.fromkeys(
        ("WAYBILL_OPENLINEAGE", "WAYBILL_OPENLINEAGE_SECONDS", "OPENLINEAGE_URL", "OPENLINEAGE_API_KEY"),
        "the image has no OpenLineage",
    ),
}  # fmt: skip
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?])?([^}]*)\}")
each_service = pytest.mark.parametrize("name", SERVICES)


def image_variables() -> dict[str, str]:
    [block] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE, re.M)
    return dict(entry.split("=", 1) for entry in block.replace("\\\n", " ").split())


def words_of(command: str | list[str]) -> str:
    return command if isinstance(command, str) else " ".join(command)


def test_it_follows_the_compose_specification() -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        "docker-compose.yml",
    ]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_variable_is_in_the_example_or_required_by_compose() -> None:
    wanted = {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert wanted <= set(EXAMPLE)
    assert set(EXAMPLE) - SETTINGS == wanted - SETTINGS


def test_its_defaults_are_those_of_the_example_and_the_settings() -> None:
    fields = {
        name.upper(): "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    for name, how, value in VARIABLE.findall(TEXT):
        if how == ":-" and name != "PGUSER":  # its default is the owner of the embedded server
            assert {value} == {fields.get(name, value), EXAMPLE[name] or value}, name


def test_it_does_not_start_without_the_users_own_secrets() -> None:
    assert {name for name, how, _ in VARIABLE.findall(TEXT) if how == ":?"} == {"WAYBILL_SECRETS"}
    assert set(FILE["secrets"]) == set(SECRETS)
    for name, secret in FILE["secrets"].items():
        assert secret == {"file": f"${{WAYBILL_SECRETS:?run `make env` first}}/{name}"}
    assert image_variables()["WAYBILL_SECRETS"] == "/run/secrets"


@each_service
def test_a_secret_is_a_file_and_never_a_variable(name: str) -> None:
    handed = {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}
    for variable, value in SERVICES[name].get("environment", {}).items():
        assert variable not in SECRET_SETTINGS
        if re.search("PASSWORD|TOKEN|SECRET", variable):
            assert variable.endswith("_FILE")
            assert value in handed
    assert {path for path in re.findall(r"/run/secrets/\w+", str(SERVICES[name]))} <= handed


@each_service
def test_a_service_is_pinned_and_confined(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", service["image"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["cap_drop"] == ["ALL"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] in ("unless-stopped", "no")
    assert service.get("read_only", False) or name == "kafka"  # its image writes its configuration at the start
    assert all(port.startswith("127.0.0.1:$") for port in service.get("ports", []))
    assert set(service["networks"]) <= set(FILE["networks"])


@each_service
def test_services_have_health_checks_and_jobs_have_none(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    is_job = SERVICES[name]["restart"] == "no"
    assert check == {"disable": True} if is_job else check["test"][0] in ("CMD", "CMD-SHELL")


@each_service
def test_every_condition_a_service_waits_for_can_be_met(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        is_job = SERVICES[other]["restart"] == "no"
        assert how == {"condition": "service_completed_successfully" if is_job else "service_healthy"}
        assert not SERVICES[other].get("profiles")


@each_service
def test_volumes_are_declared_and_files_are_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, target, *how = volume.split(":")
        assert source in FILE["volumes"] or ((PROJECT / source).is_file() and how == ["ro"])
        assert target.startswith("/")


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_image_gets_only_variables_of_the_settings(name: str) -> None:
    service = SERVICES[name]
    assert {variable for variable in service["environment"] if not variable.endswith("_FILE")} <= SETTINGS
    assert f"AS {service['build']['target']}\n" in DOCKERFILE
    for module in re.findall(r"python -m ([\w.]+)", words_of(service["command"])):
        assert find_spec(module) or module == "jupyterlab"
    for command in re.findall(r"waybill ([a-z]+)", words_of(service["command"])):
        assert command in ENTRIES
    folders = {value for value in image_variables().values() if value.startswith("/work/")}
    for volume in service.get("volumes", []):
        assert any(folder.startswith(volume.split(":")[1]) for folder in [*folders, "/waybill/notebooks"])


def test_every_setting_is_passed_on_or_left_out_with_a_reason() -> None:
    passed_on = set(FILE["x-waybill"]["environment"])
    of_the_image = SETTINGS & set(image_variables())
    assert not passed_on & (of_the_image | set(NOT_PASSED_ON))
    assert passed_on | of_the_image | set(NOT_PASSED_ON) == SETTINGS
    for name in passed_on - {"PGHOST", "PGPORT", "KAFKA_BOOTSTRAP_SERVERS"}:  # each service sets these itself
        assert FILE["x-waybill"]["environment"][name].startswith(f"${{{name}:-"), name


def test_names_and_ports_of_the_servers_agree() -> None:
    environment = FILE["x-waybill"]["environment"]
    assert SERVICES[environment["PGHOST"]]["ports"] == [f"127.0.0.1:${{PGPORT:-5432}}:{environment['PGPORT']}"]
    broker = SERVICES["kafka"]["environment"]
    assert f"INSIDE://{environment['KAFKA_BOOTSTRAP_SERVERS']}" in broker["KAFKA_ADVERTISED_LISTENERS"]
    [published] = SERVICES["kafka"]["ports"]
    outside = published.rpartition(":")[0]
    assert broker["KAFKA_ADVERTISED_LISTENERS"].endswith(f"OUTSIDE://{outside}")
    for name in ("docs", "jupyter", "pgadmin", "api", "airflow"):
        [port] = SERVICES[name]["ports"]
        assert f"http://127.0.0.1:{port.rpartition(':')[2]}/" in str(SERVICES[name]["healthcheck"])


def test_a_service_may_take_as_long_to_stop_as_it_needs() -> None:
    server = pytest.importorskip("ml.api.server")
    periods = {name: float(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in ("api", "airflow")}
    assert periods["api"] >= 1.5 * (server.STOP_SECONDS + answers.CLOSE_SECONDS)
    assert periods["airflow"] >= 1.5 * 2 * process.STOP_SECONDS  # asked to end, then killed


def test_pgadmin_connects_with_the_read_only_login(database: str) -> None:
    [server] = json.loads((PROJECT / "warehouse/pgadmin/servers.json").read_text())["Servers"].values()
    environment = FILE["x-waybill"]["environment"]
    assert (server["Host"], str(server["Port"])) == (environment["PGHOST"], environment["PGPORT"])
    assert server["MaintenanceDB"] == "postgres"  # exists whatever PGDATABASE names
    open_connection(login_parameters(current_warehouse(), "reader", database=server["MaintenanceDB"])).close()
    assert server["Username"] == role_name("reader")
    assert server["PasswordExecCommand"] == "cat /run/secrets/waybill_reader_password"
    assert container_config.ENABLE_SERVER_PASS_EXEC_CMD
    assert {"pgadmin_password", "waybill_reader_password"} == set(SERVICES["pgadmin"]["secrets"])


def test_the_reports_service_has_no_password_and_no_warehouse() -> None:
    assert SERVICES["docs"]["secrets"] == []
    assert SERVICES["docs"]["environment"] == {}
    assert SERVICES["docs"]["networks"] == ["pages"]
    assert [name for name, service in SERVICES.items() if "pages" in service["networks"]] == ["docs"]


def test_the_image_has_the_embedded_version_and_data_folder() -> None:
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{MAJOR_VERSION}.")
    assert SERVICES["postgres"]["volumes"] == ["warehouse:/var/lib/postgresql"]


def test_the_dockerfile_pins_its_base_and_ends_without_root() -> None:
    assert re.search(r"^ARG BASE=python:3\.1[1-3]\.\d+-slim-\w+$", DOCKERFILE, re.M)
    assert set(re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.M)) == {
        "${BASE}",
        "packages",
        "notebook-packages",
        "api-packages",
        "airflow-packages",
        "runtime",
    }
    assert re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M) == [("10001", "10001")]
    assert "USER root" not in DOCKERFILE
    assert "HEALTHCHECK" in DOCKERFILE
    last = DOCKERFILE[DOCKERFILE.index("AS runtime") :]
    assert not re.search(r"apt-get|pip install|environment\.py", last)
    assert all(stage.startswith("slim-") for stage in re.findall(r"--from=(\S+)", last))


@pytest.mark.parametrize(
    ("environment", "kept", "removed"),
    [
        (".venv", "scipy/io/__init__.py", "scipy/io/tests/__init__.py"),
        (".waybill/airflow-venv", "airflow/__init__.py", "pip/_internal/__init__.py"),
    ],
)
def test_an_environment_in_an_image_has_no_installer(environment: str, kept: str, removed: str, tmp_path: Path) -> None:
    packages = tmp_path / environment / "lib/python3.13/site-packages"
    for name in (kept, removed, "pip/__init__.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).touch()
    subprocess.run(["sh", PROJECT / "setup/slim.sh", environment], cwd=tmp_path, check=True)
    assert list(packages.rglob("*.py")) == [packages / kept]


def test_the_image_receives_only_the_files_that_run() -> None:
    lines = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    missing = {path for path in allowed if not (PROJECT / path).exists()}
    assert missing <= {"data/raw/raw.json"}  # goes with the sample
    assert not {".env", "secrets", ".git", "tests"} & allowed
    for copied in re.findall(r"^COPY (?!--from)(?:--\S+ )?(\S+) \S+$", DOCKERFILE, re.M):
        assert copied == "." or any(copied == path or copied.startswith(f"{path}/") for path in allowed), copied


def test_the_docs_name_every_service_profile_and_port() -> None:
    page = (PROJECT / "docs/containers.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.*) \|$", page, re.M))
    assert set(rows) == set(SERVICES)
    for name, service in SERVICES.items():
        for profile in service.get("profiles", []):
            assert f"--profile {profile}" in rows[name]
        for port in service.get("ports", []):
            variable, default = re.findall(r"\{([A-Z_]+):-(\d+)\}", port)[0]
            assert f"`{variable}`" in rows[name]
            assert f"127.0.0.1:{default}" in rows[name]
    assert "docs/containers.md" in (PROJECT / "README.md").read_text()
