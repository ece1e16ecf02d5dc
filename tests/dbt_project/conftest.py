"""One database for the modules of this folder, emptied for each test, and dbt in this process."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.databases import fresh_database
from tests.support.dbt_command import Dbt
from tests.support.landing import make_empty

DATABASE = f"dbt_{uuid4().hex[:12]}"  # the same for all modules: dbt parses the whole project again for another one


@pytest.fixture(scope="session")
def dbt_folder(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def dbt_database(server: None, dbt_folder: Dbt) -> Iterator[Dbt]:
    with fresh_database(name=DATABASE):
        yield dbt_folder


@pytest.fixture
def dbt(dbt_database: Dbt) -> Dbt:
    """Return dbt, with a warehouse in which nothing has landed yet."""
    make_empty()
    return dbt_database
