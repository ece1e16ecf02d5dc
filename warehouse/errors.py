"""What can go wrong with PostgreSQL. Each message is one line that says what to do.

WarehouseError               base class
├── ServerNotStarted         the embedded server did not start
├── ServerNotStopped         the embedded server did not stop
├── DataFolderRefused        the data folder belongs to another PostgreSQL version or user
├── ServerTooOld             the server is older than PostgreSQL 16
├── ServerUnreachable        no answer, wrong password, or no such database
│   └── ServerAway           no answer now; a retry may succeed
│       └── ServerBusy       the server is running, but it accepts no connection now
├── EncodingRefused          the database cannot store every character
├── SettingRefused           the server has a setting under which a promise would not hold
├── DatabaseMissing          the embedded server has no database of that name
├── LayoutMismatch           the tables belong to another version of Waybill, or to another program
├── MigrationBlocked         another session keeps a table locked that a migration changes
├── RewriteBlocked           a session keeps a table, or rows that were deleted, for too long
├── RunInProgress            a run or an undo is at work on the same database
├── RestoreRefused           the database or a folder that a restore would fill is not empty
├── RestoreAtWork            a restore is filling the database
├── RestoreInterrupted       a restore has filled only a part of the database
└── NotConfirmed             a command that deletes data was not confirmed
"""

from waybill.errors import WaybillError


class WarehouseError(WaybillError):
    """Base of the errors of the warehouse."""


class ServerNotStarted(WarehouseError):
    """Raised when the embedded server did not start in time."""

    is_transient = True


class ServerNotStopped(WarehouseError):
    """Raised when the embedded server did not stop in time."""

    is_transient = True


class DataFolderRefused(WarehouseError):
    """Raised when the data folder belongs to another PostgreSQL version or another user."""


class ServerTooOld(WarehouseError):
    """Raised when the server is older than PostgreSQL 16."""


class ServerUnreachable(WarehouseError):
    """Raised when the server does not answer or refuses the connection."""


class ServerAway(ServerUnreachable):
    """Raised when the server does not answer, or refuses the connection for a reason that may pass."""

    is_transient = True


class ServerBusy(ServerAway):
    """Raised when the server is running but accepts no connection now: none is left, it starts, recovers or stops."""


class EncodingRefused(WarehouseError):
    """Raised when the database has another encoding than UTF-8."""


class SettingRefused(WarehouseError):
    """Raised when the server has a setting that a connection cannot change and under which keys would not hold."""


class DatabaseMissing(WarehouseError):
    """Raised when a command that only reads names a database that does not exist."""


class LayoutMismatch(WarehouseError):
    """Raised when the tables belong to a layout that cannot be migrated, or to another program."""


class RunInProgress(WarehouseError):
    """Raised when a run or an undo is at work on the same database."""

    is_transient = True


class MigrationBlocked(WarehouseError):
    """Raised when another session has kept a table locked for so long that a migration gave up; it can be repeated."""


class RestoreRefused(WarehouseError):
    """Raised when the database or a folder that a restore would fill is not empty. Nothing was changed."""


class RestoreAtWork(WarehouseError):
    """Raised when a restore is filling the database."""

    is_transient = True


class RestoreInterrupted(WarehouseError):
    """Raised when a restore was interrupted, so that the database holds only a part of the backup."""


class RewriteBlocked(WarehouseError):
    """Raised when a session or a replication slot keeps what was deleted for too long; it can be repeated."""

    is_transient = True


class NotConfirmed(WarehouseError):
    """Raised when a command that deletes data was not confirmed by the name of the database."""
