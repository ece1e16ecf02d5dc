"""Errors of pgAdmin.

WaybillError                     see `warehouse.errors`
└── PgAdminError                 base class
    ├── NotInstalled             its environment is missing
    └── NotStarted               it did not start, or its port is in use
"""

from waybill.errors import WaybillError


class PgAdminError(WaybillError):
    """Raised when pgAdmin cannot be used."""


class NotInstalled(PgAdminError):
    """Raised when the environment that pgAdmin runs in has not been made."""


class NotStarted(PgAdminError):
    """Raised when pgAdmin did not start in time, or another process uses its port."""
