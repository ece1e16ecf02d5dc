"""What can go wrong on the way to the warehouse, each with one line that says what to do.

WaybillError                     base of every error that a user of Waybill can mend
├── SettingsError                a variable or `.env` says something that cannot be used
└── WarehouseError               base of what PostgreSQL or its place refuses
    ├── ServerNotStarted         the embedded server did not come up
    ├── DataFolderRefused        the data folder belongs to another version or user
    ├── ServerTooOld             the server that PGHOST names is older than PostgreSQL 16
    ├── ServerUnreachable        no answer, a wrong password, no such database
    │   └── ServerAway           no answer, which may change by itself
    ├── EncodingRefused          the database cannot keep every character
    ├── DatabaseMissing          the embedded server has no database of that name
    └── LayoutMismatch           the tables were made by another version of Waybill
"""


class WaybillError(Exception):
    """Raised for anything that the user can mend; its text is one line: what, where, what to do."""


class SettingsError(WaybillError):
    """Raised when the environment or `.env` names something that cannot be used."""


class WarehouseError(WaybillError):
    """Raised when PostgreSQL, or the place where it should stand, refuses."""


class ServerNotStarted(WarehouseError):
    """Raised when the embedded server did not come up in time."""


class DataFolderRefused(WarehouseError):
    """Raised when the data folder belongs to another PostgreSQL version or another user."""


class ServerTooOld(WarehouseError):
    """Raised when the server is older than PostgreSQL 16."""


class ServerUnreachable(WarehouseError):
    """Raised when the server does not answer or does not let us in."""


class ServerAway(ServerUnreachable):
    """Raised when nobody answers where the server should be, or with an answer that may be another soon."""


class EncodingRefused(WarehouseError):
    """Raised when the database has another encoding than UTF-8."""


class DatabaseMissing(WarehouseError):
    """Raised when one who only reads asks for a database that nobody has made."""


class LayoutMismatch(WarehouseError):
    """Raised when the tables in the database were made by another layout version."""
