"""What `undo` prints: every document, key and reject that it counted."""

from __future__ import annotations

from loader.undo.plan import SourceUndo
from loader.undo.summary import undo_lines
from waybill.cli import shown_command


def test_the_summary_names_outcomes_keys_and_rejects() -> None:
    orders = SourceUndo(
        batches=2, replays=1, files=1, messages=1, documents=12, closed_rejects=3, opened_rejects=1, falling_back=1,
        outcomes={"current": 8, "superseded": 2},
    )  # fmt: skip
    assert list(undo_lines({"orders": orders}, dry_run=True)) == [
        "orders       undone        12 documents of 2 batches and 1 replay   (8 current, 2 superseded, 2 not transformed yet)",
        "             1 key will have an earlier or equal document instead",
        "             rejects: 3 closed, 1 open again",
        f"             files that are still there land again with the next load, also that of `{shown_command('run')}`",
        "             messages of a topic are not read again: to land them again, send them again",
        "nothing written: this is what would be undone",
    ]
