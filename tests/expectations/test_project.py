"""The committed project of Great Expectations, whatever its assets are."""

from __future__ import annotations

import subprocess

import pytest

from expectations.assets import CONTEXT
from expectations.checkpoints import run_checkpoint
from expectations.errors import NoSuchCheckpoint


def test_an_unknown_checkpoint_lists_the_known_ones() -> None:
    with pytest.raises(NoSuchCheckpoint, match="there is no checkpoint row: choose from marts, raw"):
        run_checkpoint("row")


def test_the_committed_project_contains_no_connection() -> None:
    committed = subprocess.run(
        ["grep", "-rEl", "postgresql|password", str(CONTEXT)], capture_output=True, text=True, check=False
    )
    assert committed.stdout == ""
