"""Random documents, modelled by Waybill and put into marts, are rebuilt by the export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from pipeline.modelling.writing import export as writing
from tests.support.own_sources.compared_documents import in_order
from tests.support.own_sources.filled_marts import drop_marts, fill_marts
from tests.support.own_sources.modelled import designed, export_to, exported
from tests.support.own_sources.random_documents import sources


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    export_to(tmp_path, monkeypatch)
    return tmp_path


@given(documents=sources())
@example(documents=[{"\x85": {}, "key": "k0"}])
def test_random_documents_are_rebuilt(folder: Path, module_database: str, documents: list[dict[str, Any]]) -> None:
    one = designed("things", documents, folder)
    for path, content in writing.files(one).items():
        (folder / Path(path).name).write_text(content)
    try:
        fill_marts(one, documents)
        assert in_order(exported(folder, one)["things"]) == in_order(documents)
    finally:
        drop_marts()
