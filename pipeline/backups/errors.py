"""What can go wrong with a backup. Each message is one line that says what to do.

BackupError                  base class
├── BackupRefused            the folder cannot take a backup, pg_dump cannot read the server, or a backup is not gone
├── BackupFailed             pg_dump stopped
├── BackupBroken             a folder is not a whole backup, or one of its files has changed
├── RestoreFailed            pg_restore stopped
└── RestoreDiffers           what was restored is not what the backup's manifest says
"""

from waybill.errors import WaybillError


class BackupError(WaybillError):
    """Base of the errors of backups."""


class BackupRefused(BackupError):
    """Raised when the folder cannot take a backup, the server is newer than pg_dump, or a backup cannot be forgotten.

    Nothing was written.
    """


class BackupFailed(BackupError):
    """Raised when pg_dump stopped. What it had written was removed; older backups are intact."""

    is_transient = True


class BackupBroken(BackupError):
    """Raised when a folder is not a whole backup of Waybill, or one of its files differs from the manifest."""


class RestoreFailed(BackupError):
    """Raised when pg_restore stopped. The same command begins again with an empty database."""


class RestoreDiffers(BackupError):
    """Raised when what was restored is not what the manifest of the backup says."""
