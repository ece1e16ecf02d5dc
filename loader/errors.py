"""The errors that stop the loader. A bad document never does: it becomes a reject.

LoaderError                      base of the loader's errors
├── SourceUnknown                the source is not declared
├── SourceBroken                 a source's declaration or contract cannot be used
├── FileRefused                  a file cannot be read
├── RangeRefused                 a range of dates cannot be compared with the names of files
│   └── NothingInRange           no file is in the range
├── FileChanged                  a file changed while it was read; only what was read before is landed
├── AllRejected                  every document of a file was rejected
├── LayoutChanged                a file was landed, wholly or in part, by another layout
├── Overtaken                    another process landed the same batch; nothing was landed twice
├── CoordinateUnknown            a coordinate names no input or document
├── UndoRefused                  what is to be undone is not known, or not one thing
└── EraseRefused                 what is to be erased is not known, or the secret of erasures is missing or another one
"""

from __future__ import annotations

from waybill.errors import WaybillError


class LoaderError(WaybillError):
    """Base class of the loader's errors."""


class SourceUnknown(LoaderError):
    """Raised when `loader/sources` does not declare the source."""


class SourceBroken(LoaderError):
    """Raised when a declaration is invalid, or its contract is missing or not a JSON Schema."""


class FileRefused(LoaderError):
    """Raised when a file or folder cannot be read, or contains nothing to load."""


class RangeRefused(LoaderError):
    """Raised when `--from` and `--to` are not a range, or cannot be compared with the names of the files."""


class NothingInRange(RangeRefused):
    """Raised when the names of all files hold a date outside of the range."""


class FileChanged(LoaderError):
    """Raised when a file has other bytes than its digest says; the batch read last is not landed."""


class AllRejected(LoaderError):
    """Raised when every document of a file that the user named, or of a new source, was rejected."""


class LayoutChanged(LoaderError):
    """Raised when documents of a file were landed by one layout, and the file would now be read by another."""


class Overtaken(LoaderError):
    """Raised when an input's next position is not a batch's start any more; the transaction is rolled back."""


class CoordinateUnknown(LoaderError):
    """Raised when a coordinate names no known input, or no document of that input."""


class UndoRefused(LoaderError):
    """Raised when a target of `undo` names nothing that was landed, or several things; nothing was undone."""


class EraseRefused(LoaderError):
    """Raised when a key to erase or to lift is not known, or the secret is not the one that keys were erased with."""
