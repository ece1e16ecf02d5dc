"""Formats text for people."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 document`, `1,000 documents`, or `2 entries` with `plural="entries"`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
