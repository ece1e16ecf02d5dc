"""The base of every error that a user can fix.

WaybillError         base class; each package has an errors.py with its own subclasses
├── SettingsError    a variable in the environment or in .env has an unusable value
└── ChangePending    a command that changes the project's files is at work, or was interrupted
"""


class WaybillError(Exception):
    """Raised for anything the user can fix. Its text is one line: what happened, where, what to do.

    `is_transient` is True in subclasses for which the same attempt may succeed a little later; `waybill.backoff`
    retries those only.
    """

    is_transient = False


class SettingsError(WaybillError):
    """Raised when a variable in the environment or in .env has an unusable value."""


class ChangePending(WaybillError):
    """Raised when a command that changes the project's files is at work, or was interrupted and not repeated yet."""
