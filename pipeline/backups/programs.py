"""Runs PostgreSQL's programs as the owner of the warehouse, so that they end with the command that started them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from warehouse.connection import Warehouse, login_parameters
from warehouse.server_paths import installed_binaries
from waybill.background_processes import end_with_parent
from waybill.file_lock import file_lock, is_locked
from waybill.settings import Settings

FOLDER, PRIVATE = "programs", 0o700  # in the state folder, with the password of each program that is running
MAX_JOBS = 4
STOP_SECONDS = 10
FULL_DISK = "No space left on device"
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "client_encoding": "PGCLIENTENCODING",
}


class Program:
    """A program that was started; its errors are kept until it has ended."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        """Keep the process, and the file that its errors are written to."""
        self._process = process
        self._errors = errors

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        return self._process.wait()

    def errors(self) -> str:
        """Return what it has written to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "backslashreplace")

    def end(self) -> None:
        """End it unless it has ended. Its workers end with it, but may still write for a moment."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def started(warehouse: Warehouse, session: str, name: str, arguments: Sequence[str]) -> Iterator[Program]:
    """Start a program of PostgreSQL on the warehouse and end it after the block, if it is still running.

    `session` is how PostgreSQL names its sessions. If this process is killed, the program ends as well.
    """
    with private_folder(warehouse.settings) as private, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(installed_binaries() / name), *arguments],
            env={**_environment(warehouse, private), "PGAPPNAME": session},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=end_with_parent(),
        )
        program = Program(process, errors)
        try:
            yield program
        finally:
            program.end()


@contextmanager
def private_folder(settings: Settings) -> Iterator[Path]:
    """Give a folder for a password; it is removed after the block, or by the next program if this process is killed."""
    parent = settings.state_folder / FOLDER
    parent.mkdir(PRIVATE, parents=True, exist_ok=True)
    with ExitStack() as locks:
        with file_lock(parent):
            for left in parent.iterdir():
                if not is_locked(left):
                    shutil.rmtree(left)
            folder = Path(tempfile.mkdtemp(dir=parent))
            locks.enter_context(file_lock(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def jobs() -> int:
    """Return in how many processes a program may work."""
    return min(os.cpu_count() or 1, MAX_JOBS)


def raise_if_full(output: str, path: Path | str) -> None:
    """Raise the system's error for a full disk if a program has written that the disk of `path` is full."""
    if FULL_DISK in output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _environment(warehouse: Warehouse, private: Path) -> dict[str, str]:
    """Return the variables of libpq; the password is in a file that only this user can read."""
    parameters = login_parameters(warehouse, "owner")
    kept = {name: value for name, value in os.environ.items() if name != "PGPASSWORD"}
    chosen = {variable: parameters[keyword] for keyword, variable in VARIABLES.items() if keyword in parameters}
    if password := parameters.get("password"):
        passwords = private / "pgpass"
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        descriptor = os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{escaped}\n")
        chosen["PGPASSFILE"] = str(passwords)
    return {**kept, **chosen, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
