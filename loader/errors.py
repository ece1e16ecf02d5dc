"""What can stop the loader; a bad document never does, it becomes a reject.

LoaderError                      base of the loader's errors
├── SourceUnknown                no such source is declared
├── SourceBroken                 a source's declaration or its contract cannot be used
├── FileRefused                  a file cannot be read
├── FileChanged                  a file changed while it was read; what was landed of it was read before
├── LayoutChanged                a file that is landed in part is read by another layout now
├── Overtaken                    another loader landed the same part of an input; nothing was written twice
└── CoordinateUnknown            `why` was asked about something that was never seen
"""

from __future__ import annotations

from waybill.errors import WaybillError


class LoaderError(WaybillError):
    """Raised when the loader cannot go on."""


class SourceUnknown(LoaderError):
    """Raised when a source is named that `loader/sources` does not declare."""


class SourceBroken(LoaderError):
    """Raised when a declaration misses something, or its contract is absent or no JSON Schema."""


class FileRefused(LoaderError):
    """Raised when a file or folder cannot be read, or holds nothing to load."""


class FileChanged(LoaderError):
    """Raised when a file is not what it was when its digest was taken; the part that was read then is not landed."""


class LayoutChanged(LoaderError):
    """Raised when the rest of a file that was landed in part would be read by another layout than its beginning."""


class Overtaken(LoaderError):
    """Raised when an input's next place is not where a part begins; the transaction is rolled back."""


class CoordinateUnknown(LoaderError):
    """Raised when a coordinate names no input, or no document of it."""
