"""Airflow's folders and files: its database, its logs, the password of its pages."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from pipeline.airflow.errors import NotInstalled
from waybill.atomic_files import write_private
from waybill.settings import PROJECT, Settings

USER = "waybill"


@dataclass(frozen=True)
class AirflowPaths:
    """The files of one Airflow."""

    home: Path

    @property
    def environment(self) -> Path:
        """Its own environment, which is in the project even if the state folder is elsewhere."""
        return PROJECT / ".waybill" / "airflow-venv"

    @property
    def passwords(self) -> Path:
        """The password of the user of its pages, as Airflow reads it."""
        return self.home / "passwords.json"

    @property
    def state(self) -> Path:
        """The state file of the background process, with its port."""
        return self.home / "running.json"

    @property
    def log(self) -> Path:
        """The log of its processes."""
        return self.home / "airflow.log"


def find_airflow(settings: Settings) -> AirflowPaths:
    """Return the paths of this project's Airflow; create its folder, which only its owner can open."""
    paths = AirflowPaths(settings.state_folder / "airflow")
    paths.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.home.chmod(0o700)
    return paths


def program(paths: AirflowPaths) -> Path:
    """Return Airflow's program.

    Raises:
        NotInstalled: see `pipeline.airflow.errors`.
    """
    found = paths.environment / "bin" / "airflow"
    if not found.exists():
        raise NotInstalled("Airflow is not installed: `make airflow` installs it in its own environment")
    return found


def set_password(paths: AirflowPaths, settings: Settings) -> str | None:
    """Write the password that the settings name, or a random one unless there is one; return a random one, once."""
    named = settings.waybill_airflow_password
    if named is None and paths.passwords.exists():
        return None
    password = named.get_secret_value() if named else secrets.token_urlsafe(18)
    write_private(paths.passwords, json.dumps({USER: password}) + "\n")
    return None if named else password
