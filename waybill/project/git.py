"""Asks git about the project's folder."""

from __future__ import annotations

import os
import subprocess

from waybill.settings import PROJECT


def ask_git(*arguments: str, seconds: float | None = None) -> str:
    """Return what git prints; empty without git, if it does not know the folder, or takes longer than `seconds`."""
    try:
        ran = subprocess.run(
            ["git", *arguments],
            cwd=PROJECT,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            check=False,
            text=True,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
