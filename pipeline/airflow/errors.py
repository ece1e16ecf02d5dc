"""Errors of Airflow.

WaybillError                     see `waybill.errors`
└── AirflowError                 base class
    ├── NotInstalled             its environment is missing
    └── NotStarted               it did not start, or its port is in use
"""

from waybill.errors import WaybillError


class AirflowError(WaybillError):
    """Raised when Airflow cannot be used."""


class NotInstalled(AirflowError):
    """Raised when the environment that Airflow runs in has not been made."""


class NotStarted(AirflowError):
    """Raised when Airflow did not start in time, or another process uses its port."""
