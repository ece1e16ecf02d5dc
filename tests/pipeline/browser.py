"""Opens pages of the reports folder in headless Chromium, and collects what no page may do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
LOOKS = [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)]


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start Chromium; without it, skip the test, or fail it in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing = f"none of {', '.join(PROGRAMS)} is installed"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def open_page(browser: Browser, path: Path, look: tuple[str, int], troubles: list[str]) -> Page:
    """Open a page; add to troubles an error that it logs, a dialog that it opens, and a request outside its folder."""
    scheme: Any = look[0]
    page = browser.new_page(color_scheme=scheme, viewport={"width": look[1], "height": 800})
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: None if request.url.startswith("file://") else troubles.append(request.url))
    page.goto(path.as_uri())
    return page


def check_page(browser: Browser, path: Path, look: tuple[str, int]) -> None:
    """Check that a page breaks no axe rule with all its details open, fits the window, and fetches nothing."""
    troubles: list[str] = []
    page = open_page(browser, path, look, troubles)
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    found = Axe().run(page).response["violations"]
    broken = [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found]
    assert broken == [], broken
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    assert troubles == [], troubles
    page.close()
