"""Writes files completely or not at all, even if the process is killed or the disk is full."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; it replaces the file if the block succeeds and is deleted otherwise.

    Raises:
        OSError: with the file's name, even if the system names none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _name_in_errors(path):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def partial_folder(path: Path) -> Iterator[Path]:
    """Give an empty hidden folder beside a file, for unfinished parts of it; delete the folder at the end.

    Raises:
        OSError: with the file's name, even if the system names none.
    """
    partial = path.with_name(f".{path.name}.parts")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _name_in_errors(path):
            partial.mkdir()
            yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _name_in_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_private(path: Path, text: str) -> None:
    """Write a text file that only its owner can read, completely or not at all."""
    with atomic_file(path) as partial:
        secret = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(secret, "w", encoding="utf-8") as file:
            file.write(text)


def write_atomic(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
