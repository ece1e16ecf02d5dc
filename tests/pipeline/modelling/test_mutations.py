"""Of data that changed in a way that is wrong, the report names what is wrong; of similar data it says nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.pipeline.modelling.mutated import MUTATIONS, Document, lines, visits
from tests.support.databases import fresh_database
from tests.support.own_sources.clone import NewProject

pytestmark = pytest.mark.slow

IN_SHORT = ("a key nulled", "a new value", "a day doubled", "text where numbers were")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[NewProject]:
    """Return a clone in which the visits are modelled."""
    project = NewProject(tmp_path_factory.mktemp("visits"))
    project.waybill("new", "visits", project.write("visits.ndjson", lines(visits())))
    with fresh_database():
        yield project


def reported(project: NewProject, *deliveries: list[Document]) -> str:
    """Load the deliveries into a new database, build the marts and run both gates; return all that is reported."""
    with fresh_database():
        said = ""
        for number, documents in enumerate(deliveries):
            file = project.write(f"delivery-{number}.ndjson", lines(documents))
            said += project.waybill("load", "visits", file).stdout
        said += project.waybill("dbt", "build", "--select", "tag:visits").stdout
        said += project.waybill("run", "check-raw", "check-marts", "report").stdout
    for listed in sorted((project.folder / "reports" / "validation").glob("*_warnings.csv")):
        said += "".join(f"warning: {one}\n" for one in sorted(_expectations(listed)))
        listed.unlink()
    page = (project.folder / "reports" / "index.html").read_text(encoding="utf-8")
    text = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.S)
    return said + re.sub(r"\s+", " ", text)


def _expectations(file: Path) -> set[str]:
    with file.open(newline="", encoding="utf-8") as handle:
        return {f"{row['suite']}: {row['expectation']}: {row['row'][:80]}" for row in csv.DictReader(handle)}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.long) for name in MUTATIONS]
)
def test_a_mutation_is_named_in_the_report(project: NewProject, name: str) -> None:
    make, expected = MUTATIONS[name]
    assert re.search(expected, reported(project, make())), name


@pytest.mark.long
def test_similar_data_raises_no_warning(project: NewProject) -> None:
    later = visits(300, seed=3, first_day=date(2024, 7, 26), first_id=2001)
    for deliveries in ([visits()], [visits(), visits()[::-1]], [visits(), later], [visits(seed=2)]):
        said = reported(project, *deliveries)
        assert "16 of 16 expectations held" in said
        assert "38 of 38 expectations held" in said
        assert "warning:" not in said
        assert "0 rejected" in said
