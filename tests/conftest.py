"""Fixtures that every test can use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import fresh_database


@pytest.fixture
def database() -> Iterator[str]:
    """A fresh database with roles, schemas and ledger, named by PGDATABASE while the test runs."""
    with fresh_database() as name:
        yield name


@pytest.fixture(scope="module")
def module_database() -> Iterator[str]:
    """The same for all tests of a module."""
    with fresh_database() as name:
        yield name
