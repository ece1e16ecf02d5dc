"""The highest version of a key is current, for every type of version, in every order of arrival (P6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from loader.landing.raw_tables import make_raw_tables
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import versioned

# Versions in rising order. Each pair of neighbours is delivered in both orders.
RISING: dict[str, list[object]] = {
    "timestamptz": [
        "2013-01-01T00:00:00Z",
        "2013-01-01T00:00:00.000000100Z",
        "2013-01-01T00:00:00.0000004Z",
        "2013-01-01T01:00:00.00000041+01:00",
        "2013-01-01T00:00:00.000001Z",
        "2013-01-01T00:00:00.1Z",
        "2013-01-01T00:00:00.1000001Z",
        "2013-01-01T00:00:59.9999994Z",
        "2013-01-01T00:00:59.9999996Z",
        "2013-01-01T00:01:00Z",
    ],
    "integer": [-5, 9, 10.0, 11],
    "bigint": [9007199254740992, 9007199254740993, "9007199254740994"],
    "numeric": [9, 10.5, "10.50000000000000000001", 11, 9007199254740993, "9007199254740993.5"],
    "double precision": ["9007199254740992", "9007199254740993", 1e17],
    "date": ["2013-01-31", "2013-02-01"],
    "text": ["10", "9", "B", "a", "ä"],
}
EQUAL = {
    "timestamptz": ["2013-01-01T00:00:00.1Z", "2013-01-01T00:00:00.10Z", "2013-01-01T01:00:00.1000000000+01:00"],
    "integer": [7, 7.0],
    "numeric": [7, 7.0, "7.00"],
}
OUTCOMES = """
select document_key, value, outcome, surviving_batch_id::text, surviving_position, _batch_id::text, _position
from intermediate.int_{}_deduplicated
order by 1, 2, 6, 7
"""


def source_of_type(version_type: str) -> str:
    return f"of_{version_type.replace(' ', '_')}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[OwnProject]:
    """Return a project with a source for each type of version."""
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(tmp_path_factory.mktemp("order"), patch)
        for version_type in RISING:
            project.add_source(*versioned(source_of_type(version_type), version_type))
        make_raw_tables()
        yield project


def update(project: OwnProject, *arguments: str) -> None:
    ran = project.run("build", *arguments)
    assert ran.success, ran.exception or failures(ran)


def current(source: str) -> dict[str, str]:
    return dict(
        query(f"select document_key, value from intermediate.int_{source}_deduplicated where outcome = 'current'")
    )


def pair_in_both_orders(number: int, low: object, high: object) -> list[tuple[dict[str, object], dict[str, object]]]:
    """Return two deliveries of each of two keys: under one the low version comes first, under the other the high one."""
    return [
        tuple({"id": f"{number} {order}", "value": value, "changed": version} for value, version in versions)
        for order, versions in (
            ("low first", [("low", low), ("high", high)]),
            ("high first", [("high", high), ("low", low)]),
        )
    ]  # type: ignore[misc]


def test_the_highest_version_wins_in_both_orders_of_arrival(project: OwnProject) -> None:
    """Deliver neighbouring versions in both orders, and have dbt read them in two runs."""
    deliveries = {
        version_type: [
            documents
            for number, (low, high) in enumerate(pairwise(versions))
            for documents in pair_in_both_orders(number, low, high)
        ]
        for version_type, versions in RISING.items()
    }
    for delivery in (0, 1):
        for version_type, documents in deliveries.items():
            land(source_of_type(version_type), *(document[delivery] for document in documents))
        update(project)
    for version_type, documents in deliveries.items():
        found = current(source_of_type(version_type))
        assert found.items() >= {str(document["id"]): "high" for document, _ in documents}.items(), version_type


def test_equal_versions_are_decided_by_the_fingerprint(project: OwnProject) -> None:
    """Deliver two values under one key and version in both orders, in one batch and in two runs."""
    keys = [f"tie {n}" for n in range(12)]
    for version_type, spellings in EQUAL.items():
        source = source_of_type(version_type)
        documents = [
            [{"id": key, "value": f"{key} {value}", "changed": spelling} for value, spelling in enumerate(spellings)]
            for key in keys
        ]
        land(source, *(versions[0] for versions in documents[:6]), *(versions[-1] for versions in documents[6:]))
    update(project)
    for version_type, spellings in EQUAL.items():
        source = source_of_type(version_type)
        land(source, *(
            {"id": key, "value": f"{key} {value}", "changed": spelling}
            for key in keys for value, spelling in enumerate(spellings)
        ))  # fmt: skip
    update(project)
    for version_type in EQUAL:
        source = source_of_type(version_type)
        highest = query(
            "select distinct on (document ->> 'id') document ->> 'id', document ->> 'value'"
            f" from raw.{source} where document ->> 'id' like 'tie%' order by 1, _fingerprint desc"
        )
        found = current(source)
        assert {key: found[key] for key in keys} == dict(highest)
