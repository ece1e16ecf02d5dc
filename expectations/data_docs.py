"""Data Docs without a network: Great Expectations' own content in pages that hold their style and run no script."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context

TEMPLATES = Path(__file__).with_name("templates")


class OfflinePageView(DefaultJinjaPageView):
    """A page of an expectation suite or a validation result.

    Templates of ours stand before those of the package: without its links to content networks, and with tables,
    tabs and folds that need no script. Texts from the data are escaped, which the package leaves to chance.
    """

    def __init__(self, **directories: Any) -> None:
        """Put our templates before the package's own."""
        super().__init__(**directories)
        packaged = [self.env.loader] if self.env.loader else []
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), *packaged])
        self.env.globals["style"] = TEMPLATES.joinpath("data_docs.css").read_text()

    @pass_context
    def render_content_block(
        self,
        jinja_context: Any,
        content_block: Any,
        index: Any = None,
        content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Any:
        """Render one block; a bare text is a value of the data or a name, never markup."""
        if isinstance(content_block, str):
            return html.escape(content_block)
        if isinstance(content_block, list):
            content_block = [html.escape(part) if isinstance(part, str) else part for part in content_block]
        return super().render_content_block(jinja_context, content_block, index, content_block_id, render_to_markdown)


class OfflineIndexView(OfflinePageView, DefaultJinjaIndexPageView):
    """The page that lists what was validated."""

    _template = "index_page.j2"
