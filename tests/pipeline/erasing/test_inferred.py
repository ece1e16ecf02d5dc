"""Inferred rows of other sources' dimensions, and copies of them, go with the erased documents that made them."""

from __future__ import annotations

import pytest

import pipeline.dbt.build
from pipeline.erasing.building import build_downstream
from pipeline.erasing.lineage import read_lineage
from tests.dbt_project import test_references
from tests.dbt_project.test_references import content, members
from tests.support.dbt_command import query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.small.erased_rows import erase_key

pytestmark = pytest.mark.server
referring = test_references.project  # owners, shops and visits that refer to each other

COPY = "{{ config(materialized='table', schema='marts') }} select shop_id, is_inferred from {{ ref('dim_shops') }}"


def erase_and_build(source: str, key: str) -> None:
    erase_key(source, key)
    lineage = read_lineage()
    build_downstream(lineage, lineage.downstream(source))


def test_inferred_rows_and_their_copies_go_with_a_visit(referring: OwnProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.dbt.build, "DBT_PROJECT", referring.project)
    referring.add_models({"copies/copied_shops.sql": COPY})
    land("shops", {"id": "s1", "name": "kept"}, {"id": "s2", "name": "personal"})
    land("visits", {"id": "v1", "owner": "s1"}, {"id": "v2", "owner": "s2"})
    test_references.build(referring)
    before = content()
    land("visits", {"id": "v3", "owner": "only of v3"})
    test_references.build(referring)
    test_references.build(referring)  # the copy may have been made before the visits inferred their shop
    assert ("only of v3", True) in query("select * from marts.copied_shops")

    assert "copied_shops" in {relation.name for relation in read_lineage().downstream("visits").relations}
    erase_and_build("visits", "v3")
    assert content() == before
    assert sorted(query("select * from marts.copied_shops")) == [("s1", False), ("s2", False)]

    erase_and_build("shops", "s2")
    assert members("dim_shops") == {"s1": False, "s2": True}
    assert query("select name from marts.dim_shops where shop_id = 's2'") == [None]
    erase_and_build("visits", "v2")
    assert members("dim_shops") == {"s1": False}
    assert query("select * from intermediate.unused_rows") == []
    assert query("select * from marts.copied_shops") == [("s1", False)]
