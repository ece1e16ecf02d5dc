"""Errors of the gates; each stops the run.

WaybillError
└── ExpectationsError            base class
    ├── NoSuchCheckpoint         no committed checkpoint has the name
    ├── BrokenAsset              the file of an asset is incomplete, or its suite is missing
    ├── NothingToValidate        a table that the checkpoint validates does not exist
    └── GateFailed               a critical expectation failed
"""

from waybill.errors import WaybillError


class ExpectationsError(WaybillError):
    """Raised when a gate cannot run or does not pass."""


class NoSuchCheckpoint(ExpectationsError):
    """Raised when no committed checkpoint has the name."""


class BrokenAsset(ExpectationsError):
    """Raised when the file of an asset has no edge or no query, or when there is no suite for it."""


class NothingToValidate(ExpectationsError):
    """Raised when a table that the checkpoint validates does not exist yet."""


class GateFailed(ExpectationsError):
    """Raised when at least one critical expectation failed; later stages must not run."""
