"""The architecture page is checked against the tree: packages, arrows, and the modules in a document's life."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.sample import FILLED_BY_NEW, SAMPLE
from tests.house.test_arrows import ARROWS

PAGE = Path("docs/architecture.md").read_text()
STEPS = ["Bytes", "Frame", "Check", "Batch", "Transaction", "Run", "Outcome", "Mart", "Prediction", "Lineage"]


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_arrows_are_those_that_imports_follow() -> None:
    rows = re.findall(r"^\| `(\w+)/` \| ([^|]+) \|", section("Packages"), re.M)
    assert {package: set(re.findall(r"`(\w+)`", imports)) for package, imports in rows} == ARROWS


def test_the_life_of_a_document_has_ten_lines() -> None:
    lines = section("The life of one document").strip().splitlines()
    assert [re.match(r"\d+\. \*\*(\w+)", line)[1] for line in lines] == STEPS  # type: ignore[index]
    for line in lines:
        paths = re.findall(r"`([\w/.]+/[\w/.]+)`", line)
        assert paths, line
        assert [path for path in paths if not Path(path).exists() and (SAMPLE or path not in FILLED_BY_NEW)] == []


def test_the_sub_packages_of_the_loader_exist() -> None:
    named = re.findall(r"`loader/(\w+)/`", section("Packages"))
    folders = {path.parent.name for path in Path("loader").glob("*/__init__.py")}
    assert set(named) == folders


def test_the_glossary_names_every_outcome_and_feed() -> None:
    from warehouse.outcomes import OUTCOMES

    glossary = section("Glossary")
    assert [outcome for outcome in OUTCOMES if outcome not in glossary] == []
