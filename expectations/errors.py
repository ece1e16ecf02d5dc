"""What stops the line at an edge.

WaybillError
└── ExpectationsError            base of what the two edges raise
    ├── NoSuchCheckpoint         the name is none of the committed checkpoints
    ├── NothingToValidate        a table that a checkpoint looks at does not exist
    └── GateFailed               an expectation did not hold
"""

from waybill.errors import WaybillError


class ExpectationsError(WaybillError):
    """Raised when an edge cannot be checked or does not hold."""


class NoSuchCheckpoint(ExpectationsError):
    """Raised when the name is none of the committed checkpoints."""


class NothingToValidate(ExpectationsError):
    """Raised when a table that the checkpoint looks at does not exist yet."""


class GateFailed(ExpectationsError):
    """Raised when at least one expectation did not hold; what comes after must not run."""
