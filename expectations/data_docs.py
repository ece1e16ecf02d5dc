"""Renders Data Docs that work offline: Great Expectations' content in pages with inline style and without scripts."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.components import RenderedDocumentContent, RenderedTableContent
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context

from expectations.failures import list_failures
from waybill.text import shown_lines

TEMPLATES = Path(__file__).with_name("templates")


class ResultsPageRenderer(ValidationResultsPageRenderer):
    """The content of a page of results: the package's, with the failed expectations and their severity at the top."""

    def render(
        self, validation_results: ExpectationSuiteValidationResult, suite_parameters: Any = None
    ) -> RenderedDocumentContent:
        """Return the package's content; if expectations failed, with a table of them in the overview."""
        content: RenderedDocumentContent = super().render(validation_results, suite_parameters)
        failures = list_failures([validation_results])
        if failures:
            rows = [
                ["stops the run" if failure.is_critical else "warning", failure.expectation, failure.result]
                for failure in failures
            ]
            table = RenderedTableContent(table=rows, header_row=["Failed", "Expectation", "Observed"])
            content.sections[0].content_blocks.insert(1, table)
        return content


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
