"""Erasures of sources with arrays, with nulls that delete, without a version, and whose key is the whole value."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from loader.landing.raw_tables import make_raw_tables
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.modelled import ModelledSources
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.random_documents import sources
from tests.support.own_sources.staging import delivered
from tests.support.small.erased_rows import erase_key
from warehouse.connection import engine

SOURCES_IN_A_BUILD = 3
BUILDS = max(1, settings().max_examples // 40)
MART = """
{{{{ config(
    pre_hook="{{{{ process_new_batches(['int_{source}_deduplicated']) }}}}",
    post_hook="{{{{ delete_rows_not_current(ref('int_{source}_deduplicated')) }}}}",
) }}}}
select document_key as thing_id, value, _batch_id, _position
from {{{{ ref('int_{source}_deduplicated') }}}}
where outcome = 'current'
{{%- if is_incremental() %}}
    and document_key in (
        select document_key from {{{{ ref('int_{source}_deduplicated') }}}} where _batch_id in {{{{ new_batches() }}}}
    )
{{%- endif %}}
"""
MART_YML = """
models:
  - name: fct_{source}
    config: {{unique_key: thing_id}}
    constraints: [{{type: primary_key, columns: [thing_id]}}]
    columns:
      - {{name: thing_id, data_type: text, constraints: [{{type: not_null}}]}}
      - {{name: value, data_type: text}}
      - {{name: _batch_id, data_type: uuid}}
      - {{name: _position, data_type: bigint}}
"""
VALUES = "select value from marts.fct_{} order by 1"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[OwnProject]:
    """Return a project with a source whose nulls delete, and one whose key is the value of the document."""
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(tmp_path_factory.mktemp("erased"), patch)
        declaration, contract, staging = delivered("deleted")
        project.add_source(f"{declaration}topic: deleted\ntombstone: delete\n", contract, staging)
        declaration, contract, staging = delivered("whole")
        project.add_source(declaration.replace("[/id]", "value"), contract, staging)
        for source in ("deleted", "whole"):
            project.add_models({
                f"marts/fct_{source}.sql": MART.format(source=source),
                f"marts/fct_{source}.yml": MART_YML.format(source=source),
            })  # fmt: skip
        make_raw_tables()
        yield project


def build(project: OwnProject, *arguments: str) -> None:
    ran = project.run("build", *arguments)
    assert ran.success, ran.exception or failures(ran)


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def land_null(key: str) -> None:
    """Land a message without a value."""
    batch = land("deleted", {"id": key})
    execute(f"update raw.deleted set document = 'null', _message_key = '[\"{key}\"]' where _batch_id = '{batch}'")


def test_keys_with_nulls_that_delete(project: OwnProject) -> None:
    land("deleted", {"id": "a", "value": "first"}, {"id": "b", "value": "first"}, {"id": "c", "value": "c"})
    land_null("b")
    land("deleted", {"id": "a", "value": "second"})
    land_null("c")
    land("deleted", {"id": "c", "value": "again"})
    build(project)
    assert query(VALUES.format("deleted")) == ["again", "second"]
    for key in ("b", "c"):
        erase_key("deleted", key)
    build(project)
    assert query(VALUES.format("deleted")) == ["second"]
    assert query("select distinct document_key from intermediate.int_deleted_deduplicated") == ["a"]
    incremental = hashes()
    build(project, "--full-refresh")
    assert hashes() == incremental


def test_documents_that_are_their_own_key(project: OwnProject) -> None:
    land("whole", {"id": 1, "value": "x"}, {"id": 1, "value": "x"}, {"id": 1.0, "value": "y"})
    land("whole", {"id": 1, "value": "x"})
    build(project)
    assert query(VALUES.format("whole")) == ["x", "y"]
    (key,) = query("select thing_id from marts.fct_whole where value = 'x'")
    erase_key("whole", key)
    build(project)
    assert query(VALUES.format("whole")) == ["y"]
    assert query("select count(*) from intermediate.int_whole_deduplicated") == [1]


@settings(max_examples=BUILDS, phases=[Phase.explicit, Phase.generate])
@given(
    found=st.lists(sources(), min_size=SOURCES_IN_A_BUILD, max_size=SOURCES_IN_A_BUILD),
    dice=st.randoms(use_true_random=False),
)
def test_random_sources_equal_a_rebuild_after_erasures(
    server: None, found: list[list[dict[str, Any]]], dice: random.Random
) -> None:
    documents = {f"things_{number}": values for number, values in enumerate(found, start=1)}
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder, fresh_database():
        modelled = ModelledSources(Path(folder), patch, documents)
        modelled.build()
        keys = query("select source, document_key from intermediate.document_outcomes where document_key is not null")
        for source, key in dice.sample(sorted(set(keys)), len(set(keys)) // 2):
            erase_key(source, key)
        build(modelled.project)
        assert query("select count(*) from intermediate.document_outcomes where outcome = 'undone'") == [0]
        incremental = hashes()
        build(modelled.project, "--full-refresh")
        assert hashes() == incremental
