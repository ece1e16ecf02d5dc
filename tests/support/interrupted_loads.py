"""Interrupts a load after a number of batches, as a killed process would be."""

from __future__ import annotations

from typing import Any

import pytest

import loader.landing.source_load


class Killed(BaseException):
    """Simulates the death of the process: nothing in the loader catches it."""


def kill_load_after(chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise Killed before the next batch lands, after this many have landed."""
    landed = 0
    land = loader.landing.source_load.land

    def and_die(*arguments: Any) -> Any:
        nonlocal landed
        landed += 1
        if landed > chunks:
            raise Killed
        return land(*arguments)

    monkeypatch.setattr(loader.landing.source_load, "land", and_die)
