"""The variables that configure Airflow: this project's DAG and nothing else, on this machine only, no network."""

from __future__ import annotations

import os

from pipeline.airflow.paths import USER, AirflowPaths
from waybill.background_processes import LOOPBACK
from waybill.settings import PROJECT, Settings

NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV")  # of the project's own Python


def airflow_variables(paths: AirflowPaths, settings: Settings, *, host: str = LOOPBACK) -> dict[str, str]:
    """Return the environment of every process of Airflow: this process's own, and Airflow's configuration.

    A variable of the configuration that is set already, such as AIRFLOW__CORE__PARALLELISM, is kept.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    return {**_defaults(paths, settings, host), **inherited, **_fixed(paths, settings)}


def _defaults(paths: AirflowPaths, settings: Settings, host: str) -> dict[str, str]:
    port = settings.waybill_airflow_port
    return {
        "AIRFLOW__API__HOST": host,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(paths.passwords),
        # On a busy machine a process waits longer than SQLite's five seconds for its turn to write.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{paths.home / 'airflow.db'}?timeout=60",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(paths.home / "logs"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # A task ends if the API server does not answer within five seconds, five times, as on a busy machine.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    }


def _fixed(paths: AirflowPaths, settings: Settings) -> dict[str, str]:
    """Return what makes it this project's Airflow."""
    return {
        "AIRFLOW_HOME": str(paths.home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "WAYBILL_SCHEDULE": settings.waybill_schedule,
        "PATH": os.pathsep.join([str(paths.environment / "bin"), os.environ.get("PATH", os.defpath)]),
    }
