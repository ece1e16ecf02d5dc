"""The files of the sample, and the documents of the project without what is left over when it is removed."""

from __future__ import annotations

import re
from pathlib import Path

from waybill.project.file_tags import SAMPLE as OWNER
from waybill.project.file_tags import tagged_files
from waybill.settings import PROJECT

SAMPLE = frozenset(tagged_files(PROJECT, OWNER))  # empty once it is removed
README = Path("README.md")
FILLED_BY_NEW = (  # git keeps none of these folders in a project without any source or task
    "loader/sources",
    "loader/contracts",
    "ml/tasks",
    "dbt_project/models/staging",
    "dbt_project/models/marts",
    "expectations/context/assets",
    "expectations/context/suites",
    "pipeline/export/shapes",
    "pipeline/export/schemas",
)


def text_of(document: Path) -> str:
    """Return the text of a document; without the README's quickstart and the marked tests, if the sample is removed."""
    text = (PROJECT / document).read_text(encoding="utf-8")
    if SAMPLE:
        return text
    return re.sub(r"`[^`\n]+`\\\*", "", without_quickstart(text) if document == README else text)


def without_quickstart(readme: str) -> str:
    before, _, quickstart = readme.partition("\n## Quickstart\n")
    return before + "\n## " + quickstart.partition("\n## ")[2]
