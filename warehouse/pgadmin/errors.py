"""What can go wrong with pgAdmin.

WaybillError                     see `warehouse.errors`
└── AdministrationError          base of what pgAdmin refuses
    ├── NotInstalled             its environment is missing
    └── NotStarted               it did not come up, or its port is taken
"""

from waybill.errors import WaybillError


class AdministrationError(WaybillError):
    """Raised when pgAdmin cannot be used."""


class NotInstalled(AdministrationError):
    """Raised when the environment that pgAdmin runs in has not been made."""


class NotStarted(AdministrationError):
    """Raised when pgAdmin did not come up in time, or somebody else listens at its port."""
