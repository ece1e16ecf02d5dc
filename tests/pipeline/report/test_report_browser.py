# waybill: sample
"""The report pages in headless Chromium: light and dark, wide and on a phone, and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from pipeline.report.page import write_report
from tests.pipeline.browser import LOOKS, check_page, open_page, start_browser
from tests.pipeline.conftest import STAGES, fill_reports

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with start_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(full_warehouse: dict[str, UUID], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("reports", "models"):
            patch.setenv(f"WAYBILL_{kind.upper()}", str(folder / kind))
        patch.setattr("pipeline.dbt.results.results_path", lambda settings: folder / "dbt.json")
        fill_reports(folder / "dbt.json")
        write_report(STAGES)
        yield folder / "reports"


@pytest.fixture
def troubles() -> list[str]:
    """Collect what no page may do: log an error, open a dialog, or request anything outside its folder."""
    return []


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", ["index.html", "documents.html"])
def test_no_page_breaks_an_axe_rule_or_fetches_anything(
    browser: Browser, pages: Path, name: str, look: tuple[str, int]
) -> None:
    check_page(browser, pages / name, look)


def test_the_costs_fit_a_wide_window_and_a_phone(browser: Browser, pages: Path, troubles: list[str]) -> None:
    page = open_page(browser, pages / "index.html", ("light", 1200), troubles)
    region = page.get_by_role("region", name="Figures of each stage")
    assert region.evaluate("element => element.scrollWidth <= element.clientWidth")
    page.set_viewport_size({"width": 360, "height": 800})
    region.evaluate("element => { element.scrollLeft = 300 }")
    assert region.evaluate("element => element.scrollLeft") == 300
    assert region.get_by_role("rowheader", name="load").bounding_box()["x"] >= 0  # type: ignore[index]
    page.close()


def test_every_link_of_both_pages_leads_somewhere(browser: Browser, pages: Path, troubles: list[str]) -> None:
    index = open_page(browser, pages / "index.html", LOOKS[0], troubles)
    single = open_page(browser, pages / "documents.html", LOOKS[0], troubles)
    anchors = {
        page: set(page.locator("[id]").evaluate_all("all => all.map(one => one.id)")) for page in (index, single)
    }
    checked = 0
    for page in (index, single):
        for link in page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))"):
            file, _, anchor = link.partition("#")
            target = {"": page, "index.html": index, "documents.html": single}.get(file)
            if target is None:
                assert (pages / file).exists(), link
            elif anchor:
                assert anchor in anchors[target], link
            checked += 1
    assert checked > 20
    index.close()
    single.close()


def test_markup_in_a_document_is_shown_and_not_run(browser: Browser, pages: Path, troubles: list[str]) -> None:
    page = open_page(browser, pages / "index.html", LOOKS[0], troubles)
    page.get_by_role("link", name="data/raw/flights.ndjson:201").click()
    entry = page.locator("article:target")
    assert entry.locator("pre").inner_text().strip() == "<script>alert(1)</script>"
    assert "not_json: at <here>" in entry.inner_text()
    assert troubles == []
    page.close()


def test_the_flow_picture_shows_and_links_the_books(browser: Browser, pages: Path, troubles: list[str]) -> None:
    page = open_page(browser, pages / "index.html", LOOKS[0], troubles)
    output = page.locator("svg.flow").text_content()
    for name, number in {"read": 208, "landed": 206, "rejected": 2, "current": 203, "uncastable": 1}.items():
        assert f"{name}{number}" in "".join((output or "").split())
    page.get_by_role("group", name="Flow of all documents").get_by_role("link", name="uncastable").click()
    assert page.evaluate("location.hash") == "#outcome-uncastable"
    page.close()


def test_the_keyboard_reaches_content_folds_and_wide_tables(browser: Browser, pages: Path, troubles: list[str]) -> None:
    page = open_page(browser, pages / "index.html", ("light", 360), troubles)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.locator("summary").last.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").last.evaluate("element => element.open")
    region = page.get_by_role("region", name="Books of each source")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("element => element.scrollLeft > 0", arg=region.element_handle())
    page.close()
