"""Copies of the project in other folders; their environments borrow the packages of this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from waybill.settings import PROJECT

BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
# runs a command that handles Ctrl-C even if the tests were started in the background, where a shell ignores it
HANDLES_CTRL_C = (
    sys.executable,
    "-c",
    "import os, signal, sys; [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)]; "
    "os.execv(sys.argv[1], sys.argv[1:])",
)


def make_clone(folder: Path) -> Path:
    """Copy the project's files in git, and give the copy an environment like the one set-up makes."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).rstrip("\0").split("\0")
    for name in filter(os.path.exists, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    own, lent = Path(sys.prefix), folder / ".venv"
    (lent / "bin").mkdir(parents=True)
    (lent / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (lent / "lib").symlink_to(own / "lib")
    for path in [
        own / "pyvenv.cfg",
        *(own / "bin" / name for name in ("waybill", "dbt", "activate")),
        *own.glob(".waybill-*"),
    ]:
        shutil.copy2(path, lent / path.relative_to(own))
    return folder


def run_in(
    clone: Path, *command: str, check: bool = True, timeout: int = 300, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the clone, with no variables but PATH and those given."""
    ran = subprocess.run(
        command, cwd=clone, env={**BARE, **variables}, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert not check or ran.returncode == 0, ran.stdout + ran.stderr
    return ran
