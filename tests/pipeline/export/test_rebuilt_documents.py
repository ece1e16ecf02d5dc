"""Random documents, modelled by Waybill and put into marts, are rebuilt by the export as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import pipeline.export.export
from pipeline.export import shapes
from pipeline.export.export import export
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profiling import profile
from pipeline.modelling.writing import export as writing
from tests.support.own_sources.compared_documents import comparable, dumped, exactly
from tests.support.own_sources.filled_marts import drop_marts, fill_marts
from tests.support.own_sources.random_documents import sources

SOURCE = "things"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Export the shapes in a temporary folder, to the same folder."""
    monkeypatch.setattr(shapes, "SHAPES", tmp_path)
    monkeypatch.setattr(pipeline.export.export, "SCHEMAS", tmp_path)
    monkeypatch.setenv("WAYBILL_PROCESSED", str(tmp_path))
    yield tmp_path


def designed(folder: Path, documents: list[dict[str, Any]]) -> Design:
    file = folder / f"{SOURCE}.ndjson"
    file.write_bytes(b"".join(dumped(document) + b"\n" for document in documents))
    return design(profile(SOURCE, [file], layout="ndjson"), SOURCE, Flags())


def exported(folder: Path, one: Design) -> list[Any]:
    for path, content in writing.files(one).items():
        (folder / Path(path).name).write_text(content)
    export()
    rebuilt: list[Any] = exactly((folder / f"fct_{SOURCE}.json").read_bytes())
    return rebuilt


def in_order(documents: list[Any]) -> list[Any]:
    return sorted(map(comparable, documents), key=repr)


@given(documents=sources())
def test_random_documents_are_rebuilt(folder: Path, module_database: str, documents: list[dict[str, Any]]) -> None:
    one = designed(folder, documents)
    try:
        fill_marts(one, documents)
        assert in_order(exported(folder, one)) == in_order(documents)
    finally:
        drop_marts()
