"""What can stop the loader; a bad document never does, it becomes a reject.

LoaderError                      base of the loader's errors
├── SourceUnknown                no such source is declared
├── SourceBroken                 a source's declaration or its contract cannot be used
├── FileRefused                  a file cannot be read
├── FileChanged                  a file changed while it was read; nothing of it was landed
└── CoordinateUnknown            `why` was asked about something that was never seen
"""

from __future__ import annotations

from warehouse.errors import WaybillError


class LoaderError(WaybillError):
    """Raised when the loader cannot go on."""


class SourceUnknown(LoaderError):
    """Raised when a source is named that `loader/sources` does not declare."""


class SourceBroken(LoaderError):
    """Raised when a declaration misses something, or its contract is absent or no JSON Schema."""


class FileRefused(LoaderError):
    """Raised when a file or folder cannot be read, or holds nothing to load."""


class FileChanged(LoaderError):
    """Raised when a file's bytes are not the same at the second reading; the transaction is rolled back."""


class CoordinateUnknown(LoaderError):
    """Raised when a coordinate names no input, or no document of it."""
