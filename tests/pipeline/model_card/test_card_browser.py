"""The model card in headless Chromium: light and dark, wide and on a phone, by keyboard and on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from tests.pipeline.browser import LOOKS, check_page, open_page, start_browser
from tests.pipeline.model_card.manifests import BINARY, OLD, OLDEST, SEVERAL

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with start_browser() as opened:
        yield opened


@pytest.fixture
def card(write_cards: Callable[..., Path]) -> Path:
    return write_cards(BINARY, SEVERAL, OLD, OLDEST, limits=["Not for gifts."]) / "model.html"


def test_no_look_breaks_an_axe_rule_or_fetches_anything(browser: Browser, card: Path) -> None:
    for look in LOOKS:
        check_page(browser, card, look)


def test_every_link_leads_to_a_section_or_the_report(browser: Browser, card: Path) -> None:
    page = open_page(browser, card, LOOKS[0], [])
    anchors = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(anchors) == len(set(anchors))
    links = page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert {link for link in links if not link.startswith("#")} == {"index.html"}
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    assert len(links) > 30
    page.close()


def test_on_a_phone_tables_scroll_below_their_row_names(browser: Browser, card: Path) -> None:
    page = open_page(browser, card, ("light", 360), [])
    region = page.get_by_role("region", name="Candidates on validation of returns")
    region.evaluate("element => { element.scrollLeft = 200 }")
    assert region.evaluate("element => element.scrollLeft") == 200
    name = region.get_by_role("rowheader", name="random_forest")
    assert name.bounding_box()["x"] >= 0  # type: ignore[index]
    page.close()


LONG = [f"{number} a group of columns" for number in range(3)]
WIDE: dict[str, Any] = {
    **BINARY,
    "importance": [
        {
            "name": name,
            "features": [f"minutes_of_step_{number}" for number in range(30)],
            "drop": 0.1,
            "low": 0,
            "high": 0.2,
        }
        for name in LONG
    ],
}
WORD_PARTS = """element => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), broken = [];
    for (let node; node = walker.nextNode();)
        for (const {0: word, index} of node.data.matchAll(/[^ _-]+[_-]?/g)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (new Set([...range.getClientRects()].map(one => one.top)).size > 1) broken.push(word);
        }
    return broken;
}"""


@pytest.mark.parametrize(("width", "media"), [(1200, "screen"), (500, "screen"), (720, "print")])
def test_features_of_a_group_wrap_between_words(
    browser: Browser, write_cards: Callable[..., Path], width: int, media: Literal["screen", "print"]
) -> None:
    page = open_page(browser, write_cards(WIDE) / "model.html", ("light", width), [])
    page.emulate_media(media=media)
    features = page.get_by_role("region", name="Importance of the features of returns")
    assert features.evaluate("element => element.scrollWidth <= element.clientWidth")
    for table in page.locator("table.figures").all():
        for name in table.locator("tbody th").all():
            assert name.evaluate(WORD_PARTS) == []
    page.close()


def test_on_paper_folds_are_open_and_navigation_is_gone(browser: Browser, card: Path) -> None:
    page = open_page(browser, card, LOOKS[0], [])
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Models").is_visible()
    assert page.get_by_role("heading", name="returns").is_visible()
    assert page.get_by_role("cell", name="orders: orders.ndjson").first.bounding_box()["height"] > 0  # type: ignore[index]
    page.close()
