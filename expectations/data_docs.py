"""Renders Data Docs that work offline: Great Expectations' content in pages with inline style and without scripts."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context

from waybill.text import shown_lines

TEMPLATES = Path(__file__).with_name("templates")


class OfflinePageView(DefaultJinjaPageView):
    """A page of an expectation suite or a validation result.

    Our templates take precedence over the package's: they have no links to content networks, and their tables, tabs
    and folds need no script. Text from the data is always escaped, which the package does only in some blocks.
    """

    def __init__(self, **directories: Any) -> None:
        """Let our templates take precedence over the package's."""
        super().__init__(**directories)
        packaged = [self.env.loader] if self.env.loader else []
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), *packaged])
        self.env.globals["style"] = TEMPLATES.joinpath("data_docs.css").read_text(encoding="utf-8")

    @pass_context
    def render_content_block(
        self,
        jinja_context: Any,
        content_block: Any,
        index: Any = None,
        content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Any:
        """Render one block; plain text is a value from the data or a name, so escape it."""
        if isinstance(content_block, str):
            return html.escape(shown_lines(content_block))
        if isinstance(content_block, list):
            content_block = [
                html.escape(shown_lines(part)) if isinstance(part, str) else part for part in content_block
            ]
        return super().render_content_block(jinja_context, content_block, index, content_block_id, render_to_markdown)


class OfflineIndexView(OfflinePageView, DefaultJinjaIndexPageView):
    """The page that lists all suites and validation results."""

    _template = "index_page.j2"
