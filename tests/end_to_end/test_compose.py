"""docker-compose.yml: what it asks of `.env` is there, it opens no door, and its server is of the embedded one's version."""

from __future__ import annotations

import re
from typing import Any

import yaml
from dotenv import dotenv_values

from warehouse.embedded import MAJOR_VERSION
from warehouse.settings import PROJECT, Settings

TEXT = (PROJECT / "docker-compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
POSTGRES = FILE["services"]["postgres"]
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?])?([^}]*)\}")


def test_every_variable_is_a_setting_and_stands_in_the_example() -> None:
    wanted = {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert wanted == {"PGUSER", "PGPASSWORD", "PGDATABASE", "PGPORT"}
    assert wanted <= set(dotenv_values(PROJECT / ".env.example"))
    assert wanted <= {name.upper() for name in Settings.model_fields}


def test_what_it_takes_when_nothing_is_set_is_what_the_settings_take() -> None:
    defaults = {name: value for name, how, value in VARIABLE.findall(TEXT) if how == ":-"}
    assert defaults["PGPORT"] == str(Settings.model_fields["pgport"].default)
    assert defaults["PGDATABASE"] == Settings.model_fields["pgdatabase"].default


def test_there_is_no_start_without_a_password() -> None:
    how = {name: how for name, how, _ in VARIABLE.findall(TEXT)}
    assert how["PGPASSWORD"] == ":?"
    assert POSTGRES["environment"]["POSTGRES_PASSWORD"].startswith("${PGPASSWORD:?")


def test_every_service_is_pinned_healthy_and_open_to_this_machine_only() -> None:
    for service in FILE["services"].values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert named <= set(FILE["volumes"])


def test_the_image_is_of_the_embedded_servers_major_version_and_keeps_its_data_where_that_has_it() -> None:
    assert POSTGRES["image"].startswith(f"postgres:{MAJOR_VERSION}.")
    assert POSTGRES["volumes"] == ["warehouse:/var/lib/postgresql"]
