"""The order of files, documents and members changes nothing that is decided, whatever the documents are."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profiling import profile

pytestmark = pytest.mark.slow
SCALARS = st.sampled_from([None, True, 1, 2.5, 10**19, "", "NA", "a", "2024-01-01", "2024-01-01T00:00:00Z", "007"])
NAMES = st.sampled_from(["id", "ID", "user_id", "userId", "order", "2013", "", "a.b", "_id", "é", "updated_at", "tags"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5), min_size=2, max_size=8)


def designed(folder: Path, documents: list[dict[str, Any]], *, files: int) -> Design:
    """Return the design of documents in several files, without the evidence about the files themselves."""
    for number in range(files):
        lines = [json.dumps(document) for document in documents[number::files]]
        (folder / f"{number}.ndjson").write_text("\n".join(lines) + "\n")
    made = design(profile("things", [folder], layout="ndjson"), "things", Flags())
    return replace(made, decisions=tuple(each for each in made.decisions if each.about != "layout"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=DOCUMENTS, seed=st.integers(0, 9))
def test_shuffled_documents_in_other_files_are_modelled_alike(documents: list[dict[str, Any]], seed: int) -> None:
    shuffled = random.Random(seed).sample(documents, len(documents))
    turned = [dict(reversed(document.items())) for document in shuffled]
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        assert designed(Path(one), documents, files=1) == designed(Path(other), turned, files=2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=DOCUMENTS)
def test_names_are_different_whatever_the_documents_are(documents: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        made = designed(Path(folder), documents, files=1)
    names = [made.mart(table) for table in made.tables]
    assert len(set(names)) == len(names)
    for table in made.tables:
        columns = [column.name for column in table.columns]
        inherited = made.primary_key(table) if table.parent is not None else ()
        assert len({*columns, *inherited}) == len(columns) + len(inherited)
        assert all(len(name.encode()) <= 55 for name in (made.mart(table), *columns, *inherited))
