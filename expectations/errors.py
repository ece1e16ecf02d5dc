"""Errors of the gates; each stops the run.

WaybillError
└── ExpectationsError            base class
    ├── NoSuchCheckpoint         no committed checkpoint has the name
    ├── NothingToValidate        a table that the checkpoint validates does not exist
    └── GateFailed               an expectation failed
"""

from waybill.errors import WaybillError


class ExpectationsError(WaybillError):
    """Raised when a gate cannot run or does not pass."""


class NoSuchCheckpoint(ExpectationsError):
    """Raised when no committed checkpoint has the name."""


class NothingToValidate(ExpectationsError):
    """Raised when a table that the checkpoint validates does not exist yet."""


class GateFailed(ExpectationsError):
    """Raised when at least one expectation failed; later stages must not run."""
