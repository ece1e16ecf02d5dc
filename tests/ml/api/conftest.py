"""A trained small task, and a server that answers with it for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import ml.task
from ml.train import train
from tests.support.api.serving import Served, served
from tests.support.small.task import TASK, execute, make_rows


@pytest.fixture(scope="module")
def trained(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Declare and train the small task; give the folder of its models."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "tasks").mkdir()
    (folder / "tasks" / "small.yml").write_text(yaml.safe_dump(TASK))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ml.task, "TASKS", folder / "tasks")
        patch.setenv("WAYBILL_MODELS", str(folder / "models"))
        make_rows()
        execute("grant select on marts.rows to waybill_api")
        train("small")
        yield folder / "models" / "small"


@pytest.fixture(scope="module")
def api(trained: Path) -> Iterator[Served]:
    """Serve the small task, with little patience for slow clients."""
    with served(TEST_API_SECONDS="2") as server:
        yield server
