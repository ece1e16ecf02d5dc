"""The second half of docs/your-own-json.md, word by word: months of files, a new field, a model, and only mine."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.own_sources.clone import NewProject
from tests.support.own_sources.page import follow, halves

TRAINED = re.compile(r"test roc_auc (0\.\d+)")


def test_the_second_half_can_be_followed_word_by_word(database: str, tmp_path: Path) -> None:
    outputs = follow(NewProject(tmp_path), halves()[1], database)
    (trained,) = (found for output in outputs.values() if (found := TRAINED.search(output)))
    assert float(trained[1]) > 0.9  # an honest split, without the column that gives the label away
